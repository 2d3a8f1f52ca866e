//! How the packages of a program start it as a service: units of systemd and scripts for `init`.

use super::scene::{Object, Scene};
use crate::parcel::Parcel;

/// How the lines begin by which units and scripts say what they start (`systemd.service(5)`; Debian's
/// `/etc/init.d/skeleton`).
const STARTS: &[&str] =
    &["ExecStart=", "DAEMON=", "EXEC=", "daemon=", "start-stop-daemon", "daemon "];

/// Returns the lines by which units and scripts of the packages start a program: then it is a service, and
/// few of them start without their configuration, while tools have defaults.
pub(super) fn starts(scene: &Scene<'_>, parcel: &Parcel, program: &Object<'_>) -> Vec<String> {
    let units = [&b"/usr/lib/systemd/system/"[..], b"/etc/init.d/"];
    let files = parcel.paths.iter().filter(|path| {
        units
            .iter()
            .any(|start| path.as_bytes().len() > start.len() && path.as_bytes().starts_with(start))
    });
    // Files of the sources: the image has none of them.
    let path = program.source.to_string();
    let is_start = |line: &str| {
        let line = line.trim_start();
        let is_start = STARTS.iter().any(|start| line.starts_with(start));
        is_start
            && line.match_indices(&path).any(|(at, _)| {
                !line[at + path.len()..]
                    .starts_with(|l: char| l.is_ascii_alphanumeric() || l == '-')
            })
    };
    let mut found = Vec::new();
    for text in files.flat_map(|path| scene.source_texts(&path.to_string())) {
        let text = String::from_utf8_lossy(&text);
        // Who ends when it has done its work is told of the configuration by the unit.
        if !text.lines().any(|line| line.trim() == "Type=oneshot") {
            found.extend(text.lines().filter(|line| is_start(line)).map(ToOwned::to_owned));
        }
    }
    found
}
