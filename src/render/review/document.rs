//! The review of a change as a document: facts and figures, no layout. Everything that shows a review is drawn from this, and it leaves and
//! comes back as JSON unaltered.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    ChangeId, ChangeKind, ChangeState, Conclusion, Effect, Exchange, GateAnswer, GateStatus,
    Metric, Note, Onset, Part, Quantiles, Word,
};

/// Everything that is known of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// What was changed.
    pub change: Subject,
    /// The worst of its verdicts, without the harm that people dismissed; none where it is not watched.
    pub verdict: Option<Conclusion>,
    /// Whether it is still being watched.
    pub open: bool,
    /// May it go on?
    pub gate: GateStatus,
    /// The verdict in a sentence.
    pub reason: String,
    /// What it did to each metric of each journey, the worst first.
    pub journeys: Vec<Judgement>,
    /// The changes that may have done the harm, this one among them, the most probable first; empty while nothing is harmed.
    pub suspects: Vec<Suspect>,
    /// The worst of the journeys in detail.
    pub cases: Vec<Case>,
    /// How many more journeys were harmed than there are cases.
    pub more_cases: usize,
    /// Who was told of it.
    pub alerts: Vec<Alert>,
    /// How long messages are kept, in days.
    pub alerts_kept_days: u64,
    /// What pipelines were answered.
    pub gate_answers: Vec<GateAnswer>,
    /// How it was undone.
    pub rollbacks: Vec<Undo>,
    /// What people called nothing, and why.
    pub dismissed: Vec<Dismissed>,
    /// Who took it on.
    pub acknowledged: Vec<Taken>,
    /// What people wrote.
    pub notes: Vec<Note>,
    /// Whether people call it failed: everything that was said, oldest first; the last word holds.
    #[serde(default)]
    pub outcome: Vec<Word>,
    /// What nothing here knows of it, a sentence each.
    pub hints: Vec<String>,
    /// Its page, where people find the agent.
    pub page: Option<String>,
    /// When this was put together.
    pub made_at: Timestamp,
}

/// What was changed, by whom, when and from where it was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// Its id.
    pub id: ChangeId,
    /// What sort.
    pub kind: ChangeKind,
    /// For people: `shop 2.4.1`.
    pub what: String,
    /// Which services.
    pub services: Vec<String>,
    /// Where.
    pub environments: Vec<String>,
    /// What is deployed now.
    pub version: Option<String>,
    /// What was deployed before.
    pub previous_version: Option<String>,
    /// The build that made it.
    pub build: Option<String>,
    /// The release it belongs to.
    pub release: Option<String>,
    /// A line for people.
    pub title: Option<String>,
    /// Who did it.
    pub author: Option<String>,
    /// Whether it was announced.
    pub planned: Option<bool>,
    /// Where to read more.
    pub url: Option<String>,
    /// Its commits, oldest first.
    pub commits: Vec<CommitLine>,
    /// Who told of it: hooks, `api`, `cli`.
    pub told_by: Vec<String>,
    /// How far it is.
    pub state: ChangeState,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was done.
    pub finished_at: Option<Timestamp>,
    /// Everything else that was said.
    pub labels: BTreeMap<String, String>,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitLine {
    /// Its hash.
    pub id: String,
    /// Its first line.
    pub message: Option<String>,
    /// By whom.
    pub author: Option<String>,
    /// Its page at the forge, where that is known.
    pub url: Option<String>,
}

/// What it did to one metric of one journey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The journey.
    pub journey: String,
    /// The environment.
    pub environment: String,
    /// The location.
    pub location: String,
    /// The metric.
    pub metric: Metric,
    /// Which part of the journey.
    #[serde(default, skip_serializing_if = "Part::is_whole")]
    pub part: Part,
    /// The metric for people: "latency", "latency of step `pay`".
    pub subject: String,
    /// What is concluded.
    pub verdict: Conclusion,
    /// A sentence with the figures in it.
    pub summary: String,
    /// Before the change.
    pub before: Quantiles,
    /// After the onset.
    pub after: Quantiles,
    /// How much it moved, with its 90% interval.
    pub effect: Option<Effect>,
    /// When it began, with its 90% interval.
    pub onset: Option<Onset>,
    /// When it was as before again.
    pub recovered_at: Option<Timestamp>,
    /// Runs after the change that were looked at.
    pub probes: u32,
    /// Runs before it that the baseline was made of.
    pub baseline_probes: u32,
    /// What was left out or treated specially.
    pub notes: Vec<String>,
    /// The changes that may have done it, the most probable first; what is missing to 1 is "none of these".
    pub suspects: Vec<Share>,
    /// What a person said of it, where they dismissed it.
    pub dismissed: Option<String>,
    /// Its parts that moved, in their order.
    pub parts: Vec<Self>,
}

