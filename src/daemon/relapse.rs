//! Whether trouble that was over is there again, or only still in the verdict of its change.
//!
//! A finding ends as soon as its series is as before; the watch of the change needs more runs to say that the harm did not last, and until then each new
//! word of its verdict still says `regressed`. That is old news. It is new where the harm began after the end, where runs failed again since, or
//! where the watch had called it harmless in between.

use std::collections::HashMap;

use jiff::Timestamp;

use super::trouble::Concern;
use crate::model::{ChangeId, Conclusion, Metric, SeriesKey};

/// After so many failed runs it is there again.
const AGAIN: u32 = 3;

/// What ended lately, by what it was about.
#[derive(Default)]
pub(super) struct Relapses(HashMap<Concern, Ended>);

struct Ended {
    at: Timestamp,
    failed: u32,
}

impl Relapses {
    /// A finding about this is over.
    pub(super) fn ended(&mut self, concern: Concern, at: Timestamp) {
        self.0.insert(concern, Ended { at, failed: 0 });
    }

    /// A run of a series failed.
    pub(super) fn failed(&mut self, series: &SeriesKey, at: Timestamp) {
        let of = |(concern, ended): &(&Concern, &mut Ended)| {
            concern.1 == *series && concern.2 == Metric::Success && at > ended.at
        };
        for (_, ended) in self.0.iter_mut().filter(of) {
            ended.failed += 1;
        }
    }

    /// Whether a verdict, of harm that began at `onset` as far as is known, only repeats what is over.
    pub(super) fn is_old(
        &mut self,
        concern: &Concern,
        conclusion: Conclusion,
        onset: Option<Timestamp>,
    ) -> bool {
        let harm = matches!(conclusion, Conclusion::Regressed | Conclusion::Suspected);
        let Some(ended) = self.0.get(concern) else { return false };
        let later = onset.is_some_and(|onset| onset > ended.at);
        let old = harm && !later && ended.failed < AGAIN;
        if !old {
            self.0.remove(concern);
        }
        old
    }

    /// A change turned out to be another one.
    pub(super) fn hand_over(&mut self, from: &ChangeId, to: &ChangeId) {
        let moved: Vec<Concern> = self.0.keys().filter(|c| c.0 == *from).cloned().collect();
        for concern in moved {
            if let Some(ended) = self.0.remove(&concern) {
                self.0.insert((to.clone(), concern.1, concern.2, concern.3), ended);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Part;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn series() -> SeriesKey {
        SeriesKey { journey: "j".into(), environment: "e".into(), location: "l".into() }
    }

    fn concern() -> Concern {
        ("c".into(), series(), Metric::Success, Part::Whole)
    }

    /// Whether a finding of harm that began at `onset` may open.
    fn opens(relapses: &mut Relapses, onset: i64) -> bool {
        !relapses.is_old(&concern(), Conclusion::Regressed, Some(at(onset)))
    }

    #[test]
    fn the_same_said_again_is_old_until_something_is_new() {
        let ended = || {
            let mut relapses = Relapses::default();
            relapses.ended(concern(), at(100));
            relapses
        };
        assert!(opens(&mut Relapses::default(), 50), "nothing ended");
        let mut relapses = ended();
        assert!(!opens(&mut relapses, 50) && !opens(&mut relapses, 60));
        assert!(opens(&mut relapses, 120), "it began after the end");
        assert!(opens(&mut relapses, 50), "which is told by then");
        let mut relapses = ended();
        assert!(!relapses.is_old(&concern(), Conclusion::Transient, Some(at(50))));
        assert!(opens(&mut relapses, 50), "called harmless in between");
        let mut relapses = ended();
        for second in [90, 110, 120] {
            relapses.failed(&series(), at(second));
        }
        assert!(!opens(&mut relapses, 50), "two since, one before");
        relapses.failed(&series(), at(130));
        assert!(opens(&mut relapses, 50));
    }
}
