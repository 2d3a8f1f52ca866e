//! What happens when a program of the image is started: scripts to their interpreters, and ELF
//! files to their loader.

use std::collections::BTreeSet;

use imgc_planner::node::{Attributes, Search};
use imgc_planner::recipe::{ImagePath, Platform};
use imgc_planner::{NodeId, Reason};

use crate::contents::FileRef;
use crate::draft::{DraftContent, Drafts};
use crate::error::{Name, ResolveError, errno_text};
use crate::host::FileType;
use crate::loader::{Elf, Loader, Lookup, Opening, Placed, Request, StartProblem, Tag, Trace};
use crate::places::{regular, unreadable};
use crate::platform;
use crate::root::{Roots, Walk};
use crate::script;

/// Most scripts in a row that the kernel starts; one more is `ELOOP` (`fs/exec.c`).
const MAX_SCRIPTS: usize = 5;

/// The bits of a mode by which a program runs as its owner or group (`inode(7)`).
pub(crate) const SET_ID: u16 = 0o6000;

/// Where programs are started: the sources below the recipe's own files, and the image's
/// environment.
pub(crate) struct Surroundings<'a> {
    pub(crate) loader: &'a Loader,
    pub(crate) roots: &'a Roots,
    pub(crate) search: &'a Search,
}

/// One program that was started.
pub(crate) struct Run {
    /// The node that starts it, or for which it is started.
    pub(crate) node: NodeId,
    /// The path that is executed.
    pub(crate) program: Vec<u8>,
    /// Where the program stands in the image.
    pub(crate) place: ImagePath,
    /// What is preloaded beside the image's own: a library that is opened at run time.
    pub(crate) extra: Option<Vec<u8>>,
    /// What objects open after the start, in order.
    pub(crate) openings: Vec<OwnedOpening>,
    /// What the loader does.
    pub(crate) trace: Trace,
}

/// A library that an object of a run opens.
#[derive(Clone)]
pub(crate) struct OwnedOpening {
    /// The object: its path in the sources, without links.
    pub(crate) by: ImagePath,
    /// The name that it gives.
    pub(crate) name: Box<[u8]>,
}

impl Run {
    /// Tells whether this is the start of a program and nothing more.
    pub(crate) fn is_start(&self) -> bool {
        self.extra.is_none() && self.openings.is_empty()
    }

    /// Tells whether a look-up is that of the library for which the run was made.
    pub(crate) fn is_for(&self, lookup: &Lookup) -> bool {
        match (self.openings.last(), &self.extra) {
            (Some(opening), _) => lookup.tag == Tag::Opened && lookup.written == opening.name,
            (None, Some(extra)) => lookup.tag == Tag::Preload && *lookup.written == **extra,
            (None, None) => false,
        }
    }
}

/// The program that a node names.
pub(crate) struct Named {
    pub(crate) path: ImagePath,
    pub(crate) attributes: Attributes,
    /// Its file.
    pub(crate) file: FileRef,
    /// The way to it in its source, if it stands at the same path there.
    pub(crate) walk: Option<Walk>,
}

