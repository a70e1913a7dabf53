//! What others say of trouble: incidents close the loop between a change and those who had to mend it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ChangeId, EnvironmentName, ServiceName};

/// An incident that somebody else keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentFact {
    /// Its id, beginning with the name of the sender: the same id twice is one incident.
    pub id: String,
    /// What it hit.
    pub service: Option<ServiceName>,
    /// Where.
    pub environment: Option<EnvironmentName>,
    /// The artifact that is blamed, a package URL.
    pub artifact: Option<String>,
    /// The change that is blamed, where the sender says one.
    pub change: Option<ChangeId>,
    /// A line for people.
    pub title: Option<String>,
    /// How bad, in the sender's word.
    pub severity: Option<String>,
    /// Its ticket or page.
    pub url: Option<String>,
    /// When it began or was found.
    pub detected_at: Option<Timestamp>,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
    /// Which hook told it.
    pub source: String,
}

impl IncidentFact {
    /// An incident of which nothing else is known.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            service: None,
            environment: None,
            artifact: None,
            change: None,
            title: None,
            severity: None,
            url: None,
            detected_at: None,
            resolved_at: None,
            source: String::new(),
        }
    }

    /// Both tellings of one incident together, in whatever order they came: the earliest of each time, the smaller of two
    /// texts that differ.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
            [a, b].into_iter().flatten().min()
        }
        Self {
            id: self.id,
            service: least(self.service, other.service),
            environment: least(self.environment, other.environment),
            artifact: least(self.artifact, other.artifact),
            change: least(self.change, other.change),
            title: least(self.title, other.title),
            severity: least(self.severity, other.severity),
            url: least(self.url, other.url),
            detected_at: least(self.detected_at, other.detected_at),
            resolved_at: least(self.resolved_at, other.resolved_at),
            source: self.source.min(other.source),
        }
    }
}
