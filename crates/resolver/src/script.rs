//! The first line of a script, as the kernel and `env` read it (`fs/binfmt_script.c`; `env(1)`).

/// How much of a script the kernel looks at, in bytes: `BINPRM_BUF_SIZE`.
pub(crate) const START_BYTES: usize = 256;

/// Returns the interpreter's path and its one argument; nothing if the kernel would not start it.
pub(crate) fn interpreter(start: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let rest = start.get(..START_BYTES.min(start.len()))?.strip_prefix(b"#!")?;
    let ends = rest.iter().position(|byte| matches!(byte, b'\n' | 0));
    let line = trim(&rest[..ends.unwrap_or(rest.len())]);
    let name_end = line.iter().position(|byte| is_blank(*byte));
    // A path that is cut off is another path; the kernel refuses it, an argument it cuts.
    if ends.is_none() && name_end.is_none() && start.len() >= START_BYTES {
        return None;
    }
    let (name, argument) = line.split_at(name_end.unwrap_or(line.len()));
    let argument = trim(argument);
    (!name.is_empty()).then_some((name, (!argument.is_empty()).then_some(argument)))
}

/// Returns the program that `env` starts when it is given `argument`; nothing if there is none, or
/// it cannot be told.
pub(crate) fn env_program(argument: &[u8]) -> Option<&[u8]> {
    let Some(split) = split_string(argument) else {
        let is_program = !argument.starts_with(b"-") && !argument.contains(&b'=');
        return is_program.then_some(argument);
    };
    let mut words = split.split(|byte| is_blank(*byte)).filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        match word {
            b"-u" | b"-C" | b"--unset" | b"--chdir" => {
                words.next();
            }
            _ if word.starts_with(b"-") || word.contains(&b'=') => {}
            _ => return Some(unquoted(word)),
        }
    }
    None
}

/// Returns what stands behind `-S`, which may be the last of several short options.
fn split_string(argument: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = argument.strip_prefix(b"--split-string=") {
        return Some(rest);
    }
    let options = argument.strip_prefix(b"-")?;
    let end = options.iter().position(|byte| *byte == b'S')?;
    options[..end]
        .iter()
        .all(|byte| matches!(byte, b'i' | b'v' | b'0'))
        .then(|| &options[end + 1..])
}

fn unquoted(word: &[u8]) -> &[u8] {
    match word {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        _ => word,
    }
}

fn trim(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !is_blank(*byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_blank(*byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines_are_read_as_the_kernel_reads_them() {
        for (line, name, argument) in [
            ("#!/bin/sh\necho", "/bin/sh", None),
            ("#! \t/bin/sh -e  -x \n", "/bin/sh", Some("-e  -x")),
            ("#!/bin/sh", "/bin/sh", None),
            ("#!bin/sh\r\n", "bin/sh\r", None),
        ] {
            let found = interpreter(line.as_bytes()).unwrap();
            assert_eq!(found, (name.as_bytes(), argument.map(str::as_bytes)), "{line:?}");
        }
        for line in ["", "#", "#!", "#!  \n/bin/sh", "echo"] {
            assert_eq!(interpreter(line.as_bytes()), None, "{line:?}");
        }
        let long = format!("#!/{}", "x".repeat(300));
        assert_eq!(interpreter(long.as_bytes()), None);
        let cut = format!("#!/bin/sh {}", "x".repeat(300));
        assert_eq!(interpreter(cut.as_bytes()).unwrap().1.unwrap().len(), 256 - 10);
    }

    #[test]
    fn env_names_a_program() {
        for (argument, program) in [
            ("python3", Some("python3")),
            ("python3 -u", Some("python3 -u")),
            ("-S python3 -u", Some("python3")),
            ("-Spython3", Some("python3")),
            ("-vS -i A=b \"perl\" -w", Some("perl")),
            ("--split-string=node --x", Some("node")),
            ("-S -u HOME sh", Some("sh")),
            ("-i", None),
            ("A=b", None),
        ] {
            assert_eq!(env_program(argument.as_bytes()), program.map(str::as_bytes), "{argument}");
        }
    }
}
