//! What a request carries: bytes for the wire, and what they were made of for people.

use std::borrow::Cow;

use http::HeaderValue;
use hyper::body::Bytes;
use serde_json::{Map, Value};

use crate::{
    engine::{fault::Trouble, vars::Variables},
    model::{Attachment, Body, FaultKind, Field, FieldContent, Text},
};

/// Media types by the ending of a file's name (IANA).
const TYPES: &[(&str, &str)] = &[
    ("csv", "text/csv"),
    ("gif", "image/gif"),
    ("html", "text/html"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("md", "text/markdown"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("webp", "image/webp"),
    ("xml", "application/xml"),
    ("zip", "application/zip"),
];

/// A body, ready to be sent.
pub(super) struct Built {
    pub(super) bytes: Bytes,
    pub(super) media_type: HeaderValue,
    pub(super) sent: Sent,
}

/// What a body was made of, where its bytes say little to people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Sent {
    /// Text.
    #[default]
    Text,
    /// A file, by its path.
    File(String),
    /// Parts of a form.
    Parts(Vec<Part>),
}

/// One part of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    name: String,
    media_type: Option<String>,
    content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Text(String),
    File { path: String, told: String, length: usize },
}

impl Sent {
    /// The body as a report shows it. Not masked.
    pub(super) fn for_people<'a>(&self, body: &'a [u8]) -> Cow<'a, str> {
        match (self, std::str::from_utf8(body)) {
            (Self::Parts(parts), _) => {
                Cow::Owned(parts.iter().map(Part::line).collect::<Vec<_>>().join("\n"))
            }
            (_, Ok(text)) => Cow::Borrowed(text),
            (Self::File(path), Err(_)) => {
                Cow::Owned(format!("the file {path}, {} bytes", body.len()))
            }
            (Self::Text, Err(_)) => String::from_utf8_lossy(body),
        }
    }

    /// Whether curl itself writes the `Content-Type`.
    pub(super) fn writes_type(&self) -> bool {
        matches!(self, Self::Parts(_))
    }

    /// The words by which curl sends the same, if the text is not enough. Neither masked nor quoted.
    pub(super) fn curl(&self) -> Option<Vec<String>> {
        match self {
            Self::Text => None,
            Self::File(path) => Some(vec!["--data-binary".to_owned(), format!("@{path}")]),
            Self::Parts(parts) => Some(parts.iter().flat_map(Part::curl).collect()),
        }
    }
}

impl Part {
    /// One line for people.
    fn line(&self) -> String {
        let kind = self.media_type.as_ref().map(|kind| format!(" ({kind})")).unwrap_or_default();
        match &self.content {
            Content::Text(text) => format!("{}{kind}: {text}", self.name),
            Content::File { path, told, length } => {
                let told = if path.ends_with(told) { String::new() } else { format!(" as {told}") };
                format!("{}{kind}: the file {path}{told}, {length} bytes", self.name)
            }
        }
    }

    fn curl(&self) -> [String; 2] {
        let kind = self.media_type.as_ref().map(|kind| format!(";type={kind}")).unwrap_or_default();
        match &self.content {
            // `--form-string` takes everything as it is, but knows no type.
            Content::Text(text) if kind.is_empty() => {
                ["--form-string".to_owned(), format!("{}={text}", self.name)]
            }
            Content::Text(text) => ["-F".to_owned(), format!("{}={text}{kind}", self.name)],
            Content::File { path, told, .. } => {
                let told =
                    if path.ends_with(told) { String::new() } else { format!(";filename={told}") };
                ["-F".to_owned(), format!("{}=@{path}{kind}{told}", self.name)]
            }
        }
    }
}

/// Fills a body's templates.
pub(super) fn build(body: &Body, vars: &Variables) -> Result<Built, Trouble> {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    let text =
        |bytes: Vec<u8>, media_type| Built { bytes: bytes.into(), media_type, sent: Sent::Text };
    Ok(match body {
        Body::Text(wanted) => text(
            vars.fill_to_send(wanted)?.into_bytes(),
            HeaderValue::from_static("text/plain; charset=utf-8"),
        ),
        Body::RawJson(wanted) => text(vars.fill_to_send(wanted)?.into_bytes(), JSON),
        Body::Form(fields) => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, text) in fields {
                form.append_pair(name, &vars.fill_to_send(text)?);
            }
            text(
                form.finish().into_bytes(),
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            )
        }
        Body::Json(value) => text(to_bytes(&fill_json(value, vars)?)?, JSON),
        Body::GraphQl { query, variables, operation } => {
            let mut request = Map::new();
            request.insert("query".to_owned(), Value::String(vars.fill_to_send(query)?));
            if let Some(variables) = variables {
                request.insert("variables".to_owned(), fill_json(variables, vars)?);
            }
            if let Some(operation) = operation {
                request.insert("operationName".to_owned(), Value::String(operation.clone()));
            }
            text(to_bytes(&Value::Object(request))?, JSON)
        }
        Body::File(file) => Built {
            bytes: shared(file),
            media_type: HeaderValue::from_static(media_type(&file.path)),
            sent: Sent::File(file.path.clone()),
        },
        Body::Multipart(fields) => multipart(fields, vars)?,
    })
}

