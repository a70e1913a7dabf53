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
    /// Whether it is not a fault in the body, but a form of bodies that is not read at all.
    pub unread: bool,
}

impl IntakeFault {
    /// A form of bodies that is not read.
    pub fn unread(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { unread: true, ..Self::new(message, hint) }
    }

    /// A fault with its way out.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into(), unread: false }
    }
}
