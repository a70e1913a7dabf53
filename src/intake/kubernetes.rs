//! Kubernetes' own objects, turned into changes: what was remembered of a cluster and what it says now, to what has happened.
//!
//! A [`Cluster`] is a fold over what the API server's lists and watches bring. It is asked for nothing twice: told the same again, in a list
//! after a restart or a broken watch, it says nothing. What it must not forget it hands out as rows, and is made of them again.
//!
//! * A **roll-out** begins when the template of a workload's pods is another one (`rollout`), not when it is scaled; it is over by the check
//!   of `progress`. Other images are a deployment, or a rollback where they were there before; a restart is one of infrastructure; anything
//!   else is one of configuration.
//! * A **ConfigMap or Secret** that workloads use is a change of configuration, unless a roll-out takes it up (`settled`).
//!
//! Of values of variables, ConfigMaps and Secrets only hashes are remembered ([`reduced`]), and nothing of them is ever told.

mod hash;
mod naming;
mod object;
mod progress;
mod rollout;
mod settled;
mod template;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use object::reduced;

use self::{
    object::Object,
    rollout::{Workload, told},
    settled::{BEFORE, Settled, WAIT, Waiting},
};
use super::{Delivery, Headers, Known, Said, heard::Draft, text::kept};
use crate::model::{ChangeKind, KubernetesSettings, ObjectKind};

/// The name under which a watcher's changes come in.
pub const SOURCE: &str = "kubernetes";

/// What an API server says.
#[derive(Debug, Clone)]
pub enum Seen {
    /// All objects of a kind, in one namespace or in all.
    Listed {
        /// The kind.
        kind: ObjectKind,
        /// The namespace; none for all.
        namespace: Option<String>,
        /// The objects, [`reduced`].
        objects: Vec<Value>,
    },
    /// An object that was made or altered, [`reduced`].
    Altered(ObjectKind, Value),
    /// An object that was deleted.
    Gone(ObjectKind, Value),
}

/// What came of it.
#[derive(Debug, Default)]
pub struct News {
    /// Changes to be told.
    pub said: Vec<Said>,
    /// What is to be remembered by its key; none for what may be forgotten. To be stored after what was said is.
    pub rows: BTreeMap<String, Option<String>>,
}

/// What is remembered under a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Memory {
    Workload(Box<Workload>),
    Settled(Settled),
    /// Objects of this kind and namespace are known since then.
    Since(Timestamp),
    /// What hashes are made with.
    Key(String),
}

/// What is known of a cluster.
#[derive(Debug)]
pub struct Cluster {
    name: String,
    key: Vec<u8>,
    memory: BTreeMap<String, Memory>,
}

/// What helps to read an object.
struct Around<'a> {
    delivery: &'a Delivery<'a>,
    settings: &'a KubernetesSettings,
    cluster: &'a str,
    key: &'a [u8],
}

impl<'a> Around<'a> {
    fn now(&self) -> Timestamp {
        self.delivery.received_at
    }

    fn known(&self) -> &'a Known {
        self.delivery.known
    }

    fn settings(&self) -> &'a KubernetesSettings {
        self.settings
    }

    fn cluster(&self) -> &'a str {
        self.cluster
    }

    fn key(&self) -> &'a [u8] {
        self.key
    }
}

/// What is known where the cluster is watched from.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The cluster's settings.
    pub settings: &'a KubernetesSettings,
    /// Services and environments; its defaults are those of the settings.
    pub known: &'a Known,
    /// The time.
    pub now: Timestamp,
}

/// Under what hashes are made with.
const KEY: &str = "key";

impl Cluster {
    /// A cluster of this name as it was remembered. `fresh` is what hashes are made with where nothing is remembered yet: random bytes.
    /// A row that cannot be read is forgotten.
    pub fn remembered(name: &str, rows: &BTreeMap<String, String>, fresh: &[u8]) -> (Self, News) {
        let read = |text: &String| serde_json::from_str::<Memory>(text).ok();
        let mut memory: BTreeMap<String, Memory> =
            rows.iter().filter_map(|(key, text)| Some((key.clone(), read(text)?))).collect();
        let mut news = News::default();
        let key = match memory.remove(KEY) {
            Some(Memory::Key(key)) => data_encoding::HEXLOWER.decode(key.as_bytes()).ok(),
            _ => None,
        };
        let key = key.unwrap_or_else(|| {
            // Hashes made with another key say nothing.
            memory.clear();
            news.rows.extend(rows.keys().map(|key| (key.clone(), None)));
            let text = data_encoding::HEXLOWER.encode(fresh);
            news.rows.insert(KEY.to_owned(), row(&Memory::Key(text)));
            fresh.to_vec()
        });
        (Self { name: name.to_owned(), key, memory }, news)
    }

