//! Deadlines: which one passes first, and what a clean-up gets beyond them.

use std::time::{Duration, Instant};

use crate::check::span;

/// The least a clean-up gets, however late it is: clean-up that does not happen harms the next run.
const CLEAN_UP: Duration = Duration::from_secs(10);

/// How much longer than its deadline a run may last, for all of its clean-ups together.
const CLEAN_UPS: Duration = Duration::from_secs(30);

/// A deadline and whose it is.
#[derive(Debug, Clone)]
pub(super) struct Deadline {
    pub(super) at: Instant,
    /// Such as `the step's deadline of 2s`.
    pub(super) name: String,
}

/// The deadlines that steps stand under.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// The one that passes first.
    first: Deadline,
    /// When no clean-up may go on.
    clean_up_until: Instant,
}

impl Limits {
    /// The deadline of a whole walk, called `whose` in messages: `the journey's`.
    pub(super) fn new(now: Instant, timeout: Duration, whose: &str) -> Self {
        let at = later(now, timeout);
        let name = format!("{whose} deadline of {}", span(timeout));
        Self { first: Deadline { at, name }, clean_up_until: later(at, CLEAN_UPS) }
    }

    /// The deadline that passes first, where `timeout` is the step's own.
    pub(super) fn deadline(&self, timeout: Option<Duration>, now: Instant) -> Deadline {
        self.within(timeout, now, "the step's").first
    }

    /// These with one more deadline, counted from now.
    pub(super) fn within(&self, timeout: Option<Duration>, now: Instant, whose: &str) -> Self {
        let mut limits = self.clone();
        if let Some(timeout) = timeout
            && later(now, timeout) < self.first.at
        {
            let name = format!("{whose} deadline of {}", span(timeout));
            limits.first = Deadline { at: later(now, timeout), name };
        }
        limits
    }

    /// These for a clean-up that begins now: 10 s or its own time, even where less is left or nothing.
    pub(super) fn for_clean_up(&self, timeout: Option<Duration>, now: Instant) -> Self {
        let grace = timeout.unwrap_or(CLEAN_UP).max(CLEAN_UP);
        let at = later(now, grace).min(self.clean_up_until);
        if at <= self.first.at {
            return self.clone();
        }
        let name = format!("the clean-up's deadline of {}", span(grace));
        Self { first: Deadline { at, name }, clean_up_until: self.clean_up_until }
    }

    /// How long a wait of ours may last.
    pub(super) fn left(&self, now: Instant) -> Duration {
        self.first.at.saturating_duration_since(now)
    }
}

/// So much later; a year where that is beyond what the clock can say.
pub(super) fn later(now: Instant, by: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 86_400);
    now.checked_add(by).unwrap_or(now + YEAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn the_first_deadline_counts_and_clean_ups_have_a_grace() {
        let now = Clock.instant();
        let second = Duration::from_secs(1);
        let limits = Limits::new(now, second * 20, "the journey's");
        assert_eq!(limits.deadline(None, now).name, "the journey's deadline of 20s");
        assert_eq!(limits.deadline(Some(second), now).name, "the step's deadline of 1s");
        assert_eq!(limits.deadline(Some(second * 21), now).name, "the journey's deadline of 20s");
        let over = now + second * 25;
        let clean_up = limits.for_clean_up(None, over);
        assert_eq!(clean_up.first.at, over + second * 10);
        assert_eq!(clean_up.deadline(Some(second * 2), over).at, over + second * 2);
        assert_eq!(limits.for_clean_up(Some(second * 20), over).first.at, over + second * 20);
        // All clean-ups together have an end, and where time is left they have that.
        assert_eq!(limits.for_clean_up(None, now + second * 45).first.at, now + second * 50);
        assert_eq!(limits.for_clean_up(None, now).first.at, now + second * 20);
    }
}
