//! Slack's incoming webhooks, and what understands them: Mattermost, Rocket.Chat.

use futures_util::future::BoxFuture;

use super::{Channel, Http, HttpRequest, Message, Receipt, Refused, channel::laid_out};
use crate::{
    model::{Parcel, Secret},
    render::message::{Words, slack},
};

/// One incoming webhook.
#[derive(Debug)]
pub(super) struct Slack {
    pub(super) http: Http,
    pub(super) words: Words,
    pub(super) url: Secret,
}

impl Channel for Slack {
    fn kind(&self) -> &'static str {
        "slack"
    }

    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, Refused>> {
        Box::pin(async move {
            let Parcel::Notice(notice) = &message.parcel else {
                return Err(Refused::unknown_parcel(self.kind()));
            };
            let body = laid_out(message, &self.words, || slack::body(notice, &self.words))?;
            let request = HttpRequest::post_json(self.url.expose(), body.into_bytes());
            self.http.send(request, message.now).await?;
            Ok(Receipt::default())
        })
    }
}