/// How probable it is that a change did it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Which.
    pub change: ChangeId,
    /// Of 1.
    pub probability: f64,
}

/// A change that may have done the harm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suspect {
    /// Which.
    pub change: ChangeId,
    /// What was changed; the id where nothing is known.
    pub what: String,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// The mean of its probabilities over all that is harmed, of 1.
    pub share: f64,
    /// Whether it is the change that is reviewed.
    pub own: bool,
}

/// A harmed journey in detail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Which of [`Review::journeys`].
    pub of: usize,
    /// The span of the chart.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// The length of a stretch, in seconds.
    pub step_s: f64,
    /// Stretches with runs, in the order of time.
    pub stretches: Vec<Stretch>,
    /// Runs that failed, the newest ones.
    pub failures: Vec<Moment>,
    /// Changes of the span.
    pub changes: Vec<Flag>,
    /// The last good run before.
    pub good: Option<Walk>,
    /// The first bad one.
    pub bad: Option<Walk>,
    /// The step that moved most.
    pub step: Option<String>,
    /// The phase of it that moved most.
    pub phase: Option<String>,
    /// What the step of the bad run sent and got last, where that is kept.
    pub bad_exchange: Option<Exchange>,
    /// The same of the good run.
    pub good_exchange: Option<Exchange>,
    /// What a browser showed last, as a `data:` address.
    pub picture: Option<String>,
}

/// Runs of a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    /// When it begins.
    pub at: Timestamp,
    /// 5th percentile, median and 95th percentile of the runs that passed, in ms; none where none did.
    pub ms: Option<[f64; 3]>,
    /// How many passed.
    pub passed: u64,
    /// How many failed.
    pub failed: u64,
}

/// A run that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// When it began.
    pub at: Timestamp,
    /// Which run.
    pub run: String,
    /// Where it failed.
    pub step: Option<String>,
}

/// A change on a chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flag {
    /// When it began.
    pub at: Timestamp,
    /// Which.
    pub change: ChangeId,
    /// For people: `deploy of shop 2.4.1`.
    pub what: String,
    /// Its worst verdict; none where it has none.
    pub verdict: Option<Conclusion>,
    /// Whether it is the change that is reviewed.
    pub own: bool,
}

/// A run, step by step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Walk {
    /// Which.
    pub run: String,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in ms.
    pub ms: f64,
    /// `passed` or `failed`.
    pub result: String,
    /// Why it failed.
    pub message: Option<String>,
    /// Its steps, in order.
    pub steps: Vec<WalkStep>,
}

/// A step of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WalkStep {
    /// Its name; with the round where it repeats.
    pub name: String,
    /// `passed`, `failed`, `broken` or `skipped`.
    pub outcome: String,
    /// How long it took, in ms.
    pub ms: f64,
    /// Where the time of its requests went: name and ms; empty of a browser's step.
    pub phases: Vec<(String, f64)>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// When it was thought of.
    pub at: Timestamp,
    /// To whom.
    pub to: String,
    /// What it says, in a line.
    pub what: String,
    /// `delivered`, `pending`, `given_up`, `superseded`, `begun` or `unknown`.
    pub state: String,
    /// When it was delivered or given up.
    pub settled_at: Option<Timestamp>,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// An order to undo it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// By which `[[rollback]]`.
    pub hook: String,
    /// `dry_run`, `ordered`, `done`, `failed` or `unknown`.
    pub state: String,
    /// Who wanted it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// When it was known what came of it.
    pub settled_at: Option<Timestamp>,
    /// Why it did not become what it should.
    pub error: Option<String>,
}

/// What a person called nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissed {
    /// The journey and what of it: "latency of checkout in production".
    pub what: String,
    /// `false_alarm` or `accepted`.
    pub reason: String,
    /// Who.
    pub by: Option<String>,
    /// In their words.
    pub note: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
}

/// Who took a finding on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The journey and what of it.
    pub what: String,
    /// Who.
    pub by: Option<String>,
    /// In their words.
    pub note: Option<String>,
    /// When.
    pub at: Timestamp,
}
