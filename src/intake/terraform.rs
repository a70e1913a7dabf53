//! HCP Terraform's notifications: a run that is applied is a change of infrastructure; drift that was found is one, too
//! (<https://developer.hashicorp.com/terraform/cloud-docs/workspaces/settings/notifications>).
//!
//! Runs come in bodies of version 1, health assessments in bodies of version 2: one notification, with its `details`.
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

/// Somebody altered by hand what Terraform looks after.
const DRIFTED: &str = "assessment:drifted";

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let body = delivery.object()?;
    let body = Document(&body);
    let notices = body.at("notifications");
    if notices.is_missing()
        && let Some(trigger) = body.at("trigger").text()
    {
        return Ok(second(delivery, body, trigger)?.of(trigger));
    }
    if !notices.0.is_array() {
        return Err(notices.fault("notifications", "a list"));
    }
    let mut said: Vec<Said> = Vec::new();
    let mut event = String::new();
    for notice in notices.items() {
        let trigger = notice.at("trigger").text().unwrap_or_default();
        trigger.clone_into(&mut event);
        said.extend(first(delivery, body, notice, trigger)?.said);
    }
    Ok(Heard::from(said).of(&event))
}

/// A body of version 1: runs, each notification beside the run it is of.
fn first(
    delivery: &Delivery<'_>,
    body: Document<'_>,
    notice: Document<'_>,
    trigger: &str,
) -> Result<Heard, IntakeFault> {
    if trigger == "verification" {
        return Ok(Heard::ignored("a verification: the hook works"));
    }
    let drifted = trigger == DRIFTED;
    let at = notice.at("run_updated_at").time();
    let run = match body.at("run_id").word() {
        Some(run) => run,
        None if drifted => format!("drift-{}", at.unwrap_or(delivery.received_at).as_second()),
        None => return Err(body.at("run_id").fault("run_id", "a text")),
    };
    let kind = if drifted { ChangeKind::Drift } else { ChangeKind::Infra };
    let draft = draft(delivery, body, &run, kind)?
        .author(body.at("run_created_by").text())
        .title(body.at("run_message").text().or_else(|| notice.at("message").text()))
        .url(body.at("run_url").text());
    let status = notice.at("run_status").text().unwrap_or_default();
    Ok(match (trigger, status) {
        ("run:applying", _) => Heard::one(draft.started(at)),
        ("run:completed", "applied") => Heard::one(draft.finished(None, at)),
        ("run:errored", _) => Heard::one(draft.follows().failed(None, at)),
        (DRIFTED, _) => Heard::one(draft.finished(at, at)),
        ("run:completed", status) => {
            Heard::ignored(format!("a run ended as `{}`: nothing was changed", text::shown(status)))
        }
        (other, _) => Heard::ignored(format!("`{}` changes nothing", text::shown(other))),
    })
}

/// A body of version 2: one notification, of a health assessment, a workspace or a team.
fn second(
    delivery: &Delivery<'_>,
    body: Document<'_>,
    trigger: &str,
) -> Result<Heard, IntakeFault> {
    if trigger == "verification" {
        return Ok(Heard::ignored("a verification: the hook works"));
    }
    if trigger != DRIFTED {
        return Ok(Heard::ignored(format!("`{}` changes nothing", text::shown(trigger))));
    }
    let details = body.need_object("details")?;
    let result = details.at("new_assessment_result");
    let at = result.at("created_at").time();
    let id = result
        .at("id")
        .word()
        .unwrap_or_else(|| format!("drift-{}", at.unwrap_or(delivery.received_at).as_second()));
    let resources = result.at("resources_drifted").word();
    let title = match &resources {
        Some(count) => format!("drift was found: {count} resources"),
        None => body.at("message").text().unwrap_or("drift was found").to_owned(),
    };
    let draft = draft(delivery, details, &id, ChangeKind::Drift)?;
    Ok(Heard::one(draft.title(Some(&title)).finished(at, at)))
}

/// A change of the workspace that a part of the body names.
fn draft<'a>(
    delivery: &'a Delivery<'a>,
    part: Document<'_>,
    run: &str,
    kind: ChangeKind,
) -> Result<Draft<'a>, IntakeFault> {
    let workspace = part.need("workspace_name")?;
    let organisation = part.at("organization_name").text().unwrap_or_default();
    let parts = || workspace.split(['-', '_', '/']);
    let known = delivery.known;
    let place = known
        .environment_here(&workspace)
        .or_else(|| parts().rev().find_map(|part| known.environment_here(part)));
    let service = known
        .service_here(&workspace)
        .or_else(|| parts().find_map(|part| known.service_here(part)));
    Ok(Draft::new(delivery, &format!("terraform:{organisation}/{workspace}:{run}"), kind)
        .service(service.as_ref().map(|s| s.as_str()))
        .environment(place.as_ref().map(|e| e.as_str()))
        .build(Some(run))
        .label("workspace", Some(&workspace))
        .label("organization", Some(organisation)))
}
