//! Objects as API servers send them, before and after; the fields that matter here, with what stands around them.

use serde_json::{Value, json};

use super::*;
use crate::{
    intake::place,
    model::{Change, ChangeState, ENVIRONMENT_LABELS, HookDefaults, ObjectKind, SERVICE_LABELS},
};

const KINDS: [ObjectKind; 4] =
    [ObjectKind::Deployment, ObjectKind::StatefulSet, ObjectKind::ConfigMap, ObjectKind::Secret];

fn settings() -> KubernetesSettings {
    KubernetesSettings {
        kubeconfig: None,
        context: None,
        namespaces: BTreeSet::new(),
        selector: None,
        watch: KINDS.into(),
        service_labels: SERVICE_LABELS.map(str::to_owned).into(),
        environment_labels: ENVIRONMENT_LABELS.map(str::to_owned).into(),
        defaults: HookDefaults {
            services: [("shop/web".to_owned(), "storefront".into())].into(),
            ..HookDefaults::default()
        },
    }
}

fn at(clock: &str) -> Timestamp {
    format!("2026-11-20T{clock}Z").parse().unwrap()
}

/// A cluster that somebody watches.
struct Lab {
    cluster: Cluster,
    settings: KubernetesSettings,
    known: Known,
    rows: BTreeMap<String, String>,
}

impl Lab {
    fn new() -> Self {
        let (cluster, news) = Cluster::remembered("eu-1", &BTreeMap::new(), &[7; 32]);
        let settings = settings();
        let known = Known {
            defaults: settings.defaults.clone(),
            services: ["checkout".into(), "storefront".into()].into(),
            environments: ["production".into(), "staging".into()].into(),
        };
        let mut lab = Self { cluster, settings, known, rows: BTreeMap::new() };
        lab.take(news);
        lab
    }

    fn take(&mut self, news: News) -> Vec<Change> {
        for (key, row) in news.rows {
            match row {
                Some(row) => drop(self.rows.insert(key, row)),
                None => drop(self.rows.remove(&key)),
            }
        }
        let change = |said| match said {
            Said::Change(tidings) => tidings.change,
            other => panic!("{other:?}"),
        };
        news.said.into_iter().map(change).collect()
    }

    fn hear(&mut self, clock: &str, seen: &Seen) -> Vec<Change> {
        let place = Place { settings: &self.settings, known: &self.known, now: at(clock) };
        let news = self.cluster.hear(place, seen);
        self.take(news)
    }

    fn list(&mut self, clock: &str, kind: ObjectKind, objects: &[&Value]) -> Vec<Change> {
        let objects = objects.iter().map(|o| self.reduced(kind, o)).collect();
        self.hear(clock, &Seen::Listed { kind, namespace: None, objects })
    }

    fn see(&mut self, clock: &str, kind: ObjectKind, object: &Value) -> Vec<Change> {
        let seen = Seen::Altered(kind, self.reduced(kind, object));
        self.hear(clock, &seen)
    }

    fn tick(&mut self, clock: &str) -> Vec<Change> {
        let place = Place { settings: &self.settings, known: &self.known, now: at(clock) };
        let news = self.cluster.tick(place);
        self.take(news)
    }

    fn reduced(&self, kind: ObjectKind, object: &Value) -> Value {
        reduced(kind, object.clone(), self.cluster.key())
    }

    /// The same from what is on disk.
    fn restart(&mut self) {
        let (cluster, news) = Cluster::remembered("eu-1", &self.rows, &[9; 32]);
        assert!(news.rows.is_empty());
        self.cluster = cluster;
    }
}

