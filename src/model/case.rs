//! Recorded histories with known truth: what a back-test judges and a simulation makes.

use std::{collections::BTreeMap, time::Duration};

use super::{Change, ChangeId, JourneyName, Metric, Probe, SeriesKey, ServiceName};

/// A recorded history: its series, its changes, and what is known to be true of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// Where it comes from; results are counted by it.
    pub source: String,
    /// The usual distance between two runs of a series.
    pub interval: Duration,
    /// The series recorded.
    pub series: Vec<Recorded>,
    /// The changes, in any order.
    pub changes: Vec<Change>,
    /// Who calls whom.
    pub depends_on: BTreeMap<ServiceName, Vec<ServiceName>>,
    /// What is known to be true.
    pub truth: Vec<Truth>,
}

/// One recorded series.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Which.
    pub key: SeriesKey,
    /// The services its journey touches.
    pub services: Vec<ServiceName>,
    /// Its runs, in order of time.
    pub probes: Vec<Probe>,
}

/// What is known to be true of one metric of one journey.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// The journey.
    pub journey: JourneyName,
    /// The metric.
    pub metric: Metric,
    /// What happened to it.
    pub label: Label,
    /// The change that did it, where one did and it is known.
    pub change: Option<ChangeId>,
}

/// What happened to a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// It got worse.
    Regressed,
    /// It got better.
    Improved,
    /// It got worse for a short while.
    Transient,
    /// Nothing.
    None,
}
