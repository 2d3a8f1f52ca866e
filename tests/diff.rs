//! `imgc diff`: names what differs, and that alone, in images of any maker.

use std::process::Command;

use crate::workbench::{Outcome, Project, run, skip, succeed};

const RECIPE: &str = "\
file \"/etc/app\" from=\"app\" mode=0o640 owner=10001
text \"/etc/motd\" \"hello\\n\"
symlink \"/etc/link\" to=\"motd\"
env LANG=\"C.UTF-8\"
";

pub(crate) fn project() -> Project {
    let project = Project::new();
    project.write("a.kdl", format!("name \"app\"\n{RECIPE}"));
    project.write("app", "answer = 42\n");
    project.build("a.kdl", "a.tar");
    project
}

pub(crate) fn diff(project: &Project, arguments: &[&str]) -> Outcome {
    run(&mut project.imgc(&[&["diff"], arguments].concat()))
}

/// The differences as `PATH FIELD FIRST SECOND`, in which `-` is absent.
pub(crate) fn differences(project: &Project, arguments: &[&str]) -> Vec<String> {
    let outcome = diff(project, &[arguments, &["--json"]].concat());
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout)
        .unwrap_or_else(|error| panic!("{error}: {outcome:?}"));
    let list = document["differences"].as_array().expect("a list");
    assert_eq!(outcome.code, Some(i32::from(!list.is_empty())));
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let one = |difference: &serde_json::Value| {
        let fields = ["path", "field", "first", "second"];
        fields.map(|field| text(&difference[field])).join(" ")
    };
    list.iter().map(one).collect()
}

#[test]
fn a_recipe_its_directory_and_its_archive_are_the_same() {
    let project = project();
    project.build("a.kdl", "a/");
    for pair in [["a.kdl", "a.tar"], ["a.tar", "a"], ["a", "a.kdl"]] {
        let outcome = diff(&project, &pair);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), ""), "{outcome:?}");
    }
}

#[test]
fn each_field_that_differs_is_named_with_both_values() {
    let project = project();
    for (from, to, expected) in [
        ("0o640", "0o600", "/etc/app mode 0640 0600"),
        ("owner=10001", "owner=\"10001:7\"", "/etc/app gid 10001 7"),
        ("to=\"motd\"", "to=\"app\"", "/etc/link target motd app"),
        ("\"/etc/link\" to=\"motd\"", "\"/etc/l\" to=\"motd\"", "/etc/l entry - link"),
        ("LANG=\"C.UTF-8\"", "LANG=\"C\"", "- config.config.Env[1] \"LANG=C.UTF-8\" \"LANG=C\""),
        ("env ", "label \"k\" \"v\"\nenv ", "- config.config.Labels.k - \"v\""),
        ("env ", "expose 80\nenv ", "- config.config.ExposedPorts.80/tcp - {}"),
    ] {
        project.write("b.kdl", format!("name \"app\"\n{}", RECIPE.replace(from, to)));
        let found = differences(&project, &["--semantic", "a.tar", "b.kdl"]);
        assert!(found.iter().any(|line| line == expected), "{expected}: {found:#?}");
        assert!(found.len() <= 2, "{expected}: {found:#?}");
        let strict = differences(&project, &["a.tar", "b.kdl"]);
        assert!(strict.iter().any(|line| line == expected), "{expected}: {strict:#?}");
    }
}

#[test]
fn a_file_of_the_same_size_differs_in_its_digest_alone() {
    let project = project();
    project.write("app", "answer = 43\n");
    let found = differences(&project, &["--semantic", "a.tar", "a.kdl"]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("/etc/app digest sha256:"), "{found:#?}");
}

#[test]
fn it_says_when_only_the_compression_differs() {
    let project = project();
    for compression in ["none", "zstd", "gzip level=1"] {
        project.write("b.kdl", format!("name \"app\"\ncompression {compression}\n{RECIPE}"));
        let strict = diff(&project, &["a.tar", "b.kdl"]);
        assert_eq!(strict.code, Some(1));
        assert!(strict.stdout.contains("only the compression of layers differs"), "{strict:?}");
        assert_eq!(diff(&project, &["--semantic", "a.tar", "b.kdl"]).code, Some(0));
    }
    project.write("b.kdl", format!("name \"app\"\n{RECIPE}label \"a\" \"b\"\n"));
    let other = diff(&project, &["a.tar", "b.kdl"]);
    assert!(!other.stdout.contains("only the compression"), "{other:?}");
}

#[test]
fn a_date_differs_strictly_and_not_semantically() {
    let project = project();
    project.write("b.kdl", format!("name \"app\"\ncreated \"2026-11-20\"\n{RECIPE}"));
    assert_eq!(differences(&project, &["--semantic", "a.tar", "b.kdl"]), Vec::<String>::new());
    let strict = differences(&project, &["a.tar", "b.kdl"]);
    let expected = "- config.created \"1970-01-01T00:00:00Z\" \"2026-11-20T00:00:00Z\"";
    assert!(strict.iter().any(|line| line == expected), "{strict:#?}");
}

#[test]
fn an_archive_may_be_compressed_and_have_any_name() {
    let project = project();
    let line = "gzip -c a.tar > gz; cp a.tar plain; head -c 500 gz > cut";
    succeed(Command::new("sh").args(["-c", line]).current_dir(project.path("")));
    for name in ["gz", "plain"] {
        let same = diff(&project, &["a.kdl", name]);
        assert_eq!((same.code, same.stdout.as_str()), (Some(0), ""), "{name}: {same:?}");
    }
    let verified = run(&mut project.imgc(&["verify", "gz"]));
    assert_eq!(verified.code, Some(1));
    assert!(verified.stderr.contains("`archive` is compressed as a whole"), "{verified:?}");
    let cut = diff(&project, &["a.kdl", "cut"]);
    assert_eq!((cut.code, cut.stdout.as_str()), (Some(2), ""), "{cut:?}");
    assert!(cut.stderr.contains("imgc::write::unreadable_image"), "{cut:?}");
}

