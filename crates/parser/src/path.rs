//! Paths in an image and in a project. Neither converts into a path of this machine by itself.

use std::fmt::{self, Display, Formatter};

use crate::limits::{MAX_COMPONENT_BYTES, MAX_PATH_BYTES};
use crate::printable::Printable;

/// Why some bytes are no path of an image or of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathProblem {
    /// Nothing was given.
    #[error("is empty")]
    Empty,
    /// A path inside an image has to start with `/`.
    #[error("does not start with `/`")]
    NotAbsolute,
    /// A path inside a project must not start with `/`.
    #[error("starts with `/`")]
    NotRelative,
    /// A component is `..`.
    #[error("contains `..`")]
    DotDot,
    /// A byte is NUL.
    #[error("contains a NUL byte")]
    Nul,
    /// A component starts with `.wh.`, which OCI layers keep for deleted files.
    #[error("contains a name that starts with `.wh.`, which marks deleted files in a layer")]
    Whiteout,
    /// A component has more than 255 bytes.
    #[error("contains a name of more than 255 bytes")]
    ComponentTooLong,
    /// The path has more than 4095 bytes.
    #[error("has more than 4095 bytes")]
    TooLong,
    /// A relative path climbs above the project's directory.
    #[error("leads out of the project")]
    OutsideProject,
}

/// A path inside an image or a source: absolute and normal, in bytes.
///
/// Starts with `/`; no component is empty, `.`, `..` or a whiteout name; no NUL; no `/` at the end
/// except in the root itself. Ordered by its bytes, which puts a directory before what is in it,
/// though not directly (`/a`, `/a-b`, `/a/b`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImagePath(Box<[u8]>);

impl ImagePath {
    /// Returns `/`.
    #[must_use]
    pub fn root() -> Self {
        Self(Box::from(*b"/"))
    }

    /// Checks a path and puts it into normal form: repeated and closing slashes and `.` go away.
    ///
    /// # Errors
    /// See [`PathProblem`]; `..` is refused, since what it means depends on symbolic links.
    pub fn parse(bytes: &[u8]) -> Result<Self, PathProblem> {
        match bytes.first() {
            None => return Err(PathProblem::Empty),
            Some(b'/') => {}
            Some(_) => return Err(PathProblem::NotAbsolute),
        }
        let mut path = Self::root();
        for component in components(bytes)? {
            if component == b".." {
                return Err(PathProblem::DotDot);
            }
            path = path.join(component)?;
        }
        Ok(path)
    }

    /// Adds one component.
    ///
    /// # Errors
    /// When `name` is no single, ordinary file name, or the path becomes too long.
    pub fn join(&self, name: &[u8]) -> Result<Self, PathProblem> {
        check_component(name)?;
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + name.len());
        if !self.is_root() {
            bytes.extend_from_slice(&self.0);
        }
        bytes.push(b'/');
        bytes.extend_from_slice(name);
        if bytes.len() > MAX_PATH_BYTES {
            return Err(PathProblem::TooLong);
        }
        Ok(Self(bytes.into()))
    }

    /// Tells whether this is `/`.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// Returns the directory in which this stands; nothing for `/`.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let slash = self.0.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        Some(Self(Box::from(&self.0[..slash.max(1)])))
    }

    /// Returns the last component; nothing for `/`.
    #[must_use]
    pub fn file_name(&self) -> Option<&[u8]> {
        self.components().next_back()
    }

    /// Returns the components, from the root downwards.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/').filter(|component| !component.is_empty())
    }

    /// Tells whether `self` is `other` or lies below it.
    #[must_use]
    pub fn starts_with(&self, other: &Self) -> bool {
        other.is_root()
            || (self.0.starts_with(&other.0)
                && matches!(self.0.get(other.0.len()), None | Some(b'/')))
    }

    /// Returns the bytes, from the first `/` on.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for ImagePath {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Shows the path with everything escaped that could steer a terminal.
impl Display for ImagePath {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        Printable::new(&self.0).fmt(formatter)
    }
}

impl fmt::Debug for ImagePath {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, formatter)
    }
}

/// A path below the project's directory: relative and normal, UTF-8; empty for the project itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectPath(String);

impl ProjectPath {
    /// Returns the project's own directory.
    #[must_use]
    pub fn project() -> Self {
        Self(String::new())
    }

