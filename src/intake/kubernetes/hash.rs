//! Hashes of what may hold secrets.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

/// Sixteen hexadecimal digits: the same for the same JSON in whatever order, and nothing to anybody without the key.
pub(super) fn hash(key: &[u8], value: &Value) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    feed(value, &mut |bytes| mac.update(bytes));
    data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes()[..8])
}

/// A value in one order and one writing.
fn feed(value: &Value, to: &mut dyn FnMut(&[u8])) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            to(b"{");
            for (key, value) in members {
                text(key, to);
                feed(value, to);
            }
            to(b"}");
        }
        Value::Array(items) => {
            to(b"[");
            items.iter().for_each(|item| feed(item, to));
            to(b"]");
        }
        Value::String(said) => text(said, to),
        other => {
            to(b"=");
            text(&other.to_string(), to);
        }
    }
}

/// A text with its length before it, so that nothing can be read in two ways.
fn text(said: &str, to: &mut dyn FnMut(&[u8])) {
    to(&said.len().to_be_bytes());
    to(said.as_bytes());
}
