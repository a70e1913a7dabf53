//! The time of a step, by the page's own clock.
//!
//! A driver's click takes some 45 ms of which the page sees next to nothing, and a user none. So a step's duration is what the page was at work
//! for: from the start of a navigation, or from an input event, to the load, or to the moment a condition held. The page tells all of these
//! itself (`page/clock.js`); what passes between two of them while only the driver or we work counts nothing.

use std::time::Duration;

use serde::Deserialize;

/// What every answer of a page carries. Times are milliseconds since 1970 by the page's clock.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Tick {
    /// When the document's navigation began: its name, too.
    pub(super) document: f64,
    pub(super) now: f64,
    /// When it last changed.
    pub(super) changed: f64,
    /// When its load event was over.
    pub(super) loaded: Option<f64>,
    /// What a visitor did since the last answer: when, and until when the page worked on it.
    pub(super) gestures: Vec<(f64, f64)>,
    /// Whether the press that was aimed at an element landed elsewhere, and was kept from the page.
    pub(super) missed: bool,
    /// Whether it is no frame's.
    pub(super) top: bool,
    pub(super) url: String,
    /// Why the browser shows a page of its own.
    pub(super) error: Option<String>,
}

/// A step's clock.
#[derive(Debug, Clone, Default)]
pub(super) struct PageClock {
    /// Milliseconds that count.
    counted: f64,
    /// Until when time is counted, or was passed over.
    mark: Option<f64>,
    /// The document in the window.
    document: Option<f64>,
    /// Whether its load has not been counted yet.
    loading: bool,
    /// Documents that came since this was last asked for, by their beginnings.
    fresh: Vec<f64>,
    last: Tick,
}

/// Who made the documents that a tick may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// We asked for the page: its time begins with its navigation.
    Opened,
    /// The page, on a click or by itself: its time goes on.
    Page,
}

impl PageClock {
    /// Goes on from the document that an earlier step left.
    pub(super) fn after(document: Option<f64>) -> Self {
        Self { document, ..Self::default() }
    }

    /// The document in the window.
    pub(super) fn document(&self) -> Option<f64> {
        self.document
    }

    /// What was told last.
    pub(super) fn last(&self) -> &Tick {
        &self.last
    }

    /// Reads a tick.
    pub(super) fn note(&mut self, tick: Tick, cause: Cause) {
        if tick.top && self.document != Some(tick.document) && tick.document.is_finite() {
            self.document = Some(tick.document);
            self.loading = true;
            self.fresh.push(tick.document);
            if cause == Cause::Opened || self.mark.is_none() {
                self.pass(tick.document);
            }
        }
        for (from, to) in &tick.gestures {
            self.count(*from, *to);
        }
        if let Some(loaded) = tick.loaded.filter(|_| tick.top && self.loading) {
            self.loading = false;
            self.held(loaded);
        }
        self.last = tick;
    }

    /// Counts from where it stopped until a moment: when a condition held.
    pub(super) fn held(&mut self, at: f64) {
        self.count(self.mark.unwrap_or(at), at);
    }

    /// Passes over what was before a moment.
    pub(super) fn pass(&mut self, at: f64) {
        if at.is_finite() {
            self.mark = Some(self.mark.map_or(at, |mark| mark.max(at)));
        }
    }

    /// Stops it, for what only we do to the page.
    pub(super) fn hold(&self) -> f64 {
        self.counted
    }

    /// Goes on as if nothing had been since then.
    pub(super) fn release(&mut self, held: f64) {
        self.counted = held;
        self.pass(self.last.now);
    }

    /// Counts time that no page could tell of: that of one that never came.
    pub(super) fn waited(&mut self, time: Duration) {
        self.counted += time.as_secs_f64() * 1e3;
    }

    /// Counts a span, without what of it is counted already.
    pub(super) fn count(&mut self, from: f64, to: f64) {
        if !from.is_finite() || !to.is_finite() {
            return;
        }
        let from = self.mark.map_or(from, |mark| mark.max(from));
        self.counted += (to - from).max(0.0);
        self.pass(from.max(to));
    }

    /// The documents that came since this was last asked.
    pub(super) fn fresh(&mut self) -> Vec<f64> {
        std::mem::take(&mut self.fresh)
    }

    /// What counts so far, in whole microseconds; at most `passed`, for a page may say anything of its clock.
    pub(super) fn duration(&self, passed: Duration) -> Duration {
        let counted = Duration::try_from_secs_f64(self.counted / 1e3).unwrap_or_default();
        let micros = counted.min(passed).as_micros();
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn tick(document: f64, loaded: f64, gestures: &[(f64, f64)]) -> Tick {
        let gestures = gestures.to_vec();
        Tick { document, loaded: Some(loaded), gestures, top: true, ..Tick::default() }
    }

    fn millis(clock: &PageClock) -> u128 {
        clock.duration(LONG).as_millis()
    }

    #[test]
    fn what_only_the_driver_does_counts_nothing() {
        let mut clock = PageClock::default();
        clock.note(tick(1_000.0, 1_300.0, &[]), Cause::Opened);
        assert_eq!((millis(&clock), clock.fresh()), (300, vec![1_000.0]));
        // 200 ms later a click that the page works on for 20 ms, and a text that comes 100 ms after the click.
        clock.note(tick(1_000.0, 1_300.0, &[(1_500.0, 1_520.0)]), Cause::Page);
        assert_eq!(millis(&clock), 320);
        clock.held(1_600.0);
        assert_eq!(millis(&clock), 400);
        // What held before is no time; nor is a second look.
        clock.held(1_550.0);
        clock.held(1_600.0);
        assert_eq!((millis(&clock), clock.fresh()), (400, vec![]));
    }

    #[test]
    fn a_click_that_navigates_counts_to_the_load() {
        let mut clock = PageClock::after(Some(1_000.0));
        clock.note(tick(1_000.0, 1_300.0, &[]), Cause::Page);
        clock.pass(5_000.0);
        clock.note(tick(1_000.0, 1_300.0, &[(5_100.0, 5_101.0)]), Cause::Page);
        clock.note(tick(5_400.0, 5_900.0, &[]), Cause::Page);
        assert_eq!(millis(&clock), 800);
        // The next page is asked for by us: what was between is ours.
        clock.note(tick(7_000.0, 7_250.0, &[]), Cause::Opened);
        assert_eq!((millis(&clock), clock.fresh()), (1_050, vec![5_400.0, 7_000.0]));
    }

    #[test]
    fn a_frame_is_no_document_of_the_window_and_a_clock_that_lies_is_bounded() {
        let mut clock = PageClock::after(Some(1_000.0));
        clock.note(Tick { top: false, ..tick(2_000.0, 2_100.0, &[]) }, Cause::Page);
        assert_eq!((millis(&clock), clock.document()), (0, Some(1_000.0)));
        for wrong in [f64::NAN, f64::INFINITY, -1e300, 1e300] {
            clock.held(wrong);
            clock.note(tick(wrong, wrong, &[(wrong, wrong)]), Cause::Page);
        }
        assert!(clock.duration(Duration::from_secs(2)) <= Duration::from_secs(2));
    }
}
