//! What a page asked for as bars over time, step by step.

use std::time::Duration;

use serde::Serialize;

use crate::{
    model::{Busy, PageEvidence, PageRequest, StepName},
    render::{felt::size, waterfall::line::length_of_time},
};

/// The width of a bar's drawing, in its own units.
const WIDTH: f64 = 1000.0;

/// A bar thinner than this could not be seen.
const THINNEST: f64 = 3.0;

/// The requests of one step.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    step: String,
    /// `34 requests, 1.2 MB, 2.3 s`.
    note: String,
    /// Whether it is unfolded from the beginning.
    open: bool,
    rows: Vec<BarRow>,
    /// When the main thread was busy.
    busy: Vec<Piece>,
    /// What of the time is said below.
    ticks: [String; 5],
}

/// One request.
#[derive(Debug, Serialize)]
pub(super) struct BarRow {
    name: String,
    url: String,
    status: String,
    bad: bool,
    kind: &'static str,
    size: String,
    took: String,
    /// The phases that took any time.
    pieces: Vec<Piece>,
    /// The same in words.
    phases: String,
}

/// A piece of a bar.
#[derive(Debug, Serialize)]
struct Piece {
    class: &'static str,
    x: String,
    width: String,
}

/// All steps with requests; that of the failure is unfolded, or the last one.
pub(super) fn groups(page: &PageEvidence, failing: &StepName) -> Vec<Group> {
    let mut steps: Vec<&StepName> = Vec::new();
    for request in &page.requests {
        if !steps.contains(&&request.step) {
            steps.push(&request.step);
        }
    }
    let open = steps.iter().position(|step| *step == failing);
    let open = open.or(steps.len().checked_sub(1));
    let groups = steps.iter().enumerate();
    groups.map(|(at, step)| group(page, step, Some(at) == open)).collect()
}

fn group(page: &PageEvidence, step: &StepName, open: bool) -> Group {
    let requests: Vec<_> = page.requests.iter().filter(|r| r.step == *step).collect();
    let ends = |r: &&PageRequest| r.timing.offset.saturating_add(r.timing.duration);
    let from = requests.iter().map(|r| r.timing.offset).min().unwrap_or_default();
    let to = requests.iter().map(ends).max().unwrap_or_default();
    let scale = Scale { from, length: to.saturating_sub(from) };
    let bytes: u64 = requests.iter().map(|r| r.bytes).fold(0, u64::saturating_add);
    #[expect(clippy::cast_precision_loss, reason = "bytes of a page")]
    let bytes = size(bytes as f64);
    let count = match requests.len() {
        1 => "1 request".to_owned(),
        count => format!("{count} requests"),
    };
    let within = |busy: &&Busy| busy.offset < to && busy.offset + busy.duration > from;
    let busy = page.busy.iter().filter(within);
    Group {
        step: step.to_string(),
        note: format!("{count}, {bytes}, {}", length_of_time(scale.length)),
        open,
        busy: busy.map(|busy| scale.piece("busy", (busy.offset, busy.duration))).collect(),
        rows: requests.iter().map(|request| row(request, &scale)).collect(),
        ticks: [0, 1, 2, 3, 4].map(|quarter| length_of_time(scale.length * quarter / 4)),
    }
}

/// Which times a drawing spans.
struct Scale {
    from: Duration,
    length: Duration,
}

impl Scale {
    fn piece(&self, class: &'static str, (offset, duration): (Duration, Duration)) -> Piece {
        let whole = self.length.as_secs_f64().max(1e-6);
        let place = |at: Duration| {
            (at.saturating_sub(self.from).as_secs_f64() / whole * WIDTH).clamp(0.0, WIDTH)
        };
        let end = place(offset.saturating_add(duration));
        let begin = place(offset).min(WIDTH - THINNEST);
        let width = (end - begin).max(if class == "busy" { THINNEST } else { 0.8 });
        Piece { class, x: format!("{begin:.1}"), width: format!("{width:.1}") }
    }
}

fn row(request: &PageRequest, scale: &Scale) -> BarRow {
    let mut at = request.timing.offset;
    let mut pieces = Vec::new();
    let mut words = Vec::new();
    for (name, length) in request.timing.phases.named() {
        if !length.is_zero() {
            pieces.push(scale.piece(name, (at, length)));
            words.push(format!("{name} {}", length_of_time(length)));
        }
        at = at.saturating_add(length);
    }
    if pieces.is_empty() {
        pieces.push(scale.piece("processing", (at, Duration::ZERO)));
    }
    #[expect(clippy::cast_precision_loss, reason = "bytes of a page")]
    let bytes = size(request.bytes as f64);
    BarRow {
        name: name(&request.url),
        url: format!("{} {}", request.method, request.url),
        status: match (&request.error, request.status) {
            (Some(error), _) => {
                error.trim_start_matches("net::ERR_").replace('_', " ").to_lowercase()
            }
            (None, Some(status)) => status.to_string(),
            (None, None) if request.unfinished => "under way".to_owned(),
            (None, None) => "–".to_owned(),
        },
        bad: request.failed(),
        kind: request.kind.as_str(),
        size: if request.cached { "cache".to_owned() } else { bytes },
        took: format!(
            "{}{}",
            length_of_time(request.timing.duration),
            if request.unfinished { "…" } else { "" }
        ),
        pieces,
        phases: words.join(", "),
    }
}

/// The last piece of a path with its query, or the host where there is none.
fn name(url: &str) -> String {
    let Ok(parsed) = url::Url::parse(url) else { return url.chars().take(60).collect() };
    let last = parsed.path_segments().and_then(|mut all| all.rfind(|piece| !piece.is_empty()));
    let name = match last {
        Some(last) => {
            format!("{last}{}", parsed.query().map_or(String::new(), |q| format!("?{q}")))
        }
        None => parsed.host_str().unwrap_or(url).to_owned(),
    };
    name.chars().take(80).collect()
}
