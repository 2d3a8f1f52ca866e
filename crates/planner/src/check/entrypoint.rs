//! The program that the image runs is there and may be executed.

use crate::check::Finding;
use crate::check::access::allows;
use crate::check::scene::Scene;
use crate::node::Program;
use crate::spec::{Entry, EntryKind, ImageSpec};
use crate::tree::{ImageTree, Lost};

/// The right to execute (`inode(7)`).
const EXECUTE: u16 = 0o1;

/// Checks the entrypoint, or the command if there is none, as `execve(2)` and an OCI runtime see it.
pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let Scene { plan, spec, tree, .. } = scene;
    let workdir = &spec.config.workdir;
    if matches!(plan.config().entrypoint, Program::Shell(_)) {
        let shell = tree.resolve(b"/bin/sh", workdir);
        return if shell.is_err() { vec![Finding::ShellMissing] } else { Vec::new() };
    }
    let Some(program) = spec.config.entrypoint.first().or(spec.config.command.first()) else {
        return vec![Finding::NothingToRun];
    };
    let looked = if program.contains('/') {
        tree.resolve(program.as_bytes(), workdir)
    } else {
        // The runtime looks a bare name up in the image's PATH (runc: `exec.LookPath`).
        match in_path(program, spec, tree) {
            Some(found) => Ok(found),
            None if program.contains(char::is_whitespace) => Err(Lost::Endless),
            None => {
                let path = path_of(spec).to_owned();
                return vec![Finding::EntrypointNotInPath { program: program.clone(), path }];
            }
        }
    };
    let finding = match looked {
        Err(_) if program.contains(char::is_whitespace) => {
            Finding::EntrypointIsALine { program: program.clone() }
        }
        Err(Lost::Absent(missing) | Lost::NotADirectory(missing)) => {
            Finding::EntrypointMissing { program: program.clone(), missing }
        }
        Err(Lost::Endless) => {
            Finding::EntrypointMissing { program: program.clone(), missing: workdir.clone() }
        }
        Ok((path, Some(Entry { kind: EntryKind::Directory, .. }) | None)) => {
            Finding::EntrypointIsADirectory { path }
        }
        Ok((path, Some(entry))) if !allows(entry, spec, EXECUTE) => {
            let (uid, gid) = (spec.config.uid, spec.config.gid);
            Finding::EntrypointNotExecutable { path, mode: entry.mode, uid, gid }
        }
        Ok(_) => return Vec::new(),
    };
    vec![finding]
}

fn path_of(spec: &ImageSpec) -> &str {
    spec.config.env.iter().find(|(name, _)| name == "PATH").map_or("", |(_, value)| value)
}

fn in_path<'a>(
    program: &str,
    spec: &ImageSpec,
    tree: &ImageTree<'a>,
) -> Option<(imgc_parser::ImagePath, Option<&'a Entry>)> {
    path_of(spec).split(':').find_map(|directory| {
        let path = format!("{directory}/{program}");
        let found = tree.resolve(path.as_bytes(), &spec.config.workdir).ok()?;
        let is_program = found.1.is_some_and(|entry| {
            !matches!(entry.kind, EntryKind::Directory) && allows(entry, spec, EXECUTE)
        });
        is_program.then_some(found)
    })
}
