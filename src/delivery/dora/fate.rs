//! What became of a deployment: good, failed, or nobody could see.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Commits;
use crate::model::{
    Change, ChangeId, ChangeKind, ChangeState, Conclusion, DismissalReason, EnvironmentName,
    Finding, FindingKind, FindingState, IncidentFact, ServiceName, Verdict, Word,
};

/// How a change stands with the journeys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// The worst of what is concluded.
    pub worst: Option<Conclusion>,
    /// Whether it is still being watched.
    pub open: bool,
}

/// A change with what was found and told of it.
#[derive(Debug, Clone)]
pub struct Record {
    /// The change.
    pub change: Change,
    /// How it stands.
    pub standing: Standing,
    /// Its findings, whatever became of them.
    pub findings: Vec<Finding>,
    /// Its verdicts, where it has findings.
    pub verdicts: Vec<Verdict>,
    /// When the first message of it was made for anybody.
    pub told_at: Option<Timestamp>,
    /// What a person said of it last.
    pub said: Option<Word>,
}

/// What figures are drawn from.
#[derive(Debug, Clone, Default)]
pub struct Records {
    /// Changes in any order.
    pub changes: Vec<Record>,
    /// Incidents that others keep.
    pub incidents: Vec<IncidentFact>,
    /// What is known of commits.
    pub commits: Commits,
    /// Where a change takes place that says no environment.
    pub everywhere: Vec<EnvironmentName>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The journeys are no worse.
    Good,
    /// It failed.
    Failed(Box<Failure>),
    /// Nobody can say.
    Unseen(Unseen),
}

/// Why nobody can say what became of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unseen {
    /// It is still being watched.
    Watched,
    /// No journey looked at it.
    Unwatched,
    /// Too few runs were made.
    TooFew,
    /// Neither harm nor harmlessness could be shown.
    Inconclusive,
    /// Harm is likely, not sure.
    Suspected,
}

impl Unseen {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Watched => "still being watched",
            Self::Unwatched => "no journey looked: nothing touches that service there",
            Self::TooFew => "too few runs to say",
            Self::Inconclusive => "neither harm nor harmlessness could be shown",
            Self::Suspected => "suspected, not proven",
        }
    }
}

/// Who says that a deployment failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Our verdict.
    Verdict,
    /// It was rolled back.
    RolledBack,
    /// A person, or whoever keeps the incidents.
    Said,
}

impl Why {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Verdict => "our verdict",
            Self::RolledBack => "rolled back",
            Self::Said => "a person or an incident",
        }
    }
}

/// A failed deployment and its times.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// Who says so.
    pub why: Vec<Why>,
    /// Whether the journeys could have told as well.
    pub judged: bool,
    /// When the trouble began.
    pub onset_at: Option<Timestamp>,
    /// When the first message of it was made.
    pub told_at: Option<Timestamp>,
    /// When somebody took it on.
    pub acknowledged_at: Option<Timestamp>,
    /// When it was over.
    pub recovered_at: Option<Timestamp>,
    /// Whether nobody can say when it was over: a person alone calls it failed, and no journey saw it.
    pub unseen_end: bool,
    /// Who says that: `journeys`, `rollback` or `incident`.
    pub recovered_by: Option<&'static str>,
    /// A sentence on what was wrong.
    pub summary: String,
}

impl Failure {
    /// From the onset to the first message, in seconds.
    pub fn detect_s(&self) -> Option<f64> {
        between(self.onset_at?, self.told_at?)
    }

    /// From the onset until somebody took it on, in seconds.
    pub fn react_s(&self) -> Option<f64> {
        between(self.onset_at?, self.acknowledged_at?)
    }

    /// From the onset until it was over, in seconds.
    pub fn resolve_s(&self) -> Option<f64> {
        between(self.onset_at?, self.recovered_at?)
    }
}

/// Seconds from one time to the other; nothing is over before it began.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Option<f64> {
    Some(to.duration_since(from).as_secs_f64().max(0.0))
}

/// What became of a change in an environment; `undone` is the rollback of it.
pub(super) fn fate(
    record: &Record,
    (service, environment): (&ServiceName, &EnvironmentName),
    undone: Option<&Change>,
    incidents: &[IncidentFact],
) -> Fate {
    let here = |f: &&Finding| {
        f.kind == FindingKind::Regressed
            && f.state != FindingState::Dismissed
            && (environment.as_str().is_empty() || f.environment == *environment)
    };
    let findings: Vec<&Finding> = record.findings.iter().filter(here).collect();
    let said: Vec<&IncidentFact> =
        incidents.iter().filter(|i| blames(i, &record.change, service, environment)).collect();
    let marked = mark(record);
    let mut why = Vec::new();
    if !findings.is_empty() {
        why.push(Why::Verdict);
    }
    if undone.is_some() {
        why.push(Why::RolledBack);
    }
    if !said.is_empty() || marked == Some(true) {
        why.push(Why::Said);
    }
    // A person's word that it did not fail stands against all others.
    if marked == Some(false) {
        return Fate::Good;
    }
    if why.is_empty() {
        return unseen(record).map_or(Fate::Good, Fate::Unseen);
    }
    Fate::Failed(Box::new(failure(record, why, &findings, undone, &said)))
}

