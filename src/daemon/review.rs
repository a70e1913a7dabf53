//! Gathers what is known of a change into the one document that its page, its report and the API show.

mod case;
mod digest;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use digest::{DigestAsk, Week, digest};

use super::{
    handle::{Handle, HandleError, Judged, look_up, unmapped},
    setup::Setup,
};
use crate::{
    correlate,
    model::{
        Change, ChangeId, ChangeKind, Conclusion, Finding, FindingState, GateAnswer, Metric,
        Notice, Parcel, Retention, RollbackRecord, SeriesKey, Verdict, Witness,
    },
    render::{
        review::{
            Alert, Case, CommitLine, Dismissed, Judgement, Review, Share, Subject, Suspect, Taken,
            Undo, forge,
        },
        words::what,
    },
    store::{FindingFilter, OutboxMessage, Store, StoreError},
};

/// Journeys that are shown in detail.
const CASES: usize = 4;
/// Suspects that are shown.
const SUSPECTS: usize = 8;
/// Findings of a change that are read.
const FINDINGS: usize = 500;

/// Knows good runs that are not on disk.
pub trait Good: Sync {
    /// What the last good run of a series sent and got.
    fn last(&self, series: &SeriesKey) -> Option<Witness>;
}

/// Knows none.
impl Good for () {
    fn last(&self, _series: &SeriesKey) -> Option<Witness> {
        None
    }
}

impl Good for Handle {
    fn last(&self, series: &SeriesKey) -> Option<Witness> {
        self.goods.last(series)
    }
}

/// Where a review is put together, and for whom.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// What is stored.
    pub store: &'a Store,
    /// What is configured; none where only a data file is at hand.
    pub setup: Option<&'a Setup>,
    /// Good runs that are not on disk.
    pub good: &'a dyn Good,
    /// Where people find the agent: without a slash at its end.
    pub base: Option<&'a str>,
    /// The time.
    pub now: Timestamp,
}

impl Handle {
    /// The review of a change; `base` is where people find the agent.
    ///
    /// # Errors
    /// No such change, or the store failed.
    pub async fn review(&self, id: &ChangeId, base: Option<&str>) -> Result<Review, HandleError> {
        let setup = self.setup();
        let (setup, now) = (Some(&*setup), self.now());
        let desk = Desk { store: &self.store, setup, good: self, base, now };
        let mut judged = self.judged(id).await?;
        Ok(put_together(&desk, &mut judged).await?)
    }

    /// Keeps what a gate answered to somebody; a failing disk is nobody's verdict.
    pub fn answered(&self, judged: &Judged, by: Option<String>, via: &str) {
        let answer = answered(judged, by, via, self.now());
        if let Err(e) = self.store.gate_answered(answer) {
            tracing::warn!(error = %e, "gate.unkept: an answer could not be kept");
        }
    }
}

/// What a gate answers, to be kept.
pub fn answered(judged: &Judged, by: Option<String>, via: &str, at: Timestamp) -> GateAnswer {
    GateAnswer {
        change: judged.change.id.clone(),
        by,
        via: via.to_owned(),
        status: judged.gate.status,
        verdict: judged.gate.verdict,
        reason: judged.gate.reason.clone(),
        at,
        last_at: at,
        times: 1,
    }
}

/// The review of a change with everything the store knows of it; none if nobody logged it.
///
/// # Errors
/// The store failed.
pub async fn review(desk: &Desk<'_>, id: &ChangeId) -> Result<Option<Review>, StoreError> {
    match look_up(desk.store, id).await? {
        Some(mut judged) => Ok(Some(put_together(desk, &mut judged).await?)),
        None => Ok(None),
    }
}

async fn put_together(desk: &Desk<'_>, judged: &mut Judged) -> Result<Review, StoreError> {
    let (store, id) = (desk.store, judged.change.id.clone());
    judged.verdicts.sort_by(|a, b| (a.conclusion, &a.journey).cmp(&(b.conclusion, &b.journey)));
    let findings = store
        .findings(FindingFilter {
            change: Some(id.clone()),
            limit: FINDINGS,
            ..FindingFilter::default()
        })
        .await?;
    let journeys = judgements(&judged.verdicts, &judged.dismissed);
    let suspects = suspects(desk, judged).await?;
    let (cases, more_cases) = cases(desk, judged, &journeys).await?;
    let messages = store.messages_of(&id).await?;
    let kept = desk.setup.map_or_else(Retention::default, |s| s.settings.retention.clone());
    Ok(Review {
        change: of(desk, &judged.change).await?,
        verdict: judged.overall,
        open: judged.open,
        gate: judged.gate.status,
        reason: judged.gate.reason.clone(),
        journeys,
        suspects,
        cases,
        more_cases,
        alerts: messages.iter().map(alert).collect(),
        alerts_kept_days: kept.evidence.as_secs() / 86_400,
        gate_answers: store.gate_answers(&id).await?,
        rollbacks: store.rollbacks(&id).await?.iter().map(undo).collect(),
        dismissed: findings.iter().filter_map(dismissed).collect(),
        acknowledged: findings.iter().filter_map(taken).collect(),
        notes: store.notes(&id).await?,
        outcome: store.words(&id).await?,
        hints: desk.setup.map(|setup| unmapped(setup, &judged.change)).unwrap_or_default(),
        page: desk.base.map(|base| format!("{base}/changes/{}", encoded(id.as_str()))),
        made_at: desk.now,
    })
}

