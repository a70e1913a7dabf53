//! What people are told: one notice speaks for everything known of one incident, so that nobody gets a message for every journey.
//!
//! An incident is the trouble of one change, or the trouble in one environment that no change explains. It holds facts and sentences, no
//! layout and no secret: how it looks is up to `render::message`, where it goes up to `notify`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    ChangeId, ChangeKind, ChangeState, Conclusion, EnvironmentName, FindingId, FindingState,
    JourneyName, LocationName, Metric, ServiceName,
};

/// What is new, so that a message is worth its reader's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// An incident began.
    Opened,
    /// It is graver than was told: from suspected to regressed.
    Worsened,
    /// Another journey is in it.
    Joined,
    /// Nothing is new, and nobody has taken it on: told again after a while.
    Repeated,
    /// Somebody takes it on.
    Acknowledged,
    /// Everything is as before.
    Recovered,
    /// Somebody says that it is nothing.
    Dismissed,
    /// A change explains what none explained; its own incident goes on.
    Explained,
}

/// How grave an incident is, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gravity {
    /// A pipeline is not what it was, or not what it should be.
    Pipeline,
    /// A change is under way for longer than it should be.
    Overdue,
    /// A change was given up by whoever made it.
    Failed,
    /// An error budget is spent faster than it is given back.
    BudgetSlow,
    /// A change is suspected of harm.
    Suspected,
    /// Trouble that no logged change explains.
    Unexplained,
    /// An error budget is spent so fast that it is soon gone.
    BudgetFast,
    /// A change did harm.
    Regressed,
}

/// What is told of one incident at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Which incident: the same for all that is ever told of it.
    pub incident: String,
    /// What is new.
    pub happening: Happening,
    /// How grave it is, or was.
    pub gravity: Gravity,
    /// How grave it was when it was told last.
    pub was: Option<Gravity>,
    /// Whether it goes on.
    pub firing: bool,
    /// One line.
    pub title: String,
    /// Where.
    pub environments: Vec<EnvironmentName>,
    /// What was changed.
    pub services: Vec<ServiceName>,
    /// Who looks after what is hit.
    pub owners: Vec<String>,
    /// What to do about it.
    pub runbooks: Vec<String>,
    /// What tells it from other incidents, as it was when it began: these never alter while it goes on.
    pub labels: BTreeMap<String, String>,
    /// The change that is blamed, failed or overdue.
    pub change: Option<NoticeChange>,
    /// What is wrong, or was.
    pub findings: Vec<NoticeFinding>,
    /// How many more there are than are listed.
    pub more: u32,
    /// Who took it on or called it nothing.
    pub person: Option<NoticePerson>,
    /// Where to read more.
    pub page: Option<String>,
    /// When the trouble began.
    pub started_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// When this was thought of.
    pub at: Timestamp,
}

/// A change in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoticeChange {
    /// Its id.
    pub id: ChangeId,
    /// What sort.
    pub kind: ChangeKind,
    /// A line for people: "deploy of shop 2.4.1".
    pub words: String,
    /// Which services.
    pub services: Vec<ServiceName>,
    /// Where.
    pub environments: Vec<EnvironmentName>,
    /// What is deployed now.
    pub version: Option<String>,
    /// What was deployed before.
    pub previous_version: Option<String>,
    /// Its newest commit.
    pub commit: Option<String>,
    /// The first line of that commit.
    pub commit_message: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// The release it belongs to.
    pub release: Option<String>,
    /// What its sender says of it.
    pub title: Option<String>,
    /// Its pipeline, or whatever its sender names.
    pub url: Option<String>,
    /// How far it is.
    pub state: ChangeState,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was done.
    pub finished_at: Option<Timestamp>,
    /// Our page of it.
    pub page: Option<String>,
}

/// A finding in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoticeFinding {
    /// Its id.
    pub id: FindingId,
    /// The journey.
    pub journey: JourneyName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The location.
    pub location: LocationName,
    /// What is judged.
    pub metric: Metric,
    /// What is judged, for people: "latency of step `pay`".
    pub subject: String,
    /// How grave.
    pub gravity: Gravity,
    /// How it stands.
    pub state: FindingState,
    /// The whole sentence.
    pub summary: String,
    /// What it was before, in words: "median 230 ms, p95 410 ms".
    pub before: Option<String>,
    /// What it is since.
    pub after: Option<String>,
    /// Who looks after the journey.
    pub owner: Option<String>,
    /// What to do.
    pub runbook: Option<String>,
    /// A run that shows it.
    pub run: Option<String>,
    /// Where the trace of that run is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// When it began, as far as is known.
    pub since: Timestamp,
    /// When it was over.
    pub until: Option<Timestamp>,
}

/// What a person said of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticePerson {
    /// Who: the name of the token used.
    pub by: Option<String>,
    /// Why, where it was called nothing: `false_alarm` or `accepted`.
    pub reason: Option<String>,
    /// In their words.
    pub note: Option<String>,
}

/// News of a change itself, for logs and charts of changes: no alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeNews {
    /// The change.
    pub change: NoticeChange,
    /// Its verdict so far; none where it is not watched.
    pub verdict: Option<Conclusion>,
    /// Whether it is still being watched.
    pub open: bool,
    /// What the worst of its verdicts says.
    pub summary: Option<String>,
    /// When this was thought of.
    pub at: Timestamp,
}

impl Happening {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Opened,
        Self::Worsened,
        Self::Joined,
        Self::Repeated,
        Self::Acknowledged,
        Self::Recovered,
        Self::Dismissed,
        Self::Explained,
    ];

    /// The word used in JSON and in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Worsened => "worsened",
            Self::Joined => "joined",
            Self::Repeated => "repeated",
            Self::Acknowledged => "acknowledged",
            Self::Recovered => "recovered",
            Self::Dismissed => "dismissed",
            Self::Explained => "explained",
        }
    }
}

impl Gravity {
    /// All of them, mildest first.
    pub const ALL: &[Self] = &[
        Self::Pipeline,
        Self::Overdue,
        Self::Failed,
        Self::BudgetSlow,
        Self::Suspected,
        Self::Unexplained,
        Self::BudgetFast,
        Self::Regressed,
    ];

    /// The word used in JSON and in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline",
            Self::Overdue => "overdue",
            Self::Failed => "failed",
            Self::Suspected => "suspected",
            Self::BudgetSlow => "budget_slow",
            Self::BudgetFast => "budget_fast",
            Self::Unexplained => "unexplained",
            Self::Regressed => "regressed",
        }
    }

    /// For people: "was suspected", "was a leaking budget".
    pub fn in_words(self) -> &'static str {
        match self {
            Self::BudgetSlow => "a leaking budget",
            Self::BudgetFast => "a burning budget",
            other => other.as_str(),
        }
    }

    /// The word that pagers and routing trees know: PagerDuty's four.
    pub fn severity(self) -> &'static str {
        match self {
            Self::Pipeline | Self::Overdue | Self::Suspected | Self::BudgetSlow => "warning",
            Self::Unexplained | Self::Failed => "error",
            Self::Regressed | Self::BudgetFast => "critical",
        }
    }
}
