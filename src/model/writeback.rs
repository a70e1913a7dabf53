//! Writing back: what the forges that hold the code are told of a change.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ChangeId, EnvironmentName, GateStatus, SecretSource, ServiceName};

/// The word that everything we write elsewhere begins with, so that we know our own words when they come back.
pub const OUR_WORD: &str = "wayfarer";

/// `[[writeback]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct WritebackSettings {
    /// What the log and the outbox call it.
    pub name: String,
    /// Which forge.
    pub forge: Forge,
    /// Where its API begins.
    pub url: String,
    /// The project where a change does not say its own: `owner/name`.
    pub repository: Option<String>,
    /// Only changes of these services, if any are named.
    pub services: Vec<ServiceName>,
    /// Only there, if any are named.
    pub environments: Vec<EnvironmentName>,
    /// Who we are there.
    pub token: SecretSource,
    /// How long a try may take.
    pub timeout: Duration,
}

/// Where code lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forge {
    /// GitHub, or its Enterprise Server.
    Github,
    /// GitLab.
    Gitlab,
}

/// What is told of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatusReport {
    /// The change.
    pub change: ChangeId,
    /// The repository: `owner/name`, or the number of a project.
    pub repository: String,
    /// Its newest commit.
    pub commit: Option<String>,
    /// The number of its deployment there, where it has one.
    pub deployment: Option<String>,
    /// Where it was deployed.
    pub environment: Option<String>,
    /// What the gate says.
    pub gate: GateStatus,
    /// Why, in one line; begins with [`OUR_WORD`].
    pub text: String,
    /// Our page of it.
    pub page: Option<String>,
    /// When this was thought of.
    pub at: Timestamp,
}

impl WritebackSettings {
    /// Under which name the outbox knows it; no receiver of people can be called so.
    pub fn receiver(&self) -> String {
        format!("writeback:{}", self.name)
    }
}

impl Forge {
    /// All of them, with where their APIs begin.
    pub const ALL: &[(&str, Self, &str)] = &[
        ("github", Self::Github, "https://api.github.com"),
        ("gitlab", Self::Gitlab, "https://gitlab.com"),
    ];
}