    /// What hashes are made with.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Takes in what the API server says.
    pub fn hear(&mut self, place: Place<'_>, seen: &Seen) -> News {
        self.with(place, |cluster, around, news| match seen {
            Seen::Listed { kind, namespace, objects } => {
                cluster.listed(around, (*kind, namespace.as_deref()), objects, news);
            }
            Seen::Altered(kind, object) => {
                let object = Object::new(*kind, object);
                let since = [None, Some(object.namespace())]
                    .iter()
                    .find_map(|namespace| cluster.since(*kind, *namespace));
                cluster.look(around, object, since, news);
            }
            Seen::Gone(kind, object) => {
                cluster.gone(around, &Object::new(*kind, object).key(), news);
            }
        })
    }

    /// When [`Self::tick`] has something to do.
    pub fn due(&self) -> Option<Timestamp> {
        self.waiting().map(|(_, waits)| waits.seen + WAIT).min()
    }

    /// Tells what has waited long enough.
    pub fn tick(&mut self, place: Place<'_>) -> News {
        self.with(place, |cluster, around, news| {
            let due = |waits: &Waiting| waits.seen + WAIT <= around.now();
            let over: Vec<String> =
                cluster.waiting().filter(|(_, w)| due(w)).map(|(key, _)| key.clone()).collect();
            for key in over {
                cluster.settle(around, &key, news);
            }
        })
    }

