//! Clusters that are watched for changes: `[kubernetes.NAME]`.

use std::{collections::BTreeSet, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::HookDefaults;

/// Labels and annotations that say the service, the best one first.
pub const SERVICE_LABELS: [&str; 5] =
    ["wayfarer/service", "tags.datadoghq.com/service", "app.kubernetes.io/name", "app", "k8s-app"];
/// Labels and annotations that say the environment, the best one first.
pub const ENVIRONMENT_LABELS: [&str; 5] =
    ["wayfarer/environment", "tags.datadoghq.com/env", "app.gitlab.com/env", "env", "environment"];

/// `[kubernetes.NAME]`: a cluster, NAME being what it is called here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubernetesSettings {
    /// The file that says how the cluster is reached, as written (relative to the settings file). Without it, the pod's own service
    /// account inside a cluster, and otherwise what `kubectl` would take.
    pub kubeconfig: Option<PathBuf>,
    /// Which context of that file; its current one by default.
    pub context: Option<String>,
    /// Which namespaces; all by default, for which a ClusterRole is needed.
    pub namespaces: BTreeSet<String>,
    /// A label selector for workloads, as `kubectl --selector` takes it.
    pub selector: Option<String>,
    /// Which kinds of objects; all but Secrets by default.
    pub watch: BTreeSet<ObjectKind>,
    /// Labels or annotations that say the service; [`SERVICE_LABELS`] by default.
    pub service_labels: Vec<String>,
    /// Labels or annotations that say the environment; [`ENVIRONMENT_LABELS`] by default.
    pub environment_labels: Vec<String>,
    /// What is filled in, and what things are called here: services by workload (`shop/web`, `web`) or label, environments by namespace
    /// or label.
    pub defaults: HookDefaults,
}

/// A kind of object that is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ObjectKind {
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` StatefulSet.
    StatefulSet,
    /// `apps/v1` DaemonSet.
    DaemonSet,
    /// `v1` ConfigMap.
    ConfigMap,
    /// `v1` Secret: of its content only a hash is ever kept.
    Secret,
}

impl ObjectKind {
    /// All kinds.
    pub const ALL: [Self; 5] =
        [Self::Deployment, Self::StatefulSet, Self::DaemonSet, Self::ConfigMap, Self::Secret];

    /// What Kubernetes calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }

    /// The resource, as in rules of a Role and in settings: `deployments`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
            Self::ConfigMap => "configmaps",
            Self::Secret => "secrets",
        }
    }

    /// Its group of the API; none for the core group.
    pub fn group(self) -> &'static str {
        if self.is_workload() { "apps" } else { "" }
    }

    /// Whether pods are made from it.
    pub fn is_workload(self) -> bool {
        matches!(self, Self::Deployment | Self::StatefulSet | Self::DaemonSet)
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
