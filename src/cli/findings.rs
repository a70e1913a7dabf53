//! `wayfarer findings`: what was found, taken on and dismissed.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{
    Context, Exit, Failed,
    args::Place,
    change::text,
    place::{Log, encoded},
    say,
};
use crate::{model::FindingState, store::FindingFilter, web::views::FindingView};

/// `wayfarer findings`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
  wayfarer findings                                   what is open\n\
  wayfarer findings ack fnd-0198… --why 'on it' --url http://127.0.0.1:9464\n\
  wayfarer findings dismiss fnd-0198… --reason accepted --why 'the new page is heavier, and meant so'\n\n\
Lists from an agent or its data file; to take on or dismiss asks an agent (--url or WAYFARER_URL), which wants an admin token.")]
pub(super) struct FindingsArguments {
    /// What to do with one of them
    #[command(subcommand)]
    verb: Option<FindingsVerb>,
    /// open, recovered, explained, dismissed, or all
    #[arg(long, default_value = "open")]
    state: String,
    /// Of this change
    #[arg(long, value_name = "ID")]
    change: Option<String>,
    /// Most rows
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Where to look
    #[command(flatten)]
    place: Place,
}

/// What may be said of a finding.
#[derive(Debug, Subcommand)]
enum FindingsVerb {
    /// Somebody has taken it on: nobody is told again until something is new
    #[command(visible_alias = "acknowledge")]
    Ack(AckArguments),
    /// It is nothing: it fails no gate any more
    Dismiss(DismissArguments),
}

