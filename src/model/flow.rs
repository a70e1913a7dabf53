//! How a journey gets from step to step: attempts, conditions, rounds, clean-up, parts in files of their own, shared sessions.

use std::time::Duration;

use serde::Serialize;

use super::{Assertion, JourneyName, Revision, Step, Text};

/// When, how often and how strictly a step is walked. The default is: once, and it must pass.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Flow {
    /// `when`: what must hold of a variable; the step is skipped where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<Assertion>,
    /// `repeat`: once for each element of a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeat>,
    /// `retry`: attempts after one that was not good enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// `delay`: how long is waited before the step (before each round of a repeated one). Our own time, in no duration.
    #[serde(skip_serializing_if = "Duration::is_zero")]
    pub delay: Duration,
    /// `optional`: a failure is recorded and does not fail the run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// `always`: walked also after the run has failed or broken, and after its deadline: a clean-up.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub always: bool,
}

impl Flow {
    /// Whether the step is walked once and must pass.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// `retry`: further attempts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Retry {
    /// Attempts after the first one, at most.
    pub count: u32,
    /// How long is waited before the second attempt.
    pub delay: Duration,
    /// By how much each wait is longer than the one before: 1 or more.
    pub backoff: f64,
    /// What must hold of an answer for it to be the last one; without it, the step must pass.
    pub until: Option<Assertion>,
}

/// `repeat`: rounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repeat {
    /// Over what.
    pub over: Over,
    /// The variable that holds the element of a round.
    pub name: String,
    /// How many rounds are walked at most; further elements are left out.
    pub most: u32,
}

/// What a repeated step is repeated over.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Over {
    /// Text that is a JSON array once it is filled.
    Json(Text),
    /// One text for each round.
    List(Vec<Text>),
}

/// `use`: steps that stand in `journeys/parts/NAME.toml`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartUse {
    /// The name of the part.
    pub part: String,
    /// Its inputs, filled where it is used.
    pub with: Vec<(String, Text)>,
    /// Its steps, already under the names they have in this journey: `login: open page`.
    pub steps: Vec<Step>,
    /// Which of its captures the journey gets.
    pub outputs: Vec<String>,
}

/// `setup`: a part walked once for all journeys of an environment; its cookies and outputs are shared until they expire.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SharedSetup {
    /// The part; its inputs are filled with what the environment and the journey's variables give.
    pub part: PartUse,
    /// How long a session is used; without it, until an output `expires` says so or a step is answered with 401.
    pub expires_after: Option<Duration>,
    /// Hash of what is walked: an edited part opens sessions of its own.
    pub revision: Revision,
}

/// Which one of several journeys this is that a `matrix` makes out of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Variant {
    /// The name in the file.
    pub of: JourneyName,
    /// The variables of this one, in the order of the file.
    pub values: Vec<(String, String)>,
}
