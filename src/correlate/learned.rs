//! What the last deployments of a service teach: a slow spell that comes with each of them and ends by itself is no alarm.

use std::time::Duration;

use super::figures::{count, whole};

/// Weight of the usual prior, in deployments.
const WEIGHT: f64 = 4.0;

/// Fewest spells that make a habit.
const HABIT: usize = 2;

/// The most that a spell is believed to be probable: a change that slows for good must still be told within its watch.
const MOST: f64 = 0.8;

/// A spell may last longer than the longest yet by this factor, and so many base intervals at most.
const LONGER: f64 = 1.25;
const LONGEST: f64 = 60.0;

/// The prior of a slow spell that ends in its 1st, 2nd, ... base interval, from the `usual` one and what the last deployments showed:
/// how long the spell of each was, none where there was none.
pub(super) fn spells(usual: &[f64], past: &[Option<Duration>], interval: Duration) -> Vec<f64> {
    let seen: Vec<f64> = past.iter().flatten().map(Duration::as_secs_f64).collect();
    if seen.len() < HABIT {
        return usual.to_vec();
    }
    let longest = seen.iter().copied().fold(0.0, f64::max) / interval.as_secs_f64().max(1e-3);
    let n = whole((LONGER * longest).ceil().clamp(1.0, LONGEST)).max(usual.len());
    let before: f64 = usual.iter().sum();
    let now = (before * WEIGHT + count(seen.len())) / (WEIGHT + count(past.len()));
    let more = (now.min(MOST) - before).max(0.0) / count(n);
    (0..n).map(|i| usual.get(i).copied().unwrap_or(0.0) + more).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const USUAL: [f64; 4] = [0.06, 0.05, 0.05, 0.04];

    #[test]
    fn a_habit_is_learnt_and_one_spell_is_none() {
        let minutes = |n: u64| Some(Duration::from_secs(60 * n));
        assert_eq!(spells(&USUAL, &[], MINUTE), USUAL);
        assert_eq!(spells(&USUAL, &[minutes(10), None, None], MINUTE), USUAL);
        let learnt = spells(&USUAL, &[minutes(10), minutes(8), None, minutes(9)], MINUTE);
        let sum: f64 = learnt.iter().sum();
        assert_eq!(learnt.len(), 13);
        assert!((sum - (0.2 * 4.0 + 3.0) / 8.0).abs() < 1e-9, "{sum}");
        let always = spells(&USUAL, &[minutes(600); 50], MINUTE);
        assert_eq!(always.len(), 60);
        assert!(always.iter().sum::<f64>() <= MOST + 1e-9);
        assert_eq!(spells(&USUAL, &[minutes(1), minutes(1)], Duration::ZERO).len(), 60);
    }
}
