//! CloudEvents 1.0, JSON format (structured) and HTTP headers (binary).

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Words, WordsFault, event};
use crate::model::Parcel;

/// What a header may not hold as it is: CloudEvents, HTTP binding 3.1.3.2.
const IN_HEADER: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// An event: its attributes in their order, and its data.
#[derive(Debug, Clone, PartialEq)]
pub struct CloudEvent {
    /// Names and values; `datacontenttype` is JSON and is not among them.
    pub attributes: Vec<(&'static str, String)>,
    /// What it is about.
    pub data: Value,
}

impl CloudEvent {
    /// The event of a parcel. `id` is the same at each try, `source` says who we are.
    ///
    /// # Errors
    /// Words that do not fit the notice.
    pub fn of(parcel: &Parcel, words: &Words, id: &str, source: &str) -> Result<Self, WordsFault> {
        let subject = match parcel {
            Parcel::Notice(notice) => notice.incident.clone(),
            Parcel::ChangeNews(news) => format!("change:{}", news.change.id),
            Parcel::Rollback(order) => format!("change:{}", order.change.id),
            Parcel::Status(report) => format!("change:{}", report.change),
        };
        let attributes = vec![
            ("specversion", "1.0".to_owned()),
            ("id", id.to_owned()),
            ("source", source.to_owned()),
            ("type", format!("dev.wayfarer.{}", event::kind(parcel))),
            ("subject", subject),
            ("time", event::at(parcel).to_string()),
        ];
        Ok(Self { attributes, data: event::data(parcel, words)? })
    }

    /// One JSON object (`application/cloudevents+json`).
    pub fn structured(&self) -> Value {
        let mut whole = json!({});
        for (name, value) in &self.attributes {
            whole[*name] = json!(value);
        }
        whole["datacontenttype"] = json!("application/json");
        whole["data"] = self.data.clone();
        whole
    }

    /// Headers; the body is then the data.
    pub fn headers(&self) -> Vec<(String, String)> {
        let header = |(name, value): &(&str, String)| {
            (format!("ce-{name}"), utf8_percent_encode(value, IN_HEADER).to_string())
        };
        self.attributes.iter().map(header).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Templates, render::message::sample};

    #[test]
    fn structured_and_binary_say_the_same() {
        let words = Words::new("cloudevents", &Templates::default()).unwrap();
        let mut notice = sample::regressed();
        notice.incident = "change:50% \"é\"".to_owned();
        let parcel = Parcel::Notice(Box::new(notice));
        let event = CloudEvent::of(&parcel, &words, "k/1", "https://w.example").unwrap();
        let whole = event.structured();
        assert_eq!(whole["type"], "dev.wayfarer.incident.opened");
        assert_eq!(whole["specversion"], "1.0");
        assert_eq!(whole["data"]["severity"], "critical");
        let headers = event.headers();
        assert!(headers.contains(&("ce-subject".into(), "change:50%25%20%22%C3%A9%22".into())));
        assert_eq!(headers.len(), 6);
    }
}
