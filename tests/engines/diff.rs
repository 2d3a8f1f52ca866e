//! Images that engines made of a tree, compared with imgc's image of the same tree.

use std::process::Command;

use crate::workbench::{Project, run, succeed};

const RECIPE: &str = "\
platform \"linux/amd64\"
tree \"/srv\" from=\"tree/srv\"
file \"/etc/app\" from=\"tree/etc/app\"
env A=\"1\"
user \"10001:10001\"
entrypoint \"/srv/run\"
";

const CONTAINERFILE: &str = "\
FROM scratch
COPY tree/ /
ENV A=1
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
USER 10001:10001
ENTRYPOINT [\"/srv/run\"]
";

fn project() -> Option<Project> {
    let project = super::project()?;
    project.write("app.kdl", RECIPE);
    project.write("Containerfile", CONTAINERFILE);
    project.write("tree/srv/run", "#!/srv/run\n");
    project.write("tree/srv/a/page", "page\n");
    project.write("tree/etc/app", "answer = 42\n");
    let modes = "chmod 755 tree tree/* tree/srv/a tree/srv/run; chmod 644 tree/etc/app tree/srv/a/page; \
                 ln -s a/page tree/srv/link; chown -hR 0:0 tree";
    succeed(Command::new("sh").args(["-c", modes]).current_dir(project.path("")));
    Some(project)
}

/// Builds with an engine, and saves the image; removes it again.
fn save(project: &Project, engine: &str, format: &[&str], output: &str) {
    let name = format!("localhost/imgc-test-diff-{}-{engine}", std::process::id());
    let script = format!(
        "set -e; timeout 120 {engine} build -q -t {name} -f Containerfile . >/dev/null
         timeout 120 {engine} save {} -o {output} {name}
         timeout 120 {engine} rmi -f {name} >/dev/null",
        format.join(" ")
    );
    succeed(Command::new("sh").args(["-c", &script]).current_dir(project.path("")));
}

fn check(project: &Project, image: &str, expected: &[&str]) {
    let same = run(&mut project.imgc(&["diff", "--semantic", "app.kdl", image]));
    let lines: Vec<&str> = same.stdout.lines().map(str::trim).collect();
    assert_eq!(lines, expected, "{image}: {same:?}");
    assert_eq!(same.code, Some(i32::from(!expected.is_empty())));
    let strict = run(&mut project.imgc(&["diff", "app.kdl", image]));
    assert_eq!(strict.code, Some(1), "{strict:?}");
    assert!(strict.stdout.contains("mtime: 0 -> "), "{strict:?}");
    // One byte, and it is named.
    project.write("tree/etc/app", "answer = 43\n");
    let other = run(&mut project.imgc(&["diff", "--semantic", "app.kdl", image]));
    assert!(other.stdout.contains("/etc/app\n  digest: sha256:"), "{other:?}");
    project.write("tree/etc/app", "answer = 42\n");
}

#[test]
fn docker_s_image_of_a_tree_differs_in_nothing_that_matters() {
    let Some(project) = project() else { return };
    save(&project, "docker", &[], "docker.tar");
    check(&project, "docker.tar", &[]);
}

#[test]
fn podman_s_image_of_a_tree_differs_in_what_it_says_of_itself() {
    let Some(project) = project() else { return };
    for format in ["docker-archive", "oci-archive"] {
        let output = format!("{format}.tar");
        save(&project, "podman", &["--format", format], &output);
        let image = run(&mut project.imgc(&["diff", "--semantic", "app.kdl", &output]));
        // Buildah, which builds for podman, leaves its version as a label.
        let label = image.stdout.lines().find(|line| line.contains("io.buildah.version"));
        let lines: Vec<&str> = ["image"].into_iter().chain(label.map(str::trim)).collect();
        check(&project, &output, if label.is_some() { &lines } else { &[] });
    }
}
