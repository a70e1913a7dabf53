//! The door for what leaves by itself: messages to receivers, one file a channel.
//!
//! A [`Channel`] carries one message of the outbox to its receiver, once, and says what came of it. It never decides who is told what
//! (`alert`), how words look (`render::message`), or when it is tried again (`daemon::deliver`). What it says of a failure may be stored and
//! shown: it holds no secret and no address that is one. A new sort of receiver is one file here, one in `render::message`, a variant of
//! [`crate::model::Way`] and a line in [`open()`].

mod actions;
mod alertmanager;
mod channel;
mod cloudevents;
mod command;
mod email;
mod forge;
mod grafana;
mod http;
mod open;
mod pagerduty;
mod rollback;
mod slack;
mod teams;
mod webhook;

pub use actions::{open_rollback, open_writeback};
pub use channel::{Again, Channel, Message, Receipt, Refused};
pub use command::{Program, ProgramFault};
pub use http::{Http, HttpAnswer, HttpRequest};
pub use open::{Around, open};
pub use rollback::is_unknown;
pub use webhook::{sign, signing_key};
