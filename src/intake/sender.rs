//! Who sends, how it proves that, and who reads it.

use super::{Delivery, Heard, IntakeFault, Proof};

/// A sender whose bodies are understood.
#[derive(Debug, Clone, Copy)]
pub struct Sender {
    /// Its name, as in `/hooks/NAME` and `sender = "NAME"`.
    pub name: &'static str,
    /// The ways in which it can prove that it knows the hook's `secret`; one of them must hold where a secret is set.
    pub proofs: &'static [Proof],
    /// Reads one delivery.
    pub read: fn(&Delivery<'_>) -> Result<Heard, IntakeFault>,
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
    super::jenkins::SENDER,
];

/// The sender of a name.
pub fn sender(name: &str) -> Option<&'static Sender> {
    SENDERS.iter().find(|sender| sender.name == name)
}
