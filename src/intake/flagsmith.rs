//! Flagsmith's webhooks: a flag was altered in an environment (<https://docs.flagsmith.com/system-administration/webhooks>).
//!
//! One publish of a version says every flag state anew and then itself: what is said of one flag within ten seconds is one change. What is
//! altered for a single identity is none.

use super::{
    Delivery, Heard, IntakeFault, Proof, Sender, document::Document, heard::Draft, sender::plain,
    text,
};
use crate::model::ChangeKind;

pub(super) const SENDER: Sender = Sender {
    name: "flagsmith",
    proofs: &[Proof::Hex256("X-Flagsmith-Signature")],
    read,
    answer: plain,
};

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let body = delivery.object()?;
    let body = Document(&body);
    if body.at("event_type").is_missing() && !body.at("related_object_type").is_missing() {
        let why = "an entry of the audit log: the webhook of the environment tells of flags";
        return Ok(Heard::ignored(why).of("audit log"));
    }
    let event = body.need("event_type")?;
    if !matches!(event.as_str(), "FLAG_UPDATED" | "FLAG_DELETED" | "NEW_VERSION_PUBLISHED") {
        return Ok(
            Heard::ignored(format!("`{}` says nothing of flags", text::shown(&event))).of(&event)
        );
    }
    let data = body.need_object("data")?;
    let (new, old) = (data.at("new_state"), data.at("previous_state"));
    let state = if new.is_missing() { old } else { new };
    if !state.at("identity").is_missing() || !state.at("identity_identifier").is_missing() {
        return Ok(Heard::ignored("a flag was altered for one identity only").of(&event));
    }
    let feature =
        if state.at("feature").is_missing() { data.at("feature") } else { state.at("feature") };
    let flag = feature
        .at("name")
        .text()
        .ok_or_else(|| feature.at("name").fault("data.new_state.feature.name", "a text"))?;
    let place = if state.at("environment").is_missing() {
        data.at("environment")
    } else {
        state.at("environment")
    };
    let at = data.at("timestamp").time();
    let moment = at.unwrap_or(delivery.received_at).as_second() / 10;
    let place_id = place.at("id").word().or_else(|| place.word()).unwrap_or_default();
    let project = feature.at("project.name").text();
    let here = |name: Option<&str>| name.and_then(|name| delivery.known.service_here(name));
    let service = here(Some(flag)).or_else(|| here(project));
    let switched = match (event.as_str(), old.at("enabled").truth(), new.at("enabled").truth()) {
        ("FLAG_DELETED", ..) => "deleted",
        (_, Some(false), Some(true)) => "switched on",
        (_, Some(true), Some(false)) => "switched off",
        _ => "altered",
    };
    Ok(Heard::one(
        Draft::new(delivery, &format!("flagsmith:{place_id}:{flag}:{moment}"), ChangeKind::Flag)
            .service(service.as_ref().map(|s| s.as_str()))
            .environment(place.at("name").text().or_else(|| place.text()))
            .title(Some(&format!("flag {flag} was {switched}")))
            .author(data.at("changed_by").text().or_else(|| data.at("published_by").text()))
            .label("flag", Some(flag))
            .label("project", project)
            .finished(at, at),
    )
    .of(&event))
}
