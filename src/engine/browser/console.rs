//! What a page's console said, from Chromium's `browser` log (<https://chromium.googlesource.com/chromium/src/+/main/docs/chromedriver/logging.md>).

use std::time::Duration;

use serde_json::Value;

use super::timing::span;
use crate::model::{ConsoleLevel, ConsoleMessage, StepName};

/// Most messages of one reading that are looked at.
const MOST: usize = 1_000;

/// Longest message, in bytes.
const TEXT: usize = 4 << 10;

/// Reads entries of the log; `origin` is when the run began, in milliseconds since 1970 by the browser's clock. The browser's own words on a
/// favicon that is not there are left out: nobody asked for it but the browser.
pub(super) fn read(entries: &[Value], step: &StepName, origin: f64) -> Vec<ConsoleMessage> {
    let skipped = entries.len().saturating_sub(MOST);
    entries.iter().skip(skipped).filter_map(|entry| message(entry, step, origin)).collect()
}

fn message(entry: &Value, step: &StepName, origin: f64) -> Option<ConsoleMessage> {
    let text = entry["message"].as_str()?;
    let source = entry["source"].as_str().unwrap_or("other");
    if source == "network" && text.contains("/favicon.ico - ") {
        return None;
    }
    let at = entry["timestamp"].as_f64().unwrap_or(origin);
    Some(ConsoleMessage {
        step: step.clone(),
        level: level(entry["level"].as_str().unwrap_or_default()),
        source: source.chars().take(40).collect(),
        text: text[..text.floor_char_boundary(TEXT)].to_owned(),
        offset: if at > origin { span(at - origin) } else { Duration::ZERO },
    })
}

/// The levels of WebDriver's logs.
fn level(word: &str) -> ConsoleLevel {
    match word {
        "SEVERE" => ConsoleLevel::Error,
        "WARNING" => ConsoleLevel::Warning,
        "INFO" => ConsoleLevel::Info,
        _ => ConsoleLevel::Debug,
    }
}

/// Whether a script is to blame: what did not load is counted by its request.
pub(super) fn is_script_error(message: &ConsoleMessage) -> bool {
    message.level == ConsoleLevel::Error && message.source != "network"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_recorded_console_is_read() {
        let entries: Vec<Value> =
            serde_json::from_str(include_str!("../../../tests/browser/recorded/console.json"))
                .unwrap();
        let read = read(&entries, &"open".into(), 1_795_255_626_300.0);
        let levels: Vec<_> = read
            .iter()
            .map(|m| (m.level.as_str(), m.source.as_str(), is_script_error(m)))
            .collect();
        assert_eq!(
            levels,
            [
                ("error", "network", false),
                ("error", "console-api", true),
                ("info", "console-api", false),
                ("debug", "other", false),
                ("error", "network", false),
            ]
        );
        assert_eq!(read[0].offset, Duration::from_millis(10));
        assert!(read[1].text.ends_with("\"cart is empty\" Object"), "{:?}", read[1]);
    }

    #[test]
    fn what_is_no_message_is_passed_over() {
        let entries = [
            Value::Null,
            json!({"message": 3}),
            json!({"message": "ü".repeat(9000), "timestamp": -1e300}),
        ];
        let read = read(&entries, &"s".into(), 5.0);
        assert_eq!((read.len(), read[0].text.len(), read[0].offset), (1, TEXT, Duration::ZERO));
    }
}
