//! Prints what the loader of this machine would load: `cargo run --example ldd -- PROGRAM…`.
//!
//! `cwd=`, `library-path=` and `preload=` before the programs set their surroundings.

use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use imgc_planner::recipe::{ImagePath, Printable};
use imgc_resolver::loader::{Loader, Request};
use imgc_resolver::{HostPath, Machine, Root, Roots};

#[expect(clippy::disallowed_methods, reason = "an example has no session")]
fn main() {
    let roots = Roots::new(vec![Root::new(Arc::new(Machine), HostPath::new(b"/"))]);
    let loader = Loader::new();
    let mut cwd = ImagePath::root();
    let (mut library_path, mut preload) = (None, None);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for program in std::env::args_os().skip(1) {
        let value = |name: &[u8]| program.as_bytes().strip_prefix(name).map(<[u8]>::to_vec);
        if let Some(path) = value(b"cwd=") {
            cwd = ImagePath::parse(&path).unwrap_or_else(|_| ImagePath::root());
            continue;
        } else if let Some(list) = value(b"library-path=") {
            library_path = Some(list);
            continue;
        } else if let Some(list) = value(b"preload=") {
            preload = Some(list);
            continue;
        }
        let request = Request {
            program: program.as_bytes(),
            placed: None,
            cwd: &cwd,
            library_path: library_path.as_deref(),
            preload: preload.as_deref(),
            level: None,
            platform: None,
            file_capabilities: false,
        };
        let shown = Printable::new(program.as_bytes());
        let written = match loader.trace(&roots, &request) {
            Ok(trace) => {
                let listing = trace.listing(program.as_bytes());
                let mut text = format!("{shown}:\n");
                for library in &listing.libraries {
                    let path = library.path.as_deref().unwrap_or(b"not found");
                    text += &format!(
                        "\t{} => {}\n",
                        Printable::new(&library.name),
                        Printable::new(path)
                    );
                }
                for problem in &trace.versions {
                    text += &format!("\tversion {problem:?}\n");
                }
                if let Some(fatal) = listing.fatal {
                    text += &format!("\tfatal {fatal}\n");
                }
                out.write_all(text.as_bytes())
            }
            Err(problem) => writeln!(out, "{shown}: {problem}"),
        };
        if written.is_err() {
            break;
        }
    }
}
