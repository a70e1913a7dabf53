//! The senders of the second tier: bodies of our own, after the documentation of each; the real ones stand in `payloads`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wayfarer::{
    intake::{Delivery, Headers, Heard, Known, Said, sender},
    model::{Change, ChangeKind, ChangeState, HookDefaults},
};

use super::{known, now};

fn at(name: &str, rest: &str, body: &Value) -> Heard {
    let known = Known {
        defaults: HookDefaults {
            services: [("default".to_owned(), "shop".into())].into(),
            ..HookDefaults::default()
        },
        ..known()
    };
    let (headers, query, body) = (Headers::default(), BTreeMap::new(), body.to_string());
    let delivery = Delivery {
        hook: name,
        headers: &headers,
        query: &query,
        rest,
        body: body.as_bytes(),
        known: &known,
        received_at: now(),
    };
    (sender(name).unwrap().read)(&delivery).unwrap()
}

fn change(name: &str, rest: &str, body: &Value) -> Change {
    super::one(at(name, rest, body))
}

fn ignored(name: &str, body: &Value) -> bool {
    matches!(at(name, "", body).said[..], [Said::Ignored(_)])
}

#[test]
fn flagger_and_argo_rollouts() {
    let canary = |phase: &str| {
        json!({
            "name": "shop", "namespace": "apps", "phase": phase, "checksum": "85d557f47b",
            "metadata": { "eventMessage": "New revision detected!", "eventType": "Normal", "timestamp": "1578607635167", "env": "prod" }
        })
    };
    let start = change("flagger", "", &canary("Progressing"));
    assert_eq!(
        (start.state, start.started_at.as_millisecond()),
        (ChangeState::Started, 1_578_607_635_167)
    );
    assert_eq!(start.environments, ["production".into()]);
    let end = change("flagger", "", &canary("Succeeded"));
    assert_eq!((end.id, end.state), (start.id, ChangeState::Finished));
    assert_eq!(change("flagger", "", &canary("Failed")).state, ChangeState::Failed);
    assert!(ignored("flagger", &canary("Initialized")));
    let mut bare = canary("Progressing");
    bare["namespace"] = json!("prod");
    bare["metadata"]["env"] = Value::Null;
    assert_eq!(change("flagger", "", &bare).environments, ["production".into()]);
    // Flagger says that all is over with the phase before.
    for (phase, words, state) in [
        ("Finalising", "Promotion completed! Scaling down shop.apps", ChangeState::Finished),
        (
            "Progressing",
            "Promotion completed! Canary analysis was skipped for shop.apps",
            ChangeState::Finished,
        ),
        ("Progressing", "Canary failed! Scaling down shop.apps", ChangeState::Failed),
        (
            "Finalising",
            "Copying shop.apps template spec to shop-primary.apps",
            ChangeState::Started,
        ),
    ] {
        let mut last = canary(phase);
        last["metadata"]["eventMessage"] = json!(words);
        assert_eq!(change("flagger", "", &last).state, state, "{words}");
    }
    let rollout = json!({ "rollout": {
        "metadata": { "name": "shop", "namespace": "apps", "annotations": { "rollout.argoproj.io/revision": "4" } },
        "spec": { "template": { "spec": { "containers": [{ "image": "reg/shop:2.4.1" }] } } },
        "status": { "phase": "Healthy", "currentPodHash": "7d9c" }
    } });
    let done = change("argorollouts", "", &rollout);
    assert_eq!((done.state, done.version.as_deref()), (ChangeState::Finished, Some("2.4.1")));
}

