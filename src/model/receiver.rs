//! Who is told what, when and how: `[[receiver]]` and `[[maintenance]]`.

use std::{collections::BTreeMap, time::Duration};

use jiff::{
    Timestamp,
    civil::{Time, Weekday},
    tz::TimeZone,
};

use super::{EnvironmentName, Gravity, Happening, JourneyName, SecretSource, ServiceName};

/// `[[receiver]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceiverSettings {
    /// What it is called in the outbox and in logs.
    pub name: String,
    /// How it is reached.
    pub way: Way,
    /// How long one try may take; 15 s by default.
    pub timeout: Duration,
    /// The HTTP proxy on the way to it.
    pub proxy: Option<String>,
    /// What it is told.
    pub policy: Policy,
    /// Words of one's own.
    pub templates: Templates,
}

/// What a receiver is told, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// How grave an incident must be: any of these; all by default.
    pub findings: Vec<Gravity>,
    /// What is worth a message.
    pub events: Vec<Happening>,
    /// Only there; everywhere if empty.
    pub environments: Vec<EnvironmentName>,
    /// Only of these services; of all if empty.
    pub services: Vec<ServiceName>,
    /// Only of these journeys; of all if empty.
    pub journeys: Vec<JourneyName>,
    /// Only what these look after; all if empty.
    pub owners: Vec<String>,
    /// How often it is told again of what goes on and nobody has taken on; 4 h by default, none for never.
    pub repeat: Option<Duration>,
    /// When it is not to be disturbed.
    pub quiet: Vec<Quiet>,
    /// Whether it keeps what it was told as its own state, so that it must hear of every end.
    pub keeps_state: bool,
}

/// When a receiver is not to be disturbed: what goes on is told afterwards.
#[derive(Debug, Clone, PartialEq)]
pub struct Quiet {
    /// When.
    pub hours: Hours,
    /// What is told all the same.
    pub except: Vec<Gravity>,
}

/// Hours of some days of the week. They may pass midnight: the day is that of their beginning.
#[derive(Debug, Clone, PartialEq)]
pub struct Hours {
    /// From this time on.
    pub from: Time,
    /// Until this time; the same as `from` is a whole day.
    pub to: Time,
    /// On these days; on all if empty.
    pub days: Vec<Weekday>,
    /// Whose clock.
    pub timezone: TimeZone,
}

/// `[[maintenance]]`: nobody is told of what is touched meanwhile.
#[derive(Debug, Clone, PartialEq)]
pub struct Maintenance {
    /// Why.
    pub name: String,
    /// Where; everywhere if empty.
    pub environments: Vec<EnvironmentName>,
    /// Of what; of everything if empty.
    pub services: Vec<ServiceName>,
    /// When.
    pub when: MaintenanceTime,
}

/// When maintenance is.
#[derive(Debug, Clone, PartialEq)]
pub enum MaintenanceTime {
    /// Once.
    Once {
        /// From this moment on.
        from: Timestamp,
        /// Until this one.
        to: Timestamp,
    },
    /// Again and again.
    Weekly(Hours),
}

/// Words that take the place of ours; handlebars over a [`super::Notice`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Templates {
    /// The one line: subject, summary, header.
    pub title: Option<String>,
    /// What stands below it.
    pub text: Option<String>,
    /// The whole body of a message, in the place of our layout; of chats, webhooks and commands.
    pub body: Option<String>,
    /// The whole body of what is told of a change itself, of webhooks and commands; handlebars over a [`super::ChangeNews`].
    pub change_body: Option<String>,
    /// The page of a mail.
    pub html: Option<String>,
    /// What bodies are; JSON unless it says otherwise.
    pub content_type: Option<String>,
}

impl Templates {
    /// Whether bodies must be JSON.
    pub fn json(&self) -> bool {
        self.content_type.as_deref().is_none_or(|kind| kind.to_ascii_lowercase().contains("json"))
    }
}

/// An address: as it stands, or secret as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Anybody may see it.
    Open(String),
    /// It lets whoever knows it in.
    Secret(SecretSource),
}

/// How a server knows us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// `Authorization: Bearer`.
    Token(SecretSource),
    /// `Authorization: Basic`.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: SecretSource,
    },
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// It begins openly and is then encrypted, or nothing is sent.
    StartTls,
    /// It is encrypted from the first byte.
    Implicit,
    /// Not at all.
    None,
}

