//! The gate of a change that is still under way: a canary waits for the answer before it can finish.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Change, Conclusion, Gate, GateStatus, Verdict};

/// The same gate, or that a change which has not finished has done no harm so far: each of its journeys was walked `min_runs` times in
/// `window` and more since it began, and none is even suspected. Only whoever waits for this answer before finishing wants to hear that.
pub fn so_far(
    gate: Gate,
    change: &Change,
    verdicts: &[&Verdict],
    (window, min_runs): (Duration, u32),
    now: Timestamp,
) -> Gate {
    let under_way = change.finished_at.is_none();
    let begun = now.duration_since(change.started_at).unsigned_abs();
    let looked = verdicts.iter().filter(|v| v.part.is_whole()).map(|v| v.probes).min();
    let calm = verdicts.iter().all(|v| v.conclusion != Conclusion::Suspected);
    let Some(looked) = looked.filter(|looked| *looked >= min_runs && calm) else { return gate };
    if gate.status != GateStatus::Pending || !under_way || begun < window {
        return gate;
    }
    let reason =
        format!("it is under way, and has done no harm so far in {looked} runs of each journey");
    Gate { status: GateStatus::Pass, reason, ..gate }
}

#[cfg(test)]
mod tests {
    use crate::model::{ChangeKind, Metric, Part, Quantiles};

    use super::*;

    #[test]
    fn only_a_change_under_way_that_was_looked_at_long_enough_goes_on() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let verdict = |conclusion, probes| Verdict {
            change: "c".into(),
            journey: "home".into(),
            environment: "production".into(),
            location: "local".into(),
            metric: Metric::Latency,
            part: Part::Whole,
            conclusion,
            summary: String::new(),
            log_e: None,
            suspected_at_log_e: None,
            regressed_at_log_e: None,
            before: Quantiles::default(),
            after: Quantiles::default(),
            effect: None,
            onset: None,
            probes,
            baseline_probes: 100,
            notes: Vec::new(),
            candidates: Vec::new(),
            named: None,
            suspected_since: None,
            regressed_since: None,
            recovered_at: None,
            decided_at: at(0),
        };
        use Conclusion::{Suspected, Watching};
        use GateStatus::{Fail, Pass, Pending};
        for (given, finished, second, conclusion, probes, expected) in [
            (Pending, None, 60, Watching, 40, Pass),
            (Pending, None, 59, Watching, 40, Pending),
            (Pending, None, 60, Watching, 39, Pending),
            (Pending, None, 60, Suspected, 40, Pending),
            (Pending, Some(at(1)), 60, Watching, 40, Pending),
            (Fail, None, 60, Watching, 40, Fail),
        ] {
            let mut change = Change::new("c".into(), ChangeKind::Deploy, at(0));
            change.finished_at = finished;
            let gate = Gate { status: given, reason: "r".into(), verdict: None };
            let verdict = verdict(conclusion, probes);
            let limits = (Duration::from_secs(60), 40);
            let heard = so_far(gate.clone(), &change, &[&verdict], limits, at(second));
            assert_eq!(
                heard.status, expected,
                "{given:?} {finished:?} {second} {conclusion:?} {probes}"
            );
            assert_eq!(so_far(gate, &change, &[], limits, at(second)).status, given);
        }
    }
}
