//! The time of probes after a change, in base intervals.

use super::rows::History;

/// A gap this near to whole intervals, as a share of one, is whole: a timer's jitter says nothing.
const JITTER: f64 = 0.25;
/// Longest gap told from a longer one, in intervals.
const GAP_MAX: f64 = 1e6;

/// Turns the times of probes after a change into base intervals.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    step_s: f64,
    nominal_s: f64,
    change_at_s: f64,
    newest_before: Option<(f64, f64)>,
    first: Option<(f64, f64)>,
    tau: f64,
}

/// One probe after the change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beat {
    /// Its time in base intervals after the first row after the change.
    pub(super) tau: f64,
    /// Intervals since the probe before it.
    pub(super) gap: f64,
    /// The time of the probe before it, where that was after the change too.
    pub(super) previous: Option<f64>,
}

impl Pace {
    pub(super) fn new(history: &History, change_at_s: f64, nominal_s: f64) -> Self {
        Self {
            step_s: history.step_s,
            nominal_s,
            change_at_s,
            newest_before: history.newest,
            first: None,
            tau: 0.0,
        }
    }

    /// The beat of a probe; none where it was not made after the change. A time earlier than the one before counts as the
    /// same time.
    pub(super) fn beat(&mut self, at_s: f64) -> Option<Beat> {
        if !at_s.is_finite() || self.change_at_s.is_nan() || at_s < self.change_at_s {
            return None;
        }
        let Some((first_at, first_tau)) = self.first else {
            let (gap, tau) = match self.newest_before {
                Some((at, lead)) => {
                    let gap = whole((at_s - at) / self.step_s).min(GAP_MAX);
                    (gap, (gap - lead).max(0.0))
                }
                None => (1.0, 0.0),
            };
            self.first = Some((at_s, tau));
            self.tau = tau;
            return Some(Beat { tau, gap, previous: None });
        };
        let previous = self.tau;
        let exact = first_tau + (at_s - first_at) / self.step_s;
        let gap = exact - previous;
        let even = previous + gap.round();
        let tau = if gap >= 0.5 && (exact - even).abs() <= JITTER { even } else { exact };
        self.tau = tau.clamp(previous, previous + GAP_MAX);
        Some(Beat { tau: self.tau, gap: self.tau - previous, previous: Some(previous) })
    }

    /// A time of this pace as nominal base intervals after the change.
    pub(super) fn lag(&self, tau: f64) -> f64 {
        let Some((first_at, first_tau)) = self.first else { return tau };
        (first_at - self.change_at_s + (tau - first_tau) * self.step_s) / self.nominal_s
    }
}

/// Rounds a gap that is whole but for jitter.
fn whole(gap: f64) -> f64 {
    let even = gap.round();
    if even >= 1.0 && (gap - even).abs() <= JITTER { even } else { gap.max(0.0) }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Direction, Point, Tuning},
        *,
    };

    fn pace(change: f64) -> Pace {
        let before: Vec<_> = (0..30)
            .map(|i| Point::measured(f64::from(i) * 60.0, Some(100.0), Some(true)))
            .collect();
        let history = History::lay(&before, change, 60.0, Direction::Worse, &Tuning::default());
        Pace::new(&history, change, 60.0)
    }

    #[test]
    fn even_and_jittered_probes_are_whole_intervals_apart() {
        for change in [1741.0, 1770.0, 1800.0] {
            let mut pace = pace(change);
            for i in 0..100 {
                let beat = pace.beat(1800.0 + f64::from(i) * 60.0 + f64::from(i * 7 % 11)).unwrap();
                assert_eq!((beat.tau, beat.gap), (f64::from(i), 1.0), "{change} {i}");
            }
        }
    }

    #[test]
    fn denser_probes_lie_between() {
        let mut pace = pace(1800.0);
        for i in 0..30 {
            let beat = pace.beat(1800.0 + f64::from(i) * 10.0).unwrap();
            assert!((beat.tau - f64::from(i) / 6.0).abs() < 1e-9, "{i} {beat:?}");
        }
    }

    #[test]
    fn times_that_cannot_be_are_refused_or_held() {
        let mut pace = pace(1800.0);
        assert!(pace.beat(f64::NAN).is_none());
        assert!(pace.beat(1799.0).is_none());
        assert!(pace.beat(1900.0).is_some());
        assert_eq!(pace.beat(1850.0).unwrap().gap, 0.0);
        assert!(pace.beat(1e300).unwrap().tau.is_finite());
    }

    #[test]
    fn lags_are_counted_from_the_change_itself() {
        let mut pace = pace(1770.0);
        let beat = pace.beat(1800.0).unwrap();
        assert_eq!(beat.tau, 0.0);
        assert!((pace.lag(beat.tau) - 0.5).abs() < 1e-9);
    }
}
