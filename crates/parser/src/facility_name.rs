//! Names of time zones and of locales.

use std::fmt::{self, Display, Formatter};

/// Longest name, in bytes; the longest real ones have some thirty.
const MAX_BYTES: usize = 100;

/// The name of a time zone: a path below `zoneinfo`, such as `Europe/Prague` or `Etc/GMT+1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ZoneName(String);

impl ZoneName {
    /// Reads a name; nothing if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_part = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-+.".contains(&byte))
        };
        (text.len() <= MAX_BYTES && text.split('/').all(is_part)).then(|| Self(text.to_owned()))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for ZoneName {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The name of a locale, `language[_TERRITORY][.charset][@modifier]` (`setlocale(3)`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocaleName(String);

impl LocaleName {
    /// Reads a name; nothing if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_name = text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.@".contains(&byte));
        (text.len() <= MAX_BYTES && is_name).then(|| Self(text.to_owned()))
    }

    /// Returns the name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name as glibc has it in file names: the character set in lower case, with letters
    /// and digits alone, and `iso` before one of digits (`_nl_normalize_codeset`).
    #[must_use]
    pub fn normalized(&self) -> String {
        let (rest, modifier) = match self.0.split_once('@') {
            Some((rest, modifier)) => (rest, format!("@{modifier}")),
            None => (self.0.as_str(), String::new()),
        };
        let Some((language, charset)) = rest.split_once('.') else { return self.0.clone() };
        let charset: String =
            charset.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        let iso = if charset.bytes().all(|byte| byte.is_ascii_digit()) { "iso" } else { "" };
        format!("{language}.{iso}{charset}{modifier}")
    }
}

impl Display for LocaleName {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_paths_that_stay_below() {
        for name in ["UTC", "Europe/Prague", "Etc/GMT+1", "America/Argentina/Buenos_Aires"] {
            assert_eq!(ZoneName::parse(name).as_ref().map(ZoneName::as_str), Some(name));
        }
        for name in ["", "/etc/passwd", "../x", "Europe/", "a//b", "Europe/..", "a b", "\u{e9}"] {
            assert_eq!(ZoneName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn locales_have_one_name_in_files() {
        let normalized = |name: &str| LocaleName::parse(name).map(|name| name.normalized());
        for (name, expected) in [
            ("C.UTF-8", "C.utf8"),
            ("de_DE", "de_DE"),
            ("de_DE.UTF-8@euro", "de_DE.utf8@euro"),
            ("en_US.8859-1", "en_US.iso88591"),
            ("sr_RS@latin", "sr_RS@latin"),
        ] {
            assert_eq!(normalized(name).as_deref(), Some(expected));
        }
        for name in ["", "/x", "a/b", ".utf8", "de DE"] {
            assert_eq!(normalized(name), None, "{name}");
        }
    }
}
