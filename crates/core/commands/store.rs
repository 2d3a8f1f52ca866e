//! `imgc store`: what is in the store, whether it is sound, and what can go.

use imgc_writer::{Amount, Store};

use crate::args::store::{CollectArguments, RepairArguments, StatArguments};
use crate::args::store::{StoreArguments, StoreCommand};
use crate::commands::{Failure, Outcome};
use crate::error::ProgramError;
use crate::quantity::{count, size};
use crate::receipt;
use crate::report::Report;
use crate::session::Session;

/// Does what was asked for.
pub(crate) fn run(arguments: &StoreArguments, session: &mut Session) -> Result<Outcome, Failure> {
    let Some(path) = session.store_place.path() else { return Err(ProgramError::NoStore.into()) };
    let path = session.absolute(path);
    let Some(store) = Store::open_existing(&path)? else {
        if !matches!(&arguments.command, StoreCommand::Stat(StatArguments { json: true })) {
            session.talk.say(format!("{}: there is no store", path.display()));
            return Ok(Outcome::Done);
        }
        session.output.line("null")?;
        return Ok(Outcome::Done);
    };
    match &arguments.command {
        StoreCommand::Stat(arguments) => stat(arguments, &store, session),
        StoreCommand::Verify(arguments) => verify(arguments, &store, session),
        StoreCommand::Gc(arguments) => collect(arguments, &store, session),
    }
}

fn stat(
    arguments: &StatArguments,
    store: &Store,
    session: &mut Session,
) -> Result<Outcome, Failure> {
    let amounts = store.amounts()?;
    let parts = [
        ("blobs", amounts.blobs),
        ("shared", amounts.shared),
        ("layers", amounts.layers),
        ("receipts", amounts.receipts),
        ("memory", amounts.memory),
        ("left over", amounts.left_over),
        ("total", amounts.total()),
    ];
    if arguments.json {
        let value =
            |amount: Amount| serde_json::json!({"files": amount.files, "bytes": amount.bytes});
        let mut object: serde_json::Map<_, _> = parts
            .map(|(name, amount)| (name.replace(' ', "_"), value(amount)))
            .into_iter()
            .collect();
        object.insert("path".into(), store.path().display().to_string().into());
        session.output.line(serde_json::Value::Object(object).to_string())?;
        return Ok(Outcome::Done);
    }
    session.output.line(store.path().display().to_string())?;
    for (name, amount) in parts {
        let files = count(usize::try_from(amount.files).unwrap_or(usize::MAX), "file");
        let remark = if name == "shared" { " of these blobs are an output's, too" } else { "" };
        session.output.line(format!("  {name:<10} {files:>12}  {}{remark}", size(amount.bytes)))?;
    }
    Ok(Outcome::Done)
}

fn verify(
    arguments: &RepairArguments,
    store: &Store,
    session: &mut Session,
) -> Result<Outcome, Failure> {
    let damaged = store.verify()?;
    if arguments.repair {
        store.repair(&damaged)?;
        for error in &damaged {
            session.talk.say(format!("removed: {error}"));
        }
    } else if !damaged.is_empty() {
        return Err(Failure(damaged.iter().map(|error| Report::new(error)).collect()));
    }
    let total = store.amounts()?.total();
    let files = count(usize::try_from(total.files).unwrap_or(usize::MAX), "file");
    session.talk.say(format!("{}: {files}, {}: sound", store.path().display(), size(total.bytes)));
    Ok(Outcome::Done)
}

fn collect(
    arguments: &CollectArguments,
    store: &Store,
    session: &mut Session,
) -> Result<Outcome, Failure> {
    let oldest = arguments.keep_days.map(|days| session.days_ago(days));
    let receipts = store.receipts()?;
    let is_used = |used: i64| oldest.is_none_or(|oldest| used >= oldest);
    let roots = receipts.iter().filter(|receipt| is_used(receipt.used)).filter_map(receipt::root);
    let removed = store.collect(roots.collect(), arguments.keep_size)?;
    let rest = store.amounts()?.total();
    let files = count(usize::try_from(removed.files).unwrap_or(usize::MAX), "file");
    session.talk.say(format!(
        "{}: removed {files}, {}; {} are left",
        store.path().display(),
        size(removed.bytes),
        size(rest.bytes)
    ));
    Ok(Outcome::Done)
}
