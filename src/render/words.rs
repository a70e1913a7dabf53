//! Words and links that every page uses, and the review of a change.

use std::time::Duration;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::{chart, waterfall::line::length_of_time};
use crate::model::{Change, Conclusion, PipelineKey};

/// What may stand in a part of a path or of a query as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A text as a part of a path or of a query.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// The page of a change, from the root.
pub fn change_link(id: &str) -> String {
    format!("changes/{}", encoded(id))
}

/// The page of a journey in an environment from a location, from the root.
pub fn journey_link(journey: &str, environment: &str, location: Option<&str>) -> String {
    let from = location.map_or(String::new(), |l| format!("&location={}", encoded(l)));
    format!("journeys/{}?environment={}{from}", encoded(journey), encoded(environment))
}

/// The page of a pipeline, from the root.
pub fn pipeline_link(pipeline: &PipelineKey) -> String {
    format!("delivery/pipelines/{}", encoded(&pipeline.to_string()))
}

/// A time for people: in UTC as it leaves, in the reader's zone once the script has seen it. Both are equally wide.
#[derive(Debug, Clone, Serialize)]
pub struct When {
    /// RFC 3339.
    pub at: String,
    /// As it is shown.
    pub text: String,
    /// In full, in UTC.
    pub utc: String,
    /// Which form: `time`, `minute` or `second`.
    pub form: &'static str,
}

impl When {
    fn new(at: Timestamp, form: &'static str, pattern: &str) -> Self {
        let utc = at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
        Self { at: at.to_string(), text: at.strftime(pattern).to_string(), utc, form }
    }

    /// `12:30:05`.
    pub fn time(at: Timestamp) -> Self {
        Self::new(at, "time", "%H:%M:%S")
    }

    /// `2026-11-20 12:30`.
    pub fn minute(at: Timestamp) -> Self {
        Self::new(at, "minute", "%Y-%m-%d %H:%M")
    }

    /// `2026-11-20 12:30:05`.
    pub fn second(at: Timestamp) -> Self {
        Self::new(at, "second", "%Y-%m-%d %H:%M:%S")
    }
}

/// A piece of a sentence: text, or a time.
#[derive(Debug, Clone, Serialize)]
pub struct Piece {
    /// The text, where it is one.
    pub text: String,
    /// The time, where it is one.
    pub when: Option<When>,
}

/// A sentence as it was concluded, for a page: its times go into the reader's zone, its arrows and quotes are real ones.
pub fn prose(sentence: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut open = false;
    for word in sentence.split_inclusive(' ') {
        let bare = word.trim_end_matches([' ', ',', ';', '.', ')']);
        if let Some(at) = bare.parse::<Timestamp>().ok().filter(|_| bare.len() >= 20) {
            pieces.push(Piece { text: String::new(), when: Some(When::second(at)) });
            pieces.push(Piece { text: word[bare.len()..].to_owned(), when: None });
            continue;
        }
        let mut text = if bare == "->" { word.replace("->", "→") } else { word.to_owned() };
        while let Some(at) = text.find('`') {
            open = !open;
            text.replace_range(at..=at, if open { "“" } else { "”" });
        }
        match pieces.last_mut().filter(|last| last.when.is_none()) {
            Some(last) => last.text += &text,
            None => pieces.push(Piece { text, when: None }),
        }
    }
    pieces
}

/// A verdict, a result or a state as a badge: a sign and a word beside the colour.
#[derive(Debug, Clone, Serialize)]
pub struct Badge {
    /// Its colour.
    pub class: String,
    /// Its sign.
    pub sign: &'static str,
    /// Its word.
    pub word: String,
}

impl Badge {
    /// Of a word as it stands in JSON.
    pub fn of(word: &str) -> Self {
        let shown = match word {
            "pre_existing" => "pre-existing",
            "prober_fault" => "prober fault",
            "insufficient_data" => "too few runs",
            "budget_fast" => "budget burns fast",
            "budget_slow" => "budget leaks",
            other => other,
        };
        Self { class: word.to_owned(), sign: chart::sign(word), word: shown.to_owned() }
    }

    /// Of what is concluded of a change.
    pub fn verdict(conclusion: Option<Conclusion>, open: bool) -> Self {
        match conclusion {
            Some(conclusion) => Self::of(conclusion.as_str()),
            None if open => Self::of(Conclusion::Watching.as_str()),
            None => Self { class: "none".to_owned(), sign: "–", word: "not watched".to_owned() },
        }
    }
}

/// Milliseconds for people: `0.4 ms`, `123 ms`, `12.3 s`.
pub fn ms(value: f64) -> String {
    let seconds = value.max(0.0) / 1000.0;
    length_of_time(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// The same, or a dash.
pub fn maybe_ms(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), ms)
}

/// A span of time in its largest units: `45 s`, `12 min`, `3 h`, `5 d`.
pub fn span(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", s * 1000.0),
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s if s < 129_600.0 => format!("{:.0} h", s / 3600.0),
        s => format!("{:.0} d", s / 86_400.0),
    }
}

/// A share of known runs: never rounded up to 100 %.
pub fn percent(good: u64, known: u64) -> String {
    if known == 0 {
        return "–".to_owned();
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of runs")]
    let share = 100.0 * good as f64 / known as f64;
    if good == known {
        "100 %".to_owned()
    } else if share >= 99.0 {
        format!("{:.2} %", (share * 100.0).floor() / 100.0)
    } else {
        format!("{share:.1} %")
    }
}

/// One or many of something.
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// What was changed, and to which version.
pub fn what(change: &Change) -> String {
    let services: Vec<_> = change.services.iter().map(|s| s.as_str()).collect();
    let what =
        if services.is_empty() { "the whole environment".to_owned() } else { services.join(", ") };
    match change.deployed_version() {
        Some(version) => format!("{what} {}", shortened(version)),
        None => what,
    }
}

/// A commit's hash in its short form; everything else as it is.
pub fn shortened(version: &str) -> String {
    let hash = version.len() == 40 && version.bytes().all(|b| b.is_ascii_hexdigit());
    if hash { version[..10].to_owned() } else { version.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_up_to_all() {
        for (good, known, text) in
            [(0, 0, "–"), (5, 5, "100 %"), (99_999, 100_000, "99.99 %"), (1, 3, "33.3 %")]
        {
            assert_eq!(percent(good, known), text);
        }
    }

    #[test]
    fn times_in_a_sentence_are_times() {
        let pieces = prose("p50 5 -> 8 ms since 2026-11-20T12:00:00Z, mostly step `pay`");
        let shown: Vec<String> = pieces
            .iter()
            .map(|p| p.when.as_ref().map_or(p.text.clone(), |w| w.text.clone()))
            .collect();
        assert_eq!(shown.concat(), "p50 5 → 8 ms since 2026-11-20 12:00:00, mostly step “pay”");
        assert!(pieces.iter().any(|piece| piece.when.is_some()));
        assert_eq!(prose("").len(), 0);
    }

    #[test]
    fn names_are_safe_in_links() {
        assert_eq!(change_link("a/b?c"), "changes/a%2Fb%3Fc");
        assert_eq!(journey_link("pay now", "prod", None), "journeys/pay%20now?environment=prod");
        assert_eq!(shortened(&"a".repeat(40)), "aaaaaaaaaa");
    }
}
