//! Two exchanges line by line: what is the same, what differs, what only one of them has.

use serde_json::Value;

use super::super::waterfall::line::length_of_time;
use crate::model::{Exchange, Timing};

/// Most lines of a body that are compared; the rest is counted.
const LINES: usize = 1_000;
/// Lines of a body shown where nothing stands beside it.
const ALONE: usize = 40;
/// Lines that are the same, shown around those that are not.
const AROUND: usize = 2;
/// Fewer lines than these are shown rather than counted.
const HIDDEN: usize = 4;
/// Most lines of a compared body that are shown.
const SHOWN: usize = 60;

/// Headers that differ each time and say nothing by it.
const FLEETING: &[&str] = &[
    "age",
    "cf-ray",
    "date",
    "expires",
    "idempotency-key",
    "request-id",
    "server-timing",
    "traceparent",
    "x-amz-date",
    "x-amzn-trace-id",
    "x-correlation-id",
    "x-request-id",
    "x-runtime",
];

/// How two lines stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::render) enum Mark {
    /// The same, or there is nothing to compare with.
    Same,
    /// Not the same; one of them may be missing.
    Differs,
    /// Not the same, as it never is.
    Fleeting,
    /// What follows belongs together: a title.
    Title,
}

/// One line of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::render) struct Row {
    pub(in crate::render) mark: Mark,
    /// Of the run that failed.
    pub(in crate::render) now: Option<String>,
    /// Of the good one.
    pub(in crate::render) good: Option<String>,
}

impl Row {
    fn title(text: &str) -> Self {
        Self { mark: Mark::Title, now: Some(text.to_owned()), good: None }
    }

    fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { mark: Mark::Same, good: Some(text.clone()), now: Some(text) }
    }

    fn of(now: Option<String>, good: Option<String>) -> Self {
        let mark = if now == good { Mark::Same } else { Mark::Differs };
        Self { mark, now, good }
    }
}

/// The rows of an exchange, beside those of a good one if there is one.
pub(in crate::render) fn rows(now: &Exchange, good: Option<&Exchange>) -> Vec<Row> {
    let mut rows = vec![Row::title("sent")];
    let line = |text: String| Some(text);
    let both = |of: &dyn Fn(&Exchange) -> Option<String>| match good {
        Some(good) => Row::of(of(now), of(good)),
        None => Row { mark: Mark::Same, now: of(now), good: None },
    };
    rows.push(both(&|e| line(e.request_line.clone())));
    headers(&mut rows, &now.request_headers, good.map(|e| &*e.request_headers));
    body(&mut rows, now.request_body.as_deref(), good.map(|e| e.request_body.as_deref()));
    rows.push(Row::title("got"));
    rows.push(both(&|e| line(status(e))));
    headers(&mut rows, &now.response_headers, good.map(|e| &*e.response_headers));
    body(&mut rows, now.response_body.as_deref(), good.map(|e| e.response_body.as_deref()));
    if now.truncated || good.is_some_and(|e| e.truncated) {
        let cut = |e: &Exchange| e.truncated.then(|| "… the body goes on".to_owned());
        rows.push(Row { mark: Mark::Same, now: cut(now), good: good.and_then(cut) });
    }
    let times = (now.timing.as_ref().map(time), good.and_then(|e| e.timing.as_ref()).map(time));
    if times.0.is_some() || times.1.is_some() {
        rows.push(Row { mark: Mark::Fleeting, now: times.0, good: times.1 });
    }
    rows
}

/// Status and protocol.
fn status(exchange: &Exchange) -> String {
    let version = exchange.version.as_deref().map_or(String::new(), |v| format!(" ({v})"));
    match exchange.status {
        Some(status) => format!("status {status}{version}"),
        None => "no answer".to_owned(),
    }
}

fn time(timing: &Timing) -> String {
    let named = timing.phases.named().into_iter().filter(|(_, length)| !length.is_zero());
    let phases: Vec<String> =
        named.map(|(name, length)| format!("{name} {}", length_of_time(length))).collect();
    format!("time {}: {}", length_of_time(timing.duration), phases.join(", "))
}

/// Headers by name: in the order of the run that failed, then those that only the good one has.
fn headers(rows: &mut Vec<Row>, now: &[(String, String)], good: Option<&[(String, String)]>) {
    let text = |(name, value): &(String, String)| format!("{name}: {value}");
    let Some(good) = good else {
        rows.extend(now.iter().map(|h| Row { mark: Mark::Same, now: Some(text(h)), good: None }));
        return;
    };
    let mut left: Vec<&(String, String)> = good.iter().collect();
    let mark = |name: &str, row: Row| {
        let fleeting = FLEETING.iter().any(|f| name.eq_ignore_ascii_case(f));
        if fleeting && row.mark == Mark::Differs && row.now.is_some() && row.good.is_some() {
            Row { mark: Mark::Fleeting, ..row }
        } else {
            row
        }
    };
    for header in now {
        let same_name = |other: &&(String, String)| other.0.eq_ignore_ascii_case(&header.0);
        let at = left
            .iter()
            .position(|other| same_name(other) && other.1 == header.1)
            .or_else(|| left.iter().position(same_name));
        let other = at.map(|at| text(left.remove(at)));
        rows.push(mark(&header.0, Row::of(Some(text(header)), other)));
    }
    rows.extend(left.into_iter().map(|h| Row::of(None, Some(text(h)))));
}

