//! What is told to receivers.

use super::{
    exporter::Exporter,
    family::{Family, Kind},
};

/// Every family of this file.
pub(super) static FAMILIES: [&Family; 2] = [&TRIES, &WAITING];

static TRIES: Family = Family {
    name: "wayfarer_deliveries_total",
    help: "Tries to deliver a message to a receiver, by how they ended.",
    labels: &["receiver", "result"],
    kind: Kind::Counter,
};

static WAITING: Family = Family {
    name: "wayfarer_outbox_messages",
    help: "Messages that wait for a receiver.",
    labels: &["receiver"],
    kind: Kind::Gauge,
};

impl Exporter {
    /// So many messages wait, by receiver.
    pub fn outbox(&self, waiting: &[(String, u64)]) {
        let mut state = self.state();
        state.families.retain(&WAITING, |_| false);
        for (receiver, count) in waiting {
            state.families.set(&WAITING, &[receiver], *count as f64);
        }
    }

    /// A message was delivered to a receiver, or was not.
    pub fn delivery(&self, receiver: &str, delivered: bool) {
        let result = if delivered { "delivered" } else { "failed" };
        self.state().families.add(&TRIES, &[receiver, result], 1.0);
    }
}
