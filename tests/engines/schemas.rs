//! The image specification's own JSON schemas accept every document of every recipe.
//!
//! The schemas are those of Debian's golang-github-opencontainers-image-spec-dev.

use super::layer::{blob, parse};
use crate::workbench::{Project, succeed};
use std::process::Command;

/// Debian's python3-jsonschema belongs to this interpreter, not to any other on PATH.
const PYTHON: &str = "/usr/bin/python3";

/// Checks `SCHEMA DOCUMENT …` pairs; the first argument is the directory of the schemas.
const VALIDATE: &str = r#"
import json, pathlib, sys, warnings
warnings.simplefilter("ignore")
from jsonschema import Draft4Validator, RefResolver

def load(file):
    """A schema without its ids: they name a server, and every `$ref` is to a file beside it."""
    return json.loads(file.read_text(), object_hook=lambda found: {
        key: value for key, value in found.items() if not (key == "id" and isinstance(value, str))
    })

schemas = {file.as_uri(): load(file) for file in pathlib.Path(sys.argv[1]).glob("*.json")}
faults = 0
for name, document in zip(sys.argv[2::2], sys.argv[3::2]):
    address = (pathlib.Path(sys.argv[1]) / name).as_uri()
    resolver = RefResolver(address, schemas[address], schemas)
    validator = Draft4Validator(schemas[address], resolver=resolver)
    for error in validator.iter_errors(json.loads(pathlib.Path(document).read_text())):
        faults += 1
        print(f"{document}: {name}: {error.message} at {list(error.absolute_path)}")
sys.exit(faults > 0)
"#;

/// Every document of the image in `directory`, with the schema that it has to satisfy.
fn documents(project: &Project, directory: &str) -> Vec<(&'static str, String)> {
    let index = format!("{directory}/index.json");
    let manifest = blob(directory, &parse(&project.read(&index))["manifests"][0]);
    let config = blob(directory, &parse(&project.read(&manifest))["config"]);
    vec![
        ("image-layout-schema.json", format!("{directory}/oci-layout")),
        ("image-index-schema.json", index),
        ("image-manifest-schema.json", manifest),
        ("config-schema.json", config),
    ]
}

fn validate(project: &Project, documents: &[(&str, String)]) -> Command {
    let schemas = std::env::var_os("IMGC_TEST_SCHEMAS").expect("tests/run names the schemas");
    let mut command = Command::new(PYTHON);
    command.args(["-I", "-c", VALIDATE]).arg(schemas).current_dir(project.path(""));
    for (schema, document) in documents {
        command.args([schema, document.as_str()]);
    }
    command
}

#[test]
fn the_schemas_accept_every_document() {
    let Some(project) = super::project() else { return };
    for recipe in ["rg", "hello", "hello-dynamic", "curl", "tinydns", "debug", "imgc"] {
        project.build(&format!("recipes/{recipe}.kdl"), &format!("{recipe}/"));
        succeed(&mut validate(&project, &documents(&project, recipe)));
    }
}

#[test]
fn the_schemas_refuse_a_document_that_is_wrong() {
    let Some(project) = super::project() else { return };
    let size_as_text = r#"{"schemaVersion":2,"manifests":[{"mediaType":"a/b","digest":
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":"1"}]}"#;
    project.write("index.json", size_as_text);
    let documents = [("image-index-schema.json", "index.json".to_owned())];
    assert_eq!(crate::workbench::run(&mut validate(&project, &documents)).code, Some(1));
}
