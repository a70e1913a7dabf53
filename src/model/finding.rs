//! Findings: trouble that is open until it recovers, is explained or is dismissed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    ChangeId, EnvironmentName, FindingId, JourneyName, LocationName, Metric, Part, PipelineConcern,
    subject,
};

/// Trouble that people should know of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Its id.
    pub id: FindingId,
    /// What sort.
    pub kind: FindingKind,
    /// How it stands.
    pub state: FindingState,
    /// The change it is blamed on, if any.
    pub change: Option<ChangeId>,
    /// The journey.
    pub journey: JourneyName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The location.
    pub location: LocationName,
    /// The metric.
    pub metric: Metric,
    /// Which part of the journey.
    #[serde(default, skip_serializing_if = "Part::is_whole")]
    pub part: Part,
    /// Which pipeline, where it is one that is in trouble: then `journey` has its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineConcern>,
    /// A sentence for people.
    pub summary: String,
    /// When the trouble began, as far as is known.
    pub onset_at: Option<Timestamp>,
    /// When the finding was opened.
    pub opened_at: Timestamp,
    /// When it was last altered.
    pub updated_at: Timestamp,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Why a person said that it is nothing; only of a dismissed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dismissal: Option<Dismissal>,
    /// Who has taken it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledgement>,
}

impl Finding {
    /// What is wrong, for people: `latency`, "latency of step `pay`", of a pipeline `duration`.
    pub fn subject(&self) -> String {
        match &self.pipeline {
            _ if self.kind.is_budget() => "error budget".to_owned(),
            Some(concern) => concern.signal.to_string(),
            None => subject(self.metric, &self.part),
        }
    }
}

/// Somebody has taken a finding on: nobody is told of it again until something is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// When.
    pub at: Timestamp,
    /// In their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Who they are: the name of the token they used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What a person said of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissal {
    /// Why it is nothing.
    pub reason: DismissalReason,
    /// In their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Who they are: the name of the token they used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Why a finding is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DismissalReason {
    /// Nothing got worse: the verdict was wrong. It counts against the budget of false verdicts.
    FalseAlarm,
    /// It is true and meant so.
    Accepted,
}

impl DismissalReason {
    /// All reasons.
    pub const ALL: &[Self] = &[Self::FalseAlarm, Self::Accepted];

    /// The word used in JSON and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FalseAlarm => "false_alarm",
            Self::Accepted => "accepted",
        }
    }
}

/// What sort of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A change is suspected.
    Suspected,
    /// A change is guilty.
    Regressed,
    /// Trouble that no logged change explains.
    Unexplained,
    /// An error budget is spent so fast that it is soon gone.
    BudgetFast,
    /// An error budget is spent faster than it is given back.
    BudgetSlow,
    /// A pipeline is not what it was, or not what it should be.
    Pipeline,
}

/// How a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// Open.
    Open,
    /// The journey is as before.
    Recovered,
    /// A change logged later explains it; that change has a finding of its own.
    Explained,
    /// A person said it is nothing.
    Dismissed,
}

impl FindingKind {
    /// All of them, gravest first.
    pub const ALL: &[Self] = &[
        Self::Regressed,
        Self::BudgetFast,
        Self::Suspected,
        Self::Unexplained,
        Self::BudgetSlow,
        Self::Pipeline,
    ];

    /// Whether it speaks of an error budget: it is opened and closed by what was counted, not by a verdict.
    pub fn is_budget(self) -> bool {
        matches!(self, Self::BudgetFast | Self::BudgetSlow)
    }

    /// The word used in JSON and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suspected => "suspected",
            Self::Regressed => "regressed",
            Self::Unexplained => "unexplained",
            Self::BudgetFast => "budget_fast",
            Self::BudgetSlow => "budget_slow",
            Self::Pipeline => "pipeline",
        }
    }
}

impl FindingState {
    /// All states.
    pub const ALL: &[Self] = &[Self::Open, Self::Recovered, Self::Explained, Self::Dismissed];

    /// The word used in JSON and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Recovered => "recovered",
            Self::Explained => "explained",
            Self::Dismissed => "dismissed",
        }
    }
}
