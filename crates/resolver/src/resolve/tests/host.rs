//! The machine that runs the tests, if it has what they need.

use super::*;
use crate::host::Host as _;
use crate::machine::Machine;

#[test]
fn programs_of_this_machine_resolve() {
    let mut found = 0;
    for program in ["/bin/sh", "/usr/bin/env", "/usr/bin/rg", "/usr/bin/git", "/usr/bin/perl"] {
        if Machine.lstat(&HostPath::new(program.as_bytes())).is_err() {
            eprintln!("skipped: this machine has no {program}");
            continue;
        }
        found += 1;
        let case = case(Memory::new()).binary(program, program).platform(None);
        let query = Query {
            nodes: &case.nodes,
            requests: case.requests.clone(),
            user: &case.user,
            start: None,
        };
        let host: Arc<dyn Host> = Arc::new(Machine);
        let resolution = answer(&query, None, &HostPath::new(b"/"), &host, 1_000_000);
        let resolution = resolution.unwrap_or_else(|problems| panic!("{program}: {problems:#?}"));
        for found in resolution.closure.entries.values() {
            if let Content::File { digest, size, .. } = &found.content {
                let bytes = resolution.sources.open(digest).unwrap().bytes().unwrap();
                assert_eq!((Digest::of(&bytes), bytes.len() as u64), (*digest, *size));
            }
        }
    }
    eprintln!("{found} programs resolved");
}
