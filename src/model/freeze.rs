//! Freezes: times in which nothing shall be deployed.

use jiff::{
    Timestamp, ToSpan,
    civil::{Time, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use super::{EnvironmentName, Hours, ServiceName};

/// `[[freeze]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Freeze {
    /// Why, for whoever is stopped by it.
    pub reason: String,
    /// Where; everywhere if empty.
    pub environments: Vec<EnvironmentName>,
    /// Of what; of everything if empty.
    pub services: Vec<ServiceName>,
    /// When.
    pub when: FreezeTime,
}

/// When a freeze is in force.
#[derive(Debug, Clone, PartialEq)]
pub enum FreezeTime {
    /// Once.
    Once {
        /// From this moment on.
        from: Timestamp,
        /// Until this one.
        to: Timestamp,
    },
    /// At hours of some days.
    Daily(Hours),
    /// From a day and time of every week to another one, such as from Friday's afternoon to Monday's morning.
    Weekly {
        /// From then on.
        from: (Weekday, Time),
        /// Until then.
        to: (Weekday, Time),
        /// Whose clock.
        timezone: TimeZone,
    },
}

/// What may stand in the way of a deployment before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// A freeze is in force.
    Freeze,
    /// Trouble is open where it would be deployed.
    Finding,
    /// An error budget is spent.
    Budget,
}

impl Obstacle {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Freeze, Self::Finding, Self::Budget];

    /// The word used in JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::Finding => "finding",
            Self::Budget => "budget",
        }
    }
}

impl Freeze {
    /// Whether it is about a service in an environment; a deployment of no service named touches them all.
    pub fn concerns(&self, service: Option<&ServiceName>, environment: &EnvironmentName) -> bool {
        let here = self.environments.is_empty() || self.environments.contains(environment);
        here && (self.services.is_empty() || service.is_none_or(|s| self.services.contains(s)))
    }

    /// Until when it is in force; none when it is not.
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.when {
            FreezeTime::Once { from, to } => (*from <= now && now < *to).then_some(*to),
            FreezeTime::Daily(hours) => {
                hours.hold(now).then(|| next(now, None, hours.to, &hours.timezone))
            }
            FreezeTime::Weekly { from, to, timezone } => {
                let local = now.to_zoned(timezone.clone());
                let place = |(day, time): (Weekday, Time)| (day.to_monday_zero_offset(), time);
                let (at, from, end) =
                    (place((local.weekday(), local.time())), place(*from), place(*to));
                let within =
                    if from < end { from <= at && at < end } else { from <= at || at < end };
                within.then(|| next(now, Some(to.0), to.1, timezone))
            }
        }
    }
}

/// The next time after `now` that it is this time of day, on this day of the week where one is said.
fn next(now: Timestamp, day: Option<Weekday>, time: Time, timezone: &TimeZone) -> Timestamp {
    let today = now.to_zoned(timezone.clone()).date();
    let days = (0..=7).filter_map(|n| today.checked_add(n.days()).ok());
    let days = days.filter(|date| day.is_none_or(|day| date.weekday() == day));
    let moments = days.filter_map(|date| date.to_datetime(time).to_zoned(timezone.clone()).ok());
    moments.map(|zoned| zoned.timestamp()).find(|at| *at > now).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn freeze(when: FreezeTime) -> Freeze {
        Freeze { reason: "why".into(), environments: Vec::new(), services: Vec::new(), when }
    }

    #[test]
    fn a_week_end_passes_sunday_and_knows_its_end() {
        let timezone = TimeZone::get("Europe/Berlin").unwrap();
        let (from, to) = ("16:00".parse().unwrap(), "08:00".parse().unwrap());
        let weekend = freeze(FreezeTime::Weekly {
            from: (Weekday::Friday, from),
            to: (Weekday::Monday, to),
            timezone,
        });
        // 2026-01-09 is a Friday; winter is UTC+1. 2026-03-29 is the Sunday on which summer begins.
        for (now, until) in [
            ("2026-01-09T14:59:59Z", None),
            ("2026-01-09T15:00:00Z", Some("2026-01-12T07:00:00Z")),
            ("2026-01-11T12:00:00Z", Some("2026-01-12T07:00:00Z")),
            ("2026-01-12T06:59:59Z", Some("2026-01-12T07:00:00Z")),
            ("2026-01-12T07:00:00Z", None),
            ("2026-01-14T12:00:00Z", None),
            ("2026-03-28T12:00:00Z", Some("2026-03-30T06:00:00Z")),
        ] {
            assert_eq!(weekend.until(at(now)), until.map(at), "{now}");
        }
    }

    #[test]
    fn hours_and_moments_end_too() {
        let hours = Hours {
            from: "22:00".parse().unwrap(),
            to: "07:00".parse().unwrap(),
            days: vec![],
            timezone: TimeZone::UTC,
        };
        let nights = freeze(FreezeTime::Daily(hours));
        assert_eq!(nights.until(at("2026-01-10T23:00:00Z")), Some(at("2026-01-11T07:00:00Z")));
        assert_eq!(nights.until(at("2026-01-11T06:00:00Z")), Some(at("2026-01-11T07:00:00Z")));
        assert_eq!(nights.until(at("2026-01-11T07:00:00Z")), None);
        let (from, to) = (at("2026-12-20T00:00:00Z"), at("2027-01-02T00:00:00Z"));
        let once = freeze(FreezeTime::Once { from, to });
        assert_eq!(once.until(at("2026-12-31T23:59:59Z")), Some(to));
        assert_eq!(once.until(to), None);
    }

    #[test]
    fn it_concerns_what_it_names() {
        let mut freeze = freeze(FreezeTime::Once { from: Timestamp::MIN, to: Timestamp::MAX });
        let (production, staging) =
            (EnvironmentName::new("production"), EnvironmentName::new("staging"));
        let (shop, pay) = (ServiceName::new("shop"), ServiceName::new("pay"));
        assert!(freeze.concerns(Some(&shop), &staging));
        freeze.environments = vec![production.clone()];
        freeze.services = vec![shop.clone()];
        assert!(freeze.concerns(Some(&shop), &production));
        assert!(freeze.concerns(None, &production), "a whole environment holds the service too");
        assert!(!freeze.concerns(Some(&pay), &production));
        assert!(!freeze.concerns(Some(&shop), &staging));
    }
}
