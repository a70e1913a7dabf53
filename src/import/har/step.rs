//! From an exchange to a step, values as they were recorded.

use std::collections::BTreeSet;

use super::recording::{Exchange, Field, Sent, bare_media};
use crate::import::{
    draft::{Body, Content, Draft, Expect, Part, Query, Step},
    graphql, headers, names, secrets,
    text::Text,
    tree::Tree,
    url_parts,
};

/// Keys of queries that only keep caches away.
const CACHE_BUSTERS: [&str; 9] =
    ["_", "_t", "t", "ts", "cb", "nocache", "rand", "timestamp", "cachebuster"];

/// What was sent so far and needs no second word.
#[derive(Default)]
pub(super) struct Told {
    headers: BTreeSet<String>,
    cookies: BTreeSet<String>,
}

/// The step of one exchange; `jar` holds the names of the cookies that earlier responses set.
pub(super) fn step(
    exchange: &Exchange,
    jar: &BTreeSet<String>,
    told: &mut Told,
    draft: &mut Draft,
) -> Step {
    let mut step =
        Step { name: name(exchange), method: exchange.method.clone(), ..Step::default() };
    if let Some(url) = &exchange.url {
        let address = url_parts::address(url);
        (step.url, step.query) = (address.url, address.query);
        if let Some((user, password)) = address.user {
            let auth = secrets::basic("basic", &user, &password, "an address", &mut draft.vault);
            step.auth = Some(auth);
        }
    }
    step.query.retain(|(name, value)| {
        let drop = value.as_plain().is_some_and(|value| is_cache_buster(name, value));
        if drop {
            draft.left_out(format!("query `{name}`"), "only keeps caches away");
        }
        !drop
    });
    sent_headers(exchange, told, &mut step, draft);
    cookies(exchange, jar, told, &mut step, draft);
    if let Some(sent) = &exchange.body {
        step.body = body(sent, exchange, draft);
    }
    expects(exchange, &mut step, draft);
    step
}

/// Whether a pair of a query only keeps caches away: a time or a random number under a telling name.
fn is_cache_buster(name: &str, value: &str) -> bool {
    let time = (10..=16).contains(&value.len()) && value.chars().all(|c| c.is_ascii_digit());
    let random = value.starts_with("0.") && value.len() > 8;
    CACHE_BUSTERS.contains(&name) && (time || random)
}

/// What an exchange asked for: address and pairs, without those that differ each time.
pub(super) fn without_cache_busters(
    exchange: &Exchange,
) -> Option<(String, Vec<(String, String)>)> {
    let url = exchange.url.as_ref()?;
    let pairs =
        url.query_pairs().into_owned().filter(|(name, value)| !is_cache_buster(name, value));
    let bare = url[..url::Position::AfterPath].to_owned();
    Some((bare, pairs.collect()))
}

/// What the user did, in words, told by where it led.
fn name(exchange: &Exchange) -> String {
    let asks = exchange.method == "GET";
    let led = exchange.landed.as_ref().filter(|_| asks).or(exchange.url.as_ref());
    let path = led.map(url::Url::path).unwrap_or_default();
    let sent = exchange.body.as_ref();
    let json =
        sent.and_then(|sent| serde_json::from_str::<serde_json::Value>(sent.text.as_deref()?).ok());
    let is_password = |key: &str| {
        names::words(key).iter().any(|w| matches!(w.as_str(), "password" | "passwd" | "pwd"))
    };
    let fields = sent.is_some_and(|sent| sent.fields.iter().any(|field| is_password(&field.name)));
    let members = json.as_ref().and_then(|json| json.as_object());
    let password =
        fields || members.is_some_and(|members| members.keys().any(|key| is_password(key)));
    names::of_request(&exchange.method, path, super::noise::is_page(exchange), password)
}

fn sent_headers(exchange: &Exchange, told: &mut Told, step: &mut Step, draft: &mut Draft) {
    let asks = matches!(exchange.method.as_str(), "GET" | "HEAD");
    for (name, value) in &exchange.sent {
        if name == "cookie" {
            continue;
        }
        // The engine sends the media type by itself; sites that guard their forms by the origin need it.
        let own = name == "origin" && asks;
        let why = headers::left_out(name, value)
            .or(own.then_some("headers that every client sets for itself"));
        if let Some(why) = why {
            if told.headers.insert(name.clone()) {
                draft.left_out(name.as_str(), why);
            }
        } else if headers::is_idempotency_key(name) {
            step.headers.push((name.clone(), Text::name("run_id")));
        } else if headers::is_sendable(name, value) {
            let parts = name == "content-type" && bare_media(value) == "multipart/form-data";
            // Libraries ask for JSON and take anything: the first is what is meant.
            let wanted = name == "accept" && value.starts_with("application/json");
            let value = if wanted { "application/json" } else { value.trim() };
            if !parts {
                step.headers.push((name.clone(), Text::plain(value)));
            }
        } else {
            draft.unsupported(
                format!("a header of {}", exchange.label()),
                "it has characters that no header can have",
            );
        }
    }
}

