use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::memory::Memory;

fn overlay(trees: Vec<Memory>) -> Roots {
    let root = |tree| Root::new(Arc::new(tree), HostPath::new(b"/"));
    Roots::new(trees.into_iter().map(root).collect())
}

fn shown(result: Result<Walk, WalkError>) -> String {
    let trail = |trail: Vec<Step>| {
        let steps = trail.into_iter().map(|step| match step {
            Step::Link { at, target } => format!("{at}->{}", String::from_utf8_lossy(&target)),
            Step::Directory(path) => path.to_string(),
        });
        steps.collect::<Vec<_>>().join(" ")
    };
    match result {
        Ok(walk) => format!("{} #{} [{}]", walk.real, walk.source, trail(walk.trail)),
        Err(error) => {
            let errno = match error.errno {
                Errno::NOENT => "ENOENT",
                Errno::NOTDIR => "ENOTDIR",
                Errno::LOOP => "ELOOP",
                Errno::NAMETOOLONG => "ENAMETOOLONG",
                Errno::XDEV => "EXDEV",
                _ => "other",
            };
            format!("{errno} at {} [{}]", error.at, trail(error.trail))
        }
    }
}

fn check(roots: &Roots, cases: &[(&str, &str)]) {
    let cwd = ImagePath::parse(b"/srv").unwrap();
    for (path, expected) in cases {
        assert_eq!(shown(roots.walk(path.as_bytes(), &cwd)), *expected, "{path}");
        assert_eq!(shown(roots.walk(path.as_bytes(), &cwd)), *expected, "{path}, from memory");
    }
}

#[test]
fn paths_are_walked_as_the_kernel_walks_them() {
    let tree = Memory::new()
        .file("/usr/lib/libz.so.1.2", "z")
        .link("/usr/lib/libz.so.1", "libz.so.1.2")
        .link("/lib", "usr/lib")
        .link("/usr/absolute", "/lib/libz.so.1")
        .link("/usr/climbing", "../../../../usr/lib/./libz.so.1.2")
        .link("/usr/slash", "lib/libz.so.1.2/")
        .link("/a/loop", "loop")
        .link("/a/dangling", "nowhere/x")
        .directory("/srv/data")
        .link("/srv/up", "data/../../lib");
    check(
        &overlay(vec![tree]),
        &[
            (
                "/lib/libz.so.1",
                "/usr/lib/libz.so.1.2 #0 [/lib->usr/lib /usr /usr/lib /usr/lib/libz.so.1->libz.so.1.2]",
            ),
            (
                "/usr/absolute",
                "/usr/lib/libz.so.1.2 #0 [/usr /usr/absolute->/lib/libz.so.1 /lib->usr/lib /usr/lib /usr/lib/libz.so.1->libz.so.1.2]",
            ),
            (
                "/usr/climbing",
                "/usr/lib/libz.so.1.2 #0 [/usr /usr/climbing->../../../../usr/lib/./libz.so.1.2 /usr/lib]",
            ),
            ("data/../../usr", "/usr #0 [/srv /srv/data]"),
            (
                "up/libz.so.1.2",
                "/usr/lib/libz.so.1.2 #0 [/srv /srv/up->data/../../lib /srv/data /lib->usr/lib /usr /usr/lib]",
            ),
            ("/..//./..", "/ #0 []"),
            ("/usr/", "/usr #0 []"),
            (".", "/srv #0 []"),
            (
                "/usr/slash",
                "ENOTDIR at /usr/lib/libz.so.1.2 [/usr /usr/slash->lib/libz.so.1.2/ /usr/lib]",
            ),
            ("/usr/lib/libz.so.1.2/..", "ENOTDIR at /usr/lib/libz.so.1.2 [/usr /usr/lib]"),
            ("/none/../usr", "ENOENT at /none []"),
            ("/a/dangling", "ENOENT at /a/nowhere [/a /a/dangling->nowhere/x]"),
            ("", "ENOENT at / []"),
            ("/usr/.wh.x", "ENOENT at /usr [/usr]"),
        ],
    );
}

#[test]
fn forty_links_are_followed_and_no_more() {
    let mut tree = Memory::new().file("/0", "end");
    for number in 1..=41 {
        tree = tree.link(format!("/{number}"), format!("{}", number - 1));
    }
    let roots = overlay(vec![tree.link("/loop", "/loop")]);
    let cwd = ImagePath::root();
    assert_eq!(roots.walk(b"/40", &cwd).unwrap().trail.len(), 40);
    let error = roots.walk(b"/41", &cwd).unwrap_err();
    assert_eq!((error.errno, error.at.to_string().as_str()), (Errno::LOOP, "/1"));
    assert_eq!(roots.walk(b"/loop", &cwd).unwrap_err().errno, Errno::LOOP);
}

