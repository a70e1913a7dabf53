//! How long a service takes: log-normal, as response times are, with a slow answer now and then.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, LogNormal};

/// Spread of the logarithm.
const SIGMA: f64 = 0.2;
/// Share of answers that are slow for reasons of their own.
const SLOW: f64 = 0.01;

/// A service's answer time.
#[derive(Debug)]
pub struct Latency {
    median_ms: f64,
    /// Percent of the usual time, so that a deploy can turn it.
    percent: AtomicU32,
    rng: Mutex<StdRng>,
}

impl Latency {
    /// A median in ms and a seed.
    pub fn new(median_ms: f64, seed: u64) -> Self {
        Self {
            median_ms,
            percent: AtomicU32::new(100),
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
        }
    }

    /// From now on answers take this many percent of the usual time.
    pub fn scale(&self, percent: u32) {
        self.percent.store(percent, Ordering::Relaxed);
    }

    /// Takes as long as an answer takes.
    pub async fn pass(&self) {
        tokio::time::sleep(self.draw()).await;
    }

    fn draw(&self) -> Duration {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let percent = f64::from(self.percent.load(Ordering::Relaxed));
        let median = self.median_ms * percent / 100.0;
        // A spread that is a positive constant is always a distribution.
        let mut ms = LogNormal::new(median.ln(), SIGMA).map_or(median, |d| d.sample(&mut *rng));
        if rng.random_bool(SLOW) {
            ms *= rng.random_range(2.0..5.0);
        }
        Duration::from_secs_f64(ms / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_what_was_asked_for_and_scales() {
        let latency = Latency::new(20.0, 7);
        let median = |latency: &Latency| {
            let mut drawn: Vec<_> = (0..2001).map(|_| latency.draw()).collect();
            drawn.sort();
            drawn[1000].as_secs_f64() * 1000.0
        };
        assert!((median(&latency) - 20.0).abs() < 1.0);
        latency.scale(200);
        assert!((median(&latency) - 40.0).abs() < 2.0);
    }
}
