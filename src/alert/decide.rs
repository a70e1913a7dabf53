//! From verdicts to findings. Reasons are returned, not booleans, so that a log line and a message can say why.

use jiff::Timestamp;

use crate::model::{
    Acknowledgement, Conclusion, Dismissal, Finding, FindingId, FindingKind, FindingState,
    LocationName, Metric, Onset, Part, PipelineConcern, RunId, SeriesKey, Verdict,
};

/// What stands for the environment of what is wrong with a pipeline.
const PIPELINES: &str = "pipelines";

/// Why a finding is (or is not) written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// New trouble.
    Opened,
    /// From suspected to regressed.
    Worsened,
    /// It holds no longer.
    Recovered,
    /// A change explains what nothing explained.
    Explained,
    /// A person said it is nothing.
    Dismissed,
    /// A person has taken it on.
    Acknowledged,
    /// Its text is newer.
    Updated,
}

/// A finding to store, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The finding as it is from now on.
    pub finding: Finding,
    /// Why it is written.
    pub reason: Reason,
}

/// What a new verdict means for the finding of its change, journey and metric; `open` is that finding, if one is open. One trouble is
/// one finding: of several parts that moved the first opens it, and the journey as a whole takes it over when it moves as well.
///
/// A verdict opens a finding only when its own change is the one to blame: named, or where nobody is named at the top of
/// the list. So one shift seen by three overlapping watches is one finding.
pub fn decide(open: Option<&Finding>, verdict: &Verdict, now: Timestamp) -> Option<Decision> {
    let kind = match verdict.conclusion {
        Conclusion::Regressed => Some(FindingKind::Regressed),
        Conclusion::Suspected => Some(FindingKind::Suspected),
        _ => None,
    };
    match (open, kind) {
        (None, Some(kind)) if to_blame(verdict) => {
            Some(Decision { finding: opened(verdict, kind, now), reason: Reason::Opened })
        }
        // The trouble of a part is told with that of its journey.
        (Some(finding), _) if finding.part != verdict.part && !verdict.part.is_whole() => None,
        (Some(finding), Some(kind)) => {
            let mut next = finding.clone();
            let worse = kind == FindingKind::Regressed && finding.kind == FindingKind::Suspected;
            if worse {
                next.kind = kind;
                // Whoever took on a suspicion has not taken on this.
                next.acknowledged = None;
            }
            next.part = verdict.part.clone();
            next.summary.clone_from(&verdict.summary);
            next.updated_at = now;
            let reason = if worse { Reason::Worsened } else { Reason::Updated };
            (worse || next.summary != finding.summary).then_some(Decision { finding: next, reason })
        }
        (Some(finding), None)
            if finding.part == verdict.part && ends_trouble(verdict.conclusion) =>
        {
            Some(recovered(finding, &verdict.summary, now))
        }
        _ => None,
    }
}

/// Whether a verdict's own change is the likeliest cause of what it sees.
fn to_blame(verdict: &Verdict) -> bool {
    match (&verdict.named, verdict.candidates.first()) {
        (Some(named), _) => *named == verdict.change,
        (None, Some(first)) => first.change == verdict.change,
        (None, None) => true,
    }
}

/// Conclusions after which the change is no longer held to have done harm.
fn ends_trouble(conclusion: Conclusion) -> bool {
    matches!(
        conclusion,
        Conclusion::Transient
            | Conclusion::Unchanged
            | Conclusion::Improved
            | Conclusion::PreExisting
    )
}

fn opened(verdict: &Verdict, kind: FindingKind, now: Timestamp) -> Finding {
    Finding {
        id: fresh_id(now),
        kind,
        state: FindingState::Open,
        change: Some(verdict.change.clone()),
        journey: verdict.journey.clone(),
        environment: verdict.environment.clone(),
        location: verdict.location.clone(),
        metric: verdict.metric,
        part: verdict.part.clone(),
        pipeline: None,
        summary: verdict.summary.clone(),
        onset_at: verdict.onset.as_ref().map(|o| o.at),
        opened_at: now,
        updated_at: now,
        closed_at: None,
        dismissal: None,
        acknowledged: None,
    }
}

