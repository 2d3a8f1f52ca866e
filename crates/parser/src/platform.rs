//! The platform of an image, in OCI's terms.

use std::fmt::{self, Display, Formatter};

/// Why a text is no platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlatformProblem {
    /// Not of the form `os/architecture` or `os/architecture/variant`.
    #[error("is not of the form `linux/amd64`")]
    Form,
    /// An operating system other than Linux.
    #[error("names another operating system than `linux`")]
    Os,
    /// An architecture that imgc does not know.
    #[error("names an unknown architecture")]
    Architecture,
    /// A variant that the architecture does not have.
    #[error("names a variant that this architecture does not have")]
    Variant,
}

/// An architecture that imgc knows, named as in Go's `GOARCH` (OCI image-spec, `config.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Architecture {
    /// x86-64.
    Amd64,
    /// 32-bit x86.
    I386,
    /// AArch64, little endian.
    Arm64,
    /// 32-bit ARM, hard float (`arm/v7`) or soft float (`arm/v6`).
    Arm,
    /// RISC-V, 64 bits.
    Riscv64,
    /// POWER, 64 bits, little endian.
    Ppc64le,
    /// IBM Z.
    S390x,
    /// LoongArch, 64 bits.
    Loong64,
}

impl Architecture {
    /// All of them, in the order in which they are listed to a user.
    pub const ALL: [Self; 8] = [
        Self::Amd64,
        Self::Arm64,
        Self::Arm,
        Self::I386,
        Self::Riscv64,
        Self::Ppc64le,
        Self::S390x,
        Self::Loong64,
    ];

    /// Returns the name that the image config carries.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::I386 => "386",
            Self::Arm64 => "arm64",
            Self::Arm => "arm",
            Self::Riscv64 => "riscv64",
            Self::Ppc64le => "ppc64le",
            Self::S390x => "s390x",
            Self::Loong64 => "loong64",
        }
    }

    fn variants(self) -> &'static [&'static str] {
        match self {
            Self::Amd64 => &["v1", "v2", "v3", "v4"],
            Self::Arm64 => &["v8", "v9"],
            Self::Arm => &["v5", "v6", "v7", "v8"],
            Self::I386 | Self::Riscv64 | Self::Ppc64le | Self::S390x | Self::Loong64 => &[],
        }
    }
}

/// What an image runs on: Linux, an architecture, and perhaps a variant of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// The processor.
    pub architecture: Architecture,
    /// A level of it, such as `v7` of `arm`; one of those that the architecture has.
    pub variant: Option<&'static str>,
}

impl Platform {
    /// The only operating system there is, as the image config names it.
    pub const OS: &'static str = "linux";

    /// Reads `linux/amd64` or `linux/arm/v7`.
    ///
    /// # Errors
    /// See [`PlatformProblem`].
    pub fn parse(text: &str) -> Result<Self, PlatformProblem> {
        let mut parts = text.split('/');
        let (Some(os), Some(name)) = (parts.next(), parts.next()) else {
            return Err(PlatformProblem::Form);
        };
        let variant = parts.next();
        if parts.next().is_some() {
            return Err(PlatformProblem::Form);
        }
        if os != Self::OS {
            return Err(PlatformProblem::Os);
        }
        let architecture = Architecture::ALL
            .into_iter()
            .find(|architecture| architecture.name() == name)
            .ok_or(PlatformProblem::Architecture)?;
        let variant = match variant {
            None => None,
            Some(text) => Some(
                *architecture
                    .variants()
                    .iter()
                    .find(|variant| **variant == text)
                    .ok_or(PlatformProblem::Variant)?,
            ),
        };
        Ok(Self { architecture, variant })
    }
}

impl Display for Platform {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", Self::OS, self.architecture.name())?;
        self.variant.map_or(Ok(()), |variant| write!(formatter, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_make_the_round_trip() {
        for text in ["linux/amd64", "linux/arm/v7", "linux/386", "linux/amd64/v3"] {
            assert_eq!(Platform::parse(text).map(|platform| platform.to_string()), Ok(text.into()));
        }
        for (text, problem) in [
            ("amd64", PlatformProblem::Form),
            ("windows/amd64", PlatformProblem::Os),
            ("linux/x86_64", PlatformProblem::Architecture),
            ("linux/arm64/v7", PlatformProblem::Variant),
            ("linux/arm/v7/x", PlatformProblem::Form),
        ] {
            assert_eq!(Platform::parse(text), Err(problem), "{text}");
        }
    }
}
