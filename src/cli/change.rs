//! `wayfarer change`: record, list, show.

use std::collections::BTreeMap;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Map, Value, json};

use super::{
    Context, Exit, Failed,
    args::{ListArguments, RecordArguments, ShowArguments},
    ci,
    place::Log,
    say,
};

/// As many characters of a commit's first line are told.
const LINE: usize = 300;

/// Logs a change and says what it touches.
pub(super) async fn record(arguments: &RecordArguments, context: &Context) -> Result<Exit, Failed> {
    let log = Log::open_to_write(&arguments.place, context)?;
    let answer = log.record(&body(arguments, context), context).await?;
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
fn body(arguments: &RecordArguments, context: &Context) -> Value {
    let job = if arguments.no_ci { None } else { ci::job(&context.variables) };
    let mut fields = Map::new();
    let mut set = |name: &str, value: &Option<String>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), json!(value));
        }
    };
    let job = job.unwrap_or_default();
    set("version", &job.version);
    set("build", &job.build);
    set("author", &job.author);
    set("url", &job.url);
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
    let environments = match (&arguments.environments[..], job.environment) {
        ([], Some(of_job)) => vec![of_job],
        (said, _) => said.to_vec(),
    };
    let commits = match (&arguments.commits[..], &job.commit) {
        ([], Some(id)) => {
            let line = job.message.as_ref().and_then(|text| text.trim().lines().next());
            let line = line.map(|line| line.chars().take(LINE).collect::<String>());
            let all = [
                ("id", &Some(id.clone())),
                ("message", &line),
                ("author", &job.written_by),
                ("at", &job.written_at),
            ];
            let said = all.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
            vec![json!(said.collect::<BTreeMap<_, _>>())]
        }
        (said, _) => said.iter().map(|id| json!(id)).collect(),
    };
    fields.insert("environments".into(), json!(environments));
    fields.insert("commits".into(), json!(commits));
    if arguments.planned {
        fields.insert("planned".into(), json!(true));
    }
    let ci = (!job.ci.is_empty()).then(|| job.ci.to_owned());
    let of_job = [
        ("branch", job.branch),
        ("pull_request", job.request),
        ("repository", job.repository),
        ("ci", ci),
    ];
    let mut labels: Map<String, Value> = of_job
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), json!(value?))))
        .collect();
    labels.extend(arguments.labels.iter().map(|(k, v)| (k.clone(), json!(v))));
    fields.insert("labels".into(), Value::Object(labels));
    Value::Object(fields)
}

/// The newest changes as a table.
pub(super) async fn list(arguments: &ListArguments, context: &Context) -> Result<Exit, Failed> {
    let log = Log::open(&arguments.place, context)?;
    let answer = log
        .list(
            arguments.service.as_deref(),
            arguments.environment.as_deref(),
            arguments.limit,
            arguments.unplaced,
        )
        .await?;
    if arguments.place.json {
        say(&format!("{answer:#}\n"))?;
        return Ok(Exit::Good);
    }
    let rows = answer["changes"].as_array().cloned().unwrap_or_default();
    if rows.is_empty() {
        let nothing =
            if arguments.unplaced { "every change has its place" } else { "no change is logged" };
        say(&format!("{nothing}\n"))?;
        return Ok(Exit::Good);
    }
    let otherwise = if arguments.unplaced { "unplaced" } else { "not watched" };
    let rows: Vec<[String; 6]> = rows.iter().map(|row| cells(row, otherwise)).collect();
    say(&listed(&rows, context))?;
    Ok(Exit::Good)
}

/// What stands of a change in a list.
fn cells(row: &Value, otherwise: &str) -> [String; 6] {
    let change = &row["change"];
    let started = text(&change["started_at"]);
    let verdict = row["verdict"].as_str().unwrap_or(otherwise);
    [
        started.get(..19).unwrap_or(&started).replace('T', " "),
        text(&change["id"]),
        text(&change["kind"]),
        texts(&change["services"]).join(", "),
        text(&change["version"]),
        verdict.to_owned(),
    ]
}

/// A table where it fits the terminal; else two lines for each change, its id on the second, so that nothing is broken in the middle of a word.
fn listed(rows: &[[String; 6]], context: &Context) -> String {
    let header = ["started", "id", "kind", "services", "version", "verdict"];
    let widest = |n: usize| {
        let cells = rows.iter().map(|row| row[n].chars().count());
        cells.chain([header[n].len()]).max().unwrap_or(0)
    };
    // Two blanks beside each cell.
    let natural: usize = (0..header.len()).map(|n| widest(n) + 2).sum();
    if natural <= context.width {
        let mut table = table(context, &header);
        for row in rows {
            table.add_row(row.clone());
        }
        return format!("{table}\n");
    }
    let (kinds, verdicts) = (widest(2), widest(5));
    let mut out = String::new();
    for [started, id, kind, services, version, verdict] in rows {
        let started = started.get(..16).unwrap_or(started);
        let what = format!("{services} {version}");
        out += &format!("{started}  {kind:<kinds$}  {verdict:<verdicts$}  {}\n", what.trim());
        out += &format!("                  {id}\n");
    }
    out
}

/// One change with its verdicts.
pub(super) async fn show(arguments: &ShowArguments, context: &Context) -> Result<Exit, Failed> {
    let log = Log::open(&arguments.place, context)?;
    let answer = log.shown(&arguments.id, context).await?;
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
    out += &told(answer);
    out += &release(answer);
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

/// Who told of it, where it was not one alone.
fn told(answer: &Value) -> String {
    let mut who: Vec<String> = answer["told"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|voice| format!("{} ({})", text(&voice["source"]), text(&voice["id"])))
        .collect();
    who.sort_unstable();
    who.dedup();
    if who.len() < 2 { String::new() } else { format!("told by: {}\n", who.join(", ")) }
}

/// The release it belongs to, and its share in what that did.
fn release(answer: &Value) -> String {
    let release = &answer["release"];
    let Some(id) = release["release"].as_str() else { return String::new() };
    let verdict = release["verdict"].as_str().unwrap_or("not watched");
    let mut out = format!("release {id}: {verdict}\n");
    for part in release["changes"].as_array().into_iter().flatten() {
        let share = part["share"]
            .as_f64()
            .map_or(String::new(), |share| format!(", share {:.0} %", share * 100.0));
        out += &format!(
            "  {} {}: {}{share}\n",
            text(&part["change"]["id"]),
            texts(&part["change"]["services"]).join(", "),
            part["verdict"].as_str().unwrap_or("not watched"),
        );
    }
    out
}

/// A table as wide as the terminal.
pub(super) fn table(context: &Context, header: &[&str]) -> Table {
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
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().map(|items| items.iter().map(text).collect()).unwrap_or_default()
}