/// How a receiver is reached.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// Prometheus Alertmanager, all of a cluster.
    Alertmanager {
        /// Where each of them is.
        urls: Vec<String>,
        /// How they know us.
        login: Option<Login>,
        /// How often they are told that it goes on; 1 min by default.
        resend: Duration,
        /// Labels of every alert.
        labels: BTreeMap<String, String>,
    },
    /// An incoming webhook of Slack, Mattermost, Rocket.Chat.
    Slack {
        /// Where.
        url: SecretSource,
    },
    /// A workflow of Microsoft Teams.
    Teams {
        /// Where.
        url: SecretSource,
    },
    /// PagerDuty, Events API v2.
    PagerDuty {
        /// Where.
        url: String,
        /// The routing key of the integration.
        key: SecretSource,
        /// Whether it is told of changes as well.
        changes: bool,
    },
    /// E-mail by a mail server.
    Email {
        /// The server.
        host: String,
        /// Its port.
        port: u16,
        /// How the connection is protected.
        tls: MailTls,
        /// User and password.
        login: Option<(String, SecretSource)>,
        /// The sender.
        from: String,
        /// The recipients.
        to: Vec<String>,
    },
    /// A webhook as Standard Webhooks has it.
    Webhook {
        /// Where.
        url: Address,
        /// Secrets it is signed with: while one takes the place of another, both.
        secrets: Vec<SecretSource>,
        /// Headers of one's own.
        headers: BTreeMap<String, Given>,
        /// Whether it is told of changes as well.
        changes: bool,
    },
    /// CloudEvents 1.0 over HTTP.
    CloudEvents {
        /// Where.
        url: Address,
        /// How it knows us.
        login: Option<Login>,
        /// Whether attributes are headers.
        binary: bool,
        /// Whether events are CDEvents of incidents.
        cdevents: bool,
        /// Whether it is told of changes as well.
        changes: bool,
    },
    /// A program of one's own.
    Command {
        /// The program and its arguments.
        words: Vec<String>,
        /// What it is given besides `PATH`, `HOME`, `LANG` and `TZ`.
        env: BTreeMap<String, Given>,
        /// Whether it is told of changes as well.
        changes: bool,
    },
    /// Grafana: a region for each change.
    Grafana {
        /// Where.
        url: String,
        /// The token of a service account.
        token: SecretSource,
        /// Tags beside ours.
        tags: Vec<String>,
    },
}

impl Way {
    /// The word in settings and logs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Alertmanager { .. } => "alertmanager",
            Self::Slack { .. } => "slack",
            Self::Teams { .. } => "teams",
            Self::PagerDuty { .. } => "pagerduty",
            Self::Email { .. } => "email",
            Self::Webhook { .. } => "webhook",
            Self::CloudEvents { cdevents: false, .. } => "cloudevents",
            Self::CloudEvents { cdevents: true, .. } => "cdevents",
            Self::Command { .. } => "command",
            Self::Grafana { .. } => "grafana",
        }
    }

    /// Whether it is told of incidents.
    pub fn tells_incidents(&self) -> bool {
        !matches!(self, Self::Grafana { .. })
    }

    /// Whether it is told of changes themselves.
    pub fn tells_changes(&self) -> bool {
        match self {
            Self::Grafana { .. } => true,
            Self::PagerDuty { changes, .. }
            | Self::Webhook { changes, .. }
            | Self::CloudEvents { changes, .. }
            | Self::Command { changes, .. } => *changes,
            _ => false,
        }
    }
}

/// What a program is given in a variable of its environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// A text that anybody may see.
    Open(String),
    /// What comes from somewhere else.
    Secret(SecretSource),
}

impl Hours {
    /// Whether a moment lies in them.
    pub fn hold(&self, now: Timestamp) -> bool {
        let local = now.to_zoned(self.timezone.clone());
        let (time, today) = (local.time(), local.weekday());
        let on = |day: Weekday| self.days.is_empty() || self.days.contains(&day);
        if self.from < self.to {
            return on(today) && self.from <= time && time < self.to;
        }
        // Past midnight they are those of the day before.
        (on(today) && time >= self.from) || (on(today.previous()) && time < self.to)
    }
}

