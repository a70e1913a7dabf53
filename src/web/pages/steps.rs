//! Where the time of a journey goes: its steps, and the phases of one of them, stacked over time and in a table. From a sample of the runs, as
//! roll-ups know the whole journey only.

use jiff::SignedDuration;
use serde::Serialize;

use super::words::{encoded, ms};
use crate::{
    model::{Part, Probe, StepName},
    render::chart::{Chart, Column, Stack, Window, short, stack, y_axis},
};

/// Stretches of the chart.
pub(super) const STRETCHES: usize = 48;
/// Runs of a stretch that are looked at.
pub(super) const EACH: usize = 20;
/// Height of the chart.
const HEIGHT: u32 = 140;
/// Colours there are; further steps share the last one.
const COLOURS: usize = 8;

/// The five phases, in the order of time.
const PHASES: [&str; 5] = ["resolve", "connect", "tls", "processing", "transfer"];

/// The part of a page on steps.
#[derive(Debug, Serialize)]
pub(super) struct Steps {
    /// Of the steps, or of the phases of the chosen one.
    chart: Chart,
    /// What the colours mean: class, name.
    legend: Vec<(String, String)>,
    rows: Vec<StepRow>,
    /// The chosen step; empty for all of them.
    chosen: String,
    /// How many runs were looked at.
    runs: usize,
}

/// A step in the table.
#[derive(Debug, Serialize)]
struct StepRow {
    name: String,
    class: String,
    /// Behind `step=`.
    query: String,
    p50: String,
    p95: String,
    share: String,
    /// Its mean phases: class, left and width, of 100; told in full.
    phases: Vec<(&'static str, String, String)>,
    told: String,
    chosen: bool,
}

/// What is to be shown.
pub(super) struct Wanted<'a> {
    /// The steps in the order of the journey.
    pub(super) order: Vec<StepName>,
    /// The chosen step; empty for all of them.
    pub(super) chosen: &'a str,
}

/// The steps of sampled runs; none where no step is known.
pub(super) fn steps(window: &Window, sample: &[Vec<Probe>], wanted: &Wanted<'_>) -> Option<Steps> {
    let all: Vec<&Probe> = sample.iter().flatten().filter(|p| p.success == Some(true)).collect();
    let mut names = wanted.order.clone();
    for probe in &all {
        for (part, _) in probe.parts.iter() {
            if let Part::Step(name) = part
                && !names.contains(name)
            {
                names.push(name.clone());
            }
        }
    }
    let known = |name: &StepName| {
        all.iter().any(|probe| probe.parts.get(&Part::Step(name.clone())).is_some())
    };
    names.retain(known);
    if names.is_empty() {
        return None;
    }
    let chosen = names.iter().position(|name| name.as_str() == wanted.chosen);
    let parts: Vec<(Part, String, String)> = match chosen {
        Some(at) => PHASES
            .iter()
            .map(|phase| {
                let part = Part::Phase(names[at].clone(), (*phase).into());
                (part, (*phase).to_owned(), (*phase).to_owned())
            })
            .collect(),
        None => names
            .iter()
            .enumerate()
            .map(|(at, name)| (Part::Step(name.clone()), colour(at), name.to_string()))
            .collect(),
    };
    Some(Steps {
        chart: chart(window, sample, &parts),
        legend: parts.into_iter().map(|(_, class, name)| (class, name)).collect(),
        rows: rows(&all, &names, chosen),
        chosen: chosen.map(|at| names[at].to_string()).unwrap_or_default(),
        runs: all.len(),
    })
}

fn colour(at: usize) -> String {
    format!("s{}", at.min(COLOURS - 1))
}

#[expect(clippy::cast_precision_loss, reason = "counts of sampled runs")]
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0_usize);
    for value in values {
        (sum, count) = (sum + value, count + 1);
    }
    if count == 0 { 0.0 } else { sum / count as f64 }
}