/// A Deployment that is rolled out, with three pods.
fn deployment(name: &str, tag: &str, generation: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": name, "namespace": "shop", "uid": "5f6c9d4e-1c1b-4d5a-9a37-0f6f3f0a1b2c",
            "resourceVersion": format!("{}", 1000 + generation), "generation": generation,
            "creationTimestamp": "2026-10-01T08:00:00Z",
            "labels": { "app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "Helm" },
            "annotations": {
                "deployment.kubernetes.io/revision": generation.to_string(),
                "meta.helm.sh/release-name": "shop",
                "kubectl.kubernetes.io/last-applied-configuration": "{\"hunter2\":1}"
            }
        },
        "spec": {
            "replicas": 3, "progressDeadlineSeconds": 600,
            "selector": { "matchLabels": { "app.kubernetes.io/name": name } },
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" } },
            "template": {
                "metadata": { "creationTimestamp": null, "labels": { "app.kubernetes.io/name": name } },
                "spec": {
                    "containers": [{
                        "name": name, "image": format!("registry.example.com:5000/acme/{name}:{tag}"),
                        "env": [{ "name": "PASSWORD", "value": "hunter2" }, { "name": "LOG_LEVEL", "value": "info" }],
                        "envFrom": [{ "configMapRef": { "name": "settings" } }]
                    }],
                    "volumes": [{ "name": "keys", "secret": { "secretName": "keys", "defaultMode": 420 } }]
                }
            }
        },
        "status": {
            "observedGeneration": generation, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3,
            "conditions": [
                { "type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "lastUpdateTime": "2026-10-01T08:01:00Z" },
                { "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "lastUpdateTime": "2026-10-01T08:01:00Z" }
            ]
        }
    })
}

