//! What a step got, as the checks see it.

use std::{cell::OnceCell, fmt, net::IpAddr, time::Duration};

use jiff::Timestamp;
use scraper::Html;

use crate::model::Phases;

/// The answer of the last hop and what led to it. The body is parsed at most once as JSON and once as HTML, and only when asked.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The protocol: `HTTP/1.1`, `HTTP/2`; empty where it is not known.
    pub version: String,
    /// The headers in the order they came, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The cookies in the jar after the step, those of the last hop's site first.
    pub cookies: Vec<Cookie>,
    /// The decoded body as text.
    pub body: String,
    /// The bytes of the body with content encodings undone, where they are not those of its text.
    pub bytes: Option<Vec<u8>>,
    /// The step's duration, from the request to the last byte, over all hops.
    pub duration: Duration,
    /// Where this time went, over all hops.
    pub phases: Phases,
    /// What the server said of its own time: name and duration, in its order.
    pub server_timing: Vec<(String, Duration)>,
    /// The URL of the last hop.
    pub url: String,
    /// How many redirects were followed.
    pub redirects: u32,
    /// The address that answered.
    pub ip: Option<IpAddr>,
    /// The certificate of the server that answered.
    pub certificate: Option<Certificate>,
    /// When it came: what "days from now" counts from.
    pub at: Timestamp,
    json: OnceCell<Result<serde_json::Value, String>>,
    html: OnceCell<Html>,
}

/// A cookie of the jar (RFC 6265).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The path it was set for.
    pub path: Option<String>,
    /// The domain it was set for.
    pub domain: Option<String>,
    /// The date it was said to end.
    pub expires: Option<Timestamp>,
    /// How many seconds it was said to last.
    pub max_age_s: Option<i64>,
    /// Whether it goes over TLS only.
    pub secure: bool,
    /// Whether scripts cannot see it.
    pub http_only: bool,
    /// `Strict`, `Lax` or `None`.
    pub same_site: Option<String>,
}

/// What a server's certificate says (RFC 5280).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is.
    pub subject: String,
    /// Who vouches for it.
    pub issuer: String,
    /// Its serial number in lower-case hexadecimal.
    pub serial: String,
    /// The names and addresses it is for.
    pub names: Vec<String>,
    /// When it begins.
    pub not_before: Timestamp,
    /// When it ends.
    pub not_after: Timestamp,
    /// When the first certificate of the chain ends.
    pub chain_ends: Timestamp,
    /// How many certificates the server sent.
    pub chain_length: u32,
}

impl Answer {
    /// An answer with a status and a body; the other fields are public.
    pub fn new(status: u16, body: String) -> Self {
        Self {
            status,
            version: String::new(),
            headers: Vec::new(),
            cookies: Vec::new(),
            body,
            bytes: None,
            duration: Duration::ZERO,
            phases: Phases::default(),
            server_timing: Vec::new(),
            url: String::new(),
            redirects: 0,
            ip: None,
            certificate: None,
            at: Timestamp::UNIX_EPOCH,
            json: OnceCell::new(),
            html: OnceCell::new(),
        }
    }

    /// The body as bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.as_deref().unwrap_or(self.body.as_bytes())
    }

    /// The body as JSON (RFC 8259); a byte-order mark before it is passed over. The error says where it is not.
    pub(super) fn json(&self) -> Result<&serde_json::Value, String> {
        let parsed = self.json.get_or_init(|| {
            if self.body.trim().is_empty() {
                return Err("the body is empty".to_owned());
            }
            serde_json::from_str(self.body.trim_start_matches('\u{feff}'))
                .map_err(|error| format!("the body is not JSON: {error}"))
        });
        parsed.as_ref().map_err(Clone::clone)
    }

    /// The body as an HTML document; any text is one.
    pub(super) fn html(&self) -> &Html {
        self.html.get_or_init(|| Html::parse_document(&self.body))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The body and the headers may hold secrets.
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}