impl Surroundings<'_> {
    /// Traces one ELF program, with the mode that it has in the image.
    pub(crate) fn trace(
        &self,
        program: &[u8],
        extra: Option<&[u8]>,
        placed: Option<Placed<'_>>,
    ) -> Result<Trace, StartProblem> {
        self.trace_opening(program, extra, placed, &[])
    }

    /// Traces one ELF program, and what its objects open at run time.
    pub(crate) fn trace_opening(
        &self,
        program: &[u8],
        extra: Option<&[u8]>,
        placed: Option<Placed<'_>>,
        openings: &[Opening<'_>],
    ) -> Result<Trace, StartProblem> {
        let own = self.search.preload.as_deref().unwrap_or_default().as_bytes();
        let preload = match extra {
            Some(extra) if own.is_empty() => extra.to_vec(),
            Some(extra) => [own, b":", extra].concat(),
            None => own.to_vec(),
        };
        self.loader.trace_opening(
            self.roots,
            &Request {
                program,
                placed,
                cwd: &self.search.workdir,
                library_path: self.search.library_path.as_deref().map(str::as_bytes),
                preload: (!preload.is_empty()).then_some(&preload[..]),
                opens_last: extra.is_some(),
                level: None,
                platform: None,
                file_capabilities: false,
                libraries: false,
            },
            openings,
        )
    }

    /// Traces the program of a run once more, with something else preloaded or opened. Set-id bits
    /// count as they did before: those of the image, and not the source's.
    pub(crate) fn trace_again(
        &self,
        run: &Run,
        extra: Option<&[u8]>,
        openings: &[Opening<'_>],
    ) -> Result<Trace, StartProblem> {
        let walk = self.roots.walk(&run.program, &ImagePath::root()).ok();
        let is_secure = run.trace.main.secure;
        let walk = walk.filter(|walk| is_secure != (walk.stat.mode & SET_ID != 0));
        let Some(walk) = walk else {
            return self.trace_opening(&run.program, extra, None, openings);
        };
        let open = self.roots.open(&walk).map_err(StartProblem::ProgramUnreadable)?;
        let bits = if is_secure { SET_ID } else { 0 };
        let stat = crate::host::Stat { mode: walk.stat.mode & !SET_ID | bits, ..walk.stat };
        let placed = Placed { real: &walk.real, stat, file: &*open };
        self.trace_opening(&run.program, extra, Some(placed), openings)
    }

    /// Starts a program that a node names, and all that starts with it. Returns the ELF programs
    /// that ran; their libraries are left to the caller.
    pub(crate) fn launch(&self, node: NodeId, named: &Named, drafts: &mut Drafts) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut started = BTreeSet::new();
        let mut pending = vec![(named.path.as_bytes().to_vec(), Reason::Asked, 0)];
        while let Some((path, reason, scripts)) = pending.pop() {
            let walk = match self.roots.walk(&path, &self.search.workdir) {
                Ok(walk) => walk,
                Err(error) => {
                    drafts.problems.push(ResolveError::InterpreterIsMissing {
                        node,
                        program: starter(&reason).unwrap_or_else(|| named.path.clone()),
                        interpreter: Name::new(&path),
                        found: Name::new(absent(error.errno)),
                        platform: None,
                    });
                    continue;
                }
            };
            let is_named = reason == Reason::Asked;
            let found =
                if is_named { Ok(named.file.clone()) } else { regular(self.roots, node, &walk) };
            let file = match found {
                Ok(file) => file,
                Err(problem) => {
                    drafts.problems.push(problem);
                    continue;
                }
            };
            let way = if is_named { named.walk.as_ref() } else { Some(&walk) };
            let place = match way {
                Some(walk) => {
                    drafts.add_trail(node, &walk.trail, &walk.real);
                    walk.real.clone()
                }
                None => named.path.clone(),
            };
            let attributes = if is_named { named.attributes } else { Attributes::ROOT };
            let content = DraftContent::File { file: file.clone(), program: true, loaded: false };
            let by_env = matches!(reason, Reason::EnvProgram { .. });
            drafts.add(node, reason, place.clone(), content, attributes);
            if by_env && !started.insert(walk.real.clone()) {
                continue;
            }
            match self.trace_file(&path, &walk, &file, attributes) {
                Ok(trace) => {
                    let (extra, openings) = (None, Vec::new());
                    runs.push(Run { node, program: path, place, extra, openings, trace });
                }
                Err(StartProblem::Script) if scripts == MAX_SCRIPTS => {
                    drafts.problems.push(ResolveError::ScriptsNestTooDeep { node, path: place });
                }
                Err(StartProblem::Script) => match self.read_script(node, &file, &place, scripts) {
                    Ok(next) => pending.extend(next),
                    Err(problem) => drafts.problems.push(problem),
                },
                Err(problem) => {
                    let platform = self.platform_of(&walk);
                    drafts.problems.push(start_problem(node, &place, &file, platform, problem));
                }
            }
        }
        runs
    }

    fn platform_of(&self, walk: &Walk) -> Option<Platform> {
        let file = self.roots.open(walk).ok()?;
        platform::of_elf(&Elf::read(&*file, walk.stat.size, None).ok()?)
    }

    /// Set-id bits of the source do not reach the image, and decide how a loader searches.
    fn trace_file(
        &self,
        path: &[u8],
        walk: &Walk,
        file: &FileRef,
        attributes: Attributes,
    ) -> Result<Trace, StartProblem> {
        let mode = attributes.mode.map_or(0o755, |mode| mode.bits());
        if (mode | walk.stat.mode) & SET_ID == 0 {
            return self.trace(path, None, None);
        }
        let open = self.roots.open(walk).map_err(StartProblem::ProgramUnreadable)?;
        let stat = crate::host::Stat { mode, ..file.stat };
        self.trace(path, None, Some(Placed { real: &walk.real, stat, file: &*open }))
    }

    /// Returns what a script starts: its interpreter, and what that starts if it is `env`.
    fn read_script(
        &self,
        node: NodeId,
        file: &FileRef,
        place: &ImagePath,
        scripts: usize,
    ) -> Result<Vec<(Vec<u8>, Reason, usize)>, ResolveError> {
        let start = file
            .read_start(script::START_BYTES)
            .map_err(|problem| unreadable(node, &file.path, problem))?;
        let Some((interpreter, argument)) = script::interpreter(&start) else {
            let path = Name::new(place.as_bytes());
            return Err(ResolveError::NotAProgram { node, path });
        };
        // The kernel takes it for a part of the path, or of the argument.
        if argument.unwrap_or(interpreter).ends_with(b"\r") {
            return Err(ResolveError::CarriageReturn { node, script: place.clone() });
        }
        let of = place.clone();
        let reason = Reason::ScriptInterpreter { of: of.clone() };
        let mut next = vec![(interpreter.to_vec(), reason, scripts + 1)];
        let is_env = interpreter.rsplit(|byte| *byte == b'/').next() == Some(b"env");
        if is_env && let Some(name) = argument.and_then(script::env_program) {
            let Some(path) = self.find_in_path(name) else {
                return Err(ResolveError::EnvProgramIsMissing {
                    node,
                    script: of,
                    name: Name::new(name),
                    search: Name::new(&self.search.path),
                });
            };
            next.push((path, Reason::EnvProgram { of }, 0));
        }
        Ok(next)
    }

    /// Looks a program up as `execvp(3)` does.
    fn find_in_path(&self, name: &[u8]) -> Option<Vec<u8>> {
        let is_program = |path: &Vec<u8>| {
            self.roots.walk(path, &self.search.workdir).is_ok_and(|walk| {
                walk.stat.file_type == FileType::Regular && walk.stat.mode & 0o111 != 0
            })
        };
        if name.contains(&b'/') {
            return Some(name.to_vec()).filter(is_program);
        }
        let directories = self.search.path.as_bytes().split(|byte| *byte == b':');
        let candidate = |directory: &[u8]| match directory {
            b"" => name.to_vec(),
            _ => [directory, b"/", name].concat(),
        };
        directories.map(candidate).find(is_program)
    }
}