fn chart(window: &Window, sample: &[Vec<Probe>], parts: &[(Part, String, String)]) -> Chart {
    let count = sample.len().max(1);
    #[expect(clippy::cast_precision_loss, reason = "a number of stretches")]
    let edge = |at: usize| {
        let seconds = window.seconds() * at as f64 / count as f64;
        let after = SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
        window.from.checked_add(after).unwrap_or(window.to)
    };
    let mut columns: Vec<Stack> = Vec::new();
    let mut told = Vec::new();
    for (at, probes) in sample.iter().enumerate() {
        let passed: Vec<&Probe> = probes.iter().filter(|p| p.success == Some(true)).collect();
        if passed.is_empty() {
            continue;
        }
        // A part that did not happen took no time.
        let of = |part: &Part| mean(passed.iter().map(|p| p.parts.get(part).unwrap_or(0.0)));
        let values: Vec<f64> = parts.iter().map(|(part, ..)| of(part)).collect();
        let lines = parts.iter().zip(&values).rev().filter(|(_, value)| **value > 0.0);
        let lines: Vec<String> =
            lines.map(|((_, _, name), value)| format!("{name}: {}", ms(*value))).collect();
        let stretch = Stack { from: edge(at), to: edge(at + 1), parts: values };
        told.push(column(window, &stretch, lines.join("\n")));
        columns.push(stretch);
    }
    let most = columns.iter().map(|c| c.parts.iter().sum::<f64>()).fold(0.0, f64::max);
    let (top, y) = y_axis(most, HEIGHT);
    let classes: Vec<String> = parts.iter().map(|(_, class, _)| class.clone()).collect();
    Chart {
        label: "mean time of each part over time".to_owned(),
        height: HEIGHT,
        whole: HEIGHT + 24,
        y,
        x: window.ticks(),
        boxes: stack(window, &columns, &classes, (top, HEIGHT)),
        columns: told,
        ..Chart::default()
    }
}

fn column(window: &Window, stretch: &Stack, text: String) -> Column {
    let (left, right) = (window.place(stretch.from), window.place(stretch.to));
    Column {
        x: short(left.max(0.0)),
        w: short((right - left).max(0.1)),
        text,
        at: stretch.from.to_string(),
    }
}

fn rows(all: &[&Probe], names: &[StepName], chosen: Option<usize>) -> Vec<StepRow> {
    let times: Vec<Vec<f64>> = names
        .iter()
        .map(|name| {
            let part = Part::Step(name.clone());
            let mut times: Vec<f64> = all.iter().filter_map(|p| p.parts.get(&part)).collect();
            times.sort_by(f64::total_cmp);
            times
        })
        .collect();
    let means: Vec<f64> = times.iter().map(|t| mean(t.iter().copied())).collect();
    let whole: f64 = means.iter().sum();
    let longest = means.iter().copied().fold(1e-9, f64::max);
    let row = |(at, name): (usize, &StepName)| {
        let (phases, told) = phases(all, name, longest);
        let quantile = |share: usize| {
            let times = &times[at];
            times.get((times.len() * share / 100).min(times.len().saturating_sub(1))).copied()
        };
        StepRow {
            name: name.to_string(),
            class: colour(at),
            query: encoded(name.as_str()),
            p50: quantile(50).map_or_else(|| "–".to_owned(), ms),
            p95: quantile(95).map_or_else(|| "–".to_owned(), ms),
            share: format!("{:.0} %", 100.0 * means[at] / whole.max(1e-9)),
            phases,
            told,
            chosen: chosen == Some(at),
        }
    };
    names.iter().enumerate().map(row).collect()
}

/// Class, left and width of each phase, in percent of the bar.
type Pieces = Vec<(&'static str, String, String)>;

/// The mean phases of a step, as pieces of a bar that is as long as the longest step.
fn phases(all: &[&Probe], name: &StepName, longest: f64) -> (Pieces, String) {
    let (mut pieces, mut told, mut left) = (Vec::new(), Vec::new(), 0.0);
    for phase in PHASES {
        let part = Part::Phase(name.clone(), phase.into());
        let whole = Part::Step(name.clone());
        let walked = all.iter().filter(|p| p.parts.get(&whole).is_some());
        let value = mean(walked.map(|p| p.parts.get(&part).unwrap_or(0.0)));
        if value <= 0.0 {
            continue;
        }
        let width = 100.0 * value / longest;
        pieces.push((phase, short(left), short(width)));
        told.push(format!("{phase} {}", ms(value)));
        left += width;
    }
    (pieces, told.join(", "))
}
