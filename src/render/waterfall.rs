//! Draws a run for a terminal: a headline, one row for each step and hop with a bar of its phases, and for a failed run what failed.

pub(in crate::render) mod line;
mod trouble;

use std::time::Duration;

use line::{Ink, Line, clean, clip, fit, fit_url, length_of_time};

use super::felt::{felt, is_built_in};
use crate::model::{Attempt, Hop, Measured, Outcome, Run, StepOutcome, amounts};

/// How wide and how colourful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Columns of the terminal; 80 if unknown, never taken below 60. Only a `curl` line may be longer: it must stay one line to be copied.
    pub width: usize,
    /// Whether ANSI colours may be used.
    pub colour: bool,
}

/// How each phase is drawn: its letter-like mark and its colour, in the order of time.
const PHASES: [(char, Ink); 5] = [
    ('·', Ink::Magenta),
    ('-', Ink::Yellow),
    ('=', Ink::Cyan),
    ('█', Ink::Blue),
    ('▒', Ink::Green),
];

/// Columns for status, time and the gaps around them.
const FIXED: usize = 2 + 1 + 3 + 1 + 8 + 2;

/// The run as text, every line ended. Hostile text in it (control characters, direction marks) is made harmless.
pub fn waterfall(run: &Run, layout: Layout) -> String {
    let width = layout.width.max(60);
    let mut lines = vec![headline(run)];
    if run.insecure {
        let mut line = Line::default();
        line.ink(Ink::Yellow, "insecure: no certificate was verified");
        lines.push(line);
    }
    lines.push(Line::default());
    let label = (width - FIXED) * 45 / 100;
    let bar = width - FIXED - label;
    let mut before = Duration::ZERO;
    let mut origin = String::new();
    for step in &run.steps {
        let (mark, ink) = match step.outcome {
            StepOutcome::Passed => ('✓', Ink::Green),
            StepOutcome::Failed => ('✗', Ink::Red),
            StepOutcome::Broken => ('!', Ink::Yellow),
            StepOutcome::Skipped => ('·', Ink::Dim),
        };
        let round = step.iteration.map_or(String::new(), |round| format!(" ({round})"));
        let name = fit(&format!("{}{round}", step.name), label);
        let mut line = Line::default();
        line.ink(ink, &mark.to_string());
        if step.outcome == StepOutcome::Skipped {
            line.ink(Ink::Dim, &format!(" {name}     {:>8}", "skipped"));
            lines.push(line);
            continue;
        }
        line.ink(Ink::Bold, &format!(" {name}"));
        line.plain(&format!("     {:>8}", length_of_time(step.duration)));
        lines.push(line);
        let begun = before;
        for (nth, attempt) in (1..).zip(&step.retries) {
            lines.push(tried(nth, attempt, width));
            before += attempt.duration;
        }
        for hop in &step.hops {
            // A browser works between its documents, too: each stands where it began.
            let from = match step.traffic {
                Some(_) if step.retries.is_empty() => {
                    begun + hop.offset.saturating_sub(step.offset)
                }
                _ => before,
            };
            lines.push(row(hop, (label, bar), (from, run.duration), &mut origin));
            before += hop.duration;
            lines.extend(said(hop, width));
        }
        if step.traffic.is_some() {
            before = begun + step.duration;
        }
        lines.extend(felt(step).iter().flat_map(|text| wrapped(text, width - 4)));
        let told = |measured: &&Measured| step.traffic.is_none() || !is_built_in(measured);
        lines.extend(step.measures.iter().filter(told).map(measure));
        if let Some(failure) = &step.failure {
            let mut line = Line::default();
            line.ink(Ink::Yellow, "    not counted ");
            line.plain(&clip(&failure.message, width - 16));
            lines.push(line);
        }
    }
    if !run.steps.is_empty() {
        lines.extend([Line::default(), legend(run)]);
    }
    lines.extend(trouble::block(run, width));
    lines.iter().map(|line| line.draw(layout.colour) + "\n").collect()
}

fn headline(run: &Run) -> Line {
    let (word, ink) = match run.outcome {
        Outcome::Passed => ("PASSED", Ink::Green),
        Outcome::Failed(_) => ("FAILED", Ink::Red),
        Outcome::Broken { .. } => ("BROKEN", Ink::Yellow),
    };
    let mut line = Line::default();
    line.ink(ink, word);
    line.ink(Ink::Bold, &format!(" {}", clean(run.journey.as_str())));
    line.plain(&format!(" in {}", clean(run.environment.as_str())));
    line.plain(&format!(" from {}", clean(run.location.as_str())));
    line.plain(&format!(", {}", length_of_time(run.duration)));
    line
}

/// An attempt that was followed by another one.
fn tried(nth: usize, attempt: &Attempt, width: usize) -> Line {
    let status = attempt.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let text = format!(
        "attempt {nth}: {status}, {}, {}",
        length_of_time(attempt.duration),
        clean(&attempt.reason)
    );
    let mut line = Line::default();
    line.plain("    ");
    line.ink(Ink::Dim, &clip(&text, width - 4));
    line
}

