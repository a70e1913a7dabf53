//! Rollbacks: an order is carried once, and what came of it is said as exactly as it can be known.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use serde_json::json;

use super::{
    Again, Channel, Http, HttpRequest, Message, Program, Receipt, Refused,
    command::{ProgramFault, Surroundings},
    webhook::{message_id, sign},
};
use crate::model::{Parcel, ROLLBACK_EXPIRY, RollbackOrder, Secret};

/// What stands in the text of a refusal of which nobody knows what came of the try.
const UNKNOWN: &str = "what came of it is not known";

/// A hook that undoes changes.
#[derive(Debug)]
pub(super) struct Rollback {
    pub(super) way: Way,
    pub(super) source: String,
}

/// How it is reached.
#[derive(Debug)]
pub(super) enum Way {
    Webhook { http: Http, url: Secret, key: Option<Vec<u8>>, token: Option<Secret> },
    Command { program: Program, surroundings: Surroundings },
}

/// Whether a refusal leaves open what came of the try.
pub fn is_unknown(text: &str) -> bool {
    text.contains("is not known") || text.contains("did not end within its time")
}

impl Channel for Rollback {
    fn kind(&self) -> &'static str {
        "rollback"
    }

    fn once(&self) -> bool {
        true
    }

    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, Refused>> {
        Box::pin(async move {
            let Parcel::Rollback(order) = &message.parcel else {
                return Err(Refused::unknown_parcel(self.kind()));
            };
            if message.now.duration_since(order.at).unsigned_abs() > ROLLBACK_EXPIRY {
                return Err(Refused::never(
                    "it could not be fired in time: order it again if it is still wanted",
                ));
            }
            let id = message_id(&message.key, &self.source);
            let answer = match &self.way {
                Way::Webhook { http, url, key, token } => {
                    let request = request(order, message, &id, url, key.as_deref(), token.as_ref());
                    http.send_once(request, message.now).await.map(|_| ())
                }
                Way::Command { program, surroundings } => {
                    let done = run(program, &surroundings.variables, order, message, &id).await;
                    done.map_err(|refused| surroundings.masked(refused))
                }
            };
            answer.map(|()| Receipt::default()).map_err(soon)
        })
    }
}

/// What is tried again must come back before the order has expired.
fn soon(refused: Refused) -> Refused {
    match refused.again {
        Again::After(wait) if wait > ROLLBACK_EXPIRY => Refused::never(refused.text),
        _ => refused,
    }
}

/// The order as Standard Webhooks recommends it: `{"type", "timestamp", "data"}`.
fn body(order: &RollbackOrder, id: &str) -> Vec<u8> {
    let change = &order.change;
    json!({
        "type": "rollback.ordered",
        "timestamp": order.at,
        "data": {
            "id": order.id.as_str(),
            "message": id,
            "service": order.service.as_str(),
            "environments": order.environments,
            "change": {
                "id": change.id.as_str(),
                "kind": change.kind.as_str(),
                "services": change.services,
                "environments": change.environments,
                "version": change.version,
                "previous_version": change.previous_version,
                "commit": change.commits.last().map(|commit| &commit.id),
                "release": change.release,
                "author": change.author,
                "url": change.url,
                "labels": change.labels,
            },
            "to_version": change.previous_version,
            "to_commit": order.to_commit,
            "reason": order.reason,
            "by": order.by,
            "automatic": order.automatic,
        },
    })
    .to_string()
    .into_bytes()
}

fn request(
    order: &RollbackOrder,
    message: &Message,
    id: &str,
    url: &Secret,
    key: Option<&[u8]>,
    token: Option<&Secret>,
) -> HttpRequest {
    let body = body(order, id);
    let signature = key.map(|key| sign(key, id, message.now, &body));
    let mut request = HttpRequest::post_json(url.expose(), body)
        .header("webhook-id", id)
        .header("idempotency-key", id)
        .header("webhook-timestamp", message.now.as_second().to_string());
    if let Some(signature) = signature {
        request = request.header("webhook-signature", signature);
    }
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {}", token.expose()));
    }
    request
}

async fn run(
    program: &Program,
    variables: &BTreeMap<String, String>,
    order: &RollbackOrder,
    message: &Message,
    id: &str,
) -> Result<(), Refused> {
    let mut variables = variables.clone();
    let environments: Vec<&str> = order.environments.iter().map(|e| e.as_str()).collect();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    for (name, value) in [
        ("WAYFARER_EVENT", "rollback.ordered".to_owned()),
        ("WAYFARER_MESSAGE", message.key.clone()),
        ("WAYFARER_CHANGE", order.change.id.to_string()),
        ("WAYFARER_SERVICE", order.service.to_string()),
        ("WAYFARER_ENVIRONMENT", environments.join(",")),
        ("WAYFARER_VERSION", text(&order.change.version)),
        ("WAYFARER_PREVIOUS_VERSION", text(&order.change.previous_version)),
        ("WAYFARER_PREVIOUS_COMMIT", text(&order.to_commit)),
    ] {
        variables.insert(name.to_owned(), value);
    }
    let fault = match program.run(&body(order, id), &variables).await {
        Ok(()) => return Ok(()),
        Err(fault) => fault,
    };
    Err(match &fault {
        ProgramFault::NotStarted(_) => Refused::never(fault.to_string()),
        // Of sysexits.h: used wrongly or set up wrongly; nothing was begun.
        ProgramFault::Failed { code: Some(64..=78), .. } => Refused::never(fault.to_string()),
        _ => Refused::never(format!("{fault}; {UNKNOWN}")),
    })
}
