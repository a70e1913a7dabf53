//! What is said below the rows of a run that did not pass.

use super::line::{Ink, Line, clean, clip};
use crate::model::{Evidence, Failure, Outcome, Run};

/// How many lines of a body are shown.
const BODY_LINES: usize = 8;

/// The lines for a failed or broken run; none for one that passed.
pub(super) fn block(run: &Run, width: usize) -> Vec<Line> {
    match &run.outcome {
        Outcome::Passed => Vec::new(),
        Outcome::Broken { reason } => broken(reason),
        Outcome::Failed(failure) => failed(failure, run.evidence.as_ref(), width),
    }
}

fn broken(reason: &str) -> Vec<Line> {
    let mut head = Line::default();
    head.ink(Ink::Yellow, "broken: ");
    head.plain(&clean(reason));
    let mut note = Line::default();
    note.plain("This is trouble on our side, not the target's: the run counts for nothing.");
    vec![Line::default(), head, note]
}

fn failed(failure: &Failure, evidence: Option<&Evidence>, width: usize) -> Vec<Line> {
    let mut lines = vec![Line::default()];
    let mut head = Line::default();
    head.ink(Ink::Red, "failed");
    head.plain(&format!(" in step \"{}\"", clean(failure.step.as_str())));
    lines.push(head);
    let mut field = |name: &str, value: &str| {
        let mut line = Line::default();
        line.ink(Ink::Dim, &format!("  {name:<10}"));
        line.plain(&clean(value));
        lines.push(line);
    };
    if let Some(check) = &failure.check {
        field("assertion", check);
        field("expected", failure.expected.as_deref().unwrap_or("-"));
        field("actual", failure.actual.as_deref().unwrap_or("-"));
    } else {
        field("reason", &failure.message);
    }
    let Some(evidence) = evidence else { return lines };
    let last = evidence.exchanges.last();
    if let Some(body) = last.and_then(|e| e.response_body.as_deref()).filter(|b| !b.is_empty()) {
        lines.extend(excerpt(body, last.is_some_and(|e| e.truncated), width));
    }
    let mut line = Line::default();
    line.ink(Ink::Dim, "  repeat    ");
    line.plain(&one_line(&evidence.curl));
    lines.push(line);
    lines
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

/// The line as a shell would read it, on one line: a line break within a word becomes `$'\n'`.
fn one_line(curl: &str) -> String {
    curl.split('\n').map(clean).collect::<Vec<_>>().join("'$'\\n''")
}
