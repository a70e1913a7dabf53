//! What every channel is, and what it says of a message.

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::{
    model::{Notice, Parcel},
    render::message::{Words, WordsFault},
};

/// One message on its way: a row of the outbox, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its idempotency key, the same at each try: sent along so that a receiver can tell a repetition.
    pub key: String,
    /// The name of the receiver.
    pub receiver: String,
    /// What it belongs to: all messages of one incident, or of one change, have the same.
    pub thread: Option<String>,
    /// What is to be delivered.
    pub parcel: Parcel,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// When it was thought of.
    pub created_at: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// What the receiver answered to an earlier message of this thread, where that was kept.
    pub earlier: Option<String>,
}

/// The receiver took a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// What later messages of its thread need to know of it, such as the id of an annotation.
    pub keep: Option<String>,
}

/// The receiver did not take a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Whether it is worth asking again.
    pub again: Again,
    /// Why, for people: without secrets, at most a few hundred bytes.
    pub text: String,
}

/// Whether and when a receiver is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Never: the same message would be refused again.
    Never,
    /// Later, and later each time.
    BackOff,
    /// Not before so long from now: the receiver said so.
    After(Duration),
}

/// A way to a receiver, with everything it needs: address, secrets, templates.
pub trait Channel: fmt::Debug + Send + Sync {
    /// What sort it is, for logs: `slack`.
    fn kind(&self) -> &'static str;

    /// Whether a message may be sent only once: it is then marked on disk before it is sent. Such a channel says [`Again::BackOff`] only
    /// where it is certain that nothing came of the try.
    fn once(&self) -> bool {
        false
    }

    /// How often it must be told again of everything that goes on, if at all.
    fn remind_every(&self) -> Option<Duration> {
        None
    }

    /// Tells again of what goes on, and of what is over since a short while.
    fn remind<'a>(
        &'a self,
        _notices: &'a [Notice],
        _now: Timestamp,
    ) -> BoxFuture<'a, Result<(), Refused>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Carries one message, once, within a deadline of its own.
    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, Refused>>;
}

impl Refused {
    /// For good.
    pub fn never(text: impl Into<String>) -> Self {
        Self { again: Again::Never, text: text.into() }
    }

    /// For now.
    pub fn back_off(text: impl Into<String>) -> Self {
        Self { again: Again::BackOff, text: text.into() }
    }

    /// A parcel that this channel cannot carry.
    pub fn unknown_parcel(kind: &str) -> Self {
        Self::never(format!("a receiver of kind `{kind}` cannot carry such a message"))
    }
}

/// The body of a message as the receiver's own template lays it out, else as we do. A template was tried when it was read; where what really happened does
/// not fit it all the same, the message still goes out, in our form.
pub(super) fn laid_out<T: ToString>(
    message: &Message,
    words: &Words,
    ours: impl FnOnce() -> Result<T, WordsFault>,
) -> Result<String, Refused> {
    match words.body(&message.parcel) {
        Ok(Some(body)) => return Ok(body),
        Ok(None) => {}
        Err(fault) => {
            tracing::warn!(receiver = %message.receiver, "its template does not fit, so it is told in our form: {fault}");
        }
    }
    ours().map(|body| body.to_string()).map_err(|e| Refused::never(e.to_string()))
}
