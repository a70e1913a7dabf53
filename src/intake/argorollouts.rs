//! Argo Rollouts' notifications, with the ConfigMap of `deploy/argo-rollouts/`: an updated rollout is a change, its completion ends it, its
//! abortion fails it. The whole object (`{{toJson .rollout}}` as `rollout`) and the short form of that ConfigMap are understood.

use super::{
    Delivery, Heard, IntakeFault, Proof, Sender, argocd::tag, document::Document, heard::Draft,
    sender::plain, text,
};
use crate::model::ChangeKind;

pub(super) const SENDER: Sender = Sender {
    name: "argorollouts",
    proofs: &[Proof::Authorization, Proof::Plain("X-Wayfarer-Token")],
    read,
    answer: plain,
};

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let body = delivery.object()?;
    let body = Document(&body);
    let rollout = if body.at("rollout.metadata").is_missing() { body } else { body.at("rollout") };
    let whole = !rollout.at("metadata.name").is_missing();
    let name = if whole { rollout.need("metadata.name")? } else { body.need("app")? };
    let part = |of_object: &str, short: &str| {
        if whole { rollout.at(of_object) } else { body.at(short) }
    };
    let namespace = part("metadata.namespace", "namespace").text().unwrap_or_default();
    let hash = part("status.currentPodHash", "pod_hash").word();
    let revision = if whole {
        rollout.at("metadata.annotations").key("rollout.argoproj.io/revision").word()
    } else {
        body.at("revision").word()
    };
    let Some(key) = hash.or(revision.clone()) else {
        return Err(body.at("pod_hash").fault("pod_hash", "a text"));
    };
    let images: Vec<&str> = if whole {
        let containers = rollout.at("spec.template.spec.containers").items();
        containers.filter_map(|c| c.at("image").text()).collect()
    } else {
        body.at("images").items().filter_map(Document::text).collect()
    };
    let label = |key: &str| {
        let labels = rollout.at("metadata.labels").key(key).text();
        labels.or_else(|| rollout.at("metadata.annotations").key(key).text())
    };
    let said = part("", "environment").text().filter(|_| !whole);
    let place = said.or_else(|| label("env")).or_else(|| label("environment"));
    let of_hook = delivery.known.defaults.environment.as_ref().map(|e| e.as_str());
    let object = format!("argorollouts:{}:{namespace}/{name}", place.or(of_hook).unwrap_or(""));
    let version = match images.iter().filter_map(|image| tag(image)).collect::<Vec<_>>().as_slice()
    {
        [one] => Some((*one).to_owned()),
        _ => label("app.kubernetes.io/version").map(str::to_owned),
    };
    let trigger = body.at("trigger").text().unwrap_or_default();
    let phase = part("status.phase", "phase").text().unwrap_or_default();
    let at = body.at("at").time().or_else(|| body.at("timestamp").time());
    let draft = Draft::new(delivery, &format!("{object}:{key}"), ChangeKind::Deploy)
        .service(label("app.kubernetes.io/name").or(Some(&name)))
        .environment(place)
        .version(version.as_deref())
        .title(part("status.message", "message").text())
        .url(body.at("url").text())
        .label("namespace", Some(namespace))
        .label("rollout_revision", revision.as_deref())
        .label("images", Some(&images.join(" ")))
        .reports(&object);
    let event = if trigger.is_empty() { phase } else { trigger };
    let heard = match (trigger, phase) {
        ("on-rollout-aborted", _) | ("", "Degraded") => Heard::one(draft.failed(None, at)),
        ("on-rollout-completed", _) | ("", "Healthy") => Heard::one(draft.finished(None, at)),
        ("on-rollout-updated" | "on-rollout-step-completed" | "on-rollout-paused", _)
        | ("", "Progressing" | "Paused") => Heard::one(draft.started(at)),
        _ => Heard::ignored(format!(
            "`{}` is neither start nor end of a rollout",
            text::shown(event)
        )),
    };
    Ok(heard.of(event))
}
