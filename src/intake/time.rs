//! Times as senders write them.

use jiff::{Timestamp, fmt::strtime};
use serde_json::Value;

/// A time of a sender: RFC 3339; seconds, milliseconds, microseconds or nanoseconds since 1970, as a number or a text; and the
/// forms of GitLab, `2021-04-28 21:50:00 +0200` and `2016-08-12 15:23:28 UTC`. None for anything else, and for a time before
/// 1970 or so far ahead that it is none.
pub(super) fn read(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => number.as_f64().and_then(since_1970),
        Value::String(text) => from_text(text),
        _ => None,
    }
}

/// The same of a text.
pub(super) fn from_text(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return since_1970(number);
    }
    let time = text.parse::<Timestamp>().ok().or_else(|| {
        let forms = ["%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S%.f %z"];
        let utc = text.strip_suffix("UTC").map(|rest| format!("{}+0000", rest));
        let text = utc.as_deref().unwrap_or(text);
        forms.iter().find_map(|form| strtime::parse(form, text).ok()?.to_timestamp().ok())
    });
    time.filter(|time| time.as_second() >= 0)
}

/// Seconds, or from 10^11 on milliseconds, from 10^14 on microseconds, from 10^17 on nanoseconds: each unit stands for the years
/// 1973 to 5138.
fn since_1970(number: f64) -> Option<Timestamp> {
    if !number.is_finite() || number < 0.0 {
        return None;
    }
    let seconds = match number {
        n if n < 1e11 => n,
        n if n < 1e14 => n / 1e3,
        n if n < 1e17 => n / 1e6,
        n => n / 1e9,
    };
    if seconds > 4e9 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and 4e15")]
    Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_of_a_time() {
        for (value, expected) in [
            (json!("2023-03-20T14:27:05.315384Z"), "2023-03-20T14:27:05.315384Z"),
            (json!("2021-04-28 21:50:00 +0200"), "2021-04-28T19:50:00Z"),
            (json!("2016-08-12 15:23:28 UTC"), "2016-08-12T15:23:28Z"),
            (json!("2016-08-12T17:23:21+02:00"), "2016-08-12T15:23:21Z"),
            (json!("2020-10-02T12:42:30.000Z"), "2020-10-02T12:42:30Z"),
            (json!(1_626_611_059), "2021-07-18T12:24:19Z"),
            (json!(1_626_611_059_215_i64), "2021-07-18T12:24:19.215Z"),
            (json!(1_626_611_059_215_000_i64), "2021-07-18T12:24:19.215Z"),
            (json!(1_626_611_059_000_000_000_i64), "2021-07-18T12:24:19Z"),
            (json!("1626611059215"), "2021-07-18T12:24:19.215Z"),
            (json!(" 1626611059 "), "2021-07-18T12:24:19Z"),
        ] {
            let read = read(&value).map(|time| time.to_string());
            assert_eq!(read.as_deref(), Some(expected), "{value}");
        }
        for value in [
            json!(null),
            json!("yesterday"),
            json!(""),
            json!(-1),
            json!(1e300),
            json!("0001-01-01T00:00:00Z"),
            json!("NaN"),
            json!([]),
        ] {
            assert_eq!(read(&value), None, "{value}");
        }
    }
}
