//! HTTP as receivers speak it: one request, no redirects, a deadline, a capped answer, and what its status means for the next try.

use std::{error::Error, time::Duration};

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{Client, Method, StatusCode, Url, header::RETRY_AFTER};

use super::{Again, Refused};
use crate::{model::Secret, render::Mask};

/// Largest answer that is read, in bytes.
const LARGEST: usize = 64 << 10;
/// Longest part of an answer that is kept, in characters.
const SHOWN: usize = 200;
/// Longest wait that a receiver may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(6 * 3600);

/// A client for one receiver, which knows what must not be repeated.
#[derive(Clone)]
pub struct Http {
    client: Client,
    mask: Mask,
}

/// A request to a receiver.
#[derive(Clone)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// Where to; it may be a secret as a whole.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What a receiver answered with 2xx.
#[derive(Debug, Clone)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The body, as far as it was read.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Http")
    }
}

impl HttpRequest {
    /// JSON, posted.
    pub fn post_json(url: impl Into<String>, body: Vec<u8>) -> Self {
        Self {
            method: Method::POST,
            url: url.into(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body,
        }
    }

    /// The same, but not JSON.
    #[must_use]
    pub fn content_type(mut self, kind: &str) -> Self {
        for (_, value) in self.headers.iter_mut().filter(|(name, _)| name == "content-type") {
            kind.clone_into(value);
        }
        self
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

impl Http {
    /// A client whose requests take at most `timeout`. What `secrets` hold is taken out of everything it says.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new<'a>(
        timeout: Duration,
        secrets: impl IntoIterator<Item = &'a Secret>,
    ) -> Result<Self, String> {
        Self::through(None, timeout, secrets)
    }

    /// The same through an HTTP proxy.
    ///
    /// # Errors
    /// TLS cannot be set up, or the proxy's address is none.
    pub fn through<'a>(
        proxy: Option<&str>,
        timeout: Duration,
        secrets: impl IntoIterator<Item = &'a Secret>,
    ) -> Result<Self, String> {
        let builder = Client::builder()
            .tls_backend_preconfigured(tls().map_err(|e| e.to_string())?)
            .user_agent(concat!("wayfarer/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(timeout)
            .timeout(timeout)
            .pool_idle_timeout(Duration::from_secs(20));
        let builder = match proxy {
            Some(url) => builder.proxy(reqwest::Proxy::all(url).map_err(|e| e.to_string())?),
            None => builder,
        };
        let client = builder.build().map_err(|e| e.to_string())?;
        Ok(Self { client, mask: mask(secrets) })
    }

    /// Text without this receiver's secrets.
    pub fn masked(&self, text: &str) -> String {
        self.mask.apply(text)
    }

    /// The same for a request that may be sent only once: another try is worth it only where nothing can have come of this one, because no
    /// connection was to be had or the receiver said so itself.
    ///
    /// # Errors
    /// As [`Http::send`].
    pub async fn send_once(
        &self,
        request: HttpRequest,
        now: Timestamp,
    ) -> Result<HttpAnswer, Refused> {
        let (answer, connected) = self.ask(request, now).await;
        answer.map_err(|refused| match refused.again {
            Again::BackOff if connected => {
                Refused::never(format!("{}; what came of it is not known", refused.text))
            }
            _ => refused,
        })
    }

    /// Sends one request. `now` is for dates in `Retry-After`.
    ///
    /// # Errors
    /// Nobody answered (again later), or not with 2xx: 408, 425, 429 and 5xx are worth another try, anything else is final.
    pub async fn send(&self, request: HttpRequest, now: Timestamp) -> Result<HttpAnswer, Refused> {
        self.ask(request, now).await.0
    }

    /// The answer, and whether the receiver may have seen the request.
    async fn ask(
        &self,
        request: HttpRequest,
        now: Timestamp,
    ) -> (Result<HttpAnswer, Refused>, bool) {
        let wanted = match self.wanted(request) {
            Ok(wanted) => wanted,
            Err(refused) => return (Err(refused), false),
        };
        match wanted.send().await {
            Ok(answer) => (self.answered(answer, now).await, true),
            Err(e) => {
                let connected = !e.is_connect();
                (Err(Refused::back_off(self.masked(&reason(e)))), connected)
            }
        }
    }

    fn wanted(&self, request: HttpRequest) -> Result<reqwest::RequestBuilder, Refused> {
        let url = Url::parse(&request.url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| Refused::never("its address is not an http address"))?;
        let mut wanted = self.client.request(request.method, url).body(request.body);
        for (name, value) in &request.headers {
            wanted = wanted.header(name, value);
        }
        Ok(wanted)
    }

    async fn answered(
        &self,
        mut answer: reqwest::Response,
        now: Timestamp,
    ) -> Result<HttpAnswer, Refused> {
        let status = answer.status();
        let wait =
            answer.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        // An answer that breaks off has said its status all the same.
        while let Ok(Some(chunk)) = answer.chunk().await {
            let room = LARGEST.saturating_sub(body.len());
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if room == 0 {
                break;
            }
        }
        if status.is_success() {
            return Ok(HttpAnswer { status: status.as_u16(), body });
        }
        let wait = wait.and_then(|text| retry_after(&text, now));
        Err(Refused { again: again(status, wait), text: self.masked(&refusal(status, &body)) })
    }
}

/// Hides secrets; of a secret address also what a server may repeat of it: its path, its query, and what is long in them.
fn mask<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Mask {
    const LONG: usize = 8;
    let mut mask = Mask::default();
    for secret in secrets {
        mask.add(secret.expose());
        let Ok(url) = Url::parse(secret.expose()) else { continue };
        let path = url.path();
        if path.len() >= LONG {
            mask.add(path);
        }
        let words = path.split('/').chain(url.query().unwrap_or_default().split(['&', '=']));
        words.filter(|word| word.len() >= LONG).for_each(|word| mask.add(word));
    }
    mask
}

/// What a status means for the next try.
fn again(status: StatusCode, wait: Option<Duration>) -> Again {
    let later = status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        );
    match wait {
        Some(wait) if later => Again::After(wait),
        _ if later => Again::BackOff,
        _ => Again::Never,
    }
}

/// `Retry-After` of RFC 9110, section 10.2.3: seconds or a date; never longer than some hours.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
            Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
        }
    };
    Some(wait.min(LONGEST_WAIT))
}

