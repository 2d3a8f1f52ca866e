//! `imgc verify`: reads an image back and checks that it is sound.

use imgc_parser::Printable;
use imgc_writer::inspect::inspect;

use crate::args::VerifyArguments;
use crate::commands::diff::{difference, lines};
use crate::commands::{Failure, Outcome};
use crate::comparison::Strictness;
use crate::report::Report;
use crate::session::Session;
use crate::subject::Subject;
use crate::verification::VerifyError;

/// Prints a line for each image; reports every rule that is broken.
pub(crate) fn run(arguments: &VerifyArguments, session: &mut Session) -> Result<Outcome, Failure> {
    let path = session.absolute(&arguments.image);
    let inspection = inspect(&path)?;
    let shown = Printable::new(arguments.image.as_os_str().as_encoded_bytes()).to_string();
    let report = |error: &VerifyError| Report::new(error).in_file(&shown);
    let mut reports: Vec<Report> =
        inspection.findings.iter().map(|finding| report(&VerifyError::new(finding))).collect();
    if let Some(recipe) = &arguments.recipe {
        let image = Subject::open(&arguments.image, session)?;
        let made = Subject::open(recipe, session)?;
        let comparison = difference(&image, &made, Strictness::Strict)?;
        if !comparison.differences.is_empty() {
            let first = lines(&comparison).into_iter().take(2).map(|line| line.trim().to_owned());
            reports.push(report(&VerifyError::NotFromRecipe {
                image: shown.clone(),
                recipe: Printable::new(recipe.as_os_str().as_encoded_bytes()).to_string(),
                count: comparison.differences.len(),
                first: first.collect::<Vec<_>>().join(" "),
            }));
        }
    }
    if !reports.is_empty() {
        return Err(reports.into());
    }
    for image in &inspection.images {
        let name = Printable::new(image.name.as_deref().unwrap_or("-")).to_string();
        let platform = Printable::new(&image.platform).to_string();
        session.output.line(format!("{name} {platform} {} is sound", image.manifest))?;
    }
    Ok(Outcome::Done)
}
