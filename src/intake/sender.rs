//! Who sends, how it proves that, and who reads it.

use serde_json::Value;

use super::{Delivery, Heard, IntakeFault, Proof};
use crate::model::ChangeId;

/// What callers of a sender's own API expect: a status and a body.
pub type Answer = fn(&Delivery<'_>, &[ChangeId]) -> Option<(u16, Value)>;

/// A sender whose bodies are understood.
#[derive(Debug, Clone, Copy)]
pub struct Sender {
    /// Its name, as in `/hooks/NAME` and `sender = "NAME"`.
    pub name: &'static str,
    /// The ways in which it can prove that it knows the hook's `secret`; one of them must hold where a secret is set.
    pub proofs: &'static [Proof],
    /// Reads one delivery.
    pub read: fn(&Delivery<'_>) -> Result<Heard, IntakeFault>,
    /// What its callers expect to be answered, status and body, given the ids under which changes were told; none for our own answer.
    pub answer: Answer,
}

/// Our own answer will do.
pub(super) fn plain(_: &Delivery<'_>, _: &[ChangeId]) -> Option<(u16, Value)> {
    None
}

/// All senders: a new one is a file and a line here.
pub const SENDERS: &[Sender] = &[
    super::native::SENDER,
    super::cloudevents::SENDER,
    super::github::SENDER,
    super::gitlab::SENDER,
    super::grafana::SENDER,
    super::flux::SENDER,
    super::argocd::SENDER,
    super::flagger::SENDER,
    super::argorollouts::SENDER,
    super::terraform::SENDER,
    super::launchdarkly::SENDER,
    super::unleash::SENDER,
    super::flagsmith::SENDER,
    super::jenkins::SENDER,
    super::spinnaker::SENDER,
    super::datadog::SENDER,
    super::sentry::SENDER,
    super::devlake::SENDER,
    super::honeycomb::SENDER,
];

/// The sender of a name.
pub fn sender(name: &str) -> Option<&'static Sender> {
    SENDERS.iter().find(|sender| sender.name == name)
}
