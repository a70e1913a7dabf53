//! Trouble that no logged change explains: always looking, so it must be far surer than a watch is.
//!
//! Failures in a row and failures too frequent are seen by [`fails::Fails`], slower answers by [`slows::Slows`]: cumulative sums
//! (Page 1954) whose thresholds are so high that a journey without trouble alarms less than once in months, and higher still
//! where its own past shows larger excursions. After an alarm, and after a change that a watch answers for, it stands on the new
//! level.

mod fails;
mod slows;

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Detect, Effect, Metric, Onset, Probe, Quantiles};

use super::{
    Recovery, Tuning,
    figures::{latency_effect, quantiles, success_effect, tally},
    sentence::odds,
    series::{KnownShift, Line, Member, latency_of, later, moment, point, seconds},
};

use fails::Fails;
use slows::Slows;

/// Base intervals that are kept to learn from: a week of seasons and the day they are applied to.
const KEPT_DAYS: u64 = 8;

/// Most runs kept.
const KEPT: usize = 20_000;

/// Runs of the past that are walked through at the start, to learn the journey's own excursions.
const REHEARSED: usize = 2880;

/// Runs after a known shift until the new level is known well enough to look again.
const SETTLING: usize = 30;

/// How long failures go on until they are what is usual.
const GIVEN_UP: Duration = Duration::from_secs(24 * 3600);

/// Runs shown as "before".
const SHOWN: usize = 180;

/// Trouble found.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// What got worse.
    pub metric: Metric,
    /// When it began.
    pub onset: Onset,
    /// Log-evidence (natural) at the alarm.
    pub log_e: f64,
    /// A sentence for people.
    pub summary: String,
    /// Before the onset.
    pub before: Quantiles,
    /// Since the onset.
    pub after: Quantiles,
    /// By how much.
    pub effect: Option<Effect>,
}

/// What a chart found.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Found {
    log_e: f64,
    /// The last run that was still well, and the first that was not, in seconds since 1970.
    between_s: (f64, f64),
    /// Failures in a row, where it was they that were seen.
    row: Option<u32>,
}

/// Watches one series for trouble without a change.
#[derive(Debug, Clone)]
pub struct Sentinel {
    line: Line,
    slows: Slows,
    fails: Fails,
    detect: Detect,
    /// Failures that were told and still go on: since when, and the test for their end.
    failing: Option<(Timestamp, Recovery)>,
}

impl Sentinel {
    /// Learns from the past of a series (in order of time).
    pub fn new(member: Member, history: &[Probe], detect: Detect) -> Self {
        let tuning = Tuning::of(&detect);
        let mut line = Line::new(member);
        let rehearsed = history.len().saturating_sub(REHEARSED);
        line.merge(history[..rehearsed].to_vec());
        let interval_s = line.member.interval.as_secs_f64().max(0.001);
        let mut sentinel = Self {
            slows: Slows::new(interval_s, tuning.clone()),
            fails: Fails::new(interval_s, tuning),
            detect,
            failing: None,
            line,
        };
        for probe in &history[rehearsed..] {
            // What alarmed then was told then, or never will be.
            let _told = sentinel.push(probe);
        }
        sentinel
    }

    /// Takes the next run; an alarm where there is trouble. Runs that come late or twice are passed over.
    pub fn push(&mut self, probe: &Probe) -> Option<Alarm> {
        if self.line.probes.last().is_some_and(|last| last.at >= probe.at) {
            return None;
        }
        self.line.add(probe);
        self.trim();
        let point = point(probe);
        let slow = if self.settling(Metric::Latency) {
            self.slows.forget();
            None
        } else {
            self.slows.push(&self.line, &point)
        };
        let failing = if self.still_failing(probe) {
            None
        } else if self.settling(Metric::Success) {
            self.fails.forget();
            None
        } else {
            self.fails.push(&self.line, &point)
        };
        let (metric, found) = match (failing, slow) {
            (Some(found), _) => (Metric::Success, found),
            (None, Some(found)) => (Metric::Latency, found),
            (None, None) => return None,
        };
        let alarm = self.alarm(metric, &found);
        let onset = moment(found.between_s.1);
        match metric {
            Metric::Latency | Metric::Measure => self.stand_on(metric, onset),
            Metric::Success => {
                let (before, after) = self.line.probes.split_at(self.line.from(onset));
                let interval = self.line.member.interval;
                let end = Recovery::new(metric, before, after, interval, self.detect);
                self.failing = Some((onset, end));
                self.fails.forget();
            }
        }
        Some(alarm)
    }