/// Cookies that were there before the recording began.
fn cookies(
    exchange: &Exchange,
    jar: &BTreeSet<String>,
    told: &mut Told,
    step: &mut Step,
    draft: &mut Draft,
) {
    let mut kept = Vec::new();
    for (name, value) in exchange.cookies.iter().filter(|(name, _)| !jar.contains(name)) {
        let first = told.cookies.insert(name.clone());
        if secrets::is_tracking_cookie(name) {
            if first {
                draft.left_out(format!("cookie `{name}`"), "counts visitors");
            }
        } else if secrets::is_session_cookie(name, value) && !value.is_empty() {
            kept.push(format!("{name}={value}"));
            if first {
                draft.look(
                    format!("cookie `{name}`"),
                    "it was there before the recording began: record from the sign-in on, or keep its value in the secret",
                );
            }
        } else if first {
            draft.left_out(format!("cookie `{name}`"), "was there before the recording began");
        }
    }
    if !kept.is_empty() {
        step.headers.push(("cookie".to_owned(), Text::plain(kept.join("; "))));
    }
}

fn body(sent: &Sent, exchange: &Exchange, draft: &mut Draft) -> Body {
    let text = sent.text.clone().unwrap_or_default();
    match sent.media.as_str() {
        "application/x-www-form-urlencoded" if !sent.fields.is_empty() => Body::Form(
            sent.fields.iter().map(|f| (f.name.clone(), Text::plain(f.value.clone()))).collect(),
        ),
        "multipart/form-data" if !sent.fields.is_empty() => {
            let parts = sent.fields.iter().map(|Field { name, value, file, media }| {
                let content = match file {
                    Some(file) => {
                        let short = file.rsplit(['/', '\\']).next().unwrap_or_default();
                        let short = if short.is_empty() { "file" } else { short };
                        draft.look(
                            format!("the file {short}"),
                            "a recording does not hold it: put it beside the journey",
                        );
                        Content::File(short.to_owned())
                    }
                    None => Content::Text(Text::plain(value.clone())),
                };
                let media = media.clone().filter(|_| file.is_some());
                Part { name: name.clone(), content, media }
            });
            Body::Multipart(parts.collect())
        }
        media if media.ends_with("json") => match Tree::parse(&Text::plain(text.clone())) {
            Some(tree) => graphql::of_json(tree),
            None => Body::Text(Text::plain(text)),
        },
        _ if text.is_empty() => Body::None,
        _ if text.contains('\u{fffd}') => {
            draft.unsupported(
                format!("the body of {}", exchange.label()),
                "it is no text: put it into a file and name that with `body_file`",
            );
            Body::None
        }
        _ => Body::Text(Text::plain(text)),
    }
}

fn expects(exchange: &Exchange, step: &mut Step, draft: &mut Draft) {
    let status = match exchange.status {
        // The browser had it already; a journey asks for all of it.
        304 => 200,
        status => status,
    };
    if status >= 400 {
        draft.look(
            exchange.label(),
            format!("it was answered with {status}, which is expected now"),
        );
    }
    if status > 0 {
        step.expects.push(Expect::new(Query::plain("status"), "equals", Tree::number(status)));
    }
    if exchange.redirects > 0
        && let Some(landed) = &exchange.landed
        && !landed.path().split('/').any(crate::import::vault::looks_random)
    {
        let predicate = if landed.query().is_some() { "contains" } else { "ends_with" };
        let path = Tree::text(landed.path());
        step.expects.push(Expect::new(Query::plain("url"), predicate, path));
    }
    let typed = exchange.media.contains("html") || exchange.media.ends_with("json");
    if (200..300).contains(&status) && typed && exchange.received("content-type").is_some() {
        let media = Tree::text(exchange.media.clone());
        let query = Query::named("header", "content-type");
        step.expects.push(Expect::new(query, "starts_with", media));
    }
}
