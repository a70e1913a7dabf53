//! What a browser measured of a step, and what is kept of the pages of a run.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{MeasureRule, StepName, Timing, Worse};

/// What a step's pages asked the network for. Every text is masked before it leaves the engine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// By what was asked for, in the order of [`ResourceType`]; only sorts that were asked for.
    pub by_type: Vec<TypeTraffic>,
    /// Hosts that are not the document's own site, those with the most time first; not kept beyond the run's evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub third_parties: Vec<HostTraffic>,
    /// What took longest, the longest first; not kept beyond the run's evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slowest: Vec<SlowResource>,
}

/// What came of one sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeTraffic {
    /// Which.
    #[serde(rename = "type")]
    pub kind: ResourceType,
    /// Requests that were begun.
    pub requests: u32,
    /// Those without an answer, and those answered with a status from 400 on.
    pub failed: u32,
    /// As they came over the wire, heads included.
    pub bytes: u64,
}

/// What came from one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostTraffic {
    /// The host.
    pub host: String,
    /// Requests that were begun.
    pub requests: u32,
    /// Those that failed.
    pub failed: u32,
    /// As they came over the wire.
    pub bytes: u64,
    /// The time of its requests together, however many were under way at once.
    #[serde(rename = "time_ms", with = "millis")]
    pub time: Duration,
}

/// A request that took long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlowResource {
    /// What was asked for.
    pub url: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: ResourceType,
    /// From asking to the last byte.
    #[serde(rename = "duration_ms", with = "millis")]
    pub duration: Duration,
    /// As they came over the wire.
    pub bytes: u64,
}

/// What a browser asks for. The order is that of reports; each has a number for ever (its place).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceType {
    /// A page, also that of a frame.
    Document,
    /// CSS.
    Stylesheet,
    /// JavaScript.
    Script,
    /// A picture.
    Image,
    /// A font.
    Font,
    /// Sound and film.
    Media,
    /// What scripts fetch: `fetch`, `XMLHttpRequest`, event streams.
    Fetch,
    /// A web socket.
    WebSocket,
    /// A question whether another origin may be asked (CORS).
    Preflight,
    /// Beacons, pings, reports.
    Ping,
    /// Anything else.
    Other,
}

impl ResourceType {
    /// All, in order.
    pub const ALL: [Self; 11] = [
        Self::Document,
        Self::Stylesheet,
        Self::Script,
        Self::Image,
        Self::Font,
        Self::Media,
        Self::Fetch,
        Self::WebSocket,
        Self::Preflight,
        Self::Ping,
        Self::Other,
    ];

    /// The label in metrics and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Stylesheet => "stylesheet",
            Self::Script => "script",
            Self::Image => "image",
            Self::Font => "font",
            Self::Media => "media",
            Self::Fetch => "fetch",
            Self::WebSocket => "web_socket",
            Self::Preflight => "preflight",
            Self::Ping => "ping",
            Self::Other => "other",
        }
    }
}

/// What a browser showed and did in a run, masked, for people.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PageEvidence {
    /// Where the page was in the end.
    pub url: String,
    /// Its title.
    pub title: String,
    /// What it looked like, in the order of time.
    pub pictures: Vec<Picture>,
    /// The document in the end as HTML, capped; passwords are taken out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dom: Option<String>,
    /// Whether the document is only its beginning.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dom_cut: bool,
    /// What its scripts and the browser said, in order; the latest ones.
    pub console: Vec<ConsoleMessage>,
    /// What was done.
    pub actions: Vec<DoneAction>,
    /// What was asked for, in order.
    pub requests: Vec<PageRequest>,
    /// How many more requests there were that are not here.
    pub requests_left_out: u32,
    /// When the page's main thread was busy for 50 ms or more (<https://www.w3.org/TR/longtasks-1/>), as far as the browser tells.
    pub busy: Vec<Busy>,
}

/// A time in which a page could not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Busy {
    /// When it began, after the run's beginning.
    #[serde(rename = "offset_ms", with = "millis")]
    pub offset: Duration,
    /// How long it took.
    #[serde(rename = "duration_ms", with = "millis")]
    pub duration: Duration,
}

impl PageEvidence {
    /// Keeps what stands beside a failure in `step`: how that step, or the last one, looked, and what was asked for.
    pub fn keep_beside(&mut self, step: &StepName) {
        let same = self.pictures.iter().rposition(|picture| picture.step == *step);
        let kept = same.or(self.pictures.len().checked_sub(1));
        self.pictures = kept.map(|at| self.pictures.swap_remove(at)).into_iter().collect();
        (self.dom, self.dom_cut) = (None, false);
        self.without_headers();
    }

    /// Lets go of what was sent and got in headers.
    pub fn without_headers(&mut self) {
        for request in &mut self.requests {
            request.request_headers.clear();
            request.response_headers.clear();
        }
    }
}

/// A picture of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Of which step.
    pub step: StepName,
    /// Why it was taken: `failure`, `deadline` (before it passed), `end` of a step that passed, or the name that an action gave it.
    pub name: String,
    /// When, after the run's beginning.
    #[serde(rename = "offset_ms", with = "millis")]
    pub offset: Duration,
    /// `image/jpeg`, `image/png` or `image/webp`.
    pub media_type: String,
    /// The file in base64 (RFC 4648, section 4).
    pub data: String,
}

