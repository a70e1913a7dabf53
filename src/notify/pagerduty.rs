//! PagerDuty, Events API v2.

use futures_util::future::BoxFuture;
use serde_json::json;

use super::{Channel, Http, HttpRequest, Message, Receipt, Refused};
use crate::{
    model::{Parcel, Secret},
    render::message::{Words, pagerduty},
};

/// One integration of one service.
#[derive(Debug)]
pub(super) struct PagerDuty {
    pub(super) http: Http,
    pub(super) words: Words,
    pub(super) url: String,
    pub(super) key: Secret,
}

impl Channel for PagerDuty {
    fn kind(&self) -> &'static str {
        "pagerduty"
    }

    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, Refused>> {
        Box::pin(async move {
            let (path, mut event) = match &message.parcel {
                Parcel::Notice(notice) => {
                    let event = pagerduty::alert(notice, &self.words);
                    ("enqueue", event.map_err(|e| Refused::never(e.to_string()))?)
                }
                Parcel::ChangeNews(news) => ("change/enqueue", pagerduty::change(news)),
                Parcel::Rollback(_) | Parcel::Status(_) => {
                    return Err(Refused::unknown_parcel(self.kind()));
                }
            };
            event["routing_key"] = json!(self.key.expose());
            let url = format!("{}/v2/{path}", self.url.trim_end_matches('/'));
            let request = HttpRequest::post_json(url, event.to_string().into_bytes());
            self.http.send(request, message.now).await?;
            Ok(Receipt::default())
        })
    }
}
