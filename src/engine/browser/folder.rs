//! The folder of a run's browser, and the sweep of those whose owners are dead.
//!
//! Whoever made a folder holds a lock on a file in it (flock(2)) as long as it lives; the system lets go of it whatever becomes of the owner. So a
//! folder without a lock is nobody's, also where process ids say nothing because another container made it.

use std::{
    fs::{DirBuilder, File, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use rustix::process::{Signal, geteuid, getpgrp, kill_process, kill_process_group};

use super::host::processes;

/// Its name in each folder.
const LOCK: &str = "lock";

/// How a folder is called that is not locked yet.
const NEW: &str = "new-";

/// How old such a folder is before it is nobody's: whoever makes one locks it at once.
const NEW_AGE: Duration = Duration::from_secs(60);

/// A folder that only we can look into. The guard removes it.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// Held as long as this lives.
    _lock: File,
}

/// Folders are told apart by it.
static NTH: AtomicU64 = AtomicU64::new(0);

impl Folder {
    /// Makes one below `base`.
    pub(super) fn new(base: &Path) -> io::Result<Self> {
        own(base)?;
        let name = format!("{}-{}", std::process::id(), NTH.fetch_add(1, Ordering::Relaxed));
        let new = base.join(format!("{NEW}{name}"));
        let path = base.join(name);
        std::fs::remove_dir_all(&new).ok();
        std::fs::remove_dir_all(&path).ok();
        DirBuilder::new().mode(0o700).create(&new)?;
        let lock = File::create_new(new.join(LOCK))?;
        lock.lock()?;
        std::fs::rename(&new, &path)?;
        Ok(Self { path, _lock: lock })
    }

    /// Removes it; a process that is just ending may still write into it.
    pub(super) async fn remove(&self) {
        remove(&self.path).await;
    }
}

/// Removes a folder; a process that is just ending may still write into it.
pub(super) async fn remove(folder: &Path) {
    for _ in 0..20 {
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
            _ => return,
        }
    }
}

/// Makes the folder of all folders; one that is not ours alone is refused, for whoever else may write there could put files into a browser.
fn own(base: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(base)?;
    let meta = std::fs::symlink_metadata(base)?;
    if !meta.is_dir() || meta.uid() != geteuid().as_raw() || meta.mode() & 0o022 != 0 {
        return Err(io::Error::other("it is not a folder that only we can write to"));
    }
    Ok(())
}

/// Ends what is left of browsers whose owners are dead, and removes their folders. Gives how many there were.
pub(super) fn sweep(base: &Path) -> usize {
    if own(base).is_err() {
        return 0;
    }
    let entries = std::fs::read_dir(base).into_iter().flatten().flatten();
    let dead = entries.map(|entry| entry.path()).filter(|path| is_dead(path));
    dead.map(|path| {
        end_processes_of(&path);
        // What is just ending may still write.
        for _ in 0..20 {
            std::fs::remove_dir_all(&path).ok();
            if !path.exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    })
    .count()
}

/// Whether nobody holds a folder.
fn is_dead(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with(NEW) {
        let made = std::fs::metadata(folder).and_then(|meta| meta.modified());
        return made.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > NEW_AGE));
    }
    match File::open(folder.join(LOCK)) {
        Ok(lock) => {
            !matches!(lock.try_lock(), Err(TryLockError::WouldBlock | TryLockError::Error(_)))
        }
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Kills every process that works in a folder, and the groups of these: driver and browser of an agent and a guard that were both killed.
/// Their environment says nothing: Chromium writes its title over it.
fn end_processes_of(folder: &Path) {
    for process in processes() {
        let works_in = std::fs::read_link(format!("/proc/{}/cwd", process.pid.as_raw_nonzero()));
        // "… (deleted)" where the folder has gone from below it.
        let own = |place: PathBuf| {
            let place = place.to_string_lossy().into_owned();
            let within = place.strip_prefix(&*folder.to_string_lossy());
            within.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ' ']))
        };
        if works_in.is_ok_and(own) {
            if process.group != getpgrp() {
                kill_process_group(process.group, Signal::KILL).ok();
            }
            kill_process(process.pid, Signal::KILL).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_swept() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().join("browsers");
        let held = Folder::new(&base).unwrap();
        let left = Folder::new(&base).unwrap();
        let (kept, gone) = (held.path.clone(), left.path.clone());
        drop(left);
        std::fs::create_dir_all(gone.join("home/profile")).unwrap();
        std::fs::create_dir(base.join("new-1-1")).unwrap();
        assert_eq!(sweep(&base), 1);
        assert!(kept.join(LOCK).is_file() && !gone.exists() && base.join("new-1-1").is_dir());
        drop(held);
        assert_eq!(sweep(&base), 1);
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let base = tempfile::tempdir().unwrap();
        let open = base.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).unwrap();
        assert!(Folder::new(&open).is_err());
        let link = base.path().join("link");
        std::os::unix::fs::symlink(base.path(), &link).unwrap();
        assert!(Folder::new(&link).is_err());
        assert_eq!(sweep(&link), 0);
    }
}
