//! The writing thread: it owns the write connection and takes all waiting jobs as one transaction.

use std::sync::mpsc::Receiver;

use tokio::sync::oneshot;

use super::{
    error::{Fault, StoreError},
    session::Session,
};

/// Most jobs of one transaction: a bound on how long the first waits for the last.
const GROUP: usize = 256;

/// Something to do on a connection, and someone who waits for the answer.
pub(super) trait Job: Send {
    /// Does it; false when it failed and must be undone.
    fn run(&mut self, session: &mut Session) -> bool;
    /// What was tried, and the trouble if this job had any.
    fn fault(&self) -> Option<&Fault>;
    /// Answers: with what came of it, or with the trouble of the whole transaction.
    fn settle(self: Box<Self>, fault: Option<&Fault>);
}

struct Task<T, F> {
    doing: &'static str,
    work: Option<F>,
    result: Option<Result<T, Fault>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

/// What comes of a job, once it is known.
pub(super) type Answer<T> = oneshot::Receiver<Result<T, StoreError>>;

/// Wraps `work` as a job; `doing` names it in errors.
pub(super) fn job<T, F>(doing: &'static str, work: F) -> (Box<dyn Job>, Answer<T>)
where
    T: Send + 'static,
    F: FnOnce(&mut Session) -> Result<T, Fault> + Send + 'static,
{
    let (answer, receiver) = oneshot::channel();
    (Box::new(Task { doing, work: Some(work), result: None, answer }), receiver)
}

impl<T: Send, F> Job for Task<T, F>
where
    F: FnOnce(&mut Session) -> Result<T, Fault> + Send,
{
    fn run(&mut self, session: &mut Session) -> bool {
        self.result = self.work.take().map(|work| work(session));
        matches!(self.result, Some(Ok(_)))
    }

    fn fault(&self) -> Option<&Fault> {
        self.result.as_ref().and_then(|r| r.as_ref().err())
    }

    fn settle(self: Box<Self>, fault: Option<&Fault>) {
        let doing = self.doing;
        let answer = match (self.result, fault) {
            (Some(Err(own)), _) => Err(own.told(doing)),
            (_, Some(common)) => Err(common.told(doing)),
            (Some(Ok(value)), None) => Ok(value),
            (None, None) => Err(StoreError::Closed { doing }),
        };
        // Nobody listening is no trouble: the write is done all the same.
        drop(self.answer.send(answer));
    }
}

/// The life of the writing thread: until every sender is gone and everything waiting is done.
pub(super) fn write(mut session: Session, jobs: &Receiver<Box<dyn Job>>) {
    let mut version = None;
    while let Ok(first) = jobs.recv() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(next) = jobs.try_recv()
        {
            group.push(next);
        }
        let fault = commit(&mut session, &mut group, &mut version).err();
        if fault.is_some() {
            session.interned.forget();
            // Fails only where there is nothing to roll back.
            drop(session.conn.execute_batch("ROLLBACK"));
        }
        for job in group {
            job.settle(fault.as_ref());
        }
    }
    // An open transaction cannot be left here; closing folds the log into the file.
    drop(session.conn.close());
}

/// One transaction of many jobs. A job that fails is undone alone, unless SQLite gave up the whole transaction.
fn commit(
    session: &mut Session,
    group: &mut [Box<dyn Job>],
    version: &mut Option<i64>,
) -> Result<(), Fault> {
    session.conn.execute_batch("BEGIN IMMEDIATE")?;
    // Another process may have handed out ids since: what is remembered of them may not be all.
    let now = session.conn.pragma_query_value(None, "data_version", |r| r.get::<_, i64>(0))?;
    if version.replace(now) != Some(now) {
        session.interned.forget();
    }
    let alone = group.len() == 1;
    for job in group.iter_mut() {
        if !alone {
            session.conn.prepare_cached("SAVEPOINT job")?.execute([])?;
        }
        let done = job.run(session);
        if !done && (alone || session.conn.is_autocommit()) {
            return Err(copy(job.fault()));
        }
        if !done {
            session.interned.forget();
            session.conn.execute_batch("ROLLBACK TO job")?;
        }
        if !alone {
            session.conn.prepare_cached("RELEASE job")?.execute([])?;
        }
    }
    session.conn.execute_batch("COMMIT")?;
    Ok(())
}

/// The trouble of one job as the trouble of all: SQLite rolls everything back when the disk is full.
fn copy(fault: Option<&Fault>) -> Fault {
    match fault {
        Some(Fault::Sql(rusqlite::Error::SqliteFailure(code, text))) => {
            Fault::Sql(rusqlite::Error::SqliteFailure(*code, text.clone()))
        }
        Some(Fault::Unreadable { what, reason }) => {
            Fault::Unreadable { what: what.clone(), reason: reason.clone() }
        }
        Some(Fault::Sql(other)) => Fault::unreadable("the transaction", other),
        None => Fault::unreadable("the transaction", "it was given up"),
    }
}