impl Maintenance {
    /// Whether it is about runs in an environment that touch these services.
    pub fn touches(&self, environment: &EnvironmentName, services: &[ServiceName]) -> bool {
        let here = self.environments.is_empty() || self.environments.contains(environment);
        here && (self.services.is_empty() || services.iter().any(|s| self.services.contains(s)))
    }

    /// Whether any of a short span, its end not included, lies in it: its beginning, its last moment, or all of a window that is over by then.
    pub fn meets(&self, from: Timestamp, to: Timestamp) -> bool {
        match &self.when {
            MaintenanceTime::Once { from: begin, to: end } => *begin < to && from < *end,
            MaintenanceTime::Weekly(hours) => {
                let last = to.checked_sub(Duration::from_micros(1)).unwrap_or(from);
                hours.hold(from) || hours.hold(last)
            }
        }
    }

    /// Whether a moment lies in it.
    pub fn holds(&self, now: Timestamp) -> bool {
        match &self.when {
            MaintenanceTime::Once { from, to } => *from <= now && now < *to,
            MaintenanceTime::Weekly(hours) => hours.hold(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(from: &str, to: &str, days: &[Weekday], zone: &str) -> Hours {
        Hours {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            days: days.to_vec(),
            timezone: TimeZone::get(zone).unwrap(),
        }
    }

    #[test]
    fn hours_pass_midnight_and_follow_their_own_clock() {
        let night = hours("22:00", "07:00", &[], "Europe/Berlin");
        // Winter: UTC+1.
        for (at, quiet) in [
            ("2026-01-10T20:59:59Z", false),
            ("2026-01-10T21:00:00Z", true),
            ("2026-01-11T05:59:59Z", true),
            ("2026-01-11T06:00:00Z", false),
            // Summer: UTC+2.
            ("2026-07-10T19:59:59Z", false),
            ("2026-07-10T20:00:00Z", true),
            ("2026-07-11T05:00:00Z", false),
            // The night in which the clock goes back has a third o'clock twice, both in it.
            ("2026-10-25T00:30:00Z", true),
            ("2026-10-25T01:30:00Z", true),
            ("2026-10-25T06:00:00Z", false),
        ] {
            assert_eq!(night.hold(at.parse().unwrap()), quiet, "{at}");
        }
    }

    #[test]
    fn maintenance_is_met_where_it_touches() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut window = Maintenance {
            name: "upgrade".to_owned(),
            environments: vec!["production".into()],
            services: Vec::new(),
            when: MaintenanceTime::Once {
                from: at("2026-12-01T22:02:00Z"),
                to: at("2026-12-01T22:03:00Z"),
            },
        };
        assert!(window.meets(at("2026-12-01T22:00:00Z"), at("2026-12-01T22:05:00Z")));
        assert!(!window.meets(at("2026-12-01T22:05:00Z"), at("2026-12-01T22:10:00Z")));
        window.when = MaintenanceTime::Weekly(hours("22:04", "23:00", &[], "UTC"));
        assert!(window.meets(at("2026-12-01T22:00:00Z"), at("2026-12-01T22:05:00Z")));
        assert!(!window.meets(at("2026-12-01T23:00:00Z"), at("2026-12-01T23:05:00Z")));
        let (production, staging) = ("production".into(), "staging".into());
        assert!(window.touches(&production, &[]) && !window.touches(&staging, &[]));
        window.services = vec!["shop".into()];
        assert!(!window.touches(&production, &["pay".into()]));
        assert!(window.touches(&production, &["pay".into(), "shop".into()]));
    }

    #[test]
    fn a_night_belongs_to_the_day_of_its_beginning() {
        // 2026-01-10 is a Saturday.
        let saturday = hours("22:00", "07:00", &[Weekday::Saturday], "UTC");
        for (at, quiet) in [
            ("2026-01-10T06:00:00Z", false),
            ("2026-01-10T23:00:00Z", true),
            ("2026-01-11T06:59:00Z", true),
            ("2026-01-11T07:00:00Z", false),
            ("2026-01-11T23:00:00Z", false),
        ] {
            assert_eq!(saturday.hold(at.parse().unwrap()), quiet, "{at}");
        }
        let day = hours("09:00", "09:00", &[Weekday::Saturday], "UTC");
        assert!(day.hold("2026-01-11T08:59:00Z".parse().unwrap()));
        assert!(!day.hold("2026-01-11T09:00:00Z".parse().unwrap()));
    }
}
