//! A lock that is not exactly what was written is none, and every change is named.

use super::*;

fn key() -> ImageKey {
    ImageKey { name: "app:latest".into(), platform: Platform::parse("linux/amd64").unwrap() }
}

fn entry(content: LockedContent) -> LockedEntry {
    LockedEntry { content, origin: "binary /usr/bin/app".into(), package: None }
}

fn file(bytes: &[u8]) -> LockedContent {
    let (size, digest) = (bytes.len() as u64, Digest::of(bytes));
    LockedContent::File { size, digest, mode: Mode::EXECUTABLE }
}

fn path(text: &str) -> ImagePath {
    ImagePath::parse(text.as_bytes()).unwrap()
}

fn sample() -> Lock {
    let mut entries = BTreeMap::new();
    entries.insert(path("/etc/odd \"%\\\u{202e}"), entry(file(b"odd")));
    entries.insert(path("/lib64"), entry(LockedContent::Link(Box::from(*b"usr/lib64\xff"))));
    let mut app = entry(file(b"app"));
    app.package = Some("app 1.2-3".into());
    entries.insert(path("/usr/bin/app"), app);
    entries.insert(path("/usr/bin/same"), entry(LockedContent::HardLink(path("/usr/bin/app"))));
    entries.insert(path("/var"), entry(LockedContent::Directory { mode: Mode::EXECUTABLE }));
    let arm = ImageKey { platform: Platform::parse("linux/arm64").unwrap(), ..key() };
    let output = Output {
        manifest: BlobDigest::of(b"manifest"),
        config: BlobDigest::of(b"config"),
        layers: vec![LockedLayer {
            diff_id: DiffId::of(b"layer"),
            blob: BlobDigest::of(b"blob"),
            size: 1234,
        }],
    };
    Lock {
        inputs: Inputs {
            format: 1,
            plan_version: 1,
            plan: NodeId::of(b"plan"),
            sources: vec![
                LockedSource { kind: "host".into(), place: None, platform: None, pin: None },
                LockedSource {
                    kind: "directory".into(),
                    place: Some("sysroot".into()),
                    platform: Some(arm.platform),
                    pin: Some("sha256:00".into()),
                },
            ],
            images: BTreeMap::from([(key(), entries.clone()), (arm.clone(), entries)]),
        },
        created: Epoch::parse("2026-11-20").unwrap(),
        outputs: BTreeMap::from([(key(), output.clone()), (arm, output)]),
    }
}

#[test]
fn what_is_written_is_read_back() {
    let text = sample().text();
    assert_eq!(Lock::parse(text.as_bytes()), Ok(sample()));
    assert_eq!(Lock::parse(text.replace('\n', "\r\n").as_bytes()), Ok(sample()));
}

#[test]
fn a_line_names_one_file_and_all_that_is_known_about_it() {
    let digest = Digest::of(b"app");
    let line = format!(
        "file \"/usr/bin/app\" size=3 mode=\"0755\" digest=\"{digest}\" \
         origin=\"binary /usr/bin/app\" package=\"app 1.2-3\"\n"
    );
    assert!(sample().text().contains(&line), "{}", sample().text());
}

/// Every prefix is refused: none passes for a lock of fewer files.
#[test]
fn a_lock_that_is_cut_off_anywhere_is_refused() {
    let text = sample().text();
    let end = text.trim_end().len();
    for length in 0..end {
        assert!(Lock::parse(&text.as_bytes()[..length]).is_err(), "{length}");
    }
    assert_eq!(Lock::parse(b""), Err(LockError::Empty));
    let lines: Vec<_> = text.lines().collect();
    let without_end = lines[..lines.len() - 1].join("\n");
    assert_eq!(Lock::parse(without_end.as_bytes()), Err(LockError::CutOff));
}

#[test]
fn other_versions_are_refused_with_a_clear_word() {
    let text = sample().text();
    let newer = text.replace("lock 1\n", "lock 2\nsomething new=\"yes\"\n");
    assert_eq!(Lock::parse(newer.as_bytes()), Err(LockError::Newer { found: 2 }));
    let older = text.replace("lock 1\n", "lock 0\n");
    assert_eq!(Lock::parse(older.as_bytes()), Err(LockError::Older { found: 0 }));
    let newer = LockError::Newer { found: 2 }.to_string();
    assert!(newer.contains("made by a newer imgc"), "{newer}");
}

#[test]
fn a_merge_that_was_not_finished_is_refused() {
    let text = sample().text().replace("plan \"", "<<<<<<< HEAD\nplan \"");
    assert_eq!(Lock::parse(text.as_bytes()), Err(LockError::ConflictMarks { line: 4 }));
}

