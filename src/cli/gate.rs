//! `wayfarer gate`: may this change go on, may something be deployed? Exits 0, 5 or 6.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Context, Exit, Failed,
    args::{GateArguments, OnInconclusive},
    change,
    place::{Log, POLL, encoded},
    say,
};
use crate::{
    daemon::{Intent, answered, before, look_up},
    model::{ChangeId, ChangeKind, EnvironmentName, GateStatus, Obstacle},
    source::agent::AgentError,
    web::{gate::GateDocument, views::JudgedView},
};

/// Waits for the answer and prints it.
pub(super) async fn run(arguments: &GateArguments, context: &Context) -> Result<Exit, Failed> {
    let log = Log::open(&arguments.place, context)?;
    let answer = if arguments.before {
        log.before(arguments, context).await?
    } else {
        let id = which(&log, arguments).await?;
        log.gate(&id, arguments.wait, context).await?
    };
    if arguments.place.json {
        say(&format!("{answer:#}\n"))?;
    } else if arguments.before {
        say(&outlook(&answer))?;
    } else {
        say(&change::judged(&answer, context))?;
    }
    let status = answer["status"].as_str().unwrap_or_default();
    Ok(match (status, arguments.on_inconclusive) {
        ("pass", _) => Exit::Good,
        ("fail", _) => Exit::Harmful,
        (_, None) => Exit::NoVerdict,
        (_, Some(OnInconclusive::Pass)) => Exit::Good,
        (_, Some(OnInconclusive::Fail)) => Exit::Harmful,
    })
}

/// The change that is meant: the one named, or the newest of a service.
async fn which(log: &Log, arguments: &GateArguments) -> Result<String, Failed> {
    if let Some(id) = &arguments.id {
        return Ok(id.clone());
    }
    let (service, environment) = (arguments.service.as_deref(), arguments.environment.as_deref());
    if service.is_none() && environment.is_none() {
        let message = "say which change is meant: its ID, or --service and --env for the newest one, or --before";
        return Err(Failed::new(Exit::Usage, message));
    }
    let newest = log.list(service, environment, 1, false).await?;
    let id = newest["changes"][0]["change"]["id"].as_str().map(str::to_owned);
    id.ok_or_else(|| Failed::new(Exit::NoVerdict, "no such change was logged"))
}

/// The answer before a deployment, for a terminal.
fn outlook(answer: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut out = format!("gate: {}: {}\n", text(&answer["status"]), text(&answer["reason"]));
    for row in answer["journeys"].as_array().into_iter().flatten() {
        let open = row["findings"].as_array().map_or(0, Vec::len);
        let budget = match &row["budget"] {
            Value::Null => String::new(),
            budget => match budget["spent"].as_f64() {
                Some(spent) => format!(", error budget spent to {:.0}%", spent * 100.0),
                None => ", error budget spent".to_owned(),
            },
        };
        let findings = match open {
            0 => "no finding".to_owned(),
            1 => "1 finding open".to_owned(),
            n => format!("{n} findings open"),
        };
        out += &format!("  {}: {findings}{budget}\n", text(&row["journey"]));
    }
    out
}

