//! What a redirect asks for.

use http::{HeaderMap, Method, StatusCode, header};
use url::Url;

use super::{
    body::Sent,
    error::place,
    hop::Walked,
    request::{Request, read_url, take_credentials},
};
use crate::{engine::fault::Trouble, model::FaultKind, render::Mask};

/// Whether a status sends one on (RFC 9110, section 15.4); 300 and 304 do not.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// How many redirects were followed: a request that was sent again with credentials is none.
pub(super) fn followed(walked: &[Walked]) -> u32 {
    let before = walked.split_last().map(|(_, before)| before).unwrap_or_default();
    let redirect = |w: &&Walked| w.head.as_ref().is_some_and(|head| is_redirect(head.status));
    u32::try_from(before.iter().filter(redirect).count()).unwrap_or(u32::MAX)
}

/// The request a redirect asks for, after the rules of the Fetch standard (HTTP-redirect fetch): 303 turns everything but HEAD into GET,
/// 301 and 302 turn POST into GET, 307 and 308 keep method and body. Credentials, and every header in which a secret stands, stay behind
/// where the next origin (scheme, host and port) is another.
pub(super) fn follow(
    request: &Request,
    status: StatusCode,
    headers: &HeaderMap,
    mask: &Mask,
) -> Result<Request, Trouble> {
    let nowhere = |message: String| Trouble::target(FaultKind::Redirect, message);
    let location = headers.get(header::LOCATION).ok_or_else(|| {
        nowhere(format!("status {} redirects to nowhere: it has no Location", status.as_u16()))
    })?;
    let location = String::from_utf8_lossy(location.as_bytes());
    let mut url = read_url(location.trim(), Some(&request.url)).map_err(|reason| {
        nowhere(format!("the redirect to \"{}\" cannot be followed: {reason}", location.trim()))
    })?;
    let credentials = take_credentials(&mut url);
    let mut next = Request { url, ..request.clone() };
    let to_get = match status.as_u16() {
        303 => next.method != Method::GET && next.method != Method::HEAD,
        301 | 302 => next.method == Method::POST,
        _ => false,
    };
    if to_get {
        next.method = Method::GET;
        next.body = None;
        next.sent = Sent::Text;
        for name in [
            header::CONTENT_TYPE,
            header::CONTENT_ENCODING,
            header::CONTENT_LANGUAGE,
            header::CONTENT_LOCATION,
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
        ] {
            next.headers.remove(name);
        }
    }
    if next.url.origin() != request.url.origin() {
        leave_behind(&mut next.headers, mask);
    }
    if let Some(credentials) = credentials {
        next.headers.insert(header::AUTHORIZATION, credentials);
    }
    Ok(next)
}

/// Takes out what is not meant for another origin.
fn leave_behind(headers: &mut HeaderMap, mask: &Mask) {
    let secret: Vec<_> = headers
        .iter()
        .filter(|(name, value)| {
            matches!(
                **name,
                header::AUTHORIZATION | header::COOKIE | header::PROXY_AUTHORIZATION | header::HOST
            ) || {
                let text = String::from_utf8_lossy(value.as_bytes());
                mask.apply(&text) != text
            }
        })
        .map(|(name, _)| name.clone())
        .collect();
    for name in secret {
        headers.remove(name);
    }
}

/// The trouble with too many redirects. `asked` are the URLs that were asked for, in order. A circle is only told of, never judged by
/// itself: a server that warms up redirects to the same address until it is ready.
pub(super) fn too_many<'a>(limit: u32, asked: impl Iterator<Item = &'a Url>) -> Trouble {
    let mut message = format!("more than {limit} {}", plural(limit, "redirect"));
    let asked: Vec<&Url> = asked.collect();
    if let Some(last) = asked.last() {
        let times = asked.iter().filter(|url| url == &last).count();
        if times > 1 {
            message += &format!(
                ", in a circle: {}{} was asked for {times} times",
                place(last),
                last.path()
            );
        }
    }
    Trouble::target(FaultKind::Redirect, message)
}

fn plural(number: u32, noun: &str) -> String {
    if number == 1 { noun.to_owned() } else { format!("{noun}s") }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn request(method: Method, url: &str) -> Request {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::AUTHORIZATION, "Bearer x"),
            (header::COOKIE, "a=b"),
            (header::CONTENT_TYPE, "text/plain"),
            (header::HeaderName::from_static("x-key"), "token-hunter22"),
            (header::HeaderName::from_static("x-plain"), "1"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Request {
            method,
            url: Url::parse(url).unwrap(),
            headers,
            body: Some(b"x".to_vec().into()),
            sent: Sent::Text,
            traced: false,
        }
    }

    fn step(method: Method, status: u16, location: &str) -> Result<Request, Trouble> {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, HeaderValue::from_str(location).unwrap());
        let status = StatusCode::from_u16(status).unwrap();
        let from = request(method, "https://x.example/a");
        follow(&from, status, &headers, &Mask::new(["hunter22"]))
    }

    #[test]
    fn methods_after_a_redirect() {
        for (method, status, next, body) in [
            (Method::POST, 301, Method::GET, false),
            (Method::POST, 302, Method::GET, false),
            (Method::POST, 303, Method::GET, false),
            (Method::PUT, 302, Method::PUT, true),
            (Method::PUT, 303, Method::GET, false),
            (Method::HEAD, 303, Method::HEAD, true),
            (Method::POST, 307, Method::POST, true),
            (Method::POST, 308, Method::POST, true),
        ] {
            let request = step(method.clone(), status, "/b").unwrap();
            assert_eq!(request.method, next, "{method} {status}");
            assert_eq!(request.body.is_some(), body, "{method} {status}");
            assert_eq!(request.headers.contains_key(header::CONTENT_TYPE), body);
        }
    }

    #[test]
    fn secrets_do_not_go_to_another_origin() {
        for (location, kept) in [
            ("/b", true),
            ("https://x.example/b", true),
            ("https://x.example:444/b", false),
            ("http://x.example/b", false),
            ("https://y.example/b", false),
        ] {
            let headers = step(Method::GET, 307, location).unwrap().headers;
            for name in ["authorization", "cookie", "x-key"] {
                assert_eq!(headers.contains_key(name), kept, "{location} {name}");
            }
            assert!(headers.contains_key("x-plain"));
        }
    }

    #[test]
    fn the_limit_tells_of_a_circle_and_counts_in_good_grammar() {
        let urls = |all: &[&str]| all.iter().map(|u| Url::parse(u).unwrap()).collect::<Vec<_>>();
        let said = |limit, all: &[&str]| match too_many(limit, urls(all).iter()) {
            Trouble::Target(FaultKind::Redirect, message) => message,
            other => panic!("{other:?}"),
        };
        assert_eq!(said(1, &["http://x/1", "http://x/2"]), "more than 1 redirect");
        assert_eq!(said(2, &["http://x/1", "http://x/2", "http://x/3"]), "more than 2 redirects");
        assert_eq!(
            said(2, &["https://x/1?a", "https://x/2", "https://x/1?a"]),
            "more than 2 redirects, in a circle: https://x:443/1 was asked for 2 times"
        );
    }

    #[test]
    fn redirects_to_nowhere() {
        assert!(step(Method::GET, 302, "ftp://x/").is_err());
        assert!(step(Method::GET, 302, "http://:0:/").is_err());
        let from = request(Method::GET, "https://x.example/a");
        let nowhere = follow(&from, StatusCode::FOUND, &HeaderMap::new(), &Mask::default());
        assert!(matches!(nowhere, Err(Trouble::Target(FaultKind::Redirect, _))));
    }
}
