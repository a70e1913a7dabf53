//! Flux's notification-controller: its `generic` and `generic-hmac` providers post the event as it is.
//!
//! A Kustomization or HelmRelease that was reconciled is a change only with a revision that was not there before: the same report comes
//! again and again (<https://fluxcd.io/flux/components/notification/providers/#generic-webhook>).

use super::{Delivery, Heard, IntakeFault, Proof, Sender, document::Document, heard::Draft, text};
use crate::model::ChangeKind;

pub(super) const SENDER: Sender = Sender {
    name: "flux",
    proofs: &[Proof::Named("X-Signature"), Proof::Authorization],
    read,
    answer: super::sender::plain,
};

/// Words at the end of a metadata key that say a revision, the best one first.
const REVISIONS: &[&str] = &["revision", "oci-digest", "checksum"];

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let body = delivery.object()?;
    let body = Document(&body);
    let object = body.need_object("involvedObject")?;
    let (kind, name) = (body.need("involvedObject.kind")?, body.need("involvedObject.name")?);
    let reason = body.need("reason")?;
    let heard = event(delivery, body, object, (&kind, &name, &reason))?;
    Ok(heard.of(&format!("{kind} {reason}")))
}

/// Of the end of a deployment: whether it failed, and whether something was done for certain. Without a revision nobody else can tell whether anything is
/// new: Helm says so by what it did.
fn end(body: Document<'_>, reason: &str) -> Option<(bool, bool)> {
    let failed = reason.ends_with("Failed") || body.at("severity").text() == Some("error");
    let progress = reason.starts_with("Progressing")
        || reason == "DependencyNotReady"
        || reason == "ArtifactUpToDate";
    // Older helm-controllers had no reasons: only the words say what was done.
    let said = body.at("message").text().unwrap_or_default();
    let in_words = reason == "info"
        && ["Helm install succeeded", "Helm upgrade succeeded"].iter().any(|w| said.starts_with(w));
    let helm = matches!(reason, "InstallSucceeded" | "UpgradeSucceeded" | "RollbackSucceeded");
    let others = ["ReconciliationSucceeded", "HealthCheckSucceeded", "TestSucceeded"];
    let deployed = helm || in_words || others.contains(&reason);
    let did = helm || in_words || (failed && reason != "ReconciliationFailed");
    (!progress && (failed || deployed)).then_some((failed, did))
}

fn event(
    delivery: &Delivery<'_>,
    body: Document<'_>,
    object: Document<'_>,
    (kind, name, reason): (&str, &str, &str),
) -> Result<Heard, IntakeFault> {
    if !matches!(kind, "Kustomization" | "HelmRelease") {
        return Ok(Heard::ignored(format!("a {} deploys nothing", text::shown(kind))));
    }
    let Some((failed, did)) = end(body, reason) else {
        return Ok(Heard::ignored(format!("`{}` is no end of a deployment", text::shown(reason))));
    };
    let metadata = body.at("metadata");
    let revision = revision(metadata);
    if revision.is_none() && !did {
        return Ok(Heard::ignored("reconciled, and no revision is said"));
    }
    let at = body.at("timestamp").time();
    let namespace = object.at("namespace").text().unwrap_or_default();
    let of_alert = |keys: &[&str]| keys.iter().find_map(|key| short(metadata, key));
    let cluster = of_alert(&["cluster"]);
    let source = object.at("uid").text().map_or(namespace, |uid| uid.get(..8).unwrap_or(uid));
    let known = format!("flux:{}:{kind}/{name}:{source}", cluster.unwrap_or(""));
    let id = match &revision {
        Some(revision) => format!("{known}:{revision}"),
        None => format!("{known}:{}", at.unwrap_or(delivery.received_at).as_second()),
    };
    let rollback = reason == "RollbackSucceeded";
    let sort = if rollback { ChangeKind::Rollback } else { ChangeKind::Deploy };
    let id = if rollback { format!("{id}:rollback") } else { id };
    let (version, commit) = revision.as_deref().map(parts).unwrap_or_default();
    // An OCI artifact says what it was made of.
    let origin = short(metadata, "originRevision").map(parts).and_then(|(_, commit)| commit);
    let commit = commit.or(origin);
    let said = [of_alert(&["service", "app"]), Some(name)].into_iter().flatten().next();
    let draft = Draft::new(delivery, &id, sort)
        .service(said)
        .environment(of_alert(&["env", "environment"]))
        .version(of_alert(&["version"]).or(version.as_deref()))
        .commit(commit.as_deref())
        .author(of_alert(&["author"]))
        .title(
            of_alert(&["summary"]).or_else(|| failed.then(|| body.at("message").text()).flatten()),
        )
        .url(of_alert(&["url"]))
        .label("cluster", cluster)
        .label("namespace", Some(namespace))
        .label("object", Some(&format!("{kind}/{name}")))
        .label("revision", revision.as_deref())
        .label("region", of_alert(&["region"]))
        .label("reason", Some(reason));
    let draft = if revision.is_some() && !rollback { draft.reports(&known) } else { draft };
    Ok(Heard::one(if failed { draft.failed(None, at) } else { draft.finished(None, at) }))
}

