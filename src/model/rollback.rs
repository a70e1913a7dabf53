//! Rollbacks: how a change is undone, and what came of it.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Address, Change, ChangeId, EnvironmentName, Given, SecretSource, ServiceName};

/// What begins the name under which the outbox knows a rollback; no receiver of people can be called so.
pub const ROLLBACK_RECEIVER: &str = "rollback:";
/// After so long nobody wants a rollback any more that could not be fired: the world has moved on.
pub const ROLLBACK_EXPIRY: Duration = Duration::from_secs(600);

/// `[[rollback]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct RollbackSettings {
    /// What the log calls it; the service by default.
    pub name: String,
    /// Whose changes it undoes.
    pub service: ServiceName,
    /// Where; everywhere if empty.
    pub environments: Vec<EnvironmentName>,
    /// Who may fire it.
    pub mode: RollbackMode,
    /// How.
    pub way: RollbackWay,
    /// How long it may take.
    pub timeout: Duration,
}

/// Who may fire a rollback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RollbackMode {
    /// Nobody.
    Off,
    /// Nobody, but it is said when it would have been fired.
    DryRun,
    /// People.
    Manual,
    /// People, and the agent where it is sure.
    Automatic,
}

/// How a change is undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RollbackWay {
    /// A webhook as Standard Webhooks has it.
    Webhook {
        /// Where.
        url: Address,
        /// What it is signed with.
        secret: Option<SecretSource>,
        /// What is shown as a bearer token.
        token: Option<SecretSource>,
    },
    /// A program that reads the order as JSON.
    Command {
        /// The program and its arguments.
        words: Vec<String>,
        /// What it is given besides `PATH`, `HOME`, `LANG` and `TZ`.
        env: BTreeMap<String, Given>,
    },
}

/// That a change shall be undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RollbackOrder {
    /// Its id, which will be that of the change it makes.
    pub id: ChangeId,
    /// Which `[[rollback]]`.
    pub hook: String,
    /// What is to be undone.
    pub change: Change,
    /// Of which service.
    pub service: ServiceName,
    /// The commit that was deployed before it, where the log says so. The version is the `previous_version` of the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_commit: Option<String>,
    /// Where.
    pub environments: Vec<EnvironmentName>,
    /// Why.
    pub reason: String,
    /// Who wants it: the name of a token, or `wayfarer` itself.
    pub by: String,
    /// Whether nobody was asked.
    pub automatic: bool,
    /// When it was ordered.
    pub at: Timestamp,
}

/// What became of a rollback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackState {
    /// It would have been fired, were it not for `mode = "dry-run"`.
    DryRun,
    /// It is ordered, and is fired now.
    Ordered,
    /// It was taken or done.
    Done,
    /// It was refused, or could not be begun: nothing was undone.
    Failed,
    /// Nobody knows; it is never fired again.
    Unknown,
}

/// What is kept of a rollback.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RollbackRecord {
    /// What was ordered.
    pub order: RollbackOrder,
    /// What became of it.
    pub state: RollbackState,
    /// Why it did not become what it should.
    pub error: Option<String>,
    /// When that was known.
    pub settled_at: Option<Timestamp>,
}

impl RollbackSettings {
    /// Under which name the outbox knows it.
    pub fn receiver(&self) -> String {
        format!("{ROLLBACK_RECEIVER}{}", self.name)
    }

    /// Whether it undoes a change.
    pub fn undoes(&self, change: &Change) -> bool {
        change.services.contains(&self.service)
            && (self.environments.is_empty()
                || change.environments.is_empty()
                || change.environments.iter().any(|e| self.environments.contains(e)))
    }

    /// Where it undoes a change.
    pub fn places(&self, change: &Change) -> Vec<EnvironmentName> {
        let (own, theirs) = (&self.environments, &change.environments);
        match (own.is_empty(), theirs.is_empty()) {
            (true, _) => theirs.clone(),
            (false, true) => own.clone(),
            (false, false) => theirs.iter().filter(|e| own.contains(e)).cloned().collect(),
        }
    }
}

impl RollbackMode {
    /// All of them.
    pub const ALL: &[(&str, Self)] = &[
        ("off", Self::Off),
        ("dry-run", Self::DryRun),
        ("manual", Self::Manual),
        ("automatic", Self::Automatic),
    ];
}

impl RollbackState {
    /// All of them.
    pub const ALL: &[Self] =
        &[Self::DryRun, Self::Ordered, Self::Done, Self::Failed, Self::Unknown];

    /// The word used in JSON and in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DryRun => "dry_run",
            Self::Ordered => "ordered",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}
