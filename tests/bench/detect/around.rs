//! The runs of one series around a change, as the baselines want them.

use wayfarer::model::{Case, Recorded};

/// Runs that are looked at after the change.
const WATCHED: usize = 60;

/// The runs of a series and where its change lies among them.
pub(crate) struct Around {
    /// Usual distance of two runs, in seconds.
    pub(crate) interval_s: f64,
    /// Milliseconds; not a number where a run failed.
    pub(crate) ms: Vec<f64>,
    /// Whether it succeeded.
    pub(crate) ok: Vec<bool>,
    /// Index of the first run that is not before the change.
    pub(crate) change: usize,
    /// How many runs after the change are looked at.
    pub(crate) watched: usize,
}

impl Around {
    /// The runs of a series around the first change of its case.
    pub(crate) fn of(case: &Case, recorded: &Recorded) -> Option<Self> {
        let at = case.changes.iter().map(|c| c.started_at).min()?;
        let known =
            recorded.probes.iter().filter(|p| p.latency_ms.is_some() || p.success.is_some());
        let (mut ms, mut ok, mut change) = (Vec::new(), Vec::new(), 0);
        for probe in known {
            change += usize::from(probe.at < at);
            ms.push(probe.latency_ms.unwrap_or(f64::NAN));
            ok.push(probe.success != Some(false));
        }
        let watched = WATCHED.min(ms.len() - change);
        Some(Self { interval_s: case.interval.as_secs_f64(), ms, ok, change, watched })
    }

    /// Times of the successful runs among the last `most` before the change.
    pub(crate) fn times_before(&self, most: usize) -> Vec<f64> {
        self.times(self.change.saturating_sub(most), self.change)
    }

    /// Times of the successful runs among the first `count` after the change.
    pub(crate) fn times_after(&self, count: usize) -> Vec<f64> {
        self.times(self.change, self.change + count)
    }

    fn times(&self, from: usize, to: usize) -> Vec<f64> {
        let rows = from..to.min(self.ms.len());
        rows.filter(|i| self.ok[*i] && self.ms[*i] > 0.0).map(|i| self.ms[i]).collect()
    }

    /// Share of failing runs of some rows.
    pub(crate) fn failing(&self, from: usize, to: usize) -> f64 {
        let rows = &self.ok[from..to.min(self.ok.len())];
        let failed = rows.iter().filter(|ok| !**ok).count();
        failed as f64 / rows.len() as f64
    }

    /// How many runs fall into so many seconds.
    pub(crate) fn runs_in(&self, seconds: f64) -> usize {
        (seconds / self.interval_s) as usize
    }
}
