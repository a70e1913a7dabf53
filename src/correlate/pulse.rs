//! Our own pulse: what walks to known-good addresses say of our host and path, and when that is to be believed.
//!
//! An address tells something only while it is known to be good: at least ten answers, and no more than a fifth of its walks of the
//! last hours failed. One that is down for good is no evidence of anything, or it would hide every regression. Walks out of turn (a
//! run has failed) say what is now, but do not count there: in trouble there are many of them.

use std::collections::VecDeque;

use crate::model::Unwell;

use super::figures::{count, median_of};

/// Walks of an address that are remembered: six hours at one every twenty seconds.
const MEMORY: usize = 1080;
/// Answers that make an address known.
const KNOWN: usize = 10;
/// The most of its walks that may have failed, where there were fewer than these: of these. So an agent that has just started bears
/// an outage of twelve minutes, later one of an hour.
const FAILED: f64 = 0.2;
const AT_LEAST: usize = 180;
/// Walks of which the middle one says how slow it is now.
const NOW: usize = 3;
/// What they take longer must be so many ms to be slow at all: of a neighbour that answers in two, four are nothing.
const NOTICED_MS: f64 = 10.0;
/// From so many times the usual share of stolen time on it is trouble: a host that always gives some away is as it is.
const STOLEN: f64 = 2.0;

/// What is known of our own health.
#[derive(Debug, Clone, Default)]
pub struct Pulse {
    /// By address, oldest first: how long it took in ms; none where it failed.
    walks: Vec<VecDeque<Option<f64>>>,
    /// By address: whether it answered the last time, be it out of turn.
    answers: Vec<bool>,
    /// Shares of stolen time, oldest first.
    stolen: VecDeque<f64>,
    /// The last of them, if it was more than usual.
    steal: f64,
}

impl Pulse {
    /// For so many addresses.
    pub fn new(addresses: usize) -> Self {
        let (walks, answers) = (vec![VecDeque::new(); addresses], vec![true; addresses]);
        Self { walks, answers, ..Self::default() }
    }

    /// Takes one walk to each address, in their order: how long it took in ms, none where it failed.
    pub fn push(&mut self, took_ms: &[Option<f64>]) {
        self.push_extra(took_ms);
        for (walks, took) in self.walks.iter_mut().zip(took_ms) {
            walks.push_back(took.filter(usable));
            if walks.len() > MEMORY {
                walks.pop_front();
            }
        }
    }

    /// Takes one more, out of turn.
    pub fn push_extra(&mut self, took_ms: &[Option<f64>]) {
        for (answer, took) in self.answers.iter_mut().zip(took_ms) {
            *answer = took.is_some_and(|ms| usable(&ms));
        }
    }

    /// Takes the share of processor time that the host gave to others.
    pub fn push_steal(&mut self, share: f64) {
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        let usual = median_of(self.stolen.iter().copied().collect()).unwrap_or(0.0);
        self.steal = if share >= STOLEN * usual { share } else { 0.0 };
        self.stolen.push_back(share);
        if self.stolen.len() > MEMORY {
            self.stolen.pop_front();
        }
    }

    /// Whether enough was seen to know what is usual.
    pub fn is_known(&self) -> bool {
        self.walks.iter().all(|w| w.iter().flatten().count() >= KNOWN)
    }

    /// What is wrong with us now, if anything. Several addresses must fail for the most part, or all be slow: one of them may be
    /// the target's neighbour.
    pub fn unwell(&self) -> Option<Unwell> {
        let all = self.walks.iter().zip(&self.answers);
        let good: Vec<(&VecDeque<Option<f64>>, &bool)> = all.filter(|(w, _)| is_good(w)).collect();
        let down = good.iter().filter(|(_, answers)| !**answers).count();
        let slower = good.iter().filter_map(|(w, _)| slower(w)).reduce(f64::min).unwrap_or(1.0);
        let failed = 2 * down > good.len();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let (percent, steal) =
            ((100.0 * slower).clamp(0.0, 1e6) as u32, (100.0 * self.steal).clamp(0.0, 100.0) as u8);
        Unwell::noted(failed, percent, steal)
    }
}

