//! Figures of a series over a span, from single runs or from roll-ups, whichever is fine enough and cheap.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::window::is_rolled;
use crate::{
    model::{Probe, SeriesKey},
    render::chart::{Spread, Window},
    store::{Band, Histogram, Point, Store, StoreError},
};

/// Most single runs that are read for a chart.
const MOST_RUNS: usize = 4000;

/// What a chart of a series is drawn of.
#[derive(Debug, Default)]
pub(in crate::web) struct Figures {
    /// Stretches with runs, in the order of time.
    pub(in crate::web) bands: Vec<Band>,
    /// How long each is.
    pub(in crate::web) step: Duration,
    /// Single runs; empty where there are too many.
    pub(in crate::web) points: Vec<Point>,
}

impl Figures {
    /// Reads them in stretches of `step`.
    ///
    /// # Errors
    /// The store failed.
    pub(in crate::web) async fn read(
        store: &Store,
        series: &SeriesKey,
        window: &Window,
        (step, now): (Duration, Timestamp),
    ) -> Result<Self, StoreError> {
        let span = (window.from, window.to);
        if !is_rolled(step) {
            let points = store.points(series, span, MOST_RUNS).await?;
            return Ok(Self { bands: gathered(&points, step), step, points });
        }
        let bands = store.bands(vec![series.clone()], span, (step, now)).await?;
        let bands = bands.into_iter().next().unwrap_or_default();
        let runs: u64 = bands.iter().map(runs).sum();
        // All of them, or none: a part of them would look like a gap.
        let few = usize::try_from(runs).is_ok_and(|runs| runs <= 1600);
        let points = if few { store.points(series, span, MOST_RUNS).await? } else { Vec::new() };
        Ok(Self { bands, step, points })
    }

    /// All stretches in one.
    pub(in crate::web) fn sum(&self) -> Band {
        sum(&self.bands)
    }

    /// Medians and the band between these two shares.
    pub(in crate::web) fn spreads(&self, (low, high): (f64, f64)) -> Vec<Spread> {
        let half_s = self.step.as_secs_f64() / 2.0;
        let middle = SignedDuration::try_from(self.step / 2).unwrap_or_default();
        let spread = |band: &Band| Spread {
            at: band.at.checked_add(middle).unwrap_or(band.at),
            half_s,
            values: band.latency.quantiles_ms([low, 0.5, high]),
        };
        self.bands.iter().map(spread).collect()
    }
}

/// How many runs a stretch had.
pub(in crate::web) fn runs(band: &Band) -> u64 {
    band.passed + band.failed + band.broken
}

/// Stretches in one.
pub(in crate::web) fn sum(bands: &[Band]) -> Band {
    let mut all = Band::default();
    for band in bands {
        all.passed += band.passed;
        all.failed += band.failed;
        all.broken += band.broken;
        all.latency.merge(&band.latency);
    }
    all
}

/// Single runs in stretches of `step`.
pub(in crate::web) fn gathered(points: &[Point], step: Duration) -> Vec<Band> {
    let step = i64::try_from(step.as_secs()).unwrap_or(1).max(1);
    let mut bands: Vec<Band> = Vec::new();
    for point in points {
        let second = point.probe.at.as_second();
        let begun = Timestamp::from_second(second - second.rem_euclid(step));
        let Ok(begun) = begun else { continue };
        if bands.last().is_none_or(|band| band.at != begun) {
            bands.push(Band { at: begun, ..Band::default() });
        }
        if let Some(band) = bands.last_mut() {
            add(band, &point.probe);
        }
    }
    bands
}

fn add(band: &mut Band, probe: &Probe) {
    match probe.success {
        Some(true) => band.passed += 1,
        Some(false) => band.failed += 1,
        None => band.broken += 1,
    }
    let passed = probe.latency_ms.and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok());
    if let Some(duration) = passed {
        Histogram::record(&mut band.latency, duration);
    }
}
