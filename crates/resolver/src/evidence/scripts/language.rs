//! Languages whose programs load modules by names that are put together: where their modules lie.
//!
//! Debian's policies name the places: `perl-policy`, `python-policy`, `ruby`, "Debian JavaScript
//! Policy", "Debian policy for Java", "PHP", "Tcl/Tk Policy", "Debian CLI Policy", "OCaml Packaging
//! Policy", "R".

use crate::pattern::name_matches;

/// One language.
pub(super) struct Language {
    /// What runs its programs: names with patterns.
    pub(super) launchers: &'static [&'static str],
    /// Directories below which packages put modules, with patterns.
    modules: &'static [&'static str],
    /// What every program reads and no package lists, because a script makes it.
    pub(super) made: &'static [&'static str],
}

pub(super) const LANGUAGES: &[Language] = &[
    Language {
        launchers: &["node", "nodejs"],
        modules: &["/usr/share/nodejs", "/usr/lib/nodejs", "/usr/lib/*/nodejs"],
        made: &[],
    },
    Language {
        launchers: &["python3", "python3.*"],
        // Python comes to libraries of GObject by their descriptions.
        modules: &[
            "/usr/lib/python3/dist-packages",
            "/usr/lib/python3.[0-9]*/dist-packages",
            "/usr/lib/*/girepository-1.0",
        ],
        made: &[],
    },
    Language {
        launchers: &["perl", "perl5*"],
        modules: &["/usr/share/perl5", "/usr/lib/*/perl5"],
        made: &[],
    },
    Language {
        launchers: &["ruby", "ruby[0-9]*"],
        modules: &[
            "/usr/lib/ruby",
            "/usr/lib/*/ruby",
            "/usr/share/rubygems-integration",
            "/usr/lib/*/rubygems-integration",
        ],
        made: &[],
    },
    Language {
        launchers: &["lua", "lua-any", "lua5*", "luajit", "texlua"],
        modules: &["/usr/share/lua", "/usr/lib/*/lua"],
        made: &[],
    },
    Language {
        launchers: &["tclsh", "tclsh8*", "wish", "wish8*", "expect"],
        modules: &["/usr/share/tcltk", "/usr/lib/tcltk", "/usr/lib/*/tcltk"],
        made: &[],
    },
    Language {
        launchers: &["php", "php[0-9]*"],
        modules: &["/usr/share/php", "/usr/lib/php", "/usr/share/php[0-9]*"],
        made: &["/etc/php"],
    },
    // `utils` looks for programs by `which` when it is loaded, and fails without (measured on 4.2).
    Language {
        launchers: &["R", "Rscript", "r"],
        modules: &["/usr/lib/R"],
        made: &["/usr/bin/which"],
    },
    Language {
        launchers: &["guile", "guile-[0-9]*"],
        modules: &["/usr/share/guile", "/usr/lib/*/guile"],
        made: &[],
    },
    Language {
        launchers: &["java"],
        modules: &["/usr/share/java", "/usr/lib/jvm", "/usr/lib/java"],
        made: &[],
    },
    Language {
        launchers: &["mono", "mono-sgen", "cli"],
        modules: &["/usr/lib/mono", "/usr/lib/cli"],
        made: &[],
    },
    Language { launchers: &["ocamlrun", "ocaml"], modules: &["/usr/lib/ocaml"], made: &[] },
    Language {
        launchers: &["erl", "escript", "elixir"],
        modules: &["/usr/lib/erlang", "/usr/lib/elixir"],
        made: &[],
    },
];

impl Language {
    /// Tells whether a program of this name runs programs of the language.
    pub(super) fn is_run_by(&self, name: &str) -> bool {
        self.launchers.iter().any(|launcher| name_matches(launcher.as_bytes(), name.as_bytes()))
    }

    /// Tells whether a path lies where modules do.
    pub(super) fn has(&self, path: &[u8]) -> bool {
        self.modules.iter().any(|pattern| is_below(pattern.as_bytes(), path))
    }
}

/// Tells whether a program of this name runs programs of one of the languages.
pub(in crate::evidence) fn is_interpreter(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| LANGUAGES.iter().any(|one| one.is_run_by(name)))
}

/// Tells whether a path is where all modules of a language lie, and not those of one.
pub(in crate::evidence) fn is_place_of_modules(path: &[u8]) -> bool {
    let below = [path, b"/x"].concat();
    LANGUAGES.iter().any(|language| language.has(&below) && !language.has(path))
}

/// Libraries that are an interpreter, by the start of their soname, and what runs its programs
/// elsewhere.
const EMBEDDED: &[(&str, &str)] = &[
    ("libpython3", "python3"),
    ("libperl.so", "perl"),
    ("libruby", "ruby"),
    ("liblua5", "lua"),
    ("libtcl8", "tclsh"),
    ("libnode.so", "node"),
    ("libguile-", "guile"),
];

/// Returns the name of the interpreter that a library is.
pub(super) fn interpreter_of(soname: &[u8]) -> Option<&'static str> {
    let found = EMBEDDED.iter().find(|(start, _)| soname.starts_with(start.as_bytes()));
    found.map(|(_, name)| *name)
}

/// Returns a launcher's name up to its pattern.
pub(super) fn stem_of(launcher: &str) -> &str {
    launcher.split(['*', '[']).next().unwrap_or_default()
}

/// Tells whether a path lies below one that a pattern matches, name by name.
pub(super) fn is_below(pattern: &[u8], path: &[u8]) -> bool {
    let mut names = path.split(|byte| *byte == b'/');
    for part in pattern.split(|byte| *byte == b'/') {
        if !names.next().is_some_and(|name| name_matches(part, name)) {
            return false;
        }
    }
    names.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_told_by_their_place() {
        let language = |name: &str| LANGUAGES.iter().find(|one| one.is_run_by(name));
        for (name, path) in [
            ("node", "/usr/lib/x86_64-linux-gnu/nodejs/x.js"),
            ("python3.11", "/usr/lib/python3/dist-packages/x.py"),
            ("php8.2", "/usr/lib/php/20220829/json.so"),
            ("java", "/usr/share/java/x.jar"),
        ] {
            assert!(language(name).unwrap().has(path.as_bytes()), "{name} {path}");
            assert!(!language("guile").unwrap().has(path.as_bytes()), "{path}");
        }
        assert!(language("javac").is_none());
        assert!(!is_below(b"/usr/share/java", b"/usr/share/java"));
        assert!(!is_below(b"/usr/share/java", b"/usr/share/javascript/x"));
    }
}