fn is_good(walks: &VecDeque<Option<f64>>) -> bool {
    let answered = walks.iter().flatten().count();
    let bearable = FAILED * count(walks.len().max(AT_LEAST));
    answered >= KNOWN && count(walks.len() - answered) <= bearable
}

fn usable(ms: &f64) -> bool {
    ms.is_finite() && *ms > 0.0
}

/// How many times as long as usual the last walks took, where they answered.
fn slower(walks: &VecDeque<Option<f64>>) -> Option<f64> {
    let usual = median_of(walks.iter().flatten().copied().collect())?;
    let now = median_of(walks.iter().rev().flatten().take(NOW).copied().collect())?;
    let noticed = now - usual >= NOTICED_MS;
    (usual > 0.0).then(|| if noticed { now / usual } else { (now / usual).min(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(addresses: usize, usual: &[Option<f64>], times: usize) -> Pulse {
        let mut pulse = Pulse::new(addresses);
        for _ in 0..times {
            pulse.push(usual);
        }
        pulse
    }

    #[test]
    fn what_fails_or_slows_after_it_was_good_is_said() {
        let well = [Some(20.0), Some(30.0), Some(25.0)];
        for (now, times, failed, slow) in [
            ([Some(21.0), Some(29.0), Some(25.0)], 3, false, false),
            ([None, None, Some(25.0)], 1, true, false),
            ([None, Some(30.0), Some(25.0)], 9, false, false),
            ([Some(90.0), Some(90.0), Some(80.0)], 1, false, false),
            ([Some(90.0), Some(90.0), Some(80.0)], 2, false, true),
            ([Some(90.0), Some(90.0), Some(25.0)], 9, false, false),
            ([Some(f64::NAN), Some(-1.0), Some(0.0)], 1, true, false),
        ] {
            let mut pulse = pulse(3, &well, 50);
            for _ in 0..times {
                pulse.push(&now);
            }
            let seen = pulse.unwell().map(|u| (u.failed, u.slower_percent >= 200));
            assert_eq!(seen, (failed || slow).then_some((failed, slow)), "{now:?} x{times}");
        }
    }

    #[test]
    fn what_is_not_known_to_be_good_says_nothing() {
        for (good, bad) in [(0, 50), (5, 3), (100, 40)] {
            let mut pulse = pulse(1, &[Some(20.0)], good);
            for _ in 0..bad {
                pulse.push(&[None]);
            }
            assert_eq!(pulse.unwell(), None, "{good} {bad}");
        }
        let mut pulse = pulse(1, &[Some(20.0)], 10);
        for _ in 0..500 {
            pulse.push_extra(&[None]);
            assert!(pulse.unwell().is_some_and(|u| u.failed));
        }
        assert_eq!(Pulse::new(0).unwell(), None);
        assert!(!Pulse::new(1).is_known() && Pulse::new(0).is_known());
    }

    #[test]
    fn a_neighbour_that_takes_a_few_ms_more_is_well() {
        for (now, said) in [(9.0, false), (30.0, true)] {
            let mut pulse = pulse(1, &[Some(2.0)], 50);
            (0..3).for_each(|_| pulse.push(&[Some(now)]));
            assert_eq!(pulse.unwell().is_some(), said, "{now}");
        }
    }

    #[test]
    fn stolen_time_is_said_by_itself() {
        let mut pulse = pulse(1, &[Some(20.0)], 50);
        for (share, said) in [(0.05, false), (0.15, true), (f64::NAN, false), (7.0, true)] {
            pulse.push_steal(share);
            assert_eq!(pulse.unwell().is_some(), said, "{share}");
        }
        // A host that always does so is as it is, until it does so even more.
        let mut pulse = Pulse::new(0);
        (0..20).for_each(|_| pulse.push_steal(0.2));
        for (share, said) in [(0.2, false), (0.3, false), (0.5, true), (0.2, false)] {
            pulse.push_steal(share);
            assert_eq!(pulse.unwell().is_some(), said, "{share}");
        }
    }
}
