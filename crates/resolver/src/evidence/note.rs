//! `.note.dlopen`: what an object says that it opens (systemd, `docs/ELF_DLOPEN_METADATA.md`).

use serde::Deserialize;

use crate::error::Name;

/// How much a program misses a library that it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Priority {
    /// It does not work without.
    Required,
    /// A part of it that most users want does not work without. Taken if nothing is said.
    Recommended,
    /// A part that few users want.
    Suggested,
}

/// One entry of a note. Fields that are not known are passed over, as the specification asks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Opens {
    /// Names of one library, the best first: any of them will do.
    pub(crate) soname: Vec<String>,
    /// A short name of what it is for.
    #[serde(default)]
    pub(crate) feature: Option<String>,
    /// How much it is missed.
    #[serde(default = "recommended")]
    pub(crate) priority: Priority,
}

fn recommended() -> Priority {
    Priority::Recommended
}

impl Opens {
    /// Reads the description of a note, which its segment bounds to 64 KiB; nothing if it is no
    /// array of such entries.
    pub(crate) fn parse(description: &[u8]) -> Option<Vec<Self>> {
        let text = description.split(|byte| *byte == 0).next().unwrap_or_default();
        serde_json::from_slice(text).ok()
    }

    /// Returns the names that can be asked of a loader, and what they are for.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.soname.iter().map(String::as_str).filter(|name| !name.is_empty())
    }

    /// Returns what the library is for, to be shown.
    pub(crate) fn purpose(&self) -> Option<Name> {
        self.feature.as_ref().map(Name::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_an_array_of_libraries_with_their_other_names() {
        // The example of the specification.
        let text = br#"[{"soname":["libpwquality.so.1","libpwquality.so.0"],"feature":"pwquality",
            "description":"Password quality","priority":"required"},{"soname":["libx.so"]}]"#;
        let opens = Opens::parse(&[&text[..], b"\0\0"].concat()).unwrap();
        let names: Vec<&str> = opens[0].names().collect();
        assert_eq!(names, ["libpwquality.so.1", "libpwquality.so.0"]);
        assert_eq!(opens[0].priority, Priority::Required);
        assert_eq!((opens[1].priority, &opens[1].feature), (Priority::Recommended, &None));
        for broken in [&b"{}"[..], b"", b"[{}]", b"\xff", b"[{\"soname\":1}]", &[b'['; 60_000]] {
            assert_eq!(Opens::parse(broken), None);
        }
    }
}
