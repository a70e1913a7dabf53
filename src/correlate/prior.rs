//! What is believed before any probe: when a shift begins, and how long a slow spell lasts. Both are spread over time, in
//! base intervals, so that denser probing does not alter them.

use super::Tuning;

/// Horizon at most, in base intervals.
const HORIZON_MAX: usize = 100_000;

/// The prior of the onset after the change: a share at once, the rest decaying.
#[derive(Debug, Clone)]
pub(super) struct Onsets {
    /// Mass up to and including interval `i`.
    cumulative: Vec<f64>,
    /// The newest onset that was opened.
    opened: Option<f64>,
}

/// Onsets of dense probes are told apart this finely, after the first [`FRESH`] intervals: finer ones would cost a look each and
/// say no more.
const APART: f64 = 0.5;
const FRESH: f64 = 2.0;

impl Onsets {
    pub(super) fn new(horizon: usize, tuning: &Tuning) -> Self {
        let later = horizon.clamp(1, HORIZON_MAX) - 1;
        let weight = |lag: usize| (lag as f64 + 1.0).powf(-tuning.onset_power);
        let total: f64 = (1..=later).map(weight).sum();
        let at_once = if later == 0 { 1.0 } else { tuning.onset_at_once };
        let mut mass = at_once;
        let mut cumulative = vec![mass];
        for lag in 1..=later {
            mass += (1.0 - at_once) * weight(lag) / total;
            cumulative.push(mass);
        }
        Self { cumulative, opened: None }
    }

    /// The mass of the onset that the probe at `tau` opens, the probe before it having been at `previous`; 0 where probes are so dense
    /// that the next one will stand for it as well.
    pub(super) fn open(&mut self, previous: Option<f64>, tau: f64) -> f64 {
        let dense = tau >= FRESH && previous.is_some_and(|before| tau - before < APART);
        let since = if dense { self.opened.or(previous) } else { previous };
        if dense && since.is_some_and(|opened| tau - opened < APART - 1e-9) {
            return 0.0;
        }
        self.opened = Some(tau);
        self.mass(since, tau)
    }

    /// The mass of an onset first seen by a probe at `tau`, the probe before it having been at `previous`.
    pub(super) fn mass(&self, previous: Option<f64>, tau: f64) -> f64 {
        (self.until(tau) - previous.map_or(0.0, |tau| self.until(tau))).max(0.0)
    }

    fn until(&self, tau: f64) -> f64 {
        let last = self.cumulative.len() - 1;
        let low = (tau.max(0.0) as usize).min(last);
        let high = (low + 1).min(last);
        let step = self.cumulative[high] - self.cumulative[low];
        self.cumulative[low] + step * tau.max(0.0).fract()
    }
}

/// Weights of onsets in the `rows` rows before the change, oldest first. They sum to one half.
pub(super) fn before(rows: usize, taper: f64) -> Vec<f64> {
    let share = |distance: usize| (distance as f64 / taper).min(1.0).powi(2);
    let total: f64 = (1..=rows).map(share).sum();
    (1..=rows).rev().map(|distance| 0.5 * share(distance) / total.max(1e-9)).collect()
}

/// The prior of a slow spell that ends by itself.
#[derive(Debug, Clone)]
pub(super) struct Spell {
    cumulative: Vec<f64>,
}

impl Spell {
    pub(super) fn new(tuning: &Tuning) -> Self {
        let mut mass = 0.0;
        let ends = tuning.transient.iter().map(|p| {
            mass += p;
            mass
        });
        Self { cumulative: std::iter::once(0.0).chain(ends).collect() }
    }

    /// The age, in base intervals, from which on it has ended.
    pub(super) fn longest(&self) -> f64 {
        (self.cumulative.len() - 1) as f64
    }

    /// The probability that it ends between two ages, in base intervals since its first slow probe.
    pub(super) fn ends_between(&self, from: f64, to: f64) -> f64 {
        self.ended(to) - self.ended(from)
    }

    /// The probability that it is a spell and lasts longer than `age`.
    pub(super) fn lasts(&self, age: f64) -> f64 {
        self.cumulative.last().copied().unwrap_or(0.0) - self.ended(age)
    }

    fn ended(&self, age: f64) -> f64 {
        let last = self.cumulative.len() - 1;
        let low = (age.max(0.0) as usize).min(last);
        let high = (low + 1).min(last);
        let step = self.cumulative[high] - self.cumulative[low];
        self.cumulative[low] + step * age.max(0.0).fract()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_onset_prior_sums_to_one_however_dense_the_probes() {
        let onsets = Onsets::new(60, &Tuning::default());
        for per_interval in [1, 2, 6, 7] {
            let mut previous = None;
            let mut sum = 0.0;
            for i in 0..=59 * per_interval {
                let tau = f64::from(i) / f64::from(per_interval);
                sum += onsets.mass(previous, tau);
                previous = Some(tau);
            }
            assert!((sum - 1.0).abs() < 1e-9, "{per_interval} {sum}");
        }
        assert_eq!(onsets.mass(None, 0.0), 0.6);
        assert_eq!(onsets.mass(Some(59.0), 1e9), 0.0);
        assert_eq!(Onsets::new(0, &Tuning::default()).mass(None, 0.0), 1.0);
        assert_eq!(Onsets::new(1, &Tuning::default()).mass(Some(0.0), 5.0), 0.0);
    }

    #[test]
    fn a_spell_ends_in_its_first_four_intervals() {
        let spell = Spell::new(&Tuning::default());
        assert!((spell.ends_between(0.0, 1.0) - 0.06).abs() < 1e-12);
        assert!((spell.ends_between(1.0, 1.5) - 0.025).abs() < 1e-12);
        assert!((spell.lasts(0.0) - 0.2).abs() < 1e-12);
        assert!((spell.lasts(3.0) - 0.04).abs() < 1e-12);
        assert!(spell.lasts(4.0).abs() < 1e-12 && spell.lasts(1e9).abs() < 1e-12);
    }

    #[test]
    fn onsets_before_the_change_weigh_one_half() {
        let weights = before(60, 20.0);
        assert!((weights.iter().sum::<f64>() - 0.5).abs() < 1e-9);
        assert!(weights[59] < weights[40] && weights[0] == weights[39]);
        assert!(before(0, 20.0).is_empty());
    }
}
