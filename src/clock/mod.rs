//! The only place that asks what time it is. Whoever needs the time is handed a [`Clock`]; whoever decides is handed `now`.

mod urgency;

use std::time::{Duration, Instant};

use jiff::Timestamp;

pub use urgency::step_back;

/// Where the time comes from. Cheap to copy.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock;

impl Clock {
    /// The wall clock.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Starts a stopwatch: the wall clock and the monotonic clock, read together.
    pub fn start(&self) -> Stopwatch {
        Stopwatch { started_at: self.now(), origin: monotonic() }
    }

    /// A monotonic instant, for deadlines.
    pub fn instant(&self) -> Instant {
        monotonic()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn monotonic() -> Instant {
    Instant::now()
}

/// A wall-clock beginning and a monotonic length: a clock that is set while it runs does not bend it.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch {
    started_at: Timestamp,
    origin: Instant,
}

impl Stopwatch {
    /// Wall-clock time of the start.
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// The monotonic instant of the start.
    pub fn origin(&self) -> Instant {
        self.origin
    }

    /// Monotonic time since the start.
    pub fn elapsed(&self) -> Duration {
        monotonic().saturating_duration_since(self.origin)
    }
}
