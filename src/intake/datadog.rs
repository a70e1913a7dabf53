//! The calls of Datadog's DORA API that pipelines make: deployments, failures, and the mark of a failed deployment
//! (<https://docs.datadoghq.com/api/latest/dora-metrics/>). The key is shown as `DD-API-KEY`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Delivery, Heard, IntakeFault, Proof, Sender,
    document::Document,
    heard::{Draft, digest, identifier},
    jenkins::repository,
    text,
};
use crate::model::{ChangeId, ChangeKind, IncidentFact};

pub(super) const SENDER: Sender = Sender {
    name: "datadog",
    proofs: &[Proof::Plain("DD-API-KEY"), Proof::Authorization],
    read,
    answer,
};

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let body = delivery.object()?;
    let attributes = Document(&body).need_object("data.attributes")?;
    let path = delivery.rest.trim_matches('/');
    if let Some(id) = path.split_once("deployments/").map(|(_, id)| id) {
        return Ok(mark(delivery, attributes, id).of("mark"));
    }
    if path.ends_with("failure") || path.ends_with("incident") {
        return Ok(failure(delivery, attributes)?.of("failure"));
    }
    Ok(deployment(delivery, attributes)?.of("deployment"))
}

fn needed(attributes: Document<'_>, name: &str) -> Result<Timestamp, IntakeFault> {
    let part = attributes.at(name);
    part.time().ok_or_else(|| part.fault(&format!("data.attributes.{name}"), "a time since 1970"))
}

/// The id that the caller gives, or one of what is said.
fn id_of(attributes: Document<'_>) -> String {
    let said = attributes.at("id").word();
    said.unwrap_or_else(|| digest(&attributes.0.to_string()))
}

fn deployment(delivery: &Delivery<'_>, attributes: Document<'_>) -> Result<Heard, IntakeFault> {
    let service = attributes.at("service");
    let name = service.text().ok_or_else(|| service.fault("data.attributes.service", "a text"))?;
    let started = needed(attributes, "started_at")?;
    let finished = attributes.at("finished_at").time();
    let git = attributes.at("git");
    let repository = git.at("repository_url").text().and_then(repository);
    let mut draft =
        Draft::new(delivery, &format!("datadog:{}", id_of(attributes)), ChangeKind::Deploy)
            .service(Some(name))
            .environment(attributes.at("env").text())
            .version(attributes.at("version").text())
            .commit(git.at("commit_sha").text())
            .label("repository", repository.as_deref())
            .label("team", attributes.at("team").text());
    for tag in attributes.at("custom_tags").items().filter_map(Document::text) {
        if let Some((key, value)) = tag.split_once(':') {
            draft = draft.label(key, Some(value));
        }
    }
    Ok(Heard::one(draft.finished(Some(started), finished.or(Some(started)))))
}

fn failure(delivery: &Delivery<'_>, attributes: Document<'_>) -> Result<Heard, IntakeFault> {
    let started = needed(attributes, "started_at")?;
    let known = delivery.known;
    let mut fact = IncidentFact::new(format!("datadog:failure:{}", id_of(attributes)));
    delivery.hook.clone_into(&mut fact.source);
    fact.service =
        attributes.at("services").items().find_map(Document::text).and_then(|s| known.service(s));
    fact.environment = attributes.at("env").text().and_then(|e| known.environment(e));
    fact.title = attributes.at("name").text().map(str::to_owned);
    fact.severity = attributes.at("severity").text().map(str::to_owned);
    fact.artifact = attributes.at("version").text().map(str::to_owned);
    fact.detected_at = Some(started);
    fact.resolved_at = attributes.at("finished_at").time();
    Ok(Heard::one(fact))
}

/// `PATCH …/deployments/{id}`: somebody says that a deployment failed, or that it did not.
fn mark(delivery: &Delivery<'_>, attributes: Document<'_>, id: &str) -> Heard {
    if attributes.at("change_failure").truth() != Some(true) {
        return Heard::ignored("a deployment is marked as good");
    }
    let mut fact = IncidentFact::new(format!("datadog:mark:{id}"));
    delivery.hook.clone_into(&mut fact.source);
    fact.change = Some(identifier(&format!("datadog:{id}")));
    fact.title = Some("marked as a failed change".to_owned());
    fact.severity = attributes.at("remediation.type").text().map(str::to_owned);
    fact.detected_at = Some(delivery.received_at);
    Heard::one(fact)
}

/// What Datadog answers.
fn answer(delivery: &Delivery<'_>, told: &[ChangeId]) -> Option<(u16, Value)> {
    let path = delivery.rest.trim_matches('/');
    let kind = match path.rsplit('/').next() {
        Some("failure") => "dora_failure",
        Some("incident") => "dora_incident",
        _ => "dora_deployment",
    };
    let id = told.first().map(|id| id.as_str().trim_start_matches("datadog:").to_owned());
    let of_failure = || {
        let body = delivery.object().ok().filter(|_| kind != "dora_deployment")?;
        Some(id_of(Document(&body).at("data.attributes")))
    };
    let id = id
        .or_else(of_failure)
        .or_else(|| path.rsplit('/').next().map(str::to_owned))
        .and_then(|id| text::kept(&id, 200));
    Some((200, json!({ "data": { "id": id, "type": kind } })))
}
