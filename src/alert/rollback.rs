//! Whether a change may be undone without asking anybody.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use crate::model::{Change, ChangeId, ChangeKind, Conclusion, EnvironmentName, Verdict};

/// From this probability on a change is named for sure.
pub const SURE: f64 = 0.95;

/// What is known when it is thought of.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The change that did harm.
    pub change: &'a Change,
    /// Its verdicts that nobody dismissed.
    pub verdicts: &'a [&'a Verdict],
    /// Where it would be undone; wherever it was made if empty.
    pub environments: &'a [EnvironmentName],
    /// All other changes since shortly before it.
    pub others: &'a [Change],
    /// How long a change is watched.
    pub window: Duration,
}

/// Why a change is undone without asking anybody, and where it did harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sure {
    /// In words.
    pub reason: String,
    /// Where: nowhere else is anything undone.
    pub environments: Vec<EnvironmentName>,
}

/// Says why a change may be undone without asking anybody.
///
/// # Errors
/// Why it may not: whatever is doubtful is left to people.
pub fn sure(known: Circumstances<'_>, now: Timestamp) -> Result<Sure, String> {
    let Circumstances { change, verdicts, environments, others, window } = known;
    if change.kind != ChangeKind::Deploy {
        return Err(format!("it is a {}, and only a deploy is undone by itself", change.kind));
    }
    let old = window.saturating_mul(2).max(Duration::from_secs(3600));
    if now.duration_since(change.settled_at()).unsigned_abs() > old {
        return Err("it was made too long ago".to_owned());
    }
    let here = |v: &&&Verdict| environments.is_empty() || environments.contains(&v.environment);
    let harm: Vec<&&Verdict> =
        verdicts.iter().filter(here).filter(|v| v.conclusion == Conclusion::Regressed).collect();
    let odds = |v: &Verdict, id: &ChangeId| {
        v.candidates.iter().find(|c| c.change == *id).map_or(0.0, |c| c.probability)
    };
    let another = harm.iter().find(|v| v.named.as_ref().is_some_and(|named| *named != change.id));
    if let Some(verdict) = another {
        let named = verdict.named.as_ref().map_or("another change", |named| named.as_str());
        return Err(format!("{named} is named for {}", verdict.journey));
    }
    let named = harm
        .iter()
        .filter(|v| v.named.as_ref() == Some(&change.id))
        .max_by(|a, b| odds(a, &change.id).total_cmp(&odds(b, &change.id)));
    let Some(verdict) = named else {
        return Err("no harm is proven to be its doing".to_owned());
    };
    let probability = odds(verdict, &change.id);
    if probability < SURE {
        return Err(format!("it is named with {:.0}% only", probability * 100.0));
    }
    if let Some(other) = others.iter().find(|other| in_the_way(change, other, window)) {
        let how = if other.started_at > change.started_at { "newer" } else { "close before it" };
        return Err(format!("{} of {} is {how}", other.kind, other.id));
    }
    let reason = format!(
        "{} {}: {} (named with {:.0}%, nothing else was changed)",
        verdict.journey,
        verdict.metric,
        verdict.summary,
        probability * 100.0
    );
    let certain =
        |v: &&&&Verdict| odds(v, &change.id) >= SURE && v.named.as_ref() == Some(&change.id);
    let places: BTreeSet<&EnvironmentName> =
        harm.iter().filter(certain).map(|v| &v.environment).collect();
    Ok(Sure { reason, environments: places.into_iter().cloned().collect() })
}

/// Whether another change overlaps with one, or is newer: then what would come back is not what was there before, or not the cure.
fn in_the_way(change: &Change, other: &Change, window: Duration) -> bool {
    if other.id == change.id {
        return false;
    }
    let both = change.environments.is_empty()
        || other.environments.is_empty()
        || change.environments.iter().any(|e| other.environments.contains(e));
    let under_way = other.finished_at.is_none_or(|at| at >= change.started_at);
    let close = change.started_at.checked_sub(window).unwrap_or(Timestamp::MIN);
    both && (under_way || other.settled_at() >= close)
}

#[cfg(test)]
mod tests {
    use crate::model::{Candidate, Metric, Part, Quantiles};

    use super::*;