    /// Resolves a relative path that is written in a file of directory `base`.
    ///
    /// `..` is taken textually, as in a URL, and must not climb above the project.
    ///
    /// # Errors
    /// When `text` is empty or absolute, leads out of the project, or is too long.
    pub fn resolve(base: &Self, text: &str) -> Result<Self, PathProblem> {
        if text.is_empty() {
            return Err(PathProblem::Empty);
        }
        if text.starts_with('/') {
            return Err(PathProblem::NotRelative);
        }
        let mut parts: Vec<&str> = base.0.split('/').filter(|part| !part.is_empty()).collect();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop().ok_or(PathProblem::OutsideProject)?;
                }
                name => {
                    check_bytes(name.as_bytes())?;
                    parts.push(name);
                }
            }
        }
        let path = parts.join("/");
        if path.len() > MAX_PATH_BYTES {
            return Err(PathProblem::TooLong);
        }
        Ok(Self(path))
    }

    /// Returns the directory in which this stands; the project's own for a path of one component.
    #[must_use]
    pub fn parent(&self) -> Self {
        Self(self.0.rsplit_once('/').map_or(String::new(), |(parent, _)| parent.to_owned()))
    }

    /// Returns the last component; empty for the project itself.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(self.0.as_str(), |(_, name)| name)
    }

    /// Returns the text, without a slash at either end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Shows the path with everything escaped that could steer a terminal; `.` for the project itself.
impl Display for ProjectPath {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let text = if self.0.is_empty() { "." } else { &self.0 };
        Printable::new(text).fmt(formatter)
    }
}

fn components(bytes: &[u8]) -> Result<impl Iterator<Item = &[u8]>, PathProblem> {
    // A path that is only too long because of needless slashes is none that anybody means.
    if bytes.len() > MAX_PATH_BYTES {
        return Err(PathProblem::TooLong);
    }
    Ok(bytes.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b"."))
}

fn check_component(name: &[u8]) -> Result<(), PathProblem> {
    if name.is_empty() {
        return Err(PathProblem::Empty);
    }
    if name == b"." || name == b".." || name.contains(&b'/') {
        return Err(PathProblem::DotDot);
    }
    if name.starts_with(b".wh.") {
        return Err(PathProblem::Whiteout);
    }
    check_bytes(name)
}

fn check_bytes(name: &[u8]) -> Result<(), PathProblem> {
    if name.contains(&0) {
        return Err(PathProblem::Nul);
    }
    if name.len() > MAX_COMPONENT_BYTES {
        return Err(PathProblem::ComponentTooLong);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &str) -> Result<String, PathProblem> {
        ImagePath::parse(text.as_bytes()).map(|path| path.to_string())
    }

    #[test]
    fn image_paths_have_one_form() {
        for text in ["/a/b", "//a///b/", "/./a/./b/."] {
            assert_eq!(image(text), Ok("/a/b".into()), "{text}");
        }
        assert_eq!(image("/"), Ok("/".into()));
        assert_eq!(image("//."), Ok("/".into()));
    }

    #[test]
    fn image_paths_that_are_none() {
        assert_eq!(image(""), Err(PathProblem::Empty));
        assert_eq!(image("a"), Err(PathProblem::NotAbsolute));
        assert_eq!(image("/a/../b"), Err(PathProblem::DotDot));
        assert_eq!(image("/a/.wh.b"), Err(PathProblem::Whiteout));
        assert_eq!(image("/a\0"), Err(PathProblem::Nul));
        assert_eq!(image(&format!("/{}", "x".repeat(256))), Err(PathProblem::ComponentTooLong));
        assert_eq!(image(&"/x".repeat(2048)), Err(PathProblem::TooLong));
    }

    #[test]
    fn paths_are_ordered_by_bytes_parents_first() {
        let mut paths: Vec<_> = ["/a-b", "/a/b", "/a", "/"]
            .map(|text| ImagePath::parse(text.as_bytes()).expect(text))
            .into();
        paths.sort();
        assert_eq!(format!("{paths:?}"), "[/, /a, /a-b, /a/b]");
    }

    #[test]
    fn project_paths_stay_inside() {
        let base = ProjectPath::resolve(&ProjectPath::project(), "recipes").expect("base");
        let resolve = |text| ProjectPath::resolve(&base, text).map(|path| path.to_string());
        assert_eq!(resolve("conf/app.toml"), Ok("recipes/conf/app.toml".into()));
        assert_eq!(resolve("../target/x"), Ok("target/x".into()));
        assert_eq!(resolve(".."), Ok(".".into()));
        assert_eq!(resolve("../../x"), Err(PathProblem::OutsideProject));
        assert_eq!(resolve("/etc"), Err(PathProblem::NotRelative));
    }
}
