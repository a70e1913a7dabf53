//! HAR recordings of browsers and proxies: what the user did is kept, what the browser did for itself is not.

mod chain;
mod find;
mod noise;
mod recording;
mod step;
mod thread;

use std::collections::BTreeSet;

use super::{
    draft::{Body, Draft, MOST_STEPS},
    fault::ImportError,
    formats::Importer,
    imported::Options,
    names, secrets,
};
use recording::Exchange;

pub(super) const IMPORTER: Importer = Importer { name: "har", detects, read };

/// From so many steps on a journey is called long.
const LONG: usize = 25;

fn detects(_: &str, head: &str) -> bool {
    let begin: String = head.chars().filter(|c| !c.is_whitespace()).take(2000).collect();
    begin.starts_with('{')
        && begin.contains("\"log\":{")
        && ["\"creator\"", "\"entries\"", "\"pages\""].iter().any(|key| begin.contains(key))
}

fn read(text: &str, options: &Options) -> Result<Draft, ImportError> {
    let recording = recording::read(text)?;
    let all = recording.exchanges.len() + recording.odd.len();
    let mut draft = Draft { origin: recording.by, ..Draft::default() };
    for scheme in recording.odd {
        draft.left_out(scheme, "is no address of a site");
    }
    let sanitized = recording.exchanges.iter().all(|e| {
        e.cookies.is_empty() && e.set_cookies.is_empty() && e.sent("authorization").is_none()
    });
    let kept = without_noise(recording.exchanges, options, &mut draft);
    let requests = kept.len();
    let mut kept = without_repetitions(chain::fold(kept), &mut draft);
    for exchange in kept.drain(kept.len().min(MOST_STEPS)..) {
        draft.left_out(exchange.label(), "beyond the first 200 steps");
    }
    if sanitized && !kept.is_empty() {
        draft.look("the recording", "it holds no cookie and no Authorization header: if the site has a sign-in, export it \"with sensitive data\" and import that");
    }
    if kept.len() > LONG {
        draft.look(
            format!("{} steps", kept.len()),
            "a journey is best short: take out what is not looked at",
        );
    }
    draft.share = format!("{requests} of {all} requests, in {} steps", kept.len());
    let home = kept.iter().find(|exchange| noise::is_page(exchange)).or(kept.first());
    draft.base = home.and_then(|e| e.url.as_ref()).map(|url| url.origin().ascii_serialization());
    let mut jar = BTreeSet::new();
    let mut told = step::Told::default();
    for exchange in &kept {
        let step = step::step(exchange, &jar, &mut told, &mut draft);
        draft.steps.push(step);
        for (name, value) in &exchange.set_cookies {
            jar.insert(name.clone());
            if secrets::is_session_cookie(name, value) {
                draft.vault.silence(value);
            }
        }
    }
    thread::thread(&mut draft, &kept);
    unexplained(&mut draft);
    Ok(draft)
}

fn without_noise(exchanges: Vec<Exchange>, options: &Options, draft: &mut Draft) -> Vec<Exchange> {
    let site = noise::Site::of(&exchanges, &options.hosts);
    let mut kept = Vec::new();
    for exchange in exchanges {
        let why = noise::reason(&exchange)
            .or((!site.has(exchange.host())).then_some("other hosts (kept with --host NAME)"));
        match why {
            Some(why) => draft.left_out(exchange.label(), why),
            None => kept.push(exchange),
        }
    }
    kept
}

/// Of questions that are asked again and again, the last one stays: what it was asked for is there by then.
fn without_repetitions(exchanges: Vec<Exchange>, draft: &mut Draft) -> Vec<Exchange> {
    let mut kept: Vec<Exchange> = Vec::new();
    for exchange in exchanges {
        let again = kept.last().is_some_and(|last| {
            last.method == "GET"
                && last.method == exchange.method
                && step::without_cache_busters(last) == step::without_cache_busters(&exchange)
        });
        if again {
            draft.left_out(
                exchange.label(),
                "asked again right away: the last answer counts (`retry` with `until` waits for one)",
            );
            kept.pop();
        }
        kept.push(exchange);
    }
    kept
}

/// Tokens that stood in no response: the journey cannot send the recorded ones again.
fn unexplained(draft: &mut Draft) {
    let mut found = BTreeSet::new();
    let fresh = |key: &str| {
        let words = names::words(key).join("");
        ["csrf", "xsrf", "authenticity", "requestverification", "viewstate", "token", "nonce"]
            .iter()
            .any(|mark| words.contains(mark))
    };
    for step in &draft.steps {
        let form = match &step.body {
            Body::Form(fields) => &fields[..],
            _ => &[],
        };
        for (key, text) in step.query.iter().chain(&step.headers).chain(form) {
            if fresh(key) && text.as_plain().is_some_and(|plain| plain.len() >= 8) {
                found.insert(key.clone());
            }
        }
    }
    for key in found {
        draft.look(
            format!("`{key}`"),
            "its value stood in no response of the recording: if it is another one each time, capture it",
        );
    }
}
