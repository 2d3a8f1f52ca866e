//! Finds what may be said once in a recipe and is said twice, in one file or in several.

use std::collections::BTreeMap;

use crate::error::ParseError;
use crate::recipe::{Statement, User};
use crate::span::Span;

/// Reports each statement that says again what an earlier one has said.
pub(crate) fn check(statements: &[Statement], errors: &mut Vec<ParseError>) {
    let stated = check_with(BTreeMap::new(), statements, errors);
    for statement in statements {
        if let Statement::Variant(variant) = statement {
            // What a variant says stands for what the first image says; layers stand beside it.
            let is_beside = |what: &str| what.starts_with("layer ") || what.starts_with("group ");
            let mut beside = stated.clone();
            beside.retain(|what, _| is_beside(what));
            beside.insert(format!("layer `{}`", variant.name.value), variant.name.span);
            check_with(beside, &variant.statements, errors);
        }
    }
}

fn check_with(
    mut stated: BTreeMap<String, Span>,
    statements: &[Statement],
    errors: &mut Vec<ParseError>,
) -> BTreeMap<String, Span> {
    for statement in statements {
        for (what, span) in facts(statement) {
            match stated.get(&what) {
                Some(first) => {
                    errors.push(ParseError::StatedTwice { what, first: *first, span });
                    // A group whose name and id are both there already is one mistake.
                    break;
                }
                None => {
                    stated.insert(what, span);
                }
            }
        }
    }
    stated
}

/// Returns what a statement says that no other may say, described, with its place.
fn facts(statement: &Statement) -> Vec<(String, Span)> {
    let one = |what: &str, span| vec![(what.to_owned(), span)];
    match statement {
        Statement::Name(name) => one("`name`", name.span),
        Statement::Platform(platforms) => platforms
            .first()
            .map(|first| ("`platform`".to_owned(), first.span))
            .into_iter()
            .collect(),
        Statement::Layer(layer) => {
            vec![(format!("layer `{}`", layer.name.value), layer.name.span)]
        }
        Statement::Capability(capability) => {
            let what = format!("what `{}` may do", capability.path.value);
            vec![(what, capability.path.span)]
        }
        Statement::Variant(variant) => vec![
            (format!("variant `{}`", variant.name.value), variant.name.span),
            (format!("layer `{}`", variant.name.value), variant.name.span),
        ],
        Statement::User(user) => {
            let span = match user {
                User::Created(account) => account.span,
                User::Named(name) => name.span,
                User::Numeric { span, .. } => *span,
            };
            one("`user`", span)
        }
        Statement::Group(group) => vec![
            (format!("group `{}`", group.name.value), group.name.span),
            (format!("group id `{}`", group.gid.value), group.gid.span),
        ],
        Statement::Env(env) => vec![(format!("variable `{}`", env.name.value), env.name.span)],
        Statement::Workdir(path) => one("`workdir`", path.span),
        Statement::Entrypoint(entrypoint) => one("`entrypoint`", entrypoint.span),
        Statement::Command(command) => one("`command`", command.span),
        Statement::StopSignal(signal) => one("`stop-signal`", signal.span),
        Statement::Label(label) => vec![(format!("label `{}`", label.key.value), label.key.span)],
        Statement::Annotation(annotation) => {
            vec![(format!("annotation `{}`", annotation.key.value), annotation.key.span)]
        }
        Statement::Created(epoch) => one("`created`", epoch.span),
        Statement::Compression(compression) => one("`compression`", compression.span),
        Statement::Source(_)
        | Statement::Binary(_)
        | Statement::Library(_)
        | Statement::File(_)
        | Statement::Text(_)
        | Statement::Tree(_)
        | Statement::Directory(_)
        | Statement::Symlink(_)
        | Statement::Needs(_)
        | Statement::Expose(_)
        | Statement::Volume(_)
        | Statement::Allow(_) => Vec::new(),
    }
}
