//! CloudEvents 1.0 over HTTP: structured, binary and batched; and what is inside: CDEvents, our own changes, Jenkins.
//!
//! Which mode it is, `Content-Type` says; in binary mode the attributes stand in `ce-` headers, percent-encoded
//! (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md>, section 3.1). Data is looked at
//! only where the type is known, so an event of another type is welcome whatever it carries.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    Delivery, Heard, IntakeFault, Proof, Said, Sender, Tidings, cdevents,
    delivery::{from_slice, starts_with},
    document::Document,
    heard::identifier,
    jenkins, native, time,
};

pub(super) const SENDER: Sender = Sender {
    name: "cloudevents",
    proofs: &[Proof::Authorization, Proof::StandardWebhooks],
    read,
    answer: super::sender::plain,
};

/// Types of ours: the data is a change in our own JSON.
const OWN: &str = "io.wayfarer.change";

/// Most events of a batch.
const MOST: usize = 5_000;

/// One event: its attributes as texts, and its data where it is JSON.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) kind: String,
    pub(super) subject: Option<String>,
    pub(super) time: Option<Timestamp>,
    data: Data,
}

#[derive(Debug, Clone)]
enum Data {
    None,
    Json(Value),
    Raw(Vec<u8>),
    /// `data_base64`, not looked at yet.
    Coded(String),
}

impl Event {
    /// The data as JSON; none where there is none or it is something else.
    pub(super) fn json(&self) -> Option<Value> {
        match &self.data {
            Data::None => None,
            Data::Json(value) => Some(value.clone()),
            Data::Raw(bytes) => serde_json::from_slice(bytes).ok(),
            Data::Coded(text) => serde_json::from_slice(&STANDARD.decode(text.trim()).ok()?).ok(),
        }
    }
}

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let kind = delivery.header("content-type").unwrap_or_default();
    if starts_with(kind, "application/cloudevents-batch") {
        let Value::Array(items) = json_body(delivery, kind)? else {
            return Err(IntakeFault::new("the batch is not a list", "send a JSON array of events"));
        };
        if items.len() > MOST {
            let message = format!("the batch has {} events", items.len());
            return Err(IntakeFault::new(message, format!("send at most {MOST} at once")));
        }
        // A batch is taken as a whole or not at all: its sender repeats all of it.
        let mut said = Vec::new();
        for (n, item) in items.into_iter().enumerate() {
            let at = |fault: IntakeFault| {
                let message = format!("event {n} of the batch: {}", fault.message);
                IntakeFault { message, ..fault }
            };
            said.extend(hear(delivery, &structured(item).map_err(at)?).map_err(at)?);
        }
        return Ok(Heard::from(said).of("batch"));
    }
    let event = if starts_with(kind, "application/cloudevents") {
        structured(json_body(delivery, kind)?)?
    } else if is_binary(delivery) {
        binary(delivery)?
    } else {
        let body = delivery.object()?;
        if cdevents::is_one(&body) {
            return Ok(cdevents::hear(delivery, &body)?.of(cdevents::kind(&body)));
        }
        return Err(IntakeFault::new(
            "this is no CloudEvent: neither its Content-Type nor its ce- headers say so",
            "send `Content-Type: application/cloudevents+json`, or ce-id, ce-source, ce-type and ce-specversion",
        ));
    };
    Ok(Heard::from(hear(delivery, &event)?).of(&event.kind))
}

fn json_body(delivery: &Delivery<'_>, kind: &str) -> Result<Value, IntakeFault> {
    let format = kind.split(';').next().unwrap_or_default().trim();
    let json = !format.contains('+') || format.to_ascii_lowercase().ends_with("+json");
    if !json {
        let message = format!("events as `{}` are not read", super::text::shown(format));
        return Err(IntakeFault::unread(message, "send them as application/cloudevents+json"));
    }
    from_slice(delivery.body)
}

/// Whether the request has all the attributes that an event must have (CloudEvents 1.0, section 3.1.1).
pub(super) fn is_binary(delivery: &Delivery<'_>) -> bool {
    ["ce-id", "ce-source", "ce-type", "ce-specversion"]
        .iter()
        .all(|name| delivery.header(name).is_some())
}

fn binary(delivery: &Delivery<'_>) -> Result<Event, IntakeFault> {
    let mut attributes = Map::new();
    for (name, value) in delivery.headers.iter() {
        let Some(name) = name.get(3..).filter(|_| starts_with(name, "ce-")) else { continue };
        let decoded = decoded(value).ok_or_else(|| {
            IntakeFault::new(
                format!("the header `ce-{name}` is not percent-encoded UTF-8"),
                "encode it as section 3.1.3.2 of the HTTP binding says",
            )
        })?;
        attributes.insert(name.to_ascii_lowercase(), Value::from(decoded));
    }
    let mut event = event(&attributes)?;
    let kind = delivery.header("content-type").unwrap_or("application/json");
    if !delivery.body.is_empty() {
        event.data = match serde_json::from_slice(delivery.body) {
            Ok(json) => Data::Json(json),
            Err(_) if is_json(kind) && matters(&event.kind) => {
                Data::Json(from_slice(delivery.body)?)
            }
            Err(_) => Data::Raw(delivery.body.to_vec()),
        };
    }
    Ok(event)
}

