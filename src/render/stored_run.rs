//! A run that was stored, as the API gives it, for a terminal: how it went, why it failed, what it sent and got.

use std::time::Duration;

use serde_json::Value;

use super::{
    side_by_side::side_by_side,
    waterfall::{
        Layout,
        line::{Ink, Line, clean, clip, length_of_time},
    },
};
use crate::model::{Evidence, Witness};

/// The run as text, every line ended. What an agent of another version leaves out is passed over.
pub fn stored_run(run: &Value, layout: Layout) -> String {
    let width = layout.width.max(60);
    let mut lines = vec![headline(run), Line::default()];
    for step in run["steps"].as_array().into_iter().flatten() {
        lines.push(step_line(step, width));
    }
    if run["outcome"]["result"] == "failed" {
        failure(&mut lines, run);
    } else if let Some(reason) = run["outcome"]["reason"].as_str() {
        lines.push(Line::default());
        field(&mut lines, "broken", reason);
    }
    if let Some(url) = run["trace_url"].as_str() {
        lines.push(Line::default());
        field(&mut lines, "trace", url);
    }
    let mut out: String = lines.iter().map(|line| line.draw(layout.colour) + "\n").collect();
    if let Some((own, alike)) = failing(run) {
        out.push('\n');
        if alike {
            out += "Its own exchanges were not kept: these are of a run before it that failed alike.\n";
        }
        let good: Option<Witness> = serde_json::from_value(run["last_good"].clone()).ok();
        out += &side_by_side(&own, good.as_ref(), layout);
        if own.evidence.curl.is_empty() {
            return out;
        }
        let curl: Vec<String> = own.evidence.curl.split('\n').map(clean).collect();
        out += &format!("\nrepeat    {}\n", curl.join("\n"));
    } else if run["outcome"]["result"] == "failed" {
        out += "\nWhat it sent and got is not kept (any more).\n";
    }
    out
}

/// The exchanges to show, and whether they are another run's.
fn failing(run: &Value) -> Option<(Witness, bool)> {
    if let Ok(evidence) = serde_json::from_value::<Evidence>(run["evidence"].clone()) {
        let own = Witness {
            run: serde_json::from_value(run["id"].clone()).ok()?,
            started_at: serde_json::from_value(run["started_at"].clone()).ok()?,
            evidence,
        };
        return (run["outcome"]["result"] == "failed").then_some((own, false));
    }
    serde_json::from_value(run["alike"].clone()).ok().map(|alike| (alike, true))
}

fn headline(run: &Value) -> Line {
    let text = |key: &str| clean(run[key].as_str().unwrap_or("-"));
    let (word, ink) = match run["outcome"]["result"].as_str() {
        Some("passed") => ("PASSED", Ink::Green),
        Some("failed") => ("FAILED", Ink::Red),
        _ => ("BROKEN", Ink::Yellow),
    };
    let mut line = Line::default();
    line.ink(ink, word);
    line.ink(Ink::Bold, &format!(" {}", text("journey")));
    line.plain(&format!(" in {} from {}", text("environment"), text("location")));
    line.plain(&format!(", {}", time(&run["duration_ms"])));
    line
}

fn step_line(step: &Value, width: usize) -> Line {
    let (mark, ink) = match step["outcome"].as_str() {
        Some("passed") => ('✓', Ink::Green),
        Some("failed") => ('✗', Ink::Red),
        Some("skipped") => ('·', Ink::Dim),
        _ => ('!', Ink::Yellow),
    };
    let status = step["hops"].as_array().and_then(|hops| hops.last()?["status"].as_u64());
    let status = status.map_or_else(|| "  -".to_owned(), |status| status.to_string());
    let name = clip(step["name"].as_str().unwrap_or("-"), width - 20);
    let mut line = Line::default();
    line.ink(ink, &mark.to_string());
    line.plain(&format!(" {status} {:>8}  ", time(&step["duration_ms"])));
    line.ink(Ink::Bold, &name);
    line
}

fn failure(lines: &mut Vec<Line>, run: &Value) {
    let failure = &run["outcome"];
    let said = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    lines.push(Line::default());
    field(lines, "failed", &format!("in step \"{}\"", said(&failure["step"])));
    field(lines, "reason", &said(&failure["message"]));
    let mut steps = run["steps"].as_array().into_iter().flatten();
    let failing = steps.rfind(|step| step["name"] == failure["step"]);
    let assertions = failing.and_then(|step| step["assertions"].as_array()).into_iter().flatten();
    for result in assertions.filter(|result| result["passed"] == false) {
        field(lines, "assertion", &said(&result["check"]));
        field(lines, "expected", &said(&result["expected"]));
        field(lines, "actual", &said(&result["actual"]));
    }
}

fn field(lines: &mut Vec<Line>, name: &str, value: &str) {
    let mut line = Line::default();
    line.ink(Ink::Dim, &format!("  {name:<10}"));
    line.plain(&clean(value));
    lines.push(line);
}

fn time(ms: &Value) -> String {
    let seconds = ms.as_f64().unwrap_or_default().max(0.0) / 1000.0;
    length_of_time(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}
