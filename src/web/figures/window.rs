//! The span of time that a page shows, and how finely.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{render::chart::Window, web::ApiError};

/// Spans to choose from: word, seconds, how they are called.
const SPANS: [(&str, i64, &str); 6] = [
    ("1h", 3600, "1 hour"),
    ("6h", 21_600, "6 hours"),
    ("24h", 86_400, "24 hours"),
    ("7d", 604_800, "7 days"),
    ("30d", 2_592_000, "30 days"),
    ("90d", 7_776_000, "90 days"),
];

/// Lengths of stretches, in seconds.
const STEPS: &[u64] = &[
    1, 2, 5, 10, 30, 60, 120, 300, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 604_800,
];

/// From here on figures come from the five-minute roll-ups.
const ROLLED: Duration = Duration::from_secs(300);

/// A span to choose.
#[derive(Debug, Serialize)]
pub(in crate::web) struct SpanLink {
    /// The word in the address.
    pub(in crate::web) word: &'static str,
    /// How it is called.
    pub(in crate::web) text: &'static str,
    /// Whether it is this one.
    pub(in crate::web) chosen: bool,
}

/// What a reader asked to see.
#[derive(Debug, Clone, Copy)]
pub(in crate::web) struct Asked {
    /// From when to when.
    pub(in crate::web) window: Window,
    /// Which of the spans it is; none of a span of the reader's own.
    pub(in crate::web) word: Option<&'static str>,
}

impl Asked {
    /// By `from` and `to`, or by `span`; by default a day, or since the first run where that is less.
    ///
    /// # Errors
    /// What was asked cannot be read.
    pub(in crate::web) fn read(
        (span, from, to): (&str, &str, &str),
        first: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        let back = |seconds| now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(now);
        if !from.is_empty() || !to.is_empty() {
            let to = if to.is_empty() { now } else { time("to", to)? };
            let from = if from.is_empty() { back(86_400) } else { time("from", from)? };
            if from >= to {
                return Err(ApiError::bad_request("`from` is not before `to`", "swap them"));
            }
            return Ok(Self { window: Window { from, to }, word: None });
        }
        if span.is_empty() {
            let young = first.filter(|first| *first > back(3600) && *first < now);
            if let Some(first) = young {
                return Ok(Self { window: Window { from: first, to: now }, word: None });
            }
            let word = if first.is_some_and(|first| first > back(21_600)) { "6h" } else { "24h" };
            return Self::read((word, "", ""), first, now);
        }
        let known = SPANS.iter().find(|(word, ..)| *word == span);
        let Some((word, seconds, _)) = known else {
            return Err(ApiError::bad_request(
                format!("`span` is `{span}`"),
                "one of 1h, 6h, 24h, 7d, 30d, 90d; or `from` and `to`",
            ));
        };
        Ok(Self { window: Window { from: back(*seconds), to: now }, word: Some(word) })
    }

    /// The spans to choose from.
    pub(in crate::web) fn links(&self) -> Vec<SpanLink> {
        let link = |(word, _, text): &(&'static str, i64, &'static str)| SpanLink {
            word,
            text,
            chosen: self.word == Some(word),
        };
        SPANS.iter().map(link).collect()
    }
}

/// The length of stretches that makes at most so many of them.
pub(in crate::web) fn step(window: &Window, most: u32) -> Duration {
    let wanted = window.seconds() / f64::from(most.max(1));
    #[expect(clippy::cast_precision_loss, reason = "seconds of a stretch")]
    let found = STEPS.iter().copied().find(|step| *step as f64 >= wanted);
    Duration::from_secs(found.unwrap_or(604_800))
}

/// Whether stretches of this length are put together from roll-ups.
pub(super) fn is_rolled(step: Duration) -> bool {
    step >= ROLLED
}

/// A time in an address: RFC 3339, or seconds since 1970.
fn time(name: &str, text: &str) -> Result<Timestamp, ApiError> {
    let seconds = text.parse::<f64>().ok().filter(|s| s.is_finite() && s.abs() < 1e11);
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the line above")]
    let found = match seconds {
        Some(seconds) => Timestamp::from_millisecond((seconds * 1000.0) as i64).ok(),
        None => text.parse().ok(),
    };
    found.ok_or_else(|| {
        ApiError::bad_request(
            format!("`{name}` is `{text}`, which is no time"),
            "write it as 2026-11-20T12:00:00Z, or as seconds since 1970",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_what_is_shown() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let read = |span, from, to, first| Asked::read((span, from, to), first, now);
        let day = read("24h", "", "", None).unwrap();
        assert_eq!((day.window.seconds(), day.word), (86_400.0, Some("24h")));
        let young = read("", "", "", Some("2026-11-20T11:58:00Z".parse().unwrap())).unwrap();
        assert_eq!((young.window.seconds(), young.word), (120.0, None));
        let own = read("", "2026-11-20T10:00:00Z", "1795518000", None).unwrap();
        assert_eq!(own.window.from.as_second(), 1_795_168_800);
        for (span, from, to) in
            [("2y", "", ""), ("", "yesterday", ""), ("", "inf", ""), ("", "20", "10")]
        {
            assert!(read(span, from, to, None).is_err(), "{span} {from} {to}");
        }
    }

    #[test]
    fn stretches_are_round_and_few() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        for (word, seconds) in [("1h", 60), ("6h", 300), ("24h", 900), ("90d", 86_400)] {
            let asked = Asked::read((word, "", ""), None, now).unwrap();
            assert_eq!(step(&asked.window, 96).as_secs(), seconds, "{word}");
        }
    }
}
