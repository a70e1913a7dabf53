//! Hours of days of the week, and `[[maintenance]]`.

use std::collections::BTreeMap;

use jiff::{
    Timestamp,
    civil::{Time, Weekday},
    tz::TimeZone,
};
use toml::de::DeValue;

use crate::{
    config::{hint, names::NameOf, page::Note, reader::Reader, value::Entry},
    model::{EnvironmentName, EnvironmentSettings, Hours, Maintenance, MaintenanceTime},
};

/// Days of the week as they are written.
pub(in crate::config) const DAYS: &[(&str, Weekday)] = &[
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// `from`, `to`, `days` and `timezone` of a table.
pub(super) fn lower(reader: &Reader<'_>) -> Option<Hours> {
    reader.require("from", "from = \"22:00\"");
    reader.require("to", "to = \"07:00\"");
    let from = reader.take("from").and_then(|entry| time(&entry));
    let to = reader.take("to").and_then(|entry| time(&entry));
    let (days, timezone) = days_and_zone(reader);
    Some(Hours { from: from?, to: to?, days: days?, timezone: timezone? })
}

pub(super) fn days_and_zone(reader: &Reader<'_>) -> (Option<Vec<Weekday>>, Option<TimeZone>) {
    let days = reader.take("days").map_or_else(|| Some(Vec::new()), |entry| days(&entry));
    let timezone =
        reader.take("timezone").map_or_else(|| Some(TimeZone::UTC), |entry| timezone(&entry));
    (days, timezone)
}

/// `22:00`; midnight may be `24:00`.
pub(super) fn time(entry: &Entry<'_>) -> Option<Time> {
    let text = entry.text()?.value;
    let read = (text == "24:00").then_some(Time::midnight());
    let parts = text.split_once(':').filter(|(h, m)| h.len() == 2 && m.len() == 2);
    let exact = parts.and_then(|(h, m)| Time::new(h.parse().ok()?, m.parse().ok()?, 0, 0).ok());
    read.or(exact).or_else(|| {
        let note =
            entry.fault(format!("`{}`: `{}` is not a time of day", entry.key, text.escape_debug()));
        entry.refuse(note.label("not a time").help("write hours and minutes: \"22:00\""))
    })
}

fn days(entry: &Entry<'_>) -> Option<Vec<Weekday>> {
    let mut days = Vec::new();
    for item in entry.elements("a list of days")? {
        let text = item.text()?.value;
        let Some((_, day)) = DAYS.iter().find(|(word, _)| *word == text) else {
            let note = item.fault(format!("`{}` is not a day of the week", text.escape_debug()));
            let help = "write \"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\" or \"sun\"";
            return entry.refuse(note.label("not a day").help(help));
        };
        days.push(*day);
    }
    Some(days)
}

fn timezone(entry: &Entry<'_>) -> Option<TimeZone> {
    let text = entry.text()?.value;
    TimeZone::get(&text).ok().or_else(|| {
        let note = entry.fault(format!("there is no time zone `{}`", text.escape_debug()));
        entry.refuse(
            note.label("not known").help("write it as in the tz database: \"Europe/Berlin\""),
        )
    })
}

/// All of `[[maintenance]]`.
pub(super) fn maintenance(
    top: &Reader<'_>,
    environments: &BTreeMap<EnvironmentName, EnvironmentSettings>,
) -> Vec<Maintenance> {
    let mut all = Vec::new();
    for reader in top.tables("maintenance") {
        reader.require("name", "name = \"database upgrade\"");
        reader.require("from", "from = 2026-12-01T22:00:00Z");
        reader.require("to", "to = 2026-12-02T02:00:00Z");
        let name = reader.text("name");
        let places = reader.names("environments", NameOf::Thing).unwrap_or_default();
        for place in places.iter().filter(|place| !environments.contains_key(place.value.as_str()))
        {
            let note = Note::new(
                place.span.clone(),
                format!("no environment is called `{}`", place.value),
            );
            let advice = hint::advice(&place.value, environments.keys().map(|name| name.as_str()));
            reader.note(note.label("not known").maybe_help(advice).derived());
        }
        let services = reader.names("services", NameOf::Service).unwrap_or_default();
        let when = when(&reader);
        reader.finish();
        let (Some(name), Some(when)) = (name, when) else { continue };
        all.push(Maintenance {
            name: name.value,
            environments: places.into_iter().map(|place| place.value.into()).collect(),
            services: services.into_iter().map(|service| service.value.into()).collect(),
            when,
        });
    }
    all
}

/// Moments, or hours of days.
fn when(reader: &Reader<'_>) -> Option<MaintenanceTime> {
    let (from, to) = (reader.take("from"), reader.take("to"));
    let (days, timezone) = days_and_zone(reader);
    let (from, to) = (from?, to?);
    let is_moment = |entry: &Entry<'_>| {
        matches!(entry.value, DeValue::Datetime(_))
            || entry.is_text()
                && entry.json().is_some_and(|v| v.as_str().is_some_and(|t| t.len() > 5))
    };
    if !is_moment(&from) && !is_moment(&to) {
        let hours = Hours { from: time(&from)?, to: time(&to)?, days: days?, timezone: timezone? };
        return Some(MaintenanceTime::Weekly(hours));
    }
    let (start, end) = (moment(&from, timezone.clone()?)?, moment(&to, timezone?)?);
    if let Some(entry) = reader.take("days") {
        let note = Note::new(entry.key_span.clone(), "`days` go with hours, not with moments");
        reader.note(
            note.label("not here")
                .help("write `from` and `to` as hours, such as \"22:00\", for every week"),
        );
    }
    if end <= start {
        let note = to.fault("it ends before it begins");
        return to.refuse(note.label("not after `from`"));
    }
    Some(MaintenanceTime::Once { from: start, to: end })
}

/// A date with a time; without an offset it is one of `timezone`.
pub(super) fn moment(entry: &Entry<'_>, timezone: TimeZone) -> Option<Timestamp> {
    let text = match entry.value {
        DeValue::Datetime(date) => date.to_string(),
        _ => entry.text()?.value,
    };
    let exact = text.parse::<Timestamp>().ok();
    let local = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(timezone).ok();
    exact.or_else(|| local().map(|zoned| zoned.timestamp())).or_else(|| {
        let note =
            entry.fault(format!("`{}`: `{}` is not a moment", entry.key, text.escape_debug()));
        entry
            .refuse(note.label("not a date with a time").help("write it as `2026-12-01T22:00:00Z`"))
    })
}
