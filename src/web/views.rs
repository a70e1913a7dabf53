//! What leaves as JSON. Times are RFC 3339, durations are milliseconds and say so in their names.

mod slo;
mod told;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    correlate,
    daemon::{Judged, Logged, Release},
    model::{
        Candidate, Change, Dismissal, Effect, Gate, Hop, KeptEvidence, Measured, Onset, Outcome,
        Part, Phases, Quantiles, Run, StepRun, Verdict,
    },
    store::{KeptDelivery, RecordOutcome, Voice},
};

pub use slo::{ObjectiveView, SloView, state as objective_state};
pub use told::{BudgetView, BudgetWindowView, FindingView, OutboxView, RollbackView};

/// A change.
#[derive(Debug, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields of the API's change are described in the design and by the model"
)]
pub struct ChangeView<'a> {
    pub id: &'a str,
    pub kind: &'static str,
    pub services: Vec<&'a str>,
    pub environments: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<&'a str>,
    pub commits: Vec<CommitView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<bool>,
    pub labels: &'a BTreeMap<String, String>,
    pub state: crate::model::ChangeState,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub source: &'a str,
}

/// A commit of a change.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "as in the model")]
pub struct CommitView<'a> {
    pub id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'a str>,
}

impl<'a> From<&'a Change> for ChangeView<'a> {
    fn from(change: &'a Change) -> Self {
        Self {
            id: change.id.as_str(),
            kind: change.kind.as_str(),
            services: change.services.iter().map(|s| s.as_str()).collect(),
            environments: change.environments.iter().map(|e| e.as_str()).collect(),
            version: change.version.as_deref(),
            previous_version: change.previous_version.as_deref(),
            build: change.build.as_deref(),
            commits: change
                .commits
                .iter()
                .map(|c| CommitView {
                    id: &c.id,
                    at: c.at,
                    author: c.author.as_deref(),
                    message: c.message.as_deref(),
                })
                .collect(),
            author: change.author.as_deref(),
            release: change.release.as_deref(),
            title: change.title.as_deref(),
            url: change.url.as_deref(),
            planned: change.planned,
            labels: &change.labels,
            state: change.state,
            started_at: change.started_at,
            finished_at: change.finished_at,
            source: &change.source,
        }
    }
}

/// What the sender of a change is told.
#[derive(Debug, Serialize)]
pub struct LoggedView<'a> {
    /// The change as it is now.
    pub change: ChangeView<'a>,
    /// `new`, `merged` or `same`.
    pub outcome: &'static str,
    /// Where it is watched.
    pub environments: Vec<&'a str>,
    /// The journeys that touch its services.
    pub journeys: Vec<&'a str>,
    /// What its sender should know.
    pub notes: &'a [String],
}

impl<'a> From<&'a Logged> for LoggedView<'a> {
    fn from(logged: &'a Logged) -> Self {
        Self {
            change: (&logged.change).into(),
            outcome: match logged.outcome {
                RecordOutcome::New => "new",
                RecordOutcome::Merged => "merged",
                RecordOutcome::Same => "same",
            },
            environments: logged.environments.iter().map(|e| e.as_str()).collect(),
            journeys: logged.journeys.iter().map(|j| j.as_str()).collect(),
            notes: &logged.notes,
        }
    }
}

/// A change with everything concluded of it.
#[derive(Debug, Serialize)]
pub struct JudgedView<'a> {
    /// The change.
    pub change: ChangeView<'a>,
    /// The overall verdict; null when no journey is watched.
    pub verdict: Option<&'static str>,
    /// Whether it is still being watched.
    pub open: bool,
    /// The answer for a pipeline.
    pub gate: &'a Gate,
    /// One for each journey, environment and metric, and for each part of a journey that moved.
    pub verdicts: Vec<VerdictView<'a>>,
}

impl<'a> From<&'a Judged> for JudgedView<'a> {
    fn from(judged: &'a Judged) -> Self {
        Self {
            change: (&judged.change).into(),
            verdict: judged.overall.map(crate::model::Conclusion::as_str),
            open: judged.open,
            gate: &judged.gate,
            verdicts: judged
                .verdicts
                .iter()
                .map(|v| VerdictView {
                    dismissed: correlate::dismissal(v, &judged.dismissed)
                        .and_then(|f| f.dismissal.as_ref()),
                    ..v.into()
                })
                .collect(),
        }
    }
}

/// A release: its verdict, and the share of each of its changes.
#[derive(Debug, Serialize)]
pub struct ReleaseView<'a> {
    /// Its id.
    pub release: &'a str,
    /// The worst verdict of its changes, without the harm that people dismissed.
    pub verdict: Option<&'static str>,
    /// Whether any of them is still being watched.
    pub open: bool,
    /// The answer for a pipeline.
    pub gate: &'a Gate,
    /// Its changes, in their order.
    pub changes: Vec<PartView<'a>>,
}