#[derive(Debug, Args)]
struct AckArguments {
    /// Its id; or, with --change, all that is open of a change
    #[arg(required_unless_present = "change", conflicts_with = "change")]
    id: Option<String>,
    /// All that is open of this change
    #[arg(long, value_name = "ID")]
    change: Option<String>,
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, Args)]
struct DismissArguments {
    /// Its id
    id: String,
    /// Whether the verdict was wrong, or right and meant so
    #[arg(long, value_enum)]
    reason: Reason,
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Reason {
    /// Nothing got worse; it counts against the budget of false verdicts
    FalseAlarm,
    /// It is true and meant so
    Accepted,
}

#[derive(Debug, Args)]
struct Said {
    /// Who says it; by default the user who calls this
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// In your words
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    /// Which agent
    #[command(flatten)]
    place: Place,
}

/// Lists findings, or says something of one.
pub(super) async fn run(arguments: &FindingsArguments, context: &Context) -> Result<Exit, Failed> {
    match &arguments.verb {
        None => list(arguments, context).await,
        Some(FindingsVerb::Ack(ack)) => {
            let path = match (&ack.id, &ack.change) {
                (Some(id), _) => format!("api/v1/findings/{}/acknowledge", encoded(id)),
                (None, change) => {
                    let change = change.as_deref().unwrap_or_default();
                    format!("api/v1/changes/{}/acknowledge", encoded(change))
                }
            };
            let answer = ask(&path, json!({}), &ack.said, context).await?;
            let rows = answer["findings"].as_array().cloned().unwrap_or_default();
            told(&answer, &rows, "is taken on", &ack.said)
        }
        Some(FindingsVerb::Dismiss(dismiss)) => {
            let path = format!("api/v1/findings/{}/dismiss", encoded(&dismiss.id));
            let reason = match dismiss.reason {
                Reason::FalseAlarm => "false_alarm",
                Reason::Accepted => "accepted",
            };
            let answer = ask(&path, json!({ "reason": reason }), &dismiss.said, context).await?;
            let rows = vec![answer["finding"].clone()];
            told(&answer, &rows, "is dismissed", &dismiss.said)
        }
    }
}

/// Asks an agent: what people say belongs to what it knows, so it is not written behind its back.
async fn ask(path: &str, mut body: Value, said: &Said, context: &Context) -> Result<Value, Failed> {
    let Log::Agent(agent) = Log::open(&said.place, context)? else {
        let message = "a finding is taken on or dismissed through its agent: say --url http://HOST:PORT, or set WAYFARER_URL";
        return Err(Failed::new(Exit::Usage, message));
    };
    let user = || context.variables.get("USER").filter(|name| !name.is_empty()).cloned();
    if let Some(by) = said.by.clone().or_else(user) {
        body["by"] = json!(by);
    }
    if let Some(why) = &said.why {
        body["note"] = json!(why);
    }
    Ok(agent.post(path, body.to_string().into_bytes()).await?)
}

fn told(answer: &Value, rows: &[Value], done: &str, said: &Said) -> Result<Exit, Failed> {
    if said.place.json {
        say(&format!("{answer:#}\n"))?;
        return Ok(Exit::Good);
    }
    for row in rows {
        let state = row["state"].as_str().unwrap_or_default();
        let done = if done.ends_with("on") && state != "open" {
            format!("is {state} already")
        } else {
            done.to_owned()
        };
        say(&format!("{} {done}: {}\n", text(&row["id"]), text(&row["summary"])))?;
    }
    Ok(Exit::Good)
}

async fn list(arguments: &FindingsArguments, context: &Context) -> Result<Exit, Failed> {
    let log = Log::open(&arguments.place, context)?;
    let state = (arguments.state != "all").then_some(arguments.state.as_str());
    let answer = log.findings(state, arguments.change.as_deref(), arguments.limit).await?;
    if arguments.place.json {
        say(&format!("{answer:#}\n"))?;
        return Ok(Exit::Good);
    }
    let rows = answer["findings"].as_array().cloned().unwrap_or_default();
    if rows.is_empty() {
        let nothing = if state == Some("open") { "nothing is open\n" } else { "no such finding\n" };
        say(nothing)?;
        return Ok(Exit::Good);
    }
    for row in &rows {
        say(&lines(row))?;
    }
    Ok(Exit::Good)
}

/// What it is, and below it what was found and what people said.
fn lines(row: &Value) -> String {
    let of = |key: &str| text(&row[key]);
    let opened = of("opened_at");
    let opened = opened.get(..16).unwrap_or(&opened).replace('T', " ");
    let (kind, state) = (of("kind"), of("state"));
    let mut out =
        format!("{opened}  {kind:<11} {state:<9} {} in {}\n", of("journey"), of("environment"));
    let mut more = vec![of("id")];
    more.push(of("summary"));
    if !row["change"].is_null() {
        more.push(format!("change {}", of("change")));
    }
    for (key, word) in [("acknowledged", "taken on"), ("dismissal", "dismissed")] {
        let said = &row[key];
        if said.is_null() {
            continue;
        }
        let part = |key: &str, before: &str| match said[key].as_str() {
            Some(_) => format!("{before}{}", text(&said[key])),
            None => String::new(),
        };
        more.push(format!("{word}{}{}", part("by", " by "), part("note", ": ")));
    }
    for line in more {
        out += &format!("                  {line}\n");
    }
    out
}

impl Log {
    /// Findings, newest first.
    async fn findings(
        &self,
        state: Option<&str>,
        change: Option<&str>,
        limit: u32,
    ) -> Result<Value, Failed> {
        match self {
            Self::Agent(agent) => {
                let mut path = format!("api/v1/findings?limit={limit}");
                for (name, value) in [("state", state), ("change", change)] {
                    if let Some(value) = value {
                        path = format!("{path}&{name}={}", encoded(value));
                    }
                }
                Ok(agent.get(&path, Duration::ZERO).await?)
            }
            Self::File(store, _) => {
                let known = |word: &str| FindingState::ALL.iter().find(|s| s.as_str() == word);
                let wanted = state.map(|word| {
                    known(word).copied().ok_or_else(|| {
                        let all: Vec<&str> = FindingState::ALL.iter().map(|s| s.as_str()).collect();
                        let message =
                            format!("--state: `{word}` is none of {}, all", all.join(", "));
                        Failed::new(Exit::Usage, message)
                    })
                });
                let filter = FindingFilter {
                    state: wanted.transpose()?,
                    change: change.map(Into::into),
                    limit: usize::try_from(limit).unwrap_or(50),
                    ..FindingFilter::default()
                };
                let findings = store.findings(filter).await?;
                let findings: Vec<_> = findings.iter().map(FindingView::from).collect();
                Ok(json!({ "findings": findings }))
            }
        }
    }
}
