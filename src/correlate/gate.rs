//! The gate: whether a change may go on, by its verdicts and by what people said of them.

use std::collections::BTreeMap;

use crate::model::{
    ChangeId, Conclusion, Finding, FindingState, Gate, GateStatus, Metric, Verdict,
};

/// Probability from which another change is taken for the culprit, and up to which this one is not.
const OTHER: (f64, f64) = (0.9, 0.05);

/// The verdicts that count: harm that a person has dismissed counts no more.
pub fn standing<'a>(verdicts: &'a [Verdict], dismissed: &[Finding]) -> Vec<&'a Verdict> {
    verdicts.iter().filter(|v| dismissal(v, dismissed).is_none()).collect()
}

/// The finding by which a person dismissed the harm of a verdict: as one trouble is one finding, that of a part or of the
/// whole stands for both.
pub fn dismissal<'f>(verdict: &Verdict, dismissed: &'f [Finding]) -> Option<&'f Finding> {
    let harmful = matches!(verdict.conclusion, Conclusion::Regressed | Conclusion::Suspected);
    let same = |f: &&Finding| {
        f.state == FindingState::Dismissed
            && f.change.as_ref() == Some(&verdict.change)
            && (&f.journey, &f.environment) == (&verdict.journey, &verdict.environment)
            && (&f.location, f.metric) == (&verdict.location, verdict.metric)
            // Each measure is a trouble of its own.
            && (f.metric != Metric::Measure || f.part == verdict.part)
    };
    dismissed.iter().find(same).filter(|_| harmful)
}

/// May the change go on? The worst verdict speaks; `open` says whether its watch still is. Harm that another change is named for
/// does not fail this one: what it would have done by itself cannot be seen beside it. Harm that a person `dismissed` does not
/// speak at all.
pub fn gate(verdicts: &[Verdict], dismissed: &[Finding], open: bool) -> Gate {
    let standing = standing(verdicts, dismissed);
    if standing.len() == verdicts.len() {
        return spoken_for(&standing, open);
    }
    let said = said(verdicts, dismissed);
    if standing.is_empty() {
        let verdict = verdicts.iter().map(|v| v.conclusion).min();
        return Gate { status: GateStatus::Pass, reason: said, verdict };
    }
    let gate = spoken_for(&standing, open);
    Gate { reason: format!("{said}; {}", gate.reason), ..gate }
}

