//! One agent a data file: a lock that ends with its process, also by `kill -9`.

use std::{
    ffi::OsString,
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

use thiserror::Error;

/// The right to be the agent of a data file; given back when dropped.
#[derive(Debug)]
pub struct Claim(#[expect(dead_code, reason = "held for its lock")] File);

/// Why a data file cannot be claimed.
#[derive(Debug, Error)]
pub enum ClaimError {
    /// Another agent has it.
    #[error(
        "another agent works with {path}: give this one a `data` file of its own, or stop the other"
    )]
    Taken {
        /// The data file.
        path: PathBuf,
    },
    /// The lock file cannot be written.
    #[error("{path} cannot be written: {source}")]
    Unwritable {
        /// The lock file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Claim {
    /// Claims the data file, by a lock on `FILE.lock` beside it.
    ///
    /// # Errors
    /// Another agent has it, or the lock file cannot be written.
    pub fn take(data: &Path) -> Result<Self, ClaimError> {
        let mut name = OsString::from(data.as_os_str());
        name.push(".lock");
        let path = PathBuf::from(name);
        let unwritable = |source| ClaimError::Unwritable { path: path.clone(), source };
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(ClaimError::Taken { path: data.to_owned() }),
            Err(TryLockError::Error(source)) => Err(unwritable(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_agent_at_a_time() {
        let folder = tempfile::TempDir::new().unwrap();
        let data = folder.path().join("a.db");
        let first = Claim::take(&data).unwrap();
        let second = Claim::take(&data).unwrap_err();
        assert!(second.to_string().contains("another agent works with"), "{second}");
        drop(first);
        Claim::take(&data).unwrap();
        let nowhere = Claim::take(&folder.path().join("no/a.db")).unwrap_err();
        assert!(nowhere.to_string().contains("a.db.lock cannot be written"), "{nowhere}");
    }
}
