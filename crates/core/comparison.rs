//! Two images, field by field.
//!
//! Strictly, everything that their bytes can differ in counts. Semantically, only what makes a
//! difference to what runs: the settings that an engine reads, and the tree that the layers make
//! when they lie on top of each other. Start reading at [`compare`].

mod settings;
mod tree;

use std::collections::BTreeMap;

use imgc_parser::Printable;
use imgc_planner::Digest;
use imgc_writer::inspect::{
    EntryField, ObservedEntry, ObservedImage, ObservedLayer, ObservedLayout,
};
use serde::Serialize;

/// What two images differ in.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Comparison {
    /// All differences: of documents first, then of layers, in their order.
    pub(crate) differences: Vec<Difference>,
    /// Whether the archives in the layers and the configs are the same and only the blobs differ.
    pub(crate) only_compression: bool,
}

/// One field that has two values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    /// `image`, `layer 1`, or nothing for the tree of all layers.
    pub(crate) place: String,
    /// The path in the image, if it is about one.
    pub(crate) path: Option<String>,
    /// Which field.
    pub(crate) field: String,
    /// Its value in the first image; null if it has none there.
    pub(crate) first: Option<String>,
    /// Its value in the second image; null if it has none there.
    pub(crate) second: Option<String>,
}

/// What counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// Every byte.
    Strict,
    /// What runs.
    Semantic,
}

/// ELF files that have changed: their path and both contents.
pub(crate) type ChangedElf = (String, Digest, Digest);

/// Compares the images of two layouts. Also returns the ELF files that have changed.
pub(crate) fn compare(
    first: &ObservedLayout,
    second: &ObservedLayout,
    strictness: Strictness,
) -> (Comparison, Vec<ChangedElf>) {
    let mut comparison = Comparison::default();
    let mut elves = Vec::new();
    if strictness == Strictness::Strict {
        let mut found =
            Findings { prefix: String::new(), differences: Vec::new(), elves: &mut elves };
        settings::indexes(first, second, &mut found);
        comparison.differences = found.differences;
    }
    let (first, second) = (&first.images, &second.images);
    let (mut same_content, mut compressed) = (true, false);
    for (one, other) in pair(first, second) {
        match (one, other) {
            (Some(one), Some(other)) => {
                let prefix = match first.len().max(second.len()) {
                    1 => String::new(),
                    _ => format!("{} ", Printable::new(&one.platform)),
                };
                same_content &= one.config == other.config && diff_ids(one).eq(diff_ids(other));
                compressed |= differs_in_compression(one, other);
                let mut found = Findings { prefix, differences: Vec::new(), elves: &mut elves };
                match strictness {
                    Strictness::Strict => strict(one, other, &mut found),
                    Strictness::Semantic => semantic(one, other, &mut found),
                }
                comparison.differences.extend(found.differences);
            }
            (one, other) => {
                same_content = false;
                let name = |image: &ObservedImage| {
                    let name = Printable::new(image.name.as_deref().unwrap_or("-")).to_string();
                    format!("{name} {}", Printable::new(&image.platform))
                };
                comparison.differences.push(Difference {
                    place: "image".into(),
                    path: None,
                    field: "name and platform".into(),
                    first: one.map(name),
                    second: other.map(name),
                });
            }
        }
    }
    comparison.only_compression = same_content && compressed;
    (comparison, elves)
}

/// Finds the image that each one is compared with: the only one, or that of the same platform.
fn pair<'a>(
    first: &'a [ObservedImage],
    second: &'a [ObservedImage],
) -> Vec<(Option<&'a ObservedImage>, Option<&'a ObservedImage>)> {
    if let ([one], [other]) = (first, second) {
        return vec![(Some(one), Some(other))];
    }
    let mut rest: Vec<&ObservedImage> = second.iter().collect();
    let mut pairs = Vec::new();
    for one in first {
        let same_name = rest
            .iter()
            .position(|other| (&other.name, &other.platform) == (&one.name, &one.platform));
        let place =
            same_name.or_else(|| rest.iter().position(|other| other.platform == one.platform));
        pairs.push((Some(one), place.map(|place| rest.remove(place))));
    }
    pairs.extend(rest.into_iter().map(|other| (None, Some(other))));
    pairs
}

