//! Facts gathered into the runs of pipelines, each with its stages.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{PipelineFact, PipelineKey, PipelineKind, PipelineOutcome, ServiceName};

/// How far up a test looks for the run it is a part of.
const DEEPEST: usize = 4;

/// A run of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PipelineRun {
    /// Its id.
    pub id: String,
    /// When it began, or began to wait where it has not begun.
    pub at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<PipelineOutcome>,
    /// The branch or tag.
    pub branch: Option<String>,
    /// Whether that is the main one of its repository.
    pub main: bool,
    /// What set it off, one of a few words.
    pub trigger: &'static str,
    /// The commit.
    pub commit: Option<String>,
    /// Its first line.
    pub message: Option<String>,
    /// Who set it off, or made the commit.
    pub author: Option<String>,
    /// From its beginning to its end, in seconds.
    pub took_s: Option<f64>,
    /// How long it waited for a machine, in seconds.
    pub waited_s: Option<f64>,
    /// Its stages, in the order in which they began.
    pub stages: Vec<StageRun>,
    /// Where to read more.
    pub url: Option<String>,
}

impl PipelineRun {
    /// Whether it ended well; none where it ended neither well nor badly, or has not.
    pub fn good(&self) -> Option<bool> {
        match self.outcome? {
            PipelineOutcome::Success => Some(true),
            PipelineOutcome::Failure | PipelineOutcome::Error => Some(false),
            PipelineOutcome::Cancelled | PipelineOutcome::Skipped => None,
        }
    }
}

/// A stage of a run: all its jobs, or the one job where there are no stages.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageRun {
    /// Its name.
    pub name: String,
    /// When it began.
    pub at: Timestamp,
    /// From the beginning of its first job to the end of its last, in seconds.
    pub took_s: Option<f64>,
    /// Whether all its jobs ended well.
    pub good: Option<bool>,
}

/// The result of a test, or of a job that says as much.
#[derive(Debug, Clone, PartialEq)]
pub struct TestResult {
    /// The pipeline it ran in, where that is known.
    pub pipeline: Option<PipelineKey>,
    /// Its suite; of a job none.
    pub suite: Option<String>,
    /// Its name.
    pub name: String,
    /// Whether it is a job and no test.
    pub job: bool,
    /// The commit it ran on.
    pub commit: Option<String>,
    /// What set it off.
    pub trigger: &'static str,
    /// Whether it ended well.
    pub outcome: Option<PipelineOutcome>,
    /// When.
    pub at: Option<Timestamp>,
}

/// All runs of a pipeline, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Which pipeline.
    pub key: PipelineKey,
    /// Whose code.
    pub service: Option<ServiceName>,
    /// Its runs.
    pub runs: Vec<PipelineRun>,
    /// Results of its tests and jobs.
    pub results: Vec<TestResult>,
}

impl Line {
    /// The results of its tests and jobs within a span; they stand in the order of time, those of which nobody said when first.
    pub(super) fn results_within(&self, span: Range<Timestamp>) -> &[TestResult] {
        let before = |end: Timestamp| self.results.partition_point(|r| r.at < Some(end));
        let begin = before(span.start);
        &self.results[begin..before(span.end).max(begin)]
    }
}

/// All pipelines.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lines {
    /// By their names.
    pub all: BTreeMap<PipelineKey, Line>,
    /// Results of tests that no run is known of.
    pub loose: Vec<TestResult>,
    /// Jobs of runs that nobody told.
    pub orphans: usize,
}

/// What set a run off, in one of a few words, whatever its sender calls it.
pub fn trigger(word: Option<&str>) -> &'static str {
    match word.unwrap_or_default() {
        "push" => "push",
        "pull_request"
        | "pull_request_target"
        | "merge_request_event"
        | "merge_group"
        | "external_pull_request_event"
        | "pull_request_review" => "pull_request",
        "schedule" | "scheduled" | "cron" | "timer" => "schedule",
        "workflow_dispatch" | "manual" | "web" | "chat" | "webide" => "manual",
        "repository_dispatch" | "api" | "trigger" | "remote" => "api",
        "workflow_run" | "workflow_call" | "pipeline" | "parent_pipeline" | "upstream"
        | "event" => "pipeline",
        "release" | "create" | "tag" | "tag_push" => "release",
        "" => "unknown",
        _ => "other",
    }
}

/// How a run or a test ended, in the word of metrics and JSON.
pub fn result(outcome: PipelineOutcome) -> &'static str {
    match outcome {
        PipelineOutcome::Success => "success",
        PipelineOutcome::Failure => "failure",
        PipelineOutcome::Error => "error",
        PipelineOutcome::Cancelled => "cancelled",
        PipelineOutcome::Skipped => "skipped",
    }
}

