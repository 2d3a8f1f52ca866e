//! Asks `imgc ldd`, and compares.

use super::case::Case;
use super::referee::{Answer, Found, absolute};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Returns the program under test.
pub(crate) fn program() -> PathBuf {
    std::env::var_os("IMGC_BIN").map_or_else(|| env!("CARGO_BIN_EXE_imgc").into(), PathBuf::from)
}

/// What `imgc ldd` says about one program.
#[derive(Debug)]
pub(crate) struct Ours {
    answer: Answer,
    /// Names of auxiliary filters that are missing.
    optional: Vec<String>,
    status: Option<i32>,
}

pub(crate) fn ask(case: &Case, root: &Path) -> Result<Ours, String> {
    let mut command = Command::new(program());
    command.args(["ldd", "--json", "--root"]).arg(root).args(["--cwd", &case.cwd]);
    for (name, value) in &case.env {
        command.arg("--env").arg(format!("{name}={value}"));
    }
    if let Some(platform) = &case.platform {
        command.args(["--platform", platform]);
    }
    // The caller's environment must not matter. These directories are in many cases, where they
    // would change the answer, and on no machine.
    command.arg(&case.run).env("LD_LIBRARY_PATH", "/a:/b:/e:/l:/r:/right:/opt/l");
    let output = command.output().map_err(|error| error.to_string())?;
    let mut files = parse(&output)?;
    if files.len() != 1 {
        return Err(format!("  {} answers for one file\n{}", files.len(), show(&output)));
    }
    let file = files.remove(0);
    let mut answer =
        read(&file).ok_or_else(|| format!("  not the promised form\n{}", show(&output)))?;
    let optional = file["optional"].as_array().into_iter().flatten();
    let optional = optional.filter(|row| row["tag"] == "auxiliary");
    let optional = optional.filter_map(|row| Some(row["name"].as_str()?.to_owned())).collect();
    for found in &mut answer.libraries {
        found.path = found.path.take().map(|path| absolute(&path, &case.cwd));
    }
    Ok(Ours { answer, optional, status: output.status.code() })
}

/// Returns the JSON objects of an answer, whether they stand in an array or one after the other.
pub(crate) fn parse(output: &Output) -> Result<Vec<Value>, String> {
    let mut files = Vec::new();
    for value in serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>() {
        match value.map_err(|error| format!("  no JSON: {error}\n{}", show(output)))? {
            Value::Array(values) => files.extend(values),
            value => files.push(value),
        }
    }
    Ok(files)
}

fn read(file: &Value) -> Option<Answer> {
    let text = |value: &Value| match value {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text.clone())),
        _ => None,
    };
    let mut answer = Answer { fatal: text(file.get("fatal")?)?, ..Answer::default() };
    for library in file.get("libraries")?.as_array()? {
        answer.libraries.push(Found {
            name: library.get("name")?.as_str()?.to_owned(),
            path: text(library.get("path")?)?,
            real_path: text(library.get("real_path")?)?,
        });
    }
    Some(answer)
}

/// Compares the loader's answer with ours: what is loaded, in which order, from where, and whether it starts.
pub(crate) fn compare(theirs: &Answer, ours: &Ours) -> Result<(), String> {
    let mut complaints: Vec<String> = Vec::new();
    let mut found = ours.answer.clone();
    let mut theirs = theirs.clone();
    // A trace also shows auxiliary filters that are missing, which a start can do without.
    for name in &ours.optional {
        let is_it = |found: &Found| found.path.is_none() && found.name == *name;
        if let Some(at) = theirs.libraries.iter().position(is_it) {
            theirs.libraries.remove(at);
        }
    }
    let theirs = &theirs;
    if theirs.fatal.is_some() != found.fatal.is_some() {
        complaints.push("one says that it cannot start".into());
    } else if theirs.fatal.is_none() {
        if theirs.starts {
            // What is missing although the program starts is a remark.
            found.libraries.retain(|library| library.path.is_some());
        }
        if opened(theirs) != opened(&found) {
            complaints.push("the libraries differ".into());
        } else if real_paths(theirs).zip(real_paths(&found)).any(|(a, b)| a.is_some() && a != b) {
            complaints.push("the real paths differ".into());
        }
    }
    let missing = !theirs.starts;
    let status = match (theirs.fatal.is_some(), missing) {
        (true, _) => ours.status.is_some_and(|status| status > 1),
        (false, true) => ours.status == Some(1),
        (false, false) => ours.status == Some(0),
    };
    if !status {
        complaints.push(format!("the exit status is {:?}", ours.status));
    }
    if complaints.is_empty() {
        return Ok(());
    }
    Err(format!(
        "  {}\n{}{}",
        complaints.join("; "),
        lines("loader", theirs),
        lines("imgc", &ours.answer)
    ))
}

/// Returns names and paths in load order; the missing ones come last, since musl does not say where they belong.
fn opened(answer: &Answer) -> Vec<(&str, Option<&str>)> {
    let mut all: Vec<_> =
        answer.libraries.iter().map(|found| (found.name.as_str(), found.path.as_deref())).collect();
    all.sort_by_key(|(_, path)| path.is_none());
    all
}

/// Returns the real paths of what is there, in load order.
fn real_paths(answer: &Answer) -> impl Iterator<Item = Option<&str>> {
    let found = answer.libraries.iter().filter(|found| found.path.is_some());
    found.map(|found| found.real_path.as_deref())
}

/// Returns an answer as indented text for people.
pub(crate) fn lines(who: &str, answer: &Answer) -> String {
    let mut text = format!("  {who}{}:\n", if answer.starts { ", which starts it" } else { "" });
    if let Some(reason) = &answer.fatal {
        text += &format!("    fatal: {reason:?}\n");
    }
    for found in &answer.libraries {
        text += &match &found.path {
            None => format!("    {:?} is missing\n", found.name),
            Some(path) if found.real_path.as_ref() == Some(path) => {
                format!("    {:?} => {path:?}\n", found.name)
            }
            Some(path) => format!(
                "    {:?} => {path:?} ({:?})\n",
                found.name,
                found.real_path.as_deref().unwrap_or("?")
            ),
        };
    }
    text
}

fn show(output: &Output) -> String {
    let cut = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]).into_owned();
    format!(
        "  {}\n  stdout: {}\n  stderr: {}",
        output.status,
        cut(&output.stdout),
        cut(&output.stderr)
    )
}