/// A finding for trouble that no logged change explains.
pub fn unexplained(
    series: &SeriesKey,
    metric: Metric,
    onset: &Onset,
    summary: &str,
    now: Timestamp,
) -> Decision {
    let finding = Finding {
        id: fresh_id(now),
        kind: FindingKind::Unexplained,
        state: FindingState::Open,
        change: None,
        journey: series.journey.clone(),
        environment: series.environment.clone(),
        location: series.location.clone(),
        metric,
        part: Part::Whole,
        pipeline: None,
        summary: summary.to_owned(),
        onset_at: Some(onset.at),
        opened_at: now,
        updated_at: now,
        closed_at: None,
        dismissal: None,
        acknowledged: None,
    };
    Decision { finding, reason: Reason::Opened }
}

/// A finding of a pipeline: what is wrong in a sentence, and since when. It stands in no environment of ours; `pipelines` takes that place.
pub fn of_pipeline(
    concern: &PipelineConcern,
    metric: Metric,
    (summary, onset_at): (&str, Timestamp),
    location: &LocationName,
    now: Timestamp,
) -> Decision {
    let finding = Finding {
        id: fresh_id(now),
        kind: FindingKind::Pipeline,
        state: FindingState::Open,
        change: None,
        journey: concern.pipeline.to_string().into(),
        environment: PIPELINES.into(),
        location: location.clone(),
        metric,
        part: Part::Whole,
        pipeline: Some(concern.clone()),
        summary: summary.to_owned(),
        onset_at: Some(onset_at),
        opened_at: now,
        updated_at: now,
        closed_at: None,
        dismissal: None,
        acknowledged: None,
    };
    Decision { finding, reason: Reason::Opened }
}

/// An open finding with a newer sentence.
pub fn renewed(finding: &Finding, summary: &str, now: Timestamp) -> Decision {
    let mut next = finding.clone();
    next.summary = summary.to_owned();
    next.updated_at = now;
    Decision { finding: next, reason: Reason::Updated }
}

/// Closes a finding whose trouble is over.
pub fn recovered(finding: &Finding, summary: &str, now: Timestamp) -> Decision {
    closed(finding, FindingState::Recovered, Reason::Recovered, summary, now)
}

/// Closes an unexplained finding that a change explains; the change's own finding takes its place.
pub fn explained(finding: &Finding, summary: &str, now: Timestamp) -> Decision {
    closed(finding, FindingState::Explained, Reason::Explained, summary, now)
}

/// Closes a finding that a person says is nothing. One that has ended already keeps the time of its end.
pub fn dismissed(finding: &Finding, dismissal: Dismissal, now: Timestamp) -> Decision {
    let mut decision =
        closed(finding, FindingState::Dismissed, Reason::Dismissed, &finding.summary, now);
    decision.finding.closed_at = finding.closed_at.or(Some(now));
    decision.finding.dismissal = Some(dismissal);
    decision
}

/// Notes on an open finding that a person has taken it on.
pub fn acknowledged(finding: &Finding, by: Acknowledgement, now: Timestamp) -> Decision {
    let mut next = finding.clone();
    next.acknowledged = Some(by);
    next.updated_at = now;
    Decision { finding: next, reason: Reason::Acknowledged }
}

fn closed(
    finding: &Finding,
    state: FindingState,
    reason: Reason,
    summary: &str,
    now: Timestamp,
) -> Decision {
    let mut next = finding.clone();
    next.state = state;
    next.summary = summary.to_owned();
    next.updated_at = now;
    next.closed_at = Some(now);
    Decision { finding: next, reason }
}