impl Log {
    /// The gate document of a change, with its verdicts; waits up to `wait` while it is pending.
    async fn gate(&self, id: &str, wait: Duration, context: &Context) -> Result<Value, Failed> {
        let unknown = || Failed::new(Exit::NoVerdict, format!("no change has the id `{id}`"));
        let until = context.clock.instant() + wait;
        match self {
            Self::Agent(agent) => {
                let path =
                    format!("api/v1/gate?change={}&wait={}ms", encoded(id), wait.as_millis());
                let document = loop {
                    // An agent that is restarted is worth waiting for.
                    match agent.get(&path, wait).await {
                        Err(AgentError::Unreachable { .. }) if context.clock.instant() < until => {
                            tokio::time::sleep(POLL).await;
                        }
                        answer => break answer?,
                    }
                };
                if document["change"].is_null() {
                    return Err(unknown());
                }
                let path = format!("api/v1/changes/{}/verdict", encoded(id));
                Ok(laid_over(agent.get(&path, Duration::ZERO).await?, document))
            }
            Self::File(store, setup) => loop {
                let judged = look_up(store, &ChangeId::from(id)).await?.ok_or_else(unknown)?;
                let pending = judged.gate.status == GateStatus::Pending;
                if !pending || context.clock.instant() >= until {
                    let by = context.variables.get("USER").cloned();
                    let kept = answered(&judged, by, "wayfarer", context.clock.now());
                    // Its reader wants the answer, whatever becomes of the record of it.
                    drop(store.gate_answered(kept));
                    let settings = setup.as_ref().map(|setup| &setup.settings);
                    let least =
                        settings.map_or_else(Default::default, |s| s.watch.clone()).min_runs;
                    let base = settings.and_then(|s| s.agent.public_url.as_deref());
                    let document = GateDocument::of(&judged, least, context.clock.now(), base);
                    return Ok(laid_over(json!(JudgedView::from(&judged)), json!(document)));
                }
                tokio::time::sleep(POLL).await;
            },
        }
    }

    /// The gate document before a deployment.
    async fn before(&self, asked: &GateArguments, context: &Context) -> Result<Value, Failed> {
        match self {
            Self::Agent(agent) => {
                let mut path = "api/v1/gate?before=true".to_owned();
                let ignored = asked.ignore.join(",");
                for (name, value) in [
                    ("service", asked.service.as_deref()),
                    ("environment", asked.environment.as_deref()),
                    ("kind", asked.kind.as_deref()),
                    ("ignore", Some(ignored.as_str()).filter(|words| !words.is_empty())),
                ] {
                    if let Some(value) = value {
                        path = format!("{path}&{name}={}", encoded(value));
                    }
                }
                Ok(agent.get(&path, Duration::ZERO).await?)
            }
            Self::File(_, None) => Err(Failed::new(
                Exit::Usage,
                "before a deployment the settings are needed, too: say --config or --url instead of --data",
            )),
            Self::File(store, Some(setup)) => {
                let usage = |message: String| Failed::new(Exit::Usage, message);
                let known: Vec<&EnvironmentName> = setup.environments.keys().collect();
                let environment = match (&asked.environment, known.as_slice()) {
                    (Some(name), known) => known.iter().find(|k| k.as_str() == name).copied(),
                    (None, [only]) => Some(*only),
                    (None, _) => None,
                };
                let names = || known.iter().map(|k| k.as_str()).collect::<Vec<_>>().join(", ");
                let environment =
                    environment.ok_or_else(|| usage(format!("say --env, one of: {}", names())))?;
                let word = |word: &String| {
                    Obstacle::ALL.iter().copied().find(|o| o.as_str() == word).ok_or_else(|| {
                        usage(format!("--ignore {word}: one of freeze, finding, budget"))
                    })
                };
                let kind = asked.kind.as_deref().unwrap_or("deploy").parse::<ChangeKind>();
                let intent = Intent {
                    service: asked.service.as_deref().map(Into::into),
                    environment: environment.clone(),
                    kind: kind.map_err(usage)?,
                    ignored: asked.ignore.iter().map(word).collect::<Result<_, _>>()?,
                };
                let now = context.clock.now();
                let found = before(store, setup, intent, now).await?;
                let base = setup.settings.agent.public_url.as_deref();
                Ok(json!(GateDocument::before(&found, now, base)))
            }
        }
    }
}

/// The fields of the document beside those of the judged change.
fn laid_over(judged: Value, document: Value) -> Value {
    let (Value::Object(mut all), Value::Object(document)) = (judged, document) else {
        return Value::Null;
    };
    all.extend(document);
    Value::Object(all)
}