#[test]
fn what_cannot_be_read_is_trouble_and_no_difference() {
    let project = project();
    for pair in [["a.tar", "none.kdl"], ["a.tar", "none.tar"]] {
        let outcome = diff(&project, &pair);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
    }
    project.write("no.tar", "this is no archive");
    assert_eq!(diff(&project, &["a.tar", "no.tar"]).code, Some(2));
}

/// What `docker save` writes, made of layers that a shell line packs with GNU tar below `t`.
pub(crate) fn docker_archive(project: &Project, layers: &[&str]) {
    let config = r#"{"architecture":"amd64","os":"linux","created":"2026-01-01T00:00:00Z",
        "docker_version":"20","container_config":{"Hostname":"x"},
        "config":{"User":"65532:65532","Hostname":"","Image":"sha256:x","Volumes":null,
        "Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG=C.UTF-8"],"Cmd":null,"WorkingDir":""}}"#;
    project.write("c.json", config);
    let mut names = Vec::new();
    for (number, line) in layers.iter().enumerate() {
        let name = format!("{number}/layer.tar");
        let line = format!("set -e; umask 022; mkdir -p {number} t; rm -rf t/*; {line}");
        let line = format!("{line}; tar --owner=0:0 -C t -cf {name} .");
        succeed(Command::new("sh").args(["-c", &line]).current_dir(project.path("")));
        names.push(format!("\"{name}\""));
    }
    let names = names.join(",");
    let manifest = format!(r#"[{{"Config":"c.json","RepoTags":["app:1"],"Layers":[{names}]}}]"#);
    project.write("manifest.json", manifest);
    let line = "rm -f d.tar; tar -cf d.tar c.json manifest.json */layer.tar";
    succeed(Command::new("sh").args(["-c", line]).current_dir(project.path("")));
}

/// The tree of the recipe, but for the owner of `/etc/app`, whom only root could set.
pub(crate) const TREE: &str = "mkdir -p t/etc; cp app t/etc/app; chmod 640 t/etc/app; \
                    printf 'hello\\n' > t/etc/motd; ln -s motd t/etc/link";

#[test]
fn an_image_of_docker_s_form_is_compared_with_ours() {
    let project = project();
    docker_archive(&project, &[TREE]);
    let owners = ["/etc/app uid 10001 0", "/etc/app gid 10001 0"];
    assert_eq!(differences(&project, &["--semantic", "a.tar", "d.tar"]), owners);
    let strict = differences(&project, &["a.tar", "d.tar"]);
    for start in [
        "/etc/app mtime 0 ",
        "/etc/app header format ustar gnu",
        "/etc/app name - ./etc/app",
        "/ entry - directory",
        "- compression gzip none",
        "- config.docker_version - \"20\"",
    ] {
        assert!(strict.iter().any(|line| line.starts_with(start)), "{start}: {strict:#?}");
    }
}

#[test]
fn layers_lie_on_top_of_each_other_and_delete() {
    let project = project();
    let long = "n".repeat(150);
    let lower = format!(
        "{TREE}; mkdir -p t/old/deep t/opaque; touch t/old/deep/x t/{long} \
                         t/opaque/x"
    );
    let upper = format!(
        "mkdir -p t/opaque; touch t/.wh.old t/.wh.{long} t/opaque/.wh..wh..opq \
                         t/opaque/new"
    );
    docker_archive(&project, &[&lower, &upper]);
    let found = differences(&project, &["--semantic", "a.tar", "d.tar"]);
    let paths: Vec<&str> = found.iter().map(|line| line.split(' ').next().unwrap_or("")).collect();
    assert_eq!(paths, ["/etc/app", "/etc/app", "/opaque", "/opaque/new"], "{found:#?}");
    // A long name without a whiteout is read whole.
    docker_archive(&project, &[&lower]);
    let found = differences(&project, &["--semantic", "a.tar", "d.tar"]);
    assert!(found.contains(&format!("/{long} entry - file")), "{found:#?}");
}

#[test]
fn a_hard_link_is_the_file_that_it_is() {
    let project = project();
    let linked = format!("{TREE}; rm t/etc/link; ln t/etc/motd t/etc/link");
    docker_archive(&project, &[&linked]);
    let found = differences(&project, &["--semantic", "a.tar", "d.tar"]);
    assert!(found.iter().any(|line| line == "/etc/link type link file"), "{found:#?}");
}

#[test]
fn for_programs_it_says_what_changed_in_their_needs() {
    let project = project();
    let compile = |name: &str, libraries: &[&str]| {
        project.write("x.c", "double f(double); int main(int c, char **v) { return c; }\n");
        let mut cc = Command::new("cc");
        cc.args(["-o", name, "x.c", "-Wl,--no-as-needed"]).args(libraries);
        run(cc.current_dir(project.path(""))).code == Some(0)
    };
    if !crate::workbench::has("cc") || !compile("one", &[]) || !compile("two", &["-lm"]) {
        return skip("it takes cc and the C library's headers");
    }
    for name in ["one", "two"] {
        project.write(
            &format!("{name}.kdl"),
            format!("name \"app\"\nbinary \"{name}\" to=\"/app\"\n"),
        );
    }
    let found = differences(&project, &["--semantic", "one.kdl", "two.kdl"]);
    let needs = found.iter().find(|line| line.starts_with("/app ELF needs "));
    let needs = needs.unwrap_or_else(|| panic!("{found:#?}"));
    assert!(needs.contains("libm.so.6"), "{needs}");
}
