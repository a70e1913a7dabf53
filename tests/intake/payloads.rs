//! Bodies that others wrote: each is accepted or refused as its sender would want.

use std::{fs, path::PathBuf};

use serde_json::Value;
use wayfarer::{
    intake::{Headers, Proof, Said},
    model::{ChangeKind, ChangeState, PipelineOutcome},
};

use super::{hear, now, one};

/// A body of another project; none, with a word, where they are not at hand.
fn payload(name: &str) -> Option<Vec<u8>> {
    let dir = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/payloads"));
    if !dir.is_dir() {
        println!("skipped: the bodies of others are not at hand");
        return None;
    }
    Some(fs::read(dir.join(name)).unwrap())
}

#[test]
fn github() {
    let Some(body) = payload("github-deployment.json") else { return };
    let of = |event: &str, body: &[u8]| hear("github", &[("X-GitHub-Event", event)], body).unwrap();
    let start = one(of("deployment", &body));
    assert_eq!(start.state, ChangeState::Started);
    let end = one(of("deployment_status", &payload("github-deployment_status.json").unwrap()));
    assert_eq!((end.id, end.state), (start.id, ChangeState::Finished));
    assert_eq!(end.environments, ["production".into()]);
    assert_eq!(end.services, ["Hello-World".into()]);
    assert_eq!(end.labels["repository"], "Codertocat/Hello-World");
    assert_eq!(end.commits[0].id, "f95f852bd8fca8fcc58a9a2d6c842781e32a215e");
    for (event, file, fact) in [
        ("ping", "github-ping.json", false),
        ("push", "github-push.json", false),
        ("release", "github-release-published.json", true),
        ("workflow_job", "github-workflow_job-completed.success.with-organization.json", true),
        ("workflow_run", "github-workflow_run-completed.json", true),
    ] {
        let heard = of(event, &payload(file).unwrap());
        match &heard.said[..] {
            [Said::Pipeline(told)] if fact => {
                assert_eq!(told.outcome, Some(PipelineOutcome::Success), "{event}");
                assert!(told.finished_at.is_some());
            }
            [Said::Ignored(_)] if !fact => {}
            other => panic!("{event}: {other:?}"),
        }
    }
    // A form, as GitHub offers it.
    let form = format!("payload={}", url_encoded(&body));
    let kind = ("Content-Type", "application/x-www-form-urlencoded");
    let heard = hear("github", &[("X-GitHub-Event", "deployment"), kind], form.as_bytes());
    assert_eq!(one(heard.unwrap()).state, ChangeState::Started);
}

fn url_encoded(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("%{b:02X}")).collect()
}

#[test]
fn gitlab() {
    let Some(body) = payload("gitlab-deployment.json") else { return };
    let change = one(hear("gitlab", &[], &body).unwrap());
    assert_eq!(change.finished_at.unwrap().to_string(), "2021-04-28T19:50:00Z");
    assert_eq!(change.commits[0].id, "279484c09fbe69ededfced8c1bb6e6d24616b468");
    assert_eq!(change.services, ["test-deployment-webhooks".into()]);
    assert_eq!(change.environments, ["staging".into()]);
    let flag = one(hear("gitlab", &[], &payload("gitlab-feature_flag.json").unwrap()).unwrap());
    assert_eq!((flag.kind, flag.environments.len()), (ChangeKind::Flag, 0));
    assert_eq!(flag.labels["flag"], "test-feature-flag");
    let heard = hear("gitlab", &[], &payload("gitlab-pipeline.json").unwrap()).unwrap();
    let [Said::Pipeline(run), Said::Pipeline(job), ..] = &heard.said[..] else {
        panic!("{heard:?}")
    };
    assert!(run.deploys);
    assert_eq!((run.trigger.as_deref(), run.main), (Some("merge_request_event"), false));
    assert_eq!(job.parent.as_ref(), Some(&run.id));
    assert_eq!((job.stage.as_deref(), job.name.as_str()), (Some("deploy"), "production"));
    assert_eq!(run.finished_at.unwrap().to_string(), "2016-08-12T15:26:29Z");
}

#[test]
fn flux_and_flags() {
    let Some(body) = payload("flux-generic-webhook-example.json") else { return };
    let change = one(hear("flux", &[], &body).unwrap());
    assert_eq!(change.state, ChangeState::Failed);
    assert_eq!(change.commits[0].id, "731f7eaddfb6af01cb2173e18f0f75b0ba780ef1");
    let flag =
        one(hear("flagsmith", &[], &payload("flagsmith-flag-updated.json").unwrap()).unwrap());
    assert_eq!(flag.title.as_deref(), Some("flag butter_bar was switched on"));
    assert_eq!((flag.kind, flag.environments), (ChangeKind::Flag, vec!["Development".into()]));
    let flag =
        one(hear("launchdarkly", &[], &payload("launchdarkly-flag-toggle.json").unwrap()).unwrap());
    assert_eq!(
        (flag.environments, flag.labels["flag"].as_str()),
        (vec!["production".into()], "demo-flag")
    );
    assert_eq!(flag.started_at.as_millisecond(), 1_580_777_319_650);
    let gate =
        one(hear("flagger", &[], &payload("flagger-webhook-payload.json").unwrap()).unwrap());
    assert_eq!((gate.state, gate.services), (ChangeState::Started, vec!["podinfo".into()]));
    // The metadata part alone is no event.
    let part = payload("flux-event-metadata-example.json").unwrap();
    assert_eq!(hear("flux", &[], &part).unwrap_err().message, "`involvedObject` is missing");
}