    const WINDOW: Duration = Duration::from_secs(1800);

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn change(id: &str, minute: i64, environment: &str) -> Change {
        let mut change = Change::new(id.into(), ChangeKind::Deploy, at(minute));
        change.services = vec!["shop".into()];
        change.environments = vec![environment.into()];
        change
    }

    fn verdict(conclusion: Conclusion, environment: &str, named: &str, p: f64) -> Verdict {
        Verdict {
            change: "mine".into(),
            journey: "checkout".into(),
            environment: environment.into(),
            location: "local".into(),
            metric: Metric::Success,
            part: Part::Whole,
            conclusion,
            summary: "it fails".into(),
            log_e: None,
            suspected_at_log_e: None,
            regressed_at_log_e: None,
            before: Quantiles::default(),
            after: Quantiles::default(),
            effect: None,
            onset: None,
            probes: 1,
            baseline_probes: 1,
            notes: Vec::new(),
            candidates: vec![Candidate { change: named.into(), probability: p }],
            named: Some(named.into()),
            suspected_since: None,
            regressed_since: None,
            recovered_at: None,
            decided_at: at(0),
        }
    }

    #[test]
    fn only_what_is_beyond_doubt_is_undone() {
        use Conclusion::{Regressed, Suspected};
        let mine = change("mine", 0, "production");
        let sure_verdict = verdict(Regressed, "production", "mine", 0.97);
        let judge = |mine: &Change, verdicts: &[Verdict], others: &[Change], minute: i64| {
            let refs: Vec<&Verdict> = verdicts.iter().collect();
            let environments = ["production".into()];
            sure(
                Circumstances {
                    change: mine,
                    verdicts: &refs,
                    environments: &environments,
                    others,
                    window: WINDOW,
                },
                at(minute),
            )
        };
        let sure_one = std::slice::from_ref(&sure_verdict);
        let sure = judge(&mine, sure_one, &[], 5).unwrap();
        assert!(sure.reason.contains("97%"));
        assert_eq!(sure.environments, ["production".into()]);
        assert!(judge(&mine, sure_one, &[change("mine", 0, "production")], 5).is_ok(), "itself");
        assert!(judge(&mine, sure_one, &[change("o", 1, "staging")], 5).is_ok(), "elsewhere");
        assert!(
            judge(&mine, sure_one, &[change("o", -31, "production")], 5).is_ok(),
            "long before"
        );
        let config = Change { kind: ChangeKind::Config, ..mine.clone() };
        let rollback = Change { kind: ChangeKind::Rollback, ..mine.clone() };
        let slow = Change { finished_at: None, ..change("o", -200, "production") };
        let everywhere = Change { environments: vec![], ..change("o", -5, "x") };
        for (mine, verdicts, others, minute, why) in [
            (&mine, vec![], vec![], 5, "no harm is proven"),
            (
                &mine,
                vec![verdict(Suspected, "production", "mine", 0.99)],
                vec![],
                5,
                "no harm is proven",
            ),
            (
                &mine,
                vec![verdict(Regressed, "staging", "mine", 0.99)],
                vec![],
                5,
                "no harm is proven",
            ),
            (&mine, vec![verdict(Regressed, "production", "mine", 0.949)], vec![], 5, "95% only"),
            (
                &mine,
                vec![sure_verdict.clone(), verdict(Regressed, "production", "other", 0.99)],
                vec![],
                5,
                "other is named for checkout",
            ),
            (
                &mine,
                vec![sure_verdict.clone()],
                vec![change("o", 1, "production")],
                5,
                "o is newer",
            ),
            (
                &mine,
                vec![sure_verdict.clone()],
                vec![change("o", -29, "production")],
                5,
                "close before",
            ),
            (&mine, vec![sure_verdict.clone()], vec![slow], 5, "close before"),
            (&mine, vec![sure_verdict.clone()], vec![everywhere], 5, "close before"),
            (&mine, vec![sure_verdict.clone()], vec![], 61, "too long ago"),
            (&config, vec![sure_verdict.clone()], vec![], 5, "only a deploy"),
            (&rollback, vec![sure_verdict.clone()], vec![], 5, "only a deploy"),
        ] {
            let refused = judge(mine, &verdicts, &others, minute).unwrap_err();
            assert!(refused.contains(why), "{refused} / {why}");
        }
    }
}