/// A value of the metadata by the last part of its key: `kustomize.toolkit.fluxcd.io/revision` is `revision`.
fn short<'b>(metadata: Document<'b>, wanted: &str) -> Option<&'b str> {
    metadata.key(wanted).text().or_else(|| {
        metadata
            .members()
            .find(|(key, _)| key.rsplit('/').next() == Some(wanted))
            .and_then(|(_, value)| value.text())
    })
}

fn revision(metadata: Document<'_>) -> Option<String> {
    REVISIONS.iter().find_map(|word| short(metadata, word)).and_then(|text| text::kept(text, 200))
}

/// Version and commit of a revision: `main@sha1:731f7e…`, `v1.2.3@sha1:…`, `main/731f7e…`, `6.5.4`, `latest@sha256:…`.
pub(super) fn parts(revision: &str) -> (Option<String>, Option<String>) {
    let (name, hash) = match revision.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => match revision.rsplit_once('/') {
            Some((name, hash)) if text::is_hash(hash) => (name, Some(hash)),
            _ if text::is_hash(revision) => ("", Some(revision)),
            _ => (revision, None),
        },
    };
    let commit = hash.and_then(|hash| match hash.split_once(':') {
        Some(("sha256", _)) => None,
        Some((_, hex)) => Some(hex.to_owned()),
        None => Some(hash.to_owned()),
    });
    let digest =
        hash.filter(|h| h.starts_with("sha256:")).map(|h| h.chars().take(19).collect::<String>());
    let plain = name.strip_prefix('v').unwrap_or(name);
    let versioned = plain.starts_with(|c: char| c.is_ascii_digit());
    let version = if versioned && !name.is_empty() { Some(name.to_owned()) } else { digest };
    (version, commit.filter(|c| text::name(c).is_some()))
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

    fn body(reason: &str, revision: Option<&str>) -> Value {
        json!({
            "involvedObject": { "kind": "Kustomization", "name": "webapp", "namespace": "apps", "uid": "u1" },
            "metadata": { "kustomize.toolkit.fluxcd.io/revision": revision, "env": "production", "cluster": "c1" },
            "severity": if reason.ends_with("Failed") { "error" } else { "info" },
            "reason": reason, "message": "done", "timestamp": "2026-11-20T10:00:00Z"
        })
    }

    fn tidings(body: &Value) -> Tidings {
        tried::change(vec![hear(body)])
    }

    #[test]
    fn a_revision_is_a_change() {
        let told = tidings(&body(
            "ReconciliationSucceeded",
            Some("main@sha1:731f7eaddfb6af01cb2173e18f0f75b0ba780ef1"),
        ));
        assert_eq!(
            told.change.id.as_str(),
            "flux:c1:Kustomization/webapp:u1:main@sha1:731f7eaddfb6af01cb2173e18f0f75b0ba780ef1"
        );
        assert_eq!(told.change.commits[0].id, "731f7eaddfb6af01cb2173e18f0f75b0ba780ef1");
        assert_eq!(told.change.services, ["webapp".into()]);
        assert_eq!(told.change.environments, ["production".into()]);
        assert_eq!(told.reports.as_deref(), Some("flux:c1:Kustomization/webapp:u1"));
        assert!(matches!(hear(&body("ReconciliationSucceeded", None)), Said::Ignored(_)));
        let mut old = body("info", Some("6.5.4"));
        assert!(matches!(hear(&old), Said::Ignored(_)));
        old["message"] = json!("Helm upgrade succeeded");
        assert_eq!(tidings(&old).change.version.as_deref(), Some("6.5.4"));
        let mut artifact = body("ReconciliationSucceeded", Some("1.2.3@sha256:0123456789abcdef"));
        artifact["metadata"]["originRevision"] =
            json!("main@sha1:731f7eaddfb6af01cb2173e18f0f75b0ba780ef1");
        let told = tidings(&artifact).change;
        assert_eq!(told.version.as_deref(), Some("1.2.3"));
        assert_eq!(told.commits[0].id, "731f7eaddfb6af01cb2173e18f0f75b0ba780ef1");
        assert!(matches!(hear(&body("Progressing", Some("x"))), Said::Ignored(_)));
        let failed = tidings(&body("HealthCheckFailed", Some("main/731f7eaddfb6")));
        assert_eq!(failed.change.state, ChangeState::Failed);
        assert_eq!(failed.change.commits[0].id, "731f7eaddfb6");
    }

    #[test]
    fn revisions() {
        let text = |v: Option<&str>| v.map(str::to_owned);
        for (revision, version, commit) in [
            ("main@sha1:abc123d", None, Some("abc123d")),
            ("v1.2.3@sha1:abc123d", Some("v1.2.3"), Some("abc123d")),
            ("main/abc123d", None, Some("abc123d")),
            ("6.5.4", Some("6.5.4"), None),
            ("latest@sha256:0123456789abcdef", Some("sha256:0123456789ab"), None),
            ("main", None, None),
        ] {
            assert_eq!(parts(revision), (text(version), text(commit)), "{revision}");
        }
    }
}
