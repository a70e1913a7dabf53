//! Unleash's webhook: an event of its log; it has no signature, only a header that one may set
//! (<https://docs.getunleash.io/reference/integrations/webhook>).

use super::{
    Delivery, Heard, IntakeFault, Proof, Sender, document::Document, heard::Draft, sender::plain,
    text,
};
use crate::model::ChangeKind;

pub(super) const SENDER: Sender = Sender {
    name: "unleash",
    proofs: &[Proof::Authorization, Proof::Plain("Authorization")],
    read,
    answer: plain,
};

/// Events that alter what somebody is served, by how their names begin.
const EFFECTIVE: &[&str] = &[
    // Before there were environments.
    "feature-updated",
    "feature-enabled",
    "feature-disabled",
    "feature-environment-enabled",
    "feature-environment-disabled",
    "feature-environment-variants-updated",
    "feature-strategy-",
    "feature-variants-updated",
    "feature-archived",
    "feature-revived",
    "feature-deleted",
    "feature-import",
    "features-imported",
    "change-request-applied",
    "segment-updated",
    "segment-deleted",
    "strategy-order-changed",
];

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let body = delivery.object()?;
    let body = Document(&body);
    let kind = body.need("type")?;
    let id = body.need("id")?;
    if !EFFECTIVE.iter().any(|start| kind.starts_with(start)) {
        return Ok(Heard::ignored(format!("`{}` alters nothing for anybody", text::shown(&kind)))
            .of(&kind));
    }
    let flag = body.at("featureName").text();
    let project = body.at("project").text();
    let here = |name: Option<&str>| name.and_then(|name| delivery.known.service_here(name));
    let service = here(flag).or_else(|| here(project));
    let said = body.at("label").text().or_else(|| body.at("summary").text());
    let title = said.map_or_else(|| format!("{kind} {}", flag.unwrap_or_default()), str::to_owned);
    let at = body.at("createdAt").time();
    Ok(Heard::one(
        Draft::new(delivery, &format!("unleash:{}:{id}", delivery.hook), ChangeKind::Flag)
            .service(service.as_ref().map(|s| s.as_str()))
            .environment(body.at("environment").text())
            .title(Some(&title))
            .author(body.at("createdBy").text())
            .label("flag", flag)
            .label("project", project)
            .label("action", Some(&kind))
            .finished(at, at),
    )
    .of(&kind))
}
