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

impl From<&super::Run> for Probe {
    fn from(run: &super::Run) -> Self {
        use super::Outcome;
        let (latency_ms, success, signature) = match &run.outcome {
            Outcome::Passed => (Some(run.duration.as_secs_f64() * 1000.0), Some(true), None),
            Outcome::Failed(failure) => {
                let step = Arc::from(failure.step.as_str());
                (None, Some(false), Some(Signature { step, kind: Some(failure.kind) }))
            }
            Outcome::Broken { .. } => (None, None, None),
        };
        Self {
            at: run.started_at,
            latency_ms,
            success,
            late_ms: run.late_by.as_secs_f64() * 1000.0,
            signature,
            revision: Some(run.revision.clone()),
        }
    }
}
