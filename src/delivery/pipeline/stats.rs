//! The figures of a pipeline over a span.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{FlakyTests, Line, PipelineRun, proofs};
use crate::{
    delivery::sample::{Sample, Share},
    model::PipelineOutcome,
};

/// Most rows of a list of branches.
const LISTED: usize = 12;
/// Runs listed as the slowest.
const SLOWEST: usize = 5;

/// The figures of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    /// Runs that began in the span.
    pub runs: usize,
    /// Those that ended neither well nor badly: stopped, or not needed.
    pub neither: usize,
    /// Those under way.
    pub under_way: usize,
    /// How many of those that ended well or badly ended well.
    pub success: Option<Share>,
    /// How long the good ones took, in seconds.
    pub duration: Option<Sample>,
    /// How long they waited.
    pub queue: Waits,
    /// Their stages, in the order in which they begin.
    pub stages: Vec<StageStats>,
    /// Flaky tests.
    pub flaky: FlakyTests,
    /// By branch, the busiest first.
    pub branches: Vec<Part>,
    /// By what set them off.
    pub triggers: Vec<Part>,
    /// The slowest good runs.
    pub slowest: Vec<PipelineRun>,
}

/// How long runs waited.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Waits {
    /// In seconds.
    pub seconds: Option<Sample>,
    /// Runs of which nobody said when they began to wait.
    pub unknown: usize,
}

/// The figures of a stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageStats {
    /// Its name.
    pub name: String,
    /// How long it took where it ended well, in seconds.
    pub duration: Option<Sample>,
    /// How often it ended well.
    pub success: Option<Share>,
}

/// The figures of some of the runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// Which: a branch, or what set them off.
    pub name: String,
    /// Runs.
    pub runs: usize,
    /// How many ended well.
    pub success: Option<Share>,
    /// How long the good ones took, in seconds.
    pub duration: Option<Sample>,
}

impl Stats {
    /// Of the runs that began in `[from, to)`; on `branch` only, where one is said.
    pub fn of(line: &Line, (from, to): (Timestamp, Timestamp), branch: Option<&str>) -> Self {
        let inside = |at: Timestamp| at >= from && at < to;
        let runs: Vec<&PipelineRun> = line
            .runs
            .iter()
            .filter(|run| inside(run.at))
            .filter(|run| branch.is_none_or(|b| run.branch.as_deref() == Some(b)))
            .collect();
        let (proofs, without) = proofs(line.results_within(from..to));
        let neither = |o: Option<PipelineOutcome>| {
            matches!(o, Some(PipelineOutcome::Cancelled | PipelineOutcome::Skipped))
        };
        let over: Vec<&&PipelineRun> = runs.iter().filter(|r| r.outcome.is_some()).collect();
        let mut slowest: Vec<&PipelineRun> =
            runs.iter().copied().filter(|r| r.good() == Some(true) && r.took_s.is_some()).collect();
        slowest.sort_by(|a, b| b.took_s.unwrap_or(0.0).total_cmp(&a.took_s.unwrap_or(0.0)));
        Self {
            runs: runs.len(),
            neither: runs.iter().filter(|r| neither(r.outcome)).count(),
            under_way: runs.iter().filter(|r| r.outcome.is_none()).count(),
            success: success(&runs),
            duration: duration(&runs),
            queue: Waits {
                seconds: Sample::of(runs.iter().filter_map(|r| r.waited_s)),
                unknown: over
                    .iter()
                    .filter(|r| r.waited_s.is_none() && !neither(r.outcome))
                    .count(),
            },
            stages: stages(&runs),
            flaky: FlakyTests::of(&proofs, without),
            branches: parts(&runs, |r| r.branch.as_deref().unwrap_or("no branch was said")),
            triggers: parts(&runs, |r| r.trigger),
            slowest: slowest.into_iter().take(SLOWEST).cloned().collect(),
        }
    }
}

pub(super) fn success(runs: &[&PipelineRun]) -> Option<Share> {
    let known: Vec<bool> = runs.iter().filter_map(|r| r.good()).collect();
    Share::of(known.iter().filter(|good| **good).count(), known.len())
}

pub(super) fn duration(runs: &[&PipelineRun]) -> Option<Sample> {
    Sample::of(runs.iter().filter(|r| r.good() == Some(true)).filter_map(|r| r.took_s))
}

fn parts<'a>(runs: &[&'a PipelineRun], name: impl Fn(&'a PipelineRun) -> &'a str) -> Vec<Part> {
    let mut named: BTreeMap<&str, Vec<&PipelineRun>> = BTreeMap::new();
    for run in runs {
        named.entry(name(run)).or_default().push(run);
    }
    let mut parts: Vec<Part> = named
        .into_iter()
        .map(|(name, runs)| Part {
            name: name.to_owned(),
            runs: runs.len(),
            success: success(&runs),
            duration: duration(&runs),
        })
        .collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.runs));
    parts.truncate(LISTED);
    parts
}

fn stages(runs: &[&PipelineRun]) -> Vec<StageStats> {
    let mut names: Vec<&str> = Vec::new();
    let mut named: BTreeMap<&str, (Vec<f64>, usize, usize)> = BTreeMap::new();
    for stage in runs.iter().flat_map(|run| &run.stages) {
        let (times, good, known) = named.entry(&stage.name).or_insert_with(|| {
            names.push(&stage.name);
            (Vec::new(), 0, 0)
        });
        let Some(well) = stage.good else { continue };
        *known += 1;
        *good += usize::from(well);
        times.extend(stage.took_s.filter(|_| well));
    }
    names
        .into_iter()
        .take(60)
        .filter_map(|name| {
            let (times, good, known) = named.remove(name)?;
            Some(StageStats {
                name: name.to_owned(),
                duration: Sample::of(times),
                success: Share::of(good, known),
            })
        })
        .collect()
}
