//! The nodes that put something into a layer.

use imgc_parser::{
    Attributes as WrittenAttributes, Binary as WrittenBinary, Facility as WrittenFacility, From,
    ImagePath, Mode, Recipe, Span, Spanned, Statement,
};

use crate::digest::NodeId;
use crate::lower::Draft;
use crate::lower::accounts::Accounts;
use crate::node::{
    Attributes, Binary, Capability, Directory, Facility, File, Library, NodeKind, Symlink, Text,
    Tree,
};

/// Makes the node of a statement that asks for entries; nothing for any other statement.
pub(super) fn lower_entry(
    statement: &Statement,
    search: NodeId,
    accounts: &Accounts,
    draft: &mut Draft,
) -> Option<NodeId> {
    let mut attributes = |written: &WrittenAttributes| {
        let owner = accounts.owner(written.owner.as_ref(), &mut draft.errors);
        let mode = written.mode.as_ref().map(|mode| mode.value);
        Attributes { mode, uid: owner.0, gid: owner.1 }
    };
    // A place in a source is found by searching; one in the project is where it is.
    let searched = |from: &From| match from {
        From::Source(_) => vec![search],
        From::Project(_) => Vec::new(),
    };
    let (kind, inputs, span) = match statement {
        Statement::Binary(binary) => {
            let attributes = attributes(&binary.attributes);
            let from = binary.from.value.clone();
            (
                NodeKind::Binary(Binary { from, to: destination(binary), attributes }),
                vec![search],
                binary.span,
            )
        }
        Statement::Library(library) => {
            let name = library.name.value.clone();
            (NodeKind::Library(Library { name }), vec![search], library.span)
        }
        Statement::File(file) => {
            let from = origin(file.from.as_ref(), &file.path);
            let inputs = searched(&from);
            let to = file.path.value.clone();
            let attributes = attributes(&file.attributes);
            (NodeKind::File(File { from, to, attributes }), inputs, file.span)
        }
        Statement::Text(text) => {
            let path = text.path.value.clone();
            let attributes = attributes(&text.attributes);
            let kind = NodeKind::Text(Text { path, text: text.text.clone(), attributes });
            (kind, Vec::new(), text.span)
        }
        Statement::Tree(tree) => {
            let from = origin(tree.from.as_ref(), &tree.path);
            let inputs = searched(&from);
            let to = tree.path.value.clone();
            let exclude = tree.exclude.iter().map(|pattern| pattern.value.clone()).collect();
            let attributes = attributes(&tree.attributes);
            (NodeKind::Tree(Tree { from, to, exclude, attributes }), inputs, tree.span)
        }
        Statement::Directory(directory) => {
            let path = directory.path.value.clone();
            let attributes = attributes(&directory.attributes);
            (NodeKind::Directory(Directory { path, attributes }), Vec::new(), directory.span)
        }
        Statement::Symlink(link) => {
            let (uid, gid) = accounts.owner(link.owner.as_ref(), &mut draft.errors);
            let path = link.path.value.clone();
            let target = link.target.value.clone();
            (NodeKind::Symlink(Symlink { path, target, uid, gid }), Vec::new(), link.span)
        }
        Statement::Capability(capability) => {
            let path = capability.path.value.clone();
            let capabilities = capability.capabilities.value;
            let kind = NodeKind::Capability(Capability { path, capabilities });
            (kind, Vec::new(), capability.span)
        }
        Statement::Needs(need) => {
            let facility = match &need.value {
                WrittenFacility::Dns => Facility::Dns,
                WrittenFacility::Tls => Facility::Tls,
                WrittenFacility::TimeZones(zone) => Facility::TimeZones(zone.clone()),
                WrittenFacility::Locale(locale) => Facility::Locale(locale.clone()),
                WrittenFacility::Charsets => Facility::Charsets,
                WrittenFacility::Terminfo => Facility::Terminfo,
                WrittenFacility::OsRelease => Facility::OsRelease,
                WrittenFacility::Packages => Facility::Packages,
                WrittenFacility::Tmp => {
                    let kind = NodeKind::Directory(temporary_files());
                    return Some(draft.add(kind, Vec::new(), need.span));
                }
                // The files of users are made of all that the recipe says about them.
                WrittenFacility::Users => return None,
            };
            (NodeKind::Facility(facility), vec![search], need.span)
        }
        Statement::Name(_)
        | Statement::Platform(_)
        | Statement::Source(_)
        | Statement::Layer(_)
        | Statement::Variant(_)
        | Statement::User(_)
        | Statement::Group(_)
        | Statement::Env(_)
        | Statement::Workdir(_)
        | Statement::Entrypoint(_)
        | Statement::Command(_)
        | Statement::Expose(_)
        | Statement::Volume(_)
        | Statement::StopSignal(_)
        | Statement::Label(_)
        | Statement::Annotation(_)
        | Statement::Created(_)
        | Statement::Compression(_)
        | Statement::Allow(_) => return None,
    };
    Some(draft.add(kind, inputs, span))
}

/// Returns `/tmp` as every system has it: all may write there, and nobody may remove what is not
/// his (hier(7)).
fn temporary_files() -> Directory {
    let path = ImagePath::parse(b"/tmp").expect("a fixed path is normal");
    let mode = Mode::new(0o1777).expect("a fixed mode is one");
    Directory { path, attributes: Attributes { mode: Some(mode), ..Attributes::ROOT } }
}

/// Returns where the only binary of a recipe stands in the image; nothing if there are several.
pub(super) fn only_binary(recipe: &Recipe) -> Option<(ImagePath, Span)> {
    let inner = recipe.statements.iter().flat_map(|statement| match statement {
        Statement::Layer(layer) => layer.statements.as_slice(),
        other => std::slice::from_ref(other),
    });
    let mut binaries = inner.filter_map(|statement| match statement {
        Statement::Binary(binary) => Some((destination(binary), binary.span)),
        _ => None,
    });
    let first = binaries.next()?;
    binaries.all(|(path, _)| path == first.0).then_some(first)
}

/// Returns where a binary stands in the image: where the recipe says, else where it stands in its
/// source, else, for a program of the project, in `/usr/bin`.
fn destination(binary: &WrittenBinary) -> ImagePath {
    if let Some(to) = &binary.to {
        return to.value.clone();
    }
    match &binary.from.value {
        From::Source(path) => path.clone(),
        From::Project(path) => ImagePath::parse(b"/usr/bin")
            .and_then(|directory| directory.join(path.file_name().as_bytes()))
            .expect("the parser refuses a binary whose path has no usable file name"),
    }
}

fn origin(from: Option<&Spanned<From>>, path: &Spanned<ImagePath>) -> From {
    from.map_or_else(|| From::Source(path.value.clone()), |from| from.value.clone())
}