#[test]
fn terraform() {
    let body = |trigger: &str, status: &str| {
        json!({
            "payload_version": 1, "run_url": "https://app.terraform.io/app/acme/shop-prod/runs/run-1", "run_id": "run-1",
            "run_message": "Add a pool", "run_created_by": "jo", "workspace_name": "shop-prod", "organization_name": "acme",
            "notifications": [{ "trigger": trigger, "run_status": status, "run_updated_at": "2026-11-20T10:00:00Z" }]
        })
    };
    let start = change("terraform", "", &body("run:applying", "applying"));
    assert_eq!((start.kind, start.state), (ChangeKind::Infra, ChangeState::Started));
    assert_eq!(
        (start.services, start.environments),
        (vec!["shop".into()], vec!["production".into()])
    );
    let end = change("terraform", "", &body("run:completed", "applied"));
    assert_eq!((end.id, end.state), (start.id, ChangeState::Finished));
    assert!(ignored("terraform", &body("run:completed", "planned_and_finished")));
    let heard = at("terraform", "", &body("run:errored", "errored"));
    let [Said::Change(told)] = &heard.said[..] else { panic!() };
    assert!(told.follows, "a run that fails in its plan altered nothing");
    let verification = json!({ "payload_version": 1, "run_id": null, "notifications": [{ "trigger": "verification" }] });
    assert!(ignored("terraform", &verification));
    assert_eq!(change("terraform", "", &body("assessment:drifted", "")).kind, ChangeKind::Drift);
    // Health assessments come in another form.
    let second = |trigger: &str| {
        json!({
            "payload_version": "2", "trigger_scope": "assessment", "trigger": trigger, "message": "Drift Detected",
            "details": {
                "new_assessment_result": { "id": "asmtres-1", "drifted": true, "resources_drifted": 4, "created_at": "2026-11-20T05:23:10Z" },
                "workspace_id": "ws-1", "workspace_name": "shop-prod", "organization_name": "acme"
            }
        })
    };
    let drift = change("terraform", "", &second("assessment:drifted"));
    assert_eq!((drift.kind, drift.state), (ChangeKind::Drift, ChangeState::Finished));
    assert_eq!(drift.id.as_str(), "terraform:acme/shop-prod:asmtres-1");
    assert_eq!(
        (drift.services, drift.environments),
        (vec!["shop".into()], vec!["production".into()])
    );
    assert_eq!(drift.started_at.to_string(), "2026-11-20T05:23:10Z");
    assert!(ignored("terraform", &second("assessment:check_failure")));
    assert!(ignored("terraform", &second("workspace:auto_destroy_reminder")));
}

#[test]
fn flags() {
    let entry = |action: &str| {
        json!({
            "_id": "5e38", "kind": "flag", "name": "Checkout", "date": 1_580_777_319_650_i64, "titleVerb": "turned on the flag",
            "title": "[Jo](mailto:jo@example.com) turned on the flag", "member": { "email": "jo@example.com" },
            "accesses": [{ "action": action, "resource": "proj/default:env/production:flag/checkout-v2;beta" }]
        })
    };
    let on = change("launchdarkly", "", &entry("updateOn"));
    assert_eq!((on.kind, on.environments.clone()), (ChangeKind::Flag, vec!["production".into()]));
    assert_eq!(
        (on.labels["flag"].as_str(), on.services.clone()),
        ("checkout-v2", vec!["shop".into()])
    );
    assert_eq!(on.started_at.as_millisecond(), 1_580_777_319_650);
    assert!(ignored("launchdarkly", &entry("updateName")));
    assert_eq!(on.title.as_deref(), Some("Jo turned on the flag"));
    let mut both = entry("updateRules");
    both["kind"] = json!("segment");
    both["accesses"] = json!([
        { "action": "updateRules", "resource": "proj/default:env/production:segment/beta;x" },
        { "action": "updateRules", "resource": "proj/default:env/staging:segment/beta" },
    ]);
    let segment = change("launchdarkly", "", &both);
    assert_eq!(segment.labels["segment"], "beta");
    assert_eq!(segment.environments, ["production".into(), "staging".into()]);
    let unleash = |kind: &str| {
        json!({ "id": 7, "createdAt": "2026-11-20T10:00:00Z", "type": kind, "createdBy": "jo", "environment": "production",
            "project": "default", "featureName": "checkout-v2" })
    };
    assert_eq!(
        change("unleash", "", &unleash("feature-environment-enabled")).labels["flag"],
        "checkout-v2"
    );
    assert!(ignored("unleash", &unleash("feature-tagged")));
    let smith = |identity: Value| {
        json!({ "event_type": "FLAG_UPDATED", "data": { "changed_by": "jo", "timestamp": "2026-11-20T10:00:00Z",
            "new_state": { "enabled": true, "identity": identity, "environment": { "id": 1, "name": "Production" },
                "feature": { "id": 2, "name": "checkout-v2" } },
            "previous_state": { "enabled": false } } })
    };
    let flag = change("flagsmith", "", &smith(Value::Null));
    assert_eq!(flag.environments, ["production".into()]);
    assert_eq!(flag.title.as_deref(), Some("flag checkout-v2 was switched on"));
    assert!(ignored("flagsmith", &smith(json!("user-1"))));
    let audit = json!({ "log": "Flag state updated", "related_object_type": "FEATURE_STATE", "environment": { "id": 1, "name": "Production" } });
    assert!(ignored("flagsmith", &audit));
}

