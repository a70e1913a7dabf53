//! What tests of senders share: one body, heard.

use serde_json::Value;

use super::{Delivery, Headers, Heard, IntakeFault, Known, Said, Tidings};

/// What a sender's reader hears of a body at noon of 2026-11-20, where nothing is configured.
pub(super) fn heard(
    read: fn(&Delivery<'_>) -> Result<Heard, IntakeFault>,
    headers: &[(&str, &str)],
    body: &Value,
) -> Result<Vec<Said>, IntakeFault> {
    let pairs = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let headers = Headers::from(pairs.collect::<Vec<_>>());
    let (known, query, body) = (Known::default(), [].into(), body.to_string());
    let delivery = Delivery {
        hook: "tried",
        headers: &headers,
        query: &query,
        rest: "",
        body: body.as_bytes(),
        known: &known,
        received_at: "2026-11-20T12:00:00Z".parse().unwrap(),
    };
    read(&delivery).map(|heard| heard.said)
}

/// The first thing that was said, which must be a change.
pub(super) fn change(said: Vec<Said>) -> Tidings {
    match said.into_iter().next() {
        Some(Said::Change(tidings)) => *tidings,
        other => panic!("{other:?}"),
    }
}
