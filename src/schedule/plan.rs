//! A schedule that was checked and can be asked.

use std::time::Duration;

use jiff::{
    SignedDuration, Timestamp,
    tz::{TimeZone, TimeZoneDatabase},
};

use super::{ScheduleFault, crontab::Crontab, spread, zoned};
use crate::model::Schedule;

/// The shortest `every` that is accepted.
pub const SHORTEST_EVERY: Duration = Duration::from_millis(100);

/// The longest `every` that is accepted; what is rarer has a time of day, and `cron` says which.
pub const LONGEST_EVERY: Duration = Duration::from_secs(24 * 3600);

/// How many times ahead [`Plan::interval`] looks.
const TIMES_AHEAD: usize = 64;

/// When a journey is due.
#[derive(Debug, Clone)]
pub struct Plan(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Every(Duration),
    Cron { crontab: Crontab, zone: TimeZone },
}

/// Checks a schedule and makes it ready to be asked.
///
/// # Errors
/// An interval out of bounds, a cron text that is none or never fires, a time zone that does not exist.
pub fn compile(schedule: &Schedule) -> Result<Plan, ScheduleFault> {
    match schedule {
        Schedule::Every(every) if *every < SHORTEST_EVERY => {
            Err(ScheduleFault::new("a journey cannot run more often than every 100ms"))
        }
        Schedule::Every(every) if *every > LONGEST_EVERY => {
            Err(ScheduleFault::new("an interval cannot be longer than a day")
                .hint("for rarer runs say the time of day with `cron`"))
        }
        Schedule::Every(every) => Ok(Plan(Kind::Every(*every))),
        Schedule::Cron { expression, timezone } => {
            let zone = find_zone(timezone)?;
            Ok(Plan(Kind::Cron { crontab: Crontab::parse(expression)?, zone }))
        }
    }
}

/// A zone of the bundled database, so that an agent means the same on every host.
fn find_zone(name: &str) -> Result<TimeZone, ScheduleFault> {
    let zones = TimeZoneDatabase::bundled();
    zones.get(name).map_err(|_| {
        let fault = ScheduleFault::new(format!("there is no time zone `{name}`")).in_timezone();
        let lower = name.to_lowercase();
        let nearest = zones
            .available()
            .map(|zone| zone.as_str().to_owned())
            .max_by(|a, b| {
                let near = |zone: &str| strsim::jaro_winkler(&zone.to_lowercase(), &lower);
                near(a).total_cmp(&near(b)).then_with(|| b.cmp(a))
            })
            .filter(|zone| strsim::jaro_winkler(&zone.to_lowercase(), &lower) > 0.85);
        match nearest {
            Some(zone) => fault.hint(format!("did you mean `{zone}`?")),
            None => fault.hint("write an IANA name such as `Europe/Berlin`"),
        }
    })
}

impl Plan {
    /// The first time strictly after `after`; none when the calendar ends (2100 for `cron`).
    ///
    /// `every` counts from 1970 plus a phase that the key alone decides, so that a restart changes nothing; `cron` says
    /// a time and is not spread.
    pub fn next_after(&self, spread_key: &str, after: Timestamp) -> Option<Timestamp> {
        match &self.0 {
            Kind::Every(every) => {
                let interval = u64::try_from(every.as_nanos()).ok().filter(|ns| *ns > 0)?;
                let phase = i128::from(spread::phase(spread_key, interval));
                let interval = i128::from(interval);
                let rounds = (after.as_nanosecond() - phase).div_euclid(interval) + 1;
                Timestamp::from_nanosecond(rounds * interval + phase).ok()
            }
            Kind::Cron { crontab, zone } => zoned::next_after(crontab, zone, after),
        }
    }

