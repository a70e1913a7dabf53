//! Whose trouble it is.

use crate::model::FaultKind;

/// Why a step cannot go on. Texts are not masked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The target's: the run failed.
    Target(FaultKind, String),
    /// Ours: the run is broken.
    Ours(String),
}

impl Trouble {
    pub(super) fn target(kind: FaultKind, message: impl Into<String>) -> Self {
        Self::Target(kind, message.into())
    }

    pub(super) fn ours(message: impl Into<String>) -> Self {
        Self::Ours(message.into())
    }
}
