//! The watches of Kubernetes clusters.

use super::{
    exporter::Exporter,
    family::{Family, Kind},
};

static UP: Family = Family {
    name: "wayfarer_kubernetes_watch_up",
    help: "Whether the objects of a kind are watched: 0 where the API server cannot be reached or refuses.",
    labels: &["cluster", "resource", "namespace"],
    kind: Kind::Gauge,
};

pub(super) static FAMILIES: [&Family; 1] = [&UP];

impl Exporter {
    /// A watch stands or does not.
    pub fn kubernetes_watch(&self, cluster: &str, resource: &str, namespace: &str, up: bool) {
        self.state().families.set(&UP, &[cluster, resource, namespace], f64::from(u8::from(up)));
    }

    /// Other clusters are watched now.
    pub fn kubernetes_forget(&self) {
        self.state().families.retain(&UP, |_| false);
    }
}
