//! A lock as text: KDL, a line for each thing, sorted, made to be read in a diff.

use imgc_parser::{ImagePath, Record};

use super::name::encode;
use super::{LOCK_VERSION, Lock, LockedContent, LockedEntry};

/// What the file says about itself.
const HEADING: &str = "// Made by `imgc lock`. Check it in; do not edit it.\n";

impl Lock {
    /// Returns the text of the lock. Equal locks have one text.
    #[must_use]
    pub fn text(&self) -> String {
        let inputs = &self.inputs;
        let mut records = vec![
            Record::new("lock").with(u64::from(LOCK_VERSION)),
            Record::new("format")
                .with(u64::from(inputs.format))
                .with_property("plan", inputs.plan_version),
            Record::new("plan").with(inputs.plan.to_string()),
            Record::new("created").with(self.created.to_string()),
        ];
        for source in &inputs.sources {
            let mut record = Record::new("source").with(source.kind.as_str());
            if let Some(place) = &source.place {
                record = record.with(encode(place.as_bytes()));
            }
            if let Some(platform) = source.platform {
                record = record.with_property("platform", platform.to_string());
            }
            if let Some(pin) = &source.pin {
                record = record.with_property("pin", pin.as_str());
            }
            records.push(record);
        }
        for (key, entries) in &inputs.images {
            let mut image = Record::new("image")
                .with(key.name.as_str())
                .with_property("platform", key.platform.to_string());
            if let Some(output) = self.outputs.get(key) {
                image = image
                    .with_property("manifest", output.manifest.to_string())
                    .with_property("config", output.config.to_string());
                records.push(image);
                records.extend(output.layers.iter().map(|layer| {
                    Record::new("layer")
                        .with(layer.diff_id.to_string())
                        .with_property("blob", layer.blob.to_string())
                        .with_property("size", layer.size)
                }));
            } else {
                records.push(image);
            }
            records.extend(entries.iter().map(|(path, entry)| record_of(path, entry)));
        }
        records.push(Record::new("end"));
        let lines = records.iter().map(|record| record.write() + "\n");
        std::iter::once(HEADING.to_owned()).chain(lines).collect()
    }
}

fn record_of(path: &ImagePath, entry: &LockedEntry) -> Record {
    let name = match entry.content {
        LockedContent::File { .. } => "file",
        LockedContent::Directory { .. } => "directory",
        LockedContent::Link(_) => "link",
        LockedContent::HardLink(_) => "hard-link",
    };
    let record = Record::new(name).with(encode(path.as_bytes()));
    let record = match &entry.content {
        LockedContent::File { size, digest, mode } => record
            .with_property("size", *size)
            .with_property("mode", format!("{:04o}", mode.bits()))
            .with_property("digest", digest.to_string()),
        LockedContent::Directory { mode } => {
            record.with_property("mode", format!("{:04o}", mode.bits()))
        }
        LockedContent::Link(target) => record.with_property("to", encode(target)),
        LockedContent::HardLink(target) => record.with_property("to", encode(target.as_bytes())),
    };
    let record = record.with_property("origin", entry.origin.as_str());
    match &entry.package {
        Some(package) => record.with_property("package", package.as_str()),
        None => record,
    }
}
