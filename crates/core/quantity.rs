//! Numbers, for people.

/// Writes a number of bytes in decimal units: `94 kB`, `8.6 MB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value < 9.95);
    format!("{value:.digits$} {}", UNITS[unit])
}

/// Writes a number of things: `1 file`, `6 files`.
pub(crate) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_short() {
        let shown = [0, 999, 1_000, 94_000, 999_600, 8_600_000, 12_000_000_000].map(size);
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "94 kB", "1.0 MB", "8.6 MB", "12 GB"]);
    }
}
