//! The gate: may this change go on?

use serde::{Deserialize, Serialize};

use super::Conclusion;

/// The answer for a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The answer.
    pub status: GateStatus,
    /// Why, in a sentence.
    pub reason: String,
    /// The overall verdict behind it; none when no journey is watched for the change.
    pub verdict: Option<Conclusion>,
}

/// The four answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateStatus {
    /// Go on.
    Pass,
    /// Stop.
    Fail,
    /// Ask again later.
    Pending,
    /// Nobody can say.
    Inconclusive,
}

impl GateStatus {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Pass, Self::Fail, Self::Pending, Self::Inconclusive];

    /// What a conclusion means for a pipeline, while the watch is open or after it closed.
    pub fn of(conclusion: Conclusion, open: bool) -> Self {
        use Conclusion as C;
        match conclusion {
            C::Regressed => Self::Fail,
            C::Watching | C::Suspected if open => Self::Pending,
            C::Unchanged | C::Improved | C::Transient | C::PreExisting => Self::Pass,
            _ => Self::Inconclusive,
        }
    }

    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Pending => "pending",
            Self::Inconclusive => "inconclusive",
        }
    }
}