#[test]
fn long_names_are_refused_and_odd_ones_are_not() {
    let roots = overlay(vec![Memory::new().file(b"/a\n\xff", "x")]);
    let walk = |path: &[u8]| roots.walk(path, &ImagePath::root());
    assert_eq!(walk(b"/a\n\xff").unwrap().real.as_bytes(), b"/a\n\xff");
    assert_eq!(walk("/x".repeat(2048).as_bytes()).unwrap_err().errno, Errno::NAMETOOLONG);
    let long = format!("/{}", "x".repeat(256));
    assert_eq!(walk(long.as_bytes()).unwrap_err().errno, Errno::NAMETOOLONG);
    assert_eq!(walk(b"/.wh.x").unwrap_err().errno, Errno::NOENT);
    assert_eq!(walk(b"/a\0").unwrap_err().errno, Errno::NOENT);
}

#[test]
fn sources_are_an_overlay() {
    let first = Memory::on_device(1).file("/both", "1").file("/x", "1").link("/lib", "usr/lib");
    let second = Memory::on_device(2)
        .file("/both", "2")
        .file("/x/y", "2")
        .file("/usr/lib/a", "2")
        .link("/etc", "/root/etc");
    let third = Memory::on_device(3).file("/usr/lib/b", "3").file("/etc/c", "3");
    let roots = overlay(vec![first, second, third]);
    check(
        &roots,
        &[
            ("/both", "/both #0 []"),
            // A file hides the directory behind it.
            ("/x/y", "ENOTDIR at /x []"),
            // A link of one source leads to a file of another.
            ("/lib/a", "/usr/lib/a #1 [/lib->usr/lib /usr /usr/lib]"),
            ("/lib/b", "/usr/lib/b #2 [/lib->usr/lib /usr /usr/lib]"),
            ("/lib/c", "ENOENT at /usr/lib/c [/lib->usr/lib /usr /usr/lib]"),
            // What a link hides is not looked for behind it.
            ("/etc/c", "ENOENT at /root [/etc->/root/etc]"),
        ],
    );
    let directory = roots.walk(b"/lib", &ImagePath::root()).unwrap();
    assert_eq!(roots.read_dir(&directory), Ok(vec![b"a".to_vec(), b"b".to_vec()]));
}

#[test]
fn links_do_not_lead_out_of_a_project() {
    let project = Memory::new()
        .file("/work/project/conf/app", "x")
        .file("/work/secret", "x")
        .link("/work/project/inner", "conf/../conf/app")
        .link("/work/project/conf/climbing", "../../secret")
        .link("/work/project/absolute", "/work/project/conf/app");
    let root = Root::beneath(Arc::new(project), HostPath::new(b"/work/project"));
    check(
        &Roots::new(vec![root]),
        &[
            ("/inner", "/conf/app #0 [/inner->conf/../conf/app /conf]"),
            ("/conf/climbing", "EXDEV at / [/conf /conf/climbing->../../secret]"),
            ("/absolute", "EXDEV at /absolute [/absolute->/work/project/conf/app]"),
        ],
    );
}

/// Counts what reaches the tree.
struct Counting(Memory, AtomicUsize);

impl Host for Counting {
    fn lstat(&self, path: &HostPath) -> Result<Stat, Errno> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.lstat(path)
    }
    fn read_link(&self, path: &HostPath) -> Result<Vec<u8>, Errno> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.read_link(path)
    }
    fn read_dir(&self, path: &HostPath) -> Result<Vec<Vec<u8>>, Errno> {
        self.0.read_dir(path)
    }
    fn open(&self, path: &HostPath) -> Result<Box<dyn HostFile>, Errno> {
        self.0.open(path)
    }
}

#[test]
fn a_component_is_looked_at_once() {
    let tree =
        Memory::new().file("/usr/lib/a", "a").file("/usr/lib/b", "b").link("/lib", "usr/lib");
    let host = Arc::new(Counting(tree, AtomicUsize::new(0)));
    let roots =
        Roots::new(vec![Root::new(Arc::clone(&host) as Arc<dyn Host>, HostPath::new(b"/"))]);
    let mut calls = 0;
    // /lib (lstat and readlink), /usr, /usr/lib, a; then b alone; then the absent one alone, once.
    for (path, cost) in
        [("/lib/a", 5), ("/lib/b", 1), ("/lib/c", 1), ("/lib/c", 0), ("/usr/lib/b", 0)]
    {
        let _ = roots.walk(path.as_bytes(), &ImagePath::root());
        let now = host.1.load(Ordering::Relaxed);
        assert_eq!(now - calls, cost, "{path}");
        calls = now;
    }
}

#[test]
fn a_file_that_was_replaced_does_not_open() {
    let roots = overlay(vec![Memory::new().file("/a", "a").file("/b", "b").special("/null")]);
    let walk = |path: &[u8]| roots.walk(path, &ImagePath::root()).unwrap();
    let swapped = Walk { real: ImagePath::parse(b"/b").unwrap(), ..walk(b"/a") };
    assert_eq!(roots.open(&swapped).err(), Some(Errno::STALE));
    assert_eq!(roots.open(&walk(b"/null")).err(), Some(Errno::NXIO));
    assert_eq!(roots.open(&walk(b"/")).err(), Some(Errno::ISDIR));
    assert!(roots.open(&walk(b"/a")).is_ok());
}