/// The same object, its template written by somebody at a time.
fn managed(mut object: Value, manager: &str, clock: &str) -> Value {
    object["metadata"]["managedFields"] = json!([
        { "manager": manager, "operation": "Update", "apiVersion": "apps/v1", "time": at(clock).to_string(),
          "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { "f:template": { "f:spec": {} } } } },
        { "manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "time": "2026-11-20T23:00:00Z",
          "fieldsType": "FieldsV1", "fieldsV1": { "f:status": {} } }
    ]);
    object
}

/// Its controller has not looked yet.
fn unseen(mut object: Value) -> Value {
    object["status"]["observedGeneration"] =
        json!(object["metadata"]["generation"].as_i64().unwrap() - 1);
    object
}

fn only(changes: Vec<Change>) -> Change {
    assert_eq!(changes.len(), 1, "{changes:#?}");
    changes.into_iter().next().unwrap()
}

use ObjectKind::{ConfigMap, DaemonSet, Deployment, Secret, StatefulSet};

#[test]
fn a_rollout_begins_and_ends_by_the_whole_check() {
    let mut lab = Lab::new();
    let old = deployment("checkout", "2.4.0", 7);
    assert!(lab.list("10:00:00", Deployment, &[&old]).is_empty());
    let new = unseen(managed(deployment("checkout", "2.4.1", 8), "helm", "10:04:58"));
    let begun = only(lab.see("10:05:00", Deployment, &new));
    assert_eq!((begun.kind, begun.state), (ChangeKind::Deploy, ChangeState::Started));
    assert_eq!(begun.started_at, at("10:04:58"));
    assert_eq!(begun.id.as_str(), "kubernetes:eu-1:Deployment/shop/checkout:5f6c9d4e:8");
    assert_eq!(begun.services, ["checkout".into()]);
    assert_eq!(
        (begun.version.as_deref(), begun.previous_version.as_deref()),
        (Some("2.4.1"), Some("2.4.0"))
    );
    for (key, value) in
        [("cluster", "eu-1"), ("namespace", "shop"), ("helm", "shop"), ("manager", "helm")]
    {
        assert_eq!(begun.labels[key], value);
    }
    // The condition still speaks of the roll-out before, and then pods come one by one.
    let mut half = new.clone();
    half["status"]["observedGeneration"] = json!(8);
    for status in [
        json!({ "replicas": 4, "updatedReplicas": 1, "availableReplicas": 3, "unavailableReplicas": 1 }),
        json!({ "replicas": 4, "updatedReplicas": 3, "availableReplicas": 4 }),
        json!({ "replicas": 3, "updatedReplicas": 3, "availableReplicas": 2, "unavailableReplicas": 1 }),
    ] {
        let mut now = half.clone();
        now["status"] = status;
        now["status"]["observedGeneration"] = json!(8);
        now["status"]["conditions"] = half["status"]["conditions"].clone();
        assert!(lab.see("10:05:10", Deployment, &now).is_empty(), "{now}");
    }
    let mut done = half.clone();
    done["status"]["conditions"][1]["lastUpdateTime"] = json!("2026-11-20T10:06:02Z");
    let end = only(lab.see("10:06:03", Deployment, &done));
    assert_eq!((end.id.clone(), end.state), (begun.id, ChangeState::Finished));
    assert_eq!(end.finished_at, Some(at("10:06:02")));
    assert_eq!(end.labels["revision"], "8");
    assert!(lab.see("10:06:04", Deployment, &done).is_empty());
}

#[test]
fn told_again_it_says_nothing() {
    let mut lab = Lab::new();
    let old = deployment("checkout", "2.4.0", 7);
    lab.list("10:00:00", Deployment, &[&old]);
    let new = deployment("checkout", "2.4.1", 8);
    assert_eq!(lab.see("10:05:00", Deployment, &new).len(), 1);
    for _ in 0..2 {
        assert!(lab.list("10:10:00", Deployment, &[&new]).is_empty());
        assert!(lab.see("10:10:00", Deployment, &new).is_empty());
        // An old state that a slow replica of the API server still has.
        assert!(lab.list("10:10:00", Deployment, &[&old]).is_empty());
        lab.restart();
    }
    // Scaled: another generation, the same pods.
    let mut scaled = deployment("checkout", "2.4.1", 9);
    scaled["spec"]["replicas"] = json!(5);
    assert!(lab.see("10:11:00", Deployment, &scaled).is_empty());
}

#[test]
fn what_happened_while_nobody_looked() {
    let mut lab = Lab::new();
    lab.list("10:00:00", Deployment, &[&deployment("checkout", "2.4.0", 7)]);
    lab.restart();
    let mut done = managed(deployment("checkout", "2.4.1", 8), "argocd-controller", "11:30:00");
    done["status"]["conditions"][1]["lastUpdateTime"] = json!("2026-11-20T11:31:00Z");
    let mut new = deployment("search", "1.0.0", 1);
    new["metadata"]["creationTimestamp"] = json!("2026-11-20T11:00:00Z");
    let mut before = deployment("cart", "1.0.0", 1);
    before["metadata"]["creationTimestamp"] = json!("2026-11-20T09:00:00Z");
    let told = lab.list("14:00:00", Deployment, &[&done, &new, &before]);
    assert_eq!(told.len(), 2);
    assert_eq!((told[0].started_at, told[0].finished_at), (at("11:30:00"), Some(at("11:31:00"))));
    assert_eq!((told[1].services[0].as_str(), told[1].started_at), ("search", at("11:00:00")));
    assert_eq!(told[1].previous_version, None);
}

#[test]
fn rollbacks_restarts_and_settings() {
    let mut lab = Lab::new();
    lab.list("10:00:00", Deployment, &[&deployment("checkout", "2.4.0", 7)]);
    assert_eq!(
        only(lab.see("10:05:00", Deployment, &deployment("checkout", "2.4.1", 8))).kind,
        ChangeKind::Deploy
    );
    lab.restart();
    let back = only(lab.see("10:20:00", Deployment, &deployment("checkout", "2.4.0", 9)));
    assert_eq!((back.kind, back.version.as_deref()), (ChangeKind::Rollback, Some("2.4.0")));
    assert_eq!(back.previous_version.as_deref(), Some("2.4.1"));
    let mut env = deployment("checkout", "2.4.0", 10);
    env["spec"]["template"]["spec"]["containers"][0]["env"][1]["value"] = json!("debug");
    let set = only(lab.see("10:30:00", Deployment, &env));
    assert_eq!((set.kind, set.version.as_deref()), (ChangeKind::Config, None));
    assert_eq!(set.title.as_deref(), Some("checkout: variable LOG_LEVEL altered"));
    let mut again = env.clone();
    again["metadata"]["generation"] = json!(11);
    again["status"]["observedGeneration"] = json!(11);
    again["spec"]["template"]["metadata"]["annotations"] =
        json!({ object::RESTARTED: "2026-11-20T10:40:00Z" });
    let anew = only(lab.see("10:40:00", Deployment, &again));
    assert_eq!((anew.kind, anew.title.as_deref()), (ChangeKind::Infra, Some("checkout restarted")));
    // Nothing of any value, in what is told or in what is remembered.
    let kept = format!("{:?} {:?} {back:?} {set:?} {anew:?}", lab.rows, lab.cluster.memory);
    assert!(!kept.contains("hunter2") && !kept.contains("debug"), "{kept}");
}

#[test]
fn a_deadline_that_passes_is_a_failure() {
    let mut lab = Lab::new();
    lab.list("10:00:00", Deployment, &[&deployment("checkout", "2.4.0", 7)]);
    let mut stuck = deployment("checkout", "2.4.1", 8);
    stuck["status"]["updatedReplicas"] = json!(1);
    stuck["status"]["unavailableReplicas"] = json!(1);
    stuck["status"]["conditions"][1] = json!({
        "type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "lastUpdateTime": "2026-11-20T10:05:01Z"
    });
    assert_eq!(only(lab.see("10:05:01", Deployment, &stuck)).state, ChangeState::Started);
    stuck["status"]["conditions"][1] = json!({
        "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "lastUpdateTime": "2026-11-20T10:15:01Z",
        "message": "ReplicaSet \"checkout-7d9f\" has timed out progressing."
    });
    let failed = only(lab.see("10:15:02", Deployment, &stuck));
    assert_eq!((failed.state, failed.finished_at), (ChangeState::Failed, Some(at("10:15:01"))));
    assert!(failed.labels["reason"].contains("timed out"));
    // Undone: this one begins as a rollback, and the one before is not told again.
    let back = only(lab.see("10:20:00", Deployment, &unseen(deployment("checkout", "2.4.0", 9))));
    assert_eq!((back.kind, back.state), (ChangeKind::Rollback, ChangeState::Started));
}

#[test]
fn overtaken_undone_and_deleted() {
    let mut lab = Lab::new();
    lab.list("10:00:00", Deployment, &[&deployment("checkout", "1", 1)]);
    lab.see("10:01:00", Deployment, &unseen(deployment("checkout", "2", 2)));
    let told = lab.see("10:02:00", Deployment, &unseen(deployment("checkout", "3", 3)));
    assert_eq!((told[0].state, told[1].state), (ChangeState::Finished, ChangeState::Started));
    assert!(told[0].labels["ended"].contains("overtaken"));
    let told = lab.see("10:03:00", Deployment, &unseen(deployment("checkout", "2", 4)));
    assert_eq!((told[0].state, told[1].kind), (ChangeState::Failed, ChangeKind::Rollback));
    let gone = only(lab.hear("10:04:00", &Seen::Gone(Deployment, deployment("checkout", "2", 4))));
    assert_eq!((gone.state, gone.finished_at), (ChangeState::Failed, Some(at("10:04:00"))));
    assert!(!lab.rows.contains_key("Deployment/shop/checkout"));
    // Missing in a list is deleted as well.
    lab.list("10:05:00", Deployment, &[&deployment("cart", "1", 1)]);
    lab.list("10:06:00", Deployment, &[]);
    assert!(lab.rows.keys().all(|key| !key.starts_with("Deployment/")));
}

#[test]
fn what_is_paused_or_has_no_pods_alters_nothing_yet() {
    let mut lab = Lab::new();
    lab.list("10:00:00", Deployment, &[&deployment("checkout", "1", 1)]);
    let mut paused = managed(deployment("checkout", "2", 2), "kubectl", "10:01:00");
    paused["spec"]["paused"] = json!(true);
    assert!(lab.see("10:01:00", Deployment, &paused).is_empty());
    let mut more = deployment("checkout", "3", 3);
    more["spec"]["paused"] = json!(true);
    assert!(lab.see("10:02:00", Deployment, &more).is_empty());
    let begun = only(lab.see("10:09:00", Deployment, &unseen(deployment("checkout", "3", 4))));
    assert_eq!((begun.version.as_deref(), begun.state), (Some("3"), ChangeState::Started));
    let mut none = deployment("cart", "1", 1);
    none["spec"]["replicas"] = json!(0);
    lab.see("10:10:00", Deployment, &none);
    let mut none = deployment("cart", "2", 2);
    none["spec"]["replicas"] = json!(0);
    assert!(lab.see("10:11:00", Deployment, &none).is_empty());
    assert_eq!(
        only(lab.see("10:12:00", Deployment, &deployment("cart", "2", 3))).version.as_deref(),
        Some("2")
    );
}

fn stateful_set(
    tag: &str,
    generation: i64,
    partition: i64,
    (updated, current, update): (i64, &str, &str),
) -> Value {
    let mut set = deployment("db", tag, generation);
    set["spec"]["updateStrategy"] =
        json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": partition } });
    set["status"] = json!({
        "observedGeneration": generation, "replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "currentReplicas": 3 - updated,
        "updatedReplicas": updated, "currentRevision": current, "updateRevision": update, "collisionCount": 0
    });
    set
}

#[test]
fn partitions_of_stateful_sets() {
    let mut lab = Lab::new();
    lab.list("10:00:00", StatefulSet, &[&stateful_set("1", 1, 3, (3, "db-a", "db-a"))]);
    // Behind the partition nothing happens.
    assert!(
        lab.see("10:01:00", StatefulSet, &stateful_set("2", 2, 3, (0, "db-a", "db-b"))).is_empty()
    );
    let first = lab.see("10:02:00", StatefulSet, &stateful_set("2", 3, 2, (0, "db-a", "db-b")));
    assert_eq!(only(first).state, ChangeState::Started);
    let canary =
        only(lab.see("10:03:00", StatefulSet, &stateful_set("2", 3, 2, (1, "db-a", "db-b"))));
    assert_eq!(canary.state, ChangeState::Finished);
    let on = only(lab.see("10:10:00", StatefulSet, &stateful_set("2", 4, 0, (1, "db-a", "db-b"))));
    assert_eq!((on.state, on.version.as_deref()), (ChangeState::Started, Some("2")));
    assert_ne!(on.id, canary.id);
    assert_eq!(on.title.as_deref(), Some("db rolls on: partition 2 → 0"));
    let end = only(lab.see("10:12:00", StatefulSet, &stateful_set("2", 4, 0, (3, "db-b", "db-b"))));
    assert_eq!((end.id, end.state), (on.id, ChangeState::Finished));
}

#[test]
fn daemon_sets_and_pods_that_are_deleted_by_hand() {
    let daemon = |tag: &str, generation: i64, updated: i64, by_hand: bool| {
        let mut set = deployment("node", tag, generation);
        set["spec"].as_object_mut().unwrap().remove("replicas");
        set["spec"]["updateStrategy"] =
            json!({ "type": if by_hand { "OnDelete" } else { "RollingUpdate" } });
        set["status"] = json!({
            "observedGeneration": generation, "desiredNumberScheduled": 4, "currentNumberScheduled": 4, "numberMisscheduled": 0,
            "numberReady": 4, "numberAvailable": 4, "updatedNumberScheduled": updated
        });
        set
    };
    let mut lab = Lab::new();
    lab.list("10:00:00", DaemonSet, &[&daemon("1", 1, 4, false)]);
    assert_eq!(
        only(lab.see("10:01:00", DaemonSet, &daemon("2", 2, 1, false))).state,
        ChangeState::Started
    );
    assert_eq!(
        only(lab.see("10:02:00", DaemonSet, &daemon("2", 2, 4, false))).state,
        ChangeState::Finished
    );
    assert!(lab.see("10:03:00", DaemonSet, &unseen(daemon("3", 3, 4, true))).is_empty());
    assert!(lab.see("10:04:00", DaemonSet, &daemon("3", 3, 0, true)).is_empty());
    let begun = only(lab.see("10:30:00", DaemonSet, &daemon("3", 3, 1, true)));
    assert_eq!((begun.state, begun.started_at), (ChangeState::Started, at("10:03:00")));
    assert_eq!(
        only(lab.see("10:40:00", DaemonSet, &daemon("3", 3, 4, true))).state,
        ChangeState::Finished
    );
}

fn map(kind: ObjectKind, name: &str, version: u32, value: &str) -> Value {
    json!({
        "kind": kind.as_str(), "apiVersion": "v1", "type": "Opaque",
        "metadata": {
            "name": name, "namespace": "shop", "uid": "c0", "resourceVersion": version.to_string(),
            "creationTimestamp": "2026-10-01T08:00:00Z",
            "annotations": { "kubectl.kubernetes.io/last-applied-configuration": value }
        },
        "data": { "LEVEL": value }
    })
}

#[test]
fn config_maps_and_secrets() {
    let mut lab = Lab::new();
    lab.list("10:00:00", Deployment, &[&deployment("checkout", "1", 1)]);
    let first = [&map(ConfigMap, "settings", 1, "hunter2"), &map(ConfigMap, "other", 2, "a")];
    lab.list("10:00:00", ConfigMap, &first);
    lab.list("10:00:00", Secret, &[&map(Secret, "keys", 3, "hunter2")]);
    assert!(lab.see("10:01:00", ConfigMap, &map(ConfigMap, "settings", 4, "hunter3")).is_empty());
    // Nobody uses it; and what is written again as it was is not altered.
    lab.see("10:01:00", ConfigMap, &map(ConfigMap, "other", 5, "b"));
    lab.see("10:01:00", Secret, &map(Secret, "keys", 6, "hunter2"));
    assert_eq!(lab.cluster.due(), Some(at("10:01:15")));
    assert!(lab.tick("10:01:14").is_empty());
    lab.restart();
    let told = only(lab.tick("10:01:15"));
    assert_eq!((told.kind, told.started_at), (ChangeKind::Config, at("10:01:00")));
    assert_eq!(told.services, ["checkout".into()]);
    assert_eq!(told.title.as_deref(), Some("ConfigMap settings altered"));
    assert_eq!(
        (told.labels["object"].as_str(), told.labels["hash"].len()),
        ("ConfigMap/settings", 16)
    );
    assert_eq!(lab.cluster.due(), None);
    lab.see("10:02:00", Secret, &map(Secret, "keys", 7, "hunter4"));
    let told = only(lab.tick("10:03:00"));
    assert_eq!(told.title.as_deref(), Some("Secret keys altered"));
    assert_eq!(lab.hear("10:04:00", &Seen::Gone(ConfigMap, lab.reduced(ConfigMap, first[0]))), []);
    assert_eq!(only(lab.tick("10:05:00")).title.as_deref(), Some("ConfigMap settings deleted"));
    let kept = format!("{:?} {told:?}", lab.rows);
    assert!(!kept.contains("hunter"), "{kept}");
    assert!(
        !reduced(Secret, map(Secret, "keys", 7, "hunter4"), &[1]).to_string().contains("hunter")
    );
}

#[test]
fn a_rollout_takes_up_what_it_uses() {
    for map_first in [true, false] {
        let mut lab = Lab::new();
        lab.list("10:00:00", Deployment, &[&deployment("checkout", "1", 1)]);
        lab.list("10:00:00", ConfigMap, &[&map(ConfigMap, "settings", 1, "a")]);
        let told = if map_first {
            lab.see("10:01:00", ConfigMap, &map(ConfigMap, "settings", 2, "b"));
            lab.see("10:01:01", Deployment, &deployment("checkout", "2", 2))
        } else {
            let told = lab.see("10:01:01", Deployment, &deployment("checkout", "2", 2));
            lab.see("10:01:02", ConfigMap, &map(ConfigMap, "settings", 2, "b"));
            told
        };
        let id = only(told).id;
        let more = only(lab.tick("10:01:20"));
        assert_eq!(more.id, id);
        assert!(more.labels["configmap"].starts_with("ConfigMap/settings "));
    }
}

#[test]
fn names_versions_and_commits() {
    let mut lab = Lab::new();
    lab.known.environments = ["production".into(), "staging".into()].into();
    lab.list("10:00:00", Deployment, &[]);
    let mut change = |edit: &dyn Fn(&mut Value)| {
        let mut object = deployment("web", "1", 1);
        object["metadata"]["creationTimestamp"] = json!("2026-11-20T10:00:30Z");
        edit(&mut object);
        let told = only(lab.see("10:01:00", Deployment, &object));
        lab.hear("10:01:01", &Seen::Gone(Deployment, object));
        told
    };
    let plain = change(&|_| {});
    assert_eq!(plain.services, ["storefront".into()]);
    assert!(plain.environments.is_empty());
    let other = change(&|o| o["metadata"]["namespace"] = json!("shop-staging"));
    assert_eq!((other.environments[0].as_str(), other.services[0].as_str()), ("staging", "web"));
    let labelled = change(&|o| {
        o["metadata"]["namespace"] = json!("x");
        o["metadata"]["labels"] = json!({ "app": "checkout", "env": "prod" });
        o["metadata"]["annotations"] = json!({
            "kubernetes.io/change-cause": "new prices", "acme.example/git-sha": "3f9c2ab77", "acme.example/deployed-by": "jane",
            "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:x/web",
        });
        o["spec"]["template"]["metadata"]["labels"] = json!({});
    });
    assert_eq!(
        (labelled.services[0].as_str(), labelled.environments[0].as_str()),
        ("checkout", "production")
    );
    assert_eq!(
        (labelled.title.as_deref(), labelled.author.as_deref()),
        (Some("new prices"), Some("jane"))
    );
    assert_eq!(
        (labelled.commits[0].id.as_str(), labelled.labels["argocd"].as_str()),
        ("3f9c2ab77", "shop")
    );
    for (image, version, commit) in [
        ("shop:v2.4.1", Some("v2.4.1"), None),
        ("reg:5000/shop", None, None),
        ("shop:latest@sha256:0123456789abcdef0123", Some("sha256:0123456789ab"), None),
        ("shop:2.4.1@sha256:0123456789abcdef0123", Some("2.4.1"), None),
        ("shop:3f9c2ab", Some("3f9c2ab"), Some("3f9c2ab")),
        ("shop:main-3f9c2ab", Some("main-3f9c2ab"), Some("3f9c2ab")),
        ("shop:v1.2-4-g3f9c2ab", Some("v1.2-4-g3f9c2ab"), Some("3f9c2ab")),
        ("shop:20261120", Some("20261120"), None),
    ] {
        let told =
            change(&|o| o["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image));
        assert_eq!(told.version.as_deref(), version, "{image}");
        assert_eq!(told.commits.first().map(|c| c.id.as_str()), commit, "{image}");
    }
}

/// Whatever stands there, nothing panics; and with a place the change can be logged.
#[test]
fn hostile_objects() {
    let mut lab = Lab::new();
    lab.list("10:00:00", Deployment, &[]);
    for object in [
        json!(null),
        json!([]),
        json!({ "metadata": { "name": "x", "generation": "two" } }),
        json!({ "metadata": 3 }),
    ] {
        for kind in ObjectKind::ALL {
            lab.see("10:01:00", kind, &object);
            lab.list("10:02:00", kind, &[&object]);
        }
    }
    let mut web = deployment("web", "2", 1);
    web["metadata"]["creationTimestamp"] = json!("2026-11-20T10:00:30Z");
    let mut change = only(lab.see("10:03:00", Deployment, &web));
    assert_eq!(place(&mut change, &lab.known, &[]), crate::intake::Placing::Unplaced);
    lab.known.environments = ["production".into()].into();
    assert_eq!(place(&mut change, &lab.known, &[]), crate::intake::Placing::Placed);
}

/// Rows that cannot be read are forgotten, and other keys make other hashes.
#[test]
fn broken_memory() {
    let mut lab = Lab::new();
    lab.list("10:00:00", Deployment, &[&deployment("web", "1", 1)]);
    lab.rows.insert("Deployment/shop/web".to_owned(), "{".to_owned());
    lab.restart();
    assert!(lab.list("10:10:00", Deployment, &[&deployment("web", "2", 2)]).is_empty());
    lab.rows.remove("key");
    let (fresh, news) = Cluster::remembered("eu-1", &lab.rows, &[9; 32]);
    assert!(fresh.memory.is_empty() && news.rows["Deployment/shop/web"].is_none());
    assert_ne!(hash::hash(&[1], &json!("a")), hash::hash(&[2], &json!("a")));
    assert_eq!(
        hash::hash(&[1], &json!({ "a": 1, "b": [2] })),
        hash::hash(&[1], &json!({ "b": [2], "a": 1 }))
    );
    assert_ne!(hash::hash(&[1], &json!(["a", "b"])), hash::hash(&[1], &json!(["ab"])));
}
