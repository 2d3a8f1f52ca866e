//! Users and groups that a service names, in its constants or its configuration.

use std::collections::{BTreeMap, BTreeSet};

use super::data::is_shared;
use super::scene::Scene;
use crate::error::Name;
use crate::host::FileType;
use imgc_planner::recipe::ImagePath;

/// Numbers of users that packages make for their services (Debian Policy 9.2.2).
const SERVICES: std::ops::Range<u32> = 100..1000;

/// Most files of a configuration that are read.
const MAX_FILES: usize = 100;

/// The accounts of the sources, by name: their lines in `passwd(5)` and `group(5)`, and their numbers.
pub(super) struct Accounts {
    pub(super) users: BTreeMap<Vec<u8>, (String, u32)>,
    groups: BTreeMap<Vec<u8>, (String, u32)>,
}

/// What is named and not there.
#[derive(Default)]
pub(super) struct Missing {
    pub(super) names: Vec<Name>,
    pub(super) lines: Vec<Name>,
}

impl Accounts {
    pub(super) fn read(scene: &Scene<'_>) -> Self {
        let read =
            |path: &str| scene.source_texts(path).iter().flat_map(|text| entries(text)).collect();
        Self { users: read("/etc/passwd"), groups: read("/etc/group") }
    }

    /// Returns the users for services that a script names as words.
    fn made(&self, setup: &[u8]) -> BTreeSet<&Vec<u8>> {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let words: BTreeSet<&[u8]> = setup.split(|byte| !is_part(byte)).collect();
        let services = self.users.iter().filter(|(_, (_, number))| SERVICES.contains(number));
        services.map(|(name, _)| name).filter(|name| words.contains(&name[..])).collect()
    }

    /// Returns the accounts that are named and that the image has not. `words` are those of the
    /// program, and count if the packages' `setup` makes such a user.
    pub(super) fn missing(
        &self,
        scene: &Scene<'_>,
        words: &BTreeSet<Vec<u8>>,
        setup: &[u8],
    ) -> Missing {
        let has = |path: &str| entries(&scene.configuration(path).unwrap_or_default());
        let (own_users, own_groups) = (has("/etc/passwd"), has("/etc/group"));
        let made = self.made(setup);
        // Linkers keep a text that ends another one only there, so one that is found stands for all.
        let is_named = made.iter().any(|name| words.contains(*name));
        let mut users = if is_named { made } else { BTreeSet::new() };
        let mut groups: BTreeSet<&Vec<u8>> = BTreeSet::new();
        for text in configurations(scene) {
            for (key, value) in settings(&text) {
                let key = key.to_ascii_lowercase();
                if key.contains("group") {
                    groups.extend(self.groups.get_key_value(value.as_bytes()).map(|(key, _)| key));
                } else if key.contains("user") || key.contains("owner") {
                    users.extend(self.users.get_key_value(value.as_bytes()).map(|(key, _)| key));
                }
            }
        }
        // The first user and group of every system, by whatever name they are there.
        users.retain(|name| ***name != *b"root" && !own_users.contains_key(*name));
        groups.retain(|name| ***name != *b"root" && !own_groups.contains_key(*name));
        if users.is_empty() && groups.is_empty() {
            return Missing::default();
        }
        let named = users.iter().chain(&groups).map(Name::new).collect::<BTreeSet<_>>();
        // The primary group of a user often bears its name.
        groups.extend(users.iter().filter_map(|name| {
            let known = self.groups.get_key_value(*name).map(|(key, _)| key)?;
            (!own_groups.contains_key(known)).then_some(known)
        }));
        let file =
            |path: &str, standard: &str, wanted: &BTreeSet<&Vec<u8>>, all: &BTreeMap<_, _>| {
                let lines = wanted.iter().filter_map(|name| all.get(*name));
                let lines: String =
                    lines.map(|(line, _): &(String, u32)| format!("{line}\\n")).collect();
                // Who has some of them keeps these: the line stands in the place of theirs.
                let own = scene.configuration(path).and_then(|text| String::from_utf8(text).ok());
                let is_plain = |text: &String| !text.contains(['"', '\\']);
                let own = own.filter(|text| is_plain(text) && !text.trim().is_empty());
                let own = own.map(|text| text.trim_end().replace('\n', "\\n") + "\\n");
                let first = own.as_deref().unwrap_or(standard);
                Name::new(format!("text \"{path}\" \"{first}{lines}\""))
            };
        Missing {
            names: named.into_iter().collect(),
            lines: vec![
                file("/etc/passwd", USERS, &users, &self.users),
                file("/etc/group", GROUPS, &groups, &self.groups),
            ],
        }
    }
}

/// What `needs users` writes, as a text of KDL.
const USERS: &str = "root:x:0:0:root:/root:/sbin/nologin\\n\
                     nonroot:x:65532:65532:nonroot:/:/sbin/nologin\\n\
                     nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\\n";
const GROUPS: &str = "root:x:0:\\nnonroot:x:65532:\\nnobody:x:65534:\\n";

/// Returns the lines of `passwd(5)` or `group(5)` by name, without what a recipe cannot quote; groups
/// without their members.
fn entries(text: &[u8]) -> BTreeMap<Vec<u8>, (String, u32)> {
    let entry = |line: &[u8]| {
        let line = std::str::from_utf8(line).ok()?;
        let mut fields: Vec<&str> = line.split(':').collect();
        let number: u32 = fields.get(2)?.parse().ok()?;
        if fields.len() == 4 {
            fields[3] = "";
        }
        let is_plain = !line.contains(['"', '\\']) && !fields[0].is_empty();
        is_plain.then(|| (fields[0].as_bytes().to_vec(), (fields.join(":"), number)))
    };
    text.split(|byte| *byte == b'\n').filter_map(entry).collect()
}

/// Returns the texts of the configuration that the image has, but for what all systems have.
pub(super) fn configurations(scene: &Scene<'_>) -> Vec<String> {
    let below = scene
        .entries
        .keys()
        .filter(|path| path.as_bytes().starts_with(b"/etc/") && !is_shared(path.as_bytes()));
    let is_file = |path: &&ImagePath| {
        let walk = scene.image.walk(path.as_bytes(), &ImagePath::root());
        walk.is_ok_and(|walk| walk.stat.file_type == FileType::Regular)
    };
    let files = below.filter(is_file).take(MAX_FILES);
    let texts = files.filter_map(|path| scene.configuration(&path.to_string()));
    texts.filter_map(|text| String::from_utf8(text).ok()).collect()
}

/// Returns the settings of a configuration, whatever its form: a word at the beginning of a line, and
/// the next one, without quotes and what else is around them.
fn settings(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let line = line.trim_start();
        if line.starts_with(['#', ';', '/']) {
            return None;
        }
        let is_part = |letter: char| {
            letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '$' | '.')
        };
        let mut words = line.split(|letter| !is_part(letter)).filter(|word| !word.is_empty());
        Some((words.next()?, words.next()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_many_forms_are_a_key_and_a_value() {
        let text =
            "# user root\n$FileGroup adm\n user = \"_app\";\nUser: web\nalone\n<owner>x</owner>\n";
        let found: Vec<_> = settings(text).collect();
        let expected = [("$FileGroup", "adm"), ("user", "_app"), ("User", "web"), ("owner", "x")];
        assert_eq!(found, expected);
    }

    #[test]
    fn groups_come_without_their_members() {
        let found = entries(b"adm:x:4:me,you\nbad\"name:x:5:\n");
        assert_eq!(found.into_values().collect::<Vec<_>>(), [("adm:x:4:".to_owned(), 4)]);
    }
}
