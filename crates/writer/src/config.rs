//! The image config: how the image runs, and what its layers are (OCI image-spec, `config.md`).

use std::str;

use imgc_planner::ImageSpec;
use imgc_planner::recipe::{Expose, ImagePath, Platform, Protocol};

use crate::error::WriteError;
use crate::image::Layer;
use crate::json::Json;

pub(crate) const MEDIA_TYPE: &str = "application/vnd.oci.image.config.v1+json";

/// Returns the config's canonical text. What is empty is left out, as Go's encoder does.
pub(crate) fn encode(spec: &ImageSpec, layers: &[Layer]) -> Result<Vec<u8>, WriteError> {
    let created = Json::string(spec.created);
    // One entry for each layer, and no tool, host or time that the plan does not know.
    let history = spec.layers.iter().map(|layer| {
        Json::object([
            ("created", Some(created.clone())),
            ("created_by", Json::string(&layer.comment).unless_empty()),
        ])
    });
    let rootfs = Json::object([
        ("diff_ids", Some(Json::strings(layers.iter().map(|layer| layer.diff_id)))),
        ("type", Some(Json::string("layers"))),
    ]);
    let document = Json::object([
        ("architecture", Some(Json::string(spec.platform.architecture.name()))),
        ("config", Some(run(spec)?)),
        ("created", Some(created.clone())),
        ("history", Json::Array(history.collect()).unless_empty()),
        ("os", Some(Json::string(Platform::OS))),
        ("rootfs", Some(rootfs)),
        ("variant", spec.platform.variant.map(Json::string)),
    ]);
    Ok(document.encode())
}

fn run(spec: &ImageSpec) -> Result<Json, WriteError> {
    let config = &spec.config;
    let env = config.env.iter().map(|(name, value)| format!("{name}={value}"));
    let volumes = config.volumes.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    Ok(Json::object([
        ("Cmd", Json::strings(&config.command).unless_empty()),
        ("Entrypoint", Json::strings(&config.entrypoint).unless_empty()),
        ("Env", Json::strings(env).unless_empty()),
        ("ExposedPorts", Json::set(config.expose.iter().map(port)).unless_empty()),
        ("Labels", Json::texts(&config.labels).unless_empty()),
        ("StopSignal", config.stop_signal.as_ref().map(Json::string)),
        ("User", Some(Json::string(format!("{}:{}", config.uid, config.gid)))),
        ("Volumes", Json::set(volumes).unless_empty()),
        ("WorkingDir", Some(Json::string(text(&config.workdir)?))),
    ]))
}

fn port(expose: &Expose) -> String {
    let protocol = match expose.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    };
    format!("{}/{protocol}", expose.port)
}

/// JSON has no bytes; the recipe's own paths are text, so this fails only for a wrong spec.
fn text(path: &ImagePath) -> Result<&str, WriteError> {
    str::from_utf8(path.as_bytes())
        .map_err(|_| WriteError::internal(path, "a path in the config is not UTF-8"))
}
