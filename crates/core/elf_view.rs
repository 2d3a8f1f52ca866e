//! What an ELF file needs to start, as texts that can be compared.

use std::collections::BTreeMap;

use imgc_parser::Printable;
use imgc_resolver::loader::Elf;
use imgc_resolver::{Host, HostPath, Memory};

/// Lists interpreter, names and search paths of an ELF file; nothing if it is none.
pub(crate) fn needs(bytes: &[u8]) -> BTreeMap<&'static str, String> {
    let mut fields = BTreeMap::new();
    let path = HostPath::new(b"/file");
    let memory = Memory::new().file("/file", bytes);
    let Ok(file) = memory.open(&path) else { return fields };
    let Ok(elf) = Elf::read(file.as_ref(), bytes.len() as u64, None) else { return fields };
    let text = |bytes: &[u8]| Printable::new(bytes).to_string();
    fields.insert("machine", format!("{:?}", elf.machine));
    if let Some(interpreter) = elf.interpreter() {
        fields.insert("interpreter", text(interpreter));
    }
    let Some(dynamic) = elf.dynamic() else { return fields };
    let list = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(" ");
    fields.insert("needs", list(&mut dynamic.needed.iter().map(|(_, name)| text(name))));
    let versions = dynamic.version_needs.iter().flat_map(|need| {
        need.versions.iter().map(|version| format!("{}@{}", text(&need.file), text(&version.name)))
    });
    let mut versions: Vec<_> = versions.collect();
    versions.sort();
    fields.insert("needs versions", versions.join(" "));
    for (name, value) in
        [("soname", &dynamic.soname), ("rpath", &dynamic.rpath), ("runpath", &dynamic.runpath)]
    {
        if let Some(value) = value {
            fields.insert(name, text(value));
        }
    }
    fields.retain(|_, value| !value.is_empty());
    fields
}