/// Bodies by lines; JSON is laid out first, so that a member is a line.
fn body(rows: &mut Vec<Row>, now: Option<&str>, good: Option<Option<&str>>) {
    let now = lines(now);
    let Some(good) = good else {
        let more = now.len().saturating_sub(ALONE);
        if !now.is_empty() {
            rows.push(Row::same(String::new()));
        }
        rows.extend(now.into_iter().take(ALONE).map(Row::same));
        if more > 0 {
            rows.push(Row::same(format!("… {more} more lines")));
        }
        return;
    };
    let good = lines(good);
    if now.is_empty() && good.is_empty() {
        return;
    }
    rows.push(Row::same(String::new()));
    let compared = alike(&now, &good);
    let mut shown = 0;
    let mut at = 0;
    while let Some(row) = compared.get(at) {
        if shown >= SHOWN {
            let more = compared[at..].iter().filter(|row| row.mark == Mark::Differs).count();
            rows.push(Row::same(format!("… {more} more lines differ")));
            return;
        }
        let same = compared[at..].iter().take_while(|row| row.mark == Mark::Same).count();
        let (before, after) = (
            if at == 0 { 0 } else { AROUND },
            if at + same == compared.len() { 0 } else { AROUND },
        );
        if same > before + after + HIDDEN {
            rows.extend(compared[at..at + before].iter().cloned());
            rows.push(Row::same(format!("… {} lines the same", same - before - after)));
            rows.extend(compared[at + same - after..at + same].iter().cloned());
            shown += before + after + 1;
            at += same;
        } else {
            rows.push(row.clone());
            shown += 1;
            at += 1;
        }
    }
}

fn lines(body: Option<&str>) -> Vec<String> {
    let Some(body) = body.filter(|body| !body.is_empty()) else { return Vec::new() };
    let laid_out = serde_json::from_str::<Value>(body)
        .ok()
        .filter(|value| value.is_object() || value.is_array())
        .map(|value| format!("{value:#}"));
    let text = laid_out.as_deref().unwrap_or(body);
    let mut lines: Vec<String> = text.lines().take(LINES).map(str::to_owned).collect();
    let more = text.lines().skip(LINES).count();
    if more > 0 {
        lines.push(format!("… {more} more lines"));
    }
    lines
}

/// Pairs the lines of two texts: by their longest common subsequence; what lies between two common lines stands beside each other.
fn alike(now: &[String], good: &[String]) -> Vec<Row> {
    // A comma at the end only says that another member follows.
    let equal = |a: usize, b: usize| now[a].trim_end_matches(',') == good[b].trim_end_matches(',');
    let width = good.len() + 1;
    // Lengths of the common subsequence of what is left of both, from each place.
    let mut common = vec![0_u16; (now.len() + 1) * width];
    for a in (0..now.len()).rev() {
        for b in (0..good.len()).rev() {
            common[a * width + b] = if equal(a, b) {
                common[(a + 1) * width + b + 1] + 1
            } else {
                common[(a + 1) * width + b].max(common[a * width + b + 1])
            };
        }
    }
    let (mut a, mut b, mut rows) = (0, 0, Vec::new());
    let (mut only_now, mut only_good) = (Vec::new(), Vec::new());
    while a < now.len() || b < good.len() {
        if a < now.len() && b < good.len() && equal(a, b) {
            beside(&mut rows, &mut only_now, &mut only_good);
            rows.push(Row::same(now[a].clone()));
            (a, b) = (a + 1, b + 1);
        } else if b == good.len()
            || (a < now.len() && common[(a + 1) * width + b] >= common[a * width + b + 1])
        {
            only_now.push(now[a].clone());
            a += 1;
        } else {
            only_good.push(good[b].clone());
            b += 1;
        }
    }
    beside(&mut rows, &mut only_now, &mut only_good);
    rows
}

fn beside(rows: &mut Vec<Row>, now: &mut Vec<String>, good: &mut Vec<String>) {
    let (mut now, mut good) = (now.drain(..), good.drain(..));
    loop {
        match (now.next(), good.next()) {
            (None, None) => return,
            (now, good) => rows.push(Row { mark: Mark::Differs, now, good }),
        }
    }
}
