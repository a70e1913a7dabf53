//! What a server says of its own time.

use std::time::Duration;

use http::HeaderMap;

/// Most entries that are kept of an answer.
const MOST: usize = 16;

/// Longest name that is kept.
const LONGEST: usize = 40;

/// No part of an answer takes an hour.
const AN_HOUR_MS: f64 = 3_600_000.0;

/// The durations in the `Server-Timing` headers of an answer, in their order; of a name said twice the first. Format: W3C Server Timing,
/// section 3.1 (`db;desc="postgres";dur=53.2, cache;dur=0.4`), times in milliseconds. What has no duration, or none that can be, is left out.
pub(in crate::engine) fn read(headers: &HeaderMap) -> Vec<(String, Duration)> {
    let mut found: Vec<(String, Duration)> = Vec::new();
    for value in headers.get_all("server-timing") {
        let Ok(text) = value.to_str() else { continue };
        for metric in split(text, ',') {
            let mut parts = split(metric, ';').into_iter().map(str::trim);
            let name = parts.next().unwrap_or_default();
            let token = !name.is_empty()
                && name.len() <= LONGEST
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            let duration = parts
                .filter_map(|part| part.split_once('='))
                .find(|(key, _)| key.trim().eq_ignore_ascii_case("dur"))
                .and_then(|(_, ms)| ms.trim().trim_matches('"').parse::<f64>().ok())
                .filter(|ms| (0.0..AN_HOUR_MS).contains(ms));
            let Some(ms) = duration.filter(|_| token) else { continue };
            if found.len() < MOST && !found.iter().any(|(known, _)| known == name) {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "bounded above"
                )]
                let micros = (ms * 1000.0).round() as u64;
                found.push((name.to_owned(), Duration::from_micros(micros)));
            }
        }
    }
    found
}

/// The parts between separators that stand outside of quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c: char| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match c {
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c == separator => return !quoted,
            _ => {}
        }
        false
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// Names and microseconds.
    fn all(values: &[&str]) -> Vec<(String, u128)> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("server-timing", HeaderValue::from_str(value).unwrap());
        }
        read(&headers).into_iter().map(|(name, d)| (name, d.as_micros())).collect()
    }

    #[test]
    fn durations_are_read_and_nonsense_is_not() {
        assert_eq!(
            all(&[
                "db;dur=53.2, cache;desc=\"Cache, \\\"Read\\\"; dur=9\";dur=0.4, miss",
                "app;DUR=\"12\" ; desc=x"
            ]),
            [("db".to_owned(), 53_200), ("cache".to_owned(), 400), ("app".to_owned(), 12_000)]
        );
        assert_eq!(
            all(&["a;dur=-1, b;dur=NaN, c;dur=inf, d;dur=1e99, e;dur=, ;dur=1, <b>;dur=1"]),
            []
        );
        assert_eq!(all(&["a;dur=1, a;dur=2"]), [("a".to_owned(), 1_000)]);
        let many: Vec<String> = (0..100).map(|i| format!("m{i};dur={i}")).collect();
        assert_eq!(all(&[&many.join(",")]).len(), MOST);
        assert_eq!(all(&["\"open;dur=1, b;dur=2"]), []);
    }
}
