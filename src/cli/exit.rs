//! The exit codes, one table for every verb.

use std::process::ExitCode;

/// How a verb ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// As it should.
    Good = 0,
    /// Our own bug.
    Bug = 1,
    /// Bad arguments.
    Usage = 2,
    /// Bad configuration or journey.
    Config = 3,
    /// A journey failed.
    JourneyFailed = 4,
    /// A change was judged harmful.
    Harmful = 5,
    /// No verdict could be reached.
    NoVerdict = 6,
    /// Storage or network trouble.
    Trouble = 7,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A verb that did not end well: its exit code and what to say.
#[derive(Debug)]
pub(super) struct Failed {
    /// The exit code.
    pub(super) exit: Exit,
    /// What to say on standard error.
    pub(super) message: String,
}

impl Failed {
    /// Ends with this code and these words.
    pub(super) fn new(exit: Exit, message: impl ToString) -> Self {
        Self { exit, message: message.to_string() }
    }
}

impl From<crate::store::StoreError> for Failed {
    fn from(e: crate::store::StoreError) -> Self {
        Self::new(Exit::Trouble, e)
    }
}

impl From<crate::daemon::LoadError> for Failed {
    fn from(e: crate::daemon::LoadError) -> Self {
        Self::new(Exit::Config, e)
    }
}

impl From<crate::engine::EngineError> for Failed {
    fn from(e: crate::engine::EngineError) -> Self {
        Self::new(Exit::Trouble, e)
    }
}

impl From<crate::source::agent::AgentError> for Failed {
    fn from(e: crate::source::agent::AgentError) -> Self {
        use crate::source::agent::AgentError;
        let exit = match &e {
            AgentError::Address(_) => Exit::Usage,
            AgentError::Refused { status: 400 | 401 | 403 | 409 | 413, .. } => Exit::Usage,
            AgentError::Refused { status: 404, .. } => Exit::NoVerdict,
            _ => Exit::Trouble,
        };
        Self::new(exit, e)
    }
}
