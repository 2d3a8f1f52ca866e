//! Recipe to plan: names become numbers, defaults are filled in, and every node gets its identity.

mod accounts;
mod conflict;
mod entry;
mod error;
mod variant;

use std::collections::{BTreeMap, BTreeSet};

use imgc_parser::{
    Codec, Compression, EntryPoint, Id, ImageName, ImagePath, Recipe, SourceKind, Span, Statement,
    User as WrittenUser,
};

pub use error::{CODES, PlanError};

use crate::digest::NodeId;
use crate::lower::accounts::{Accounts, needs_users};
use crate::lower::conflict::find_conflicts;
use crate::lower::entry::lower_entry;
use crate::node::{Config, Image, Layer, Node, NodeKind, Place, Program, Search, Source, User};
use crate::origin::{Origins, Setting};
use crate::plan::Plan;

/// `PATH` of an image whose recipe sets none; the one of Docker and containerd.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Makes the plan of a recipe.
///
/// Two recipes that mean the same have the same plan: comments, spacing, line endings, and the
/// order of nodes that do not depend on each other make no difference. The order of `source`, `env`
/// and `layer` nodes and of platforms and arguments is part of what they mean.
///
/// # Errors
/// Everything that is wrong with the recipe as a whole, in the order of its places.
pub fn plan(recipe: &Recipe) -> Result<(Plan, Origins), Vec<PlanError>> {
    let base = variant::first(recipe);
    let (mut plan, mut origins) = plan_image(&base)?;
    let mut errors = Vec::new();
    for variant in variant::of(recipe) {
        let name = &variant.name;
        match plan_image(&variant::recipe(&base, &plan.image().name, variant)) {
            Ok((own, its_origins)) => {
                plan.add_variant(name.value.clone(), own);
                origins.add_variant(name, its_origins);
            }
            Err(failed) => errors.extend(failed),
        }
    }
    if errors.is_empty() { Ok((plan, origins)) } else { Err(errors) }
}

/// Makes the plan of one image.
fn plan_image(recipe: &Recipe) -> Result<(Plan, Origins), Vec<PlanError>> {
    let mut draft = Draft::default();
    let accounts = Accounts::new(recipe, &mut draft.errors);
    let image = image_of(recipe, &mut draft);
    let config = config_of(recipe, &accounts, &mut draft);
    let search = search_of(recipe, &config, &mut draft);

    let account_files: Vec<NodeId> = accounts
        .files()
        .into_iter()
        .map(|(kind, span)| draft.add(kind, Vec::new(), span))
        .collect();
    let mut base = BTreeSet::new();
    let mut named = Vec::new();
    let mut asks_in_layer = false;
    for statement in &recipe.statements {
        if let Statement::Layer(layer) = statement {
            let mut entries = layer
                .statements
                .iter()
                .filter_map(|inner| lower_entry(inner, search, &accounts, &mut draft))
                .collect::<BTreeSet<_>>();
            if needs_users(statement).is_some() {
                asks_in_layer = true;
                entries.extend(&account_files);
            }
            if entries.is_empty() {
                draft.errors.push(PlanError::EmptyLayer {
                    name: layer.name.value.clone(),
                    span: layer.name.span,
                });
            }
            named.push((Some(layer.name.value.clone()), entries, layer.name.span));
        } else {
            base.extend(lower_entry(statement, search, &accounts, &mut draft));
        }
    }
    if !asks_in_layer {
        base.extend(account_files);
    }
    // Without entries there is nothing to point at but the file as a whole, which `stem` names.
    if base.is_empty() && named.is_empty() {
        draft.errors.push(PlanError::Nothing { name: recipe.stem.clone() });
    }
    draft.errors.extend(find_conflicts(&draft.nodes, &draft.origins));
    if !draft.errors.is_empty() {
        draft.errors.sort_by_key(PlanError::span);
        return Err(draft.errors);
    }

    let config = draft.add(NodeKind::Config(config), Vec::new(), None);
    let mut inputs = vec![config];
    if !base.is_empty() {
        let entries = base.into_iter().collect();
        inputs.push(draft.add(NodeKind::Layer(Layer { name: None }), entries, None));
    }
    for (name, entries, span) in named {
        let entries = entries.into_iter().collect();
        inputs.push(draft.add(NodeKind::Layer(Layer { name }), entries, Some(span)));
    }
    let root = draft.add(NodeKind::Image(image), inputs, None);
    Ok((Plan::new(draft.nodes, root), draft.origins))
}

/// A plan in the making.
#[derive(Default)]
struct Draft {
    nodes: BTreeMap<NodeId, Node>,
    origins: Origins,
    errors: Vec<PlanError>,
}

impl Draft {
    fn add(
        &mut self,
        kind: NodeKind,
        inputs: Vec<NodeId>,
        span: impl Into<Option<Span>>,
    ) -> NodeId {
        let node = Node { kind, inputs };
        let id = node.id();
        self.nodes.insert(id, node);
        if let Some(span) = span.into() {
            self.origins.add_node(id, span);
        }
        id
    }
}

