//! What a notice looks like for each kind of receiver: words by handlebars, layout by us. One file a kind; pure.
//!
//! [`Words`] are the templates of a receiver: the one line and the text below it, its own or ours, and whole bodies where it has its own. They are
//! filled with the notice as JSON (and `severity`, `status`, `type`, `colour`), and every value is escaped as the receiver's markup wants it.

pub mod alertmanager;
mod body;
pub mod cdevents;
pub mod cloudevents;
pub mod event;
pub mod grafana;
pub mod mail;
pub mod pagerduty;
mod preview;
pub mod sample;
pub mod slack;
pub mod teams;
mod words;

pub use preview::{preview, preview_change};
pub use words::{Words, WordsFault, clip, context};
