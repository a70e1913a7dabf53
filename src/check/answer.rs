//! What a step got, as the checks see it.

use std::{cell::OnceCell, fmt, time::Duration};

use scraper::Html;

/// The answer of the last hop and what led to it. The body is parsed at most once as JSON and once as HTML, and only when asked.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers in the order they came, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The cookies in the jar after the step: name and value, those of the last hop's site first.
    pub cookies: Vec<(String, String)>,
    /// The decoded body as text.
    pub body: String,
    /// The step's duration, from the request to the last byte, over all hops.
    pub duration: Duration,
    /// The URL of the last hop.
    pub url: String,
    /// How many redirects were followed.
    pub redirects: u32,
    json: OnceCell<Result<serde_json::Value, String>>,
    html: OnceCell<Html>,
}

impl Answer {
    /// An answer with a status and a body; the other fields are public.
    pub fn new(status: u16, body: String) -> Self {
        Self {
            status,
            headers: Vec::new(),
            cookies: Vec::new(),
            body,
            duration: Duration::ZERO,
            url: String::new(),
            redirects: 0,
            json: OnceCell::new(),
            html: OnceCell::new(),
        }
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
