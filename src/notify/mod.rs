//! The door for what leaves by itself: messages to receivers, one file a channel.
//!
//! A [`Channel`] carries one message of the outbox to its receiver, once, and says what came of it. It never decides who is told what
//! (`alert`), how words look (`render::message`), or when it is tried again (`daemon::deliver`). What it says of a failure may be stored and
//! shown: it holds no secret and no address that is one.

mod channel;
mod http;

pub use channel::{Again, Channel, Message, Receipt, Refused};
pub use http::{Http, HttpRequest};
