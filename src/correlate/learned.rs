//! What the last deployments of a service teach: a slow spell that comes with each of them and ends by itself is no alarm.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Change, ChangeKind, Conclusion, Metric, Verdict};

use super::figures::{count, whole};

/// How many of the last deployments of a service teach.
pub(super) const LAST: usize = 20;

/// Weight of the usual prior, in deployments.
const WEIGHT: f64 = 4.0;

/// Fewest spells that make a habit.
const HABIT: usize = 2;

/// The most that a spell is believed to be probable: a change that slows for good must still be told within its watch.
const MOST: f64 = 0.8;

/// A spell may last longer than the longest yet by this factor, and so many base intervals at most.
const LONGER: f64 = 1.25;
const LONGEST: f64 = 60.0;

/// What one deployment of a service taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spell {
    /// When it was known.
    pub known_at: Timestamp,
    /// How long the slow spell that came with it lasted; none where there was none.
    pub lasted: Option<Duration>,
}

impl Spell {
    /// What the last verdicts on a change whose watch is over teach: nothing where it is no deployment, where it did lasting harm or
    /// was not judged. Of several journeys the longest spell counts.
    pub fn of(change: &Change, verdicts: &[Verdict]) -> Option<Self> {
        use Conclusion as C;
        let mut spell: Option<Self> = None;
        let own = verdicts.iter().filter(|v| v.change == change.id && v.part.is_whole());
        for verdict in own.filter(|v| v.metric == Metric::Latency) {
            let lasted = match verdict.conclusion {
                C::Transient => {
                    let (end, onset) = verdict.recovered_at.zip(verdict.onset)?;
                    Some(end.duration_since(onset.at).try_into().unwrap_or_default())
                }
                C::Unchanged | C::Improved | C::PreExisting | C::Inconclusive => None,
                C::ProberFault | C::InsufficientData => continue,
                C::Regressed | C::Suspected | C::Watching => return None,
            };
            let at = verdict.decided_at;
            spell = Some(spell.map_or(Self { known_at: at, lasted }, |s| Self {
                known_at: s.known_at.max(at),
                lasted: s.lasted.max(lasted),
            }));
        }
        spell.filter(|_| change.kind == ChangeKind::Deploy)
    }
}

/// What was known at `at` of the last deployments: nothing that came later, or a watch would be judged otherwise when it is
/// judged once more.
pub(super) fn known_at(past: &[Spell], at: Timestamp) -> Vec<Option<Duration>> {
    past.iter().filter(|s| s.known_at <= at).map(|s| s.lasted).collect()
}

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