/// What people dismissed, by reason: "1 regression dismissed as `false_alarm` by ana".
fn said(verdicts: &[Verdict], dismissed: &[Finding]) -> String {
    let mut told: Vec<(&Finding, bool)> = Vec::new();
    for verdict in verdicts {
        let Some(finding) = dismissal(verdict, dismissed) else { continue };
        let regressed = verdict.conclusion == Conclusion::Regressed;
        match told.iter_mut().find(|(f, _)| f.id == finding.id) {
            Some((_, worst)) => *worst |= regressed,
            None => told.push((finding, regressed)),
        }
    }
    let mut counts: BTreeMap<(bool, String), usize> = BTreeMap::new();
    for (finding, regressed) in told {
        let why = finding.dismissal.as_ref();
        let reason = why.map_or("nothing", |d| d.reason.as_str());
        let by = why.and_then(|d| d.by.as_ref()).map_or(String::new(), |by| format!(" by {by}"));
        *counts.entry((!regressed, format!("dismissed as {reason}{by}"))).or_default() += 1;
    }
    let parts = counts.iter().map(|((lesser, how), n)| {
        let noun = if *lesser { "suspicion" } else { "regression" };
        format!("{n} {noun}{} {how}", if *n == 1 { "" } else { "s" })
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// The gate by the verdicts that count.
fn spoken_for(verdicts: &[&Verdict], open: bool) -> Gate {
    let (others, own): (Vec<&Verdict>, Vec<&Verdict>) =
        verdicts.iter().copied().partition(|v| culprit(v).is_some());
    let least = own.iter().map(|v| v.conclusion).min();
    let worst = others.iter().map(|v| v.conclusion).min();
    let spoken = spoken(&others, worst);
    let (Some(spoken), Some(worst)) = (spoken, worst.filter(|w| least.is_none_or(|l| *w < l)))
    else {
        return usual(verdicts, open);
    };
    let Some((other, p)) = culprit(spoken) else { return usual(verdicts, open) };
    let status = match GateStatus::of(worst, open) {
        GateStatus::Fail => GateStatus::Inconclusive,
        status => status,
    };
    let reason = format!(
        "{worst} in {} of {} verdicts, but {other} is the likely cause (probability {p:.2}), not this change; {} {}: {}",
        others.len(),
        verdicts.len(),
        spoken.journey,
        spoken.metric,
        spoken.summary
    );
    Gate { status, reason, verdict: Some(worst) }
}

/// The change that did the harm of a verdict, where it is all but certain that it was another one.
fn culprit(verdict: &Verdict) -> Option<(&ChangeId, f64)> {
    let harmful = matches!(verdict.conclusion, Conclusion::Regressed | Conclusion::Suspected);
    let named = verdict.named.as_ref().filter(|n| harmful && **n != verdict.change)?;
    let of = |id: &ChangeId| {
        verdict.candidates.iter().find(|c| c.change == *id).map_or(0.0, |c| c.probability)
    };
    let (other, own) = (of(named), of(&verdict.change));
    (other >= OTHER.0 && own <= OTHER.1).then_some((named, other))
}

/// Of the verdicts that conclude this the one with the most evidence: it says it best.
fn spoken<'a>(verdicts: &[&'a Verdict], conclusion: Option<Conclusion>) -> Option<&'a Verdict> {
    let alike = verdicts.iter().filter(|v| Some(v.conclusion) == conclusion).copied();
    // The whole journey speaks before its parts.
    alike.max_by(|a, b| {
        let whole = a.part.is_whole().cmp(&b.part.is_whole());
        whole.then(a.log_e.unwrap_or(0.0).total_cmp(&b.log_e.unwrap_or(0.0)))
    })
}

