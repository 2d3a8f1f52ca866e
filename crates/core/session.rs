//! What was typed and the surroundings, made into ready objects.
//!
//! The only place that reads the environment, the clock and the current directory.

pub(crate) mod store;
pub(crate) mod surroundings;

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use imgc_parser::{Epoch, SourceMap};
use imgc_resolver::{Host, HostPath, Knowledge, Noted};

use crate::args::{ColorChoice, Denied, GlobalArguments, MessageFormat};
use crate::commands::explain;
use crate::error::ProgramError;
use crate::interrupt::Interrupt;
use crate::output::{Output, Said, Talk, Transcript};
use crate::project::Project;
use crate::report::{Report, Reporter};
use crate::sarif;
use crate::session::store::StorePlace;

/// Names of directories that mark the root of a project.
const PROJECT_MARKS: [&str; 4] = [".git", ".jj", ".hg", ".svn"];

/// The longest that a build waits to be able to tell a file's last change from a next one, in
/// nanoseconds; see `noted.rs` in the resolver.
const LONGEST_WAIT_NS: u64 = 20_000_000;

/// Days in UTC have no leap seconds in the count since 1970 (POSIX, 4.16).
const SECONDS_PER_DAY: u64 = 86_400;

/// Tells whether an error says that there is nothing, as far as this user can see.
fn is_absence(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), NotFound | NotADirectory | PermissionDenied)
}

/// Returns how many threads work: what the thread pool is told, else one for each processor.
fn threads() -> NonZeroUsize {
    env::var("RAYON_NUM_THREADS")
        .ok()
        .and_then(|threads| threads.parse().ok())
        .or_else(|| std::thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN)
}

/// Returns the time in nanoseconds since 1970, of which no byte of an image depends.
fn now_ns() -> i128 {
    let signed = |since: Duration| i128::try_from(since.as_nanos()).unwrap_or(i128::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => signed(since),
        Err(before) => -signed(before.duration()),
    }
}

/// Everything that a command works with.
#[derive(Debug)]
pub(crate) struct Session {
    /// The current directory.
    pub(crate) cwd: PathBuf,
    /// The directory for files that do not outlive the command.
    pub(crate) temporary: PathBuf,
    /// Where results go.
    pub(crate) output: Output,
    /// Where talk goes.
    pub(crate) talk: Talk,
    /// The texts that were read, for the places in reports.
    pub(crate) map: SourceMap,
    /// Where builds keep what the next ones can use.
    pub(crate) store_place: StorePlace,
    /// Values for parameters of recipes.
    pub(crate) set: BTreeMap<String, String>,
    /// `PATH`: where programs are found.
    pub(crate) search_path: OsString,
    /// Signals, from the moment on at which there is something to put in order.
    pub(crate) interrupt: Option<Interrupt>,
    /// The machine, and what was looked at on it.
    pub(crate) noted: Arc<Noted>,
    /// Whether that becomes a receipt.
    pub(crate) keeps_receipt: bool,
    /// When the command started, in nanoseconds since 1970.
    start_ns: i128,
    /// Whether warnings are errors.
    pub(crate) denies_warnings: bool,
    reporter: Reporter,
    jobs: Option<NonZeroUsize>,
    project: Option<PathBuf>,
    source_date_epoch: Option<String>,
    /// Whether reports are coloured.
    pub(crate) colors: bool,
    transcript: Transcript,
}

