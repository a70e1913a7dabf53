//! Where the time of a request went, as a browser tells it: in the phases of an HTTP step.

use std::time::Duration;

use serde::Deserialize;

use crate::{
    engine::http::whole_micros,
    model::{Hop, Phases},
};

/// Longest span that is believed, in milliseconds: a page can make its own clock say anything.
pub(super) const LONGEST: f64 = 86_400_000.0;

/// When a request came to which point, in milliseconds by one clock; what did not happen is none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Marks {
    pub(super) start: f64,
    pub(super) resolved: Option<f64>,
    /// Connected, without TLS: where that begins.
    pub(super) connected: Option<f64>,
    /// Where TLS ended.
    pub(super) secured: Option<f64>,
    /// The first byte of the answer's head.
    pub(super) head: Option<f64>,
    pub(super) end: f64,
}

impl Marks {
    /// The phases without a gap, each a whole number of microseconds, so that they add up to the whole; one that took any time is at least one
    /// microsecond. The phase in which it ended early takes the rest.
    pub(super) fn phases(&self) -> Phases {
        let micros = |at: f64| micros((at - self.start).clamp(0.0, LONGEST));
        let end = micros(self.end);
        let mut reached = 0;
        let mut until = |mark: Option<f64>| {
            let to = mark.map_or(end, micros).clamp(reached, end.max(reached));
            let length = to - reached;
            reached = to;
            Duration::from_micros(length)
        };
        let mut phases = Phases::default();
        if self.resolved.is_some() {
            phases.resolve = until(self.resolved);
        }
        if self.connected.is_some() {
            phases.connect = until(self.connected);
        }
        if self.secured.is_some() {
            phases.tls = until(self.secured);
        }
        phases.processing = until(self.head);
        phases.transfer = until(None);
        phases
    }
}

/// Whole microseconds of milliseconds; what is no time is none.
pub(super) fn micros(ms: f64) -> u64 {
    let micros = (ms * 1e3).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between nothing and a day"
    )]
    let micros = if micros.is_nan() { 0 } else { micros.clamp(0.0, LONGEST * 1e3) as u64 };
    micros
}

/// A span of so many milliseconds.
pub(super) fn span(ms: f64) -> Duration {
    Duration::from_micros(micros(ms))
}

/// How a protocol of ALPN (RFC 7301) is called in a [`Hop`]: `h2` is `HTTP/2`.
pub(super) fn protocol(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    Some(match name.as_str() {
        "" | "unknown" => return None,
        "h2" | "h2c" => "HTTP/2".to_owned(),
        "h3" | "http/3" => "HTTP/3".to_owned(),
        other if other.starts_with("h3-") => "HTTP/3".to_owned(),
        other => other.chars().take(20).collect::<String>().to_ascii_uppercase(),
    })
}

/// A `PerformanceNavigationTiming` or `PerformanceResourceTiming` as its `toJSON` gives it (<https://www.w3.org/TR/navigation-timing-2/>,
/// <https://www.w3.org/TR/resource-timing/>): milliseconds since the document's time origin; 0 is "did not happen" or "is not told".
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Entry {
    /// The URL.
    pub(super) name: String,
    pub(super) initiator_type: String,
    pub(super) start_time: f64,
    fetch_start: f64,
    domain_lookup_start: f64,
    domain_lookup_end: f64,
    connect_start: f64,
    connect_end: f64,
    secure_connection_start: f64,
    request_start: f64,
    pub(super) response_start: f64,
    response_end: f64,
    pub(super) dom_content_loaded_event_end: f64,
    pub(super) load_event_end: f64,
    pub(super) transfer_size: f64,
    pub(super) encoded_body_size: f64,
    response_status: f64,
    next_hop_protocol: String,
    /// When a page that was fetched ahead was shown.
    pub(super) activation_start: f64,
}

impl Entry {
    /// When it began and ended; the end is where it is so far, for one that has not ended.
    pub(super) fn marks(&self, now: f64) -> Marks {
        let told = |at: f64| Some(at).filter(|at| *at > 0.0);
        let start = told(self.fetch_start).unwrap_or(self.start_time);
        // A connection of before has all of these where the fetch began.
        let fresh = self.connect_end > self.connect_start && self.connect_end > start;
        let looked_up = self.domain_lookup_end > self.domain_lookup_start;
        let secured = told(self.secure_connection_start);
        Marks {
            start,
            resolved: told(self.domain_lookup_end).filter(|_| looked_up),
            connected: secured.or(told(self.connect_end)).filter(|_| fresh),
            secured: told(self.connect_end).filter(|_| fresh && secured.is_some()),
            head: told(self.response_start),
            end: told(self.response_end).unwrap_or(now).max(start),
        }
    }

