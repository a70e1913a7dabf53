//! One object as the API server sends it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::hash::hash;
use crate::{intake::document::Document, model::ObjectKind};

/// What `kubectl rollout restart` writes, and others after it.
pub(super) const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

/// An object and its kind, which the items of a list do not say themselves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'a> {
    pub(super) kind: ObjectKind,
    pub(super) body: Document<'a>,
}

impl<'a> Object<'a> {
    pub(super) fn new(kind: ObjectKind, body: &'a Value) -> Self {
        Self { kind, body: Document(body) }
    }

    pub(super) fn name(self) -> &'a str {
        self.body.at("metadata.name").text().unwrap_or_default()
    }

    pub(super) fn namespace(self) -> &'a str {
        self.body.at("metadata.namespace").text().unwrap_or_default()
    }

    pub(super) fn uid(self) -> &'a str {
        self.body.at("metadata.uid").text().unwrap_or_default()
    }

    /// How often what is wanted of it was altered.
    pub(super) fn generation(self) -> i64 {
        self.number("metadata.generation").unwrap_or(0)
    }

    pub(super) fn number(self, path: &str) -> Option<i64> {
        self.body.at(path).0.as_i64()
    }

    pub(super) fn created_at(self) -> Option<Timestamp> {
        self.body.at("metadata.creationTimestamp").time()
    }

    /// How it is called among all that is remembered.
    pub(super) fn key(self) -> String {
        key(self.kind, self.namespace(), self.name())
    }

    /// A label or annotation: of the pods first, which are what runs.
    pub(super) fn mark(self, name: &str) -> Option<&'a str> {
        self.marks().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// All annotations and labels: of the pods first.
    pub(super) fn marks(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let places = [
            "spec.template.metadata.annotations",
            "spec.template.metadata.labels",
            "metadata.annotations",
            "metadata.labels",
        ];
        places.into_iter().flat_map(move |place| {
            self.body.at(place).members().filter_map(|(key, value)| Some((key, value.text()?)))
        })
    }

    /// The condition of a type.
    pub(super) fn condition(self, kind: &str) -> Option<Document<'a>> {
        self.body.at("status.conditions").items().find(|c| c.at("type").text() == Some(kind))
    }

    /// Who last altered one of these fields, and when, as the API server notes it for each field manager
    /// (<https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management>).
    pub(super) fn managed(self, fields: &[&[&str]]) -> Option<(Timestamp, &'a str)> {
        let entries = self.body.at("metadata.managedFields").items();
        entries
            .filter(|entry| entry.at("subresource").text().is_none())
            .filter(|entry| {
                fields.iter().any(|path| {
                    let start = entry.at("fieldsV1");
                    !path.iter().fold(start, |part, field| part.key(field)).is_missing()
                })
            })
            .filter_map(|entry| {
                Some((entry.at("time").time()?, entry.at("manager").text().unwrap_or_default()))
            })
            .max_by_key(|(at, _)| *at)
    }

    /// When its status was written last.
    pub(super) fn status_at(self) -> Option<Timestamp> {
        let entries = self.body.at("metadata.managedFields").items();
        entries
            .filter(|entry| entry.at("subresource").text() == Some("status"))
            .filter_map(|entry| entry.at("time").time())
            .max()
    }
}

/// How an object is called among all that is remembered.
pub(super) fn key(kind: ObjectKind, namespace: &str, name: &str) -> String {
    format!("{kind}/{namespace}/{name}")
}

/// An object with what is needed of it. Of a ConfigMap or Secret nothing of its content remains, only a hash: made with a key, so
/// that a short password cannot be found by trying. Whoever takes objects from the API server calls this before anything else.
pub fn reduced(kind: ObjectKind, mut object: Value, key: &[u8]) -> Value {
    if kind.is_workload() {
        if let Some(marks) =
            object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut)
        {
            // The whole object once more, with whatever stands in its variables.
            marks.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
        return object;
    }
    let content = ["data", "binaryData", "stringData"].map(|part| object.get(part));
    let digest = hash(key, &json!(content));
    let data: &[&[&str]] = &[&["f:data"], &["f:binaryData"], &["f:stringData"]];
    let seen = Object::new(kind, &object);
    let changed = seen.managed(data).map(|(at, manager)| (at.to_string(), manager.to_owned()));
    let of = |path: &str| seen.body.at(path).0.clone();
    json!({
        "metadata": {
            "name": of("metadata.name"),
            "namespace": of("metadata.namespace"),
            "uid": of("metadata.uid"),
            "resourceVersion": of("metadata.resourceVersion"),
            "creationTimestamp": of("metadata.creationTimestamp"),
            "labels": of("metadata.labels"),
        },
        "type": of("type"),
        "hash": digest,
        "changed_at": changed.as_ref().map(|(at, _)| at),
        "manager": changed.as_ref().map(|(_, manager)| manager),
    })
}
