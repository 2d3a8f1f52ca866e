//! Reads simple command lines without making all commands ready, which takes longer than what many
//! of them do.
//!
//! What is read here is what clap would have read: all that could be said about a command line, and
//! all help, is left to it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::{Args, Parser};

use super::{
    Arguments, BuildArguments, ColorChoice, Command, GlobalArguments, LddArguments, MessageFormat,
    RecipesArguments,
};

/// Reads words that are nothing but a command and files.
pub(super) fn plain(words: &[OsString]) -> Option<Arguments> {
    let (first, files) = words.split_first()?;
    if files.is_empty() {
        let version = first == "--version" || first == "-V";
        return version.then(|| Arguments { version, ..arguments(None) });
    }
    if !files.iter().all(|word| is_plain(word)) {
        return None;
    }
    let files = || files.iter().map(PathBuf::from).collect();
    let recipes = || RecipesArguments { recipes: files(), locked: false };
    let command = match first.to_str()? {
        "build" => Command::Build(BuildArguments {
            recipes: recipes(),
            output: None,
            variant: None,
            load: None,
        }),
        "check" => Command::Check(recipes()),
        "ldd" => Command::Ldd(LddArguments {
            files: files(),
            root: None,
            cwd: None,
            env: Vec::new(),
            platform: None,
            symbols: false,
            json: false,
        }),
        _ => return None,
    };
    Some(arguments(Some(command)))
}

/// Tells a file from an option, and from what clap refuses.
fn is_plain(word: &OsStr) -> bool {
    !matches!(word.as_bytes().first(), None | Some(b'-'))
}

fn arguments(command: Option<Command>) -> Arguments {
    let global = GlobalArguments {
        message_format: MessageFormat::Human,
        deny: None,
        quiet: false,
        color: ColorChoice::Auto,
        jobs: None,
        project: None,
        set: Vec::new(),
        store: None,
        no_store: false,
    };
    Arguments { global, version: false, verbose: false, command }
}

/// One command as a program of its own.
#[derive(Debug, Parser)]
#[command(disable_help_flag = true)]
struct Alone<A: Args> {
    #[command(flatten)]
    global: GlobalArguments,
    #[command(flatten)]
    arguments: A,
}

/// Reads words that start with a command, by the options of that command alone. Nothing if there is
/// anything to say about them.
pub(super) fn alone(words: &[OsString]) -> Option<Arguments> {
    match words.first()?.to_str()? {
        "build" => read(words, Command::Build),
        "check" => read(words, Command::Check),
        "lock" => read(words, Command::Lock),
        "plan" => read(words, Command::Plan),
        "why" => read(words, Command::Why),
        "ls" => read(words, Command::Ls),
        "tree" => read(words, Command::Tree),
        "diff" => read(words, Command::Diff),
        "verify" => read(words, Command::Verify),
        "fmt" => read(words, Command::Fmt),
        "ldd" => read(words, Command::Ldd),
        "explain" => read(words, Command::Explain),
        _ => None,
    }
}

fn read<A: Args>(words: &[OsString], command: impl FnOnce(A) -> Command) -> Option<Arguments> {
    let Alone { global, arguments } = Alone::<A>::try_parse_from(words).ok()?;
    Some(Arguments { global, version: false, verbose: false, command: Some(command(arguments)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    /// What clap makes of it with all commands ready.
    fn whole(line: &str) -> Option<String> {
        let words = std::iter::once("imgc".into()).chain(words(line));
        Arguments::try_parse_from(words).ok().map(|arguments| format!("{arguments:?}"))
    }

    #[test]
    fn plain_words_are_read_as_clap_reads_them() {
        for line in
            ["build a.kdl", "build a b", "check a.kdl b", "ldd /bin/sh ./x", "--version", "-V"]
        {
            let read = plain(&words(line)).map(|arguments| format!("{arguments:?}"));
            assert_eq!(read, whole(line), "{line}");
            assert!(read.is_some(), "{line}");
        }
        for line in [
            "",
            "build",
            "ldd",
            "ldd -r x",
            "build -- x",
            "build x -o y",
            "--version build",
            "bui x",
        ] {
            assert!(plain(&words(line)).is_none(), "{line}");
        }
        assert!(plain(&["ldd".into(), "".into()]).is_none());
    }

    #[test]
    fn a_command_alone_is_read_as_among_all() {
        for line in [
            "build a.kdl -o out.tar --variant=debug",
            "build --no-store --locked a.kdl",
            "build -q -j 3 --set a=b --set c=d a.kdl",
            "build --message-format json --deny warnings a.kdl",
            "check --locked a",
            "lock --check a",
            "plan --json a",
            "why a /b",
            "ls a --json",
            "tree a",
            "diff a b --semantic",
            "verify a --recipe b",
            "fmt --check a b",
            "fmt -",
            "ldd -r --json --root /x --cwd /y --env A=b --platform p -- -a",
            "explain",
            "explain x",
        ] {
            let read = alone(&words(line)).map(|arguments| format!("{arguments:?}"));
            assert_eq!(read, whole(line), "{line}");
            assert!(read.is_some(), "{line}");
        }
        for line in [
            "build",
            "build --help",
            "build -h",
            "build --version a",
            "build --no-store --store x a",
            "ldd --env x y",
            "ldd --nothing x",
            "why a",
            "store stat",
            "help build",
            "-q build a",
        ] {
            assert!(alone(&words(line)).is_none(), "{line}");
        }
    }
}
