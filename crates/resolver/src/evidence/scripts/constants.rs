//! Variables of shells that are given a constant: what a text says with their values.

use std::collections::BTreeMap;

/// Most variables in a row by which a value is put together.
const MAX_ROUNDS: usize = 3;

/// Returns the lines of a text in which variables stand that have a constant value, with the value in
/// their place. Of several values the first counts.
pub(super) fn expanded(text: &str) -> String {
    let mut values: BTreeMap<&str, String> = BTreeMap::new();
    for line in text.lines() {
        let Some((name, value)) = line.trim_start().split_once('=') else { continue };
        let is_name = !name.is_empty()
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        let value = value.split([';', ' ', '\t']).next().unwrap_or_default();
        let value = value.trim_matches(['"', '\'']);
        if is_name && !value.is_empty() && !value.contains(['`', '"', '\'', '(']) {
            values.entry(name).or_insert_with(|| value.to_owned());
        }
    }
    let mut lines: Vec<String> =
        text.lines().filter(|line| line.contains('$')).map(ToOwned::to_owned).collect();
    for _ in 0..MAX_ROUNDS {
        for line in &mut lines {
            if let Some(changed) = replaced(line, &values) {
                *line = changed;
            }
        }
    }
    lines.join("\n")
}

/// Puts values in the place of variables; nothing if none of them stands there.
fn replaced(line: &str, values: &BTreeMap<&str, String>) -> Option<String> {
    let mut result = String::new();
    let mut rest = line;
    let mut is_changed = false;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        let braced = after.strip_prefix('{');
        let start = braced.unwrap_or(after);
        let end = start.find(|l: char| !l.is_ascii_alphanumeric() && l != '_');
        let (name, behind) = start.split_at(end.unwrap_or(start.len()));
        let behind = if braced.is_some() { behind.strip_prefix('}') } else { Some(behind) };
        if let (Some(behind), Some(value)) = (behind, values.get(name)) {
            result.push_str(value);
            rest = behind;
            is_changed = true;
        } else {
            result.push('$');
            rest = after;
        }
    }
    result.push_str(rest);
    is_changed.then_some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_stand_in_the_place_of_their_variables() {
        let text = "version=14\nprefix=/usr; base=\"${prefix}/lib\"\nlibdir=${prefix}/lib/x\n\
                    exec \"app$version\" $libdir/run ${version:-1} $other\nnow=`date`\n$now\n";
        let found = expanded(text);
        assert!(found.contains("exec \"app14\" /usr/lib/x/run ${version:-1} $other"), "{found}");
        assert!(found.ends_with("\n$now"), "{found}");
    }
}
