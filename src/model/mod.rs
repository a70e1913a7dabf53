//! The nouns of Wayfarer: what is configured, what happened, and what was concluded.
//!
//! Every other module speaks in these types. They import nothing of ours, hold no runtime state and have no behaviour
//! beyond constructors and simple questions about themselves. Times are [`jiff::Timestamp`], spans of time
//! [`std::time::Duration`]; where a plain number leaves the program its unit is in the name (`_ms`, `_bytes`).

pub mod case;
pub mod change;
pub mod environment;
pub mod finding;
pub mod gate;
pub mod id;
pub mod journey;
pub mod part;
pub mod probe;
pub mod query;
pub mod run;
pub mod secret;
pub mod settings;
pub mod unwell;
pub mod verdict;

pub use case::{Case, Label, Recorded, Truth};
pub use change::{Change, ChangeKind, ChangeState, Commit, Deployment};
pub use environment::Environment;
pub use finding::{Dismissal, DismissalReason, Finding, FindingKind, FindingState};
pub use gate::{Gate, GateStatus};
pub use id::{
    ChangeId, EnvironmentName, FindingId, JourneyName, LocationName, MeasureName, PhaseName,
    Revision, RunId, SeriesKey, ServiceName, StepName,
};
pub use journey::{Action, Assertion, Body, Capture, HttpStep, Journey, Schedule, Slo, Step, Text};
pub use part::{Part, Parts};
pub use probe::{Probe, Signature};
pub use query::{Literal, Predicate, Query};
pub use run::{
    AssertionResult, Deployed, Evidence, Exchange, Failure, FaultKind, Hop, Outcome, Phases, Run,
    StepOutcome, StepRun, Trigger,
};
pub use secret::{Secret, SecretSource};
pub use settings::{
    AgentSettings, Detect, EnvironmentSettings, Retention, Scope, Service, Settings, TokenSettings,
    Watch,
};
pub use unwell::Unwell;
pub use verdict::{Candidate, Conclusion, Effect, Metric, Onset, Quantiles, Verdict};
