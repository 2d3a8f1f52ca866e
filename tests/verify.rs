//! `imgc verify`: what imgc wrote is sound, and what was changed is found.

use crate::workbench::{Project, run, succeed};

fn project() -> Project {
    let project = Project::new();
    project.write("app.kdl", "text \"/etc/app\" \"hello\"\n");
    project
}

#[test]
fn a_directory_and_an_archive_are_sound_and_what_the_recipe_makes() {
    let project = project();
    for output in ["image/", "image.tar"] {
        let built = project.build("app.kdl", output);
        let stdout = succeed(&mut project.imgc(&["verify", output, "--recipe", "app.kdl"]));
        assert_eq!(stdout, format!("app:latest linux/amd64 {} is sound\n", built.digest));
    }
}

#[test]
fn each_kind_of_damage_has_its_code() {
    let check = |code: &str, change: &dyn Fn(&Project, &str)| {
        let project = project();
        let built = project.build("app.kdl", "image/");
        change(&project, &format!("image/blobs/sha256/{}", &built.digest["sha256:".len()..]));
        let outcome = run(&mut project.imgc(&["verify", "image"]));
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""), "{outcome:?}");
        assert!(outcome.stderr.contains(code), "{}", outcome.stderr);
    };
    check("imgc::verify::digest", &|project, manifest| {
        let text = String::from_utf8(project.read(manifest)).expect("JSON is text");
        project.write(manifest, text.replace("\"schemaVersion\":2", "\"schemaVersion\":1"));
    });
    check("imgc::verify::layout", &|project, _| project.write("image/blobs/sha256/00", ""));
    check("imgc::verify::document", &|project, _| {
        let text = String::from_utf8(project.read("image/index.json")).expect("JSON is text");
        project.write("image/index.json", text + "\n");
    });
}

#[test]
fn an_image_of_another_recipe_is_told_apart() {
    let project = project();
    project.build("app.kdl", "image/");
    project.write("app.kdl", "text \"/etc/app\" \"Hello\"\n");
    let outcome = run(&mut project.imgc(&["verify", "image", "--recipe", "app.kdl"]));
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("imgc::verify::not_from_recipe"), "{}", outcome.stderr);
}