/// Status and the beginning of what was said with it.
fn refusal(status: StatusCode, body: &[u8]) -> String {
    let gone = if status == StatusCode::GONE {
        ": the receiver says that it is no longer there"
    } else if status.is_redirection() {
        ": redirects are not followed"
    } else {
        ""
    };
    let text = String::from_utf8_lossy(body);
    let words: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let words: String = words.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
    let said = if words.is_empty() { String::new() } else { format!(" ({words})") };
    format!("answered {status}{gone}{said}")
}

/// Why nobody answered, without the address.
fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "did not answer in time".to_owned();
    }
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    format!("could not be reached: {cause}")
}

/// TLS by ring with the system's roots, or the well-known ones where there are none.
fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_to_ask_again() {
        let after = Some(Duration::from_secs(7));
        for (status, wait, expected) in [
            (400, None, Again::Never),
            (401, after, Again::Never),
            (404, None, Again::Never),
            (410, None, Again::Never),
            (301, None, Again::Never),
            (408, None, Again::BackOff),
            (425, None, Again::BackOff),
            (429, None, Again::BackOff),
            (429, after, Again::After(Duration::from_secs(7))),
            (500, None, Again::BackOff),
            (503, after, Again::After(Duration::from_secs(7))),
        ] {
            assert_eq!(again(StatusCode::from_u16(status).unwrap(), wait), expected, "{status}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for (text, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Thu, 01 Jan 2026 00:01:00 GMT", Some(60)),
            ("Wed, 31 Dec 2025 00:01:00 GMT", Some(0)),
            ("99999999", Some(6 * 3600)),
            ("soon", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, now), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
