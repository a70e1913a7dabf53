//! The call that marks a deploy of a release in Sentry: `POST /api/0/organizations/ORG/releases/VERSION/deploys/`
//! (<https://docs.sentry.io/api/releases/create-a-deploy/>). A version such as `shop@2.4.1` says the service, too.

use serde_json::{Value, json};

use super::{
    Delivery, Heard, IntakeFault, Proof, Sender,
    document::Document,
    heard::{Draft, digest},
    text,
};
use crate::model::{ChangeId, ChangeKind};

pub(super) const SENDER: Sender = Sender {
    name: "sentry",
    proofs: &[Proof::Authorization, Proof::Hex256("X-Sentry-Signature")],
    read,
    answer,
};

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let body = delivery.object()?;
    let body = Document(&body);
    let parts: Vec<&str> = delivery.rest.trim_matches('/').split('/').collect();
    let at = parts.iter().position(|part| *part == "releases");
    let version = at.and_then(|at| parts.get(at + 1)).map(|part| decoded(part));
    let version =
        version.filter(|_| parts.last() == Some(&"deploys")).or_else(|| body.at("version").word());
    let Some(version) = version else {
        return Err(IntakeFault::new(
            "the address names no release",
            "POST to …/organizations/ORG/releases/VERSION/deploys/",
        ));
    };
    let environment = body.need("environment")?;
    let (package, plain) = match version.rsplit_once('@') {
        Some((package, plain)) if !package.is_empty() && !plain.is_empty() => {
            (Some(package), plain)
        }
        _ => (None, version.as_str()),
    };
    let (started, finished) = (body.at("dateStarted").time(), body.at("dateFinished").time());
    let said = format!("{}:{:?}:{:?}", body.at("name").text().unwrap_or(""), started, finished);
    let key = format!("sentry:{version}:{environment}:{}", digest(&said));
    let hash = Some(plain).filter(|v| text::is_hash(v) && v.len() >= 12);
    let mut draft = Draft::new(delivery, &key, ChangeKind::Deploy)
        .environment(Some(&environment))
        .version(Some(plain).filter(|_| hash.is_none()))
        .commit(hash)
        .title(body.at("name").text())
        .url(body.at("url").text())
        .label("sentry_release", Some(&version));
    let projects: Vec<&str> = body.at("projects").items().filter_map(Document::text).collect();
    // …/projects/ORG/PROJECT/releases/…
    let of_path = at
        .filter(|at| at.checked_sub(3).and_then(|n| parts.get(n)) == Some(&"projects"))
        .and_then(|at| parts.get(at - 1));
    let names = if projects.is_empty() {
        package.or(of_path.copied()).into_iter().collect()
    } else {
        projects
    };
    for name in names {
        draft = draft.service(Some(name));
    }
    Ok(Heard::one(draft.finished(started, finished.or(Some(delivery.received_at)))).of("deploy"))
}

fn decoded(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}

/// What Sentry answers.
fn answer(delivery: &Delivery<'_>, told: &[ChangeId]) -> Option<(u16, Value)> {
    let body = delivery.object().ok()?;
    let body = Document(&body);
    Some((
        201,
        json!({
            "id": told.first().map(|id| digest(id.as_str())),
            "environment": body.at("environment").text(),
            "name": body.at("name").text(),
            "url": body.at("url").text(),
            "dateStarted": body.at("dateStarted").0,
            "dateFinished": body.at("dateFinished").0,
        }),
    ))
}
