//! Controls: series that a change cannot have touched, because they run in other environments, behind another path. What happens to
//! all of them at once is our prober's or the network's doing, not the change's (difference in differences).
//!
//! Journeys of the change's own environment are no controls: one bad service slows a whole shop (4 of 51 recorded incidents), and
//! that must stay a regression.

use jiff::Timestamp;

use crate::model::{Change, Metric, Probe, SeriesKey};

use super::{
    Tuning,
    figures::median_of,
    footing::Footing,
    rebase,
    series::{Line, moment, point, seconds},
};

/// Fewest controls that say anything: of one or two, one that is in trouble of its own would hide a regression.
const FEWEST: usize = 3;
/// Base intervals over which the level of the controls is taken.
const SPAN: f64 = 6.0;
/// Shifts of the controls below this log ratio are their own noise.
const SHARED_FROM: f64 = 0.1;
/// Base intervals within which failures are at the same time.
const AT_ONCE: f64 = 4.5;

/// The controls of one change.
#[derive(Debug, Clone, Default)]
pub(super) struct Controls {
    each: Vec<Control>,
}

/// One control since the change.
#[derive(Debug, Clone)]
struct Control {
    key: SeriesKey,
    footing: Option<Footing>,
    /// Index in its line of the next run to take.
    next: Option<usize>,
    /// Log ratios to what was expected, in order of time.
    ratios: Vec<(Timestamp, f64)>,
    /// Successes and failures, in order of time.
    outcomes: Vec<(Timestamp, bool)>,
}

/// What was taken out of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Shared {
    /// By how much the controls were slower (log ratio); 0 for not.
    pub(super) slower: f64,
    /// Whether at least half of them failed at the time.
    pub(super) outage: bool,
}

impl Controls {
    /// Adds a control.
    pub(super) fn add(&mut self, key: SeriesKey) {
        if !self.holds(&key) {
            let (ratios, outcomes) = (Vec::new(), Vec::new());
            self.each.push(Control { key, footing: None, next: None, ratios, outcomes });
        }
    }

    /// Whether a series is one of them.
    pub(super) fn holds(&self, key: &SeriesKey) -> bool {
        self.each.iter().any(|control| control.key == *key)
    }

    /// The series they are.
    pub(super) fn keys(&self) -> impl Iterator<Item = &SeriesKey> {
        self.each.iter().map(|control| &control.key)
    }

    /// Whether they are enough to say anything.
    pub(super) fn enough(&self) -> bool {
        self.each.len() >= FEWEST
    }

    /// Takes the newest runs of a control.
    pub(super) fn take(&mut self, line: &Line, change: &Change, tuning: &Tuning) {
        let own = self.each.iter_mut().find(|control| control.key == line.member.series);
        let Some(control) = own else { return };
        let next = *control.next.get_or_insert_with(|| {
            let before = rebase::before(line, change.started_at, Metric::Latency, &[]);
            let at_s = seconds(change.started_at);
            let interval_s = line.member.interval.as_secs_f64();
            control.footing = Footing::lay(&before.points, at_s, interval_s, tuning);
            line.from(change.started_at)
        });
        for probe in line.probes.get(next..).unwrap_or_default() {
            let score =
                control.footing.as_mut().and_then(|f| Some(f.score(&point(probe))? * f.scale()));
            control.ratios.extend(score.map(|ratio| (probe.at, ratio)));
            control.outcomes.extend(probe.success.map(|ok| (probe.at, ok)));
        }
        control.next = Some(line.probes.len().max(next));
    }

    /// What the controls saw right before a run.
    pub(super) fn shared(&self, at: Timestamp, interval_s: f64) -> Shared {
        if !self.enough() {
            return Shared::default();
        }
        let since = |spans: f64| moment(seconds(at) - spans * interval_s);
        let (from, lately) = (since(SPAN), since(AT_ONCE));
        let levels: Vec<f64> = self
            .each
            .iter()
            .filter_map(|control| {
                let seen = between(&control.ratios, from, at);
                (seen.len() >= 2).then(|| median_of(seen.iter().map(|(_, r)| *r).collect()))?
            })
            .collect();
        let level = if levels.len() >= FEWEST { median_of(levels) } else { None };
        let failed: Vec<bool> = self
            .each
            .iter()
            .map(|control| between(&control.outcomes, lately, at))
            .filter(|seen| !seen.is_empty())
            .map(|seen| seen.iter().any(|(_, ok)| !ok))
            .collect();
        let down = failed.iter().filter(|failed| **failed).count();
        Shared {
            slower: level.filter(|level| level.abs() >= SHARED_FROM).unwrap_or(0.0),
            outage: failed.len() >= FEWEST && down >= 2 && 2 * down >= failed.len(),
        }
    }
}

impl Shared {
    /// The run without what it shares with the controls: its time shorter, its failure nobody's.
    pub(super) fn relieve(self, probe: &Probe) -> Option<Probe> {
        if self.slower == 0.0 && !self.outage {
            return None;
        }
        let mut relieved = probe.clone();
        relieved.latency_ms = probe.latency_ms.map(|ms| ms * (-self.slower).exp());
        // Neither its failures nor its successes tell anything of the change meanwhile.
        if self.outage {
            (relieved.success, relieved.signature) = (None, None);
        }
        Some(relieved)
    }
}

/// Entries from `from` up to, not including, `to`.
fn between<T>(entries: &[(Timestamp, T)], from: Timestamp, to: Timestamp) -> &[(Timestamp, T)] {
    let start = entries.partition_point(|(at, _)| *at < from);
    let end = entries.partition_point(|(at, _)| *at < to);
    &entries[start..end.max(start)]
}

#[cfg(test)]
mod tests {
    use super::{
        super::made::{REAL, START_S, change, fail, member, slow},
        *,
    };

    /// Four controls that got so many times slower, and fail this often, from the 400th run on.
    fn controls(count: u64, times: f64, share: f64) -> (Controls, Timestamp) {
        let at = moment(START_S + 400.0 * 60.0);
        let deploy = change("deploy", "shop", at);
        let mut controls = Controls::default();
        for seed in 0..count {
            let mut line = Line::new(member(&format!("journey {seed}"), &[], 60));
            let mut probes = REAL.probes(900 + seed, 460, 60.0);
            slow(&mut probes, 400, times);
            fail(&mut probes, 400, share, seed);
            line.merge(probes);
            controls.add(line.member.series.clone());
            controls.take(&line, &deploy, &Tuning::default());
        }
        (controls, moment(START_S + 430.0 * 60.0))
    }

    #[test]
    fn what_all_controls_share_is_taken_out() {
        let (slower, now) = controls(4, 1.6, 0.0);
        let shared = slower.shared(now, 60.0);
        assert!((shared.slower - 1.6_f64.ln()).abs() < 0.2 && !shared.outage, "{shared:?}");
        let (down, now) = controls(4, 1.0, 1.1);
        assert!(down.shared(now, 60.0).outage);
    }

    #[test]
    fn few_or_quiet_controls_take_nothing_out() {
        for (count, times, share) in [(2, 3.0, 1.1), (4, 1.0, 0.0), (0, 9.0, 1.1)] {
            let (controls, now) = controls(count, times, share);
            assert_eq!(controls.shared(now, 60.0), Shared::default(), "{count} {times}");
        }
        let probe = &REAL.probes(1, 1, 60.0)[0];
        assert_eq!(Shared::default().relieve(probe), None);
    }
}
