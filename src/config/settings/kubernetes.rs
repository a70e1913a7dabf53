//! `[kubernetes.NAME]`.

use std::collections::{BTreeMap, BTreeSet};

use super::hooks::names;
use crate::{
    config::{hint, names::NameOf, reader::Reader, value::At},
    model::{ENVIRONMENT_LABELS, HookDefaults, KubernetesSettings, ObjectKind, SERVICE_LABELS},
};

/// What is watched where nothing is said.
pub(in crate::config) const WATCHED: [ObjectKind; 4] =
    [ObjectKind::Deployment, ObjectKind::StatefulSet, ObjectKind::DaemonSet, ObjectKind::ConfigMap];

/// All of `[kubernetes.NAME]`.
pub(super) fn kubernetes(top: &Reader<'_>) -> BTreeMap<String, KubernetesSettings> {
    let mut clusters = BTreeMap::new();
    for entry in top.table("kubernetes").map(|table| table.entries()).unwrap_or_default() {
        let name = entry.key_name(NameOf::Thing);
        let Some(reader) = entry.table(format!("kubernetes.{}", entry.key)) else { continue };
        let services = names(&reader, "services", NameOf::Service);
        let environments = names(&reader, "environments", NameOf::Thing);
        let settings = KubernetesSettings {
            kubeconfig: reader.text("kubeconfig").map(|path| path.value.into()),
            context: reader.text("context").map(|context| context.value),
            namespaces: namespaces(&reader),
            selector: reader.text("selector").map(|selector| selector.value),
            watch: watched(&reader),
            service_labels: labels(&reader, "service_labels", &SERVICE_LABELS),
            environment_labels: labels(&reader, "environment_labels", &ENVIRONMENT_LABELS),
            defaults: HookDefaults {
                service: reader.name("service", NameOf::Service).map(|name| name.value.into()),
                environment: reader
                    .name("environment", NameOf::Thing)
                    .map(|name| name.value.into()),
                services: services.into_iter().map(|(k, v)| (k, v.into())).collect(),
                environments: environments.into_iter().map(|(k, v)| (k, v.into())).collect(),
            },
        };
        reader.finish();
        if let Some(name) = name {
            clusters.insert(name, settings);
        }
    }
    clusters
}

/// The texts of a list.
fn texts(reader: &Reader<'_>, key: &'static str, wanted: &str) -> Option<Vec<At<String>>> {
    let elements = reader.take(key)?.elements(wanted)?;
    Some(elements.iter().filter_map(|element| element.text()).collect())
}

/// Names of namespaces, as RFC 1123 has the labels of host names.
fn namespaces(reader: &Reader<'_>) -> BTreeSet<String> {
    let said = texts(reader, "namespaces", "a list of namespaces").unwrap_or_default();
    for At { value, span } in &said {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if value.len() > 63 || !value.bytes().all(fits) || value.starts_with('-') {
            let note = crate::config::page::Note::new(
                span.clone(),
                format!("`{}` cannot be a namespace", value.escape_debug()),
            );
            let help =
                "names of namespaces have small letters, digits and `-`; there are no patterns";
            reader.note(note.label("not a namespace").help(help));
        }
    }
    said.into_iter().map(|namespace| namespace.value).collect()
}

/// Which kinds of objects.
fn watched(reader: &Reader<'_>) -> BTreeSet<ObjectKind> {
    let Some(said) = texts(reader, "watch", "a list of kinds") else { return WATCHED.into() };
    let mut kinds = BTreeSet::new();
    for At { value, span } in said {
        match ObjectKind::ALL.into_iter().find(|kind| kind.plural() == value) {
            Some(kind) => drop(kinds.insert(kind)),
            None => {
                let note = crate::config::page::Note::new(
                    span,
                    format!("`{}` cannot be watched", value.escape_debug()),
                );
                let advice = hint::advice(&value, ObjectKind::ALL.iter().map(|kind| kind.plural()));
                reader.note(note.label("not such a kind").maybe_help(advice));
            }
        }
    }
    kinds
}

/// Names of labels.
fn labels(reader: &Reader<'_>, key: &'static str, otherwise: &[&str]) -> Vec<String> {
    match texts(reader, key, "a list of labels") {
        Some(said) => said.into_iter().map(|label| label.value).collect(),
        None => otherwise.iter().map(|label| (*label).to_owned()).collect(),
    }
}