fn starter(reason: &Reason) -> Option<ImagePath> {
    match reason {
        Reason::ScriptInterpreter { of } | Reason::EnvProgram { of } => Some(of.clone()),
        _ => None,
    }
}

fn absent(errno: crate::host::Errno) -> String {
    match errno {
        crate::host::Errno::NOENT => "does not exist".into(),
        other => format!("cannot be reached: {}", errno_text(other)),
    }
}

fn start_problem(
    node: NodeId,
    place: &ImagePath,
    file: &FileRef,
    platform: Option<Platform>,
    problem: StartProblem,
) -> ResolveError {
    let path = Name::new(place.as_bytes());
    let interpreter = |interpreter: Box<[u8]>, found: String| ResolveError::InterpreterIsMissing {
        node,
        program: place.clone(),
        interpreter: Name::new(interpreter),
        found: Name::new(found),
        platform,
    };
    match problem {
        StartProblem::ProgramUnreadable(errno) => unreadable(node, &file.path, errno.into()),
        StartProblem::NotElf | StartProblem::Script | StartProblem::NoUsualLoader => {
            ResolveError::NotAProgram { node, path }
        }
        StartProblem::Program(error) => {
            ResolveError::Unreadable { node, path, doing: "reach", errno: error.errno }
        }
        StartProblem::Refused(_) | StartProblem::Type(_) | StartProblem::Machine { .. } => {
            ResolveError::DamagedElf { node, path, problem: Name::new(problem.to_string()) }
        }
        StartProblem::Interpreter { path, error } => interpreter(path, absent(error.errno)),
        StartProblem::InterpreterBroken { path, problem } => {
            interpreter(path, format!("is no loader: {problem}"))
        }
        StartProblem::InterpreterMachine { path, .. } => {
            interpreter(path, "is for another machine".into())
        }
        StartProblem::InterpreterNotExecutable { path } => {
            interpreter(path, "is not executable".into())
        }
        StartProblem::UnknownLoader { path } => {
            interpreter(path, "is neither glibc's loader nor musl's".into())
        }
    }
}
