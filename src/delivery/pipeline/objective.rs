//! What pipelines should keep, and whether they do.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{FlakyTests, Line, PipelineRun, proofs, stats};
use crate::{
    delivery::{length, sample::Sample},
    model::{PipelineConcern, PipelineGoals, PipelineSignal},
};

/// What was missed is kept again when it is by this share of what is allowed: no finding comes and goes with every run.
const SLACK: f64 = 0.1;

/// How an objective stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// It is missed.
    Missed,
    /// It is kept, but so barely that what was missed before is not over yet.
    Nearly,
    /// It is kept.
    Kept,
    /// Too few runs to say.
    TooFew,
    /// Nothing ran.
    Idle,
}

/// An objective of a pipeline, and how it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Objective {
    /// What of which pipeline.
    #[serde(skip)]
    pub concern: PipelineConcern,
    /// How it stands.
    pub state: Kept,
    /// A sentence.
    pub summary: String,
    /// Runs, or what tests said of commits, by which it is judged.
    pub n: usize,
    /// When the first of the runs began.
    #[serde(skip)]
    pub onset_at: Timestamp,
    /// When the last of them was over.
    #[serde(skip)]
    pub seen_at: Timestamp,
}

/// What objectives are judged by.
struct Judged<'a> {
    line: &'a Line,
    runs: Vec<&'a PipelineRun>,
    least: usize,
    /// How the span is called, and which runs are meant.
    over: String,
    which: &'static str,
    onset_at: Timestamp,
    seen_at: Timestamp,
}

/// How each objective of a pipeline stands. Judged are the runs of its main branch, where that is known, else all: what people try on branches
/// is meant to fail.
pub fn objectives(
    line: &Line,
    goals: &PipelineGoals,
    window: Duration,
    now: Timestamp,
) -> Vec<Objective> {
    let from = now.checked_sub(window).unwrap_or(Timestamp::UNIX_EPOCH);
    let has_main = line.runs.iter().any(|run| run.main);
    let inside = |run: &&PipelineRun| {
        let recent = run.finished_at.is_some_and(|at| at >= from && at <= now);
        recent && run.outcome.is_some() && (run.main || !has_main)
    };
    let runs: Vec<&PipelineRun> = line.runs.iter().filter(inside).collect();
    let judged = Judged {
        line,
        least: usize::try_from(goals.min_runs).unwrap_or(usize::MAX),
        over: span(window),
        which: if has_main { " of the main branch" } else { "" },
        onset_at: runs.first().map_or(now, |run| run.at),
        seen_at: runs.iter().filter_map(|run| run.finished_at).max().unwrap_or(now),
        runs,
    };
    let mut all = Vec::new();
    all.extend(goals.success.map(|goal| judged.success(goal)));
    let build = || stats::duration(&judged.runs);
    all.extend(
        goals.build.map(|goal| judged.time(PipelineSignal::Duration, "took", goal, build())),
    );
    let waits = || Sample::of(judged.runs.iter().filter_map(|r| r.waited_s));
    all.extend(goals.queue.map(|goal| judged.time(PipelineSignal::Queue, "waited", goal, waits())));
    all.extend(goals.flaky.map(|goal| judged.flaky(goal, (from, now))));
    all
}

impl Judged<'_> {
    fn success(&self, goal: f64) -> Objective {
        let share = stats::success(&self.runs);
        let (n, value) = share.map_or((0, 1.0), |s| (s.n, s.share));
        let summary = format!(
            "{:.1}% of {n} runs{} ended well in {}; {}% should",
            // Down to a tenth: what misses is never rounded up to what does not.
            (1000.0 * value).floor() / 10.0,
            self.which,
            self.over,
            plain(100.0 * goal)
        );
        let kept = value >= goal + SLACK * (1.0 - goal);
        self.objective(PipelineSignal::Success, n, (value < goal, kept), summary)
    }

    fn time(
        &self,
        signal: PipelineSignal,
        verb: &str,
        goal: Duration,
        sample: Option<Sample>,
    ) -> Objective {
        let (n, value) = sample.map_or((0, 0.0), |s| (s.n, s.mean));
        let goal = goal.as_secs_f64();
        let summary = format!(
            "{n} runs{} {verb} {} on average in {}; it should be below {}",
            self.which,
            length(value),
            self.over,
            length(goal)
        );
        self.objective(signal, n, (value >= goal, value <= goal * (1.0 - SLACK)), summary)
    }

    fn flaky(&self, goal: f64, (from, now): (Timestamp, Timestamp)) -> Objective {
        let end = now.checked_add(SignedDuration::from_nanos(1)).unwrap_or(now);
        let (proofs, without) = proofs(self.line.results_within(from..end));
        let flaky = FlakyTests::of(&proofs, without);
        let (n, value) = flaky.of.map_or((0, 0.0), |s| (s.n, s.share));
        let what = if flaky.jobs { "jobs" } else { "tests" };
        let names: Vec<String> =
            flaky.list.iter().take(3).map(|f| format!("`{}`", f.name)).collect();
        let names =
            if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
        let summary = format!(
            "{}% of {n} commits that {what} ran on were called both good and bad in {}{names}; it should be below {}%",
            plain((1000.0 * value).ceil() / 10.0),
            self.over,
            plain(100.0 * goal)
        );
        let bad = value >= goal && value > 0.0;
        self.objective(PipelineSignal::Flaky, n, (bad, value <= goal * (1.0 - SLACK)), summary)
    }

    fn objective(
        &self,
        signal: PipelineSignal,
        n: usize,
        (missed, kept): (bool, bool),
        summary: String,
    ) -> Objective {
        let state = match (n, missed, kept) {
            (0, ..) => Kept::Idle,
            (n, ..) if n < self.least => Kept::TooFew,
            (_, true, _) => Kept::Missed,
            (_, _, true) => Kept::Kept,
            _ => Kept::Nearly,
        };
        let idle = format!("nothing of it was told for {}", self.over);
        Objective {
            concern: PipelineConcern {
                pipeline: self.line.key.clone(),
                service: self.line.service.clone(),
                signal,
                branch: None,
                trigger: None,
                objective: true,
            },
            state,
            summary: if n == 0 { idle } else { summary },
            n,
            onset_at: self.onset_at,
            seen_at: self.seen_at,
        }
    }
}

/// A number without idle zeros.
fn plain(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A span as it is called.
fn span(window: Duration) -> String {
    match window.as_secs() {
        s if s % 86_400 == 0 && s > 86_400 => format!("{} days", s / 86_400),
        s if s % 3600 == 0 && s > 3600 => format!("{} hours", s / 3600),
        _ => length(window.as_secs_f64()),
    }
}