/// Collects what describes the image as a whole.
fn image_of(recipe: &Recipe, draft: &mut Draft) -> Image {
    let mut image = Image {
        name: name_of(recipe, draft),
        platforms: Vec::new(),
        compression: Compression { codec: Codec::Gzip, level: None },
        created: None,
        annotations: BTreeMap::new(),
        allow: BTreeMap::new(),
    };
    for statement in &recipe.statements {
        match statement {
            Statement::Platform(platforms) => {
                if let Some(first) = platforms.first() {
                    draft.origins.add_setting(Setting::Platform, first.span);
                }
                image.platforms = platforms.iter().map(|platform| platform.value).collect();
            }
            Statement::Compression(compression) => image.compression = compression.value,
            Statement::Created(created) => image.created = Some(created.value),
            Statement::Annotation(pair) => {
                image.annotations.insert(pair.key.value.clone(), pair.value.value.clone());
            }
            Statement::Allow(allow) => {
                let setting = Setting::Allow(allow.code.value.clone());
                draft.origins.add_setting(setting, allow.code.span);
                image.allow.insert(allow.code.value.clone(), allow.reason.value.clone());
            }
            _ => {}
        }
    }
    image
}

fn name_of(recipe: &Recipe, draft: &mut Draft) -> ImageName {
    let written = recipe.statements.iter().find_map(|statement| match statement {
        Statement::Name(name) => Some(name),
        _ => None,
    });
    match written {
        Some(name) => {
            draft.origins.add_setting(Setting::Name, name.span);
            name.value.clone()
        }
        None => ImageName::parse(&recipe.stem)
            .expect("the parser asks for a name if the file's own is none"),
    }
}

/// Collects how the image runs.
fn config_of(recipe: &Recipe, accounts: &Accounts, draft: &mut Draft) -> Config {
    let origins = &mut draft.origins;
    let mut config = Config {
        user: User::Numeric(Id::NONROOT, Id::NONROOT),
        env: Vec::new(),
        workdir: ImagePath::root(),
        entrypoint: Program::None,
        command: Vec::new(),
        expose: BTreeSet::new(),
        volumes: BTreeSet::new(),
        stop_signal: None,
        labels: BTreeMap::new(),
    };
    for statement in &recipe.statements {
        match statement {
            Statement::User(user) => {
                let (user, span) = match user {
                    WrittenUser::Created(account) => {
                        let gid = accounts.primary_group(account);
                        (User::Numeric(account.uid.value, gid), account.name.span)
                    }
                    WrittenUser::Named(name) if name.value == "root" => {
                        (User::Numeric(Id::ROOT, Id::ROOT), name.span)
                    }
                    WrittenUser::Named(name) => (User::Named(name.value.clone()), name.span),
                    WrittenUser::Numeric { span, uid, gid } => (User::Numeric(*uid, *gid), *span),
                };
                origins.add_setting(Setting::User, span);
                config.user = user;
            }
            Statement::Env(env) => {
                config.env.push((env.name.value.clone(), env.value.value.clone()));
                origins.add_setting(Setting::Variable(env.name.value.clone()), env.name.span);
            }
            Statement::Workdir(path) => {
                origins.add_setting(Setting::Workdir, path.span);
                config.workdir = path.value.clone();
            }
            Statement::Entrypoint(entrypoint) => {
                origins.add_setting(Setting::Entrypoint, entrypoint.span);
                config.entrypoint = match &entrypoint.value {
                    EntryPoint::Arguments(arguments) => Program::Arguments(
                        arguments.iter().map(|argument| argument.value.clone()).collect(),
                    ),
                    EntryPoint::Shell(line) => Program::Shell(line.value.clone()),
                };
            }
            Statement::Command(arguments) => {
                origins.add_setting(Setting::Command, arguments.span);
                config.command.clone_from(&arguments.value);
            }
            Statement::Expose(port) => {
                config.expose.insert(port.value);
            }
            Statement::Volume(path) => {
                let setting = Setting::Volume(path.value.clone());
                origins.add_setting(setting, path.span);
                config.volumes.insert(path.value.clone());
            }
            Statement::StopSignal(signal) => config.stop_signal = Some(signal.value.clone()),
            Statement::Label(pair) => {
                config.labels.insert(pair.key.value.clone(), pair.value.value.clone());
            }
            _ => {}
        }
    }
    if !config.env.iter().any(|(name, _)| name == "PATH") {
        config.env.insert(0, ("PATH".into(), DEFAULT_PATH.into()));
    }
    if config.entrypoint == Program::None
        && let Some((path, span)) = entry::only_binary(recipe)
        && let Ok(path) = String::from_utf8(path.as_bytes().to_vec())
    {
        origins.add_setting(Setting::Entrypoint, span);
        config.entrypoint = Program::Arguments(vec![path]);
    }
    config
}

/// Makes the node that says where and how files are looked for.
fn search_of(recipe: &Recipe, config: &Config, draft: &mut Draft) -> NodeId {
    let mut sources = Vec::new();
    for statement in &recipe.statements {
        let Statement::Source(source) = statement else { continue };
        let place = match &source.kind {
            SourceKind::Host => Place::Host,
            SourceKind::Directory(path) => Place::Directory(path.value.clone()),
        };
        let platform = source.platform.as_ref().map(|platform| platform.value);
        let kind = NodeKind::Source(Source { place, platform });
        let id = draft.add(kind, Vec::new(), source.span);
        if !sources.contains(&id) {
            sources.push(id);
        }
    }
    if sources.is_empty() {
        let host = Source { place: Place::Host, platform: None };
        sources.push(draft.add(NodeKind::Source(host), Vec::new(), None));
    }
    let variable =
        |name: &str| config.env.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let search = Search {
        workdir: config.workdir.clone(),
        library_path: variable("LD_LIBRARY_PATH"),
        preload: variable("LD_PRELOAD"),
        path: variable("PATH").expect("an image has a PATH"),
    };
    draft.add(NodeKind::Search(search), sources, None)
}

#[cfg(test)]
mod tests;