async fn of(desk: &Desk<'_>, change: &Change) -> Result<Subject, StoreError> {
    let voices = desk.store.voices(&change.id).await?;
    let mut told_by: Vec<String> = Vec::new();
    for source in voices.iter().map(|v| &v.source).chain([&change.source]) {
        if !source.is_empty() && !told_by.contains(source) {
            told_by.push(source.clone());
        }
    }
    let services = desk.setup.map(|setup| &setup.settings.services);
    let template =
        change.services.iter().find_map(|name| services?.get(name)?.commit_url.as_deref());
    let commit = |commit: &crate::model::Commit| CommitLine {
        id: commit.id.clone(),
        message: commit.message.clone(),
        author: commit.author.clone(),
        url: forge::commit_url(change, template, &commit.id),
    };
    let commits = change.commits.iter().rev().take(50).rev().map(commit).collect();
    let change = change.clone();
    Ok(Subject {
        what: what(&change),
        kind: change.kind,
        services: change.services.iter().map(ToString::to_string).collect(),
        environments: change.environments.iter().map(ToString::to_string).collect(),
        version: change.version,
        previous_version: change.previous_version,
        build: change.build,
        release: change.release,
        title: change.title,
        author: change.author,
        planned: change.planned,
        url: change.url,
        commits,
        told_by,
        state: change.state,
        started_at: change.started_at,
        finished_at: change.finished_at,
        labels: change.labels,
        id: change.id,
    })
}

/// The verdicts on whole journeys, each with the parts of its journey that moved, and those on measures.
fn judgements(verdicts: &[Verdict], dismissed: &[Finding]) -> Vec<Judgement> {
    let measured = |v: &Verdict| v.metric == Metric::Measure;
    let whole = verdicts.iter().filter(|v| v.part.is_whole() || measured(v));
    let journey = |v: &Verdict| {
        (v.journey.clone(), v.environment.clone(), v.location.clone(), v.metric.as_str())
    };
    let mut parts: BTreeMap<_, Vec<&Verdict>> = BTreeMap::new();
    for part in verdicts.iter().filter(|v| !v.part.is_whole() && !measured(v)) {
        parts.entry(journey(part)).or_default().push(part);
    }
    let row = |v: &Verdict| {
        let mut parts = parts.get(&journey(v)).cloned().unwrap_or_default();
        // A step's time is in its journey's, a phase's in its step's: what moved most stands first.
        let size = |v: &Verdict| v.effect.map_or(0.0, |e| -e.estimate.abs());
        parts.sort_by(|a, b| a.conclusion.cmp(&b.conclusion).then(size(a).total_cmp(&size(b))));
        // The worst part stands beside its journey where that is judged milder.
        let worst = parts.first().filter(|p| is_harm(p.conclusion) && !is_harm(v.conclusion));
        let own = judgement(v);
        let notes = worst
            .map(|p| format!("{}: {}", p.conclusion.as_str().replace('_', "-"), p.summary))
            .into_iter()
            .chain(own.notes)
            .collect();
        Judgement {
            dismissed: said(v, dismissed),
            parts: parts.into_iter().map(judgement).collect(),
            notes,
            ..own
        }
    };
    whole.map(row).collect()
}

fn is_harm(conclusion: Conclusion) -> bool {
    matches!(conclusion, Conclusion::Regressed | Conclusion::Suspected)
}

fn judgement(v: &Verdict) -> Judgement {
    Judgement {
        journey: v.journey.to_string(),
        environment: v.environment.to_string(),
        location: v.location.to_string(),
        metric: v.metric,
        part: v.part.clone(),
        subject: v.subject(),
        verdict: v.conclusion,
        summary: v.summary.clone(),
        before: v.before,
        after: v.after,
        effect: v.effect,
        onset: v.onset,
        recovered_at: v.recovered_at,
        probes: v.probes,
        baseline_probes: v.baseline_probes,
        notes: v.notes.clone(),
        suspects: v
            .candidates
            .iter()
            .map(|c| Share { change: c.change.clone(), probability: c.probability })
            .collect(),
        dismissed: None,
        parts: Vec::new(),
    }
}