    fn with(
        &mut self,
        place: Place<'_>,
        act: impl FnOnce(&mut Self, &Around<'_>, &mut News),
    ) -> News {
        let (headers, query) = (Headers::default(), BTreeMap::new());
        let delivery = Delivery {
            hook: SOURCE,
            headers: &headers,
            query: &query,
            rest: "",
            body: &[],
            known: place.known,
            received_at: place.now,
        };
        let (name, key) = (self.name.clone(), self.key.clone());
        let around =
            Around { delivery: &delivery, settings: place.settings, cluster: &name, key: &key };
        let mut news = News::default();
        act(self, &around, &mut news);
        news
    }

    fn waiting(&self) -> impl Iterator<Item = (&String, &Waiting)> {
        self.memory.iter().filter_map(|(key, memory)| match memory {
            Memory::Settled(settled) => Some((key, settled.waits.as_ref()?)),
            _ => None,
        })
    }

    /// Since when all objects of a kind and namespace are known.
    fn since(&self, kind: ObjectKind, namespace: Option<&str>) -> Option<Timestamp> {
        match self.memory.get(&scope(kind, namespace)) {
            Some(Memory::Since(at)) => Some(*at),
            _ => None,
        }
    }

    fn remember(&mut self, key: String, memory: Memory, news: &mut News) {
        if self.memory.get(&key) != Some(&memory) {
            news.rows.insert(key.clone(), row(&memory));
            self.memory.insert(key, memory);
        }
    }

    /// All objects of a kind, in one namespace or in all: what is missing was deleted meanwhile.
    fn listed(
        &mut self,
        around: &Around<'_>,
        (kind, namespace): (ObjectKind, Option<&str>),
        objects: &[Value],
        news: &mut News,
    ) {
        let since = self.since(kind, namespace);
        let mut there = BTreeSet::new();
        for object in objects {
            let object = Object::new(kind, object);
            there.insert(object.key());
            self.look(around, object, since, news);
        }
        let head = match namespace {
            Some(namespace) => format!("{kind}/{namespace}/"),
            None => format!("{kind}/"),
        };
        let gone: Vec<String> = self
            .memory
            .keys()
            .filter(|key| key.starts_with(&head) && !there.contains(*key))
            .cloned()
            .collect();
        for key in gone {
            self.gone(around, &key, news);
        }
        if since.is_none() {
            self.remember(scope(kind, namespace), Memory::Since(around.now()), news);
        }
    }

    /// An object as it is now; what is not remembered was there before anybody looked, or was made after `since`.
    fn look(
        &mut self,
        around: &Around<'_>,
        object: Object<'_>,
        since: Option<Timestamp>,
        news: &mut News,
    ) {
        if object.name().is_empty() {
            return;
        }
        let key = object.key();
        let memory = match self.memory.get(&key).cloned() {
            Some(Memory::Workload(mut workload)) => {
                news.said.extend(workload.look(around, object));
                Memory::Workload(workload)
            }
            Some(Memory::Settled(mut settled)) => {
                settled.look(object, around.now());
                name_it(&mut settled, around, object);
                Memory::Settled(settled)
            }
            _ if object.kind.is_workload() => {
                let made = object.created_at().zip(since).is_some_and(|(at, since)| at >= since);
                let (workload, said) = Workload::first(around, object, made);
                news.said.extend(said);
                Memory::Workload(Box::new(workload))
            }
            _ if settled::of_machines(object) => return,
            _ => {
                let mut settled = Settled::first(object, around.now());
                name_it(&mut settled, around, object);
                Memory::Settled(settled)
            }
        };
        self.remember(key, memory, news);
    }

    fn gone(&mut self, around: &Around<'_>, key: &str, news: &mut News) {
        match self.memory.get(key).cloned() {
            Some(Memory::Workload(workload)) => {
                news.said.extend(workload.gone(around));
                self.forget(key, news);
            }
            Some(Memory::Settled(mut settled))
                if settled.waits.as_ref().is_none_or(|waits| waits.hash.is_some()) =>
            {
                settled.gone(around.now());
                self.remember(key.to_owned(), Memory::Settled(settled), news);
            }
            _ => {}
        }
    }

    fn forget(&mut self, key: &str, news: &mut News) {
        self.memory.remove(key);
        news.rows.insert(key.to_owned(), None);
    }

    /// An altered ConfigMap or Secret has waited: a roll-out that used it takes it up, or it is a change of its own.
    fn settle(&mut self, around: &Around<'_>, key: &str, news: &mut News) {
        let Some(Memory::Settled(mut settled)) = self.memory.get(key).cloned() else { return };
        let Some(waits) = settled.waits.take() else { return };
        let mut parts = key.splitn(3, '/');
        let (Some(kind), Some(namespace), Some(name)) = (parts.next(), parts.next(), parts.next())
        else {
            return;
        };
        let used = format!("{kind}/{name}");
        let users: Vec<&Workload> = self.users(namespace, &used).collect();
        let (from, to) = (waits.at.min(waits.seen) - BEFORE, waits.seen + WAIT);
        let mut taken_up = false;
        for user in &users {
            let begun = user.last.as_ref().filter(|last| (from..=to).contains(&last.started_at));
            if let Some(last) = begun {
                let mut change = last.clone();
                let what = format!("{used}{}", hash_shown(&waits));
                if let Some(what) = kept(&what, 300) {
                    change.labels.insert(kind.to_ascii_lowercase(), what);
                }
                news.said.push(told(change));
                taken_up = true;
            }
        }
        if !taken_up && (!users.is_empty() || settled.service.is_some()) {
            let mut draft = config(around, (key, &used, namespace), &waits);
            for user in &users {
                draft = draft.service(Some(&user.service)).environment(user.environment.as_deref());
            }
            if users.is_empty() {
                draft = draft
                    .service(settled.service.as_deref())
                    .environment(settled.environment.as_deref());
            }
            news.said.push(draft.finished(Some(waits.at), Some(waits.at)).said());
        }
        if waits.hash.is_none() {
            self.forget(key, news);
        } else {
            self.remember(key.to_owned(), Memory::Settled(settled), news);
        }
    }

    /// The workloads of a namespace that use `ConfigMap/settings`.
    fn users(&self, namespace: &str, used: &str) -> impl Iterator<Item = &Workload> {
        self.memory.iter().filter_map(move |(key, memory)| match memory {
            Memory::Workload(user)
                if key.split('/').nth(1) == Some(namespace) && user.uses(used) =>
            {
                Some(&**user)
            }
            _ => None,
        })
    }
}

/// What a ConfigMap or Secret is by its own labels, where they name a service that is known here.
fn name_it(settled: &mut Settled, around: &Around<'_>, object: Object<'_>) {
    let labels = around.settings().service_labels.iter().filter_map(|name| object.mark(name));
    let ours = labels.filter_map(|word| around.known().service_here(word)).next();
    settled.service = ours.map(|service| service.as_str().to_owned());
    settled.environment = naming::environment(around, object);
}

/// An altered ConfigMap or Secret as a change.
fn config<'a>(
    around: &Around<'a>,
    (key, used, namespace): (&str, &str, &str),
    waits: &Waiting,
) -> Draft<'a> {
    let id = format!("kubernetes:{}:{key}:{}", around.cluster(), waits.version);
    let how = if waits.hash.is_some() { "altered" } else { "deleted" };
    let title = format!("{} {how}", used.replacen('/', " ", 1));
    Draft::new(around.delivery, &id, ChangeKind::Config)
        .title(Some(&title))
        .label("cluster", Some(around.cluster()))
        .label("namespace", Some(namespace))
        .label("object", Some(used))
        .label("hash", waits.hash.as_deref())
        .label("manager", waits.manager.as_deref())
}

fn hash_shown(waits: &Waiting) -> String {
    waits.hash.as_ref().map_or_else(|| " deleted".to_owned(), |hash| format!(" {hash}"))
}

fn scope(kind: ObjectKind, namespace: Option<&str>) -> String {
    format!("since:{kind}/{}", namespace.unwrap_or("*"))
}

/// As it is stored.
fn row(memory: &Memory) -> Option<String> {
    serde_json::to_string(memory).ok()
}
