//! The name of an image.

use std::fmt::{self, Display, Formatter};

/// Why a text names no image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageNameProblem {
    /// Nothing was given.
    #[error("is empty")]
    Empty,
    /// The repository is not made of lower-case letters, digits and separators.
    #[error("is not made of lower-case letters, digits, and `.`, `_`, `-` or `/` between them")]
    Repository,
    /// The tag is not of the form that registries take.
    #[error("has a tag that is not made of 1 to 128 letters, digits, `_`, `.` and `-`")]
    Tag,
    /// A digest can only be the result of a build.
    #[error("carries a digest, which only a build can give")]
    Digest,
    /// More than 255 bytes.
    #[error("has more than 255 bytes")]
    TooLong,
}

/// The name of an image: a repository, with a tag or without, such as `rg` or `ghcr.io/acme/rg:14`.
///
/// The grammar is the one of the distribution specification ("Pulling manifests", `<name>` and
/// `<reference>`), with a registry's host and port in front if there is a dot, a colon or
/// `localhost` in the first component.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageName {
    repository: String,
    tag: Option<String>,
}

impl ImageName {
    /// Checks a name.
    ///
    /// # Errors
    /// See [`ImageNameProblem`].
    pub fn parse(text: &str) -> Result<Self, ImageNameProblem> {
        if text.is_empty() {
            return Err(ImageNameProblem::Empty);
        }
        if text.len() > 255 {
            return Err(ImageNameProblem::TooLong);
        }
        if text.contains('@') {
            return Err(ImageNameProblem::Digest);
        }
        let last = text.rfind('/').map_or(0, |slash| slash + 1);
        let (repository, tag) = match text[last..].find(':') {
            Some(colon) => (&text[..last + colon], Some(&text[last + colon + 1..])),
            None => (text, None),
        };
        let (registry, path) = match repository.split_once('/') {
            Some((first, path)) if first.contains(['.', ':']) || first == "localhost" => {
                (Some(first), path)
            }
            _ => (None, repository),
        };
        if !registry.is_none_or(is_registry) || !path.split('/').all(is_component) {
            return Err(ImageNameProblem::Repository);
        }
        if !tag.is_none_or(is_tag) {
            return Err(ImageNameProblem::Tag);
        }
        Ok(Self { repository: repository.to_owned(), tag: tag.map(str::to_owned) })
    }

    /// Returns the name without a tag: `ghcr.io/acme/rg`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Returns the tag, `latest` if none was written.
    #[must_use]
    pub fn tag(&self) -> &str {
        self.tag.as_deref().unwrap_or("latest")
    }

    /// Returns the last component of the repository: `rg` of `ghcr.io/acme/rg:14`.
    #[must_use]
    pub fn short(&self) -> &str {
        self.repository.rsplit_once('/').map_or(self.repository.as_str(), |(_, last)| last)
    }
}

/// Writes the name as it was given, without the default tag.
impl Display for ImageName {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.repository)?;
        self.tag.as_ref().map_or(Ok(()), |tag| write!(formatter, ":{tag}"))
    }
}

fn is_registry(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "1"));
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.split('.').all(label) && port.parse::<u16>().is_ok()
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends = bytes.first().zip(bytes.last());
    ends.is_some_and(|(first, last)| alphanumeric(*first) && alphanumeric(*last))
        && bytes.split(|byte| alphanumeric(*byte)).all(|separator| {
            matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|b| *b == b'-')
        })
}

fn is_tag(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && !text.starts_with(['.', '-'])
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_registries_take() {
        for (text, repository, tag, short) in [
            ("rg", "rg", "latest", "rg"),
            ("rg:14.1", "rg", "14.1", "rg"),
            ("ghcr.io/acme/rg:14", "ghcr.io/acme/rg", "14", "rg"),
            ("localhost:5000/a--b/c__d", "localhost:5000/a--b/c__d", "latest", "c__d"),
        ] {
            let name = ImageName::parse(text).expect(text);
            assert_eq!((name.repository(), name.tag(), name.short()), (repository, tag, short));
            assert_eq!(name.to_string(), text);
        }
    }

    #[test]
    fn names_that_registries_refuse() {
        for (text, problem) in [
            ("", ImageNameProblem::Empty),
            ("Rg", ImageNameProblem::Repository),
            ("a..b", ImageNameProblem::Repository),
            ("a/", ImageNameProblem::Repository),
            ("/a", ImageNameProblem::Repository),
            ("-.a/b", ImageNameProblem::Repository),
            ("a:", ImageNameProblem::Tag),
            ("a:-x", ImageNameProblem::Tag),
            ("a@sha256:00", ImageNameProblem::Digest),
        ] {
            assert_eq!(ImageName::parse(text), Err(problem), "{text}");
        }
    }
}