/// A header's value: quotes and backslashes go, then one percent-decoding; none where that is no UTF-8.
fn decoded(value: &str) -> Option<String> {
    let value = value.trim();
    let text = match value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => {
            let (mut text, mut escaped) = (String::new(), false);
            for c in quoted.chars() {
                if c == '\\' && !escaped {
                    escaped = true;
                } else {
                    text.push(c);
                    escaped = false;
                }
            }
            text
        }
        None => value.to_owned(),
    };
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(&text).collect();
    String::from_utf8(bytes).ok()
}

fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.ends_with("/json") || kind.ends_with("+json")
}

fn structured(value: Value) -> Result<Event, IntakeFault> {
    let Value::Object(mut attributes) = value else {
        let message = format!("the event is {}, not an object", Document(&value).type_name());
        return Err(IntakeFault::new(message, "send one event as a JSON object"));
    };
    let data = attributes.shift_remove("data").filter(|data| !data.is_null());
    let coded = attributes.shift_remove("data_base64").filter(|data| !data.is_null());
    let mut event = event(&attributes)?;
    event.data = match (data, coded) {
        (Some(_), Some(_)) => {
            let message = "`data` and `data_base64` stand beside each other";
            return Err(IntakeFault::new(message, "send one of them"));
        }
        (Some(data), None) => Data::Json(data),
        (None, Some(Value::String(text))) => Data::Coded(text),
        (None, Some(other)) => return Err(Document(&other).fault("data_base64", "a text")),
        (None, None) => Data::None,
    };
    Ok(event)
}

fn event(attributes: &Map<String, Value>) -> Result<Event, IntakeFault> {
    let text = |name: &str| match attributes.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => Err(Document(other).fault(name, "a text")),
    };
    let need = |name: &str| {
        text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| {
            IntakeFault::new(
                format!("`{name}` is missing"),
                "an event has `id`, `source`, `type` and `specversion`",
            )
        })
    };
    let version = need("specversion")?;
    if !matches!(version.as_str(), "1.0" | "0.3") {
        let message = format!("`specversion` is `{}`", super::text::shown(&version));
        return Err(IntakeFault::new(message, "send events of version 1.0"));
    }
    let (id, source, kind) = (need("id")?, need("source")?, need("type")?);
    let time = match text("time")? {
        None => None,
        Some(said) => Some(time::from_text(&said).ok_or_else(|| {
            IntakeFault::new("`time` is not a time", "RFC 3339 such as 2026-11-20T14:03:00Z")
        })?),
    };
    Ok(Event { id, source, kind, subject: text("subject")?, time, data: Data::None })
}

/// Whether events of this type are looked into.
fn matters(kind: &str) -> bool {
    kind.starts_with("dev.cdevents.") || kind.starts_with(OWN) || jenkins::is_one(kind)
}

fn hear(delivery: &Delivery<'_>, event: &Event) -> Result<Vec<Said>, IntakeFault> {
    let need = || {
        event.json().ok_or_else(|| {
            IntakeFault::new(
                format!("the data of this `{}` is not JSON", super::text::shown(&event.kind)),
                "send its data as JSON",
            )
        })
    };
    if event.kind.starts_with("dev.cdevents") {
        let body = need()?;
        if cdevents::is_one(&body) {
            return Ok(cdevents::hear(delivery, &body)?.said);
        }
        if !matters(&event.kind) {
            return Ok(Heard::ignored(format!("`{}` says nothing of changes", event.kind)).said);
        }
        let message = "the data of this CDEvent has no `context` and `subject`";
        return Err(IntakeFault::new(message, "the data is the whole CDEvent"));
    }
    if event.kind.starts_with(OWN) {
        return Ok(vec![own(delivery, event, &need()?)?]);
    }
    if jenkins::is_one(&event.kind) {
        return Ok(jenkins::event(delivery, event, &need()?)?.said);
    }
    Ok(Heard::ignored(format!(
        "events of the type `{}` say nothing of changes",
        super::text::kept(&event.kind, 200).unwrap_or_default()
    ))
    .said)
}