/// The bytes of a file, not copied.
fn shared(file: &Attachment) -> Bytes {
    struct Held(std::sync::Arc<[u8]>);
    impl AsRef<[u8]> for Held {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    Bytes::from_owner(Held(std::sync::Arc::clone(&file.bytes)))
}

fn to_bytes(value: &Value) -> Result<Vec<u8>, Trouble> {
    serde_json::to_vec(value).map_err(|error| {
        Trouble::target(FaultKind::Template, format!("the JSON cannot be written: {error}"))
    })
}

/// Every string of a JSON value is a template, and stays a string.
fn fill_json(value: &Value, vars: &Variables) -> Result<Value, Trouble> {
    Ok(match value {
        Value::String(text) => Value::String(vars.fill_to_send(&Text(text.clone()))?),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| fill_json(item, vars)).collect::<Result<_, _>>()?)
        }
        Value::Object(members) => {
            let filled = members.iter().map(|(k, v)| Ok((k.clone(), fill_json(v, vars)?)));
            Value::Object(filled.collect::<Result<_, Trouble>>()?)
        }
        other => other.clone(),
    })
}

/// The media type of a file, by the ending of its name.
fn media_type(path: &str) -> &'static str {
    let ending = path.rsplit('/').next().and_then(|name| name.rsplit_once('.'));
    let ending = ending.map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let known = TYPES.iter().find(|(known, _)| *known == ending);
    known.map_or("application/octet-stream", |(_, media_type)| media_type)
}

/// `multipart/form-data` (RFC 7578); names are escaped as browsers do (WHATWG HTML, multipart form data).
fn multipart(fields: &[Field], vars: &Variables) -> Result<Built, Trouble> {
    // So many random bits stand in no file by chance.
    let boundary = format!("wayfarer-{:032x}", rand::random::<u128>());
    let mut bytes = Vec::new();
    let mut parts = Vec::new();
    for field in fields {
        let filled;
        let (content, raw, default): (Content, &[u8], _) = match &field.content {
            FieldContent::Text(text) => {
                filled = vars.fill_to_send(text)?;
                (Content::Text(filled.clone()), filled.as_bytes(), None)
            }
            FieldContent::File(file) => {
                let told = field.file_name.as_deref().unwrap_or_else(|| file.name()).to_owned();
                let (path, length) = (file.path.clone(), file.bytes.len());
                let content = Content::File { path, told, length };
                (content, &file.bytes, Some(media_type(&file.path)))
            }
        };
        let media_type = field.media_type.as_deref().or(default);
        let mut head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"",
            name(&field.name)
        );
        let told = match &content {
            Content::File { told, .. } => Some(told.as_str()),
            Content::Text(_) => field.file_name.as_deref(),
        };
        if let Some(told) = told {
            head += &format!("; filename=\"{}\"", name(told));
        }
        if let Some(media_type) = media_type {
            head += &format!("\r\nContent-Type: {media_type}");
        }
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes.extend_from_slice(raw);
        bytes.extend_from_slice(b"\r\n");
        parts.push(Part {
            name: field.name.clone(),
            media_type: field.media_type.clone(),
            content,
        });
    }
    bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let media_type = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"))
        .map_err(|_| Trouble::ours("a boundary cannot be written"))?;
    Ok(Built { bytes: bytes.into(), media_type, sent: Sent::Parts(parts) })
}

fn name(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_by_ending() {
        for (path, expected) in [
            ("a/photo.PNG", "image/png"),
            ("x.tar.zip", "application/zip"),
            ("README", "application/octet-stream"),
            ("a.json/b", "application/octet-stream"),
        ] {
            assert_eq!(media_type(path), expected, "{path}");
        }
    }

    #[test]
    fn bodies_for_people() {
        let file = Sent::File("a.bin".to_owned());
        assert_eq!(file.for_people(b"\xff\xfe"), "the file a.bin, 2 bytes");
        assert_eq!(file.for_people(b"<a/>"), "<a/>");
        assert_eq!(file.curl().unwrap(), ["--data-binary", "@a.bin"]);
        let part = |name: &str, media_type: Option<&str>, content| Part {
            name: name.to_owned(),
            media_type: media_type.map(str::to_owned),
            content,
        };
        let told = |told: &str| Content::File {
            path: "pics/p.png".to_owned(),
            told: told.to_owned(),
            length: 9,
        };
        let parts = Sent::Parts(vec![
            part("title", None, Content::Text("@tea".to_owned())),
            part("meta", Some("application/json"), Content::Text("{}".to_owned())),
            part("photo", Some("image/png"), told("p.png")),
            part("other", None, told("x.png")),
        ]);
        assert_eq!(
            parts.for_people(b"\xff"),
            "title: @tea\nmeta (application/json): {}\nphoto (image/png): the file pics/p.png, 9 bytes\n\
             other: the file pics/p.png as x.png, 9 bytes"
        );
        assert_eq!(
            parts.curl().unwrap().join(" "),
            "--form-string title=@tea -F meta={};type=application/json -F photo=@pics/p.png;type=image/png \
             -F other=@pics/p.png;filename=x.png"
        );
        assert_eq!(name("a\"b\r\nc"), "a%22b%0D%0Ac");
    }
}
