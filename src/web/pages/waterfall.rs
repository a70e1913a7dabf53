//! A run as a waterfall: steps, their requests, and where the time of each went.

use std::time::Duration;

use serde::Serialize;

use super::words::{Badge, maybe_ms};
use crate::{
    model::{Hop, Run, StepOutcome, StepRun},
    render::{chart::short, felt, size},
};

/// Most requests of a step that are drawn: of a browser step the documents, of a loop its rounds.
const MOST: usize = 60;

/// A row of the waterfall.
#[derive(Debug, Default, Serialize)]
pub(super) struct Row {
    /// `step` or `hop`.
    class: &'static str,
    badge: Option<Badge>,
    name: String,
    /// The whole address of a request.
    title: String,
    status: String,
    bad: bool,
    took: String,
    size: String,
    /// Pieces of its bar: class, left and width in thousandths of the run.
    pieces: Vec<(&'static str, String, String)>,
    /// The bar in words.
    told: String,
    /// What else is to know: retries, the server's own times.
    notes: Vec<String>,
}

/// What stands above the bars: label and place, in percent.
#[derive(Debug, Serialize)]
pub(super) struct Tick {
    x: String,
    label: String,
}

/// All rows of a run.
pub(super) fn rows(run: &Run) -> Vec<Row> {
    let total = length(run);
    let mut rows = Vec::new();
    for step in &run.steps {
        rows.push(step_row(step, total));
        rows.extend(step.hops.iter().take(MOST).map(|hop| hop_row(hop, total)));
        if let Some(more) = step.hops.len().checked_sub(MOST).filter(|more| *more > 0) {
            rows.push(Row { class: "hop", name: format!("… and {more} more"), ..Row::default() });
        }
    }
    rows
}

/// Four labels from the beginning to the end.
pub(super) fn ticks(run: &Run) -> Vec<Tick> {
    let total = length(run).as_secs_f64() * 1000.0;
    let tick = |at: u8| {
        let share = f64::from(at) / 4.0;
        Tick {
            x: short(100.0 * share),
            label: if at == 0 { "0".to_owned() } else { maybe_ms(Some(total * share)) },
        }
    };
    (0..4).map(tick).collect()
}

/// From the beginning to the end of the last thing that happened: our own waiting between attempts is in it, so that nothing sticks out.
fn length(run: &Run) -> Duration {
    let ends = run.steps.iter().flat_map(|step| {
        let hops = step.hops.iter().map(|hop| hop.offset + hop.duration);
        hops.chain([step.offset + step.duration])
    });
    ends.chain([run.duration]).max().unwrap_or_default()
}

fn place(at: Duration, total: Duration) -> f64 {
    1000.0 * at.as_secs_f64() / total.as_secs_f64().max(1e-9)
}

fn step_row(step: &StepRun, total: Duration) -> Row {
    let word = match step.outcome {
        StepOutcome::Passed => "passed",
        StepOutcome::Failed => "failed",
        StepOutcome::Broken => "broken",
        StepOutcome::Skipped => "skipped",
    };
    let skipped = step.outcome == StepOutcome::Skipped;
    let round = step.iteration.map_or(String::new(), |round| format!(" ({round})"));
    let mut notes: Vec<String> = (1..)
        .zip(&step.retries)
        .map(|(n, attempt)| {
            let status = attempt.status.map_or(String::new(), |s| format!("{s}, "));
            let took = maybe_ms(Some(attempt.duration.as_secs_f64() * 1000.0));
            format!("attempt {n}: {status}{took}, {}", attempt.reason)
        })
        .collect();
    notes.extend(felt(step));
    notes.extend(step.failure.as_ref().map(|f| format!("not counted: {}", f.message)));
    let took = maybe_ms(Some(step.duration.as_secs_f64() * 1000.0));
    let width = place(step.duration, total).max(1.0);
    Row {
        class: "step",
        badge: Some(Badge::of(word)),
        name: format!("{}{round}", step.name),
        took: if skipped { String::new() } else { took.clone() },
        bad: step.outcome == StepOutcome::Failed,
        pieces: if skipped {
            Vec::new()
        } else {
            vec![("whole", short(place(step.offset, total)), short(width))]
        },
        told: if skipped { "skipped".to_owned() } else { format!("{}: {took}", step.name) },
        notes,
        ..Row::default()
    }
}

fn hop_row(hop: &Hop, total: Duration) -> Row {
    let mut left = place(hop.offset, total);
    let (mut pieces, mut told) = (Vec::new(), Vec::new());
    for (name, took) in hop.phases.named() {
        if took.is_zero() {
            continue;
        }
        let width = place(took, total);
        pieces.push((name, short(left), short(width.max(0.6))));
        told.push(format!("{name} {}", maybe_ms(Some(took.as_secs_f64() * 1000.0))));
        left += width;
    }
    if hop.reused {
        told.push("on a connection that was open already".to_owned());
    }
    let path = hop.url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    let path = path.map_or_else(|| hop.url.clone(), |(_, path)| format!("/{path}"));
    let server: Vec<String> = hop
        .server_timing
        .iter()
        .map(|(name, took)| format!("{name} {}", maybe_ms(Some(took.as_secs_f64() * 1000.0))))
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "bytes of a body")]
    let bytes = size(hop.body_bytes as f64);
    Row {
        class: "hop",
        badge: None,
        name: format!("{} {path}", hop.method),
        title: hop.url.clone(),
        status: hop.status.map_or_else(|| "–".to_owned(), |s| s.to_string()),
        bad: hop.status.is_none_or(|s| s >= 400),
        took: maybe_ms(Some(hop.duration.as_secs_f64() * 1000.0)),
        size: bytes,
        pieces,
        told: told.join(", "),
        notes: if server.is_empty() {
            Vec::new()
        } else {
            vec![format!("server: {}", server.join(", "))]
        },
    }
}