pub(super) fn fresh_id(now: Timestamp) -> FindingId {
    FindingId::from(format!("fnd-{}", RunId::at(now).0.simple()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Candidate, DismissalReason, Quantiles};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn verdict(conclusion: Conclusion) -> Verdict {
        Verdict {
            change: "c1".into(),
            journey: "checkout".into(),
            environment: "production".into(),
            location: "fra1".into(),
            metric: Metric::Latency,
            part: Part::Whole,
            conclusion,
            summary: conclusion.to_string(),
            log_e: None,
            suspected_at_log_e: None,
            regressed_at_log_e: None,
            before: Quantiles::default(),
            after: Quantiles::default(),
            effect: None,
            onset: None,
            probes: 10,
            baseline_probes: 100,
            notes: vec![],
            candidates: vec![],
            named: None,
            suspected_since: None,
            regressed_since: None,
            recovered_at: None,
            decided_at: at(0),
        }
    }

    #[test]
    fn a_finding_opens_worsens_and_recovers() {
        let first = decide(None, &verdict(Conclusion::Suspected), at(1)).unwrap();
        assert_eq!((first.reason, first.finding.kind), (Reason::Opened, FindingKind::Suspected));
        assert_eq!(decide(Some(&first.finding), &verdict(Conclusion::Suspected), at(2)), None);
        let worse = decide(Some(&first.finding), &verdict(Conclusion::Regressed), at(3)).unwrap();
        assert_eq!((worse.reason, worse.finding.kind), (Reason::Worsened, FindingKind::Regressed));
        assert_eq!(worse.finding.id, first.finding.id);
        let over = decide(Some(&worse.finding), &verdict(Conclusion::Transient), at(4)).unwrap();
        assert_eq!((over.reason, over.finding.state), (Reason::Recovered, FindingState::Recovered));
        assert_eq!(over.finding.closed_at, Some(at(4)));
    }

    #[test]
    fn the_watch_of_another_change_opens_nothing() {
        let mut other = verdict(Conclusion::Regressed);
        other.named = Some("c2".into());
        assert_eq!(decide(None, &other, at(1)), None);
        other.named = None;
        other.candidates = vec![Candidate { change: "c2".into(), probability: 0.5 }];
        assert_eq!(decide(None, &other, at(1)), None);
        other.candidates[0].change = "c1".into();
        assert!(decide(None, &other, at(1)).is_some());
    }

    #[test]
    fn parts_and_their_journey_are_one_finding() {
        let of = |part: Part, conclusion| Verdict { part, ..verdict(conclusion) };
        let (step, other) = (Part::Step("a".into()), Part::Step("b".into()));
        let first = decide(None, &of(step.clone(), Conclusion::Regressed), at(1)).unwrap().finding;
        assert_eq!(first.part, step);
        assert_eq!(decide(Some(&first), &of(other, Conclusion::Regressed), at(2)), None);
        assert_eq!(decide(Some(&first), &verdict(Conclusion::Unchanged), at(3)), None);
        let mut slower = verdict(Conclusion::Suspected);
        slower.summary = "slower".into();
        let whole = decide(Some(&first), &slower, at(4)).unwrap().finding;
        assert_eq!((whole.id.clone(), whole.part.clone()), (first.id.clone(), Part::Whole));
        assert_eq!(decide(Some(&whole), &of(step.clone(), Conclusion::Transient), at(5)), None);
        let over = decide(Some(&first), &of(step, Conclusion::Transient), at(6)).unwrap();
        assert_eq!(over.finding.state, FindingState::Recovered);
    }

    #[test]
    fn what_a_person_dismisses_is_closed_with_the_reason() {
        let open = decide(None, &verdict(Conclusion::Regressed), at(1)).unwrap().finding;
        let why =
            Dismissal { reason: DismissalReason::FalseAlarm, note: Some("no".into()), by: None };
        let gone = dismissed(&open, why.clone(), at(9));
        assert_eq!(gone.reason, Reason::Dismissed);
        assert_eq!(gone.finding.state, FindingState::Dismissed);
        assert_eq!((gone.finding.dismissal, gone.finding.closed_at), (Some(why), Some(at(9))));
    }

    #[test]
    fn calm_verdicts_open_nothing() {
        for conclusion in Conclusion::ALL.iter().copied().filter(|c| *c > Conclusion::Suspected) {
            assert_eq!(decide(None, &verdict(conclusion), at(1)), None, "{conclusion}");
        }
    }
}
