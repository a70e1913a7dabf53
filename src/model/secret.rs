//! Values that must never be seen: in no log, metric, row, report or error.

use std::fmt;

/// A secret's value. It has no `Display`, its `Debug` is masked and it cannot be serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a value into custody.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself. Callers hand it to a request or compare it, and put it nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Where a secret's value comes from; the value itself never stands in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretSource {
    /// `{ env = "NAME" }`: an environment variable of the agent.
    Env(String),
    /// `{ file = "/run/secrets/x" }`: the contents of a file, without a trailing line break.
    File(String),
    /// `{ command = ["pass", "shop"] }`: the standard output of a program, without a trailing line break.
    Command(Vec<String>),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {path}"),
            Self::Command(words) => write!(f, "command {}", words.first().map_or("", |w| w)),
        }
    }
}
