//! Why a change could not be taken in.

use thiserror::Error;

/// A body that is not a change, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct IntakeFault {
    /// What is wrong: names the field and what was found.
    pub message: String,
    /// The way out.
    pub hint: String,
}

impl IntakeFault {
    /// A fault with its way out.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}
