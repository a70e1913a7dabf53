//! Argo CD's notifications, with the ConfigMap of `deploy/argocd/`: `on-sync-running` starts a change, `on-deployed` finishes it,
//! `on-sync-failed` and `on-health-degraded` fail it.
//!
//! Argo CD has no payload of its own: the template of that ConfigMap sends `{"wayfarer": "argocd/1", "trigger", "app", …}`. The whole application
//! object, as some templates send it (`{{toJson .app}}`), is understood as well. `on-deployed` comes again where a pod was
//! replaced: the same revision as before is no change.

use super::{Delivery, Heard, IntakeFault, Proof, Sender, document::Document, heard::Draft, text};
use crate::model::ChangeKind;

pub(super) const SENDER: Sender = Sender {
    name: "argocd",
    proofs: &[Proof::Authorization, Proof::Plain("X-Wayfarer-Token")],
    read,
    answer: super::sender::plain,
};

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let body = delivery.object()?;
    let body = Document(&body);
    let app = if body.at("app.metadata").is_missing() { body } else { body.at("app") };
    if app.at("metadata.name").is_missing() {
        return flat(delivery, body);
    }
    object(delivery, body, app)
}

/// What is said of a sync, from whichever form.
struct Sync<'b> {
    app: &'b str,
    namespace: Option<&'b str>,
    environment: Option<&'b str>,
    revision: Option<&'b str>,
    images: Vec<&'b str>,
    phase: &'b str,
    health: &'b str,
    trigger: &'b str,
    started: Document<'b>,
    finished: Document<'b>,
    author: Option<&'b str>,
    url: Option<String>,
    message: Option<&'b str>,
    project: Option<&'b str>,
    repository: Option<&'b str>,
    server: Option<&'b str>,
}

/// The form of our own template.
fn flat(delivery: &Delivery<'_>, body: Document<'_>) -> Result<Heard, IntakeFault> {
    let app = body
        .at("app")
        .text()
        .ok_or_else(|| body.at("app").fault("app", "the name of the application"))?;
    let sync = Sync {
        app,
        namespace: body.at("namespace").text(),
        environment: body.at("environment").text(),
        revision: body.at("revision").text(),
        images: body.at("images").items().filter_map(Document::text).collect(),
        phase: body.at("phase").text().unwrap_or_default(),
        health: body.at("health").text().unwrap_or_default(),
        trigger: body.at("trigger").text().unwrap_or_default(),
        started: body.at("started_at"),
        finished: body.at("finished_at"),
        author: body.at("author").text(),
        url: body.at("url").text().map(str::to_owned),
        message: body.at("message").text(),
        project: body.at("project").text(),
        repository: body.at("repository").text(),
        server: body.at("server").text(),
    };
    sync.hear(delivery)
}

/// The application itself.
fn object(
    delivery: &Delivery<'_>,
    body: Document<'_>,
    app: Document<'_>,
) -> Result<Heard, IntakeFault> {
    let name = app.at("metadata.name").text();
    let operation = app.at("status.operationState");
    let several = app.at("status.sync.revisions").items().find_map(Document::text);
    let label = |key: &str| {
        let labels = app.at("metadata.labels").key(key).text();
        labels.or_else(|| app.at("metadata.annotations").key(key).text())
    };
    let address = body.at("context.argocdUrl").text().or_else(|| body.at("argocdUrl").text());
    let sync = Sync {
        app: name.ok_or_else(|| app.at("metadata.name").fault("metadata.name", "a text"))?,
        namespace: app.at("spec.destination.namespace").text(),
        environment: label("env").or_else(|| label("environment")),
        revision: operation
            .at("syncResult.revision")
            .text()
            .or_else(|| app.at("status.sync.revision").text())
            .or(several),
        images: app.at("status.summary.images").items().filter_map(Document::text).collect(),
        phase: operation.at("phase").text().unwrap_or_default(),
        health: app.at("status.health.status").text().unwrap_or_default(),
        trigger: body.at("trigger").text().unwrap_or_default(),
        started: operation.at("startedAt"),
        finished: operation.at("finishedAt"),
        author: operation.at("operation.initiatedBy.username").text(),
        url: address.zip(name).map(|(url, name)| format!("{url}/applications/{name}")),
        message: operation.at("message").text(),
        project: app.at("spec.project").text(),
        repository: app
            .at("spec.source.repoURL")
            .text()
            .or_else(|| app.at("spec.sources").items().find_map(|s| s.at("repoURL").text())),
        server: app.at("spec.destination.server").text(),
    };
    sync.hear(delivery)
}

