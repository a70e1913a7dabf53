//! What a failure says of its place beside step and kind: the host that was asked, and the words of its error.
//!
//! Only what may name a service is kept, and little of it: lower case, no numbers, no ids, each word once.

use std::sync::Arc;

use super::{Failure, Hop, StepOutcome, StepRun};

/// Most words, and bytes of them all, that are kept of one error.
const WORDS: usize = 24;
const BYTES: usize = 256;
/// Most of an error that is looked at, in bytes.
const READ: usize = 4096;
/// The longest word, in bytes: no host name is longer.
const LONGEST: usize = 64;
/// Letters a word has at least.
const LEAST: usize = 3;
/// From so many letters on, a piece with two digits or more is an id.
const ID: usize = 4;

/// The host of a URL, in lower case, without user and port; none where it has none.
pub(crate) fn host_of(url: &str) -> Option<Arc<str>> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority.rsplit('@').next()?;
    let host = match place.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => place.split(':').next()?,
    };
    let host = host.trim_end_matches('.');
    (!host.is_empty() && host.len() <= 253).then(|| host.to_ascii_lowercase().into())
}

/// The host that the failing step asked last.
pub(crate) fn failing_host<'s>(steps: &'s [StepRun], failure: &Failure) -> Option<Arc<str>> {
    let failing = |s: &&'s StepRun| s.name == failure.step && s.outcome == StepOutcome::Failed;
    let last: &Hop = steps.iter().rev().find(failing)?.hops.last()?;
    host_of(&last.url)
}

/// The words of a failure that may name a service: of what we say ourselves only hosts, of what the target said any word.
pub(crate) fn words_of(failure: &Failure) -> Option<Arc<str>> {
    let told = [failure.actual.as_deref()];
    let ours = [Some(failure.message.as_str())];
    words(told.into_iter().flatten(), ours.into_iter().flatten())
}

/// The words of these texts, each once, in their order and with one blank between them; of `ours` only names of hosts.
pub(crate) fn words<'t>(
    told: impl Iterator<Item = &'t str>,
    ours: impl Iterator<Item = &'t str>,
) -> Option<Arc<str>> {
    let mut kept: Vec<String> = Vec::new();
    let mut bytes = 0;
    let texts = told.map(|t| (t, false)).chain(ours.map(|t| (t, true)));
    for (text, hosts_only) in texts {
        for piece in head(text).split(|c: char| !is_of_word(c)) {
            let Some(word) = word(piece).filter(|w| !hosts_only || w.contains('.')) else {
                continue;
            };
            if kept.len() == WORDS || bytes + word.len() > BYTES {
                break;
            }
            if !kept.contains(&word) {
                bytes += word.len() + 1;
                kept.push(word);
            }
        }
    }
    (!kept.is_empty()).then(|| kept.join(" ").into())
}

/// The part of a text that is looked at.
fn head(text: &str) -> &str {
    let mut end = text.len().min(READ);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// A piece of text as a word, without its ids: `pay-7d9f8c6b5-x2x4z.prod` is `pay.prod`. None where nothing but numbers is left.
fn word(piece: &str) -> Option<String> {
    let piece = piece.trim_matches(['.', '-', '_']);
    if piece.len() > LONGEST {
        return None;
    }
    let mut labels: Vec<String> = Vec::new();
    for label in piece.split('.') {
        let parts = label.split('-').enumerate();
        let names: Vec<&str> = parts
            .filter(|(n, part)| !part.is_empty() && !is_id(part, *n == 0))
            .map(|(_, part)| part)
            .collect();
        if !names.is_empty() {
            labels.push(names.join("-").to_ascii_lowercase());
        }
    }
    let word = labels.join(".");
    (word.bytes().filter(u8::is_ascii_alphabetic).count() >= LEAST).then_some(word)
}

/// Whether a piece between two dashes is a number or an id: five of both are the end of a pod's name.
fn is_id(part: &str, first: bool) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    digits == part.len()
        || (digits >= 2 && part.len() >= ID)
        || (digits == 1 && part.len() == 5 && !first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_url() {
        for (url, host) in [
            ("https://Payments.Internal:8443/v1?x=http://a/", Some("payments.internal")),
            ("http://user:***@pay.example./", Some("pay.example")),
            ("http://[2001:db8::1]:80/", Some("2001:db8::1")),
            ("http://10.0.0.7", Some("10.0.0.7")),
            ("/cart", None),
            ("http://", None),
            ("http:///x", None),
            ("", None),
        ] {
            assert_eq!(host_of(url).as_deref(), host, "{url}");
        }
        assert_eq!(host_of(&format!("http://{}/", "a".repeat(300))), None);
    }

    #[test]
    fn words_are_few_and_without_ids() {
        for (told, ours, kept) in [
            ("", "expected a 2xx status, got 503", None),
            ("503", "expected status 200, got 503", None),
            ("", "no address for payments.internal: NXDOMAIN", Some("payments.internal")),
            (
                "Upstream `payments` at 10.0.0.7:8080 refused (request 7f3c9a1e-77aa-4b1c-9d7e-0123456789ab)",
                "",
                Some("upstream payments refused request"),
            ),
            (
                "{\"error\":\"pay-7d9f8c6b5-x2x4z.prod.svc is down\",\"n\":17}",
                "",
                Some("error pay.prod.svc down"),
            ),
            ("pay_service PAY_SERVICE v2 ... -- 2024-11-21T10:00:00Z", "", Some("pay_service")),
        ] {
            let found = words([told].into_iter(), [ours].into_iter());
            assert_eq!(found.as_deref(), kept, "{told} {ours}");
        }
        let long: String = (0..5000).map(|i| format!("w{} ", "x".repeat(3 + i % 40))).collect();
        let found = words([long.as_str(), "ä€ß"].into_iter(), std::iter::empty()).unwrap();
        assert!(found.len() <= BYTES + WORDS && found.split(' ').count() <= WORDS, "{found}");
    }
}
