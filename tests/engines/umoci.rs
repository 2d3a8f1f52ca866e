//! umoci unpacks the OCI directory, and what is then there is what the layers list.

use super::layer::{layers, names, parse};
use crate::workbench::{Project, is_root, succeed};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

/// Unpacks the image of a recipe to `DIRECTORY.unpacked/rootfs`, and lists what is there as
/// `MODE PATH` and, for a link, its target.
fn unpack(project: &Project, recipe: &str) -> BTreeSet<String> {
    project.build(&format!("recipes/{recipe}.kdl"), &format!("{recipe}/"));
    let index = parse(&project.read(&format!("{recipe}/index.json")));
    let name = &index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"];
    let name = name.as_str().expect("an image has a name");

    let mut umoci = Command::new("timeout");
    umoci.args(["120", "umoci", "unpack"]).args((!is_root()).then_some("--rootless"));
    umoci.arg("--image").arg(format!("{recipe}:{name}")).arg(format!("{recipe}.unpacked"));
    succeed(umoci.current_dir(project.path("")));

    let root = project.path(&format!("{recipe}.unpacked/rootfs"));
    let mut find = Command::new("find");
    find.arg(root).args(["-mindepth", "1", "(", "-type", "l", "-printf", "%m /%P %l\n", ")"]);
    find.args(["-o", "-printf", "%m /%P\n"]);
    succeed(&mut find).lines().map(str::to_owned).collect()
}

#[test]
fn a_static_program_is_all_there_is() {
    let Some(project) = super::project() else { return };

    assert_eq!(unpack(&project, "hello"), BTreeSet::from(["755 /hello".to_owned()]));
    let unpacked = project.read("hello.unpacked/rootfs/hello");
    assert!(unpacked == project.read("recipes/build/hello"), "the program has changed");
}

#[test]
fn a_link_of_the_recipe_stands_beside_its_target() {
    let Some(project) = super::project() else { return };

    let tree = unpack(&project, "debug");

    for line in ["755 /bin/busybox", "777 /bin/sh busybox", "755 /usr/bin/rg"] {
        assert!(tree.contains(line), "no `{line}` in {tree:#?}");
    }
}

#[test]
fn the_tree_is_what_the_layers_list() {
    let Some(project) = super::project() else { return };
    for recipe in ["rg", "curl", "tinydns"] {
        let tree = unpack(&project, recipe);

        let root = project.path(&format!("{recipe}.unpacked/rootfs"));
        let mut listed = BTreeSet::new();
        for name in layers(&project, recipe).iter().flat_map(names) {
            let path = root.join(&name);
            let there = fs::symlink_metadata(&path).unwrap_or_else(|_| panic!("no {name}"));
            assert_eq!(there.is_dir(), name.ends_with('/'), "{name}");
            listed.insert(format!("/{}", name.trim_end_matches('/')));
        }
        let unpacked: BTreeSet<String> =
            tree.iter().map(|line| line.split(' ').nth(1).unwrap_or(line).to_owned()).collect();
        assert_eq!(unpacked, listed, "{recipe}");
    }
}
