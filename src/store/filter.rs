//! What to look for.

use jiff::Timestamp;

use crate::model::{
    ChangeId, EnvironmentName, FindingKind, FindingState, JourneyName, LocationName, ServiceName,
};

/// How a run ended, to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunResult {
    /// The target did what it should.
    Passed,
    /// The target did not.
    Failed,
    /// We could not.
    Broken,
}

impl RunResult {
    /// The number in the file.
    pub(super) fn code(self) -> i64 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Broken => 2,
        }
    }
}

/// Which runs; what is none matches all.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Of this journey.
    pub journey: Option<JourneyName>,
    /// In this environment.
    pub environment: Option<EnvironmentName>,
    /// From this location.
    pub location: Option<LocationName>,
    /// That ended so.
    pub result: Option<RunResult>,
    /// That began at this time or later.
    pub from: Option<Timestamp>,
    /// That began before this time: the oldest one of a page asks for the next page.
    pub to: Option<Timestamp>,
    /// Not more than this; 100 when it is 0.
    pub limit: usize,
}

/// Which changes; what is none matches all.
#[derive(Debug, Clone, Default)]
pub struct ChangeFilter {
    /// That name this service.
    pub service: Option<ServiceName>,
    /// That touch this environment: a change that names none touches all.
    pub environment: Option<EnvironmentName>,
    /// That started at this time or later.
    pub since: Option<Timestamp>,
    /// That started before this time.
    pub until: Option<Timestamp>,
    /// Not more than this; 100 when it is 0.
    pub limit: usize,
}

/// Which findings; what is none matches all.
#[derive(Debug, Clone, Default)]
pub struct FindingFilter {
    /// That stand so.
    pub state: Option<FindingState>,
    /// Of this sort.
    pub kind: Option<FindingKind>,
    /// Blamed on this change.
    pub change: Option<ChangeId>,
    /// Of this journey.
    pub journey: Option<JourneyName>,
    /// In this environment.
    pub environment: Option<EnvironmentName>,
    /// Not more than this; 100 when it is 0.
    pub limit: usize,
}

/// A limit as asked for, 100 where none was.
pub(super) fn limit(asked: usize) -> usize {
    if asked == 0 { 100 } else { asked }
}
