//! `ld.so.conf`: the directories that it lists (glibc `elf/ldconfig.c`, `parse_conf`).

use imgc_planner::recipe::ImagePath;

use crate::glob::glob;
use crate::root::Roots;

/// Most bytes of one file that are read. Real ones have some hundred.
const MAX_FILE_BYTES: usize = 1 << 20;
/// Most files that are read; `ldconfig` itself does not stop at files that include each other.
const MAX_FILES: usize = 1000;

/// Returns the directories of a configuration and of those that it includes, in order.
pub(super) fn directories(roots: &Roots, path: &[u8]) -> Vec<Box<[u8]>> {
    let mut directories = Vec::new();
    let mut read = 0;
    read_file(roots, path, &mut read, &mut directories);
    directories
}

fn read_file(roots: &Roots, path: &[u8], read: &mut usize, directories: &mut Vec<Box<[u8]>>) {
    *read += 1;
    if *read > MAX_FILES {
        return;
    }
    let text = roots.walk(path, &ImagePath::root()).ok().and_then(|walk| {
        let file = roots.open(&walk).ok()?;
        let mut bytes = vec![0; MAX_FILE_BYTES];
        let count = file.read_at(&mut bytes, 0).ok()?;
        bytes.truncate(count);
        Some(bytes)
    });
    for line in text.unwrap_or_default().split(|byte| *byte == b'\n') {
        // A comment starts anywhere: there is no way to quote.
        let line = line.split(|byte| *byte == b'#').next().unwrap_or_default();
        let line = line.trim_ascii();
        let (word, rest) = match line.iter().position(|byte| matches!(byte, b' ' | b'\t')) {
            Some(end) => line.split_at(end),
            None => (line, &b""[..]),
        };
        if word == b"include" && !rest.is_empty() {
            let patterns = rest.split(|byte| matches!(byte, b' ' | b'\t'));
            for pattern in patterns.filter(|pattern| !pattern.is_empty()) {
                for file in glob(roots, &from_directory_of(path, pattern)) {
                    read_file(roots, file.as_bytes(), read, directories);
                }
            }
        } else if word.eq_ignore_ascii_case(b"hwcap") && !rest.is_empty() {
            // Without a meaning since glibc 2.33.
        } else if let Some(directory) = directory(line) {
            directories.push(directory);
        }
    }
}

/// Returns a pattern from `/`: a relative one starts in the directory of the file.
fn from_directory_of(file: &[u8], pattern: &[u8]) -> Vec<u8> {
    if pattern.first() == Some(&b'/') {
        return pattern.to_vec();
    }
    let slash = file.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    [&file[..=slash], pattern].concat()
}

/// Returns the directory of a line, without the type behind `=` and slashes at its end.
fn directory(line: &[u8]) -> Option<Box<[u8]>> {
    let path = line.split(|byte| *byte == b'=').next()?.trim_ascii();
    let mut length = path.len();
    while length > 1 && path[length - 1] == b'/' {
        length -= 1;
    }
    // A relative path would be that of the shell that calls `ldconfig`.
    (path.first() == Some(&b'/')).then(|| path[..length].into())
}
