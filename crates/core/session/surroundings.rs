//! What a process can see of where it runs: asked by `imgc audit` of its own children, to know
//! which perturbations took effect.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{SECONDS_PER_DAY, Session};

/// Looks at the surroundings, and at the project in `directory`. Each thing that a perturbation
/// changes has a name of its own.
pub(crate) fn look(directory: &Path, session: &Session) -> BTreeMap<&'static str, String> {
    let variable = |name| env::var_os(name).unwrap_or_default().to_string_lossy().into_owned();
    let first = |path: &str, key: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_default().trim().to_owned()
    };
    let status = fs::metadata(directory).ok();
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let (mut order, mut times) = (Vec::new(), Vec::new());
    list(directory, &mut order, &mut times);
    BTreeMap::from([
        ("working directory", session.cwd.display().to_string()),
        ("project directory", directory.display().to_string()),
        ("home", variable("HOME")),
        ("number of variables", env::vars_os().count().to_string()),
        ("LD_LIBRARY_PATH", variable("LD_LIBRARY_PATH")),
        ("SOURCE_DATE_EPOCH", variable("SOURCE_DATE_EPOCH")),
        ("time zone", variable("TZ")),
        ("locale", variable("LC_ALL")),
        ("umask", first("/proc/self/status", "Umask:")),
        ("user", first("/proc/self/status", "Uid:")),
        ("threads", session.workers().to_string()),
        ("processor", processor()),
        ("order of directories", order.join("\n")),
        ("times of files", times.join(" ")),
        ("file system", status.map_or(0, |status| status.dev()).to_string()),
        ("host name", first("/proc/sys/kernel/hostname", "")),
        ("day", (seconds / SECONDS_PER_DAY).to_string()),
    ])
}

/// Lists what is below a directory in the order in which the system does.
fn list(directory: &Path, order: &mut Vec<String>, times: &mut Vec<String>) {
    // What cannot be listed is no difference that could be seen.
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name == ".git" {
            continue;
        }
        order.push(name.to_string_lossy().into_owned());
        if let Ok(status) = entry.metadata() {
            if status.is_dir() {
                list(&entry.path(), order, times);
            } else {
                times.push(status.mtime().to_string());
            }
        }
    }
}

/// Names the instructions that hashing and compressing choose their code by.
#[cfg(target_arch = "x86_64")]
fn processor() -> String {
    let features = [
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("bmi2", std::arch::is_x86_feature_detected!("bmi2")),
        ("pclmulqdq", std::arch::is_x86_feature_detected!("pclmulqdq")),
        ("sha", std::arch::is_x86_feature_detected!("sha")),
        ("sse4.2", std::arch::is_x86_feature_detected!("sse4.2")),
    ];
    let present = features.iter().filter(|(_, present)| *present).map(|(name, _)| *name);
    present.collect::<Vec<_>>().join(" ")
}

/// Elsewhere nothing is chosen by what the processor can do.
#[cfg(not(target_arch = "x86_64"))]
fn processor() -> String {
    env::consts::ARCH.to_owned()
}