/// A change of a release.
#[derive(Debug, Serialize)]
pub struct PartView<'a> {
    /// The change.
    pub change: ChangeView<'a>,
    /// Its own verdict.
    pub verdict: Option<&'static str>,
    /// Whether it is still being watched.
    pub open: bool,
    /// Its share in the harm, 0 to 1; none while nothing is harmed.
    pub share: Option<f64>,
}

impl<'a> From<&'a Release> for ReleaseView<'a> {
    fn from(release: &'a Release) -> Self {
        let part = |judged: &'a Judged| PartView {
            change: (&judged.change).into(),
            verdict: judged.overall.map(crate::model::Conclusion::as_str),
            open: judged.open,
            share: release.shares.get(&judged.change.id).copied(),
        };
        Self {
            release: &release.id,
            verdict: release.gate.verdict.map(crate::model::Conclusion::as_str),
            open: release.changes.iter().any(|judged| judged.open),
            gate: &release.gate,
            changes: release.changes.iter().map(part).collect(),
        }
    }
}

/// Who told what of a change.
pub fn voices_view(voices: &[Voice]) -> Vec<serde_json::Value> {
    voices
        .iter()
        .map(|voice| {
            serde_json::json!({
                "source": voice.source,
                "id": voice.id.as_str(),
                "state": voice.change.state,
                "started_at": voice.change.started_at,
                "finished_at": voice.change.finished_at,
            })
        })
        .collect()
}

/// What came to the hooks.
pub fn deliveries_view(kept: &[KeptDelivery]) -> Vec<serde_json::Value> {
    kept.iter()
        .map(|kept| {
            serde_json::json!({
                "id": kept.id,
                "at": kept.at,
                "hook": kept.hook,
                "event": kept.event,
                "outcome": kept.outcome,
                "note": kept.note,
                "bytes": kept.bytes,
                "body": kept.body,
            })
        })
        .collect()
}

/// What a change did to one metric of one journey.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "as in the model's Verdict")]
pub struct VerdictView<'a> {
    pub journey: &'a str,
    pub environment: &'a str,
    pub location: &'a str,
    pub metric: &'static str,
    #[serde(skip_serializing_if = "Part::is_whole")]
    pub part: &'a Part,
    pub verdict: &'static str,
    pub summary: &'a str,
    pub log_e: Option<f64>,
    pub suspected_at_log_e: Option<f64>,
    pub regressed_at_log_e: Option<f64>,
    pub before: &'a Quantiles,
    pub after: &'a Quantiles,
    pub effect: Option<&'a Effect>,
    pub onset: Option<&'a Onset>,
    pub probes: u32,
    pub baseline_probes: u32,
    pub notes: &'a [String],
    pub candidates: &'a [Candidate],
    pub named: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dismissed: Option<&'a Dismissal>,
    pub suspected_since: Option<Timestamp>,
    pub regressed_since: Option<Timestamp>,
    pub recovered_at: Option<Timestamp>,
    pub decided_at: Timestamp,
}

impl<'a> From<&'a Verdict> for VerdictView<'a> {
    fn from(verdict: &'a Verdict) -> Self {
        Self {
            journey: verdict.journey.as_str(),
            environment: verdict.environment.as_str(),
            location: verdict.location.as_str(),
            metric: verdict.metric.as_str(),
            part: &verdict.part,
            verdict: verdict.conclusion.as_str(),
            summary: &verdict.summary,
            log_e: verdict.log_e.filter(|v| v.is_finite()),
            suspected_at_log_e: verdict.suspected_at_log_e.filter(|v| v.is_finite()),
            regressed_at_log_e: verdict.regressed_at_log_e.filter(|v| v.is_finite()),
            before: &verdict.before,
            after: &verdict.after,
            effect: verdict.effect.as_ref(),
            onset: verdict.onset.as_ref(),
            probes: verdict.probes,
            baseline_probes: verdict.baseline_probes,
            notes: &verdict.notes,
            candidates: &verdict.candidates,
            named: verdict.named.as_ref().map(|c| c.as_str()),
            dismissed: None,
            suspected_since: verdict.suspected_since,
            regressed_since: verdict.regressed_since,
            recovered_at: verdict.recovered_at,
            decided_at: verdict.decided_at,
        }
    }
}

/// A run.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "as in the model's Run; durations in ms")]
pub struct RunView<'a> {
    pub id: String,
    pub journey: &'a str,
    pub environment: &'a str,
    pub location: &'a str,
    pub revision: &'a str,
    pub trigger: crate::model::Trigger,
    pub started_at: Timestamp,
    pub late_by_ms: f64,
    pub duration_ms: f64,
    pub outcome: &'a Outcome,
    pub steps: Vec<StepView<'a>>,
    pub deployed: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<&'a crate::model::Evidence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unwell: Option<&'a crate::model::Unwell>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_url: Option<String>,
}

