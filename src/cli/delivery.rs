//! `wayfarer delivery`: the five figures, failed deployments and pipelines, for a terminal of 80 columns.

use serde_json::Value;

use super::{
    Context, Exit, Failed,
    args::DeliveryArguments,
    change::{table, text},
    place::Log,
    say,
    verdicts::{paragraph, plain},
};
use crate::{
    delivery::{length, words},
    render::words::count,
};

/// Failed deployments and pipelines that are listed.
const LISTED: usize = 20;

/// Prints the figures.
pub(super) async fn run(arguments: &DeliveryArguments, context: &Context) -> Result<Exit, Failed> {
    let log = Log::open(&arguments.place, context)?;
    let asked =
        (arguments.service.as_deref(), arguments.environment.as_deref(), arguments.span.as_str());
    let report = log.delivery(asked, context).await?;
    if arguments.place.json {
        say(&format!("{report:#}\n"))?;
        return Ok(Exit::Good);
    }
    say(&heading(arguments))?;
    say(&figures(&report["all"], context))?;
    say(&failed(&report, context))?;
    say(&pipelines(&report, context))?;
    for note in report["notes"].as_array().into_iter().flatten() {
        say(&format!("\n{}\n", paragraph(context, &text(note))))?;
    }
    Ok(Exit::Good)
}

fn heading(arguments: &DeliveryArguments) -> String {
    let service = arguments.service.as_deref().unwrap_or("all services");
    let place = arguments.environment.as_ref().map(|e| format!(" in {e}")).unwrap_or_default();
    let days = arguments.span.trim_end_matches('d');
    format!("Delivery of {service}{place}, the last {days} days\n\n")
}

/// The figures, each with what it is of and what is missing.
fn figures(all: &Value, context: &Context) -> String {
    let frequency = &all["frequency"];
    let deployed = format!("{:.1} a week", frequency["per_week"].as_f64().unwrap_or_default());
    let whole = |value: &Value| usize::try_from(value.as_u64().unwrap_or(0)).unwrap_or(0);
    let of = format!(
        "{} on {}, {}; {}, {} given up",
        frequency["n"],
        count(whole(&frequency["days"]), "day", "days"),
        text(&frequency["scale"]),
        count(whole(&all["rollbacks"]), "rollback", "rollbacks"),
        all["given_up"]
    );
    let mut rows = vec![("deployment frequency", deployed, of, Vec::new())];
    for (name, key, what) in [
        ("lead time for changes", "lead_time", "commits"),
        ("change failure rate", "failure_rate", "failed"),
        ("failed deployment recovery", "recovery", "failures"),
        ("rework rate", "rework", "were repairs"),
        ("time to detect", "detect", "failures"),
        ("time to react", "react", "failures"),
        ("time to resolve", "resolve", "failures"),
    ] {
        let figure = &all[key];
        let (value, of) = if figure["of"].is_object() {
            share(&figure["of"], what)
        } else if figure["seconds"].is_object() {
            time(&figure["seconds"], what)
        } else {
            let none = figure["missing"].as_array().is_none_or(Vec::is_empty);
            let word = if none { "there were none" } else { "not known of any" };
            ("-".to_owned(), word.to_owned())
        };
        rows.push((name, value, of, gaps(&figure["missing"])));
    }
    let mut table = plain(context);
    for (name, value, of, gaps) in rows {
        let mut told = of;
        for gap in gaps {
            told += &format!("\n{gap}");
        }
        table.add_row([name.to_owned(), value, told]);
    }
    format!("{}\n", table.trim_fmt())
}

fn share(share: &Value, what: &str) -> (String, String) {
    let number = |key: &str| share[key].as_f64().unwrap_or_default();
    let (low, high) = (100.0 * number("low"), 100.0 * number("high"));
    let of =
        format!("{} of {} {what}; 95% interval {low:.0} to {high:.0}%", share["hits"], share["n"]);
    (format!("{:.1}%", 100.0 * number("share")), worth(&of, share))
}

