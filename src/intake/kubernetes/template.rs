//! The pods that a workload asks for: what they run, and what of that was altered.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    hash::hash,
    object::{Object, RESTARTED},
};
use crate::{intake::document::Document, model::ObjectKind};

/// Most containers, variables and marks that are remembered one by one; the hash of the whole knows of all.
const MOST: usize = 200;

/// A pod template, as far as it is remembered: names and images, and hashes of everything else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Template {
    /// Images by container.
    pub(super) images: BTreeMap<String, String>,
    /// Hashes of variables, by container and name.
    env: BTreeMap<String, String>,
    /// Hashes of the pods' labels and annotations.
    marks: BTreeMap<String, String>,
    /// When it was last asked to restart.
    restarted: Option<String>,
    /// The hash of all of it, but for that.
    pub(super) whole: String,
    /// What it takes from ConfigMaps and Secrets: `ConfigMap/settings`.
    pub(super) uses: BTreeSet<String>,
}

/// What was altered between two templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Altered {
    /// Other images.
    Images,
    /// The pods start anew as they are.
    Restart,
    /// Settings, named where names are known.
    Settings(Vec<String>),
}

impl Template {
    pub(super) fn of(object: Object<'_>, key: &[u8]) -> Self {
        let template = object.body.at("spec.template");
        let mut found = Self::default();
        for (kind, container) in containers(template) {
            let name = container.at("name").text().unwrap_or_default();
            // An init container may be called as another one.
            let name = if kind == "initContainers" { format!("init:{name}") } else { name.into() };
            if let Some(image) = container.at("image").text()
                && found.images.len() < MOST
            {
                found.images.insert(name.clone(), image.to_owned());
            }
            for variable in container.at("env").items().take(MOST) {
                let said = variable.at("name").text().unwrap_or_default();
                found.env.insert(format!("{name}\u{1f}{said}"), hash(key, variable.0));
            }
        }
        for part in ["metadata.annotations", "metadata.labels"] {
            for (name, value) in template.at(part).members().take(MOST) {
                found.marks.insert(name.to_owned(), hash(key, value.0));
            }
        }
        found.marks.remove(RESTARTED);
        let restarted = template.at("metadata.annotations").key(RESTARTED);
        found.restarted = restarted.text().map(|at| at.chars().take(64).collect());
        found.uses = uses(template);
        let mut whole = template.0.clone();
        if let Some(marks) =
            whole.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut)
        {
            marks.remove(RESTARTED);
        }
        // No annotations at all and an empty table of them are the same.
        if let Some(metadata) = whole.pointer_mut("/metadata").and_then(Value::as_object_mut) {
            metadata.retain(|_, value| {
                !value.is_null() && value.as_object().is_none_or(|members| !members.is_empty())
            });
        }
        found.whole = hash(key, &whole);
        found
    }

    /// What is different from an earlier one, if anything.
    pub(super) fn altered(&self, before: &Self) -> Option<Altered> {
        if self.whole == before.whole {
            let anew = self.restarted != before.restarted && self.restarted.is_some();
            return anew.then_some(Altered::Restart);
        }
        if self.images != before.images {
            return Some(Altered::Images);
        }
        let env = different(&self.env, &before.env)
            .map(|name| format!("variable {}", name.rsplit('\u{1f}').next().unwrap_or(name)));
        let marks = different(&self.marks, &before.marks).map(str::to_owned);
        let names: BTreeSet<String> = env.chain(marks).collect();
        Some(Altered::Settings(names.into_iter().collect()))
    }
}

/// Names with another value, or on one side only.
fn different<'m>(
    a: &'m BTreeMap<String, String>,
    b: &'m BTreeMap<String, String>,
) -> impl Iterator<Item = &'m str> {
    let altered = a.iter().filter(|(name, value)| b.get(*name) != Some(*value));
    let gone = b.iter().filter(|(name, _)| !a.contains_key(*name));
    altered.chain(gone).map(|(name, _)| &**name)
}

/// All containers, and in which list they stand.
fn containers<'a>(template: Document<'a>) -> impl Iterator<Item = (&'static str, Document<'a>)> {
    ["initContainers", "containers"].into_iter().flat_map(move |list| {
        template.at("spec").key(list).items().take(MOST).map(move |container| (list, container))
    })
}

/// The ConfigMaps and Secrets that a template names.
fn uses(template: Document<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut add = |kind: ObjectKind, name: Document<'_>| {
        if let Some(name) = name.text()
            && found.len() < MOST
        {
            found.insert(format!("{kind}/{name}"));
        }
    };
    for (_, container) in containers(template) {
        for from in container.at("envFrom").items() {
            add(ObjectKind::ConfigMap, from.at("configMapRef.name"));
            add(ObjectKind::Secret, from.at("secretRef.name"));
        }
        for variable in container.at("env").items() {
            add(ObjectKind::ConfigMap, variable.at("valueFrom.configMapKeyRef.name"));
            add(ObjectKind::Secret, variable.at("valueFrom.secretKeyRef.name"));
        }
    }
    for volume in template.at("spec.volumes").items() {
        add(ObjectKind::ConfigMap, volume.at("configMap.name"));
        add(ObjectKind::Secret, volume.at("secret.secretName"));
        for source in volume.at("projected.sources").items() {
            add(ObjectKind::ConfigMap, source.at("configMap.name"));
            add(ObjectKind::Secret, source.at("secret.name"));
        }
    }
    found
}
