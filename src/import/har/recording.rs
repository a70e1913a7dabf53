//! HAR 1.2 as Chrome, Edge, Firefox, Safari and proxies write it, read into exchanges.
//!
//! Format: <http://www.softwareishard.com/blog/har-12-spec/>; keys that begin with `_` are Chrome's own.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use url::Url;

use crate::import::fault::ImportError;

#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    #[serde(default)]
    creator: Option<Creator>,
    #[serde(default)]
    browser: Option<Creator>,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Creator {
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    started_date_time: Option<String>,
    request: Request,
    #[serde(default)]
    response: Option<Response>,
    #[serde(default, rename = "_resourceType")]
    resource_type: Option<String>,
    #[serde(default, rename = "_webSocketMessages")]
    messages: Option<serde::de::IgnoredAny>,
    #[serde(default, rename = "_fetchedViaServiceWorker")]
    service_worker: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    cookies: Vec<Pair>,
    #[serde(default)]
    post_data: Option<PostData>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    #[serde(default)]
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    #[serde(default)]
    mime_type: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    params: Option<Vec<Parameter>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameter {
    name: String,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    file_name: Option<String>,
    #[serde(default)]
    content_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    #[serde(default)]
    status: serde_json::Value,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    cookies: Vec<Pair>,
    #[serde(default)]
    content: Option<Content>,
    #[serde(default, rename = "redirectURL")]
    redirect_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    #[serde(default)]
    mime_type: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    encoding: Option<String>,
}

/// A recording.
pub(super) struct Recording {
    /// The program that made it.
    pub(super) by: String,
    pub(super) exchanges: Vec<Exchange>,
    /// How many entries have an address that is no http address, with their schemes.
    pub(super) odd: Vec<String>,
}

/// One request with its response.
#[derive(Debug, Clone, Default)]
pub(super) struct Exchange {
    pub(super) method: String,
    pub(super) url: Option<Url>,
    /// Names in lower case.
    pub(super) sent: Vec<(String, String)>,
    pub(super) cookies: Vec<(String, String)>,
    pub(super) body: Option<Sent>,
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) received: Vec<(String, String)>,
    pub(super) set_cookies: Vec<(String, String)>,
    /// The media type of the response, without parameters.
    pub(super) media: String,
    pub(super) text: Option<String>,
    pub(super) location: Option<Url>,
    /// Chrome's word for what was asked for.
    pub(super) kind: Option<String>,
    pub(super) socket: bool,
    pub(super) service_worker: bool,
    /// Redirects that were followed to get the response.
    pub(super) redirects: u32,
    /// Where they led.
    pub(super) landed: Option<Url>,
}

/// What was sent.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) media: String,
    pub(super) text: Option<String>,
    pub(super) fields: Vec<Field>,
}

/// One field of a form.
#[derive(Debug, Clone, Default)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
    /// The name of the file that was sent, where it was one.
    pub(super) file: Option<String>,
    pub(super) media: Option<String>,
}

impl Exchange {
    /// The value of a header that was sent.
    pub(super) fn sent(&self, name: &str) -> Option<&str> {
        self.sent.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a header that was received.
    pub(super) fn received(&self, name: &str) -> Option<&str> {
        self.received.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The host that was asked.
    pub(super) fn host(&self) -> &str {
        self.url.as_ref().and_then(Url::host_str).unwrap_or_default()
    }

    /// Method and address for people: no query, which may hold anything.
    pub(super) fn label(&self) -> String {
        let Some(url) = &self.url else { return self.method.clone() };
        let path: String = url.path().chars().take(80).collect();
        format!("{} {}{path}", self.method, self.host())
    }
}

/// Reads a recording; entries in the order in which they began.
pub(super) fn read(text: &str) -> Result<Recording, ImportError> {
    let har: Har =
        serde_json::from_str(text).map_err(|error| ImportError::json("a HAR recording", &error))?;
    let program = har.log.browser.or(har.log.creator).and_then(|creator| creator.name);
    let by = match program.as_deref() {
        None | Some("") => "a recording".to_owned(),
        Some("WebInspector") => "a recording by Chrome".to_owned(),
        Some("WebKit Web Inspector") => "a recording by Safari".to_owned(),
        Some(name) => {
            format!(
                "a recording by {}",
                name.chars().filter(|c| !c.is_control()).take(40).collect::<String>()
            )
        }
    };
    let mut entries = har.log.entries;
    let times: Vec<Option<jiff::Timestamp>> = entries
        .iter()
        .map(|entry| entry.started_date_time.as_deref().and_then(|time| time.parse().ok()))
        .collect();
    if times.iter().all(Option::is_some) {
        let mut timed: Vec<(Option<jiff::Timestamp>, Entry)> =
            times.into_iter().zip(entries).collect();
        timed.sort_by_key(|(time, _)| *time);
        entries = timed.into_iter().map(|(_, entry)| entry).collect();
    }
    let mut recording = Recording { by, exchanges: Vec::new(), odd: Vec::new() };
    for entry in entries {
        let parsed = Url::parse(&entry.request.url).ok();
        match parsed.filter(|url| matches!(url.scheme(), "http" | "https" | "ws" | "wss")) {
            Some(url) => recording.exchanges.push(exchange(entry, url)),
            None => {
                let scheme = entry.request.url.split(':').next().unwrap_or_default();
                let scheme: String =
                    scheme.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
                recording.odd.push(format!("{scheme}:"));
            }
        }
    }
    Ok(recording)
}

fn pairs(pairs: Vec<Pair>) -> Vec<(String, String)> {
    pairs.into_iter().map(|pair| (pair.name, pair.value.unwrap_or_default())).collect()
}

fn lower(pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
}

fn exchange(entry: Entry, url: Url) -> Exchange {
    let sent = lower(pairs(entry.request.headers));
    let mut cookies = pairs(entry.request.cookies);
    if cookies.is_empty() {
        let headers = sent.iter().filter(|(name, _)| name == "cookie");
        cookies.extend(headers.flat_map(|(_, value)| value.split(';')).filter_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        }));
    }
    let mut exchange = Exchange {
        method: entry.request.method,
        cookies,
        body: entry.request.post_data.map(|data| body(data, &sent)),
        kind: entry.resource_type.map(|kind| kind.to_ascii_lowercase()),
        socket: entry.messages.is_some() || matches!(url.scheme(), "ws" | "wss"),
        service_worker: entry.service_worker.unwrap_or_default(),
        sent,
        ..Exchange::default()
    };
    if let Some(response) = entry.response {
        exchange.status = response.status.as_u64().and_then(|s| u16::try_from(s).ok()).unwrap_or(0);
        exchange.received = lower(pairs(response.headers));
        exchange.set_cookies = set_cookies(&exchange.received);
        if exchange.set_cookies.is_empty() {
            exchange.set_cookies = pairs(response.cookies);
        }
        let location = response.redirect_url.filter(|location| !location.is_empty());
        let location = location.or_else(|| exchange.received("location").map(str::to_owned));
        exchange.location = location.and_then(|location| url.join(&location).ok());
        let media = response.content.as_ref().and_then(|content| content.mime_type.clone());
        let media = media.filter(|media| !media.is_empty() && media != "x-unknown");
        let media = media.or_else(|| exchange.received("content-type").map(str::to_owned));
        exchange.media = bare_media(&media.unwrap_or_default());
        exchange.text = response.content.and_then(content);
    }
    exchange.url = Some(url);
    exchange
}

