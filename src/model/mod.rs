//! The nouns of Wayfarer: what is configured, what happened, and what was concluded.
//!
//! Every other module speaks in these types. They import nothing of ours, hold no runtime state and have no behaviour
//! beyond constructors and simple questions about themselves. Times are [`jiff::Timestamp`], spans of time
//! [`std::time::Duration`]; where a plain number leaves the program its unit is in the name (`_ms`, `_bytes`).

pub mod amount;
pub mod browser;
pub mod case;
pub mod change;
mod clue;
mod delivery;
pub mod environment;
pub mod evidence;
pub mod finding;
mod flow;
mod freeze;
pub mod gate;
pub mod hook;
pub mod id;
pub mod incident;
pub mod journey;
mod kubernetes;
pub mod network;
pub mod notice;
pub mod page;
pub mod parcel;
pub mod part;
pub mod pipeline;
pub mod predicate;
pub mod probe;
pub mod query;
pub mod receiver;
pub mod request;
mod review;
pub mod rollback;
mod run;
pub mod secret;
pub mod settings;
pub mod tracing;
pub mod transport;
pub mod unwell;
pub mod verdict;
mod view;
mod writeback;

pub use amount::amounts;
pub use browser::{
    BrowserAction, BrowserSettings, BrowserStep, By, Choice, Condition, Device, Driver, KEYS,
    Locator, MouseButton, PageQuery, ScrollTo, StorageArea, Throttle, WaitFor, WindowChoice,
};
pub use case::{Case, Label, Recorded, Truth};
pub use change::{Change, ChangeKind, ChangeState, Commit, Deployment};
pub use delivery::{PipelineConcern, PipelineGoals, PipelineKey, PipelineSettings, PipelineSignal};
pub use environment::Environment;
pub use evidence::{Evidence, Exchange, KeptEvidence, Timing, Witness};
pub use finding::{
    Acknowledgement, Dismissal, DismissalReason, Finding, FindingKind, FindingState,
};
pub use flow::{Flow, Over, PartUse, Repeat, Retry, SharedSetup, Variant};
pub use freeze::{Freeze, FreezeTime, Obstacle};
pub use gate::{Gate, GateStatus};
pub use hook::{ForwardSettings, HookDefaults, HookSettings, PlaceRule};
pub use id::{
    ChangeId, EnvironmentName, FindingId, JourneyName, LocationName, MeasureName, PhaseName,
    Revision, RunId, SeriesKey, ServiceName, StepName,
};
pub use incident::IncidentFact;
pub use journey::{
    Action, Assertion, Capture, Journey, Measure, MeasureRule, Schedule, Slo, Step, Text, Worse,
};
pub use kubernetes::{ENVIRONMENT_LABELS, KubernetesSettings, ObjectKind, SERVICE_LABELS};
pub use network::{Destination, Network};
pub use notice::{
    ChangeNews, Gravity, Happening, Notice, NoticeChange, NoticeFinding, NoticePerson,
};
pub use page::{
    BROWSER_MEASURES, BuiltInMeasure, Busy, ConsoleLevel, ConsoleMessage, DoneAction, HostTraffic,
    PageEvidence, PageRequest, Picture, ResourceType, SlowResource, Traffic, TypeTraffic,
};
pub use parcel::Parcel;
pub use part::{Part, Parts, narrow};
pub use pipeline::{PipelineFact, PipelineKind, PipelineOutcome};
pub use predicate::{Limit, Literal, Predicate, Schema, Type};
pub use probe::{Probe, Signature};
pub use query::{Argument, CertificateField, CookieAttribute, Filter, Query, Subject};
pub use receiver::{
    Address, Given, Hours, Login, MailTls, Maintenance, MaintenanceTime, Policy, Quiet,
    ReceiverSettings, Templates, Way,
};
pub use request::{
    Attachment, Auth, Aws, Body, Connection, Field, FieldContent, HttpStep, HttpVersion, IpFamily,
    OAuth2, SecretStyle,
};
pub use review::{
    GateAnswer, LONGEST_NOTE, LONGEST_WHY, Note, Touch, Word, is_steering, plain_words,
};
pub use rollback::{
    ROLLBACK_EXPIRY, ROLLBACK_RECEIVER, RollbackMode, RollbackOrder, RollbackRecord,
    RollbackSettings, RollbackState, RollbackWay,
};
pub use run::{
    AssertionResult, Attempt, Deployed, Failure, FaultKind, Hop, Measured, Outcome, Phases, Run,
    StepOutcome, StepRun, Trigger,
};
pub use secret::{Secret, SecretSource};
pub use settings::{
    AgentSettings, Detect, EnvironmentSettings, Retention, Scope, Service, Settings, TokenSettings,
    Watch,
};
pub use tracing::{TRACE_ID, Tracing};
pub use transport::{Proxy, Transport};
pub use unwell::Unwell;
pub use verdict::{Candidate, Conclusion, Effect, Metric, Onset, Quantiles, Verdict, subject};
pub use view::{Reader, SavedView};
pub use writeback::{Forge, OUR_WORD, StatusReport, WritebackSettings};