    /// The usual distance between two runs: `every`, or the median gap of the next 64 cron times after `now`.
    pub fn interval(&self, now: Timestamp) -> Duration {
        let (crontab, zone) = match &self.0 {
            Kind::Every(every) => return *every,
            Kind::Cron { crontab, zone } => (crontab, zone),
        };
        let times: Vec<Timestamp> =
            std::iter::successors(zoned::next_after(crontab, zone, now), |at| {
                zoned::next_after(crontab, zone, *at)
            })
            .take(TIMES_AHEAD)
            .collect();
        let mut gaps: Vec<SignedDuration> =
            times.windows(2).map(|pair| pair[1].duration_since(pair[0])).collect();
        gaps.sort_unstable();
        gaps.get(gaps.len() / 2).map_or(LONGEST_EVERY, |gap| gap.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cron(expression: &str, timezone: &str) -> Schedule {
        Schedule::Cron { expression: expression.to_owned(), timezone: timezone.to_owned() }
    }

    #[test]
    fn limits_of_every() {
        let every = |ms| compile(&Schedule::Every(Duration::from_millis(ms)));
        assert!(every(100).is_ok());
        assert!(every(86_400_000).is_ok());
        assert_eq!(
            every(0).unwrap_err().message(),
            "a journey cannot run more often than every 100ms"
        );
        assert_eq!(
            every(99).unwrap_err().message(),
            "a journey cannot run more often than every 100ms"
        );
        assert_eq!(
            every(86_400_001).unwrap_err().to_string(),
            "an interval cannot be longer than a day; for rarer runs say the time of day with `cron`"
        );
    }

    #[test]
    fn zones_are_found_or_guessed() {
        assert!(compile(&cron("0 9 * * *", "Europe/Berlin")).is_ok());
        assert!(compile(&cron("0 9 * * *", "UTC")).is_ok());
        let fault = compile(&cron("0 9 * * *", "Europe/Berln")).unwrap_err();
        assert!(fault.blames_timezone());
        assert_eq!(
            fault.to_string(),
            "there is no time zone `Europe/Berln`; did you mean `Europe/Berlin`?"
        );
        let fault = compile(&cron("0 9 * * *", "qqq")).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "there is no time zone `qqq`; write an IANA name such as `Europe/Berlin`"
        );
    }

    #[test]
    fn the_usual_distance() {
        let now = Timestamp::from_second(1_780_000_000).unwrap();
        let interval =
            |text| compile(&cron(text, "Europe/Berlin")).unwrap().interval(now).as_secs();
        assert_eq!(interval("*/5 8-18 * * MON-FRI"), 300);
        assert_eq!(interval("0 9 * * *"), 86_400);
        assert_eq!(interval("0 0 29 2 *"), 1461 * 86_400);
        let every = compile(&Schedule::Every(Duration::from_secs(7))).unwrap();
        assert_eq!(every.interval(now), Duration::from_secs(7));
    }

    #[test]
    fn the_end_of_time_is_not_a_panic() {
        let plan = compile(&cron("* * * * *", "Europe/Berlin")).unwrap();
        assert_eq!(plan.next_after("x", Timestamp::MAX), None);
        assert!(plan.next_after("x", Timestamp::MIN).is_some_and(|t| t.as_second().abs() < 90_000));
        let plan = compile(&Schedule::Every(Duration::from_secs(60))).unwrap();
        assert_eq!(plan.next_after("x", Timestamp::MAX), None);
        assert!(plan.next_after("x", Timestamp::MIN).is_some());
    }

    proptest! {
        #[test]
        fn every_keeps_its_phase_and_its_distance(
            ms in 100_u64..86_400_000,
            key in "[a-z/]{1,20}",
            start in -2_000_000_000_000_i64..4_000_000_000_000,
        ) {
            let plan = compile(&Schedule::Every(Duration::from_millis(ms))).unwrap();
            let after = Timestamp::from_millisecond(start).unwrap();
            let first = plan.next_after(&key, after).unwrap();
            prop_assert!(first > after);
            prop_assert!(first.duration_since(after).unsigned_abs() <= Duration::from_millis(ms));
            let second = plan.next_after(&key, first).unwrap();
            prop_assert_eq!(second.duration_since(first).unsigned_abs(), Duration::from_millis(ms));
            // A restart in between changes nothing.
            let restarted = plan.next_after(&key, first + SignedDuration::from_millis(50)).unwrap();
            prop_assert_eq!(restarted, second);
        }
    }
}
