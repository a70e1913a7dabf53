//! CloudEvents 1.0 over HTTP, with CDEvents inside where wanted.

use futures_util::future::BoxFuture;

use super::{
    Channel, Http, HttpRequest, Message, Receipt, Refused, open::Credentials, webhook::message_id,
};
use crate::{
    model::Secret,
    render::message::{Words, cdevents, cloudevents::CloudEvent},
};

/// One sink of events.
#[derive(Debug)]
pub(super) struct CloudEvents {
    pub(super) http: Http,
    pub(super) words: Words,
    pub(super) url: Secret,
    pub(super) login: Option<Credentials>,
    pub(super) binary: bool,
    pub(super) cdevents: bool,
    pub(super) source: String,
}

impl Channel for CloudEvents {
    fn kind(&self) -> &'static str {
        if self.cdevents { "cdevents" } else { "cloudevents" }
    }

    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, Refused>> {
        Box::pin(async move {
            let id = message_id(&message.key, &self.source);
            let made = if self.cdevents {
                cdevents::of(&message.parcel, &self.words, &id, &self.source)
            } else {
                CloudEvent::of(&message.parcel, &self.words, &id, &self.source).map(Some)
            };
            let Some(event) = made.map_err(|e| Refused::never(e.to_string()))? else {
                // CDEvents has no event for it: there is nothing to send.
                return Ok(Receipt::default());
            };
            let mut request = if self.binary {
                let body = event.data.to_string().into_bytes();
                let mut request = HttpRequest::post_json(self.url.expose(), body);
                request.headers.extend(event.headers());
                request
            } else {
                let body = event.structured().to_string().into_bytes();
                HttpRequest {
                    headers: vec![(
                        "content-type".to_owned(),
                        "application/cloudevents+json".to_owned(),
                    )],
                    ..HttpRequest::post_json(self.url.expose(), body)
                }
            };
            if let Some(login) = &self.login {
                request = request.header("authorization", login.header());
            }
            self.http.send(request, message.now).await?;
            Ok(Receipt::default())
        })
    }
}