/// What a person said of its harm, where they dismissed it.
fn said(verdict: &Verdict, dismissed: &[Finding]) -> Option<String> {
    let why = correlate::dismissal(verdict, dismissed)?.dismissal.as_ref()?;
    let by = why.by.as_ref().map_or(String::new(), |by| format!(" by {by}"));
    let note = why.note.as_ref().map_or(String::new(), |note| format!(": {note}"));
    Some(format!("dismissed as {}{by}{note}", why.reason.as_str().replace('_', " ")))
}

/// The changes that may have done the harm, by their share in all of it.
async fn suspects(desk: &Desk<'_>, judged: &Judged) -> Result<Vec<Suspect>, StoreError> {
    let mut ids: Vec<ChangeId> = vec![judged.change.id.clone()];
    for candidate in judged.verdicts.iter().flat_map(|v| &v.candidates) {
        if !ids.contains(&candidate.change) {
            ids.push(candidate.change.clone());
        }
    }
    let shares: BTreeMap<ChangeId, f64> = correlate::shares(&judged.verdicts, &ids);
    let mut shares: Vec<_> = shares.into_iter().filter(|(_, share)| *share >= 0.005).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares.truncate(SUSPECTS);
    let mut suspects = Vec::new();
    for (id, share) in shares {
        let known = desk.store.change(&id).await?;
        suspects.push(Suspect {
            what: known.as_ref().map_or_else(|| id.to_string(), called),
            started_at: known.map(|change| change.started_at),
            share,
            own: id == judged.change.id,
            change: id,
        });
    }
    Ok(suspects)
}

/// What a change is called: `deploy of shop 2.4.1`.
fn called(change: &Change) -> String {
    let kind: ChangeKind = change.kind;
    format!("{kind} of {}", what(change))
}

/// The worst of the harmed journeys in detail, and how many more there are.
async fn cases(
    desk: &Desk<'_>,
    judged: &Judged,
    journeys: &[Judgement],
) -> Result<(Vec<Case>, usize), StoreError> {
    let harmed = |j: &Judgement| {
        is_harm(j.verdict) || j.verdict == Conclusion::Transient && j.metric != Metric::Measure
    };
    // A step may be harmed where its journey as a whole shows nothing, or too little.
    let in_part = |j: &Judgement| harmed(j) || j.parts.iter().any(harmed);
    let all: Vec<usize> = (0..journeys.len()).filter(|at| in_part(&journeys[*at])).collect();
    let mut cases = Vec::new();
    for at in all.iter().take(CASES) {
        cases.extend(case::case(desk, &judged.change, *at, &journeys[*at]).await?);
    }
    let more = all.len().saturating_sub(cases.len());
    Ok((cases, more))
}

fn alert(message: &OutboxMessage) -> Alert {
    let of = |notice: &Notice| format!("{}: {}", notice.happening.as_str(), notice.title);
    let what = match Parcel::from_body(&message.body) {
        Ok(Parcel::Notice(notice)) => of(&notice),
        Ok(Parcel::ChangeNews(news)) => {
            let verdict = news.verdict.map_or("logged", |verdict| verdict.as_str());
            format!("{}: {verdict}", news.change.words)
        }
        Ok(Parcel::Status(report)) => format!("status {}", report.gate.as_str()),
        Ok(Parcel::Rollback(order)) => format!("rollback of {}", order.change.id),
        Err(_) => message.key.clone(),
    };
    Alert {
        at: message.created_at,
        to: message.receiver.clone(),
        what,
        state: message.state.as_str().to_owned(),
        settled_at: message.settled_at,
        attempts: message.attempts,
        error: message.last_error.clone(),
    }
}

fn undo(record: &RollbackRecord) -> Undo {
    Undo {
        hook: record.order.hook.clone(),
        state: record.state.as_str().to_owned(),
        by: record.order.by.clone(),
        reason: record.order.reason.clone(),
        at: record.order.at,
        settled_at: record.settled_at,
        error: record.error.clone(),
    }
}

/// What a finding is of: "latency of checkout in production".
fn about(finding: &Finding) -> String {
    let what = finding.subject().replace('`', "");
    match &finding.pipeline {
        Some(concern) => format!("{what} of {}", concern.pipeline),
        None => format!("{what} of {} in {}", finding.journey, finding.environment),
    }
}

fn dismissed(finding: &Finding) -> Option<Dismissed> {
    let dismissal = finding.dismissal.as_ref()?;
    (finding.state == FindingState::Dismissed).then(|| Dismissed {
        what: about(finding),
        reason: dismissal.reason.as_str().to_owned(),
        by: dismissal.by.clone(),
        note: dismissal.note.clone(),
        at: finding.closed_at,
    })
}

fn taken(finding: &Finding) -> Option<Taken> {
    let taken = finding.acknowledged.as_ref()?;
    Some(Taken {
        what: about(finding),
        by: taken.by.clone(),
        note: taken.note.clone(),
        at: taken.at,
    })
}

/// An id as a part of an address.
fn encoded(text: &str) -> String {
    crate::render::words::encoded(text)
}