#[test]
fn markers_of_vendors() {
    let datadog = json!({ "data": { "attributes": {
        "service": "shop", "env": "prod", "version": "v1", "started_at": 1_693_491_974_000_000_000_i64,
        "finished_at": 1_693_491_984_000_000_000_i64, "git": { "commit_sha": "66adc9350f2cc9b250b69abddab733dd55e1a588",
            "repository_url": "https://github.com/acme/shop" }, "id": "4242b0e7-11ec-4b0e" } } });
    let deploy = change("datadog", "deployment", &datadog);
    assert_eq!(deploy.id.as_str(), "datadog:4242b0e7-11ec-4b0e");
    assert_eq!(deploy.finished_at.unwrap().as_second(), 1_693_491_984);
    assert_eq!(deploy.environments, ["production".into()]);
    let failure = json!({ "data": { "attributes": { "services": ["shop"], "started_at": 1_693_491_974_000_i64, "severity": "High" } } });
    assert!(matches!(at("datadog", "failure", &failure).said[..], [Said::Incident(_)]));
    let mark = json!({ "data": { "attributes": { "change_failure": true, "remediation": { "type": "rollback" } } } });
    let heard = at("datadog", "deployments/4242b0e7-11ec-4b0e", &mark);
    let [Said::Incident(incident)] = &heard.said[..] else { panic!("{heard:?}") };
    assert_eq!(incident.change, Some(deploy.id));
    let sentry =
        json!({ "environment": "production", "name": "x", "dateFinished": "2026-11-20T10:00:00Z" });
    let deploy = change("sentry", "organizations/acme/releases/shop%402.4.1/deploys/", &sentry);
    assert_eq!((deploy.services, deploy.version.as_deref()), (vec!["shop".into()], Some("2.4.1")));
    let devlake = json!({ "id": "d1", "result": "SUCCESS", "environment": "PRODUCTION", "startedDate": "2026-11-20T10:00:00+00:00",
        "finishedDate": "2026-11-20T10:05:00+00:00", "deploymentCommits": [{ "repoUrl": "git@github.com:acme/shop.git",
            "commitSha": "015e3d3b480e417aede5a1293bd61de9b0fd051d", "refName": "refs/tags/v2.4.1" }] });
    let old = json!({ "commit_sha": "015e3d3b480e417aede5a1293bd61de9b0fd051d", "repo_url": "https://github.com/acme/shop",
        "start_time": "2026-11-20T10:00:00+00:00", "environment": "PRODUCTION" });
    let first = change("devlake", "1/deployments", &old);
    assert_eq!(
        (first.id.clone(), first.state),
        (change("devlake", "1/deployments", &old).id, ChangeState::Started)
    );
    let heard = at("devlake", "connections/1/issue/DLK-1234/close", &json!({}));
    let [Said::Incident(closed)] = &heard.said[..] else { panic!("{heard:?}") };
    assert!(closed.id.ends_with("DLK-1234") && closed.resolved_at.is_some());
    let deploy = change("devlake", "connections/1/deployments", &devlake);
    assert_eq!((deploy.services, deploy.version.as_deref()), (vec!["shop".into()], Some("v2.4.1")));
    assert_eq!(deploy.environments, ["production".into()]);
    let honeycomb = json!({ "message": "deploy shop v2.4.1", "type": "deploy", "start_time": 1_790_000_000, "url": "https://ci.example.com/1" });
    let marker = change("honeycomb", "shop", &honeycomb);
    assert_eq!((marker.services, marker.version.as_deref()), (vec!["shop".into()], Some("v2.4.1")));
    assert_eq!(marker.url.as_deref(), Some("https://ci.example.com/1"));
    assert_eq!(marker.started_at.as_second(), 1_790_000_000);
}
