//! stdout is for results, stderr is for talk. The only place that writes to either.

use std::io::{self, ErrorKind, Write};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

/// What was said, to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// A line of stdout.
    Result(String),
    /// What went to stderr to stay there.
    Talk(String),
}

/// Everything that was said, in its order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transcript(Arc<Mutex<Vec<Said>>>);

impl Transcript {
    fn add(&self, said: Said) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(said);
    }

    /// Returns what was said up to now, and starts anew.
    pub(crate) fn take(&self) -> Vec<Said> {
        mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes results. A reader that went away (`| head`) ends the program quietly; any other failure
/// is an error, since a result that is not complete is no result.
#[derive(Debug)]
pub(crate) struct Output {
    text: io::BufWriter<io::Stdout>,
    transcript: Transcript,
}

impl Output {
    pub(crate) fn new(transcript: Transcript) -> Self {
        Self { text: io::BufWriter::new(io::stdout()), transcript }
    }

    /// Writes one line, or a text that ends in a line break of its own.
    pub(crate) fn line(&mut self, line: impl AsRef<str>) -> io::Result<()> {
        let line = line.as_ref();
        self.transcript.add(Said::Result(line.to_owned()));
        self.text.write_all(line.as_bytes())?;
        if line.ends_with('\n') { Ok(()) } else { self.text.write_all(b"\n") }
    }

    /// Brings everything out.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.text.flush()
    }
}

/// Tells whether an error only says that nobody reads our results any more.
pub(crate) fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe
}

/// Talks to the user on stderr: progress and remarks, never results.
#[derive(Debug)]
pub(crate) struct Talk {
    quiet: bool,
    progress: bool,
    shown: bool,
    transcript: Transcript,
}

impl Talk {
    /// `progress` shows what is being done, which only makes sense on a terminal.
    pub(crate) fn new(quiet: bool, progress: bool, transcript: Transcript) -> Self {
        Self { quiet, progress: progress && !quiet, shown: false, transcript }
    }

    /// Says one line, unless the user wants quiet.
    pub(crate) fn say(&mut self, line: impl AsRef<str>) {
        if !self.quiet {
            self.write(line.as_ref());
        }
    }

    /// Writes a diagnostic, whatever the user wants.
    pub(crate) fn write(&mut self, text: &str) {
        self.clear();
        self.transcript.add(Said::Talk(text.to_owned()));
        let mut stderr = io::stderr().lock();
        // A write that failed once, on a full disk say, is tried again. Nothing is left to tell a
        // user who has closed stderr.
        if stderr.write_all(text.as_bytes()).is_err() {
            let _ = stderr.write_all(text.as_bytes());
        }
        if !text.ends_with('\n') {
            let _ = stderr.write_all(b"\n");
        }
    }

    /// Shows what is being done, in place of what was shown before.
    pub(crate) fn progress(&mut self, what: &str) {
        if self.progress {
            self.clear();
            let mut stderr = io::stderr().lock();
            let _ = write!(stderr, "{what} …");
            let _ = stderr.flush();
            self.shown = true;
        }
    }

    /// Takes away what `progress` showed.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            // Carriage return, and erase to the end of the line (ECMA-48, EL).
            let _ = io::stderr().lock().write_all(b"\r\x1b[K");
        }
    }
}
