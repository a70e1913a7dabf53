//! `wayfarer check`: every fault of every file, in one go.

use std::path::Path;

use serde_json::{Value, json};

use super::{Context, Exit, Failed, args::CheckArguments, say};
use crate::{
    config,
    source::{
        attached::Beside,
        files::{self, SourceError},
    },
};

/// Checks each path; exit 3 if any has a fault.
pub(super) fn run(arguments: &CheckArguments, context: &Context) -> Result<Exit, Failed> {
    let paths = match arguments.paths.as_slice() {
        [] => std::slice::from_ref(&context.config),
        paths => paths,
    };
    let mut faults = Vec::new();
    let mut warnings = Vec::new();
    let mut good = true;
    for path in paths {
        let (found, unreadable) = match files::survey(path) {
            Ok(survey) => survey,
            Err(e) => {
                good = false;
                unread(&mut faults, arguments, path, &e)?;
                continue;
            }
        };
        for e in &unreadable {
            good = false;
            unread(&mut faults, arguments, path, e)?;
        }
        match config::load_with(&found.main, &found.journeys, &Beside) {
            Ok(config) if arguments.json => {
                warnings.extend(config.settings.warnings());
                warnings.extend(found.overlooked);
            }
            Ok(config) if unreadable.is_empty() => {
                let (journeys, environments) =
                    (config.journeys.len(), config.settings.environments.len());
                say(&format!(
                    "{}: good, {journeys} {}, {environments} {}\n",
                    found.main.path,
                    plural(journeys, "journey"),
                    plural(environments, "environment"),
                ))?;
                for warning in config.settings.warnings().into_iter().chain(found.overlooked) {
                    say(&format!("warning: {warning}\n"))?;
                }
            }
            Ok(_) => {}
            Err(noted) => {
                good = false;
                if arguments.json {
                    faults.extend(noted.iter().map(|fault| json!(fault)));
                    warnings.extend(found.overlooked);
                } else {
                    say(&noted.render(context.colour, context.width))?;
                    for warning in found.overlooked {
                        say(&format!("warning: {warning}\n"))?;
                    }
                }
            }
        }
    }
    if arguments.json {
        say(&format!("{:#}\n", json!({ "good": good, "faults": faults, "warnings": warnings })))?;
    }
    Ok(if good { Exit::Good } else { Exit::Config })
}

/// A file that cannot be read is one fault among the others.
fn unread(
    faults: &mut Vec<Value>,
    arguments: &CheckArguments,
    path: &Path,
    e: &SourceError,
) -> Result<(), Failed> {
    if arguments.json {
        faults.push(json!({ "path": path, "message": e.to_string() }));
        return Ok(());
    }
    say(&format!("{e}\n\n"))
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}