/// How a browser step felt, in as many lines as it takes: broken between its parts.
fn wrapped(text: &str, width: usize) -> Vec<Line> {
    let mut rows: Vec<String> = Vec::new();
    for part in text.split(" · ") {
        match rows.last_mut() {
            Some(row) if row.chars().count() + part.chars().count() + 3 <= width => {
                row.push_str(&format!(" · {part}"));
            }
            _ => rows.push(part.to_owned()),
        }
    }
    let line = |row: &String| {
        let mut line = Line::default();
        line.ink(Ink::Dim, &format!("    {}", clip(row, width)));
        line
    };
    rows.iter().map(line).collect()
}

/// What the server says of its own time.
fn said(hop: &Hop, width: usize) -> Option<Line> {
    let times = hop
        .server_timing
        .iter()
        .map(|(name, time)| format!("{} {}", clean(name), length_of_time(*time)));
    let text = times.collect::<Vec<_>>().join(", ");
    let mut line = Line::default();
    line.ink(Ink::Dim, &clip(&format!("      server: {text}"), width));
    (!text.is_empty()).then_some(line)
}

/// A number that a step measured, or why there is none.
fn measure(measured: &Measured) -> Line {
    let mut line = Line::default();
    line.ink(Ink::Dim, "    # ");
    line.plain(&clean(measured.name.as_str()));
    let unit = measured.unit.as_deref();
    match measured.value {
        Some(value) => {
            line.ink(Ink::Bold, &format!(" {}", amounts([value], unit).concat()));
            line.plain(&unit.map_or(String::new(), |unit| format!(" {}", clean(unit))));
        }
        None => {
            let note = measured.note.as_deref().unwrap_or("no number");
            line.ink(Ink::Yellow, &format!(" none: {}", clip(note, 100)));
        }
    }
    line
}

fn row(
    hop: &Hop,
    (label, bar): (usize, usize),
    (before, total): (Duration, Duration),
    origin: &mut String,
) -> Line {
    let status = hop.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let name = fit_url(&format!("{} {}", hop.method, short(&hop.url, origin)), label - 2);
    let mut line = Line::default();
    line.plain(&format!("    {name} "));
    let good = hop.status.is_some_and(|status| status < 400);
    line.ink(if good { Ink::Plain } else { Ink::Red }, &format!("{status:>3}"));
    line.plain(&format!(" {:>8}  ", length_of_time(hop.duration)));
    draw_bar(&mut line, hop, bar, (before, total));
    line
}

/// The URL without its query, and without the origin where that is the one of the row before. A change of the origin, such as a step from
/// https down to http, is so always in sight.
fn short(url: &str, origin: &mut String) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let path_at =
        url.find("://").and_then(|at| url[at + 3..].find('/').map(|slash| at + 3 + slash));
    let (this, path) = url.split_at(path_at.unwrap_or(url.len()));
    if origin == this {
        return path.to_owned();
    }
    this.clone_into(origin);
    url.to_owned()
}

/// Draws the hop from where it began to where it ended, on a line as long as the run. Each column shows the phase in its middle; a hop too
/// short for a column still gets one.
fn draw_bar(line: &mut Line, hop: &Hop, width: usize, (before, total): (Duration, Duration)) {
    let total = total.as_secs_f64();
    if total <= 0.0 || hop.duration.is_zero() {
        return;
    }
    #[expect(clippy::cast_precision_loss, reason = "a terminal has not 2^53 columns")]
    let scale = width as f64 / total;
    let column = |time: Duration| time.as_secs_f64() * scale;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the width"
    )]
    let cell = |at: f64| (at.round() as usize).min(width);
    let from = cell(column(before)).min(width.saturating_sub(1));
    let to = cell(column(before + hop.duration)).max(from + 1);
    line.plain(&" ".repeat(from));
    let named = hop.phases.named();
    let longest = (0..5).max_by_key(|i| named[*i].1).unwrap_or(3);
    for at in from..to {
        #[expect(clippy::cast_precision_loss, reason = "a terminal has not 2^53 columns")]
        let middle = at as f64 + 0.5 - column(before);
        let mut end = 0.0;
        let phase = (0..5).find(|i| {
            end += column(named[*i].1);
            middle < end
        });
        let (mark, ink) = PHASES[if to - from == 1 { longest } else { phase.unwrap_or(4) }];
        line.ink(ink, &mark.to_string());
    }
}

fn legend(run: &Run) -> Line {
    let mut line = Line::default();
    let names =
        run.steps.first().and_then(|s| s.hops.first()).map(|hop| hop.phases).unwrap_or_default();
    line.plain("   ");
    for ((mark, ink), (name, _)) in PHASES.iter().zip(names.named()) {
        line.plain(" ");
        line.ink(*ink, &mark.to_string());
        line.plain(&format!(" {name} "));
    }
    line.trim();
    line
}

#[cfg(test)]
mod tests;
