//! `[Options]` of a hurl entry.

use crate::import::{
    draft::{Auth, Draft, Step},
    names,
    text::Text,
    tree::Tree,
};

/// Marks a step that hurl would skip.
pub(super) const SKIP: &str = "skip";

/// Sorts options into what a step and its environment say; true if redirects are followed.
pub(super) fn read(pairs: Vec<(String, Text)>, step: &mut Step, draft: &mut Draft) -> bool {
    let mut follows = false;
    let mut retry: Vec<(String, Tree)> = Vec::new();
    for (name, value) in pairs {
        let plain = value.as_plain().unwrap_or_default().to_owned();
        let on = plain != "false";
        match name.as_str() {
            "location" | "location-trusted" => follows = on,
            "max-redirs" if plain.parse::<u32>().is_ok_and(|n| n <= 50) => {
                step.http.push(("redirects".to_owned(), Tree::number(plain)));
            }
            "max-redirs" => {}
            "retry" => {
                let count = plain.parse::<i64>().unwrap_or(10);
                let count = if (1..=100).contains(&count) { count } else { 10 };
                retry.insert(0, ("count".to_owned(), Tree::number(count)));
            }
            "retry-interval" => retry.push(("delay".to_owned(), Tree::text(time(&plain)))),
            "delay" => step.keys.push(("delay".to_owned(), Tree::text(time(&plain)))),
            "max-time" => step.keys.push(("timeout".to_owned(), Tree::text(time_in(&plain, "s")))),
            "user" => {
                let (user, password) = value.split_user();
                let fields = vec![("user".to_owned(), user), ("password".to_owned(), password)];
                step.auth = Some(Auth("basic", fields));
            }
            "http1.1" if on => step.http.push(("http".to_owned(), Tree::text("1.1"))),
            "http2" if on => step.http.push(("http".to_owned(), Tree::text("2"))),
            "ipv4" if on => step.http.push(("ip".to_owned(), Tree::text("4"))),
            "ipv6" if on => step.http.push(("ip".to_owned(), Tree::text("6"))),
            "variable" => {
                if let Some((name, value)) = plain.split_once('=') {
                    let name = names::variable(name.trim());
                    if !draft.vars.iter().any(|(known, _)| *known == name) {
                        draft.vars.push((name, value.trim().trim_matches('"').to_owned()));
                    }
                }
            }
            "insecure" if on => setting("insecure", Tree::Bool(true), draft),
            "cacert" => setting("ca", Tree::text(plain), draft),
            "proxy" => {
                if let Some(proxy) = crate::import::curl::proxy_url(&value, draft) {
                    setting("proxy", Tree::Text(proxy), draft);
                }
            }
            "resolve" => match crate::import::curl::pinned(&plain) {
                Some(pinned) => setting("resolve", Tree::Table(vec![pinned]), draft),
                None => draft.unsupported("option `resolve`", "it names no address"),
            },
            "skip" if on => step.keys.push((SKIP.to_owned(), Tree::Bool(true))),
            "compressed" | "verbose" | "very-verbose" | "output" | "path-as-is" | "skip"
            | "insecure" | "http1.1" | "http2" | "ipv4" | "ipv6" | "verbosity" => {}
            other => draft.unsupported(format!("option `{other}`"), "a journey has no such thing"),
        }
    }
    if !retry.is_empty() {
        if !retry.iter().any(|(key, _)| key == "count") {
            retry.insert(0, ("count".to_owned(), Tree::number(10)));
        }
        if !retry.iter().any(|(key, _)| key == "delay") {
            retry.push(("delay".to_owned(), Tree::text("1s")));
        }
        step.keys.push(("retry".to_owned(), Tree::Table(retry)));
    }
    follows
}

fn setting(key: &str, value: Tree, draft: &mut Draft) {
    if !draft.settings.iter().any(|(known, _)| known == key) {
        draft.settings.push((key.to_owned(), value));
    }
}

/// A time: hurl counts milliseconds where there is no unit.
fn time(text: &str) -> String {
    time_in(text, "ms")
}

fn time_in(text: &str, unit: &str) -> String {
    if text.chars().all(|c| c.is_ascii_digit()) && !text.is_empty() {
        format!("{text}{unit}")
    } else {
        text.to_owned()
    }
}
