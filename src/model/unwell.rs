//! Our own health while a run was made: what a run shows may be our host's or our path's doing.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{FaultKind, Outcome, Run, StepOutcome};

/// From so many percent of its usual time on a self-check is slow. A single one strays by 20 to 30% (log standard deviation of a
/// small request over the internet), so that twice as long is more than two of these, and of the last three the middle one counts.
const SLOW_PERCENT: u32 = 200;

/// From so much processor time given to others on, in percent, times are the host's: a tenth of the slices missing delays a
/// hundredth to a tenth of a second's work by whole slices.
const STEAL_PERCENT: u8 = 10;

/// What was wrong with our own host or path while a run was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwell {
    /// Whether most of the known-good addresses did not answer either.
    pub failed: bool,
    /// What those that answered took, in percent of what they usually take.
    pub slower_percent: u32,
    /// Processor time that the host gave to others (steal), in percent.
    pub steal_percent: u8,
}

impl Unwell {
    /// What was seen, where any of it is worth noting.
    pub fn noted(failed: bool, slower_percent: u32, steal_percent: u8) -> Option<Self> {
        let seen = Self { failed, slower_percent, steal_percent };
        (failed || seen.slow()).then_some(seen)
    }

    /// Whether it explains how a run ended, so that this says nothing of the target. A time is explained by anything of it, a
    /// failure by a failure alone, or, where a deadline passed, by slowness as well.
    pub fn explains(&self, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Passed => self.failed || self.slow(),
            Outcome::Failed(failure) => {
                self.failed || (failure.kind == FaultKind::Timeout && self.slow())
            }
            Outcome::Broken { .. } => false,
        }
    }

    fn slow(&self) -> bool {
        self.slower_percent >= SLOW_PERCENT || self.steal_percent >= STEAL_PERCENT
    }
}

impl fmt::Display for Unwell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = Vec::new();
        if self.failed {
            said.push("our self-check failed meanwhile".to_owned());
        }
        if self.slower_percent >= SLOW_PERCENT {
            said.push(format!(
                "our self-check took {:.1} times as long as usual",
                f64::from(self.slower_percent) / 100.0
            ));
        }
        if self.steal_percent >= STEAL_PERCENT {
            let percent = self.steal_percent;
            said.push(format!("our host gave {percent}% of the processor time to others"));
        }
        f.write_str(&said.join(", "))
    }
}

impl Run {
    /// The run with what was wrong with us while it was made. A failure that this explains is our own: the run broke.
    #[must_use]
    pub fn noting(mut self, unwell: Unwell) -> Self {
        self.unwell = Some(unwell);
        if let Outcome::Failed(failure) = &self.outcome
            && unwell.explains(&self.outcome)
        {
            let reason = format!("{unwell} (step {}: {})", failure.step, failure.message);
            let failed = self.ended_at().and_then(|index| self.steps.get_mut(index));
            failed.into_iter().for_each(|step| step.outcome = StepOutcome::Broken);
            self.outcome = Outcome::Broken { reason };
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Failure;

    #[test]
    fn a_failure_is_explained_by_a_failure_and_a_time_by_slowness_too() {
        let failed = |kind| {
            Outcome::Failed(Failure {
                step: "a".into(),
                kind,
                message: String::new(),
                check: None,
                expected: None,
                actual: None,
            })
        };
        let (refused, late) = (failed(FaultKind::Connect), failed(FaultKind::Timeout));
        let broken = Outcome::Broken { reason: String::new() };
        for (unwell, expected) in [
            (Unwell::noted(true, 100, 0), [true, true, true, false]),
            (Unwell::noted(false, 250, 0), [true, false, true, false]),
            (Unwell::noted(false, 100, 12), [true, false, true, false]),
        ] {
            let explains = |outcome| unwell.unwrap().explains(outcome);
            let seen = [&Outcome::Passed, &refused, &late, &broken].map(explains);
            assert_eq!(seen, expected, "{unwell:?}");
        }
        assert_eq!(Unwell::noted(false, 199, 9), None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let said = |unwell: Unwell| unwell.to_string();
        let failed = Unwell { failed: true, slower_percent: 100, steal_percent: 0 };
        assert_eq!(said(failed), "our self-check failed meanwhile");
        assert_eq!(
            said(Unwell { failed: false, slower_percent: 250, steal_percent: 12 }),
            "our self-check took 2.5 times as long as usual, our host gave 12% of the processor time to others"
        );
    }
}
