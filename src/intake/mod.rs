//! What senders say, turned into changes, facts of pipelines and incidents; pure: bytes and `now` in, nouns or a fault out.
//!
//! One file a sender with its `SENDER`, and one line in [`SENDERS`]. A reader takes what it understands of a body and passes over
//! the rest: senders add fields. It never panics, whatever it is given; a fault names the field, what was found and the way out,
//! and never repeats a whole body. An event that means nothing here is [`Said::Ignored`], not a fault.
//!
//! Ids begin with the name of the sender and are the same for every event of one change, so that redelivery changes nothing.
//! Names of services, repositories and environments go through [`Known`], which knows what they are called here.

mod argocd;
mod argorollouts;
mod cdevents;
mod cloudevents;
mod datadog;
mod delivery;
mod devlake;
mod document;
mod fault;
mod flagger;
mod flagsmith;
mod flux;
mod github;
mod gitlab;
pub mod grafana;
mod heard;
mod honeycomb;
mod jenkins;
pub mod kubernetes;
mod launchdarkly;
mod masked;
pub mod native;
mod place;
mod sender;
mod sentry;
mod signature;
mod spinnaker;
mod terraform;
mod text;
mod time;
#[cfg(test)]
mod tried;
mod unleash;
mod words;

pub use delivery::{Delivery, Headers, Known};
pub use fault::IntakeFault;
pub use heard::{Heard, Said, Tidings};
pub use jenkins::repository;
pub use masked::masked;
pub use place::{Placing, place};
pub use sender::{Answer, SENDERS, Sender, sender};
pub use signature::{Proof, same};

/// Whether a text was written by us: what we write back to a platform comes back as a webhook. Our tags and contexts are our word alone or
/// begin with it and a slash (`wayfarer/production`), our sentences with it and a colon; a service of that name is no echo.
pub(crate) fn echo(text: &str) -> bool {
    let text = text.trim_start();
    let ours = crate::model::OUR_WORD;
    let begins = text.get(..ours.len()).is_some_and(|word| word.eq_ignore_ascii_case(ours));
    begins && matches!(text.as_bytes().get(ours.len()), None | Some(b'/' | b':'))
}
