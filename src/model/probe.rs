//! A probe: what the correlation needs to know of a run, and no more.

use std::sync::Arc;

use jiff::Timestamp;

use super::{FaultKind, Revision};

/// One run seen as a point of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// When the run began.
    pub at: Timestamp,
    /// Its duration in ms; none where it failed, broke or is not known.
    pub latency_ms: Option<f64>,
    /// Whether it succeeded; none where that is not known (a broken run).
    pub success: Option<bool>,
    /// How late it began because of us, in ms: a sick prober shows here first.
    pub late_ms: f64,
    /// What failed: the signature by which "never seen before" is told.
    pub signature: Option<Signature>,
    /// The journey's revision it was walked as.
    pub revision: Option<Revision>,
}

/// Where and how a run failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature {
    /// The failing step.
    pub step: Arc<str>,
    /// The kind of error, where known.
    pub kind: Option<FaultKind>,
}
