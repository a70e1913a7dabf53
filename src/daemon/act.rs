//! What the pipeline does elsewhere about what it concluded: changes undone, forges told, and what follows from that.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tracing::warn;

use super::{deliver::Settled, pipeline::Pipeline, rollback};
use crate::{
    model::{ChangeId, Parcel, RollbackOrder, RollbackState},
    notify,
    store::Conclusions,
};

impl Pipeline {
    /// What follows from a delivery.
    pub(super) async fn settled(&mut self, settled: Settled) {
        let Settled { message, outcome } = settled;
        match message.parcel {
            // Nothing: it was told, or it is on the list of what was given up.
            Parcel::Notice(_) | Parcel::ChangeNews(_) | Parcel::Status(_) => drop(outcome),
            Parcel::Rollback(order) => self.rolled_back(&order, outcome.err()).await,
        }
    }

    /// What is done elsewhere about changes of which something else is known now.
    pub(super) async fn act(&mut self, changes: &BTreeSet<ChangeId>, now: Timestamp) {
        let settings = &self.setup.settings;
        if settings.rollbacks.is_empty() && settings.writebacks.is_empty() {
            return;
        }
        let mut messages = Vec::new();
        for id in changes {
            let Some((change, all, open)) = self.watches.of(id) else { continue };
            let dismissed = self.trouble.dismissed(id);
            let seen = (all.as_slice(), dismissed.as_slice());
            messages.extend(self.writebacks.look(&self.setup, &change, seen, open, now));
            match self.undo.look(&self.store, &self.setup, &change, seen, now).await {
                Ok(true) => self.bell.notify_one(),
                Ok(false) => {}
                Err(e) => self.store_failed("a rollback could not be thought of", &e),
            }
        }
        if messages.is_empty() {
            return;
        }
        match self.store.conclude(Conclusions { messages, ..Conclusions::default() }).await {
            Ok(()) => self.bell.notify_one(),
            Err(e) => self.store_failed("what forges are told could not be written", &e),
        }
    }

    /// What follows from a rollback: it is a change like any other, and is judged.
    async fn rolled_back(&mut self, order: &RollbackOrder, error: Option<String>) {
        let now = self.clock.now();
        let state = match &error {
            None => RollbackState::Done,
            Some(error) if notify::is_unknown(error) => RollbackState::Unknown,
            Some(_) => RollbackState::Failed,
        };
        warn!(
            change = %order.change.id, hook = order.hook, state = state.as_str(),
            "rollback.settled: {}", error.as_deref().unwrap_or("it was taken"),
        );
        if let Some(change) = rollback::as_change(order, state, now) {
            // Under the same id at each try, so that it is one change whatever happens in between.
            match self.store.record_change(change).await {
                Ok(_) => self.changes_logged().await,
                Err(e) => self.store_failed("a rollback could not be logged", &e),
            }
        }
        let id = &order.change.id;
        if let Err(e) = self.store.settle_rollback(id, &order.hook, state, error, now).await {
            self.store_failed("what came of a rollback could not be noted", &e);
        }
    }

    /// Rollbacks that were settled while the agent ended.
    pub(super) async fn resume_rollbacks(&mut self) {
        match self.store.rollbacks_to_settle().await {
            Ok(orders) => {
                for (order, error) in orders {
                    self.rolled_back(&order, error).await;
                }
            }
            Err(e) => self.store_failed("rollbacks could not be read", &e),
        }
    }
}
