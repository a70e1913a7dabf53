//! What came to the webhooks.

use super::{
    exporter::Exporter,
    family::{Family, Kind},
};

/// Every family of this file.
pub(super) static FAMILIES: [&Family; 1] = [&DELIVERIES];

static DELIVERIES: Family = Family {
    name: "wayfarer_hook_deliveries_total",
    help: "Requests to webhooks, by what became of them: change, fact, ignored, unplaced, broken, refused.",
    labels: &["hook", "outcome"],
    kind: Kind::Counter,
};

impl Exporter {
    /// A request came to a hook that is configured or a sender's; `outcome` is one of a few words.
    pub fn hook_delivery(&self, hook: &str, outcome: &str) {
        self.state().families.add(&DELIVERIES, &[hook, outcome], 1.0);
    }
}
