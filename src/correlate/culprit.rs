//! Who did it? Gathers what the series of one change say and asks [`blame`] which of the changes explains the pattern.

use std::collections::BTreeMap;

use crate::model::{Change, Metric, ServiceName};

use super::{
    blame::{Signal, Suspect, blame},
    figures::median_of,
    judge::Judge,
    report::Suspects,
    series::{Line, latency_of, seconds},
    watch::{METRICS, Track},
};

/// Newest runs that say how many milliseconds a journey takes now.
const NOW: usize = 10;

/// Runs before the change that say how many it took.
const THEN: usize = 180;

/// What is seen from one change: the series of its environment, and the changes that may have moved them.
pub(super) struct View<'a> {
    pub(super) tracks: Vec<(&'a Line, &'a Track)>,
    pub(super) changes: Vec<&'a Change>,
    pub(super) depends_on: &'a BTreeMap<ServiceName, Vec<ServiceName>>,
}

/// The changes by how probable they are; nobody, while nothing is suspected anywhere.
pub(super) fn suspects(view: &View<'_>) -> Suspects {
    let whole = |t: &Track| METRICS.iter().any(|m| t.stirred(*m));
    let stirred = |t: &Track| whole(t) || t.parts.stirred().next().is_some();
    if !view.tracks.iter().any(|(_, track)| stirred(track)) {
        return Suspects::default();
    }
    let suspects: Vec<Suspect> = view
        .changes
        .iter()
        .map(|c| Suspect {
            id: c.id.clone(),
            services: c.services.clone(),
            started_at_s: seconds(c.started_at),
            finished_at_s: c.finished_at.map(seconds),
        })
        .collect();
    let signals: Vec<Signal> = view
        .tracks
        .iter()
        .flat_map(|(line, track)| {
            // Where the journey as a whole hardly moved, the part that moved most speaks for its time.
            let loudest = track.parts.stirred().map(|(_, judge)| judge).max_by(|a, b| {
                let of = |j: &Judge| j.peak.map_or(0.0, |p| p.log_e);
                of(a).total_cmp(&of(b))
            });
            let part = loudest.filter(|_| !track.stirred(Metric::Latency));
            METRICS.iter().filter_map(move |metric| {
                let judge = part.filter(|_| *metric == Metric::Latency).or(track.judge(*metric));
                signal(line, judge?)
            })
        })
        .collect();
    let blamed = blame(&suspects, &signals, view.depends_on);
    Suspects { candidates: blamed.candidates, named: blamed.named }
}

/// What one metric of one series says; none before its first look.
fn signal(line: &Line, judge: &Judge) -> Option<Signal> {
    let peak = judge.peak?;
    let (onset, ..) = judge.onset()?;
    Some(Signal {
        journey: line.member.series.journey.clone(),
        services: line.member.services.clone(),
        metric: judge.metric,
        log_e: peak.log_e,
        onset_s: seconds(onset),
        added_ms: if judge.metric == Metric::Latency { added(line, judge) } else { 0.0 },
    })
}

/// By how many milliseconds a journey is slower now than before the change, by medians; 0 where that is not known.
fn added(line: &Line, judge: &Judge) -> f64 {
    let newest = |from: usize, to: usize, most: usize| -> Option<f64> {
        let times = line.probes[from.min(to)..to].iter().rev().filter_map(latency_of);
        median_of(times.take(most).collect())
    };
    let before = &judge.before;
    let then = newest(before.present, before.end, THEN);
    let now = newest(line.from(judge.frame.after(0.0)), line.probes.len(), NOW);
    match (then, now) {
        (Some(then), Some(now)) => now - then,
        _ => 0.0,
    }
}
