//! The handle everybody tells things.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use prometheus::TextEncoder;

use super::{
    agent,
    family::{Families, histogram},
    pipelines, runs,
    turns::Turns,
};
use crate::model::{
    ChangeId, EnvironmentName, JourneyName, Maintenance, SeriesKey, ServiceName, Slo,
};

/// The metrics cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("the metrics library refuses: {0}")]
pub struct ExportError(String);

/// What a scrape shall show. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Exporter {
    state: Arc<Mutex<State>>,
    /// What the dispatcher says of itself.
    pub(super) turns: Arc<Turns>,
}

/// What is remembered beside the values themselves.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) families: Families,
    /// When the run began that a series shows: an older one that comes late does not move it.
    pub(super) shown: BTreeMap<SeriesKey, Timestamp>,
    /// Journeys that are gone: a run of theirs that was under way is not shown any more.
    pub(super) forgotten: BTreeSet<JourneyName>,
    /// What journeys promise, and which services they name.
    pub(super) objectives: BTreeMap<JourneyName, (Slo, Vec<ServiceName>)>,
    /// When runs spend no error budget.
    pub(super) maintenance: Vec<Maintenance>,
    /// Changes that are shown, and when they started.
    pub(super) changes: BTreeMap<ChangeId, Timestamp>,
    /// The newest change of each service and environment: the one its gate speaks of.
    pub(super) gates: BTreeMap<(ServiceName, EnvironmentName), (Timestamp, ChangeId)>,
    /// The pipelines and stages that have series of their own.
    pub(super) pipelines: pipelines::Named,
}

impl Exporter {
    /// An exporter of an agent of this version, all its own counters at zero.
    ///
    /// # Errors
    /// When the metrics library does not take our buckets: a fault of this program.
    pub fn new(version: &str) -> Result<Self, ExportError> {
        let buckets = [
            runs::BOUNDS,
            agent::LATE_BOUNDS,
            agent::COMMIT_BOUNDS,
            pipelines::BOUNDS,
            pipelines::WAIT_BOUNDS,
        ];
        for bounds in buckets {
            histogram("wayfarer", "Tried once.", bounds).map_err(|e| ExportError(e.to_string()))?;
        }
        let exporter = Self { state: Arc::default(), turns: Arc::default() };
        agent::begin(&mut exporter.state().families, version);
        Ok(exporter)
    }

    /// Everything in the Prometheus text format 0.0.4
    /// (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
    pub fn text(&self) -> String {
        // Encoding takes longest and happens outside the lock.
        let families = {
            let mut state = self.state();
            self.turns.fetch(&mut state.families);
            state.families.gather()
        };
        let mut text = String::new();
        // It fails only on a family without name or series, and there are none.
        match TextEncoder::new().encode_utf8(&families, &mut text) {
            Ok(()) => text,
            Err(e) => format!("# wayfarer could not write its metrics: {e}\n"),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Values are whole at any time: whoever panicked has left nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
