//! Grafana's annotations: one region for each change, made once and altered as more is known.

use futures_util::future::BoxFuture;
use reqwest::Method;
use serde_json::Value;

use super::{Channel, Http, HttpRequest, Message, Receipt, Refused};
use crate::{
    model::{Parcel, Secret},
    render::message::grafana,
};

/// One Grafana.
#[derive(Debug)]
pub(super) struct Grafana {
    pub(super) http: Http,
    pub(super) url: String,
    pub(super) token: Secret,
    pub(super) tags: Vec<String>,
}

impl Channel for Grafana {
    fn kind(&self) -> &'static str {
        "grafana"
    }

    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, Refused>> {
        Box::pin(async move {
            let Parcel::ChangeNews(news) = &message.parcel else {
                return Err(Refused::unknown_parcel(self.kind()));
            };
            let body = grafana::annotation(news, &self.tags).to_string().into_bytes();
            let base = format!("{}/api/annotations", self.url.trim_end_matches('/'));
            let request = |method: Method, url: String| {
                let authorization = format!("Bearer {}", self.token.expose());
                let request = HttpRequest::post_json(url, body.clone());
                HttpRequest { method, ..request.header("authorization", authorization) }
            };
            // The receipt is a number that Grafana gave; anything else is not put into an address.
            if let Some(id) = message.earlier.as_ref().and_then(|id| id.parse::<u64>().ok()) {
                let patched =
                    self.http.send(request(Method::PATCH, format!("{base}/{id}")), message.now);
                match patched.await {
                    Ok(_) => return Ok(Receipt { keep: Some(id.to_string()) }),
                    // Somebody has deleted it: it is made anew.
                    Err(refused) if refused.text.starts_with("answered 404") => {}
                    Err(refused) => return Err(refused),
                }
            }
            let answer = self.http.send(request(Method::POST, base), message.now).await?;
            let answer: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let Some(id) = answer["id"].as_u64() else {
                return Err(Refused::never("answered without the id of an annotation"));
            };
            Ok(Receipt { keep: Some(id.to_string()) })
        })
    }
}