impl Sync<'_> {
    fn hear(&self, delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
        let event = if self.trigger.is_empty() { self.phase } else { self.trigger };
        let Some(revision) = self.revision else {
            return Ok(Heard::ignored("the application was never synced").of(event));
        };
        // Two Argo CD with the same application differ in where they deploy to.
        let of_hook = delivery.known.defaults.environment.as_ref().map(|e| e.as_str());
        let place = self.environment.or(of_hook).unwrap_or_default();
        let server = self.server.unwrap_or_default().trim_start_matches("https://");
        let server = if server == "kubernetes.default.svc" { "" } else { server };
        let namespace = self.namespace.unwrap_or_default();
        let object = format!("argocd:{server}:{place}:{namespace}/{}", self.app);
        // The image's tag is the version that people know; only one image says which.
        let tags: Vec<&str> = self.images.iter().filter_map(|image| tag(image)).collect();
        let version = match tags.as_slice() {
            [one] => Some((*one).to_owned()),
            _ => self
                .images
                .iter()
                .find(|i| image_name(i) == self.app)
                .and_then(|i| tag(i))
                .map(str::to_owned),
        };
        let hash = Some(revision).filter(|r| text::is_hash(r));
        let chart = Some(revision).filter(|_| hash.is_none());
        let repository = self.repository.and_then(super::jenkins::repository);
        let draft = Draft::new(delivery, &format!("{object}:{revision}"), ChangeKind::Deploy)
            .service(Some(self.app))
            .environment(self.environment)
            .version(version.as_deref().or(chart))
            .commit(hash)
            .author(self.author)
            .url(self.url.as_deref())
            .label("namespace", self.namespace)
            .label("project", self.project)
            .label("repository", repository.as_deref())
            .label("revision", Some(revision))
            .label("images", Some(&self.images.join(" ")))
            .reports(&object);
        let (started, finished) = (self.started.time(), self.finished.time());
        let failed = self.trigger.contains("failed") || matches!(self.phase, "Failed" | "Error");
        let degraded = self.trigger.contains("degraded") || self.health == "Degraded";
        let heard = if failed {
            Heard::one(draft.title(self.message).failed(started, finished))
        } else if self.trigger.contains("running") || self.phase == "Running" {
            Heard::one(draft.started(started))
        } else if degraded {
            // Where it was healthy before, its first end holds: what came later is for the journeys to find.
            let title = format!("{} is degraded", self.app);
            Heard::one(draft.title(Some(&title)).failed(started, Some(delivery.received_at)))
        } else if self.trigger.contains("deployed")
            || (self.phase == "Succeeded" && self.health == "Healthy")
        {
            Heard::one(draft.finished(started, finished))
        } else if self.phase == "Succeeded" || self.trigger.contains("succeeded") {
            Heard::one(draft.started(started))
        } else {
            Heard::ignored(format!("`{}` is neither start nor end of a sync", text::shown(event)))
        };
        Ok(heard.of(event))
    }
}

/// The tag of an image; none of a digest or where none is said.
pub(super) fn tag(image: &str) -> Option<&str> {
    let plain = image.split('@').next()?;
    let (_, tag) = plain.rsplit('/').next()?.rsplit_once(':')?;
    (!tag.is_empty() && tag != "latest").then_some(tag)
}

/// The last part of an image's name.
fn image_name(image: &str) -> &str {
    let plain = image.split('@').next().unwrap_or_default();
    let last = plain.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        intake::{Headers, Known, Said, Tidings},
        model::ChangeState,
    };

    fn hear(body: &Value) -> Said {
        let (headers, known, query) = (Headers::default(), Known::default(), [].into());
        let text = body.to_string();
        let delivery = Delivery {
            hook: "argocd",
            headers: &headers,
            query: &query,
            rest: "",
            body: text.as_bytes(),
            known: &known,
            received_at: "2026-11-20T12:00:00Z".parse().unwrap(),
        };
        read(&delivery).unwrap().said.remove(0)
    }

    fn tidings(body: &Value) -> Tidings {
        match hear(body) {
            Said::Change(tidings) => *tidings,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn our_own_template_and_the_whole_object_say_the_same() {
        let flat = tidings(&json!({
            "wayfarer": "argocd/1", "trigger": "on-deployed", "app": "shop", "namespace": "shop",
            "revision": "731f7eaddfb6af01cb2173e18f0f75b0ba780ef1", "phase": "Succeeded", "health": "Healthy",
            "started_at": "2026-11-20T10:00:00Z", "finished_at": "2026-11-20T10:01:00Z",
            "images": ["registry.example.com/acme/shop:2.4.1"], "server": "https://kubernetes.default.svc"
        }));
        let whole = tidings(&json!({
            "app": {
                "metadata": { "name": "shop" },
                "spec": { "destination": { "namespace": "shop", "server": "https://kubernetes.default.svc" } },
                "status": {
                    "health": { "status": "Healthy" },
                    "summary": { "images": ["registry.example.com/acme/shop:2.4.1"] },
                    "operationState": {
                        "phase": "Succeeded", "startedAt": "2026-11-20T10:00:00Z", "finishedAt": "2026-11-20T10:01:00Z",
                        "syncResult": { "revision": "731f7eaddfb6af01cb2173e18f0f75b0ba780ef1" }
                    }
                }
            }
        }));
        assert_eq!(flat.change, whole.change);
        assert_eq!(flat.change.version.as_deref(), Some("2.4.1"));
        assert_eq!(flat.change.state, ChangeState::Finished);
        assert_eq!(flat.change.finished_at.unwrap().to_string(), "2026-11-20T10:01:00Z");
    }

    #[test]
    fn starts_failures_and_what_is_neither() {
        let of = |trigger: &str, phase: &str| json!({ "app": "shop", "trigger": trigger, "phase": phase, "revision": "abc1234", "started_at": "2026-11-20T10:00:00Z" });
        assert_eq!(tidings(&of("on-sync-running", "Running")).change.state, ChangeState::Started);
        assert_eq!(tidings(&of("on-sync-failed", "Failed")).change.state, ChangeState::Failed);
        assert!(matches!(hear(&of("on-created", "")), Said::Ignored(_)));
        assert!(matches!(
            hear(&json!({ "app": "shop", "trigger": "on-deployed" })),
            Said::Ignored(_)
        ));
    }

    #[test]
    fn images() {
        assert_eq!(tag("reg:5000/a/shop:2.4.1@sha256:abc"), Some("2.4.1"));
        assert_eq!(tag("reg:5000/a/shop"), None);
        assert_eq!(image_name("reg:5000/a/shop:1"), "shop");
    }
}
