//! Arguments of `imgc store`.

use clap::{Args, Subcommand};

/// Arguments of `store`.
#[derive(Debug, Args)]
pub(crate) struct StoreArguments {
    #[command(subcommand)]
    pub(crate) command: StoreCommand,
}

/// What to do with the store.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Says what is in the store, and how much of it.
    Stat(StatArguments),
    /// Reads every byte of the store, and names what is damaged.
    ///
    /// Exits with 1 if something is, and was not removed. Builds check what they use on their own.
    Verify(RepairArguments),
    /// Removes what no recipe needs that was built and is still there.
    ///
    /// Builds may run meanwhile: what they miss they make again.
    Gc(CollectArguments),
}

/// Arguments of `store stat`.
#[derive(Debug, Args)]
pub(crate) struct StatArguments {
    /// Prints JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `store verify`.
#[derive(Debug, Args)]
pub(crate) struct RepairArguments {
    /// Removes what is damaged; the next build makes it again.
    #[arg(long)]
    pub(crate) repair: bool,
}

/// Arguments of `store gc`.
#[derive(Debug, Args)]
pub(crate) struct CollectArguments {
    /// Also removes what was used least recently, until the rest is at most this large: a number of
    /// bytes, or one with a unit such as `500MB` or `10GiB`.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) keep_size: Option<u64>,
    /// Also removes what was not used for this many days.
    #[arg(long, value_name = "DAYS")]
    pub(crate) keep_days: Option<u32>,
}

/// Reads a size in bytes: digits, and a decimal (`kB`, `MB`, `GB`, `TB`) or binary (`KiB`, …) unit.
fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "kib" => 1 << 10,
        "m" | "mb" => 1_000_000,
        "mib" => 1 << 20,
        "g" | "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        "t" | "tb" => 1_000_000_000_000,
        "tib" => 1 << 40,
        _ => return Err("has an unknown unit: use kB, MB, GB, TB, KiB, MiB, GiB or TiB".into()),
    };
    let number: u64 = number.parse().map_err(|_| "is no number of bytes")?;
    number.checked_mul(unit).ok_or_else(|| "is too large".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, size) in [
            ("0", 0),
            ("12", 12),
            ("500MB", 500_000_000),
            ("10GiB", 10 << 30),
            ("1 k", 1000),
            ("3tib", 3 << 40),
        ] {
            assert_eq!(parse_size(text), Ok(size), "{text}");
        }
        for text in ["", "GB", "-1", "1.5GB", "1X", "99999999999999999999", "99999999TB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
