//! From wall-clock times to instants, also where the clock is turned.
//!
//! A time that the clock skips runs at the moment of the turn. In a repeated stretch, fixed hours run in its first pass only;
//! a star or a step in the hour field means "all the time" and runs in both. The crate is never asked about zones: it drops
//! skipped times and returns repeated ones out of order.

use jiff::{Timestamp, tz::TimeZone};

use super::crontab::Crontab;

/// A stretch of time in which the zone's offset does not change, in seconds.
struct Stretch {
    /// Seconds east of UTC.
    offset: i64,
    /// Local times before this were already seen in the stretch before.
    repeated_until: Option<i64>,
    /// When it ends, and the offset after it.
    end: Option<(i64, i64)>,
}

impl Stretch {
    fn around(zone: &TimeZone, at: i64) -> Option<Self> {
        let here = Timestamp::from_second(at).ok()?;
        let offset = i64::from(zone.to_offset(here).seconds());
        let begin = Timestamp::from_second(at + 1)
            .ok()
            .and_then(|just_after| zone.preceding(just_after).next())
            .map(|turn| turn.timestamp().as_second());
        let repeated_until = begin.and_then(|begin| {
            let before = Timestamp::from_second(begin - 1).ok()?;
            let before = i64::from(zone.to_offset(before).seconds());
            (before > offset).then_some(begin + before)
        });
        let end = zone
            .following(here)
            .next()
            .map(|turn| (turn.timestamp().as_second(), i64::from(turn.offset().seconds())));
        Some(Self { offset, repeated_until, end })
    }
}

