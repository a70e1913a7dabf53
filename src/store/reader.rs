//! The reading threads: each has a read-only connection and answers one question after the other.

use std::sync::{Mutex, PoisonError, mpsc::Receiver};

use super::{error::Fault, session::Session, writer::Job};
use crate::clock;

/// The life of a reading thread: until every sender is gone. A question sees one state of the file, however many
/// statements it takes.
pub(super) fn read(mut session: Session, jobs: &Mutex<Receiver<Box<dyn Job>>>) {
    // What reads is mostly a page. Verdicts wait for it as well; by five steps, which would leave it a third, runs began later than by ten (measured).
    clock::step_back(10);
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut job) = next else { break };
        match session.conn.execute_batch("BEGIN") {
            Ok(()) => {
                job.run(&mut session);
                let ended = session.conn.execute_batch("COMMIT").map_err(Fault::from).err();
                job.settle(ended.as_ref());
            }
            Err(e) => job.settle(Some(&Fault::from(e))),
        }
    }
    drop(session.conn.close());
}
