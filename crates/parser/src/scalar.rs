//! Numbers of a recipe, each with its range in its type.

use std::fmt::{self, Display, Formatter};

/// Why a text or number is none of this module's types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScalarProblem {
    /// A mode with a digit above 7, or with something else than digits.
    #[error("is not octal")]
    NotOctal,
    /// A mode above 0o7777.
    #[error("is above 0o7777")]
    ModeTooLarge,
    /// A user or group id above 4294967294.
    #[error("is not between 0 and 4294967294")]
    IdOutOfRange,
    /// A date that is no `YYYY-MM-DD` and no RFC 3339 time in UTC.
    #[error("is no date of the form 2026-11-20 or 2026-11-20T12:00:00Z")]
    NotADate,
    /// A time before 1970 or after 9999.
    #[error("is not between 1970-01-01 and 9999-12-31")]
    EpochOutOfRange,
}

/// Permission bits with setuid, setgid and sticky: 0 to 0o7777.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mode(u16);

impl Mode {
    /// What a directory and an executable file have unless the recipe says otherwise.
    pub const EXECUTABLE: Self = Self(0o755);
    /// What any other file has unless the recipe says otherwise.
    pub const PLAIN: Self = Self(0o644);
    /// What every symbolic link has; Linux ignores it.
    pub const SYMLINK: Self = Self(0o777);

    /// Checks the range.
    ///
    /// # Errors
    /// When `bits` is above 0o7777.
    pub fn new(bits: u64) -> Result<Self, ScalarProblem> {
        match u16::try_from(bits) {
            Ok(bits) if bits <= 0o7777 => Ok(Self(bits)),
            _ => Err(ScalarProblem::ModeTooLarge),
        }
    }

    /// Reads octal digits, with or without `0o` in front: `0o755`, `0755`, `755`.
    ///
    /// # Errors
    /// When a character is no octal digit, or the number is above 0o7777.
    pub fn parse(text: &str) -> Result<Self, ScalarProblem> {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| matches!(byte, b'0'..=b'7')) {
            return Err(ScalarProblem::NotOctal);
        }
        u64::from_str_radix(digits, 8).map_err(|_| ScalarProblem::ModeTooLarge).and_then(Self::new)
    }

    /// Returns the bits.
    #[must_use]
    pub fn bits(self) -> u16 {
        self.0
    }
}

impl Display for Mode {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "0o{:o}", self.0)
    }
}

/// A numeric user or group id: 0 to 4294967294 (4294967295 means "no change" to `chown(2)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u32);

impl Id {
    /// The superuser, and the owner of what the recipe gives to nobody.
    pub const ROOT: Self = Self(0);
    /// Whom an image runs as unless its recipe says otherwise; distroless' `nonroot`.
    pub const NONROOT: Self = Self(65532);
    /// Whom nothing belongs to; Linux's own number for it (`DEFAULT_OVERFLOWUID`).
    pub const NOBODY: Self = Self(65534);

    /// Checks the range.
    ///
    /// # Errors
    /// When `number` is not between 0 and 4294967294.
    pub fn new(number: i128) -> Result<Self, ScalarProblem> {
        match u32::try_from(number) {
            Ok(number) if number != u32::MAX => Ok(Self(number)),
            _ => Err(ScalarProblem::IdOutOfRange),
        }
    }

    /// Returns the number.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

impl Display for Id {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A moment in whole seconds since 1970-01-01T00:00:00Z, up to the end of the year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// 1970-01-01T00:00:00Z.
    pub const ZERO: Self = Self(0);
    /// The last second of the year 9999, the largest that RFC 3339 can write.
    pub const MAX: Self = Self(253_402_300_799);

    /// Checks the range.
    ///
    /// # Errors
    /// When `seconds` lies behind the year 9999.
    pub fn new(seconds: u64) -> Result<Self, ScalarProblem> {
        if seconds > Self::MAX.0 {
            return Err(ScalarProblem::EpochOutOfRange);
        }
        Ok(Self(seconds))
    }

    /// Reads a date (`2026-11-20`, midnight UTC) or a time in UTC (`2026-11-20T12:00:00Z`).
    ///
    /// # Errors
    /// When `text` has another form, names a day that does not exist, or lies before 1970.
    pub fn parse(text: &str) -> Result<Self, ScalarProblem> {
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, time.strip_suffix('Z').ok_or(ScalarProblem::NotADate)?),
            None => (text, "00:00:00"),
        };
        let [year, month, day] = fields(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = fields(time, ':', [2, 2, 2])?;
        if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
            return Err(ScalarProblem::NotADate);
        }
        if hour > 23 || minute > 59 || second > 59 {
            return Err(ScalarProblem::NotADate);
        }
        if year < 1970 {
            return Err(ScalarProblem::EpochOutOfRange);
        }
        let days: u64 = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum::<u64>()
            + (1..month).map(|month| days_in_month(year, month)).sum::<u64>()
            + (day - 1);
        Self::new(((days * 24 + hour) * 60 + minute) * 60 + second)
    }

    /// Returns the seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0
    }
}

/// Writes RFC 3339 in UTC, to the second: `2026-11-20T00:00:00Z`.
impl Display for Epoch {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let (mut days, rest) = (self.0 / 86_400, self.0 % 86_400);
        let mut year = 1970;
        while days >= 365 + u64::from(is_leap(year)) {
            days -= 365 + u64::from(is_leap(year));
            year += 1;
        }
        let mut month = 1;
        while days >= days_in_month(year, month) {
            days -= days_in_month(year, month);
            month += 1;
        }
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        write!(formatter, "{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1)
    }
}

fn fields<const N: usize>(
    text: &str,
    separator: char,
    widths: [usize; N],
) -> Result<[u64; N], ScalarProblem> {
    let mut numbers = [0; N];
    let mut parts = text.split(separator);
    for (number, width) in numbers.iter_mut().zip(widths) {
        let part = parts.next().ok_or(ScalarProblem::NotADate)?;
        if part.len() != width || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ScalarProblem::NotADate);
        }
        *number = part.parse().map_err(|_| ScalarProblem::NotADate)?;
    }
    if parts.next().is_some() { Err(ScalarProblem::NotADate) } else { Ok(numbers) }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal() {
        assert_eq!(Mode::parse("0o755"), Ok(Mode::EXECUTABLE));
        assert_eq!(Mode::parse("04755").map(Mode::bits), Ok(0o4755));
        assert_eq!(Mode::parse("0o18"), Err(ScalarProblem::NotOctal));
        assert_eq!(Mode::parse(""), Err(ScalarProblem::NotOctal));
        assert_eq!(Mode::parse("10000"), Err(ScalarProblem::ModeTooLarge));
    }

    #[test]
    fn dates_make_the_round_trip() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-11-20T00:00:00Z", 1_795_132_800),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            let epoch = Epoch::parse(text).expect(text);
            assert_eq!((epoch.seconds(), epoch.to_string().as_str()), (seconds, text));
        }
        assert_eq!(Epoch::parse("2026-11-20"), Epoch::parse("2026-11-20T00:00:00Z"));
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in ["2026-02-29", "2026-13-01", "2026-1-01", "2026-11-20T24:00:00Z", "tomorrow"] {
            assert_eq!(Epoch::parse(text), Err(ScalarProblem::NotADate), "{text}");
        }
        assert_eq!(Epoch::parse("1969-12-31"), Err(ScalarProblem::EpochOutOfRange));
    }
}
