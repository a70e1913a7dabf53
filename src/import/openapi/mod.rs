//! OpenAPI 3.0 and 3.1 descriptions (<https://spec.openapis.org/oas/v3.1.0>), in JSON or YAML: chosen operations, or every GET whose
//! parameters the description gives values for.

mod document;
mod schema;
mod step;

use serde_json::Value as Json;

use super::{draft::Draft, fault::ImportError, formats::Importer, imported::Options, yaml};
use document::{Document, Operation};

pub(super) const IMPORTER: Importer = Importer { name: "openapi", detects, read };

/// What it is called in messages.
const FORMAT: &str = "an OpenAPI description";

/// Most steps that are made of a description unasked.
const MOST: usize = 20;

fn detects(text: &str, head: &str) -> bool {
    let keys = ["openapi", "swagger"];
    let json = |key: &&str| {
        text.contains(&format!("\"{key}\":")) || text.contains(&format!("\"{key}\" :"))
    };
    if head.starts_with('{') {
        return keys.iter().any(json);
    }
    head.lines().any(|line| {
        keys.iter().any(|key| {
            let line = line.trim_start_matches(['"', '\'']);
            line.strip_prefix(key).is_some_and(|rest| {
                rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':')
            })
        })
    })
}

fn read(text: &str, options: &Options) -> Result<Draft, ImportError> {
    let root = parse(text)?;
    if root.get("swagger").is_some() {
        let reason =
            "it is Swagger 2.0: convert it to OpenAPI 3 first (https://converter.swagger.io)";
        return Err(ImportError::Broken { format: FORMAT, reason: reason.to_owned() });
    }
    let version = root["openapi"].as_str().unwrap_or_default();
    if !version.starts_with("3.") {
        let reason = "its `openapi` is not 3.0 or 3.1".to_owned();
        return Err(ImportError::Broken { format: FORMAT, reason });
    }
    let document = Document::new(root);
    let mut draft = Draft { origin: "an OpenAPI description".to_owned(), ..Draft::default() };
    draft.title = document.root()["info"]["title"].as_str().map(str::to_owned);
    let all = document.operations();
    let chosen = chosen(&all, options)?;
    let asked = !options.operations.is_empty();
    let mut made = 0;
    draft.base = document.server(None);
    for operation in chosen {
        let site = document.server(Some(&operation)).unwrap_or_else(|| "{}".to_owned());
        let mut own = Draft::default();
        let (mut step, unknown) = step::step(&document, &operation, &site, &mut own);
        if site == "{}" {
            step.url.strip_prefix("{}");
            step.url.0.insert(0, super::text::Piece::Name("base_url".to_owned()));
        }
        let why = if operation.said["deprecated"] == Json::Bool(true) && !asked {
            Some("deprecated".to_owned())
        } else if !asked && !unknown.is_empty() {
            Some("needs values that the description does not give: ask for it by name".to_owned())
        } else if !asked && made == MOST {
            Some(format!("more than {MOST} steps: ask for it by name"))
        } else {
            None
        };
        match why {
            Some(why) => draft.left_out(operation.label(), why),
            None => {
                made += 1;
                draft.steps.push(step);
                own.notes.into_iter().for_each(|note| draft.note(note.kind, note.what, note.why));
                for kept in own.vault.kept() {
                    draft.vault.refer(&kept.name, &kept.place);
                }
            }
        }
    }
    if !asked {
        for operation in all.iter().filter(|operation| operation.method != "GET") {
            draft.left_out(operation.label(), "may alter something: ask for it by name");
        }
    }
    draft.share = format!("{made} of {} operations", all.len());
    Ok(draft)
}

fn parse(text: &str) -> Result<Json, ImportError> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| ImportError::json(FORMAT, &error));
    }
    yaml::read(text).map_err(|reason| ImportError::Broken { format: FORMAT, reason })
}

/// The operations that were asked for, in that order; without any, all that only ask.
fn chosen<'d>(all: &[Operation<'d>], options: &Options) -> Result<Vec<Operation<'d>>, ImportError> {
    if options.operations.is_empty() {
        return Ok(all.iter().filter(|operation| operation.method == "GET").copied().collect());
    }
    let find = |wanted: &String| {
        all.iter().find(|operation| operation.is(wanted)).copied().ok_or_else(|| {
            let known: Vec<String> = all.iter().map(Operation::listed).collect();
            let wanted: String = wanted.chars().take(100).collect();
            ImportError::NoOperation { wanted, known: known.join("\n") }
        })
    };
    options.operations.iter().map(find).collect()
}
