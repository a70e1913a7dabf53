//! What happens in clusters, and what the change log says of it.

use std::{thread, time::Duration};

use serde_json::{Value, json};

use super::{
    agent::{Agent, eventually},
    server::Server,
};

/// A Deployment with two pods, as API servers send it; rolled out unless `under_way`.
fn deployment(name: &str, tag: &str, generation: u64, under_way: bool) -> Value {
    let updated = if under_way { 1 } else { 2 };
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": name, "namespace": "shop", "uid": format!("5f6c9d4e-{name}"), "generation": generation,
            "creationTimestamp": "2026-10-01T08:00:00Z",
            "labels": { "app.kubernetes.io/name": name },
            "annotations": {
                "deployment.kubernetes.io/revision": generation.to_string(),
                "kubectl.kubernetes.io/last-applied-configuration": "{\"env\":\"hunter2\"}"
            },
            "managedFields": [{
                "manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "apps/v1",
                "time": "2026-10-01T08:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { "f:template": {} } }
            }]
        },
        "spec": {
            "replicas": 2, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
            "selector": { "matchLabels": { "app.kubernetes.io/name": name } },
            "template": {
                "metadata": { "creationTimestamp": null, "labels": { "app.kubernetes.io/name": name } },
                "spec": {
                    "containers": [{
                        "name": name, "image": format!("registry.example.com/acme/{name}:{tag}"), "imagePullPolicy": "IfNotPresent",
                        "env": [{ "name": "PASSWORD", "value": "hunter2" }],
                        "envFrom": [{ "configMapRef": { "name": "settings" } }, { "secretRef": { "name": "keys" } }]
                    }],
                    "restartPolicy": "Always", "terminationGracePeriodSeconds": 30
                }
            }
        },
        "status": {
            "observedGeneration": generation, "replicas": 2, "updatedReplicas": updated, "readyReplicas": 2, "availableReplicas": 2,
            "conditions": [{
                "type": "Progressing", "status": "True", "lastUpdateTime": "2026-10-01T08:00:30Z",
                "reason": if under_way { "ReplicaSetUpdated" } else { "NewReplicaSetAvailable" }
            }]
        }
    })
}

fn content(kind: &str, name: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": kind, "type": "Opaque",
        "metadata": { "name": name, "namespace": "shop", "uid": format!("c0-{name}"), "creationTimestamp": "2026-10-01T08:00:00Z" },
        "data": { "password": value }
    })
}

fn of(version: &'static str, state: &'static str) -> impl Fn(&Value) -> bool {
    move |change| change["version"] == version && change["state"] == state
}

/// A cluster in which something runs, and an agent that has seen it.
fn cluster(more: &str) -> (Server, Agent) {
    let server = Server::start();
    for name in ["checkout", "cart", "search"] {
        server.put("deployments", &deployment(name, "1.0.0", 1, false));
    }
    server.put("configmaps", &content("ConfigMap", "settings", "hunter2"));
    server.put("secrets", &content("Secret", "keys", "aHVudGVyMg=="));
    let agent = Agent::start(&server, more);
    eventually("a watch", || {
        (server.asked(&["deployments?"]) > 1 && server.asked(&["watch=true"]) > 0).then_some(())
    });
    (server, agent)
}

#[test]
fn a_rollout_from_its_beginning_to_its_end_and_back() {
    let (server, agent) = cluster("");
    assert!(agent.changes().is_empty());
    server.put("deployments", &deployment("checkout", "1.1.0", 2, true));
    let begun = agent.change("the start", of("1.1.0", "started"));
    assert_eq!(begun["kind"], "deploy");
    assert_eq!(
        (&begun["services"][0], &begun["environments"][0]),
        (&json!("checkout"), &json!("production"))
    );
    assert_eq!(begun["previous_version"], "1.0.0");
    assert_eq!(begun["source"], "kubernetes");
    // Another sender tells of the same one.
    agent.post(
        "/hooks/wayfarer",
        &json!({ "id": "ci-1", "kind": "deploy", "service": "checkout", "environment": "production", "version": "1.1.0", "commit": "abc1234", "author": "jane" }),
    );
    server.bookmark("deployments");
    server.put("deployments", &deployment("checkout", "1.1.0", 2, false));
    let done = agent.change("the end", of("1.1.0", "finished"));
    assert_eq!((&done["id"], &done["author"]), (&begun["id"], &json!("jane")));
    assert_eq!(agent.changes().len(), 1);
    server.put("deployments", &deployment("checkout", "1.0.0", 3, true));
    let back = agent.change("the rollback", of("1.0.0", "started"));
    assert_eq!(back["kind"], "rollback");
    assert_eq!(agent.watched("deployments", "*"), Some(true));
}

