//! What the failing step sent and got, masked.

use http::{HeaderMap, header};

use super::{
    decode::text,
    hop::Walked,
    request::{ACCEPT_ENCODING, Request},
};
use crate::{
    model::{Evidence, Exchange},
    render::{MASK, Mask},
};

/// How much of a body is kept, in bytes.
const BODY: usize = 16 * 1024;

/// How much of a header's value is kept, in bytes.
const VALUE: usize = 2 * 1024;

/// Cookies at least this long are taken for what opens a session, and masked wherever they stand; shorter ones are settings (`theme=dark`).
const SESSION: usize = 8;

/// The evidence of a step: all its exchanges, and a `curl` line that repeats the last one. None if nothing was sent. `cookies` are those of
/// the jar, name and value.
pub(super) fn evidence(
    walked: &[Walked],
    cookies: &[(String, String)],
    mask: &Mask,
) -> Option<Evidence> {
    let last = walked.last()?;
    let mut mask = mask.clone();
    for (_, value) in cookies.iter().filter(|(_, value)| value.len() >= SESSION) {
        mask.add(value);
    }
    let mask = &mask;
    Some(Evidence {
        exchanges: walked.iter().map(|walked| exchange(walked, mask)).collect(),
        curl: curl(&last.request, mask),
    })
}

fn exchange(walked: &Walked, mask: &Mask) -> Exchange {
    let request = &walked.request;
    let sent = request.body.as_ref();
    let sent = sent.map(|body| mask.excerpt(&request.sent.for_people(body), BODY, false));
    let got = walked.head.as_ref().map(|head| {
        let text = text(&head.headers, &walked.body);
        mask.excerpt(&text, BODY, walked.cut)
    });
    let truncated = walked.cut
        || sent.as_ref().is_some_and(|(_, less)| *less)
        || got.as_ref().is_some_and(|(_, less)| *less);
    Exchange {
        request_line: format!("{} {}", request.method, mask.apply(request.url.as_str())),
        request_headers: headers(&request.headers, mask),
        request_body: sent.map(|(text, _)| text),
        status: walked.hop.status,
        response_headers: walked
            .head
            .as_ref()
            .map(|h| headers(&h.headers, mask))
            .unwrap_or_default(),
        response_body: got.map(|(text, _)| text),
        truncated,
    }
}

/// Headers for people: credentials and cookies never show their values.
fn headers(headers: &HeaderMap, mask: &Mask) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let text = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), hide(name.as_str(), &text, mask))
        })
        .collect()
}

/// A header's value without credentials, cookies and secrets.
pub(super) fn hide(name: &str, value: &str, mask: &Mask) -> String {
    let scheme = |value: &str| match value.split_once(' ') {
        Some((scheme, _)) if scheme.bytes().all(|b| b.is_ascii_alphabetic()) => {
            format!("{scheme} {MASK}")
        }
        _ => MASK.to_owned(),
    };
    let cookie = |pair: &str| match pair.split_once('=') {
        Some((name, _)) => format!("{}={MASK}", name.trim()),
        None => MASK.to_owned(),
    };
    let shown = match name.to_ascii_lowercase().as_str() {
        "authorization" | "proxy-authorization" => scheme(value),
        "cookie" => value.split(';').map(cookie).collect::<Vec<_>>().join("; "),
        "set-cookie" => match value.split_once(';') {
            Some((pair, attributes)) => format!("{};{attributes}", cookie(pair)),
            None => cookie(value),
        },
        _ => value.to_owned(),
    };
    mask.excerpt(&shown, VALUE, false).0
}

/// A `curl` line that sends the request again. Every word is masked first and quoted after that.
fn curl(request: &Request, mask: &Mask) -> String {
    let mut words = vec!["curl".to_owned(), "-i".to_owned()];
    let has_body = request.body.is_some();
    match (request.method.as_str(), has_body) {
        ("GET", false) => {}
        ("POST", true) => {}
        ("HEAD", false) => words.push("--head".to_owned()),
        (method, _) => words.extend(["-X".to_owned(), quote(method)]),
    }
    words.push(quote(&mask.apply(request.url.as_str())));
    for (name, value) in &request.headers {
        let text = String::from_utf8_lossy(value.as_bytes());
        if *name == header::ACCEPT_ENCODING && text == ACCEPT_ENCODING {
            words.push("--compressed".to_owned());
        } else if *name == header::COOKIE {
            words.extend(["-b".to_owned(), quote(&hide("cookie", &text, mask))]);
        } else if *name == header::CONTENT_TYPE && request.sent.writes_type() {
            // curl writes its own, with its own boundary.
        } else if !(*name == header::ACCEPT && text == "*/*") {
            let shown = hide(name.as_str(), &text, mask);
            words.extend(["-H".to_owned(), quote(&format!("{name}: {shown}"))]);
        }
    }
    if let Some(parts) = request.sent.curl() {
        words.extend(parts.iter().map(|word| quote(&mask.apply(word))));
    } else if let Some(body) = &request.body {
        let (body, _) = mask.excerpt(&String::from_utf8_lossy(body), BODY, false);
        words.extend(["--data-raw".to_owned(), quote(&body)]);
    }
    words.join(" ")
}

/// Quotes a word for a POSIX shell (IEEE 1003.1, section 2.2.2): single quotes keep everything but themselves.
fn quote(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue, Method};
    use url::Url;

    use super::*;
    use crate::engine::http::body::Sent;

    #[test]
    fn credentials_and_cookies_are_always_hidden() {
        let mask = Mask::default();
        for (name, value, shown) in [
            ("Authorization", "Bearer abc", "Bearer ***"),
            ("authorization", "abc", "***"),
            ("cookie", "a=1; b=2=3; c", "a=***; b=***; ***"),
            ("set-cookie", "sid=abc; Path=/; HttpOnly", "sid=***; Path=/; HttpOnly"),
            ("set-cookie", "sid=abc", "sid=***"),
            ("x-plain", "abc", "abc"),
        ] {
            assert_eq!(hide(name, value, &mask), shown);
        }
    }

    #[test]
    fn the_curl_line_repeats_the_request() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("accept", "*/*"),
            ("accept-encoding", ACCEPT_ENCODING),
            ("authorization", "Basic cHJvYmU6aHVudGVyMjI="),
            ("cookie", "sid=abc"),
            ("content-type", "application/json"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let mut request = Request {
            method: Method::POST,
            url: Url::parse("https://x.example/a?b=c&p=hunter22").unwrap(),
            headers,
            body: Some(b"{\"it's\":\"hunter22\"}".to_vec().into()),
            sent: Sent::Text,
        };
        let mask = Mask::new(["hunter22"]);
        insta::assert_snapshot!(curl(&request, &mask), @r#"curl -i 'https://x.example/a?b=c&p=***' --compressed -H 'authorization: Basic ***' -b 'sid=***' -H 'content-type: application/json' --data-raw '{"it'\''s":"***"}'"#);
        request.body = None;
        request.headers.clear();
        insta::assert_snapshot!(curl(&request, &mask), @"curl -i -X POST 'https://x.example/a?b=c&p=***'");
        request.method = Method::HEAD;
        request.url = Url::parse("http://127.0.0.1:80/$HOME").unwrap();
        insta::assert_snapshot!(curl(&request, &mask), @"curl -i --head 'http://127.0.0.1/$HOME'");
    }
}