fn time(seconds: &Value, what: &str) -> (String, String) {
    let number = |key: &str| seconds[key].as_f64().unwrap_or_default();
    let of = match seconds["p90"].as_f64() {
        Some(p90) => format!("median of {} {what}; 9 of 10 below {}", seconds["n"], length(p90)),
        None => format!(
            "median of {} {what}; {} to {}",
            seconds["n"],
            length(number("min")),
            length(number("max"))
        ),
    };
    (length(number("p50")), worth(&of, seconds))
}

/// What so few are worth, where that must be said.
fn worth(of: &str, figure: &Value) -> String {
    let n = figure["n"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or_default();
    match words(n) {
        "" => of.to_owned(),
        few => format!("{of} ({few})"),
    }
}

fn gaps(missing: &Value) -> Vec<String> {
    let all = missing.as_array().into_iter().flatten();
    all.map(|gap| format!("{} without: {}", gap["count"], text(&gap["why"]))).collect()
}

fn failed(report: &Value, context: &Context) -> String {
    let all: Vec<&Value> = report["failed"].as_array().into_iter().flatten().collect();
    if all.is_empty() {
        return String::new();
    }
    let mut table = table(context, &["failed deployment", "finished", "by", "recovered"]);
    for one in all.iter().take(LISTED) {
        let failure = &one["fate"]["failed"];
        let why: Vec<String> = failure["why"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|why| text(why).replace('_', " "))
            .collect();
        let seconds = |from: &Value, to: &Value| {
            let time = |v: &Value| v.as_str()?.parse::<jiff::Timestamp>().ok();
            Some(time(to)?.duration_since(time(from)?).as_secs_f64().max(0.0))
        };
        let over = seconds(&one["at"], &failure["recovered_at"]);
        table.add_row([
            format!(
                "{} {} ({})",
                text(&one["service"]),
                text(&one["version"]),
                text(&one["change"])
            ),
            minute(&one["at"]),
            why.join(", "),
            match over {
                Some(seconds) => length(seconds),
                None if failure["unseen_end"] == true => "not seen".to_owned(),
                None => "not yet".to_owned(),
            },
        ]);
    }
    let more = all.len().saturating_sub(LISTED);
    let more = if more > 0 { format!("\n{more} more") } else { String::new() };
    format!("\n{table}{more}\n")
}

fn pipelines(report: &Value, context: &Context) -> String {
    let all: Vec<&Value> = report["pipelines"].as_array().into_iter().flatten().collect();
    if all.is_empty() {
        return "\nno pipeline was told in this span: send its events to /hooks/NAME\n".to_owned();
    }
    let mut table = table(context, &["pipeline", "runs", "success", "median", "wait", "flaky"]);
    let mut troubles = String::new();
    for one in all.iter().take(LISTED) {
        let stats = &one["stats"];
        let seconds = |v: &Value| v["p50"].as_f64().map_or_else(|| "-".to_owned(), length);
        let share = |v: &Value| {
            v["share"].as_f64().map_or_else(|| "-".to_owned(), |s| format!("{:.1}%", 100.0 * s))
        };
        table.add_row([
            text(&one["label"]),
            text(&stats["runs"]),
            share(&stats["success"]),
            seconds(&stats["duration"]),
            seconds(&stats["queue"]["seconds"]),
            share(&stats["flaky"]["of"]),
        ]);
        let open = one["findings"].as_array().into_iter().flatten();
        for finding in open.filter(|f| f["state"] == "open") {
            let line = format!("! {}: {}", text(&one["label"]), text(&finding["summary"]));
            troubles += &format!("{}\n", paragraph(context, &line));
        }
    }
    let troubles = if troubles.is_empty() { troubles } else { format!("\n{troubles}") };
    format!("\n{table}\n{troubles}")
}

fn minute(at: &Value) -> String {
    let at = text(at);
    at.get(..16).unwrap_or(&at).replace('T', " ")
}
