//! The budget of false verdicts as a number: what the settings promise, beside what people said of the verdicts.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    correlate::budget::expected_per_hundred,
    export::Exporter,
    model::Detect,
    store::{Judged, Store, StoreError},
};

/// The windows that are counted, in days.
const WINDOWS: [u32; 2] = [30, 90];

/// What the settings promise, and what was seen of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// False verdicts to be expected at most in a hundred changes.
    pub expected_per_hundred: f64,
    /// What was seen, by window.
    pub windows: Vec<Observed>,
}

/// What was seen in the last days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observed {
    /// So many.
    pub days: u32,
    /// Changes judged, and verdicts on them that people dismissed.
    pub judged: Judged,
    /// False verdicts to be expected at most among that many changes.
    pub expected: f64,
}

impl Budget {
    /// Reads what was seen until now.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn read(store: &Store, detect: &Detect, now: Timestamp) -> Result<Self, StoreError> {
        let expected_per_hundred = expected_per_hundred(detect);
        let mut windows = Vec::new();
        for days in WINDOWS {
            let span = Duration::from_secs(u64::from(days) * 86_400);
            let since = now.checked_sub(span).unwrap_or(Timestamp::UNIX_EPOCH);
            let judged = store.judged(since).await?;
            let expected = judged.changes as f64 * expected_per_hundred / 100.0;
            windows.push(Observed { days, judged, expected });
        }
        Ok(Self { expected_per_hundred, windows })
    }

    /// A sentence for people, over the longest window.
    pub fn sentence(&self) -> String {
        let expected = format!(
            "Expected at most {} false verdicts per 100 changes",
            (self.expected_per_hundred * 1000.0).round() / 1000.0
        );
        match self.windows.last() {
            Some(Observed { days, judged: Judged { changes, dismissed, .. }, .. })
                if *changes > 0 =>
            {
                format!(
                    "{expected}; of the last {changes} changes ({days} days) {dismissed} regressed verdicts were dismissed as false."
                )
            }
            _ => format!("{expected}; no change was judged yet."),
        }
    }
}

/// Shows the budget in the metrics.
pub(super) async fn show(
    store: &Store,
    exporter: &Exporter,
    detect: &Detect,
    now: Timestamp,
) -> Result<(), StoreError> {
    for observed in Budget::read(store, detect, now).await?.windows {
        exporter.false_verdict_budget(&format!("{}d", observed.days), observed.expected);
    }
    exporter.changes_judged(store.judged(Timestamp::UNIX_EPOCH).await?.changes);
    exporter.verdicts_dismissed(store.dismissals().await?);
    Ok(())
}
