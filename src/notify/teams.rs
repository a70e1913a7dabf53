//! A workflow of Microsoft Teams.

use futures_util::future::BoxFuture;

use super::{Channel, Http, HttpRequest, Message, Receipt, Refused, channel::laid_out};
use crate::{
    model::{Parcel, Secret},
    render::message::{Words, teams},
};

/// One workflow, or an old connector.
#[derive(Debug)]
pub(super) struct Teams {
    pub(super) http: Http,
    pub(super) words: Words,
    pub(super) url: Secret,
}

impl Channel for Teams {
    fn kind(&self) -> &'static str {
        "teams"
    }

    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, Refused>> {
        Box::pin(async move {
            let Parcel::Notice(notice) = &message.parcel else {
                return Err(Refused::unknown_parcel(self.kind()));
            };
            let body = laid_out(message, &self.words, || teams::body(notice, &self.words))?;
            let request = HttpRequest::post_json(self.url.expose(), body.into_bytes());
            let answer = self.http.send(request, message.now).await?;
            // The connectors that came before workflows answer 200 and say in words that they did not deliver.
            let said = String::from_utf8_lossy(&answer.body);
            if said.contains("delivery failed") {
                return Err(Refused::back_off("answered 200, and that the delivery failed"));
            }
            Ok(Receipt::default())
        })
    }
}