#[test]
fn restarts_compaction_and_a_server_that_was_away_repeat_nothing() {
    let (server, mut agent) = cluster("");
    server.put("deployments", &deployment("checkout", "1.1.0", 2, false));
    agent.change("a change", of("1.1.0", "finished"));
    // Ended as servers end them; compacted, so that the place of the watch is gone; killed; away.
    server.end_watches();
    server.put("deployments", &deployment("cart", "1.1.0", 2, false));
    eventually("the next one", || (agent.changes().len() == 2).then_some(()));
    let lists = server.asked(&["/deployments?", "limit="]);
    server.compact();
    eventually("another list", || {
        (server.asked(&["/deployments?", "limit="]) > lists).then_some(())
    });
    server.put("deployments", &deployment("search", "1.1.0", 2, true));
    eventually("a third", || (agent.changes().len() == 3).then_some(()));
    agent.kill();
    server.put("deployments", &deployment("search", "1.1.0", 2, false));
    server.put("deployments", &deployment("cart", "1.2.0", 3, false));
    agent.run();
    agent.change("what happened meanwhile", of("1.2.0", "finished"));
    agent.change("what ended meanwhile", |c| {
        c["services"][0] == "search" && c["state"] == "finished"
    });
    server.away(true);
    agent.says("kubernetes.unwatched");
    server.put("deployments", &deployment("checkout", "1.2.0", 3, false));
    thread::sleep(Duration::from_secs(1));
    server.away(false);
    agent.change("what happened then", |c| {
        c["services"][0] == "checkout" && c["version"] == "1.2.0"
    });
    assert_eq!(agent.changes().len(), 5);
}

#[test]
fn what_it_may_not_see_is_said_with_the_way_out() {
    let server = Server::start();
    server.put("deployments", &deployment("checkout", "1.0.0", 1, false));
    server.forbid("statefulsets", true);
    let agent = Agent::start(&server, "namespaces = [\"shop\"]\n");
    agent.says("may not list statefulsets.apps in namespace `shop`");
    agent.says("deploy/kubernetes/rbac.yaml");
    assert_eq!(agent.watched("statefulsets", "shop"), Some(false));
    assert!(server.asked(&["/namespaces/shop/deployments?"]) > 0);
    // The others are watched all the same, and it goes on as soon as it may.
    server.put("deployments", &deployment("checkout", "1.1.0", 2, false));
    agent.change("a change", of("1.1.0", "finished"));
    server.forbid("statefulsets", false);
    eventually("the watch", || agent.watched("statefulsets", "shop").filter(|up| *up));
    assert_eq!(agent.log().matches("may not list statefulsets.apps").count(), 1);
}

#[test]
fn of_secrets_nothing_but_that_they_were_altered() {
    let (server, agent) = cluster(
        "watch = [\"deployments\", \"configmaps\", \"secrets\"]\nselector = \"tier=web\"\n",
    );
    eventually("watches", || {
        (server.asked(&["secrets?"]) > 1 && server.asked(&["configmaps?"]) > 1).then_some(())
    });
    assert!(server.asked(&["deployments?", "limit=500", "labelSelector=tier%3Dweb"]) > 0);
    assert!(server.asked(&["secrets?", "limit=500", "fieldSelector=type%21%3Dhelm.sh"]) > 0);
    server.put("secrets", &content("Secret", "keys", "aHVudGVyMw=="));
    let told = agent.change("the Secret", |c| c["title"] == "Secret keys altered");
    assert_eq!(told["kind"], "config");
    let users = told["services"].as_array().unwrap();
    assert_eq!(users.len(), 3, "{users:?}");
    let mut object = deployment("cart", "1.0.0", 2, false);
    object["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = json!("hunter4");
    server.put("deployments", &object);
    agent.change("the variable", |c| c["title"] == "cart: variable PASSWORD altered");
    let disk = agent.disk();
    for secret in ["hunter", "aHVudGVy"] {
        assert!(!disk.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
    }
}

#[test]
fn no_way_to_the_server_is_said_and_tried_again() {
    let server = Server::start();
    let agent = Agent::start(&server, "context = \"nowhere\"\n");
    agent.says("kubernetes.unreachable");
    agent.says("nowhere");
}
