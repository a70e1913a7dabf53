//! What `press` presses.

use serde_json::{Value, json};

use crate::model::KEYS;

/// The actions of a keyboard (W3C WebDriver, section 17.4.2) for `Control+Shift+a`: each key goes down in order, and up in reverse.
pub(super) fn presses(chord: &str) -> Result<Vec<Value>, String> {
    let mut names: Vec<&str> = chord.split('+').collect();
    // The key `+` itself: `+`, `Control++`.
    if chord.ends_with('+') {
        names.truncate(names.len() - 2);
        names.push("+");
    }
    let keys: Vec<String> = names.iter().map(|name| key(name)).collect::<Result<_, _>>()?;
    let down = keys.iter().map(|key| json!({ "type": "keyDown", "value": key }));
    let up = keys.iter().rev().map(|key| json!({ "type": "keyUp", "value": key }));
    Ok(down.chain(up).collect())
}

fn key(name: &str) -> Result<String, String> {
    if let Some((_, code)) = KEYS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        return Ok(code.to_string());
    }
    let mut letters = name.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) => Ok(letter.to_string()),
        _ => Err(format!("\"{name}\" is no key")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_down_in_order_and_up_in_reverse() {
        let told = |chord: &str| {
            let words = presses(chord).unwrap();
            let word = |each: &Value| {
                format!(
                    "{}{}",
                    &each["type"].as_str().unwrap()[3..4],
                    each["value"].as_str().unwrap()
                )
            };
            words.iter().map(word).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(told("Enter"), "D\u{e007} U\u{e007}");
        assert_eq!(told("Control+a"), "D\u{e009} Da Ua U\u{e009}");
        assert_eq!(told("+"), "D+ U+");
        assert_eq!(told("shift++"), "D\u{e008} D+ U+ U\u{e008}");
        assert!(presses("Entr").is_err() && presses("").is_err());
    }
}
