//! CDEvents 0.5.1: incidents that are detected and resolved, within CloudEvents.

use serde_json::{Value, json};

use super::{Words, WordsFault, cloudevents::CloudEvent, event};
use crate::model::{Notice, Parcel};

const SPEC: &str = "0.5.1";
/// The version of the incident events in it.
const INCIDENT: &str = "0.3.0";

/// The event of a notice; none of what CDEvents has no event for: it is not the first or the last word of an incident.
///
/// # Errors
/// Words that do not fit the notice.
pub fn of(
    parcel: &Parcel,
    words: &Words,
    id: &str,
    source: &str,
) -> Result<Option<CloudEvent>, WordsFault> {
    use crate::model::Happening as H;
    let (predicate, notice) = match parcel {
        Parcel::Notice(notice) => match notice.happening {
            H::Opened | H::Worsened | H::Joined => ("detected", notice),
            H::Acknowledged => ("reported", notice),
            H::Recovered | H::Dismissed | H::Explained => ("resolved", notice),
            H::Repeated => return Ok(None),
        },
        Parcel::ChangeNews(_) | Parcel::Rollback(_) | Parcel::Status(_) => return Ok(None),
    };
    if predicate == "reported" && notice.page.is_none() {
        // It must name a ticket, and there is no link to give.
        return Ok(None);
    }
    let kind = format!("dev.cdevents.incident.{predicate}.{INCIDENT}");
    let time = event::at(parcel).to_string();
    let mut data = json!({
        "context": {
            "specversion": SPEC, "id": id, "source": source, "type": kind, "timestamp": time,
        },
        "subject": {
            "id": notice.incident, "source": source, "content": content(notice, words, source)?,
        },
        "customData": event::data(parcel, words)?,
        "customDataContentType": "application/json",
    });
    if predicate == "reported" {
        data["subject"]["content"]["ticketURI"] = json!(notice.page);
    }
    let attributes = vec![
        ("specversion", "1.0".to_owned()),
        ("id", id.to_owned()),
        ("source", source.to_owned()),
        ("type", kind),
        ("subject", notice.incident.clone()),
        ("time", time),
    ];
    Ok(Some(CloudEvent { attributes, data }))
}

fn content(notice: &Notice, words: &Words, source: &str) -> Result<Value, WordsFault> {
    let environment = notice.environments.first().map_or("unknown", |e| e.as_str());
    let mut content = json!({
        "description": words.title(notice)?,
        "environment": { "id": environment, "source": source },
    });
    if let Some(service) = notice.services.first() {
        content["service"] = json!({ "id": service, "source": source });
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Templates, render::message::sample};

    #[test]
    fn begins_and_ends_an_incident() {
        let words = Words::new("cdevents", &Templates::default()).unwrap();
        let of = |notice| {
            let parcel = Parcel::Notice(Box::new(notice));
            super::of(&parcel, &words, "k/1", "/wayfarer").unwrap()
        };
        let first = of(sample::regressed()).unwrap();
        assert_eq!(first.attributes[3].1, "dev.cdevents.incident.detected.0.3.0");
        assert_eq!(first.data["context"]["type"], first.attributes[3].1);
        assert_eq!(first.data["subject"]["content"]["service"]["id"], "shop");
        let last = of(sample::recovered()).unwrap();
        assert_eq!(last.attributes[3].1, "dev.cdevents.incident.resolved.0.3.0");
        assert_eq!(last.data["subject"]["id"], first.data["subject"]["id"]);
        let mut again = sample::regressed();
        again.happening = crate::model::Happening::Repeated;
        assert_eq!(of(again), None);
    }
}
