//! The handle everybody holds: it sends jobs to the threads that own the connections.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
};

use tokio::sync::oneshot;

use super::{
    error::{Fault, StoreError},
    facts::KnownFacts,
    open::{StoreOptions, for_reading, for_writing},
    reader,
    stretches::Stretches,
    writer,
    writer::{Job, job},
};

use super::session::Session;

/// A data file that is open. Cheap to clone; the file is closed by [`Store::close`] or when the last clone goes.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// What whole hours and days of series came to.
    stretches: Arc<Stretches>,
    /// Facts of pipelines that were read.
    facts: Arc<KnownFacts>,
    /// None when the file is open for reading only.
    writer: Option<Crew>,
    readers: Crew,
}

/// Threads that take jobs from one queue.
#[derive(Debug)]
struct Crew {
    queue: Mutex<Option<Sender<Box<dyn Job>>>>,
    threads: Mutex<Vec<Thread>>,
}

#[derive(Debug)]
struct Thread {
    /// Ends, without a message, when the thread does.
    ended: oneshot::Receiver<()>,
    handle: JoinHandle<()>,
}

impl Store {
    /// Opens a data file for writing and reading; creates it, or brings it up to date.
    ///
    /// # Errors
    /// When the file cannot be opened, is another program's, is damaged or was written by a newer version.
    pub fn open(path: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        let session = Session::new(for_writing(path, options)?);
        let (queue, jobs) = mpsc::channel();
        let thread = spawn(path, "store-writer", move || writer::write(session, &jobs))?;
        Self::assemble(path, Some(Crew::new(queue, vec![thread])), options)
    }

    /// Opens an existing data file for reading only. Another process may write to it meanwhile.
    ///
    /// # Errors
    /// As [`Store::open`]; also when the file does not exist or must first be brought up to date.
    pub fn open_read_only(path: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        if !path.exists() {
            let reason = "there is no such file".to_owned();
            return Err(StoreError::Open { path: path.display().to_string(), reason });
        }
        Self::assemble(path, None, options)
    }