    /// The status, where the browser tells it.
    pub(super) fn status(&self) -> Option<u16> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a status has three digits"
        )]
        (100.0..=999.0).contains(&self.response_status).then_some(self.response_status as u16)
    }

    pub(super) fn version(&self) -> Option<String> {
        protocol(&self.next_hop_protocol)
    }

    /// Bytes over the wire. What another origin does not allow to be told is 0.
    pub(super) fn bytes(&self) -> u64 {
        bytes(self.transfer_size)
    }

    /// The document as a hop that began at `offset` after the run's beginning; `now` is the page's own time.
    pub(super) fn hop(&self, offset: Duration, now: f64) -> Hop {
        let marks = self.marks(now);
        let phases = marks.phases();
        Hop {
            method: "GET".to_owned(),
            url: self.name.clone(),
            status: self.status(),
            version: self.version(),
            offset: whole_micros(offset),
            duration: phases.total(),
            phases,
            reused: marks.connected.is_none() && self.request_start > 0.0,
            peer: None,
            body_bytes: bytes(self.encoded_body_size),
            certificate_expires_at: None,
            server_timing: Vec::new(),
        }
    }
}

/// A number of bytes; what is none is 0.
pub(super) fn bytes(number: f64) -> u64 {
    /// A pebibyte is more than any page.
    const MOST: f64 = 1_125_899_906_842_624.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between nothing and a pebibyte"
    )]
    let bytes = if number.is_nan() { 0 } else { number.clamp(0.0, MOST) as u64 };
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(phases: Phases) -> [u128; 5] {
        phases.named().map(|(_, d)| d.as_millis())
    }

    #[test]
    fn each_phase_ends_where_the_next_begins() {
        let at = Some;
        let all = Marks {
            start: 100.0,
            resolved: at(110.0),
            connected: at(130.0),
            secured: at(160.0),
            head: at(260.0),
            end: 300.0,
        };
        assert_eq!(ms(all.phases()), [10, 20, 30, 100, 40]);
        let reused = Marks { resolved: None, connected: None, secured: None, ..all };
        assert_eq!(ms(reused.phases()), [0, 0, 0, 160, 40]);
        let refused = Marks { connected: None, secured: None, head: None, end: 120.0, ..all };
        assert_eq!(ms(refused.phases()), [10, 0, 0, 10, 0]);
    }

    proptest! {
        #[test]
        fn phases_add_up_whatever_a_page_says(
            start in any::<f64>(),
            times in proptest::collection::vec(proptest::option::of(any::<f64>()), 4),
            end in any::<f64>(),
        ) {
            let marks = Marks { start, resolved: times[0], connected: times[1], secured: times[2], head: times[3], end };
            let phases = marks.phases();
            prop_assert!(phases.total() <= Duration::from_secs(86_400));
            prop_assert!(phases.named().iter().all(|(_, d)| d.subsec_nanos() % 1000 == 0));
        }
    }

    #[test]
    fn a_document_is_a_hop() {
        let entry: Entry =
            serde_json::from_str(include_str!("../../../tests/browser/recorded/navigation.json"))
                .unwrap();
        let hop = entry.hop(Duration::from_millis(7), 1000.0);
        assert_eq!((hop.status, hop.version.as_deref()), (Some(200), Some("HTTP/1.1")));
        assert_eq!(hop.duration, hop.phases.total());
        assert!(hop.phases.processing > Duration::from_millis(50), "{:?}", hop.phases);
        assert!(hop.url.ends_with("/shop") && hop.body_bytes == 473, "{hop:?}");
    }

    #[test]
    fn what_is_no_entry_is_harmless() {
        for text in [
            "{}",
            r#"{"responseStatus":-4,"fetchStart":1e308,"responseEnd":-1e308,"transferSize":1e308}"#,
        ] {
            let entry: Entry = serde_json::from_str(text).unwrap();
            let hop = entry.hop(Duration::ZERO, f64::INFINITY);
            assert_eq!(hop.status, None);
        }
    }

    #[test]
    fn protocols_are_named_as_hops_name_them() {
        for (said, named) in [
            ("h2", Some("HTTP/2")),
            ("http/1.1", Some("HTTP/1.1")),
            ("h3-29", Some("HTTP/3")),
            ("", None),
        ] {
            assert_eq!(protocol(said).as_deref(), named);
        }
    }
}