/// A media type without its parameters.
pub(super) fn bare_media(media: &str) -> String {
    media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn content(content: Content) -> Option<String> {
    let text = content.text?;
    if content.encoding.as_deref() != Some("base64") {
        return Some(text);
    }
    String::from_utf8(BASE64_STANDARD.decode(text.trim()).ok()?).ok()
}

/// `Set-Cookie` headers; Firefox and Chrome put several into one value, line by line.
fn set_cookies(received: &[(String, String)]) -> Vec<(String, String)> {
    let headers = received.iter().filter(|(name, _)| name == "set-cookie");
    let lines = headers.flat_map(|(_, value)| value.lines());
    lines
        .filter_map(|line| {
            let (name, value) = line.split(';').next()?.split_once('=')?;
            Some((name.trim().to_owned(), value.trim().to_owned()))
        })
        .collect()
}

fn body(data: PostData, sent: &[(String, String)]) -> Sent {
    let media = data.mime_type.filter(|media| !media.is_empty());
    let header =
        sent.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.clone());
    let whole = media.or(header).unwrap_or_default();
    let decode = |text: String| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    let form = bare_media(&whole) == "application/x-www-form-urlencoded";
    let mut fields: Vec<_> = data
        .params
        .unwrap_or_default()
        .into_iter()
        .map(|p| {
            // Chrome leaves the fields of a form encoded.
            let value = p.value.unwrap_or_default();
            let (name, value) =
                if form { (decode(p.name), decode(value)) } else { (p.name, value) };
            Field { name, value, file: p.file_name, media: p.content_type }
        })
        .collect();
    let text = data.text.filter(|text| !text.is_empty());
    if let Some(text) = &text {
        if form {
            let parsed = crate::import::url_parts::pairs(text).unwrap_or_default();
            fields = parsed
                .into_iter()
                .map(|(name, value)| Field { name, value, ..Field::default() })
                .collect();
        } else if fields.is_empty() && bare_media(&whole) == "multipart/form-data" {
            fields = parts(text, &whole).unwrap_or_default();
        }
    }
    Sent { media: bare_media(&whole), text, fields }
}

/// The parts of a multipart body that was recorded as text.
fn parts(text: &str, media: &str) -> Option<Vec<Field>> {
    let boundary = media.split(';').find_map(|p| p.trim().strip_prefix("boundary="))?;
    let boundary = format!("--{}", boundary.trim_matches('"'));
    let mut parts = Vec::new();
    for part in text.split(&boundary).skip(1) {
        let part = part.strip_prefix("\r\n").or(part.strip_prefix('\n')).unwrap_or(part);
        let Some((head, content)) = part.split_once("\r\n\r\n").or(part.split_once("\n\n")) else {
            continue;
        };
        let content =
            content.strip_suffix("\r\n").or(content.strip_suffix('\n')).unwrap_or(content);
        let field = |name: &str| {
            let (_, rest) = head.split_once(&format!("{name}=\""))?;
            rest.split_once('"').map(|(value, _)| value.to_owned())
        };
        let media = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-type").then(|| value.trim().to_owned())
        });
        // `filename="` ends in `name="` too.
        let name = head.split_once("; name=\"").and_then(|(_, rest)| rest.split_once('"'));
        let file = field("filename");
        parts.push(Field { name: name?.0.to_owned(), value: content.to_owned(), file, media });
    }
    Some(parts)
}
