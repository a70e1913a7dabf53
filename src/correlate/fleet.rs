//! What the other journeys teach of one that is new: how often journeys here fail.

use jiff::Timestamp;

use super::{Tuning, figures::count, series::Line};

/// Fewest journeys, and runs of all of them, that teach anything.
const JOURNEYS: usize = 4;
const RUNS: usize = 60;
/// Runs of a journey that are looked at, and fewest that count.
const RECENT: usize = 2880;
const FEWEST: usize = 10;
/// Most pseudo-runs that the others are worth: a new journey may be unlike them.
const WORTH: f64 = 120.0;

/// The failure rates of the journeys before a change.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Fleet {
    /// Pseudo-failures and pseudo-successes, where the journeys are enough to tell.
    prior: Option<(f64, f64)>,
}

impl Fleet {
    /// Learns a Beta distribution of failure rates by its moments from the runs before `at`.
    pub(super) fn learn<'l>(
        lines: impl Iterator<Item = &'l Line>,
        at: Timestamp,
        usual: (f64, f64),
    ) -> Self {
        let tallies: Vec<(f64, f64)> = lines
            .filter_map(|line| {
                let before = &line.probes[..line.from(at)];
                let recent = before[before.len().saturating_sub(RECENT)..].iter();
                let known: Vec<bool> = recent.filter_map(|p| p.success).collect();
                let failed = known.iter().filter(|ok| !**ok).count();
                (known.len() >= FEWEST).then(|| (count(failed), count(known.len())))
            })
            .collect();
        let (failed, runs) = tallies.iter().fold((0.0, 0.0), |(f, n), (x, y)| (f + x, n + y));
        if tallies.len() < JOURNEYS || runs < count(RUNS) {
            return Self::default();
        }
        let mean = (usual.0 + failed) / (usual.0 + usual.1 + runs);
        let scatter =
            tallies.iter().map(|(f, n)| (f / n - mean).powi(2)).sum::<f64>() / count(tallies.len());
        let plain = tallies.iter().map(|(_, n)| mean * (1.0 - mean) / n).sum::<f64>()
            / count(tallies.len());
        let unlike = scatter - plain;
        let worth = if unlike > 0.0 { mean * (1.0 - mean) / unlike - 1.0 } else { WORTH };
        let worth = worth.clamp(usual.0 + usual.1, WORTH);
        Self { prior: Some((mean * worth, (1.0 - mean) * worth)) }
    }

    /// The numbers for a journey of this fleet.
    pub(super) fn teach(&self, tuning: &mut Tuning) {
        if let Some(prior) = self.prior {
            tuning.failure_prior = prior;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            made::{Make, REAL, START_S, member},
            series::moment,
        },
        *,
    };

    fn fleet(rates: &[f64], runs: usize) -> Fleet {
        let lines: Vec<Line> = rates
            .iter()
            .zip(0..)
            .map(|(ok, seed)| {
                let mut line = Line::new(member(&format!("journey {seed}"), &[], 60));
                line.merge(Make { ok: *ok, ..REAL }.probes(seed, runs, 60.0));
                line
            })
            .collect();
        Fleet::learn(lines.iter(), moment(START_S + 1e9), (0.3, 60.0))
    }

    #[test]
    fn journeys_alike_teach_more_than_journeys_unlike() {
        let (a, b) = fleet(&[1.0; 8], 20).prior.unwrap();
        assert!(a < 0.3 && (a + b - WORTH).abs() < 1e-9, "{a} {b}");
        let (a, b) = fleet(&[1.0, 1.0, 0.7, 1.0, 0.8, 1.0], 200).prior.unwrap();
        assert!(a + b < 61.0 && a / (a + b) > 0.04, "{a} {b}");
    }

    #[test]
    fn few_journeys_teach_nothing() {
        assert_eq!(fleet(&[1.0; 3], 500), Fleet::default());
        assert_eq!(fleet(&[1.0; 9], 5), Fleet::default());
    }
}
