//! How far back a series is looked at: what must be read of it before it can be judged, and what is kept of it while it is.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Tuning,
    series::{earlier, later},
};

/// A stretch of time: from the first moment on, and before the second.
pub type Span = (Timestamp, Timestamp);

/// All of it.
pub(super) const EVER: Span = (Timestamp::MIN, Timestamp::MAX);

const A_DAY: Duration = Duration::from_secs(86_400);
const DAYS: u32 = 8;
/// Runs that a baseline is to have where eight days hold fewer.
const RARE: usize = 200;

/// History of a series that is kept in memory while it is watched: the same weekday two weeks back and the baseline before it, more
/// where its runs are rare.
pub(super) fn kept(interval: Duration) -> Duration {
    let weekday = Duration::from_secs(14 * 86_400 + 43_200);
    weekday.saturating_add(runs(interval, 2 * RARE))
}

/// What is older than this, seen from the newest run, is of another week.
pub(super) const AGED: Duration = Duration::from_secs(9 * 86_400);

/// How often, at most, a line is cut: what is cut off makes the rest move.
pub(super) const SELDOM: Duration = A_DAY;

/// The stretches of a series that a change which starts then is judged by, earliest first: the same hours of the same weekday two weeks
/// ago, and the eight days before (a season of seven days and the baseline before it), or as many runs as a baseline wants where
/// these are rare.
/// `interval` is the usual distance of two runs, `window` how long the change is watched.
pub fn spans(started: Timestamp, interval: Duration, window: Duration) -> Vec<Span> {
    let tuning = Tuning::default();
    let widths = || tuning.season_half_widths.iter().copied();
    let smoother = widths().max().unwrap_or(0);
    let rows = |rows: usize| runs(interval, rows);
    let days = earlier(started, (DAYS * A_DAY).max(rows(RARE)));
    let mut spans = Vec::new();
    // Where a day is few runs there is no season.
    let seasonal = rows(2 * (2 * widths().min().unwrap_or(0) + 1)) <= A_DAY;
    for week in (2..=tuning.season_weeks).rev().filter(|_| seasonal) {
        let back = earlier(started, u32::try_from(7 * week).unwrap_or(7) * A_DAY);
        let from = earlier(back, rows(tuning.baseline + 2 * smoother));
        let to = later(later(back, window), rows(2 * smoother)).min(days);
        if from < to {
            spans.push((from, to));
        }
    }
    spans.push((days, started));
    spans
}

/// How long so many runs take.
fn runs(interval: Duration, count: usize) -> Duration {
    interval.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weekday_is_read_around_the_hours_of_the_watch() {
        let at: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
        let spans = spans(at, minute, hour);
        let [(from, to), (days, started)] = spans[..] else { panic!("{spans:?}") };
        assert_eq!(
            (from.to_string().as_str(), to.to_string().as_str()),
            ("2026-11-07T05:00:00Z", "2026-11-07T17:00:00Z")
        );
        assert_eq!((days.to_string().as_str(), started), ("2026-11-13T12:00:00Z", at));
    }

    #[test]
    fn what_is_read_is_kept_and_no_calendar_is_too_short() {
        let at: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let spans = spans(at, Duration::from_secs(60), Duration::from_secs(3600));
        assert!(spans[0].0 > earlier(at, kept(Duration::from_secs(60))));
        // The rarest runs that have a season.
        let rare = Duration::from_secs(1050);
        let spans = super::spans(at, rare, Duration::from_secs(3600));
        assert!(spans.len() == 2 && spans[0].0 > earlier(at, kept(rare)), "{spans:?}");
        let daily = super::spans(at, A_DAY, A_DAY);
        assert_eq!(daily, [(earlier(at, 200 * A_DAY), at)]);
        for at in [Timestamp::MIN, Timestamp::MAX] {
            let spans = super::spans(at, Duration::MAX, Duration::MAX);
            assert!(spans.iter().all(|(from, to)| from <= to));
        }
    }
}
