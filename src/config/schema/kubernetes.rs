//! `[kubernetes.NAME]`.

use serde_json::{Value, json};

use super::words::{default, list, map, name, named, set, table, text, word};
use crate::{
    config::{names::NameOf, settings::kubernetes::WATCHED},
    model::{ENVIRONMENT_LABELS, ObjectKind, SERVICE_LABELS},
};

pub(super) fn kubernetes() -> Value {
    let kinds: Vec<&str> = ObjectKind::ALL.iter().map(|kind| kind.plural()).collect();
    let watched: Vec<&str> = WATCHED.iter().map(|kind| kind.plural()).collect();
    let namespace = json!({
        "type": "string",
        "description": "A namespace.",
        "pattern": "^\\s*[a-z0-9][a-z0-9-]*\\s*$",
    });
    let kubeconfig = "The file that says how the cluster is reached. Default: the pod's service account inside a cluster, else what kubectl takes.";
    let cluster = table(
        "A cluster that is watched for changes.",
        &[],
        vec![
            ("kubeconfig", text(kubeconfig)),
            ("context", text("Which context of that file. Default: its current one.")),
            ("namespaces", list("Which namespaces. Default: all of them.", namespace)),
            ("selector", text("A label selector for workloads, as kubectl takes it.")),
            (
                "watch",
                default(set("Which kinds of objects.", word("A kind.", &kinds)), json!(watched)),
            ),
            (
                "service_labels",
                default(
                    list("Labels or annotations that say the service.", text("A label.")),
                    json!(SERVICE_LABELS),
                ),
            ),
            (
                "environment_labels",
                default(
                    list("Labels or annotations that say the environment.", text("A label.")),
                    json!(ENVIRONMENT_LABELS),
                ),
            ),
            ("service", name("The service, where nothing says one.", NameOf::Service)),
            ("environment", name("The environment, where nothing says one.", NameOf::Thing)),
            (
                "services",
                map(
                    "Workloads (`web`, `shop/web`) or values of labels, and our services.",
                    name("A service.", NameOf::Service),
                ),
            ),
            (
                "environments",
                map(
                    "Namespaces or values of labels, and our environments.",
                    name("An environment.", NameOf::Thing),
                ),
            ),
        ],
    );
    named(
        "Kubernetes clusters that are watched for changes, by name.",
        name("", NameOf::Thing),
        cluster,
    )
}