/// Gathers facts, in any order. A build that is part of no run is a pipeline of its own.
pub fn lines(facts: &[PipelineFact]) -> Lines {
    let known: HashMap<&str, &PipelineFact> = facts.iter().map(|f| (f.id.as_str(), f)).collect();
    let mut jobs: HashMap<&str, Vec<&PipelineFact>> = HashMap::new();
    let mut lines = Lines::default();
    for fact in facts.iter().filter(|f| matches!(f.kind, PipelineKind::Task | PipelineKind::Build))
    {
        match top(fact, &known) {
            Some(run) => jobs.entry(run.id.as_str()).or_default().push(fact),
            None if fact.kind == PipelineKind::Task => lines.orphans += 1,
            None => {}
        }
    }
    for fact in facts.iter().filter(|f| is_run(f)) {
        let Some(at) = fact.at() else { continue };
        let own = jobs.remove(fact.id.as_str()).unwrap_or_default();
        let line = lines.line(fact);
        line.results.extend(own.iter().map(|job| result_of(job, Some(fact), true)));
        line.runs.push(run(fact, at, &own));
    }
    for fact in facts.iter().filter(|f| f.kind == PipelineKind::Test) {
        let run = top(fact, &known);
        let found = result_of(fact, run, false);
        let suite = fact.parent.as_deref().and_then(|p| known.get(p));
        let suite = suite.filter(|p| p.kind == PipelineKind::Test).unwrap_or(&fact);
        let found = TestResult { suite: Some(suite.name.clone()), ..found };
        match run {
            Some(run) => lines.line(run).results.push(found),
            None => lines.loose.push(found),
        }
    }
    for line in lines.all.values_mut() {
        line.runs.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        line.results.sort_by(|a, b| {
            (a.at, &a.name, &a.commit, a.outcome).cmp(&(b.at, &b.name, &b.commit, b.outcome))
        });
    }
    lines
}

impl Lines {
    fn line(&mut self, run: &PipelineFact) -> &mut Line {
        let key = key(run);
        let line = self.all.entry(key.clone()).or_insert_with(|| Line {
            key,
            service: None,
            runs: Vec::new(),
            results: Vec::new(),
        });
        if line.service.is_none() {
            line.service.clone_from(&run.service);
        }
        line
    }
}

fn key(run: &PipelineFact) -> PipelineKey {
    let repository = run.repository.clone().unwrap_or_default();
    PipelineKey { repository, name: run.name.clone() }
}

fn is_run(fact: &PipelineFact) -> bool {
    match fact.kind {
        PipelineKind::Pipeline => true,
        PipelineKind::Build => fact.parent.is_none(),
        _ => false,
    }
}

/// The run that a fact is a part of.
fn top<'a>(
    fact: &PipelineFact,
    known: &HashMap<&str, &'a PipelineFact>,
) -> Option<&'a PipelineFact> {
    let mut at = *known.get(fact.parent.as_deref()?)?;
    for _ in 0..DEEPEST {
        if is_run(at) {
            return Some(at);
        }
        at = known.get(at.parent.as_deref()?)?;
    }
    None
}

fn result_of(fact: &PipelineFact, run: Option<&PipelineFact>, job: bool) -> TestResult {
    TestResult {
        pipeline: run.map(key),
        suite: None,
        name: fact.name.clone(),
        job,
        commit: fact.commit.clone().or_else(|| run.and_then(|run| run.commit.clone())),
        trigger: trigger(run.and_then(|run| run.trigger.as_deref())),
        outcome: fact.outcome,
        at: fact.finished_at.or(fact.at()),
    }
}

fn run(fact: &PipelineFact, at: Timestamp, jobs: &[&PipelineFact]) -> PipelineRun {
    let newest = fact.commits.last();
    PipelineRun {
        id: fact.id.clone(),
        at,
        finished_at: fact.finished_at,
        outcome: fact.outcome,
        branch: fact.reference.clone(),
        main: fact.main,
        trigger: trigger(fact.trigger.as_deref()),
        commit: fact.commit.clone().or_else(|| newest.map(|c| c.id.clone())),
        message: newest.and_then(|c| c.message.clone()),
        author: newest.and_then(|c| c.author.clone()).or_else(|| fact.author.clone()),
        took_s: took(fact.started_at, fact.finished_at),
        waited_s: waited(fact, jobs),
        stages: stages(jobs),
        url: fact.url.clone(),
    }
}

/// Seconds between two times; none where the clock of a sender ran backwards.
fn took(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<f64> {
    let seconds = to?.duration_since(from?).as_secs_f64();
    (seconds >= 0.0).then_some(seconds)
}

/// How long a run waited: until it began, or where its sender begins it at once (GitHub) until the first of its jobs did.
fn waited(run: &PipelineFact, jobs: &[&PipelineFact]) -> Option<f64> {
    let own = took(run.queued_at, run.started_at).filter(|s| *s > 0.0);
    let first = jobs.iter().filter_map(|job| took(job.queued_at, job.started_at));
    own.or_else(|| first.min_by(f64::total_cmp)).or_else(|| took(run.queued_at, run.started_at))
}

fn stages(jobs: &[&PipelineFact]) -> Vec<StageRun> {
    let mut named: BTreeMap<&str, Vec<&PipelineFact>> = BTreeMap::new();
    for job in jobs {
        named.entry(job.stage.as_deref().unwrap_or(&job.name)).or_default().push(job);
    }
    let mut stages: Vec<StageRun> = named
        .into_iter()
        .filter_map(|(name, jobs)| {
            let at = jobs.iter().filter_map(|job| job.started_at).min()?;
            let walked = || jobs.iter().filter(|job| job.started_at.is_some());
            let ends: Option<Vec<Timestamp>> = walked().map(|job| job.finished_at).collect();
            let bad =
                |o: PipelineOutcome| matches!(o, PipelineOutcome::Failure | PipelineOutcome::Error);
            let ended: Option<Vec<PipelineOutcome>> = walked().map(|job| job.outcome).collect();
            Some(StageRun {
                name: name.to_owned(),
                at,
                took_s: took(Some(at), ends.and_then(|ends| ends.into_iter().max())),
                good: ended.map(|all| !all.into_iter().any(bad)),
            })
        })
        .collect();
    stages.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    stages
}
