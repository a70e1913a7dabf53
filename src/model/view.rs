//! What of the dashboard a team looks at.

use super::{EnvironmentName, ServiceName};

/// Who reads the dashboard, and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Is it all right now?
    Operator,
    /// What did my changes do?
    Developer,
    /// How does it feel to users, by the week?
    Product,
}

impl Reader {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Operator, Self::Developer, Self::Product];

    /// The word in addresses and in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Developer => "developer",
            Self::Product => "product",
        }
    }
}

/// `[[view]]`: a choice that is kept by a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedView {
    /// What it is called.
    pub name: String,
    /// For whom; operators by default.
    pub view: Reader,
    /// Journeys and changes of this service; of all where none is said.
    pub service: Option<ServiceName>,
    /// In this environment.
    pub environment: Option<EnvironmentName>,
    /// Of what this owner looks after.
    pub owner: Option<String>,
}
