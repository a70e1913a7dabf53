//! What is told to receivers.

use super::{
    exporter::Exporter,
    family::{Family, Kind},
};

static TRIES: Family = Family {
    name: "wayfarer_deliveries_total",
    help: "Tries to deliver a message to a receiver, by how they ended.",
    labels: &["receiver", "result"],
    kind: Kind::Counter,
};

impl Exporter {
    /// A message was delivered to a receiver, or was not.
    pub fn delivery(&self, receiver: &str, delivered: bool) {
        let result = if delivered { "delivered" } else { "failed" };
        self.state().families.add(&TRIES, &[receiver, result], 1.0);
    }
}
