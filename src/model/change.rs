//! Changes: anything logged that can alter behaviour.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ChangeId, EnvironmentName, ServiceName};

/// Something that was changed, where, when and by whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Its id; the same id twice is one change.
    pub id: ChangeId,
    /// What sort of change.
    pub kind: ChangeKind,
    /// Which services; none means the whole environment.
    pub services: Vec<ServiceName>,
    /// Where; none means wherever its services are watched.
    pub environments: Vec<EnvironmentName>,
    /// What is deployed now.
    pub version: Option<String>,
    /// What was deployed before.
    pub previous_version: Option<String>,
    /// The build that made it.
    pub build: Option<String>,
    /// Its commits.
    pub commits: Vec<Commit>,
    /// Who did it.
    pub author: Option<String>,
    /// The release it belongs to.
    pub release: Option<String>,
    /// A line for people.
    pub title: Option<String>,
    /// Where to read more.
    pub url: Option<String>,
    /// Whether it was announced.
    pub planned: Option<bool>,
    /// Everything else its sender said.
    pub labels: BTreeMap<String, String>,
    /// How far it is.
    pub state: ChangeState,
    /// When it began to be able to matter.
    pub started_at: Timestamp,
    /// When it was done; none while it is under way.
    pub finished_at: Option<Timestamp>,
    /// Who told us: `api`, `cli`, `demo`, later the name of a webhook.
    pub source: String,
}

/// One commit of a change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Commit {
    /// Its hash.
    pub id: String,
    /// When it was made.
    pub at: Option<Timestamp>,
    /// By whom.
    pub author: Option<String>,
    /// Its first line.
    pub message: Option<String>,
}

/// How far a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// Under way.
    Started,
    /// Done.
    Finished,
    /// Given up: it may have altered things all the same, and is watched.
    Failed,
}

/// What is deployed of a service in an environment, and by which change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// The service.
    pub service: ServiceName,
    /// The version, or the newest commit where no version was said.
    pub version: String,
    /// The newest commit, where one was said.
    pub commit: Option<String>,
    /// The change that deployed it.
    pub change: ChangeId,
    /// Since when.
    pub at: Timestamp,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),* $(,)?) => {
        /// What sort of change it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum ChangeKind { $($(#[$doc])* $variant),* }

        impl ChangeKind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word used in JSON, metrics and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }

        impl FromStr for ChangeKind {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(format!("unknown kind `{text}`, expected one of {}", [$($text),*].join(", "))),
                }
            }
        }
    };
}

kinds! {
    /// A new version.
    Deploy = "deploy",
    /// Back to an earlier version.
    Rollback = "rollback",
    /// A setting.
    Config = "config",
    /// A feature flag.
    Flag = "flag",
    /// Machines, networks, clusters.
    Infra = "infra",
    /// A database schema.
    Schema = "schema",
    /// An A/B test.
    Experiment = "experiment",
    /// A difference from what was declared, found, not made.
    Drift = "drift",
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Change {
    /// A change of one moment of which nothing else is known.
    pub fn new(id: ChangeId, kind: ChangeKind, at: Timestamp) -> Self {
        Self {
            id,
            kind,
            services: Vec::new(),
            environments: Vec::new(),
            version: None,
            previous_version: None,
            build: None,
            commits: Vec::new(),
            author: None,
            release: None,
            title: None,
            url: None,
            planned: None,
            labels: BTreeMap::new(),
            state: ChangeState::Finished,
            started_at: at,
            finished_at: Some(at),
            source: String::new(),
        }
    }

    /// Whether it touches this environment.
    pub fn touches(&self, environment: &EnvironmentName) -> bool {
        self.environments.is_empty() || self.environments.contains(environment)
    }

    /// When the clock of its watches starts: at its finish, or at its start while it is under way.
    pub fn settled_at(&self) -> Timestamp {
        self.finished_at.unwrap_or(self.started_at)
    }

    /// What is deployed by it, as far as said: the version, or else the newest commit.
    pub fn deployed_version(&self) -> Option<&str> {
        self.version.as_deref().or_else(|| self.commits.last().map(|c| c.id.as_str()))
    }
}
