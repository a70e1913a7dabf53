//! What is said below the rows of a run that did not pass.

use super::line::{Ink, Line, clean, clip};
use crate::{
    model::{Failure, Outcome, Run},
    render::page_text::{kept_line, page_lines},
};

/// How many more assertions that did not hold are shown.
const ASSERTIONS: usize = 10;

/// How many lines of a body are shown.
const BODY_LINES: usize = 8;

/// The lines for a failed or broken run; none for one that passed, unless its times are not judged.
pub(super) fn block(run: &Run, width: usize) -> Vec<Line> {
    match &run.outcome {
        Outcome::Passed => unjudged(run),
        Outcome::Broken { reason } => broken(reason),
        Outcome::Failed(failure) => failed(failure, run, width),
    }
}

fn unjudged(run: &Run) -> Vec<Line> {
    let Some(unwell) = run.unwell.filter(|unwell| unwell.explains(&run.outcome)) else {
        return Vec::new();
    };
    let mut head = Line::default();
    head.ink(Ink::Yellow, "not judged: ");
    head.plain(&unwell.to_string());
    vec![Line::default(), head]
}

fn broken(reason: &str) -> Vec<Line> {
    let mut head = Line::default();
    head.ink(Ink::Yellow, "broken: ");
    head.plain(&clean(reason));
    let mut note = Line::default();
    note.plain("This is trouble on our side, not the target's: the run counts for nothing.");
    vec![Line::default(), head, note]
}

fn failed(failure: &Failure, run: &Run, width: usize) -> Vec<Line> {
    let mut lines = vec![Line::default()];
    let mut head = Line::default();
    head.ink(Ink::Red, "failed");
    head.plain(&format!(" in step \"{}\"", clean(failure.step.as_str())));
    lines.push(head);
    if let Some(check) = &failure.check {
        let (expected, actual) = (failure.expected.as_deref(), failure.actual.as_deref());
        assertion(&mut lines, check, expected, actual);
    } else {
        field(&mut lines, "reason", &failure.message);
    }
    more_assertions(&mut lines, failure, run);
    let Some(evidence) = &run.evidence else { return lines };
    if let Some(page) = &evidence.page {
        lines.extend(page_lines(page, Some(&failure.step), width));
        lines.push(kept_line(page, width));
    }
    let last = evidence.exchanges.last();
    let last = last.filter(|e| e.step.as_ref().is_none_or(|step| *step == failure.step));
    if let Some(body) = last.and_then(|e| e.response_body.as_deref()).filter(|b| !b.is_empty()) {
        lines.extend(excerpt(body, last.is_some_and(|e| e.truncated), width));
    }
    repeat(&mut lines, &evidence.curl);
    lines
}

fn field(lines: &mut Vec<Line>, name: &str, value: &str) {
    let mut line = Line::default();
    line.ink(Ink::Dim, &format!("  {name:<10}"));
    line.plain(&clean(value));
    lines.push(line);
}

fn assertion(lines: &mut Vec<Line>, check: &str, expected: Option<&str>, actual: Option<&str>) {
    field(lines, "assertion", check);
    field(lines, "expected", expected.unwrap_or("-"));
    field(lines, "actual", actual.unwrap_or("-"));
}

/// The other assertions of the failing step that did not hold.
fn more_assertions(lines: &mut Vec<Line>, failure: &Failure, run: &Run) {
    let step = run.steps.iter().rfind(|step| step.name == failure.step);
    let all = step.map(|step| step.assertions.as_slice()).unwrap_or_default();
    let mut first = failure.check.as_deref();
    let more: Vec<_> = all
        .iter()
        .filter(|result| !result.passed)
        .filter(|result| {
            // The one that is the failure itself was shown.
            let is_first = first == Some(result.check.as_str());
            first = first.filter(|_| !is_first);
            !is_first
        })
        .collect();
    for result in more.iter().take(ASSERTIONS) {
        assertion(lines, &result.check, result.expected.as_deref(), result.actual.as_deref());
    }
    if let Some(left) = more.len().checked_sub(ASSERTIONS).filter(|left| *left > 0) {
        field(lines, "", &format!("… and {left} more assertions that did not hold"));
    }
}

/// The `curl` line as a shell reads it: a body of several lines stands on several lines, within its quotes.
fn repeat(lines: &mut Vec<Line>, curl: &str) {
    if curl.is_empty() {
        return;
    }
    let mut changed = false;
    for (index, text) in curl.split('\n').enumerate() {
        let shown: Vec<String> = text.split('\t').map(clean).collect();
        let shown = shown.join("\t");
        changed |= shown != text;
        let mut line = Line::default();
        if index == 0 {
            line.ink(Ink::Dim, "  repeat    ");
        }
        line.plain(&shown);
        lines.push(line);
    }
    if changed {
        field(
            lines,
            "",
            "(control characters stand as · here: the line is not the request to the letter)",
        );
    }
}

fn excerpt(body: &str, truncated: bool, width: usize) -> Vec<Line> {
    let mut all = body.lines().filter(|line| !line.trim().is_empty());
    let mut lines: Vec<Line> = Vec::new();
    for (index, text) in all.by_ref().take(BODY_LINES).enumerate() {
        let mut line = Line::default();
        line.ink(Ink::Dim, &format!("  {:<10}", if index == 0 { "body" } else { "" }));
        line.plain(&clip(&text.replace('\t', " "), width - 12));
        lines.push(line);
    }
    if truncated || all.next().is_some() {
        let mut line = Line::default();
        line.ink(Ink::Dim, "            … and more");
        lines.push(line);
    }
    lines
}