/// A step of a run.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "as in the model's StepRun; durations in ms")]
pub struct StepView<'a> {
    pub name: &'a str,
    pub offset_ms: f64,
    pub duration_ms: f64,
    pub outcome: crate::model::StepOutcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub retries: Vec<AttemptView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<&'a crate::model::Failure>,
    pub hops: Vec<HopView<'a>>,
    pub assertions: &'a [crate::model::AssertionResult],
    pub captures: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "<[Measured]>::is_empty")]
    pub measures: &'a [Measured],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic: Option<&'a crate::model::Traffic>,
}

/// An attempt of a step that was followed by another one.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "as in the model's Attempt; durations in ms")]
pub struct AttemptView<'a> {
    pub offset_ms: f64,
    pub duration_ms: f64,
    pub status: Option<u16>,
    pub reason: &'a str,
}

impl<'a> From<&'a crate::model::Attempt> for AttemptView<'a> {
    fn from(attempt: &'a crate::model::Attempt) -> Self {
        Self {
            offset_ms: ms(attempt.offset),
            duration_ms: ms(attempt.duration),
            status: attempt.status,
            reason: &attempt.reason,
        }
    }
}

/// A hop of a step.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "as in the model's Hop; durations in ms")]
pub struct HopView<'a> {
    pub method: &'a str,
    pub url: &'a str,
    pub status: Option<u16>,
    pub version: Option<&'a str>,
    pub offset_ms: f64,
    pub duration_ms: f64,
    pub phases_ms: BTreeMap<&'static str, f64>,
    pub reused: bool,
    pub peer: Option<std::net::SocketAddr>,
    pub body_bytes: u64,
    pub certificate_expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub server_timing_ms: BTreeMap<&'a str, f64>,
}

impl<'a> From<&'a Run> for RunView<'a> {
    fn from(run: &'a Run) -> Self {
        Self {
            id: run.id.to_string(),
            journey: run.journey.as_str(),
            environment: run.environment.as_str(),
            location: run.location.as_str(),
            revision: run.revision.as_str(),
            trigger: run.trigger,
            started_at: run.started_at,
            late_by_ms: ms(run.late_by),
            duration_ms: ms(run.duration),
            outcome: &run.outcome,
            steps: run.steps.iter().map(Into::into).collect(),
            deployed: run
                .deployed
                .iter()
                .map(|d| (d.service.as_str(), d.version.as_str()))
                .collect(),
            insecure: run.insecure,
            evidence: run.evidence.as_ref(),
            unwell: run.unwell.as_ref(),
            trace_id: run.traced.then(|| run.id.trace_id()),
            trace_url: None,
        }
    }
}

impl RunView<'_> {
    /// The same with the place where its trace is looked at.
    #[must_use]
    pub fn traced_at(mut self, url: Option<String>) -> Self {
        self.trace_url = url;
        self
    }
}

impl<'a> From<&'a StepRun> for StepView<'a> {
    fn from(step: &'a StepRun) -> Self {
        Self {
            name: step.name.as_str(),
            offset_ms: ms(step.offset),
            duration_ms: ms(step.duration),
            outcome: step.outcome,
            iteration: step.iteration,
            retries: step.retries.iter().map(Into::into).collect(),
            failure: step.failure.as_deref(),
            hops: step.hops.iter().map(Into::into).collect(),
            assertions: &step.assertions,
            captures: step.captures.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect(),
            measures: &step.measures,
            traffic: step.traffic.as_deref(),
        }
    }
}

impl<'a> From<&'a Hop> for HopView<'a> {
    fn from(hop: &'a Hop) -> Self {
        Self {
            method: &hop.method,
            url: &hop.url,
            status: hop.status,
            version: hop.version.as_deref(),
            offset_ms: ms(hop.offset),
            duration_ms: ms(hop.duration),
            phases_ms: phases(&hop.phases),
            reused: hop.reused,
            peer: hop.peer,
            body_bytes: hop.body_bytes,
            certificate_expires_at: hop.certificate_expires_at,
            server_timing_ms: hop
                .server_timing
                .iter()
                .map(|(name, duration)| (name.as_str(), ms(*duration)))
                .collect(),
        }
    }
}

fn phases(phases: &Phases) -> BTreeMap<&'static str, f64> {
    phases.named().into_iter().map(|(name, duration)| (name, ms(duration))).collect()
}

/// A run with what is kept beside it: its own evidence, or as `alike` that of a run before it that failed in the same way, and as
/// `last_good` that of the last run before it that passed.
pub fn run_with_evidence(
    run: &Run,
    kept: Option<&KeptEvidence>,
    trace_url: Option<String>,
) -> serde_json::Value {
    let mut shown = serde_json::json!(RunView::from(run).traced_at(trace_url));
    let Some(kept) = kept else { return shown };
    if kept.failing.run != run.id {
        shown["alike"] = serde_json::json!(kept.failing);
    }
    if let Some(good) = &kept.last_good {
        shown["last_good"] = serde_json::json!(good);
    }
    shown
}

/// A duration in milliseconds, to a microsecond.
pub fn ms(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
