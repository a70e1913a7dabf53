//! Tells when a file of the configuration was added, altered or removed.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use notify_debouncer_full::{
    DebounceEventResult, DebouncedEvent, Debouncer, RecommendedCache, new_debouncer,
    notify::{EventKind, RecommendedWatcher, RecursiveMode},
};
use tokio::sync::Notify;

use super::files::{JOURNEYS, SETTINGS, SourceError, is_kept};

/// How long the files must be quiet: an editor writes, renames and removes in one go.
const QUIET: Duration = Duration::from_millis(300);

/// The changes of a configuration's files. Watching ends when it is dropped.
///
/// The folders are watched, not the files: editors put a new file in the place of the old one, and a mounted configuration
/// changes by one link (`..data`) that is exchanged. What a link points to elsewhere is not watched.
pub struct Changes {
    watcher: Debouncer<RecommendedWatcher, RecommendedCache>,
    journeys: PathBuf,
    seen: Arc<Seen>,
}

/// What the watcher's own thread has seen and nobody has asked for yet.
#[derive(Default)]
struct Seen {
    change: Notify,
    /// The folder of journeys came, went or was exchanged.
    folder: AtomicBool,
}

impl Changes {
    /// Begins to watch the folder of the settings, and its journeys if they are there already.
    ///
    /// # Errors
    /// The folder does not exist or cannot be watched.
    pub fn start(root: &Path) -> Result<Self, SourceError> {
        let root = root
            .canonicalize()
            .map_err(|source| SourceError::Unreadable { path: root.to_owned(), source })?;
        let unwatchable = |error: notify_debouncer_full::notify::Error| SourceError::Unwatchable {
            path: root.clone(),
            message: error.to_string(),
        };
        let journeys = root.join(JOURNEYS);
        let seen = Arc::new(Seen::default());
        let handler = handler(root.clone(), journeys.clone(), Arc::clone(&seen));
        let mut watcher = new_debouncer(QUIET, None, handler).map_err(unwatchable)?;
        watcher.watch(&root, RecursiveMode::NonRecursive).map_err(unwatchable)?;
        let mut changes = Self { watcher, journeys, seen };
        changes.follow_folder();
        Ok(changes)
    }

    /// Resolves when `wayfarer.toml`, a journey file or a file that one may name was added, altered or removed since the last time. Several changes in a
    /// row may be told as one. It can be dropped and called again: no change is lost by that.
    pub async fn changed(&mut self) {
        self.seen.change.notified().await;
        if self.seen.folder.swap(false, Ordering::AcqRel) {
            self.follow_folder();
        }
    }

    /// Watches the folder of journeys that is there now, if any.
    fn follow_folder(&mut self) {
        // The old watch may be gone with its folder, and the folder may not be there: both are no trouble.
        self.watcher.unwatch(&self.journeys).ok();
        self.watcher.watch(&self.journeys, RecursiveMode::Recursive).ok();
    }
}

fn handler(
    root: PathBuf,
    journeys: PathBuf,
    seen: Arc<Seen>,
) -> impl FnMut(DebounceEventResult) + Send + 'static {
    let settings = root.join(SETTINGS);
    let links = [root.join("..data"), journeys.join("..data")];
    move |result| {
        // Trouble of the watcher may hide a change: better to look once too often.
        let Ok(events) = result else { return seen.change.notify_one() };
        let concerns = |path: &PathBuf| {
            *path == settings
                || *path == journeys
                || links.contains(path)
                || (path.starts_with(&journeys) && is_kept(path))
        };
        let written = |event: &&DebouncedEvent| !matches!(event.kind, EventKind::Access(_));
        let mut any = false;
        for event in events.iter().filter(written) {
            if event.paths.contains(&journeys) {
                seen.folder.store(true, Ordering::Release);
            }
            any |= event.need_rescan() || event.paths.iter().any(concerns);
        }
        if any {
            seen.change.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Far longer than a change takes to be seen: it only ends a test that would hang.
    const HANGING: Duration = Duration::from_secs(20);

    /// Waits until a change is told.
    async fn told(changes: &mut Changes) {
        tokio::time::timeout(HANGING, changes.changed()).await.expect("the change is not told");
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("wayfarer.toml"), "a = 1").unwrap();
        folder
    }

    #[tokio::test]
    async fn files_added_altered_renamed_and_removed() {
        let folder = folder();
        let journeys = folder.path().join("journeys");
        fs::create_dir(&journeys).unwrap();
        let mut changes = Changes::start(folder.path()).unwrap();
        fs::write(journeys.join("a.toml"), "x").unwrap();
        told(&mut changes).await;
        fs::write(journeys.join("a.toml"), "y").unwrap();
        told(&mut changes).await;
        // As editors save: a new file takes the old one's place.
        fs::write(folder.path().join("wayfarer.toml.new"), "a = 2").unwrap();
        fs::rename(folder.path().join("wayfarer.toml.new"), folder.path().join("wayfarer.toml"))
            .unwrap();
        told(&mut changes).await;
        fs::remove_file(journeys.join("a.toml")).unwrap();
        told(&mut changes).await;
    }

    #[tokio::test]
    async fn a_folder_of_journeys_that_comes_later() {
        let folder = folder();
        let journeys = folder.path().join("journeys");
        let mut changes = Changes::start(folder.path()).unwrap();
        for _ in 0..2 {
            fs::create_dir(&journeys).unwrap();
            told(&mut changes).await;
            fs::write(journeys.join("a.toml"), "x").unwrap();
            told(&mut changes).await;
            fs::remove_dir_all(&journeys).unwrap();
            told(&mut changes).await;
        }
    }

    #[tokio::test]
    async fn other_files_do_not_matter() {
        let folder = folder();
        let journeys = folder.path().join("journeys");
        fs::create_dir(&journeys).unwrap();
        fs::write(journeys.join("a.toml"), "x").unwrap();
        let mut changes = Changes::start(folder.path()).unwrap();
        fs::write(folder.path().join("wayfarer.db"), "data").unwrap();
        fs::write(journeys.join(".a.toml.swp"), "data").unwrap();
        fs::read(journeys.join("a.toml")).unwrap();
        // Nothing is told of these: what ends the wait is the watch's own time, four times what it takes to be told.
        let told = tokio::time::timeout(QUIET * 4, changes.changed()).await;
        assert!(told.is_err());
    }

    #[test]
    fn a_folder_that_is_not_there() {
        assert!(Changes::start(Path::new("/no/such/folder")).is_err());
    }
}
