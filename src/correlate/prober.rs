//! Was it us? Broken runs, runs that our own self-check explains and runs begun late show a sick prober, and a sick prober blames
//! nobody.

use crate::model::Probe;

use super::figures::{count, rank};

/// Runs before the change that say how often ours break and how late they begin.
const RECENT: usize = 500;

/// Fewest runs after the change that can show it.
const LEAST: u32 = 5;

/// What is seen of our own health, before and after a change.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prober {
    broken_before: f64,
    late_limit_ms: f64,
    runs: u32,
    pub(super) broken: u32,
    late: u32,
}

/// Whether a run says nothing of the target: our own trouble.
pub(super) fn broken(probe: &Probe) -> bool {
    probe.success.is_none() && probe.latency_ms.is_none()
}

impl Prober {
    /// From the runs before the change. Late is what begins more than a second and five times later than nearly all of them.
    pub(super) fn new(before: &[Probe]) -> Self {
        let recent = &before[before.len().saturating_sub(RECENT)..];
        let mut late: Vec<f64> =
            recent.iter().map(|p| p.late_ms).filter(|ms| ms.is_finite()).collect();
        late.sort_by(f64::total_cmp);
        let bad = recent.iter().filter(|p| broken(p)).count();
        Self {
            broken_before: count(bad) / count(recent.len().max(1)),
            late_limit_ms: (5.0 * rank(&late, 0.95).unwrap_or(0.0)).max(1000.0),
            runs: 0,
            broken: 0,
            late: 0,
        }
    }

    /// Takes a run made after the change.
    pub(super) fn push(&mut self, probe: &Probe) {
        self.runs += 1;
        self.broken += u32::from(broken(probe));
        self.late += u32::from(probe.late_ms > self.late_limit_ms);
    }

    /// Why nothing should be concluded, where that is so: a quarter of the runs broken and thrice as many as before, or half of
    /// them begun far too late.
    pub(super) fn sick(&self) -> Option<String> {
        if self.runs < LEAST {
            return None;
        }
        let share = |n: u32| f64::from(n) / f64::from(self.runs);
        if self.broken >= 3 && share(self.broken) >= (3.0 * self.broken_before).max(0.25) {
            return Some(format!(
                "{} of {} runs after the change broke on our side or were made while our self-check failed or was slow ({:.0}% before it)",
                self.broken,
                self.runs,
                100.0 * self.broken_before
            ));
        }
        (share(self.late) >= 0.5).then(|| {
            format!(
                "{} of {} runs after the change began more than {:.1} s late, unlike those before it",
                self.late,
                self.runs,
                self.late_limit_ms / 1e3
            )
        })
    }
}
