//! Prometheus Alertmanager, API v2. It forgets what is not sent again, so every alert has an end and is sent again before it: when the agent
//! dies its alerts resolve by themselves.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::{BoxFuture, join_all};
use jiff::Timestamp;
use serde_json::Value;

use super::{Again, Channel, Http, HttpRequest, Message, Receipt, Refused, open::Credentials};
use crate::{
    model::{Notice, Parcel},
    render::message::{Words, alertmanager},
};

/// An alert lasts for so many intervals unless it is sent again, as Prometheus has it.
const INTERVALS: u32 = 4;

/// All instances of one Alertmanager: each must hear everything, for they do not tell each other of alerts.
#[derive(Debug)]
pub(super) struct Alertmanager {
    pub(super) http: Http,
    pub(super) words: Words,
    pub(super) urls: Vec<String>,
    pub(super) login: Option<Credentials>,
    pub(super) resend: Duration,
    pub(super) labels: BTreeMap<String, String>,
}

impl Alertmanager {
    async fn post(&self, notices: &[&Notice], now: Timestamp) -> Result<Receipt, Refused> {
        let mut alerts = Vec::new();
        let lasts = self.resend.saturating_mul(INTERVALS);
        for notice in notices {
            let made = alertmanager::alerts(notice, &self.words, &self.labels, now, lasts);
            alerts.extend(made.map_err(|e| Refused::never(e.to_string()))?);
        }
        let body = Value::Array(alerts).to_string().into_bytes();
        let answers = join_all(self.urls.iter().map(|url| {
            let url = format!("{}/api/v2/alerts", url.trim_end_matches('/'));
            let mut request = HttpRequest::post_json(url, body.clone());
            if let Some(login) = &self.login {
                request = request.header("authorization", login.header());
            }
            self.http.send(request, now)
        }))
        .await;
        let mut refused: Option<Refused> = None;
        for answer in answers {
            match answer {
                // One of them has it; the others get it with the next reminder.
                Ok(_) => return Ok(Receipt::default()),
                Err(why) if refused.as_ref().is_none_or(|r| r.again == Again::Never) => {
                    refused = Some(why);
                }
                Err(_) => {}
            }
        }
        Err(refused.unwrap_or_else(|| Refused::never("it has no address")))
    }
}

impl Channel for Alertmanager {
    fn kind(&self) -> &'static str {
        "alertmanager"
    }

    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, Refused>> {
        Box::pin(async move {
            match &message.parcel {
                Parcel::Notice(notice) => self.post(&[&**notice], message.now).await,
                _ => Err(Refused::unknown_parcel(self.kind())),
            }
        })
    }

    fn remind_every(&self) -> Option<Duration> {
        Some(self.resend)
    }

    fn remind<'a>(
        &'a self,
        notices: &'a [Notice],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), Refused>> {
        Box::pin(async move {
            let all: Vec<&Notice> = notices.iter().collect();
            self.post(&all, now).await.map(drop)
        })
    }
}
