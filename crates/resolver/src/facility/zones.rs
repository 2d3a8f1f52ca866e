//! `needs timezones`: times are told in time zones.
//!
//! glibc, musl, Go, Java and Python all look below `/usr/share/zoneinfo` (`tzset(3)`).

use imgc_planner::recipe::{ImagePath, ZoneName};

use super::Asking;
use crate::draft::Drafts;
use crate::places::nearest;

const ZONES: &str = "/usr/share/zoneinfo";

/// Debian's link to the zone of the machine, which is none of the image's business.
const OF_THE_MACHINE: &str = "/localtime";

/// What a compiled zone starts with (`tzfile(5)`).
const MAGIC: &[u8] = b"TZif";

pub(super) fn add(asking: &Asking<'_>, zone: Option<&ZoneName>, drafts: &mut Drafts) {
    let Some(zone) = zone else {
        if !asking.tree(ZONES, &[OF_THE_MACHINE], drafts) {
            asking.lacks("time zones", "tzdata", &[ZONES], drafts);
        }
        return;
    };
    let path = format!("{ZONES}/{zone}");
    let found = asking.find(path.as_bytes()).filter(|walk| {
        let start = asking.surroundings.roots.read_start(walk, MAGIC.len());
        start.is_ok_and(|start| start == MAGIC)
    });
    if let Some(walk) = found {
        asking.supply(&walk, drafts);
        return;
    }
    let what = match is_like(asking, zone) {
        Some(other) => format!("time zone `{zone}`; there is `{other}`"),
        None => format!("time zone `{zone}`"),
    };
    asking.lacks(&what, "tzdata", &[&path], drafts);
}

/// Returns the zone in the same part of the world that is most like one that is not there.
fn is_like(asking: &Asking<'_>, zone: &ZoneName) -> Option<String> {
    let path = ImagePath::parse(format!("{ZONES}/{zone}").as_bytes()).ok()?;
    let name = nearest(asking.surroundings.roots, &path)?;
    let other = match zone.as_str().rsplit_once('/') {
        Some((above, _)) => format!("{above}/{name}"),
        None => name.to_string(),
    };
    (other != zone.as_str()).then_some(other)
}
