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
    /// One of each source.
    revisions: Vec<&'b str>,
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
        revisions: revisions(&[body.at("revision"), body.at("revisions")]),
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
    let label = |key: &str| {
        let labels = app.at("metadata.labels").key(key).text();
        labels.or_else(|| app.at("metadata.annotations").key(key).text())
    };
    let address = body.at("context.argocdUrl").text().or_else(|| body.at("argocdUrl").text());
    let sync = Sync {
        app: name.ok_or_else(|| app.at("metadata.name").fault("metadata.name", "a text"))?,
        namespace: app.at("spec.destination.namespace").text(),
        environment: label("env").or_else(|| label("environment")),
        revisions: revisions(&[
            operation.at("syncResult.revision"),
            operation.at("syncResult.revisions"),
            app.at("status.sync.revision"),
            app.at("status.sync.revisions"),
        ]),
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

/// What was synced, of the first place that says it: a text, or a list where an application has several sources.
fn revisions<'b>(places: &[Document<'b>]) -> Vec<&'b str> {
    let all = |place: &Document<'b>| -> Vec<&'b str> {
        place.text().into_iter().chain(place.items().filter_map(Document::text)).collect()
    };
    places.iter().map(all).find(|found| !found.is_empty()).unwrap_or_default()
}

impl Sync<'_> {
    fn hear(&self, delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
        let event = if self.trigger.is_empty() { self.phase } else { self.trigger };
        if self.revisions.is_empty() {
            return Ok(Heard::ignored("the application was never synced").of(event));
        }
        let revision = self.revisions.join("+");
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
        // Sources are charts and repositories, in any number of either.
        let (hashes, charts): (Vec<&str>, Vec<&str>) =
            self.revisions.iter().partition(|r| text::is_hash(r));
        let chart = charts.first().copied();
        let repository = self.repository.and_then(super::jenkins::repository);
        let draft = Draft::new(delivery, &format!("{object}:{revision}"), ChangeKind::Deploy)
            .service(Some(self.app))
            .environment(self.environment)
            .version(version.as_deref().or(chart))
            .author(self.author)
            .url(self.url.as_deref())
            .label("namespace", self.namespace)
            .label("project", self.project)
            .label("repository", repository.as_deref())
            .label("revision", Some(&revision))
            .label("images", Some(&self.images.join(" ")))
            .reports(&object);
        let draft = hashes.into_iter().fold(draft, |draft, hash| draft.commit(Some(hash)));
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
        intake::{Said, Tidings, tried},
        model::ChangeState,
    };

    fn hear(body: &Value) -> Said {
        tried::heard(read, &[], body).unwrap().remove(0)
    }

    fn tidings(body: &Value) -> Tidings {
        tried::change(vec![hear(body)])
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
    fn an_application_of_several_sources_has_several_revisions() {
        let hashes = [
            "731f7eaddfb6af01cb2173e18f0f75b0ba780ef1",
            "831f7eaddfb6af01cb2173e18f0f75b0ba780ef2",
        ];
        let flat = |revisions: &Value| {
            json!({ "app": "shop", "trigger": "on-deployed", "revision": "", "revisions": revisions,
                "started_at": "2026-11-20T10:00:00Z", "finished_at": "2026-11-20T10:01:00Z" })
        };
        let two = tidings(&flat(&json!(hashes))).change;
        let commits: Vec<&str> = two.commits.iter().map(|commit| &*commit.id).collect();
        assert_eq!(commits, hashes);
        let other = tidings(&flat(&json!(["6.5.4", hashes[1]]))).change;
        assert_eq!((other.version.as_deref(), other.commits.len()), (Some("6.5.4"), 1));
        assert_ne!(two.id, other.id);
        assert!(matches!(hear(&flat(&json!([]))), Said::Ignored(_)));
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
