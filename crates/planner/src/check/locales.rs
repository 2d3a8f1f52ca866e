//! The locale that the environment names is there.
//!
//! Without a word about it a program runs in the locale `C`, as it should; so only a locale that the
//! recipe asks for can be missing. `C` and `POSIX` are built in, `C.UTF-8` is not (glibc 2.36). Other
//! C libraries than glibc bring theirs.

use crate::check::Finding;
use crate::check::scene::Scene;
use crate::check::terminals;
use crate::facts::Mention;

/// The variables by their weight (`locale(7)`).
const VARIABLES: &[&str] = &["LC_ALL", "LC_CTYPE", "LANG"];

/// Functions that set a locale.
const SET: &[&str] = &["setlocale", "newlocale", "_ZNSt6localeC1EPKc", "_ZNSt6localeC1Ev"];

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let Some((variable, locale)) =
        VARIABLES.iter().find_map(|name| Some((*name, scene.variable(name)?)))
    else {
        return wanted(scene);
    };
    if matches!(locale, "C" | "POSIX") || scene.variable("LOCPATH").is_some() {
        return Vec::new();
    }
    let users = scene.users(|program| program.is_glibc().then(|| program.calls_itself(SET))?);
    let by: Vec<_> = users.sure.into_iter().chain(users.possible).collect();
    if by.is_empty() || is_there(scene, locale) {
        return Vec::new();
    }
    vec![Finding::NoLocale { variable, locale: locale.to_owned(), by }]
}

/// Reports programs that draw on terminals and name locales of UTF-8 themselves: tmux refuses to
/// start without one.
fn wanted(scene: &Scene<'_>) -> Vec<Finding> {
    let users = scene.users(|program| {
        program.calls_itself(terminals::DRIVE)?;
        program.calls_itself(SET)?;
        program.is_glibc().then(|| program.mentions(Mention::Utf8Locales))?
    });
    if users.sure.is_empty() { Vec::new() } else { vec![Finding::NoUtf8Locale { by: users.sure }] }
}

/// Tells whether a locale has a directory of its own, or may be in the archive of all.
fn is_there(scene: &Scene<'_>, locale: &str) -> bool {
    let normal = normalized(locale);
    scene.has("/usr/lib/locale/locale-archive")
        || scene
            .has_in("/usr/lib/locale", |name| normalized(&String::from_utf8_lossy(name)) == normal)
}

/// Writes the character set of a locale as glibc compares it (`_nl_normalize_codeset`): letters
/// and digits alone, in lower case.
fn normalized(locale: &str) -> String {
    let Some((language, charset)) = locale.split_once('.') else { return locale.to_owned() };
    let (charset, modifier) = charset.split_once('@').unwrap_or((charset, ""));
    let charset = charset.chars().filter(char::is_ascii_alphanumeric);
    let charset: String = charset.map(|letter| letter.to_ascii_lowercase()).collect();
    format!("{language}.{charset}@{modifier}")
}

#[cfg(test)]
mod tests {
    use super::normalized;

    #[test]
    fn character_sets_are_compared_by_letters_and_digits() {
        assert_eq!(normalized("C.UTF-8"), normalized("C.utf8"));
        assert_ne!(normalized("C.UTF-8"), normalized("C.UTF-16"));
        assert_ne!(normalized("de_DE.UTF-8@euro"), normalized("de_DE.UTF-8"));
    }
}
