//! Webhooks as Standard Webhooks 1.0 has them (<https://www.standardwebhooks.com>).

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Channel, Http, HttpRequest, Message, Receipt, Refused, channel::laid_out};
use crate::{
    model::Secret,
    render::message::{Words, event},
};

/// One webhook, signed with each of its keys.
pub(super) struct Webhook {
    pub(super) http: Http,
    pub(super) words: Words,
    pub(super) url: Secret,
    pub(super) keys: Vec<Vec<u8>>,
    /// What its settings add.
    pub(super) headers: Vec<(String, Secret)>,
    pub(super) source: String,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhook")
    }
}

impl Channel for Webhook {
    fn kind(&self) -> &'static str {
        "webhook"
    }

    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, Refused>> {
        Box::pin(async move {
            let ours = || event::body(&message.parcel, &self.words);
            let body = laid_out(message, &self.words, ours)?;
            let id = message_id(&message.key, &self.source);
            let mut request = HttpRequest::post_json(self.url.expose(), body.clone().into_bytes())
                .content_type(self.words.content_type())
                .header("webhook-id", id.as_str())
                .header("webhook-timestamp", message.now.as_second().to_string());
            if !self.keys.is_empty() {
                let all: Vec<String> = self
                    .keys
                    .iter()
                    .map(|key| sign(key, &id, message.now, body.as_bytes()))
                    .collect();
                request = request.header("webhook-signature", all.join(" "));
            }
            for (name, value) in &self.headers {
                request = request.header(name, value.expose());
            }
            self.http.send(request, message.now).await?;
            Ok(Receipt::default())
        })
    }
}

/// The id of a message: the same at each try, another one for each agent.
pub(super) fn message_id(key: &str, source: &str) -> String {
    let hash = Sha256::digest(format!("{source}\n{key}").as_bytes());
    format!("msg_{}", data_encoding::HEXLOWER.encode(&hash[..16]))
}

/// The key in a secret: `whsec_` and base64, or the bytes of any other text.
///
/// # Errors
/// What stands after `whsec_` is not base64.
pub fn signing_key(secret: &Secret) -> Result<Vec<u8>, String> {
    match secret.expose().strip_prefix("whsec_") {
        Some(encoded) => BASE64_STANDARD
            .decode(encoded)
            .map_err(|_| "what stands after `whsec_` in its secret is not base64".to_owned()),
        None => Ok(secret.expose().as_bytes().to_vec()),
    }
}

/// One signature: `v1,` and HMAC-SHA256 over `id.timestamp.body` in base64.
pub fn sign(key: &[u8], id: &str, at: Timestamp, body: &[u8]) -> String {
    // Any length of key will do for HMAC.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(format!("{id}.{}.", at.as_second()).as_bytes());
    mac.update(body);
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_published_vector() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../shared/payloads/standard-webhooks-test-vector.json"
        );
        let Ok(text) = std::fs::read_to_string(path) else {
            println!("skipped: no {path}");
            return;
        };
        let vector: serde_json::Value = serde_json::from_str(&text).unwrap();
        let word = |name: &str| vector[name].as_str().unwrap().to_owned();
        let key = signing_key(&Secret::new(word("secret"))).unwrap();
        let at = Timestamp::from_second(vector["webhook-timestamp"].as_i64().unwrap()).unwrap();
        let signature = sign(&key, &word("webhook-id"), at, word("body").as_bytes());
        assert_eq!(signature, word("webhook-signature"));
    }

    #[test]
    fn a_secret_is_base64_after_its_prefix() {
        assert!(signing_key(&Secret::new("whsec_!")).is_err());
        assert_eq!(signing_key(&Secret::new("whsec_YQ==")), Ok(b"a".to_vec()));
        assert_eq!(signing_key(&Secret::new("plain")), Ok(b"plain".to_vec()));
    }
}