/// A message of a page's console.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsoleMessage {
    /// In which step it came.
    pub step: StepName,
    /// `error`, `warning`, `info` or `debug`.
    pub level: ConsoleLevel,
    /// Who said it: `console-api`, `javascript`, `network`, `security`, … as the browser names it.
    pub source: String,
    /// What, with the place in the script before it, as the browser writes it.
    pub text: String,
    /// When, after the run's beginning.
    #[serde(rename = "offset_ms", with = "millis")]
    pub offset: Duration,
}

/// How bad a message is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsoleLevel {
    /// An error.
    Error,
    /// A warning.
    Warning,
    /// News.
    Info,
    /// Details.
    Debug,
}

impl ConsoleLevel {
    /// The word in journeys and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// An action as it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DoneAction {
    /// Of which step.
    pub step: StepName,
    /// What was done, in words.
    pub what: String,
    /// When it began, after the run's beginning.
    #[serde(rename = "offset_ms", with = "millis")]
    pub offset: Duration,
    /// How long it took, waiting included: our time, not the page's.
    #[serde(rename = "duration_ms", with = "millis")]
    pub duration: Duration,
    /// Why it did not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A request of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageRequest {
    /// In which step it was begun.
    pub step: StepName,
    /// Its method.
    pub method: String,
    /// Its URL.
    pub url: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: ResourceType,
    /// The status, if an answer came.
    pub status: Option<u16>,
    /// The protocol of the answer: `HTTP/1.1`, `HTTP/2`.
    pub version: Option<String>,
    /// Why it failed, in the browser's words: `net::ERR_CONNECTION_REFUSED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// As they came over the wire, heads included.
    pub bytes: u64,
    /// The media type of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Whether nothing came over the wire: a cache or a service worker answered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
    /// Whether it had not ended, or was given up by the page (which may have gone).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
    /// Who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<std::net::SocketAddr>,
    /// Headers sent, as far as the browser tells; without cookies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_headers: Vec<(String, String)>,
    /// Headers got.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_headers: Vec<(String, String)>,
    /// When it was, and where its time went.
    pub timing: Timing,
}

impl PageRequest {
    /// Whether it came to nothing: no answer, or a status from 400 on.
    pub fn failed(&self) -> bool {
        self.error.is_some() || self.status.is_some_and(|status| status >= 400)
    }
}

/// A measure that every browser step has where the browser gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BuiltInMeasure {
    /// Its name.
    pub name: &'static str,
    /// Its unit; none of counts and scores.
    pub unit: Option<&'static str>,
    /// The smallest relative shift that matters, as a share.
    pub relative: f64,
    /// The smallest absolute shift that matters, in its unit.
    pub absolute: f64,
}

impl BuiltInMeasure {
    /// How it is judged: more is worse.
    pub fn judged(&self) -> MeasureRule {
        MeasureRule {
            worse: Some(Worse::Higher),
            relative: Some(self.relative),
            absolute: Some(self.absolute),
            unit: self.unit.map(ToOwned::to_owned),
        }
    }
}

/// The measures of a browser step, in the order in which they are told.
pub const BROWSER_MEASURES: [BuiltInMeasure; 12] = [
    built_in("ttfb", Some("ms"), 0.10, 50.0),
    built_in("fcp", Some("ms"), 0.10, 100.0),
    built_in("lcp", Some("ms"), 0.10, 100.0),
    built_in("cls", None, 0.10, 0.05),
    built_in("inp", Some("ms"), 0.10, 50.0),
    built_in("dom_ready", Some("ms"), 0.10, 100.0),
    built_in("load", Some("ms"), 0.10, 100.0),
    built_in("requests", None, 0.10, 1.0),
    built_in("third_party_requests", None, 0.10, 1.0),
    built_in("transferred", Some("bytes"), 0.10, 50_000.0),
    built_in("failed_requests", None, 0.10, 1.0),
    built_in("console_errors", None, 0.10, 1.0),
];

const fn built_in(
    name: &'static str,
    unit: Option<&'static str>,
    relative: f64,
    absolute: f64,
) -> BuiltInMeasure {
    BuiltInMeasure { name, unit, relative, absolute }
}

/// Durations as milliseconds, to a microsecond.
mod millis {
    use super::{Deserialize, Deserializer, Duration, Serialize, Serializer};

    /// A year is more than anything here takes; what is not a number is none.
    const LONGEST: f64 = 365.0 * 86_400_000.0;

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        ((time.as_secs_f64() * 1e6).round() / 1e3).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let ms = f64::deserialize(from)?;
        let micros = if ms.is_nan() { 0.0 } else { (ms.clamp(0.0, LONGEST) * 1e3).round() };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between nothing and a year"
        )]
        let micros = micros as u64;
        Ok(Duration::from_micros(micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_sorts_are_their_places() {
        for (at, kind) in ResourceType::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn evidence_comes_back_from_json() {
        let evidence = PageEvidence {
            url: "https://shop.test/".to_owned(),
            pictures: vec![Picture {
                step: "buy".into(),
                name: "end".to_owned(),
                offset: Duration::from_micros(1_500),
                media_type: "image/jpeg".to_owned(),
                data: "AAAA".to_owned(),
            }],
            console: vec![ConsoleMessage {
                step: "buy".into(),
                level: ConsoleLevel::Error,
                source: "javascript".to_owned(),
                text: "no".to_owned(),
                offset: Duration::ZERO,
            }],
            ..PageEvidence::default()
        };
        let json = serde_json::to_value(&evidence).unwrap();
        assert_eq!(
            (&json["pictures"][0]["offset_ms"], &json["console"][0]["level"]),
            (&1.5.into(), &"error".into())
        );
        assert_eq!(serde_json::from_value::<PageEvidence>(json).unwrap(), evidence);
    }
}
