//! What senders send, from their bodies to the change log: the bodies of others where they are at hand, our own, and hostile ones.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that cannot be set up has failed, and says when it is skipped"
)]

#[path = "intake/burst.rs"]
mod burst;
#[path = "intake/delivered.rs"]
mod delivered;
#[path = "intake/face.rs"]
mod face;
#[path = "intake/hostile.rs"]
mod hostile;
#[path = "intake/many.rs"]
mod many;
#[path = "intake/payloads.rs"]
mod payloads;
#[path = "intake/second.rs"]
mod second;
#[path = "intake/snippets.rs"]
mod snippets;
#[expect(dead_code, reason = "shared with the tests of the agent")]
#[path = "agent/support.rs"]
mod support;
#[path = "intake/vendors.rs"]
mod vendors;

use std::collections::BTreeMap;

use jiff::Timestamp;
use wayfarer::{
    intake::{Delivery, Headers, Heard, IntakeFault, Known, Said, sender},
    model::{Change, HookDefaults},
};

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// Two environments and a few services, nothing filled in.
fn known() -> Known {
    Known {
        defaults: HookDefaults::default(),
        services: ["shop".into(), "order-service".into()].into(),
        environments: ["production".into(), "staging".into()].into(),
    }
}

fn hear(name: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Heard, IntakeFault> {
    hear_at(name, "", headers, body)
}

fn hear_at(
    name: &str,
    rest: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Heard, IntakeFault> {
    let pairs = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let headers = Headers::from(pairs.collect::<Vec<_>>());
    let (known, query) = (known(), BTreeMap::new());
    let delivery = Delivery {
        hook: name,
        headers: &headers,
        query: &query,
        rest,
        body,
        known: &known,
        received_at: now(),
    };
    let sender = sender(name).unwrap();
    let heard = (sender.read)(&delivery);
    (sender.answer)(&delivery, &[]);
    heard
}

/// The only change that is said.
fn one(heard: Heard) -> Change {
    let mut changes: Vec<Change> = heard
        .said
        .into_iter()
        .filter_map(|said| match said {
            Said::Change(tidings) => Some(tidings.change),
            _ => None,
        })
        .collect();
    assert_eq!(changes.len(), 1);
    changes.remove(0)
}
