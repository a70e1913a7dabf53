//! What can go wrong with the data file, told so that a person knows what to do.

use std::path::Path;

use rusqlite::{Error as SqlError, ErrorCode};

/// Why the store could not do what it was asked. The same trouble may be told to several callers, so it is `Clone`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The file could not be opened or created.
    #[error("cannot open the data file {path}: {reason}")]
    Open {
        /// The file.
        path: String,
        /// What stood against it.
        reason: String,
    },
    /// The file is something else.
    #[error("{path} is not a wayfarer data file: {reason}")]
    Foreign {
        /// The file.
        path: String,
        /// How that was seen.
        reason: String,
    },
    /// The file was written by a later version of this program.
    #[error(
        "the data file {path} was written by a newer wayfarer (its schema is {found}, this one knows {known}): \
         use that version, or another file"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// The file must be brought up to date, which needs writing.
    #[error(
        "the data file {path} has schema {found} and {known} is needed: start the agent once, it brings the file up to date"
    )]
    Older {
        /// The file.
        path: String,
        /// Its schema.
        found: i64,
        /// The schema needed.
        known: i64,
    },
    /// Another process held the write lock for longer than we wait.
    #[error("cannot {doing}: the data file is locked by another process")]
    Locked {
        /// What was tried.
        doing: &'static str,
    },
    /// There is no room left.
    #[error("cannot {doing}: the disk is full")]
    DiskFull {
        /// What was tried.
        doing: &'static str,
    },
    /// The file is damaged.
    #[error(
        "cannot {doing}: the data file is damaged ({reason}): put it aside, or repair it with `sqlite3 … .recover`"
    )]
    Corrupt {
        /// What was tried.
        doing: &'static str,
        /// What SQLite says.
        reason: String,
    },
    /// A write was asked of a store that may only read.
    #[error("cannot {doing}: the data file is open for reading only")]
    ReadOnly {
        /// What was tried.
        doing: &'static str,
    },
    /// The store was closed before.
    #[error("cannot {doing}: the store is closed")]
    Closed {
        /// What was tried.
        doing: &'static str,
    },
    /// One row makes no sense: written by a later version, or damaged.
    #[error("cannot {doing}: {what} is unreadable: {reason}")]
    Unreadable {
        /// What was tried.
        doing: &'static str,
        /// Which row.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Anything else SQLite says.
    #[error("cannot {doing}: {reason}")]
    Sqlite {
        /// What was tried.
        doing: &'static str,
        /// What SQLite says.
        reason: String,
    },
}

/// Trouble inside a job, before it is known what the job was about.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite says no.
    Sql(SqlError),
    /// A row makes no sense.
    Unreadable {
        /// Which.
        what: String,
        /// Why.
        reason: String,
    },
}

impl From<SqlError> for Fault {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl Fault {
    pub(super) fn unreadable(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Unreadable { what: what.into(), reason: reason.to_string() }
    }

    /// The same trouble, for the one who asked for `doing`.
    pub(super) fn told(&self, doing: &'static str) -> StoreError {
        match self {
            Self::Unreadable { what, reason } => {
                StoreError::Unreadable { doing, what: what.clone(), reason: reason.clone() }
            }
            Self::Sql(error) => {
                let reason = error.to_string();
                match error.sqlite_error_code() {
                    Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                        StoreError::Locked { doing }
                    }
                    Some(ErrorCode::DiskFull) => StoreError::DiskFull { doing },
                    Some(ErrorCode::ReadOnly) => StoreError::ReadOnly { doing },
                    Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                        StoreError::Corrupt { doing, reason }
                    }
                    _ => StoreError::Sqlite { doing, reason },
                }
            }
        }
    }
}

impl StoreError {
    /// Trouble while opening `path`.
    pub(super) fn opening(path: &Path, error: &SqlError) -> Self {
        let (path, reason) = (path.display().to_string(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => {
                Self::Foreign { path, reason: "it is not an SQLite file, or is damaged".to_owned() }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Open { path, reason: "it is locked by another process".to_owned() }
            }
            _ => Self::Open { path, reason },
        }
    }
}