fn diff_ids(image: &ObservedImage) -> impl Iterator<Item = &imgc_planner::DiffId> {
    image.layers.iter().map(|layer| &layer.diff_id)
}

fn differs_in_compression(one: &ObservedImage, other: &ObservedImage) -> bool {
    diff_ids(one).eq(diff_ids(other))
        && one.layers.iter().zip(&other.layers).any(|(one, other)| one.blob != other.blob)
}

/// Where differences are put.
struct Findings<'a> {
    prefix: String,
    differences: Vec<Difference>,
    elves: &'a mut Vec<ChangedElf>,
}

impl Findings<'_> {
    fn add(
        &mut self,
        place: &str,
        path: Option<&[u8]>,
        field: &str,
        values: (Option<&str>, Option<&str>),
    ) {
        if values.0 == values.1 {
            return;
        }
        self.differences.push(Difference {
            place: format!("{}{place}", self.prefix).trim_end().to_owned(),
            path: path.map(|path| Printable::new(path).to_string()),
            field: field.to_owned(),
            first: values.0.map(str::to_owned),
            second: values.1.map(str::to_owned),
        });
    }

    /// Compares two entries of one path, of which one may be absent.
    fn entry(
        &mut self,
        place: &str,
        (one, other): (Option<&ObservedEntry>, Option<&ObservedEntry>),
        counts: impl Fn(&EntryField) -> bool,
    ) {
        let Some(path) = one.or(other).map(|entry| &entry.path) else { return };
        let kind = |entry: &ObservedEntry| entry.fields.get(&EntryField::Type).cloned();
        let (Some(one), Some(other)) = (one, other) else {
            let (first, second) = (one.and_then(kind), other.and_then(kind));
            self.add(place, Some(path), "entry", (first.as_deref(), second.as_deref()));
            return;
        };
        let mut keys: Vec<&EntryField> =
            one.fields.keys().chain(other.fields.keys()).filter(|field| counts(field)).collect();
        keys.sort();
        keys.dedup();
        let before = self.differences.len();
        for field in keys {
            // The last field says nothing but that something differs.
            if *field == EntryField::Headers && self.differences.len() > before {
                continue;
            }
            let values = (one.fields.get(field), other.fields.get(field));
            let values = (values.0.map(String::as_str), values.1.map(String::as_str));
            self.add(place, Some(path), &field.to_string(), values);
            if *field == EntryField::Digest
                && values.0 != values.1
                && one.is_elf
                && other.is_elf
                && let (Some(one), Some(other)) =
                    (values.0.and_then(Digest::parse), values.1.and_then(Digest::parse))
            {
                self.elves.push((Printable::new(path).to_string(), one, other));
            }
        }
    }
}

fn strict(one: &ObservedImage, other: &ObservedImage, found: &mut Findings<'_>) {
    let digest = |digest: Option<imgc_planner::BlobDigest>| digest.map(|digest| digest.to_string());
    let manifests = (digest(one.manifest), digest(other.manifest));
    found.add("image", None, "manifest", (manifests.0.as_deref(), manifests.1.as_deref()));
    let names = (one.name.as_deref(), other.name.as_deref());
    found.add("image", None, "name", names);
    let configs = (one.config.to_string(), other.config.to_string());
    found.add("image", None, "config", (Some(&configs.0), Some(&configs.1)));
    settings::strict(one, other, found);
    let same = same_layers(one, other);
    if one.layers.len() != other.layers.len() {
        let counts = (one.layers.len().to_string(), other.layers.len().to_string());
        found.add("image", None, "number of layers", (Some(&counts.0), Some(&counts.1)));
        for (place, layer) in one.layers.iter().enumerate() {
            if !same.contains_key(&place) {
                let place = format!("layer {}", place + 1);
                found.add(&place, None, "diff id", (Some(&layer.diff_id.to_string()), None));
            }
        }
        for (place, layer) in other.layers.iter().enumerate() {
            if !same.values().any(|known| *known == place) {
                let place = format!("layer {}", place + 1);
                found.add(&place, None, "diff id", (None, Some(&layer.diff_id.to_string())));
            }
        }
        for (place, counterpart) in &same {
            let layers = (&one.layers[*place], &other.layers[*counterpart]);
            strict_layer(&format!("layer {}", place + 1), layers.0, layers.1, found);
        }
        tree::compare(one, other, found, |field| *field != EntryField::Headers);
        return;
    }
    let is_permuted = same.len() == one.layers.len();
    if is_permuted && same.iter().any(|(place, counterpart)| place != counterpart) {
        let order = |places: &mut dyn Iterator<Item = &usize>| {
            places.map(|place| (place + 1).to_string()).collect::<Vec<_>>().join(" ")
        };
        let places: BTreeMap<_, _> = same.iter().map(|(place, other)| (other, place)).collect();
        let orders = (order(&mut same.keys()), order(&mut places.into_values()));
        found.add("image", None, "order of layers", (Some(&orders.0), Some(&orders.1)));
    }
    for (place, layer) in one.layers.iter().enumerate() {
        let counterpart = if is_permuted { same[&place] } else { place };
        strict_layer(&format!("layer {}", place + 1), layer, &other.layers[counterpart], found);
    }
}