/// The first instant strictly after `after`; none beyond the end of the calendar.
pub(super) fn next_after(
    crontab: &Crontab,
    zone: &TimeZone,
    after: Timestamp,
) -> Option<Timestamp> {
    let after = i64::try_from(after.as_nanosecond().div_euclid(1_000_000_000)).ok()?;
    let mut stretch = Stretch::around(zone, after)?;
    let mut local = after + stretch.offset;
    loop {
        if let (Some(until), false) = (stretch.repeated_until, crontab.is_rolling()) {
            local = local.max(until - 1);
        }
        let found = crontab.next_local(local)?;
        let Some((turn, offset)) = stretch.end.filter(|(turn, _)| found - stretch.offset >= *turn)
        else {
            return Timestamp::from_second(found - stretch.offset).ok();
        };
        if found < turn + offset {
            return Timestamp::from_second(turn).ok();
        }
        stretch = Stretch::around(zone, turn)?;
        local = turn + stretch.offset - 1;
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZoneDatabase;
    use proptest::prelude::*;

    use super::*;

    /// The instants of an expression from a local time on, as `HH:MM+offset`.
    fn walk(expression: &str, zone: &str, from: &str, count: usize) -> String {
        let zone = TimeZoneDatabase::bundled().get(zone).unwrap();
        let crontab = Crontab::parse(expression).unwrap();
        let mut at = from
            .parse::<jiff::civil::DateTime>()
            .unwrap()
            .to_zoned(zone.clone())
            .unwrap()
            .timestamp();
        let times: Vec<_> = (0..count)
            .map(|_| {
                at = next_after(&crontab, &zone, at).unwrap();
                at.to_zoned(zone.clone()).strftime("%d %H:%M%:z").to_string()
            })
            .collect();
        times.join(", ")
    }

    #[test]
    fn berlin_in_spring() {
        // 29 March 2026: 02:00+01 becomes 03:00+02.
        let zone = "Europe/Berlin";
        assert_eq!(
            walk("30 2 * * *", zone, "2026-03-28T00:00", 3),
            "28 02:30+01:00, 29 03:00+02:00, 30 02:30+02:00"
        );
        assert_eq!(walk("0 2 * * *", zone, "2026-03-28T12:00", 1), "29 03:00+02:00");
        assert_eq!(
            walk("0 3 * * *", zone, "2026-03-28T12:00", 2),
            "29 03:00+02:00, 30 03:00+02:00"
        );
        assert_eq!(
            walk("0,30 2,3 * * *", zone, "2026-03-29T00:00", 3),
            "29 03:00+02:00, 29 03:30+02:00, 30 02:00+02:00"
        );
        assert_eq!(
            walk("*/20 * * * *", zone, "2026-03-29T01:10", 4),
            "29 01:20+01:00, 29 01:40+01:00, 29 03:00+02:00, 29 03:20+02:00"
        );
        assert_eq!(
            walk("30 2 29 3 *", zone, "2026-03-01T00:00", 2),
            "29 03:00+02:00, 29 02:30+02:00"
        );
    }

    #[test]
    fn berlin_in_autumn() {
        // 25 October 2026: 03:00+02 becomes 02:00+01.
        let zone = "Europe/Berlin";
        assert_eq!(
            walk("30 2 * * *", zone, "2026-10-24T12:00", 2),
            "25 02:30+02:00, 26 02:30+01:00"
        );
        assert_eq!(
            walk("0 3 * * *", zone, "2026-10-24T12:00", 2),
            "25 03:00+01:00, 26 03:00+01:00"
        );
        assert_eq!(
            walk("0 2-3 * * *", zone, "2026-10-25T01:00", 3),
            "25 02:00+02:00, 25 03:00+01:00, 26 02:00+01:00"
        );
        assert_eq!(
            walk("*/30 * * * *", zone, "2026-10-25T01:30", 5),
            "25 02:00+02:00, 25 02:30+02:00, 25 02:00+01:00, 25 02:30+01:00, 25 03:00+01:00"
        );
        assert_eq!(
            walk("15 */2 * * *", zone, "2026-10-25T00:30", 3),
            "25 02:15+02:00, 25 02:15+01:00, 25 04:15+01:00"
        );
    }

    #[test]
    fn new_york() {
        // 8 March 2026: 02:00-05 becomes 03:00-04; 1 November 2026: 02:00-04 becomes 01:00-05.
        let zone = "America/New_York";
        assert_eq!(
            walk("15 2 * * *", zone, "2026-03-07T12:00", 2),
            "08 03:00-04:00, 09 02:15-04:00"
        );
        assert_eq!(
            walk("30 1 * * *", zone, "2026-10-31T12:00", 2),
            "01 01:30-04:00, 02 01:30-05:00"
        );
        assert_eq!(
            walk("30 * * * *", zone, "2026-11-01T00:00", 4),
            "01 00:30-04:00, 01 01:30-04:00, 01 01:30-05:00, 01 02:30-05:00"
        );
    }

    #[test]
    fn lord_howe_turns_by_half_an_hour() {
        // 4 October 2026: 02:00+10:30 becomes 02:30+11; 5 April 2026: 02:00+11 becomes 01:30+10:30.
        let zone = "Australia/Lord_Howe";
        assert_eq!(
            walk("15 2 * * *", zone, "2026-10-03T12:00", 2),
            "04 02:30+11:00, 05 02:15+11:00"
        );
        assert_eq!(walk("45 2 * * *", zone, "2026-10-03T12:00", 1), "04 02:45+11:00");
        assert_eq!(
            walk("45 1 * * *", zone, "2026-04-04T12:00", 2),
            "05 01:45+11:00, 06 01:45+10:30"
        );
        assert_eq!(
            walk("*/15 * * * *", zone, "2026-04-05T01:15", 5),
            "05 01:30+11:00, 05 01:45+11:00, 05 01:30+10:30, 05 01:45+10:30, 05 02:00+10:30"
        );
    }

    #[test]
    fn a_day_that_never_was() {
        // Samoa went from 29 to 31 December 2011.
        assert_eq!(
            walk("0 12 * * *", "Pacific/Apia", "2011-12-29T00:00", 3),
            "29 12:00-10:00, 31 00:00+14:00, 31 12:00+14:00"
        );
    }

    proptest! {
        #[test]
        fn times_strictly_increase(
            expression in prop::sample::select(vec!["*/5 * * * *", "30 2 * * *", "0 2-3 * * *", "15 */2 * * *", "0 0 29 2 *", "59 23 31 12 *", "0 1 * * SUN"]),
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "America/Asuncion"]),
            start in 0_i64..4_000_000_000,
            nanos in 0_i32..1_000_000_000,
        ) {
            let zone = TimeZoneDatabase::bundled().get(zone).unwrap();
            let crontab = Crontab::parse(expression).unwrap();
            let mut at = Timestamp::new(start, nanos).unwrap();
            for _ in 0..20 {
                let Some(next) = next_after(&crontab, &zone, at) else { break };
                prop_assert!(next > at, "{} then {}", at, next);
                // Whoever asks a moment before gets the same answer: no time is passed over.
                let before = next_after(&crontab, &zone, next - jiff::SignedDuration::from_nanos(1)).unwrap();
                prop_assert_eq!(before, next);
                at = next;
            }
        }
    }
}