#[test]
fn cloudevents_and_cdevents() {
    let Some(_) = payload("cloudevents-structured-batch.json") else { return };
    for name in [
        "batch",
        "empty-batch",
        "binary-data_base64",
        "binary-no-contenttype",
        "json-number-data",
        "json-object-data",
        "json-string-no-contenttype",
        "xml-string-data",
    ] {
        let kind = if name.contains("batch") {
            "application/cloudevents-batch+json"
        } else {
            "application/cloudevents+json"
        };
        let body = payload(&format!("cloudevents-structured-{name}.json")).unwrap();
        let heard = hear("cloudevents", &[("content-type", kind)], &body).unwrap();
        assert!(heard.said.iter().all(|said| matches!(said, Said::Ignored(_))), "{name}");
    }
    for (name, kind) in [
        ("0.4.1-service_deployed", Some(ChangeKind::Deploy)),
        ("0.5.1-service_deployed", Some(ChangeKind::Deploy)),
        ("0.5.1-service_upgraded", Some(ChangeKind::Deploy)),
        ("0.5.1-service_rolledback", Some(ChangeKind::Rollback)),
        ("0.5.1-service_removed", Some(ChangeKind::Infra)),
        ("0.5.1-service_published", None),
        ("custom-conformance", None),
    ] {
        let body = payload(&format!("cdevents-{name}.json")).unwrap();
        // Bare, structured and binary say the same.
        let bare = hear("cloudevents", &[], &body).unwrap();
        let context: Value = serde_json::from_slice(&body).unwrap();
        let kind_of = context["context"]["type"].as_str().unwrap();
        let binary = [
            ("ce-specversion", "1.0"),
            ("ce-id", "1"),
            ("ce-source", "/ci"),
            ("ce-type", kind_of),
            ("content-type", "application/json"),
        ];
        let binary = hear("cloudevents", &binary, &body).unwrap();
        match kind {
            Some(kind) => {
                let change = one(bare);
                assert_eq!(change.kind, kind, "{name}");
                assert_eq!(change.environments, ["test123".into()]);
                assert_eq!(change.services, ["mySubject123".into()]);
                assert_eq!(one(binary), change);
            }
            None => assert!(matches!(bare.said[..], [Said::Ignored(_)]), "{name}"),
        }
    }
    for name in [
        "pipelinerun_queued",
        "pipelinerun_started",
        "pipelinerun_finished",
        "taskrun_finished",
        "testsuiterun_finished",
    ] {
        let body = payload(&format!("cdevents-0.5.1-{name}.json")).unwrap();
        let heard = hear("cloudevents", &[], &body).unwrap();
        let [Said::Pipeline(fact)] = &heard.said[..] else { panic!("{name}: {heard:?}") };
        let finished = name.ends_with("finished");
        assert_eq!(fact.outcome, finished.then_some(PipelineOutcome::Failure), "{name}");
    }
    let heard =
        hear("cloudevents", &[], &payload("cdevents-0.5.1-incident_detected.json").unwrap());
    let [Said::Incident(incident)] = &heard.unwrap().said[..] else { panic!() };
    assert_eq!(incident.service, Some("myApp".into()));
    assert!(incident.detected_at.is_some() && incident.resolved_at.is_none());
}

#[test]
fn jenkins() {
    let Some(body) = payload("jenkins-cloudevents-job-completed.json") else { return };
    let headers = [
        ("ce-id", "1"),
        ("ce-source", "job/test2"),
        ("ce-type", "org.jenkinsci.job.completed"),
        ("ce-specversion", "1.0"),
    ];
    for door in ["jenkins", "cloudevents"] {
        let heard = hear(door, &headers, &body).unwrap();
        let [Said::Pipeline(run)] = &heard.said[..] else { panic!("{heard:?}") };
        assert_eq!(run.outcome, Some(PipelineOutcome::Success));
        assert_eq!(run.repository.as_deref(), Some("ShrutiC-git/scmConfig"));
        assert_eq!(run.started_at.unwrap().as_millisecond(), 1_626_611_059_215);
    }
}

#[test]
fn the_vector_of_standard_webhooks() {
    let Some(vector) = payload("standard-webhooks-test-vector.json") else { return };
    let vector: Value = serde_json::from_slice(&vector).unwrap();
    let text = |key: &str| vector[key].as_str().unwrap().to_owned();
    let at = vector["webhook-timestamp"].as_i64().unwrap();
    let headers = Headers::from(vec![
        ("webhook-id".to_owned(), text("webhook-id")),
        ("webhook-timestamp".to_owned(), at.to_string()),
        ("webhook-signature".to_owned(), text("webhook-signature")),
    ]);
    let holds = |body: &str, now: jiff::Timestamp| {
        Proof::StandardWebhooks.holds(&text("secret"), &headers, body.as_bytes(), now)
    };
    let then = jiff::Timestamp::from_second(at + 60).unwrap();
    assert!(holds(&text("body"), then));
    assert!(!holds("{}", then));
    assert!(!holds(&text("body"), now()), "years later");
}
