//! `wayfarer change`: record, list, show.

use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Map, Value, json};

use super::{
    Context, Exit, Failed,
    args::{ListArguments, RecordArguments, ShowArguments},
    place::Log,
    say,
};

/// Logs a change and says what it touches.
pub(super) async fn record(arguments: &RecordArguments, context: &Context) -> Result<Exit, Failed> {
    let log = Log::open_to_write(&arguments.place, context)?;
    let answer = log.record(&body(arguments), context).await?;
    if arguments.place.json {
        say(&format!("{answer:#}\n"))?;
        return Ok(Exit::Good);
    }
    say(&format!("{}\n", text(&answer["change"]["id"])))?;
    let journeys = texts(&answer["journeys"]);
    if !journeys.is_empty() {
        say(&format!("watched: {}\n", journeys.join(", ")))?;
    }
    for note in texts(&answer["notes"]) {
        say(&format!("note: {note}\n"))?;
    }
    Ok(Exit::Good)
}

/// The arguments as the API's JSON: one reader of changes for both ways in.
fn body(arguments: &RecordArguments) -> Value {
    let mut fields = Map::new();
    let mut set = |name: &str, value: &Option<String>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), json!(value));
        }
    };
    set("id", &arguments.id);
    set("version", &arguments.version);
    set("previous_version", &arguments.previous_version);
    set("build", &arguments.build);
    set("author", &arguments.author);
    set("release", &arguments.release);
    set("title", &arguments.title);
    set("url", &arguments.link);
    set("state", &arguments.state);
    set("started_at", &arguments.started_at);
    set("finished_at", &arguments.finished_at);
    fields.insert("kind".into(), json!(arguments.kind));
    fields.insert("services".into(), json!(arguments.services));
    fields.insert("environments".into(), json!(arguments.environments));
    fields.insert("commits".into(), json!(arguments.commits));
    if arguments.planned {
        fields.insert("planned".into(), json!(true));
    }
    let labels: Map<String, Value> =
        arguments.labels.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
    fields.insert("labels".into(), Value::Object(labels));
    Value::Object(fields)
}

/// The newest changes as a table.
pub(super) async fn list(arguments: &ListArguments, context: &Context) -> Result<Exit, Failed> {
    let log = Log::open(&arguments.place, context)?;
    let answer = log
        .list(arguments.service.as_deref(), arguments.environment.as_deref(), arguments.limit)
        .await?;
    if arguments.place.json {
        say(&format!("{answer:#}\n"))?;
        return Ok(Exit::Good);
    }
    let rows = answer["changes"].as_array().cloned().unwrap_or_default();
    if rows.is_empty() {
        say("no change is logged\n")?;
        return Ok(Exit::Good);
    }
    let mut table = table(context, &["started", "id", "kind", "services", "version", "verdict"]);
    for row in rows {
        let change = &row["change"];
        let verdict = row["verdict"].as_str().unwrap_or("not watched");
        let started = text(&change["started_at"]);
        table.add_row([
            started.get(..19).unwrap_or(&started).replace('T', " "),
            text(&change["id"]),
            text(&change["kind"]),
            texts(&change["services"]).join(", "),
            text(&change["version"]),
            verdict.to_owned(),
        ]);
    }
    say(&format!("{table}\n"))?;
    Ok(Exit::Good)
}

/// One change with its verdicts.
pub(super) async fn show(arguments: &ShowArguments, context: &Context) -> Result<Exit, Failed> {
    let log = Log::open(&arguments.place, context)?;
    let answer = log.judged(&arguments.id, Duration::ZERO, context).await?;
    if arguments.place.json {
        say(&format!("{answer:#}\n"))?;
    } else {
        say(&judged(&answer, context))?;
    }
    Ok(Exit::Good)
}

/// A judged change for a terminal.
pub(super) fn judged(answer: &Value, context: &Context) -> String {
    let change = &answer["change"];
    let mut what = texts(&change["services"]).join(", ");
    if what.is_empty() {
        "the whole environment".clone_into(&mut what);
    }
    let version = text(&change["version"]);
    let mut out = format!(
        "{} of {what}{}{version}, started {}\n",
        text(&change["kind"]),
        if version.is_empty() { "" } else { " " },
        text(&change["started_at"]),
    );
    let open = if answer["open"] == json!(true) { ", still being watched" } else { "" };
    out += &format!(
        "verdict: {}{open}\ngate: {}: {}\n",
        answer["verdict"].as_str().unwrap_or("not watched"),
        text(&answer["gate"]["status"]),
        text(&answer["gate"]["reason"]),
    );
    let verdicts = answer["verdicts"].as_array().cloned().unwrap_or_default();
    if !verdicts.is_empty() {
        let mut table = table(context, &["journey", "environment", "metric", "verdict", "why"]);
        for verdict in verdicts {
            table.add_row(
                ["journey", "environment", "metric", "verdict", "summary"]
                    .map(|key| text(&verdict[key])),
            );
        }
        out += &format!("{table}\n");
    }
    out
}

/// A table as wide as the terminal.
fn table(context: &Context, header: &[&str]) -> Table {
    let mut table = Table::new();
    let width = u16::try_from(context.width).unwrap_or(80);
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .set_header(header.to_vec());
    table
}

/// A value as text, without what would move the cursor.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().map(|items| items.iter().map(text).collect()).unwrap_or_default()
}
