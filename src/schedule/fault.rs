//! Why a schedule cannot be kept.

use std::fmt;

/// What is wrong with a schedule: a lower-case fragment, and what to write instead where that is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ScheduleFault {
    message: String,
    hint: Option<String>,
    in_timezone: bool,
}

impl ScheduleFault {
    /// A fault without advice.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, in_timezone: false }
    }

    /// Adds what to write instead.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Marks the zone, not the expression, as the culprit.
    pub(super) fn in_timezone(mut self) -> Self {
        self.in_timezone = true;
        self
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to write instead.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Whether the time zone is at fault, not the expression.
    pub fn blames_timezone(&self) -> bool {
        self.in_timezone
    }
}

impl fmt::Display for ScheduleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}
