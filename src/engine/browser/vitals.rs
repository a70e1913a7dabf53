//! Web Vitals of the document that a step ends with, computed from what the browser tells of it.
//!
//! * TTFB: `responseStart` of Navigation Timing (<https://web.dev/articles/ttfb>).
//! * FCP: the entry `first-contentful-paint` of Paint Timing (<https://www.w3.org/TR/paint-timing/>).
//! * LCP: the last entry of Largest Contentful Paint (<https://www.w3.org/TR/largest-contentful-paint/>); no more come after the first input.
//! * CLS: the largest session window of layout shifts without recent input (<https://web.dev/articles/cls>,
//!   <https://wicg.github.io/layout-instability/>).
//! * INP: the slowest interaction, of many the 98th percentile (<https://web.dev/articles/inp>, <https://www.w3.org/TR/event-timing/>).
//!
//! A document belongs to the step that opened it: TTFB, FCP, LCP and the load are told there and never again. Layout shifts and interactions
//! belong to the step they happen in.

use serde::Deserialize;
use serde_json::Value;

use super::timing::{Entry, LONGEST};

/// Installed on each new document: keeps entries from its beginning.
pub(super) const OBSERVE: &str = include_str!("observe.js");

/// Reads them; a function's body. `wanted` must be defined before it: whether resources are wanted.
pub(super) const READ: &str = include_str!("read.js");

/// A session window of layout shifts ends with a gap as long as the first, and is no longer than the second, in milliseconds
/// (<https://web.dev/articles/evolving-cls>).
const WINDOW: (f64, f64) = (1_000.0, 5_000.0);

/// Of so many interactions one of the slowest is passed over (<https://web.dev/articles/inp>).
const FORGIVEN: usize = 50;

/// What a document says of itself. A hostile page may say anything: numbers are bounded where they are used.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    pub(super) url: String,
    pub(super) title: String,
    /// Its time origin in milliseconds since 1970; all other times count from it.
    pub(super) origin: f64,
    pub(super) now: f64,
    nav: Value,
    /// Whether the browser tells of layout shifts at all.
    steady: bool,
    fcp: Option<f64>,
    lcp: Option<f64>,
    shifts: Vec<(f64, f64)>,
    events: Vec<(f64, f64, f64)>,
    pub(super) long: Vec<(f64, f64)>,
    resources: Vec<Value>,
}

/// Vitals of a step; times in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Vitals {
    pub(super) ttfb: Option<f64>,
    pub(super) fcp: Option<f64>,
    pub(super) lcp: Option<f64>,
    pub(super) cls: Option<f64>,
    pub(super) inp: Option<f64>,
    pub(super) dom_ready: Option<f64>,
    pub(super) load: Option<f64>,
}

impl Vitals {
    /// By the names of journeys.
    pub(super) fn get(&self, name: &str) -> Option<f64> {
        match name {
            "ttfb" => self.ttfb,
            "fcp" => self.fcp,
            "lcp" => self.lcp,
            "cls" => self.cls,
            "inp" => self.inp,
            "dom_ready" => self.dom_ready,
            "load" => self.load,
            _ => None,
        }
    }
}

impl Said {
    /// Reads a page's answer; nothing where it is none.
    pub(super) fn read(answer: Value) -> Option<Self> {
        serde_json::from_value(answer).ok()
    }

    /// The document's own timing.
    pub(super) fn document(&self) -> Option<Entry> {
        serde_json::from_value(self.nav.clone()).ok()
    }

    /// What it asked for, where that was wanted.
    pub(super) fn resources(&self) -> Vec<Entry> {
        let entries = self.resources.iter();
        entries.filter_map(|entry| serde_json::from_value(entry.clone()).ok()).collect()
    }

    /// The vitals of a step that began at `since`, in milliseconds by the document's clock: below 0 where it opened the document.
    pub(super) fn vitals(&self, since: f64) -> Vitals {
        let time = |ms: f64| Some(ms).filter(|ms| *ms > 0.0 && *ms < LONGEST);
        let mut vitals = Vitals::default();
        let document = self.document();
        if since <= 0.0
            && let Some(document) = &document
        {
            // A page that was prepared ahead counts from when it was shown.
            let shown = document.activation_start.clamp(0.0, LONGEST);
            let after = |at: f64| time(at).map(|at| (at - shown).max(0.0));
            vitals.ttfb = after(document.response_start);
            vitals.fcp = self.fcp.and_then(after);
            vitals.lcp = self.lcp.and_then(after);
            vitals.dom_ready = after(document.dom_content_loaded_event_end);
            vitals.load = after(document.load_event_end);
        }
        vitals.cls = cls(&self.shifts, since).or(self.steady.then_some(0.0));
        vitals.inp = inp(&self.events, since);
        vitals
    }
}

/// The largest session window of shifts since `since`; none where nothing shifted. `shifts` are times and scores.
fn cls(shifts: &[(f64, f64)], since: f64) -> Option<f64> {
    let mut shifts: Vec<_> = shifts
        .iter()
        .copied()
        .filter(|(at, score)| {
            *at >= since && (0.0..LONGEST).contains(at) && (0.0..1e3).contains(score)
        })
        .collect();
    shifts.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut worst, mut sum) = (None, 0.0);
    let (mut first, mut last) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for (at, score) in shifts {
        if at - last < WINDOW.0 && at - first < WINDOW.1 {
            sum += score;
        } else {
            (sum, first) = (score, at);
        }
        last = at;
        worst = Some(worst.map_or(sum, |worst: f64| worst.max(sum)));
    }
    worst
}

