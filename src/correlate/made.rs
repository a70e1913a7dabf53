//! Made-up series for tests: log-normal times with days, memory, spikes, bursts and drift, and failures that come alone or in rows.

use jiff::Timestamp;
use rand::{Rng, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};

use crate::model::{Change, ChangeKind, Probe, SeriesKey};

use super::{Member, figures::count, series::moment};

/// How a series behaves. The usual one is like a real journey.
#[derive(Debug, Clone, Copy)]
pub(super) struct Make {
    pub(super) diurnal: f64,
    pub(super) phi: f64,
    pub(super) sd: f64,
    pub(super) spikes: f64,
    pub(super) bursts: f64,
    pub(super) drift: f64,
    pub(super) ramp: f64,
    pub(super) ok: f64,
    pub(super) rows: f64,
}

pub(super) const REAL: Make = Make {
    diurnal: 0.2,
    phi: 0.4,
    sd: 0.2,
    spikes: 0.02,
    bursts: 0.0,
    drift: 0.0,
    ramp: 0.0,
    ok: 0.998,
    rows: 0.0,
};

/// When made-up series begin, in seconds since 1970.
pub(super) const START_S: f64 = 1_700_000_000.0;

impl Make {
    /// `n` runs, one every `step_s` seconds.
    pub(super) fn probes(&self, seed: u64, n: usize, step_s: f64) -> Vec<Probe> {
        let mut rng = StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851);
        let normal = |rng: &mut StdRng| -> f64 { StandardNormal.sample(rng) };
        let day = 86_400.0 / step_s;
        let clock: f64 = rng.random::<f64>() * day;
        let (mut noise, mut level) = (normal(&mut rng) * self.sd, 0.0);
        let (mut burst, mut row) = (0usize, 0usize);
        (0..n)
            .map(|i| {
                let t = (count(i) + clock) % day;
                noise = self.phi * noise
                    + (1.0 - self.phi * self.phi).sqrt() * self.sd * normal(&mut rng);
                level += self.drift * normal(&mut rng);
                let mut y = 300f64.ln()
                    + self.diurnal * (std::f64::consts::TAU * t / day).sin()
                    + noise
                    + level;
                // A morning: up within half an hour, down after ten hours.
                if self.ramp > 0.0 && t < 600.0 * day / 1440.0 {
                    y += self.ramp / (1.0 + (-(t * 1440.0 / day - 30.0) / 8.0).exp());
                }
                if rng.random::<f64>() < self.spikes {
                    y += (rng.random::<f64>().powf(-1.0 / 1.5) + 0.5).ln();
                }
                if burst == 0 && rng.random::<f64>() < self.bursts {
                    burst = rng.random_range(3..9);
                }
                if burst > 0 {
                    burst -= 1;
                    y += 3f64.ln();
                }
                if row == 0 && rng.random::<f64>() < self.rows {
                    row = rng.random_range(2..5);
                }
                let ok = row == 0 && rng.random::<f64>() < self.ok;
                row = row.saturating_sub(1);
                Probe {
                    at: moment(START_S + step_s * count(i)),
                    latency_ms: ok.then(|| y.exp()),
                    success: Some(ok),
                    late_ms: 2.0,
                    signature: None,
                    revision: None,
                    parts: Default::default(),
                }
            })
            .collect()
    }
}

/// Makes the runs from `from` on so many times slower.
pub(super) fn slow(probes: &mut [Probe], from: usize, times: f64) {
    for p in &mut probes[from..] {
        p.latency_ms = p.latency_ms.map(|ms| ms * times);
    }
}

/// Makes a share of the runs from `from` on fail.
pub(super) fn fail(probes: &mut [Probe], from: usize, share: f64, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    for p in &mut probes[from..] {
        if rng.random::<f64>() < share {
            (p.success, p.latency_ms) = (Some(false), None);
        }
    }
}

pub(super) fn key(journey: &str) -> SeriesKey {
    SeriesKey {
        journey: journey.into(),
        environment: "production".into(),
        location: "local".into(),
    }
}

pub(super) fn member(journey: &str, services: &[&str], step_s: u64) -> Member {
    Member {
        series: key(journey),
        services: services.iter().map(|s| (*s).into()).collect(),
        steps: std::collections::BTreeMap::new(),
        interval: std::time::Duration::from_secs(step_s),
        revision: None,
        measures: std::collections::BTreeMap::new(),
    }
}

pub(super) fn change(id: &str, service: &str, started_at: Timestamp) -> Change {
    Change {
        services: vec![service.into()],
        environments: vec!["production".into()],
        ..Change::new(id.into(), ChangeKind::Deploy, started_at)
    }
}
