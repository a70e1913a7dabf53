//! A raw body as it may be kept for a while: short, and without what its own names call a secret.

use serde_json::Value;

/// What stands in the place of a secret.
const MASK: &str = "***";

/// Words in the names of fields that hold secrets.
const SECRET: &[&str] = &[
    "token",
    "secret",
    "password",
    "passwd",
    "authorization",
    "apikey",
    "api_key",
    "api-key",
    "credential",
    "private_key",
    "routing_key",
    "cookie",
    "signature",
];

/// The body as text, at most `cap` bytes of it. In JSON, fields whose names speak of secrets are masked, and the values of the
/// variables that GitLab sends with its pipelines.
pub fn masked(body: &[u8], cap: usize) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => {
            mask(&mut value);
            value.to_string()
        }
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    if text.len() <= cap {
        return text;
    }
    format!("{}…", &text[..text.floor_char_boundary(cap)])
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                let name = key.to_ascii_lowercase();
                let plain = value.is_string() || value.is_number();
                if plain && SECRET.iter().any(|word| name.contains(word)) {
                    *value = Value::from(MASK);
                } else if matches!(name.as_str(), "variables" | "parameters" | "env") {
                    hide(value);
                } else {
                    mask(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

/// Masks the values of `[{"key": …, "value": …}]` and of `{"NAME": …}`.
fn hide(value: &mut Value) {
    match value {
        Value::Array(items) => {
            for item in items {
                if let Some(value) = item.get_mut("value") {
                    *value = Value::from(MASK);
                }
            }
        }
        Value::Object(map) => map.values_mut().for_each(|value| *value = Value::from(MASK)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_by_their_names() {
        let body = br#"{"metadata":{"token":"abc","test":"all"},"access_token":"x","variables":[{"key":"K","value":"v"}],"n":1}"#;
        let text = masked(body, 1000);
        assert_eq!(
            text,
            r#"{"metadata":{"token":"***","test":"all"},"access_token":"***","variables":[{"key":"K","value":"***"}],"n":1}"#
        );
        assert_eq!(masked(b"\xff\xfenot json", 100), "\u{fffd}\u{fffd}not json");
        assert_eq!(masked("äöü".as_bytes(), 3), "ä…");
    }
}