impl Session {
    /// Looks at the surroundings.
    ///
    /// # Errors
    /// When there is no current directory any more.
    pub(crate) fn new(arguments: &GlobalArguments) -> io::Result<Self> {
        let terminal = io::stderr().is_terminal();
        let colors = match arguments.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            // https://no-color.org: set and not empty.
            ColorChoice::Auto => {
                terminal
                    && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && env::var_os("TERM").is_none_or(|value| value != "dumb")
            }
        };
        let human = arguments.message_format == MessageFormat::Human;
        let quiet = arguments.quiet || !human;
        let (transcript, start_ns) = (Transcript::default(), now_ns());
        Ok(Self {
            cwd: env::current_dir()?,
            temporary: env::temp_dir(),
            jobs: arguments.jobs,
            output: Output::new(transcript.clone()),
            talk: Talk::new(quiet, terminal && human, transcript.clone()),
            transcript,
            map: SourceMap::default(),
            store_place: StorePlace::of(arguments),
            noted: Arc::new(Noted::new(start_ns, Knowledge::default())),
            keeps_receipt: false,
            interrupt: None,
            start_ns,
            set: arguments.set.iter().cloned().collect(),
            search_path: env::var_os("PATH").unwrap_or_default(),
            denies_warnings: arguments.deny == Some(Denied::Warnings),
            reporter: Reporter::new(arguments.message_format, colors),
            project: arguments.project.clone(),
            source_date_epoch: env::var_os("SOURCE_DATE_EPOCH")
                .map(|value| value.to_string_lossy().into_owned()),
            colors,
        })
    }

    /// Returns how many threads compress. Asked only by those who do: it reads control groups.
    pub(crate) fn workers(&self) -> NonZeroUsize {
        self.jobs.unwrap_or_else(threads)
    }

    /// Returns `path` from `/`, with `.` and `..` taken textually.
    pub(crate) fn absolute(&self, path: &Path) -> PathBuf {
        let mut absolute = PathBuf::new();
        for component in self.cwd.join(path).components() {
            match component {
                Component::CurDir => {}
                Component::ParentDir => {
                    absolute.pop();
                }
                other => absolute.push(other),
            }
        }
        absolute
    }

    /// Finds the project that a recipe belongs to.
    ///
    /// # Errors
    /// When the recipe lies outside the directory that `--project` names, or has no UTF-8 name.
    pub(crate) fn project(&self, recipe: &Path) -> Result<Project, ProgramError> {
        let recipe = self.absolute(recipe);
        let directory = recipe.parent().unwrap_or(Path::new("/"));
        let root = match &self.project {
            Some(root) => self.absolute(root),
            None => self.repository(directory)?,
        };
        Project::new(root, self.cwd.clone(), &recipe, Arc::clone(&self.noted))
    }

    /// Returns the root of the repository that a directory lies in; itself if it is in none.
    fn repository(&self, directory: &Path) -> Result<PathBuf, ProgramError> {
        for above in directory.ancestors() {
            for mark in PROJECT_MARKS {
                let mark = above.join(mark);
                self.follow(&mark);
                match std::fs::metadata(&mark) {
                    Ok(_) => return Ok(above.to_owned()),
                    Err(error) if is_absence(&error) => {}
                    Err(source) => return Err(ProgramError::unreadable(&mark, source)),
                }
            }
        }
        Ok(directory.to_owned())
    }

    /// Takes note of a path outside the sources whose content is read next.
    pub(crate) fn follow(&self, path: &Path) {
        self.noted.follow(&HostPath::new(path.as_os_str().as_bytes()));
    }

    /// Starts to take note of what is looked at, beginning with the program itself: another version
    /// of it may find something else.
    /// `knowledge` is what earlier builds found out.
    pub(crate) fn take_notes(&mut self, knowledge: Knowledge) {
        self.noted = Arc::new(Noted::new(self.start_ns, knowledge));
        let program = env::current_exe();
        self.keeps_receipt = program.is_ok();
        if let Ok(program) = program {
            self.follow(&program);
        }
    }

    /// Puts things in order when a signal wants the program to end, from now on. Signals that the
    /// caller ignores, as `nohup` does, stay ignored.
    pub(crate) fn listen(&mut self) -> Interrupt {
        let ignored = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| {
            let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
            u64::from_str_radix(mask.trim(), 16).ok()
        });
        let is_ignored = |signal: i32| ignored.is_some_and(|mask| mask >> (signal - 1) & 1 == 1);
        self.interrupt.get_or_insert_with(|| Interrupt::listen(&is_ignored)).clone()
    }

    /// Returns the time a number of days ago, in seconds since 1970.
    pub(crate) fn days_ago(&self, days: u32) -> i64 {
        let now_s = i64::try_from(self.start_ns / 1_000_000_000).unwrap_or(i64::MAX);
        now_s.saturating_sub(i64::from(days) * SECONDS_PER_DAY as i64)
    }

    /// Returns the words of the command line.
    pub(crate) fn words(&self) -> Vec<OsString> {
        env::args_os().skip(1).collect()
    }

    /// Returns what was said.
    pub(crate) fn said(&self) -> Vec<Said> {
        self.transcript.take()
    }

    /// Returns the machine, as the resolver sees it.
    pub(crate) fn host(&self) -> Arc<dyn Host> {
        Arc::<Noted>::clone(&self.noted)
    }

    /// Waits until a point in time that has come or is about to; returns whether it has. One that
    /// is further away than a tick of a file system's clock belongs to a clock that is wrong.
    pub(crate) fn wait_until(time_ns: i128) -> bool {
        let rest = u64::try_from((time_ns - now_ns()).max(0)).unwrap_or(u64::MAX);
        if rest <= LONGEST_WAIT_NS {
            std::thread::sleep(Duration::from_nanos(rest));
        }
        rest <= LONGEST_WAIT_NS
    }

    /// Returns the date that an image carries if its recipe names none: `SOURCE_DATE_EPOCH`, else
    /// the beginning of 1970.
    ///
    /// # Errors
    /// When `SOURCE_DATE_EPOCH` is set and no number of seconds between 1970 and 9999.
    pub(crate) fn created(&self) -> Result<Epoch, ProgramError> {
        let Some(value) = &self.source_date_epoch else { return Ok(Epoch::ZERO) };
        // `u64::from_str` would take a plus sign.
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = if digits { value.parse().ok() } else { None };
        seconds
            .and_then(|seconds| Epoch::new(seconds).ok())
            .ok_or_else(|| ProgramError::SourceDateEpoch { value: value.clone() })
    }

    /// Returns `SOURCE_DATE_EPOCH` as it is.
    pub(crate) fn source_date_epoch(&self) -> Option<&String> {
        self.source_date_epoch.as_ref()
    }

    /// Returns the directory that `--project` names, else the current one.
    pub(crate) fn named_project(&self) -> PathBuf {
        self.project.as_ref().map_or_else(|| self.cwd.clone(), |project| self.absolute(project))
    }

    /// Returns where this program is, to start it again.
    ///
    /// # Errors
    /// When the system does not say.
    pub(crate) fn program(&self) -> Result<PathBuf, ProgramError> {
        env::current_exe().map_err(|source| ProgramError::InputOutput {
            what: "cannot find out where imgc itself is",
            source,
        })
    }

    /// Returns the day on which something is locked: that of `SOURCE_DATE_EPOCH`, else today, at
    /// midnight UTC.
    ///
    /// # Errors
    /// When `SOURCE_DATE_EPOCH` is set and no number of seconds between 1970 and 9999.
    pub(crate) fn today(&self) -> Result<Epoch, ProgramError> {
        let now = match &self.source_date_epoch {
            Some(_) => self.created()?.seconds(),
            // A clock before 1970 is as good as none.
            None => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        };
        Ok(Epoch::new(now - now % SECONDS_PER_DAY).unwrap_or(Epoch::ZERO))
    }

    /// Tells whether reports are written together, at the end.
    pub(crate) fn reports_together(&self) -> bool {
        self.reporter.together().is_some()
    }

    /// Writes what was reported, if it is written together, to stderr.
    pub(crate) fn close(&mut self) {
        let Some(messages) = self.reporter.together() else { return };
        let place = |file: &str| {
            let absolute = self.absolute(Path::new(file));
            let root = self.repository(absolute.parent().unwrap_or(Path::new("/"))).ok()?;
            Some(absolute.strip_prefix(root).ok()?.to_string_lossy().into_owned())
        };
        let text = sarif::document(messages, place, explain::page);
        self.talk.write(&text);
    }

    /// Writes a report to stderr.
    pub(crate) fn report(&mut self, report: &Report) {
        if let Some(text) = self.reporter.write(report, &self.map) {
            self.talk.write(&text);
        }
    }
}
