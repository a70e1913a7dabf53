//! An exchange for people, masked, and the `curl` line that repeats it.

use http::{HeaderMap, header};

use super::{
    decode::text,
    hop::Walked,
    request::{ACCEPT_ENCODING, Request},
    trace_context::TRACEPARENT,
};
use crate::{
    model::{Exchange, StepName, Timing},
    render::{MASK, Mask},
};

/// How much of a body is kept, in bytes.
const BODY: usize = 16 * 1024;

/// How much of a header's value is kept, in bytes.
const VALUE: usize = 2 * 1024;

/// How many headers of a message are kept.
const HEADERS: usize = 100;

/// An exchange as it was, not masked yet: for [`masked`] alone.
pub(super) struct Raw {
    exchange: Exchange,
    /// Whether the bodies break off: sent, got.
    cut: (bool, bool),
}

/// Notes an exchange. `mask` says how much of the bodies is needed to mask what will be shown of them.
pub(super) fn raw(step: &StepName, walked: &Walked, mask: &Mask) -> Raw {
    let request = &walked.request;
    let reach = mask.reach(BODY);
    let kept = |text: String| {
        let end = text.floor_char_boundary(reach.min(text.len()));
        (text[..end].to_owned(), end < text.len())
    };
    let sent = request.body.as_ref();
    let sent = sent.map(|body| kept(request.sent.for_people(body).into_owned()));
    let got = walked.head.as_ref().map(|head| {
        // A character takes at most four bytes in the encodings there are.
        let end = walked.body.len().min(reach.saturating_mul(4));
        let (text, less) = kept(text(&head.headers, &walked.body[..end]));
        (text, less || end < walked.body.len() || walked.cut)
    });
    let cut = [&sent, &got].map(|body| body.as_ref().is_some_and(|(_, cut)| *cut));
    let hop = &walked.hop;
    let timing = Timing { offset: hop.offset, duration: hop.duration, phases: hop.phases };
    let exchange = Exchange {
        step: Some(step.clone()),
        request_line: format!("{} {}", request.method, request.url),
        request_headers: texts(&request.headers),
        request_body: sent.map(|(text, _)| text),
        status: hop.status,
        version: hop.version.clone(),
        response_headers: walked.head.as_ref().map(|h| texts(&h.headers)).unwrap_or_default(),
        response_body: got.map(|(text, _)| text),
        truncated: walked.cut,
        timing: Some(timing),
    };
    Raw { exchange, cut: (cut[0], cut[1]) }
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = headers.iter().take(HEADERS);
    shown
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect()
}

/// The exchange for people.
pub(super) fn masked(raw: &Raw, mask: &Mask) -> Exchange {
    let exchange = &raw.exchange;
    let body = |text: &Option<String>, cut| text.as_ref().map(|t| mask.excerpt(t, BODY, cut));
    let sent = body(&exchange.request_body, raw.cut.0);
    let got = body(&exchange.response_body, raw.cut.1);
    let less = [&sent, &got].into_iter().flatten().any(|(_, less)| *less);
    Exchange {
        request_line: mask.apply(&exchange.request_line),
        request_headers: headers(&exchange.request_headers, mask),
        request_body: sent.map(|(text, _)| text),
        response_headers: headers(&exchange.response_headers, mask),
        response_body: got.map(|(text, _)| text),
        truncated: exchange.truncated || raw.cut.0 || raw.cut.1 || less,
        step: exchange.step.clone(),
        status: exchange.status,
        version: exchange.version.clone(),
        timing: exchange.timing,
    }
}

impl Raw {
    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let exchange = &self.exchange;
        let headers = exchange.request_headers.iter().chain(&exchange.response_headers);
        let bodies = [&exchange.request_body, &exchange.response_body];
        headers.map(|(name, value)| name.len() + value.len() + 64).sum::<usize>()
            + bodies.into_iter().flatten().map(String::len).sum::<usize>()
            + exchange.request_line.len()
            + size_of::<Self>()
    }

    /// The values of all cookies that were sent or set.
    pub(super) fn cookies(&self) -> impl Iterator<Item = String> + '_ {
        let of = |headers: &'static str, all: &'_ [(String, String)]| {
            let named = all.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(headers));
            named.map(|(_, value)| value.clone()).collect::<Vec<_>>()
        };
        let sent = of("cookie", &self.exchange.request_headers);
        let set = of("set-cookie", &self.exchange.response_headers);
        let sent = sent
            .into_iter()
            .flat_map(|all| all.split(';').map(|pair| pair.trim().to_owned()).collect::<Vec<_>>());
        let set = set.into_iter().filter_map(|one| Some(one.split(';').next()?.to_owned()));
        let value = |pair: String| Some(pair.split_once('=')?.1.trim_matches('"').to_owned());
        sent.chain(set).filter_map(value)
    }
}

/// Headers for people: credentials and cookies never show their values.
fn headers(headers: &[(String, String)], mask: &Mask) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.clone(), hide(name, value, mask))).collect()
}

/// A header's value without credentials, cookies and secrets.
pub(in crate::engine) fn hide(name: &str, value: &str, mask: &Mask) -> String {
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
pub(super) fn curl(request: &Request, mask: &Mask) -> String {
    let mut words = vec!["curl".to_owned(), "-i".to_owned()];
    let has_body = request.body.is_some();
    match (request.method.as_str(), has_body) {
        ("GET", false) => {}
        ("POST", true) => {}
        ("HEAD", false) => words.push("--head".to_owned()),
        (method, _) => words.extend(["-X".to_owned(), quote(method)]),
    }
    let url = mask.apply(request.url.as_str());
    if url.contains(['[', ']', '{', '}']) {
        // curl would take them for a pattern.
        words.push("-g".to_owned());
    }
    words.push(quote(&url));
    for (name, value) in &request.headers {
        let text = String::from_utf8_lossy(value.as_bytes());
        if *name == header::ACCEPT_ENCODING && text == ACCEPT_ENCODING {
            words.push("--compressed".to_owned());
        } else if *name == header::COOKIE {
            words.extend(["-b".to_owned(), quote(&hide("cookie", &text, mask))]);
        } else if *name == header::CONTENT_TYPE && request.sent.writes_type() {
            // curl writes its own, with its own boundary.
        } else if *name == TRACEPARENT && request.traced {
            // Another walk would be in this run's trace.
        } else if !(*name == header::ACCEPT && text == "*/*") {
            let shown = hide(name.as_str(), &text, mask);
            // curl takes a name with nothing behind the colon as one to leave out.
            let line =
                if shown.is_empty() { format!("{name};") } else { format!("{name}: {shown}") };
            words.extend(["-H".to_owned(), quote(&line)]);
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
            traced: false,
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
