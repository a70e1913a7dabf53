//! The call that writes a marker at Honeycomb: `POST /1/markers/DATASET` with `X-Honeycomb-Team`
//! (<https://docs.honeycomb.io/api/tag/Markers>). Times are in seconds; the message is read like an annotation's text.

use serde_json::{Value, json};

use super::{
    Delivery, Heard, IntakeFault, Proof, Sender, document::Document, grafana::Marker, heard::digest,
};
use crate::model::ChangeId;

pub(super) const SENDER: Sender = Sender {
    name: "honeycomb",
    proofs: &[Proof::Plain("X-Honeycomb-Team"), Proof::Authorization],
    read,
    answer,
};

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let body = delivery.object()?;
    let body = Document(&body);
    let message = body.at("message").text().map(str::to_owned);
    let kind = body.at("type").text();
    if message.is_none() && kind.is_none() {
        return Err(body.at("message").fault("message", "a text"));
    }
    let mut tags: Vec<String> = kind.map(str::to_owned).into_iter().collect();
    let dataset = delivery.rest.trim_matches('/').rsplit('/').next().unwrap_or_default();
    if let Some(service) = delivery.known.service_here(dataset).filter(|_| dataset != "__all__") {
        tags.push(format!("service:{}", service.as_str()));
    }
    let mut text = message.unwrap_or_default();
    if let Some(url) = body.at("url").text() {
        text.push_str(&format!("\nurl: {url}"));
    }
    let time = |name: &str| {
        let part = body.at(name);
        match part.time() {
            None if !part.is_missing() => Err(part.fault(name, "seconds since 1970")),
            time => Ok(time),
        }
    };
    let marker =
        Marker { time: time("start_time")?, end: time("end_time")?, tags, text, graphite: false };
    let id = marker.id(delivery).replacen("grafana:", "honeycomb:", 1);
    Ok(marker.heard(delivery, &id, false).of(kind.unwrap_or("marker")))
}

/// What Honeycomb answers.
fn answer(delivery: &Delivery<'_>, told: &[ChangeId]) -> Option<(u16, Value)> {
    let body = delivery.object().ok()?;
    let body = Document(&body);
    let at = delivery.received_at;
    Some((
        201,
        json!({
            "id": told.first().map(|id| digest(id.as_str())[..11].to_owned()),
            "created_at": at,
            "updated_at": at,
            "start_time": body.at("start_time").0,
            "end_time": body.at("end_time").0,
            "message": body.at("message").text(),
            "type": body.at("type").text(),
            "url": body.at("url").text(),
        }),
    ))
}
