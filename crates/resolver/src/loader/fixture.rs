//! Builds small ELF files and loaders for the tests.

use super::elf::{Class, Machine};

/// An ELF file to be: one `PT_LOAD` for all of it, a dynamic table, strings.
#[derive(Clone)]
pub(crate) struct File {
    pub(super) class: Class,
    pub(super) machine: Machine,
    pub(super) object_type: u16,
    interpreter: Option<Vec<u8>>,
    dynamic: bool,
    tags: Vec<(u64, Value)>,
    needs: Vec<(Vec<u8>, Vec<u8>, u16)>,
    definitions: Vec<Vec<u8>>,
}

#[derive(Clone)]
enum Value {
    Text(Vec<u8>),
    Number(u64),
}

pub(super) const NEEDED: u64 = 1;
pub(crate) const SONAME: u64 = 14;
pub(super) const RPATH: u64 = 15;
pub(super) const RUNPATH: u64 = 29;
pub(super) const FLAGS_1: u64 = 0x6fff_fffb;
pub(super) const AUDIT: u64 = 0x6fff_fefc;
pub(super) const AUXILIARY: u64 = 0x7fff_fffd;
pub(super) const FILTER: u64 = 0x7fff_ffff;
const VERSYM: u64 = 0x6fff_fff0;
const VERDEF: u64 = 0x6fff_fffc;
const VERNEED: u64 = 0x6fff_fffe;

/// A library of x86-64.
pub(crate) fn library() -> File {
    File {
        class: Class::Elf64,
        machine: Machine::X86_64,
        object_type: 3,
        interpreter: None,
        dynamic: true,
        tags: Vec::new(),
        needs: Vec::new(),
        definitions: Vec::new(),
    }
}

/// A program of x86-64 for the loader at `interpreter`.
pub(super) fn program(interpreter: &str) -> File {
    File { interpreter: Some([interpreter.as_bytes(), b"\0"].concat()), ..library() }
}

impl File {
    pub(crate) fn text(mut self, tag: u64, text: &str) -> Self {
        self.tags.push((tag, Value::Text(text.into())));
        self
    }

    pub(super) fn number(mut self, tag: u64, number: u64) -> Self {
        self.tags.push((tag, Value::Number(number)));
        self
    }

    pub(super) fn needed(self, name: &str) -> Self {
        self.text(NEEDED, name)
    }

    pub(super) fn without_dynamic(mut self) -> Self {
        self.dynamic = false;
        self
    }

    /// Needs `version` of the file `name`.
    pub(super) fn needs(mut self, name: &str, version: &str, flags: u16) -> Self {
        self.needs.push((name.into(), version.into(), flags));
        self
    }

    pub(crate) fn defines(mut self, version: &str) -> Self {
        self.definitions.push(version.into());
        self.number(VERSYM, 0)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let wide = self.class == Class::Elf64;
        let (header_bytes, entry_bytes) = if wide { (64, 56) } else { (52, 32) };
        let count = 1 + usize::from(self.dynamic) + usize::from(self.interpreter.is_some());
        let mut at = header_bytes + count * entry_bytes;
        let interpreter_at = at;
        at += self.interpreter.as_ref().map_or(0, Vec::len);

        let mut strings = vec![0];
        let mut add = |text: &[u8]| {
            let offset = strings.len() as u64;
            strings.extend_from_slice(text);
            strings.push(0);
            offset
        };
        let mut tags: Vec<(u64, u64)> = Vec::new();
        for (tag, value) in &self.tags {
            let value = match value {
                Value::Text(text) => add(text),
                Value::Number(number) => *number,
            };
            tags.push((*tag, value));
        }
        let needs: Vec<_> = self
            .needs
            .iter()
            .map(|(file, version, flags)| (add(file), add(version), version, flags))
            .collect();
        let definitions: Vec<_> =
            self.definitions.iter().map(|version| (add(version), version)).collect();
        let strings_at = at;
        at += strings.len();
        let mut tables = Vec::new();
        for (place, (file, name, version, flags)) in needs.iter().enumerate() {
            let next = if place + 1 == needs.len() { 0 } else { 32 };
            push16(&mut tables, &[1, 1]);
            push32(&mut tables, &[*file as u32, 16, next, hash(version)]);
            push16(&mut tables, &[**flags, 2]);
            push32(&mut tables, &[*name as u32, 0]);
        }
        if !needs.is_empty() {
            tags.push((VERNEED, at as u64));
        }
        if !definitions.is_empty() {
            tags.push((VERDEF, (at + tables.len()) as u64));
        }
        for (place, (name, version)) in definitions.iter().enumerate() {
            let next = if place + 1 == definitions.len() { 0 } else { 28 };
            push16(&mut tables, &[1, 0, 1, 1]);
            push32(&mut tables, &[hash(version), 20, next, *name as u32, 0]);
        }
        at += tables.len();
        tags.extend([(5, strings_at as u64), (10, strings.len() as u64), (0, 0)]);
        let mut dynamic = Vec::new();
        for (tag, value) in &tags {
            push(&mut dynamic, wide, &[*tag, *value]);
        }
        let dynamic_at = at;
        let end = at + dynamic.len();

        let mut bytes = vec![0x7f, b'E', b'L', b'F', if wide { 2 } else { 1 }, 1, 1];
        bytes.resize(16, 0);
        push16(&mut bytes, &[self.object_type, self.machine.0]);
        push32(&mut bytes, &[1]);
        push(&mut bytes, wide, &[0, header_bytes as u64, 0]);
        push32(&mut bytes, &[0]);
        push16(&mut bytes, &[header_bytes as u16, entry_bytes as u16, count as u16, 0, 0, 0]);
        let mut segments = vec![(1, 0, end, 5)];
        if let Some(interpreter) = &self.interpreter {
            segments.push((3, interpreter_at, interpreter.len(), 4));
        }
        if self.dynamic {
            segments.push((2, dynamic_at, dynamic.len(), 6));
        }
        for (kind, offset, size, flags) in segments {
            let (offset, size) = (offset as u64, size as u64);
            push32(&mut bytes, &[kind]);
            if wide {
                push32(&mut bytes, &[flags]);
                push(&mut bytes, wide, &[offset, offset, offset, size, size, 4096]);
            } else {
                push(&mut bytes, wide, &[offset, offset, offset, size, size]);
                push32(&mut bytes, &[flags, 4096]);
            }
        }
        bytes.extend(self.interpreter.iter().flatten());
        bytes.extend(strings);
        bytes.extend(tables);
        bytes.extend(dynamic);
        bytes
    }
}

