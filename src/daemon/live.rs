//! The live stream: what happened just now, for whoever listens. Listeners that are too slow miss events; nobody waits for
//! them.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::model::{Change, Finding, Run, Verdict};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A run was stored.
    Run(Arc<Run>),
    /// A change was logged or altered.
    Change(Arc<Change>),
    /// A verdict altered.
    Verdict(Arc<Verdict>),
    /// A finding was opened, altered or closed.
    Finding(Arc<Finding>),
}

/// Where events are published and listened to.
#[derive(Debug, Clone)]
pub struct Live(broadcast::Sender<Event>);

impl Default for Live {
    fn default() -> Self {
        Self(broadcast::channel(1024).0)
    }
}

impl Live {
    /// Tells everybody who listens.
    pub fn publish(&self, event: Event) {
        // Nobody listening is not an error.
        drop(self.0.send(event));
    }

    /// Listens from now on.
    pub fn listen(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }
}