    /// Whether failures that were told go on. When they end, what they did is forgotten: it says nothing of the usual rate. Those that
    /// last longer than `GIVEN_UP` are what is usual now.
    fn still_failing(&mut self, probe: &Probe) -> bool {
        let Some((onset, end)) = &mut self.failing else { return false };
        let onset = *onset;
        if let Some(recovered) = end.push(probe) {
            let (from, to) = (self.line.from(onset), self.line.from(recovered.at));
            for p in &mut self.line.probes[from..to.max(from)] {
                p.success = None;
            }
            self.failing = None;
        } else if probe.at > later(onset, GIVEN_UP) {
            self.failing = None;
            self.stand_on(Metric::Success, onset);
        }
        true
    }

    /// A change that is watched, or trouble that ended, moved the level at `at` or may have: what follows is the new level, and until it
    /// is known nothing is said.
    pub fn rebase(&mut self, at: Timestamp) {
        self.failing = None;
        self.stand_on(Metric::Latency, at);
        self.stand_on(Metric::Success, at);
    }

    fn stand_on(&mut self, metric: Metric, at: Timestamp) {
        self.line.shift(KnownShift { at, metric });
        match metric {
            Metric::Latency | Metric::Measure => self.slows.forget(),
            Metric::Success => self.fails.forget(),
        }
    }

    /// Whether too few runs were made since the last known shift.
    fn settling(&self, metric: Metric) -> bool {
        let Some(last) = self.line.shifts.iter().rfind(|s| s.metric == metric) else {
            return false;
        };
        self.line.probes.len() - self.line.from(last.at) < SETTLING
    }

    fn alarm(&self, metric: Metric, found: &Found) -> Alarm {
        let (well, ill) = (moment(found.between_s.0), moment(found.between_s.1));
        let latest = later(ill, self.line.member.interval.saturating_mul(3));
        let newest = self.line.probes.last().map_or(ill, |p| p.at);
        let onset = Onset { at: ill, earliest: well.min(ill), latest: latest.min(newest).max(ill) };
        let cut = self.line.from(ill);
        let (before, after) = self.line.probes.split_at(cut);
        let before = &before[before.len().saturating_sub(SHOWN)..];
        let effect = match metric {
            Metric::Latency | Metric::Measure => {
                let times = |p: &[Probe]| p.iter().filter_map(latency_of).collect::<Vec<f64>>();
                latency_effect(&times(before), &times(after), self.slows.memory())
            }
            Metric::Success => success_effect(tally(before.iter()), tally(after.iter())),
        };
        let (before, after) = (quantiles(before.iter()), quantiles(after.iter()));
        Alarm {
            metric,
            onset,
            log_e: found.log_e,
            summary: summary(metric, found, ill, (&before, &after)),
            before,
            after,
            effect,
        }
    }

    /// Drops what is too old to learn from, now and then.
    fn trim(&mut self) {
        let probes = &mut self.line.probes;
        let Some(newest) = probes.last().map(|p| seconds(p.at)) else { return };
        let oldest = newest - Duration::from_secs(KEPT_DAYS * 86_400).as_secs_f64();
        let old = probes.partition_point(|p| seconds(p.at) < oldest);
        let drop = old.max(probes.len().saturating_sub(KEPT));
        // A tenth at a time: moving the rest for every run would cost more than it saves.
        if drop * 10 > probes.len() {
            probes.drain(..drop);
            if let Some(first) = probes.first().map(|p| p.at) {
                self.line.shifts.retain(|s| s.at >= first);
            }
        }
    }
}

fn summary(
    metric: Metric,
    found: &Found,
    since: Timestamp,
    (before, after): (&Quantiles, &Quantiles),
) -> String {
    let ms = |q: &Quantiles| q.p50_ms.map_or("?".to_owned(), |v| format!("{v:.0}"));
    let share = |q: &Quantiles| q.success.map_or("?".to_owned(), |v| format!("{:.1}%", 100.0 * v));
    match (metric, found.row) {
        (_, Some(row)) => {
            format!("{row} runs in a row failed, since {since:.0}")
        }
        (Metric::Latency | Metric::Measure, None) => format!(
            "p50 {} -> {} ms since {since:.0}, evidence {}",
            ms(before),
            ms(after),
            odds(found.log_e)
        ),
        (Metric::Success, None) => format!(
            "success {} -> {} since {since:.0}, evidence {}",
            share(before),
            share(after),
            odds(found.log_e)
        ),
    }
}

#[cfg(test)]
mod tests;