fn push(bytes: &mut Vec<u8>, wide: bool, numbers: &[u64]) {
    for number in numbers {
        if wide {
            bytes.extend(number.to_le_bytes());
        } else {
            bytes.extend((*number as u32).to_le_bytes());
        }
    }
}

fn push16(bytes: &mut Vec<u8>, numbers: &[u16]) {
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}

fn push32(bytes: &mut Vec<u8>, numbers: &[u32]) {
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}

fn hash(name: &[u8]) -> u32 {
    name.iter().fold(7, |hash, byte| hash * 31 % 65_521 + u32::from(*byte))
}

/// A loader of glibc with Debian's directories.
pub(super) fn glibc(version: &str, file: &File) -> Vec<u8> {
    let mut bytes = file.clone().text(SONAME, "ld-linux-x86-64.so.2").bytes();
    bytes.extend(b"\0/etc/ld.so.cache\0lib/x86_64-linux-gnu\0x86-64-v4:x86-64-v3:x86-64-v2\0");
    bytes.extend(b"/lib/x86_64-linux-gnu/\0/usr/lib/x86_64-linux-gnu/\0/lib/\0/usr/lib/\0");
    bytes.extend(format!("ld.so (Debian GLIBC) stable release version {version}.\n\0").bytes());
    bytes
}

/// A loader of musl.
pub(super) fn musl() -> Vec<u8> {
    let mut bytes = library().bytes();
    bytes.extend(b"\0/usr/local/bin:/bin:/usr/bin\0/lib:/usr/local/lib:/usr/lib\0");
    bytes.extend(b"%.*s/etc/ld-musl-x86_64.path\0");
    bytes
}

/// A cache of the new format with these entries, which must be in its order.
pub(super) fn cache(entries: &[(&str, &str, u32, u64)], names: &[&str]) -> Vec<u8> {
    let strings_at = 48 + 24 * entries.len();
    let mut strings = Vec::new();
    let mut add = |text: &str| {
        let offset = (strings_at + strings.len()) as u32;
        strings.extend(text.bytes());
        strings.push(0);
        offset
    };
    let mut table = Vec::new();
    for (key, value, flags, hwcap) in entries {
        push32(&mut table, &[*flags, add(key), add(value), 0]);
        push(&mut table, true, &[*hwcap]);
    }
    let names: Vec<u32> = names.iter().map(|name| add(name)).collect();
    while !strings.len().is_multiple_of(8) {
        strings.push(0);
    }
    let extension_at = (strings_at + strings.len()) as u32;
    let mut bytes = b"glibc-ld.so.cache1.1".to_vec();
    push32(&mut bytes, &[entries.len() as u32, strings.len() as u32, 2]);
    push32(&mut bytes, &[if names.is_empty() { 0 } else { extension_at }, 0, 0, 0]);
    bytes.extend(table);
    bytes.extend(strings);
    if !names.is_empty() {
        push32(&mut bytes, &[0xeaa4_2174, 1, 1, 0, extension_at + 24, 4 * names.len() as u32]);
        push32(&mut bytes, &names);
    }
    bytes
}
