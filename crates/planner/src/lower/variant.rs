//! A variant as a recipe of its own: what the first image has, with what the variant says instead,
//! and what it adds on top.

use imgc_parser::{EntryPoint, ImageName, Layer, Recipe, Spanned, Statement, Variant};

use crate::lower::entry::only_binary;

/// Returns a recipe without its variants.
pub(super) fn first(recipe: &Recipe) -> Recipe {
    let is_first = |statement: &&Statement| !matches!(statement, Statement::Variant(_));
    let statements = recipe.statements.iter().filter(is_first).cloned().collect();
    Recipe { stem: recipe.stem.clone(), statements }
}

/// Returns the variants of a recipe.
pub(super) fn of(recipe: &Recipe) -> impl Iterator<Item = &Variant> {
    recipe.statements.iter().filter_map(|statement| match statement {
        Statement::Variant(variant) => Some(variant),
        _ => None,
    })
}

/// Returns the recipe of a variant's image. `base` has no variants.
pub(super) fn recipe(base: &Recipe, name: &ImageName, variant: &Variant) -> Recipe {
    let mut statements = base.statements.clone();
    let runs = |statement: &Statement| matches!(statement, Statement::Entrypoint(_));
    // With another program beside it, the only one would no longer be what runs.
    if !statements.iter().any(runs)
        && let Some((path, span)) = only_binary(base)
        && let Ok(path) = String::from_utf8(path.as_bytes().to_vec())
    {
        let entrypoint = EntryPoint::Arguments(vec![Spanned::new(path, span)]);
        statements.push(Statement::Entrypoint(Spanned::new(entrypoint, span)));
    }
    // As in an image that is built from another one, arguments belong to the program before them.
    if variant.statements.iter().any(runs) {
        statements.retain(|statement| !matches!(statement, Statement::Command(_)));
    }
    statements.retain(|statement| !matches!(statement, Statement::Name(_)));
    statements.push(Statement::Name(Spanned::new(variant_name(name, variant), variant.name.span)));
    // What the variant adds stands below the layers that it names.
    let (mut own, mut layers) = (Vec::new(), Vec::new());
    for statement in &variant.statements {
        match statement {
            Statement::Binary(_)
            | Statement::Library(_)
            | Statement::File(_)
            | Statement::Text(_)
            | Statement::Tree(_)
            | Statement::Directory(_)
            | Statement::Symlink(_)
            | Statement::Needs(_) => own.push(statement.clone()),
            Statement::Layer(_) => layers.push(statement.clone()),
            other => match statements.iter_mut().find(|known| says_the_same(known, other)) {
                Some(known) => *known = other.clone(),
                None => statements.push(other.clone()),
            },
        }
    }
    if !own.is_empty() {
        let layer = Layer { span: variant.span, name: variant.name.clone(), statements: own };
        statements.push(Statement::Layer(layer));
    }
    statements.extend(layers);
    Recipe { stem: base.stem.clone(), statements }
}

/// Returns `rg:debug` for `rg`, and `rg:14-debug` for `rg:14`.
fn variant_name(name: &ImageName, variant: &Variant) -> ImageName {
    let tag = match name.tag() {
        "latest" => variant.name.value.clone(),
        tag => format!("{tag}-{}", variant.name.value),
    };
    ImageName::parse(&format!("{}:{tag}", name.repository())).unwrap_or_else(|_| name.clone())
}

/// Tells whether a statement of a variant stands for one of the first image. A user does not: that of
/// the first image is still there, and the last one runs.
fn says_the_same(one: &Statement, other: &Statement) -> bool {
    match (one, other) {
        (Statement::Workdir(_), Statement::Workdir(_))
        | (Statement::Entrypoint(_), Statement::Entrypoint(_))
        | (Statement::Command(_), Statement::Command(_))
        | (Statement::StopSignal(_), Statement::StopSignal(_)) => true,
        (Statement::Env(one), Statement::Env(other)) => one.name.value == other.name.value,
        (Statement::Label(one), Statement::Label(other))
        | (Statement::Annotation(one), Statement::Annotation(other)) => {
            one.key.value == other.key.value
        }
        (Statement::Capability(one), Statement::Capability(other)) => {
            one.path.value == other.path.value
        }
        _ => false,
    }
}