/// Finds the layers whose archives both images have: by the place in the first, that in the second.
fn same_layers(one: &ObservedImage, other: &ObservedImage) -> BTreeMap<usize, usize> {
    let mut same = BTreeMap::new();
    for (place, layer) in one.layers.iter().enumerate() {
        // The same place counts first: an archive can be there more than once.
        let is_same =
            |at: usize| other.layers.get(at).is_some_and(|it| it.diff_id == layer.diff_id);
        let mut free = std::iter::once(place).chain(0..other.layers.len());
        if let Some(at) = free.find(|at| is_same(*at) && !same.values().any(|used| used == at)) {
            same.insert(place, at);
        }
    }
    same
}

fn strict_layer(place: &str, one: &ObservedLayer, other: &ObservedLayer, found: &mut Findings<'_>) {
    found.add(place, None, "compression", (Some(one.compression), Some(other.compression)));
    let blobs = (one.blob.to_string(), other.blob.to_string());
    found.add(place, None, "blob", (Some(&blobs.0), Some(&blobs.1)));
    let sizes = (one.size.to_string(), other.size.to_string());
    found.add(place, None, "blob size", (Some(&sizes.0), Some(&sizes.1)));
    let diff_ids = (one.diff_id.to_string(), other.diff_id.to_string());
    found.add(place, None, "diff id", (Some(&diff_ids.0), Some(&diff_ids.1)));
    if one.diff_id == other.diff_id {
        return;
    }
    let before = found.differences.len();
    // A path that stands there twice is compared with the other's second.
    let (first, second) = (numbered(&one.entries), numbered(&other.entries));
    let mut keys: Vec<_> = first.keys().chain(second.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let pair = (first.get(key).copied(), second.get(key).copied());
        found.entry(place, pair, |_| true);
    }
    let order = |entries: &BTreeMap<(&[u8], usize), &ObservedEntry>, all: &[ObservedEntry]| {
        let mut seen = BTreeMap::new();
        all.iter()
            .filter_map(|entry| {
                let number = seen.entry(&*entry.path).or_insert(0_usize);
                *number += 1;
                entries.contains_key(&(&*entry.path, *number)).then_some(&*entry.path)
            })
            .map(|path| Printable::new(path).to_string())
            .collect::<Vec<_>>()
    };
    let orders = (order(&second, &one.entries), order(&first, &other.entries));
    if let Some((one, other)) = orders.0.iter().zip(&orders.1).find(|(one, other)| one != other) {
        found.add(place, None, "order of entries", (Some(one), Some(other)));
    }
    if found.differences.len() == before {
        found.add(place, None, "form of the archive", (Some(&diff_ids.0), Some(&diff_ids.1)));
    }
}

fn numbered(entries: &[ObservedEntry]) -> BTreeMap<(&[u8], usize), &ObservedEntry> {
    let mut numbered = BTreeMap::new();
    let mut counts: BTreeMap<&[u8], usize> = BTreeMap::new();
    for entry in entries {
        let count = counts.entry(&entry.path).or_default();
        *count += 1;
        numbered.insert((&*entry.path, *count), entry);
    }
    numbered
}

fn semantic(one: &ObservedImage, other: &ObservedImage, found: &mut Findings<'_>) {
    settings::semantic(one, other, found);
    tree::compare(one, other, found, EntryField::is_essential);
}