/// The gate by the worst verdict, whoever did it.
fn usual(verdicts: &[&Verdict], open: bool) -> Gate {
    let Some(verdict) = verdicts.iter().map(|v| v.conclusion).min() else {
        let status = if open { GateStatus::Pending } else { GateStatus::Inconclusive };
        let reason = "no journey is watched for this change".to_owned();
        return Gate { status, reason, verdict: None };
    };
    let status = GateStatus::of(verdict, open);
    let alike = verdicts.iter().filter(|v| v.conclusion == verdict).count();
    let judged = verdicts.len();
    let said = spoken(verdicts, Some(verdict))
        .map_or(String::new(), |v| format!("{} {}: {}", v.journey, v.metric, v.summary));
    let reason = match status {
        GateStatus::Pass => format!("{judged} verdicts, none harmful; {verdict}, {said}"),
        _ => format!("{verdict} in {alike} of {judged} verdicts; {said}"),
    };
    Gate { status, reason, verdict: Some(verdict) }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use crate::model::{Candidate, Dismissal, DismissalReason, FindingKind, Metric, Quantiles};

    use super::*;

    fn verdict(journey: &str, conclusion: Conclusion, odds: &[(&str, f64)]) -> Verdict {
        Verdict {
            change: "mine".into(),
            journey: journey.into(),
            environment: "production".into(),
            location: "local".into(),
            metric: Metric::Latency,
            part: crate::model::Part::Whole,
            conclusion,
            summary: "slower".to_owned(),
            log_e: Some(6.0),
            suspected_at_log_e: None,
            regressed_at_log_e: None,
            before: Quantiles::default(),
            after: Quantiles::default(),
            effect: None,
            onset: None,
            probes: 20,
            baseline_probes: 100,
            notes: Vec::new(),
            candidates: odds
                .iter()
                .map(|(id, p)| Candidate { change: (*id).into(), probability: *p })
                .collect(),
            named: odds.first().filter(|(_, p)| *p > 0.7).map(|(id, _)| (*id).into()),
            suspected_since: None,
            regressed_since: None,
            recovered_at: None,
            decided_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn harm_of_another_change_does_not_fail_the_gate() {
        use Conclusion::{Regressed, Suspected, Unchanged, Watching};
        use GateStatus::{Fail, Inconclusive, Pending};
        let other: &[(&str, f64)] = &[("theirs", 0.95), ("mine", 0.03)];
        let doubtful: &[(&str, f64)] = &[("theirs", 0.85), ("mine", 0.1)];
        let own: &[(&str, f64)] = &[("mine", 0.95), ("theirs", 0.03)];
        for (verdicts, open, expected, told) in [
            (vec![("a", Regressed, other), ("b", Unchanged, &[])], false, Inconclusive, true),
            (vec![("a", Regressed, other), ("b", Watching, &[])], true, Inconclusive, true),
            (vec![("a", Suspected, other), ("b", Watching, &[])], true, Pending, true),
            (vec![("a", Suspected, other), ("b", Unchanged, &[])], false, Inconclusive, true),
            (vec![("a", Regressed, doubtful)], false, Fail, false),
            (vec![("a", Regressed, own)], false, Fail, false),
            (vec![("a", Regressed, other), ("b", Regressed, own)], false, Fail, false),
            (vec![("a", Regressed, other), ("b", Suspected, own)], true, Inconclusive, true),
        ] {
            let all: Vec<Verdict> = verdicts.iter().map(|(j, c, o)| verdict(j, *c, o)).collect();
            let gate = gate(&all, &[], open);
            assert_eq!(gate.status, expected, "{verdicts:?}: {}", gate.reason);
            assert_eq!(gate.reason.contains("theirs"), told, "{}", gate.reason);
            assert_eq!(gate.verdict, verdicts.iter().map(|(_, c, _)| *c).min());
        }
    }

    fn dismissed(journey: &str, reason: DismissalReason, by: Option<&str>) -> Finding {
        Finding {
            id: format!("fnd-{journey}").into(),
            kind: FindingKind::Regressed,
            state: FindingState::Dismissed,
            change: Some("mine".into()),
            journey: journey.into(),
            environment: "production".into(),
            location: "local".into(),
            metric: Metric::Latency,
            part: crate::model::Part::Whole,
            pipeline: None,
            summary: String::new(),
            onset_at: None,
            opened_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            closed_at: Some(Timestamp::UNIX_EPOCH),
            dismissal: Some(Dismissal { reason, note: None, by: by.map(str::to_owned) }),
            acknowledged: None,
        }
    }

    #[test]
    fn dismissed_harm_speaks_no_more() {
        use Conclusion::{Inconclusive, Regressed, Suspected, Unchanged, Watching};
        use DismissalReason::{Accepted, FalseAlarm};
        let gone = [dismissed("a", FalseAlarm, Some("ana")), dismissed("b", Accepted, None)];
        for (verdicts, open, expected, told) in [
            (vec![("a", Regressed), ("c", Unchanged)], false, GateStatus::Pass, true),
            (vec![("a", Regressed), ("c", Inconclusive)], false, GateStatus::Inconclusive, true),
            (vec![("a", Suspected), ("c", Watching)], true, GateStatus::Pending, true),
            (vec![("a", Regressed), ("c", Regressed)], false, GateStatus::Fail, true),
            (vec![("a", Regressed)], false, GateStatus::Pass, true),
            (vec![("a", Unchanged), ("c", Regressed)], false, GateStatus::Fail, false),
        ] {
            let all: Vec<Verdict> = verdicts.iter().map(|(j, c)| verdict(j, *c, &[])).collect();
            let gate = gate(&all, &gone, open);
            assert_eq!(gate.status, expected, "{verdicts:?}: {}", gate.reason);
            assert_eq!(gate.reason.contains("dismissed as false_alarm by ana"), told, "{gate:?}");
        }
        let all = [verdict("a", Regressed, &[]), verdict("b", Suspected, &[])];
        assert_eq!(
            gate(&all, &gone, false).reason,
            "1 regression dismissed as false_alarm by ana, 1 suspicion dismissed as accepted"
        );
        // Another metric, and a finding that is open, dismiss nothing.
        let mut others = gone.to_vec();
        others[0].metric = Metric::Success;
        others[1].state = FindingState::Open;
        assert_eq!(standing(&all, &others).len(), 2);
    }
}