/// What a person says of a change: the last word on its page, or else the label `change_failure`, as others call it.
fn mark(record: &Record) -> Option<bool> {
    if let Some(failed) = record.said.as_ref().and_then(|word| word.failed) {
        return Some(failed);
    }
    let change = &record.change;
    match change.labels.get("change_failure").map(|v| v.trim().to_ascii_lowercase()).as_deref() {
        Some("true" | "yes" | "1") => Some(true),
        Some("false" | "no" | "0") => Some(false),
        _ => None,
    }
}

/// Whether an incident blames a change: by its id, or by the very artifact it deployed. That it merely came later blames nobody.
fn blames(
    incident: &IncidentFact,
    change: &Change,
    service: &ServiceName,
    environment: &EnvironmentName,
) -> bool {
    if let Some(blamed) = &incident.change {
        return *blamed == change.id;
    }
    let place = incident.environment.as_ref().is_none_or(|e| e == environment);
    let own = incident.service.as_ref() == Some(service);
    let artifact = incident.artifact.as_deref().zip(change.labels.get("artifact"));
    let since = incident.detected_at.is_none_or(|at| at >= change.started_at);
    place && own && since && artifact.is_some_and(|(a, b)| a == b)
}

/// Why nothing is known of a change; none where the journeys spoke.
fn unseen(record: &Record) -> Option<Unseen> {
    let accepted = record.findings.iter().any(|f| f.dismissal.is_some());
    Some(match record.standing.worst {
        _ if record.standing.open => Unseen::Watched,
        None => Unseen::Unwatched,
        Some(Conclusion::Watching) => Unseen::Watched,
        Some(Conclusion::Suspected) if !accepted => Unseen::Suspected,
        Some(Conclusion::Inconclusive | Conclusion::ProberFault) => Unseen::Inconclusive,
        Some(Conclusion::InsufficientData) => Unseen::TooFew,
        // What is still called regressed here was dismissed.
        Some(_) => return None,
    })
}

fn failure(
    record: &Record,
    why: Vec<Why>,
    findings: &[&Finding],
    undone: Option<&Change>,
    said: &[&IncidentFact],
) -> Failure {
    let onset = findings.iter().filter_map(|f| f.onset_at).min();
    let detected = said.iter().filter_map(|i| i.detected_at).min();
    let (recovered_at, recovered_by) = recovered(record, findings, undone, said);
    let summary = findings
        .first()
        .map(|f| format!("{}: {}", f.journey, f.summary))
        .or_else(|| said.iter().find_map(|i| i.title.clone()))
        .or_else(|| record.said.as_ref().filter(|w| w.failed == Some(true)).map(in_words))
        .or_else(|| undone.map(|back| format!("rolled back by {}", back.id)))
        .unwrap_or_else(|| "marked as failed".to_owned());
    Failure {
        judged: !findings.is_empty() || unseen(record).is_none(),
        why,
        onset_at: onset.or(detected),
        told_at: record.told_at.filter(|_| !findings.is_empty()),
        acknowledged_at: findings.iter().filter_map(|f| Some(f.acknowledged.as_ref()?.at)).min(),
        unseen_end: findings.is_empty() && said.is_empty() && undone.is_none(),
        recovered_at,
        recovered_by,
        summary,
    }
}

fn in_words(word: &Word) -> String {
    let who = word.author.as_deref().unwrap_or("somebody");
    match &word.why {
        Some(why) => format!("{who} says that it failed: {why}"),
        None => format!("{who} says that it failed"),
    }
}

/// When it was over: when all journeys are as before; where none was hit, when the incident was, or the rollback was done.
fn recovered(
    record: &Record,
    findings: &[&Finding],
    undone: Option<&Change>,
    said: &[&IncidentFact],
) -> (Option<Timestamp>, Option<&'static str>) {
    if !findings.is_empty() {
        let ends: Option<Vec<Timestamp>> = findings.iter().map(|f| ended(record, f)).collect();
        let at = ends.and_then(|ends| ends.into_iter().max());
        return (at, at.map(|_| "journeys"));
    }
    if !said.is_empty() {
        let ends: Option<Vec<Timestamp>> = said.iter().map(|i| i.resolved_at).collect();
        if let Some(at) = ends.and_then(|ends| ends.into_iter().max()) {
            return (Some(at), Some("incident"));
        }
    }
    let back = undone.filter(|c| c.state == ChangeState::Finished).and_then(|c| c.finished_at);
    (back, back.map(|_| "rollback"))
}

/// When the journey of a finding was as before: the first run that was, where the verdict knows it.
fn ended(record: &Record, finding: &Finding) -> Option<Timestamp> {
    let closed = finding.closed_at?;
    let own = |v: &&Verdict| {
        (&v.journey, &v.environment, &v.location, v.metric, &v.part)
            == (
                &finding.journey,
                &finding.environment,
                &finding.location,
                finding.metric,
                &finding.part,
            )
    };
    let run = record.verdicts.iter().find(own).and_then(|v| v.recovered_at);
    Some(run.filter(|at| *at <= closed).unwrap_or(closed))
}

/// Whether all that people said of its findings is that they are meant so or false: for those who list what was not counted.
pub(super) fn dismissed(record: &Record) -> Option<DismissalReason> {
    record.findings.iter().find_map(|f| f.dismissal.as_ref()).map(|d| d.reason)
}

/// The change that a rollback says it undid.
pub(super) fn undid(change: &Change) -> Option<ChangeId> {
    (change.kind == ChangeKind::Rollback)
        .then(|| change.labels.get("rolls_back").map(|id| ChangeId::from(id.as_str())))
        .flatten()
}
