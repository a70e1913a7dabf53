//! From a step to a request that can be sent.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use hyper::body::Bytes;
use url::Url;

use super::body::{self, Sent};
use crate::{
    engine::{fault::Trouble, vars::Variables},
    model::{HttpStep, Text},
};

/// What is asked for where a step does not say: everything we can undo.
pub(super) const ACCEPT_ENCODING: &str = "gzip, deflate, br, zstd";

/// Who we are where a step does not say.
const USER_AGENT: &str = concat!("Wayfarer/", env!("CARGO_PKG_VERSION"));

/// A request, templates filled. The URL has no credentials and no fragment.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    /// Without cookies from the jar, `Host` and `Content-Length`.
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
    /// What the body was made of.
    pub(super) sent: Sent,
    /// Whether it carries the header of its run's trace, written by us.
    pub(super) traced: bool,
}

/// Fills a step's templates.
pub(super) fn build(step: &HttpStep, vars: &Variables) -> Result<Request, Trouble> {
    let method = Method::from_bytes(step.method.as_bytes())
        .map_err(|_| Trouble::ours(format!("`{}` cannot be a method", step.method)))?;
    let mut url = build_url(step, vars)?;
    let mut headers = HeaderMap::new();
    for (name, text) in &step.headers {
        let (name, value) = header_of(name, text, vars)?;
        headers.append(name, value);
    }
    if let Some(credentials) = take_credentials(&mut url)
        && !headers.contains_key(header::AUTHORIZATION)
    {
        headers.insert(header::AUTHORIZATION, credentials);
    }
    let (mut body, mut sent) = (None, Sent::Text);
    if let Some(wanted) = &step.body {
        let built = body::build(wanted, vars)?;
        (body, sent) = (Some(built.bytes), built.sent);
        headers.entry(header::CONTENT_TYPE).or_insert(built.media_type);
    }
    add_environment(&mut headers, vars)?;
    add_defaults(&mut headers);
    Ok(Request { method, url, headers, body, sent, traced: false })
}

fn header_of(
    name: &str,
    text: &Text,
    vars: &Variables,
) -> Result<(HeaderName, HeaderValue), Trouble> {
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Trouble::ours(format!("`{name}` cannot be the name of a header")))?;
    let filled = vars.fill_to_send(text)?;
    let value = HeaderValue::from_bytes(filled.trim().as_bytes()).map_err(|_| {
        let message =
            format!("the value of the header {name} has a character that no header can have");
        vars.impossible(text, message)
    })?;
    Ok((parsed, value))
}

/// Adds the headers of the environment that the step does not write itself.
pub(super) fn add_environment(headers: &mut HeaderMap, vars: &Variables) -> Result<(), Trouble> {
    let mut added = HeaderMap::new();
    for (name, text) in &vars.environment().transport.headers {
        let (name, value) = header_of(name, text, vars)?;
        if !headers.contains_key(&name) {
            added.append(name, value);
        }
    }
    headers.extend(added);
    Ok(())
}

/// Adds what every request has, where nobody said otherwise.
pub(super) fn add_defaults(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::USER_AGENT, USER_AGENT),
        (header::ACCEPT, "*/*"),
        (header::ACCEPT_ENCODING, ACCEPT_ENCODING),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

fn build_url(step: &HttpStep, vars: &Variables) -> Result<Url, Trouble> {
    let filled = vars.fill_to_send(&step.url)?;
    let mut url = read_url(filled.trim(), None).map_err(|reason| {
        vars.impossible(
            &step.url,
            format!("\"{}\" is not a URL to request: {reason}", filled.trim()),
        )
    })?;
    if !step.query.is_empty() {
        let mut pairs = Vec::with_capacity(step.query.len());
        for (name, text) in &step.query {
            pairs.push((name, vars.fill_to_send(text)?));
        }
        url.query_pairs_mut().extend_pairs(pairs);
    }
    Ok(url)
}

/// An absolute http or https URL without its fragment; a relative one is taken from `base`.
pub(super) fn read_url(text: &str, base: Option<&Url>) -> Result<Url, String> {
    let parsed = match base {
        Some(base) => base.join(text),
        None => Url::parse(text),
    };
    let mut url = parsed.map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("its scheme is `{}`, not http or https", url.scheme()));
    }
    url.set_fragment(None);
    Ok(url)
}

/// Takes user and password out of a URL, as `Basic` credentials (RFC 7617).
pub(super) fn take_credentials(url: &mut Url) -> Option<HeaderValue> {
    let decode = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
    let mut pair = decode(url.username());
    let password = url.password().map(decode);
    if pair.is_empty() && password.is_none() {
        return None;
    }
    pair.push(b':');
    pair.extend(password.unwrap_or_default());
    // Neither can fail for a URL with a host; a URL that kept its credentials would show them.
    url.set_username("").and_then(|()| url.set_password(None)).ok()?;
    HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(pair))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_to_request() {
        assert_eq!(read_url("http://x.example/a#b", None).unwrap().as_str(), "http://x.example/a");
        for (text, reason) in [
            ("/login", "relative URL without a base"),
            ("ftp://x.example/", "its scheme is `ftp`"),
            ("http://", "empty host"),
            ("http://x:99999/", "invalid port number"),
        ] {
            assert!(read_url(text, None).unwrap_err().contains(reason), "{text}");
        }
        let base = Url::parse("https://x.example/a/b?c").unwrap();
        assert_eq!(read_url("../d", Some(&base)).unwrap().as_str(), "https://x.example/d");
        assert_eq!(read_url("//y.example", Some(&base)).unwrap().as_str(), "https://y.example/");
        assert!(read_url("javascript:1", Some(&base)).is_err());
    }

    #[test]
    fn credentials_leave_the_url() {
        let mut url = Url::parse("https://probe:p%40ss@x.example/a").unwrap();
        let value = take_credentials(&mut url).unwrap();
        assert_eq!(value, "Basic cHJvYmU6cEBzcw==");
        assert_eq!(url.as_str(), "https://x.example/a");
        assert_eq!(take_credentials(&mut url), None);
    }
}
