//! Dates as text.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    fmt::{rfc2822, strtime},
    tz::TimeZone,
};

/// Text as a point in time: RFC 3339, a date alone (its first moment), both in UTC where they say no offset, or as HTTP and mail write dates
/// (RFC 9110, section 5.6.7; RFC 5322, section 3.3).
pub fn read_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    // Every form has a year, and jiff reads durations and other short things from less.
    if !text.is_ascii() || text.len() < 8 || text.len() > 64 {
        return None;
    }
    let in_utc =
        |civil: DateTime| civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let begins_with_year =
        text.as_bytes()[..4].iter().all(u8::is_ascii_digit) && text.as_bytes()[4] == b'-';
    if begins_with_year {
        return text
            .parse::<Timestamp>()
            .ok()
            .or_else(|| text.parse::<DateTime>().ok().and_then(in_utc))
            .or_else(|| text.parse::<Date>().ok().and_then(|date| in_utc(date.at(0, 0, 0, 0))));
    }
    rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

/// Text as a point in time by a pattern of strftime(3); what says no zone is in UTC, what says no time is the day's first moment.
pub(super) fn read_date_by(pattern: &str, text: &str) -> Option<Timestamp> {
    let parsed = strtime::parse(pattern, text.trim()).ok()?;
    if let Ok(at) = parsed.to_timestamp() {
        return Some(at);
    }
    let civil =
        parsed.to_datetime().or_else(|_| parsed.to_date().map(|date| date.at(0, 0, 0, 0))).ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// A point in time by a pattern of strftime(3), in UTC.
pub(super) fn write_date(pattern: &str, at: Timestamp) -> Result<String, String> {
    strtime::format(pattern, &at.to_zoned(TimeZone::UTC)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_as_they_are_written() {
        for (text, at) in [
            ("2026-11-21T07:28:00Z", "2026-11-21T07:28:00Z"),
            ("2026-11-21T08:28:00+01:00", "2026-11-21T07:28:00Z"),
            ("2026-11-21T07:28:00", "2026-11-21T07:28:00Z"),
            ("2026-11-21 07:28:00", "2026-11-21T07:28:00Z"),
            ("2026-11-21", "2026-11-21T00:00:00Z"),
            ("Sat, 21 Nov 2026 07:28:00 GMT", "2026-11-21T07:28:00Z"),
            ("Sat, 21 Nov 2026 08:28:00 +0100", "2026-11-21T07:28:00Z"),
        ] {
            assert_eq!(read_date(text), Some(at.parse().unwrap()), "{text}");
        }
        for text in
            ["", "tea", "20261", "12345678901", "2026-13-01", "PT1H30M5S", "1.5", "ä2026-11-21"]
        {
            assert_eq!(read_date(text), None, "{text}");
        }
    }

    #[test]
    fn patterns() {
        for (pattern, text, at) in [
            ("%Y-%m-%d", "2026-11-21", "2026-11-21T00:00:00Z"),
            ("%d.%m.%Y %H:%M", "21.11.2026 07:28", "2026-11-21T07:28:00Z"),
            ("%Y-%m-%d %H:%M %z", "2026-11-21 08:28 +0100", "2026-11-21T07:28:00Z"),
            ("%s", "1700000000", "2023-11-14T22:13:20Z"),
        ] {
            assert_eq!(read_date_by(pattern, text), Some(at.parse().unwrap()), "{text}");
        }
        assert_eq!(read_date_by("%Y-%m-%d", "tea"), None);
        let at: Timestamp = "2026-11-21T07:28:00Z".parse().unwrap();
        assert_eq!(write_date("%d/%m/%Y", at).as_deref(), Ok("21/11/2026"));
        assert!(write_date("%", at).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_a_date_or_not(text in "\\PC{0,40}", pattern in "[%A-Za-z: -]{0,8}") {
            let _date = (read_date(&text), read_date_by(&pattern, &text), write_date(&pattern, Timestamp::UNIX_EPOCH));
        }
    }
}
