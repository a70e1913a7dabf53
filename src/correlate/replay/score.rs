//! How good were the verdicts? Rates by source against the known truth.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{ChangeId, JourneyName, Metric};

use super::{super::blame::NAMED_FROM, CaseResult, Hit};
use crate::model::{Case, Label, Truth};

/// A back-test in full.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// How many cases.
    pub cases: usize,
    /// The rates, by source.
    pub summary: BTreeMap<String, Summary>,
    /// One result for each journey and metric of each case.
    pub results: Vec<CaseResult>,
}

/// The rates of one source; none where there is nothing to count.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Share of the metrics to which nothing happened that were called harmed.
    pub false_alarm_rate: Rates,
    /// Share of the harmed metrics that were found.
    pub power: Rates,
    /// Runs from the earliest change to `suspected`, of the harmed metrics that were found.
    pub delay_probes: Delay,
    /// Whether the guilty change was found, of the harmed metrics that were found and whose culprit is known.
    pub attribution: Attribution,
    /// Share of the short troubles that were called harmed at some time; only where there are such truths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transient: Option<Rates>,
    /// How much was counted.
    #[serde(skip)]
    pub counted: Counted,
}

/// How many truths there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Nothing happened.
    pub none: usize,
    /// Harmed.
    pub regressed: usize,
    /// Of these, found and with a known culprit.
    pub blamed: usize,
}

/// A share for each of the two tiers; none of nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rates {
    /// Called suspected or worse.
    pub suspected: Option<f64>,
    /// Called regressed.
    pub regressed: Option<f64>,
}

/// Runs until found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Delay {
    /// Half were found by then.
    pub median: Option<f64>,
    /// Nine of ten were found by then.
    pub p90: Option<f64>,
}

/// Shares of the harmed metrics found with a known culprit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Attribution {
    /// The culprit stood first when the trouble was first suspected.
    pub top1_at_hit: Option<f64>,
    /// The culprit stood first at the end.
    pub top1_at_end: Option<f64>,
    /// A change was named at the end.
    pub named: Option<f64>,
    /// A change was named at the end, and it was the wrong one.
    pub named_wrong: Option<f64>,
}

/// Scores results against the truths of their cases.
pub fn report(cases: &[Case], results: Vec<CaseResult>) -> Report {
    let found: BTreeMap<(&str, &JourneyName, Metric), &CaseResult> =
        results.iter().map(|r| ((r.case.as_str(), &r.journey, r.metric), r)).collect();
    let mut by_source: BTreeMap<String, Vec<(&Truth, Option<&CaseResult>)>> = BTreeMap::new();
    for case in cases {
        let of = by_source.entry(case.source.clone()).or_default();
        for truth in &case.truth {
            let key = (case.id.as_str(), &truth.journey, truth.metric);
            of.push((truth, found.get(&key).copied()));
        }
    }
    let summary =
        by_source.into_iter().map(|(source, judged)| (source, summarise(&judged))).collect();
    Report { cases: cases.len(), summary, results }
}

fn summarise(judged: &[(&Truth, Option<&CaseResult>)]) -> Summary {
    let of = |label: Label| -> Vec<(&Truth, Option<&CaseResult>)> {
        judged.iter().filter(|(t, _)| t.label == label).copied().collect()
    };
    let (none, harmed, brief) = (of(Label::None), of(Label::Regressed), of(Label::Transient));
    let mut delays: Vec<f64> = harmed
        .iter()
        .filter_map(|(_, r)| r.and_then(|r| r.suspected.as_ref()))
        .map(|hit| f64::from(hit.probes_after))
        .collect();
    delays.sort_by(f64::total_cmp);
    let blamed: Vec<(&ChangeId, &Hit, &CaseResult)> = harmed
        .iter()
        .filter_map(|(t, r)| {
            let result = (*r)?;
            Some((t.change.as_ref()?, result.suspected.as_ref()?, result))
        })
        .collect();
    Summary {
        counted: Counted { none: none.len(), regressed: harmed.len(), blamed: blamed.len() },
        false_alarm_rate: rates(&none),
        power: rates(&harmed),
        delay_probes: Delay {
            median: super::super::figures::median(&delays),
            p90: super::super::figures::rank(&delays, 0.9),
        },
        attribution: attribution(&blamed),
        transient: (!brief.is_empty()).then(|| rates(&brief)),
    }
}

fn rates(judged: &[(&Truth, Option<&CaseResult>)]) -> Rates {
    Rates {
        suspected: share(judged, |(_, r)| r.is_some_and(|r| r.suspected.is_some())),
        regressed: share(judged, |(_, r)| r.is_some_and(|r| r.regressed.is_some())),
    }
}

fn attribution(blamed: &[(&ChangeId, &Hit, &CaseResult)]) -> Attribution {
    let named = |r: &CaseResult| -> Option<ChangeId> {
        let best = r.candidates.first()?;
        (best.probability >= NAMED_FROM).then(|| best.change.clone())
    };
    Attribution {
        top1_at_hit: share(blamed, |(culprit, hit, _)| {
            hit.candidates.first().is_some_and(|c| c.change == **culprit)
        }),
        top1_at_end: share(blamed, |(culprit, _, result)| {
            result.candidates.first().is_some_and(|c| c.change == **culprit)
        }),
        named: share(blamed, |(_, _, result)| named(result).is_some()),
        named_wrong: share(blamed, |(culprit, _, result)| {
            named(result).is_some_and(|c| c != **culprit)
        }),
    }
}

fn share<T>(all: &[T], holds: impl Fn(&T) -> bool) -> Option<f64> {
    let n = all.iter().filter(|x| holds(x)).count();
    (!all.is_empty())
        .then(|| super::super::figures::count(n) / super::super::figures::count(all.len()))
}