    fn assemble(
        path: &Path,
        writer: Option<Crew>,
        options: &StoreOptions,
    ) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::channel();
        let jobs: Arc<Mutex<Receiver<Box<dyn Job>>>> = Arc::new(Mutex::new(jobs));
        let mut threads = Vec::new();
        for _ in 0..options.readers.max(1) {
            let session = Session::new(for_reading(path, options)?);
            let jobs = Arc::clone(&jobs);
            threads.push(spawn(path, "store-reader", move || reader::read(session, &jobs))?);
        }
        let readers = Crew::new(queue, threads);
        let (stretches, facts) = (Arc::default(), Arc::default());
        let path = path.to_owned();
        Ok(Self { inner: Arc::new(Inner { path, stretches, facts, writer, readers }) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    pub(super) fn stretches(&self) -> Arc<Stretches> {
        Arc::clone(&self.inner.stretches)
    }

    pub(super) fn known_facts(&self) -> Arc<KnownFacts> {
        Arc::clone(&self.inner.facts)
    }

    /// Ends the store: everything asked for so far is done and the file closed. Later calls of other clones fail.
    pub async fn close(self) {
        // The writer's connection goes last: only it may fold the log into the file.
        self.inner.readers.close().await;
        if let Some(writer) = &self.inner.writer {
            writer.close().await;
        }
    }

    /// Has the writing thread do `work` and waits until it is on disk.
    pub(super) async fn write<T, F>(&self, doing: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session) -> Result<T, Fault> + Send + 'static,
    {
        let writer = self.inner.writer.as_ref().ok_or(StoreError::ReadOnly { doing })?;
        writer.ask(doing, work).await
    }

    /// Has the writing thread do `work` some time soon; nobody waits for it, and nobody hears whether it failed.
    pub(super) fn write_later<F>(&self, doing: &'static str, work: F) -> Result<(), StoreError>
    where
        F: FnOnce(&mut Session) -> Result<(), Fault> + Send + 'static,
    {
        let writer = self.inner.writer.as_ref().ok_or(StoreError::ReadOnly { doing })?;
        writer.send(doing, job(doing, work).0)
    }

    /// Has a reading thread do `work`.
    pub(super) async fn read<T, F>(&self, doing: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session) -> Result<T, Fault> + Send + 'static,
    {
        self.inner.readers.ask(doing, work).await
    }
}

impl Crew {
    fn new(queue: Sender<Box<dyn Job>>, threads: Vec<Thread>) -> Self {
        Self { queue: Mutex::new(Some(queue)), threads: Mutex::new(threads) }
    }

    async fn ask<T, F>(&self, doing: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session) -> Result<T, Fault> + Send + 'static,
    {
        let (job, answer) = job(doing, work);
        self.send(doing, job)?;
        answer.await.unwrap_or(Err(StoreError::Closed { doing }))
    }

    fn send(&self, doing: &'static str, job: Box<dyn Job>) -> Result<(), StoreError> {
        let sent = match &*self.queue.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(queue) => queue.send(job).is_ok(),
            None => false,
        };
        if sent { Ok(()) } else { Err(StoreError::Closed { doing }) }
    }

    /// No more jobs; the threads end when the queue is empty.
    fn end(&self) -> Vec<Thread> {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn close(&self) {
        for thread in self.end() {
            // Ends with an error by design: the other side is dropped, nothing is sent.
            drop(thread.ended.await);
            drop(thread.handle.join());
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let crews = std::iter::once(&self.readers).chain(&self.writer);
        for thread in crews.flat_map(Crew::end) {
            drop(thread.handle.join());
        }
    }
}

fn spawn(
    path: &Path,
    name: &str,
    life: impl FnOnce() + Send + 'static,
) -> Result<Thread, StoreError> {
    let (alive, ended) = oneshot::channel::<()>();
    let body = move || {
        life();
        drop(alive);
    };
    let handle =
        thread::Builder::new().name(name.to_owned()).spawn(body).map_err(|e| StoreError::Open {
            path: path.display().to_string(),
            reason: format!("no thread to be had: {e}"),
        })?;
    Ok(Thread { ended, handle })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::{Conclusions, NewMessage};

    fn message(key: String) -> Conclusions {
        let (body, receiver) = ("x".repeat(2000), "ops".to_owned());
        let (created_at, next_try_at) = (jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::UNIX_EPOCH);
        let messages =
            vec![NewMessage { key, receiver, thread: None, body, created_at, next_try_at }];
        Conclusions { messages, ..Conclusions::default() }
    }

    #[tokio::test]
    async fn a_full_disk_is_told_and_what_was_acknowledged_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("w.db"), &StoreOptions::default()).unwrap();
        // The file may not grow beyond so many pages: SQLite then says what it says of a full disk.
        let limit = |session: &mut Session| {
            session.conn.pragma_update(None, "max_page_count", 60)?;
            Ok(())
        };
        store.write("limit the file", limit).await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..200 {
            let store = store.clone();
            tasks.spawn(async move { store.conclude(message(n.to_string())).await });
        }
        let (mut stored, mut refused) = (0, 0);
        while let Some(done) = tasks.join_next().await {
            match done.unwrap() {
                Ok(()) => stored += 1,
                Err(e) => {
                    assert_eq!(e.to_string(), "cannot store conclusions: the disk is full");
                    refused += 1;
                }
            }
        }
        assert!(refused > 0);
        assert_eq!(store.outbox(None, 1000).await.unwrap().len(), stored);
        let more = |session: &mut Session| {
            session.conn.pragma_update(None, "max_page_count", 100_000)?;
            Ok(())
        };
        store.write("lift the limit", more).await.unwrap();
        store.conclude(message("after".to_owned())).await.unwrap();
    }

    #[tokio::test]
    async fn a_job_that_fails_is_undone_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store =
            Arc::new(Store::open(&folder.path().join("w.db"), &StoreOptions::default()).unwrap());
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..40_i64 {
            let store = Arc::clone(&store);
            tasks.spawn(async move {
                let work = move |session: &mut Session| {
                    session.conn.execute(
                        "INSERT INTO tally (name, value) VALUES (?1, 1)",
                        [n.to_string()],
                    )?;
                    if n % 2 == 0 { Ok(()) } else { Err(Fault::unreadable("n", "it is odd")) }
                };
                (n, store.write("test", work).await)
            });
        }
        while let Some(done) = tasks.join_next().await {
            let (n, result) = done.unwrap();
            assert_eq!(result.is_ok(), n % 2 == 0);
        }
        let count = |session: &mut Session| {
            Ok(session.conn.query_row(
                "SELECT count(*) FROM tally WHERE name <> 'evidence_bytes'",
                [],
                |r| r.get::<_, i64>(0),
            )?)
        };
        assert_eq!(store.read("test", count).await.unwrap(), 20);
    }
}
