//! HCP Terraform's notifications: a run that is applied is a change of infrastructure; drift that was found is one, too
//! (<https://developer.hashicorp.com/terraform/cloud-docs/workspaces/settings/notifications>).
//!
//! `run:completed` is said of a run that changed nothing as well: only `applied` is a change. A run that fails before it is applied altered nothing.

use super::{
    Delivery, Heard, IntakeFault, Proof, Said, Sender, document::Document, heard::Draft,
    sender::plain, text,
};
use crate::model::ChangeKind;

pub(super) const SENDER: Sender = Sender {
    name: "terraform",
    proofs: &[Proof::Hex512("X-TFE-Notification-Signature")],
    read,
    answer: plain,
};

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let body = delivery.object()?;
    let body = Document(&body);
    let notices = body.at("notifications");
    if !notices.0.is_array() {
        return Err(notices.fault("notifications", "a list"));
    }
    let mut said: Vec<Said> = Vec::new();
    let mut event = String::new();
    for notice in notices.items() {
        let trigger = notice.at("trigger").text().unwrap_or_default();
        trigger.clone_into(&mut event);
        said.extend(hear(delivery, body, notice, trigger)?.said);
    }
    Ok(Heard::from(said).of(&event))
}

fn hear(
    delivery: &Delivery<'_>,
    body: Document<'_>,
    notice: Document<'_>,
    trigger: &str,
) -> Result<Heard, IntakeFault> {
    if trigger == "verification" {
        return Ok(Heard::ignored("a verification: the hook works"));
    }
    let drifted = trigger == "assessment:drifted";
    let workspace = body.need("workspace_name")?;
    let organisation = body.at("organization_name").text().unwrap_or_default();
    let at = notice.at("run_updated_at").time();
    let run = match body.at("run_id").word() {
        Some(run) => run,
        None if drifted => format!("drift-{}", at.unwrap_or(delivery.received_at).as_second()),
        None => return Err(body.at("run_id").fault("run_id", "a text")),
    };
    // `payments-production` says service and environment, where these are known here.
    let parts = || workspace.split(['-', '_', '/']);
    let place = delivery
        .known
        .environment_here(&workspace)
        .or_else(|| parts().rev().find_map(|part| delivery.known.environment_here(part)));
    let service = delivery
        .known
        .service_here(&workspace)
        .or_else(|| parts().find_map(|part| delivery.known.service_here(part)));
    let kind = if drifted { ChangeKind::Drift } else { ChangeKind::Infra };
    let draft = Draft::new(delivery, &format!("terraform:{organisation}/{workspace}:{run}"), kind)
        .service(service.as_ref().map(|s| s.as_str()))
        .environment(place.as_ref().map(|e| e.as_str()))
        .author(body.at("run_created_by").text())
        .title(body.at("run_message").text().or_else(|| notice.at("message").text()))
        .url(body.at("run_url").text())
        .build(Some(&run))
        .label("workspace", Some(&workspace))
        .label("organization", Some(organisation));
    let status = notice.at("run_status").text().unwrap_or_default();
    Ok(match (trigger, status) {
        ("run:applying", _) => Heard::one(draft.started(at)),
        ("run:completed", "applied") => Heard::one(draft.finished(None, at)),
        ("run:errored", _) => Heard::one(draft.follows().failed(None, at)),
        ("assessment:drifted", _) => Heard::one(draft.finished(at, at)),
        ("run:completed", status) => {
            Heard::ignored(format!("a run ended as `{}`: nothing was changed", text::shown(status)))
        }
        (other, _) => Heard::ignored(format!("`{}` changes nothing", text::shown(other))),
    })
}
