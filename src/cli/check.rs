//! `wayfarer check`: every fault of every file, in one go.

use serde_json::json;

use super::{Context, Exit, Failed, args::CheckArguments, say};
use crate::{config, source::files};

/// Checks each path; exit 3 if any has a fault.
pub(super) fn run(arguments: &CheckArguments, context: &Context) -> Result<Exit, Failed> {
    let paths = match arguments.paths.as_slice() {
        [] => std::slice::from_ref(&context.config),
        paths => paths,
    };
    let mut faults = Vec::new();
    let mut good = true;
    for path in paths {
        let found = match files::find(path) {
            Ok(found) => found,
            Err(e) => {
                good = false;
                if arguments.json {
                    faults.push(json!({ "path": path, "message": e.to_string() }));
                } else {
                    say(&format!("{e}\n"))?;
                }
                continue;
            }
        };
        match config::load(&found.main, &found.journeys) {
            Ok(config) if !arguments.json => {
                let (journeys, environments) =
                    (config.journeys.len(), config.settings.environments.len());
                say(&format!(
                    "{}: good, {journeys} {}, {environments} {}\n",
                    found.main.path,
                    plural(journeys, "journey"),
                    plural(environments, "environment"),
                ))?;
            }
            Ok(_) => {}
            Err(found) => {
                good = false;
                if arguments.json {
                    faults.extend(found.iter().map(|fault| json!(fault)));
                } else {
                    say(&found.render(context.colour, context.width))?;
                }
            }
        }
    }
    if arguments.json {
        say(&format!("{:#}\n", json!({ "good": good, "faults": faults })))?;
    }
    Ok(if good { Exit::Good } else { Exit::Config })
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}