#[test]
fn lines_that_are_missing_twice_or_elsewhere_are_refused() {
    let text = sample().text();
    let lines: Vec<&str> = text.lines().collect();
    let parse = |lines: &[&str]| Lock::parse((lines.join("\n") + "\n").as_bytes());
    for index in 1..lines.len() {
        let mut twice = lines.clone();
        twice.insert(index, lines[index]);
        // Layers may be equal, and so may sources: their number is compared later.
        let may_repeat = ["layer ", "source "].iter().any(|name| lines[index].starts_with(name));
        assert_eq!(parse(&twice).is_ok(), may_repeat, "{}", lines[index]);
        let mut swapped = lines.clone();
        swapped.swap(index - 1, index);
        let moved = parse(&swapped);
        assert!(index == 1 || moved.is_err() || moved != Ok(sample()), "{}", lines[index]);
        let mut without = lines.clone();
        without.remove(index);
        assert_ne!(parse(&without), Ok(sample()), "{}", lines[index]);
    }
}

#[test]
fn a_line_that_says_more_than_it_should_is_refused() {
    let text = sample().text().replace(" size=3 ", " size=3 more=1 ");
    let error = Lock::parse(text.as_bytes()).unwrap_err();
    assert!(matches!(error, LockError::Damaged { line: 10, .. }), "{error:?}");
}

/// No digit of a digest can change without being noticed, in the text or in the comparison.
#[test]
fn one_digit_of_a_digest_makes_another_lock() {
    let text = sample().text();
    let mut places = 0;
    for (start, _) in text.match_indices("sha256:").filter(|(start, _)| {
        // The pin of a source is any text.
        !text[..*start].ends_with("pin=\"")
    }) {
        let at = start + "sha256:".len() + 30;
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        let changed = Lock::parse(&bytes).unwrap();
        let drift = sample().inputs.drift(&changed.inputs, "app.kdl");
        let outputs = sample()
            .outputs
            .iter()
            .any(|(key, output)| output.difference(&changed.outputs[key], key).is_some());
        assert!(drift.len() == 1 || outputs, "{drift:?}");
        places += 1;
    }
    assert!(places > 10);
}

#[test]
fn each_change_is_named_with_what_it_was_and_is() {
    type Change<'a> = &'a dyn Fn(&mut Inputs);
    let of = |inputs: &mut Inputs, path: ImagePath, content: LockedContent| {
        inputs.images.get_mut(&key()).unwrap().insert(path, entry(content));
    };
    let cases: &[(Change<'_>, &str, &str)] = &[
        (&|now| now.format = 2, "imgc::lock::format_changed", "2 instead of 1"),
        (&|now| now.plan_version = 2, "imgc::lock::format_changed", "the plan encoding"),
        (&|now| now.plan = NodeId::of(b"x"), "imgc::lock::plan_changed", "the plan is sha256:2d"),
        (&|now| drop(now.sources.pop()), "imgc::lock::source_changed", "`host`"),
        (
            &|now| drop(now.images.remove(&key())),
            "imgc::lock::image_removed",
            "`app:latest` for linux/amd64",
        ),
        (
            &|now| of(now, path("/usr/bin/app"), file(b"App")),
            "imgc::lock::file_changed",
            "the content is sha256:",
        ),
        (
            &|now| of(now, path("/usr/bin/app"), LockedContent::Link(Box::from(*b"x"))),
            "imgc::lock::file_changed",
            "what stands there is a link, the lock has a file (package app 1.2-3; binary",
        ),
        (
            &|now| of(now, path("/lib64"), LockedContent::Link(Box::from(*b"lib"))),
            "imgc::lock::file_changed",
            "the link's target is `lib`, the lock has `usr/lib64\\xff`",
        ),
        (&|now| of(now, path("/new"), file(b"")), "imgc::lock::file_added", "`/new` is not in"),
        (
            &|now| drop(now.images.get_mut(&key()).unwrap().remove(&path("/var"))),
            "imgc::lock::file_removed",
            "`/var` is in the lock",
        ),
    ];
    for (change, code, message) in cases {
        let mut now = sample().inputs;
        change(&mut now);
        let drift = sample().inputs.drift(&now, "app.kdl");
        let [one] = drift.as_slice() else { panic!("{code}: {drift:?}") };
        let found = miette::Diagnostic::code(one).unwrap().to_string();
        assert_eq!(found, *code);
        assert!(one.to_string().contains(message), "{one}");
    }
}

#[test]
fn who_owns_a_file_decides_nothing() {
    let mut now = sample().inputs;
    for entry in now.images.values_mut().flat_map(BTreeMap::values_mut) {
        entry.package = Some("other".into());
    }
    assert_eq!(sample().inputs.drift(&now, "app.kdl"), []);
}

#[test]
fn of_a_thousand_changes_a_few_are_named_and_all_counted() {
    let mut now = sample().inputs;
    for number in 0..1000 {
        let images = now.images.get_mut(&key()).unwrap();
        images.insert(path(&format!("/x/{number}")), entry(file(b"")));
    }
    let drift = sample().inputs.drift(&now, "app.kdl");
    assert_eq!(drift.len(), 17);
    assert!(matches!(drift.last(), Some(LockError::AndMore { count: 984, .. })));
}
