//! `wayfarer rollback`: has a change undone.

use serde_json::{Value, json};

use super::{
    Context, Exit, Failed,
    args::RollbackArguments,
    place::{Log, encoded},
    say,
};
use crate::{
    daemon::{HandleError, RollbackAsk, roll_back},
    model::ChangeId,
    web::views::RollbackView,
};

/// Orders it, or shows what was ordered.
pub(super) async fn run(arguments: &RollbackArguments, context: &Context) -> Result<Exit, Failed> {
    let log = Log::open(&arguments.place, context)?;
    let answer = log.roll_back(arguments, context).await?;
    if arguments.place.json {
        say(&format!("{answer:#}\n"))?;
        return Ok(Exit::Good);
    }
    let rows = answer["rollbacks"].as_array().cloned().unwrap_or_default();
    if rows.is_empty() {
        say("nothing was ordered\n")?;
    }
    for row in rows {
        say(&format!("{}\n", sentence(&row, arguments.dry_run)))?;
    }
    Ok(Exit::Good)
}

fn sentence(row: &Value, dry_run: bool) -> String {
    let text = |key: &str| -> String {
        let text = row[key].as_str().unwrap_or_default();
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    };
    let (hook, change) = (text("hook"), text("change"));
    let state = match (text("state").as_str(), row["new"].as_bool()) {
        _ if dry_run => "would be fired",
        ("dry_run", _) => "is not fired: mode = \"dry-run\"",
        ("ordered", Some(true)) => "is ordered; the agent fires it now",
        ("ordered", _) => "was ordered before and is under way",
        ("done", _) => "was done",
        ("failed", _) => "failed: nothing was undone",
        _ => "was fired, and what came of it is not known; it is never fired again",
    };
    let error = match text("error") {
        error if error.is_empty() => String::new(),
        error => format!(" ({error})"),
    };
    format!("rollback of {change} by {hook} {state}{error}")
}

impl Log {
    async fn roll_back(
        &self,
        asked: &RollbackArguments,
        context: &Context,
    ) -> Result<Value, Failed> {
        match self {
            Self::Agent(agent) => {
                let path = format!("api/v1/changes/{}/rollback", encoded(&asked.id));
                if asked.status {
                    return Ok(agent.get(&path, std::time::Duration::ZERO).await?);
                }
                let body = json!({ "reason": asked.reason, "force": asked.force, "dry_run": asked.dry_run });
                Ok(agent.post(&path, body.to_string().into_bytes()).await?)
            }
            Self::File(store, _) if asked.status => {
                let records = store.rollbacks(&ChangeId::from(asked.id.as_str())).await?;
                let rollbacks: Vec<_> = records.iter().map(RollbackView::from).collect();
                Ok(json!({ "rollbacks": rollbacks }))
            }
            Self::File(_, None) => Err(Failed::new(
                Exit::Usage,
                "a rollback needs the settings, too: say --config or --url instead of --data",
            )),
            Self::File(store, Some(setup)) => {
                let ask = RollbackAsk {
                    by: context.variables.get("USER").cloned(),
                    reason: asked.reason.clone(),
                    force: asked.force,
                    dry_run: asked.dry_run,
                };
                let id = ChangeId::from(asked.id.as_str());
                let answers = roll_back(store, setup, &id, ask, context.clock.now()).await;
                let answers = answers.map_err(|e| match e {
                    HandleError::Store(e) => e.into(),
                    HandleError::UnknownChange(_) => Failed::new(Exit::NoVerdict, e),
                    e => Failed::new(Exit::Usage, e),
                })?;
                let rows: Vec<Value> = answers
                    .iter()
                    .map(|answer| {
                        let mut row = json!(RollbackView::from(&answer.record));
                        row["new"] = json!(answer.new);
                        row
                    })
                    .collect();
                Ok(json!({ "rollbacks": rows }))
            }
        }
    }
}