/// The slowest of the interactions since `since`, passing over one of each [`FORGIVEN`]. `events` are interaction, time and duration;
/// an interaction has several, of which the longest counts.
fn inp(events: &[(f64, f64, f64)], since: f64) -> Option<f64> {
    let mut slowest: Vec<(f64, f64)> = Vec::new();
    for &(id, at, duration) in events {
        if at < since || !(0.0..LONGEST).contains(&duration) {
            continue;
        }
        match slowest.iter_mut().find(|(known, _)| known.to_bits() == id.to_bits()) {
            Some((_, longest)) => *longest = longest.max(duration),
            None => slowest.push((id, duration)),
        }
    }
    slowest.sort_by(|a, b| b.1.total_cmp(&a.1));
    let at = slowest.len() / FORGIVEN;
    slowest.get(at.min(slowest.len().checked_sub(1)?)).map(|(_, duration)| *duration)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn near(found: Option<f64>, wanted: Option<f64>) -> bool {
        match (found, wanted) {
            (Some(found), Some(wanted)) => (found - wanted).abs() < 1e-9,
            (found, wanted) => found == wanted,
        }
    }

    #[test]
    fn shifts_are_summed_by_session_windows() {
        let early = -1.0;
        for (shifts, since, wanted) in [
            (&[][..], early, None),
            (&[(100.0, 0.1)][..], early, Some(0.1)),
            (&[(100.0, 0.1), (900.0, 0.1)][..], early, Some(0.2)),
            // A gap of a second ends the window.
            (&[(100.0, 0.1), (1_100.0, 0.15)][..], early, Some(0.15)),
            // So do five seconds, though the shifts go on.
            (
                &[
                    (0.0, 0.1),
                    (900.0, 0.1),
                    (1_800.0, 0.1),
                    (2_700.0, 0.1),
                    (3_600.0, 0.1),
                    (4_500.0, 0.1),
                    (5_400.0, 0.1),
                ][..],
                early,
                Some(0.6),
            ),
            // What shifted before the step is an earlier one's.
            (&[(100.0, 0.3), (2_000.0, 0.1)][..], 1_500.0, Some(0.1)),
            (&[(100.0, 0.3)][..], 1_500.0, None),
            (&[(100.0, -1.0), (f64::NAN, 0.1), (200.0, f64::INFINITY)][..], early, None),
        ] {
            assert!(near(cls(shifts, since), wanted), "{shifts:?}");
        }
    }

    #[test]
    fn the_slowest_interaction_counts_and_of_many_nearly() {
        assert_eq!(inp(&[], -1.0), None);
        // Pointer down, up and click are one interaction.
        assert_eq!(
            inp(&[(7.0, 10.0, 24.0), (7.0, 60.0, 104.0), (8.0, 500.0, 40.0)], -1.0),
            Some(104.0)
        );
        assert_eq!(inp(&[(7.0, 10.0, 300.0), (8.0, 500.0, 40.0)], 400.0), Some(40.0));
        let many: Vec<_> = (0..120u32).map(|n| (f64::from(n), 1.0, f64::from(n))).collect();
        assert_eq!(inp(&many, -1.0), Some(117.0));
        assert_eq!(inp(&[(1.0, 1.0, f64::NAN), (2.0, 1.0, -5.0)], -1.0), None);
    }

    #[test]
    fn a_document_belongs_to_the_step_that_opened_it() {
        let nav: Value =
            serde_json::from_str(include_str!("../../../tests/browser/recorded/navigation.json"))
                .unwrap();
        let said = json!({ "nav": nav, "fcp": 224.0, "lcp": 230.5, "shifts": [[368.5, 0.058]], "events": [[5337, 1312, 64]], "steady": true, "now": 2000.0 });
        let said = Said::read(said).unwrap();
        let own = said.vitals(-3.0);
        assert!(near(own.ttfb, Some(85.699_999_995_529_65)), "{own:?}");
        assert_eq!(
            (own.fcp, own.lcp, own.cls, own.inp),
            (Some(224.0), Some(230.5), Some(0.058), Some(64.0))
        );
        assert_eq!((own.dom_ready, own.load.map(f64::round)), (Some(216.0), Some(335.0)));
        let next = said.vitals(1_000.0);
        let later = Vitals { cls: Some(0.0), inp: Some(64.0), ..Vitals::default() };
        assert_eq!(next, later);
    }

    #[test]
    fn a_browser_that_tells_little_has_few_vitals() {
        let said = Said::read(json!({ "nav": null, "now": 5.0, "origin": 1.0 })).unwrap();
        assert_eq!(said.vitals(-1.0), Vitals::default());
        assert!(Said::read(json!({ "shifts": "many" })).is_none());
        assert!(Said::read(Value::Null).is_none());
    }

    proptest! {
        #[test]
        fn vitals_are_numbers_whatever_a_page_says(
            shifts in proptest::collection::vec(any::<(f64, f64)>(), 0..30),
            events in proptest::collection::vec(any::<(f64, f64, f64)>(), 0..80),
            since in any::<f64>(),
            (fcp, lcp) in any::<(f64, f64)>(),
        ) {
            let said = Said { shifts, events, fcp: Some(fcp), lcp: Some(lcp), nav: json!({"responseStart": 1e9}), ..Said::default() };
            let vitals = said.vitals(since);
            for name in ["ttfb", "fcp", "lcp", "cls", "inp", "dom_ready", "load"] {
                prop_assert!(vitals.get(name).is_none_or(|v| v.is_finite() && v >= 0.0));
            }
        }
    }
}
