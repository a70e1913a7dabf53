//! What a message in the outbox holds: JSON with a `kind`. Secrets and addresses of receivers stand in the settings, never here.

use serde::{Deserialize, Serialize};

use super::{
    RollbackOrder, StatusReport,
    notice::{ChangeNews, Notice},
};

/// What is to be delivered. Adding a sort is one more variant; a channel refuses those it cannot carry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Parcel {
    /// People are told of an incident.
    Notice(Box<Notice>),
    /// A log or chart of changes is told of a change.
    ChangeNews(Box<ChangeNews>),
    /// A change shall be undone.
    Rollback(Box<RollbackOrder>),
    /// A forge is told how a change fares.
    Status(Box<StatusReport>),
}

impl Parcel {
    /// As the outbox keeps it.
    ///
    /// # Errors
    /// Never, of values made by us: numbers in it are finite.
    pub fn to_body(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// What a body of the outbox says.
    ///
    /// # Errors
    /// A body that a newer or damaged program wrote.
    pub fn from_body(body: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(body)
    }
}
