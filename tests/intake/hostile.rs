//! Bodies that nobody would send by intent: never a panic, and never a text that misleads.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};
use wayfarer::intake::{SENDERS, Said, masked};

use super::{hear, hear_at};

/// Keys that readers look for.
const KEYS: &[&str] = &[
    "action",
    "deployment",
    "deployment_status",
    "id",
    "state",
    "environment",
    "sha",
    "ref",
    "repository",
    "full_name",
    "object_kind",
    "status",
    "project",
    "object_attributes",
    "builds",
    "name",
    "active",
    "context",
    "subject",
    "type",
    "timestamp",
    "content",
    "specversion",
    "source",
    "data",
    "time",
    "timeEnd",
    "tags",
    "text",
    "what",
    "when",
    "involvedObject",
    "kind",
    "reason",
    "metadata",
    "app",
    "revision",
    "trigger",
    "phase",
    "started_at",
    "finished_at",
    "images",
    "build",
    "number",
    "workflow_run",
    "workflow_job",
    "commits",
    "head_commit",
    "payload",
    "service",
    "services",
    "version",
    "labels",
    "after",
    "event_type",
    "new_state",
    "feature",
    "accesses",
    "resource",
    "notifications",
    "run_status",
    "rollout",
    "attributes",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec![
            "",
            "deployment",
            "dev.cdevents.service.deployed.0.3.0",
            "dev.cdevents.",
            "success",
            "Kustomization",
            "ReconciliationSucceeded",
            "main@sha1:",
            "@",
            ":",
            "2021-04-28 21:50:00 +0200",
            "1.0",
            "\u{202e}",
            "v",
            "pkg:a@%",
            "<",
            "<b",
            "a@",
            "@b",
            "https://",
            "proj/x:env/y:flag/z",
            "run:applying",
            "FLAG_UPDATED",
            "é",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
        any::<String>(),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|n| json!(n)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((select(KEYS), inner), 0..8).prop_map(|pairs| {
                let map: Map<String, Value> =
                    pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
                Value::Object(map)
            }),
        ]
    })
}

fn sound(said: &[Said]) {
    for said in said {
        if let Said::Change(tidings) = said {
            let change = &tidings.change;
            let hidden = |text: &str| {
                text.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c))
            };
            assert!(!change.id.as_str().is_empty() && change.id.as_str().chars().count() <= 200);
            assert!(!hidden(change.id.as_str()), "{:?}", change.id);
            let texts = [&change.version, &change.author, &change.title, &change.url];
            assert!(texts.into_iter().flatten().all(|t| !hidden(t) && t.chars().count() <= 2_000));
            assert!(change.services.iter().all(|s| !hidden(s.as_str()) && !s.as_str().is_empty()));
            assert!(change.finished_at.is_none_or(|end| end >= change.started_at));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_reader_panics_on_json(body in value(), event in text()) {
        let bytes = body.to_string().into_bytes();
        for sender in SENDERS {
            for kind in ["application/json", "application/cloudevents+json", "application/cloudevents-batch+json"] {
                let headers = [
                    ("content-type", kind), ("X-GitHub-Event", event.as_str()), ("X-Gitlab-Event", "Deployment Hook"),
                    ("ce-type", event.as_str()), ("ce-id", event.as_str()), ("ce-source", "/"), ("ce-specversion", "1.0"),
                ];
                if let Ok(heard) = hear(sender.name, &headers, &bytes) {
                    sound(&heard.said);
                }
            }
            for event in ["deployment", "deployment_status", "workflow_run", "workflow_job", "push", "release", "pull_request"] {
                if let Ok(heard) = hear(sender.name, &[("X-GitHub-Event", event)], &bytes) {
                    sound(&heard.said);
                }
            }
        }
        for rest in ["", "graphite", "/", "releases", "organizations/a/releases/%ff/deploys/", "projects/a/b/releases/@/deploys", "deployments/", "failure",
            "connections/1/issues//close", "issue/x/close", "incidents", "1/markers/a", &event] {
            for sender in SENDERS {
                if let Ok(heard) = hear_at(sender.name, rest, &[], &bytes) {
                    sound(&heard.said);
                }
            }
        }
        masked(&bytes, 100);
    }

    #[test]
    fn no_reader_panics_on_bytes(body in vec(any::<u8>(), 0..300)) {
        for sender in SENDERS {
            for headers in [vec![], vec![("content-type", "application/x-www-form-urlencoded"), ("X-GitHub-Event", "push")]] {
                if let Ok(heard) = hear(sender.name, &headers, &body) {
                    sound(&heard.said);
                }
            }
        }
        masked(&body, 10);
    }
}

/// Depth and breadth that a parser could fall over.
#[test]
fn deep_and_broad_bodies() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let broad = format!("{{\"tags\":[{}],\"text\":\"x\"}}", vec!["\"a\""; 50_000].join(","));
    let long = format!("{{\"text\":\"{}\"}}", "x".repeat(1 << 20));
    for sender in SENDERS {
        for body in [&deep, &broad, &long] {
            if let Ok(heard) = hear(sender.name, &[("X-GitHub-Event", "push")], body.as_bytes()) {
                sound(&heard.said);
            }
        }
    }
}
