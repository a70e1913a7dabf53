//! A release: several changes that belong together. It has one verdict, and each of its changes a share in what it did.

use std::collections::BTreeMap;

use crate::model::{ChangeId, Conclusion, Verdict};

/// The share of each change in the harm that the verdicts of a release speak of: the mean of its probabilities over all harmed
/// journeys, environments and metrics, each counted once. What is left to 1 is the share of changes outside the release, or of none.
/// Empty while nothing is harmed.
pub fn shares(verdicts: &[Verdict], changes: &[ChangeId]) -> BTreeMap<ChangeId, f64> {
    let harmful =
        |v: &&Verdict| matches!(v.conclusion, Conclusion::Regressed | Conclusion::Suspected);
    let mut harmed: BTreeMap<String, BTreeMap<&ChangeId, f64>> = BTreeMap::new();
    for verdict in verdicts.iter().filter(harmful) {
        let subject = format!(
            "{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{:?}",
            verdict.journey,
            verdict.environment,
            verdict.location,
            verdict.metric.as_str(),
            verdict.part
        );
        let of_subject = harmed.entry(subject).or_default();
        let sole = [(&verdict.change, 1.0)];
        let candidates: Vec<(&ChangeId, f64)> = if verdict.candidates.is_empty() {
            sole.to_vec()
        } else {
            verdict.candidates.iter().map(|c| (&c.change, c.probability)).collect()
        };
        for (change, probability) in candidates {
            let known = of_subject.entry(change).or_insert(0.0);
            *known = known.max(probability.clamp(0.0, 1.0));
        }
    }
    if harmed.is_empty() {
        return BTreeMap::new();
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of journeys")]
    let subjects = harmed.len() as f64;
    let share =
        |change: &ChangeId| harmed.values().filter_map(|of| of.get(change)).sum::<f64>() / subjects;
    changes.iter().map(|change| (change.clone(), share(change))).collect()
}