/// A change in our own JSON; the event's id and time fill what the data lacks.
fn own(delivery: &Delivery<'_>, event: &Event, data: &Value) -> Result<Said, IntakeFault> {
    let mut data = data.clone();
    if let Value::Object(fields) = &mut data {
        if !fields.contains_key("id") {
            let id = identifier(&format!("cloudevents:{}:{}", event.source, event.id));
            fields.insert("id".to_owned(), Value::from(id.as_str()));
        }
        let timed = fields.contains_key("started_at") || fields.contains_key("finished_at");
        if let Some(time) = event.time.filter(|_| !timed) {
            let field = if fields.get("state").is_some_and(|s| s == "started") {
                "started_at"
            } else {
                "finished_at"
            };
            fields.insert(field.to_owned(), Value::from(time.to_string()));
        }
        if let Some(subject) = &event.subject
            && !fields.contains_key("service")
            && !fields.contains_key("services")
        {
            fields.insert("service".to_owned(), Value::from(subject.clone()));
        }
    }
    let bytes = data.to_string().into_bytes();
    let change = native::parse(&bytes, delivery.hook, delivery.received_at)?;
    Ok(Said::Change(Box::new(Tidings::plain(change))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::{Headers, Known};

    fn hear(headers: &[(&str, &str)], body: &[u8]) -> Result<Vec<Said>, IntakeFault> {
        let pairs = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let (headers, known, query) =
            (Headers::from(pairs.collect::<Vec<_>>()), Known::default(), [].into());
        let delivery = Delivery {
            hook: "cloudevents",
            headers: &headers,
            query: &query,
            rest: "",
            body,
            known: &known,
            received_at: "2026-11-20T12:00:00Z".parse().unwrap(),
        };
        read(&delivery).map(|heard| heard.said)
    }

    const STRUCTURED: (&str, &str) =
        ("Content-Type", "application/cloudevents+json; charset=utf-8");
    const BATCH: (&str, &str) = ("content-type", "APPLICATION/CloudEvents-batch+json");

    #[test]
    fn structured_and_batched() {
        let one = br#"{"specversion":"1.0","type":"io.wayfarer.change","source":"/ci","id":"1","subject":"shop","time":"2026-11-20T10:00:00Z","data":{"version":"2"}}"#;
        let said = hear(&[STRUCTURED], one).unwrap();
        let [Said::Change(tidings)] = &said[..] else { panic!("{said:?}") };
        assert_eq!(tidings.change.services, ["shop".into()]);
        assert_eq!(tidings.change.finished_at.unwrap().to_string(), "2026-11-20T10:00:00Z");
        assert_eq!(tidings.change.id.as_str(), "cloudevents:/ci:1");
        assert!(hear(&[BATCH], b"[]").unwrap().is_empty());
        let two = [b"[", &one[..], b",", &one[..], b"]"].concat();
        assert_eq!(hear(&[BATCH], &two).unwrap().len(), 2);
        let fault = hear(&[BATCH], br#"[{"specversion":"1.0"}]"#).unwrap_err();
        assert_eq!(fault.message, "event 0 of the batch: `id` is missing");
    }

    #[test]
    fn binary_headers_are_decoded_once() {
        assert_eq!(decoded("Euro%20%E2%82%AC%20%F0%9F%98%80").as_deref(), Some("Euro € 😀"));
        assert_eq!(decoded(r#""a \"b\" \\ %2525""#).as_deref(), Some("a \"b\" \\ %25"));
        assert_eq!(decoded("%C0%A0"), None);
        let headers = [
            ("ce-specversion", "1.0"),
            ("CE-Type", "io.wayfarer.change.v1"),
            ("ce-source", "/ci"),
            ("ce-id", "a%20b"),
            ("content-type", "application/json"),
        ];
        let said = hear(&headers, br#"{"service":"shop"}"#).unwrap();
        let [Said::Change(tidings)] = &said[..] else { panic!("{said:?}") };
        assert!(tidings.change.id.as_str().starts_with("cloudevents:/ci:a-b-"));
        let mut broken = headers;
        broken[3].1 = "%C0%A0";
        assert!(hear(&broken, b"{}").unwrap_err().message.contains("ce-id"));
    }

    #[test]
    fn what_is_refused_and_what_is_passed_over() {
        for (body, expected) in [
            ("{", "the body is not JSON"),
            ("[]", "the event is a list"),
            (r#"{"specversion":"1.0","id":"1","type":"x"}"#, "`source` is missing"),
            (r#"{"specversion":"2.0","id":"1","type":"x","source":"s"}"#, "`specversion` is `2.0`"),
            (r#"{"specversion":"1.0","id":"1","type":"x","source":"s","time":"now"}"#, "`time`"),
            (
                r#"{"specversion":"1.0","id":"1","type":"x","source":"s","data":1,"data_base64":"AA=="}"#,
                "beside",
            ),
        ] {
            let fault = hear(&[STRUCTURED], body.as_bytes()).unwrap_err();
            assert!(fault.message.contains(expected), "{body}: {}", fault.message);
        }
        let said = hear(
            &[STRUCTURED],
            br#"{"specversion":"1.0","id":"1","type":"x","source":"s","data_base64":"not base64","subject":null}"#,
        );
        assert!(matches!(said.unwrap()[..], [Said::Ignored(_)]));
        assert!(hear(&[("content-type", "application/cloudevents+avro")], b"x").is_err());
        assert!(hear(&[], br#"{"a":1}"#).is_err());
    }
}
