//! Flagger's events (`--event-webhook`, or a hook of the type `event`): a canary that begins is a change, its promotion ends it, its failure fails
//! it (<https://docs.flagger.app/usage/webhooks>).
//!
//! Neither image nor version is said, only a checksum of the workload; what the canary's `metadata` says besides (`service`, `environment`,
//! `version`) is taken.

use super::{
    Delivery, Heard, IntakeFault, Proof, Sender, document::Document, heard::Draft, sender::plain,
    text,
};
use crate::model::ChangeKind;

pub(super) const SENDER: Sender =
    Sender { name: "flagger", proofs: &[Proof::Authorization], read, answer: plain };

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let body = delivery.object()?;
    let body = Document(&body);
    let (name, phase) = (body.need("name")?, body.need("phase")?);
    let namespace = body.need("namespace")?;
    let metadata = body.at("metadata");
    if !metadata.at("eventMessage").is_missing() || !body.at("checksum").is_missing() {
        return Ok(canary(delivery, body, (&name, &namespace, &phase)).of(&phase));
    }
    Err(body.at("checksum").fault("checksum", "a text"))
}

fn canary(
    delivery: &Delivery<'_>,
    body: Document<'_>,
    (name, namespace, phase): (&str, &str, &str),
) -> Heard {
    let metadata = body.at("metadata");
    let at = metadata.at("timestamp").time();
    let checksum = body.at("checksum").word().unwrap_or_default();
    let place = metadata.at("environment").text().or_else(|| metadata.at("env").text());
    // As the gates take it: where nothing says it, a namespace that is called like an environment.
    let known = delivery.known;
    let alone = place.is_none() && known.defaults.environment.is_none();
    let of_namespace = known.environment_here(namespace).filter(|_| alone);
    let object = format!("flagger:{}:{namespace}/{name}", place.unwrap_or(""));
    let draft = Draft::new(delivery, &format!("{object}:{checksum}"), ChangeKind::Deploy)
        .service(metadata.at("service").text().or(Some(name)))
        .environment(place.or(of_namespace.as_ref().map(|e| e.as_str())))
        .version(metadata.at("version").text())
        .commit(metadata.at("commit").text())
        .title(metadata.at("eventMessage").text())
        .label("namespace", Some(namespace))
        .label("checksum", Some(&checksum))
        .reports(&object);
    // The last events of a canary are sent with the phase before: only their words say that it is over.
    let message = metadata.at("eventMessage").text().unwrap_or_default();
    let over = [("Promotion completed!", "Succeeded"), ("Canary failed!", "Failed")];
    let over = over.iter().find(|(words, _)| message.starts_with(words));
    match over.map_or(phase, |(_, phase)| *phase) {
        "Progressing" | "Waiting" | "WaitingPromotion" | "Promoting" | "Finalising" => {
            Heard::one(draft.started(at))
        }
        "Succeeded" => Heard::one(draft.finished(None, at)),
        "Failed" => Heard::one(draft.failed(None, at)),
        other => Heard::ignored(format!(
            "a canary is `{}`: nothing of it is deployed",
            text::shown(other)
        )),
    }
}
