//! `[[freeze]]`: times in which nothing shall be deployed.

use std::collections::BTreeMap;

use jiff::civil::{Time, Weekday};
use toml::de::DeValue;

use super::hours;
use crate::{
    config::{hint, names::NameOf, page::Note, reader::Reader, value::Entry},
    model::{EnvironmentName, EnvironmentSettings, Freeze, FreezeTime, Hours},
};

/// The environments of a settings file.
pub(super) type Environments = BTreeMap<EnvironmentName, EnvironmentSettings>;

/// All of `[[freeze]]`.
pub(super) fn lower(top: &Reader<'_>, environments: &Environments) -> Vec<Freeze> {
    let mut all = Vec::new();
    for reader in top.tables("freeze") {
        reader.require("reason", "reason = \"the holidays\"");
        reader.require("from", "from = 2026-12-20T00:00:00Z");
        reader.require("to", "to = 2027-01-02T00:00:00Z");
        let reason = reader.text("reason");
        let environments = places(&reader, environments);
        let services = reader.names("services", NameOf::Service).unwrap_or_default();
        let when = when(&reader);
        reader.finish();
        let (Some(reason), Some(when)) = (reason, when) else { continue };
        all.push(Freeze {
            reason: reason.value,
            environments,
            services: services.into_iter().map(|service| service.value.into()).collect(),
            when,
        });
    }
    all
}

/// `environments` of a table: all of them must be known.
pub(super) fn places(reader: &Reader<'_>, environments: &Environments) -> Vec<EnvironmentName> {
    let places = reader.names("environments", NameOf::Thing).unwrap_or_default();
    for place in places.iter().filter(|place| !environments.contains_key(place.value.as_str())) {
        let note =
            Note::new(place.span.clone(), format!("no environment is called `{}`", place.value));
        let advice = hint::advice(&place.value, environments.keys().map(|name| name.as_str()));
        reader.note(note.label("not known").maybe_help(advice).derived());
    }
    places.into_iter().map(|place| place.value.into()).collect()
}

/// Moments, days of the week with times, or times of day.
fn when(reader: &Reader<'_>) -> Option<FreezeTime> {
    let (from, to) = (reader.take("from"), reader.take("to"));
    let has_days = reader.has("days");
    let (days, timezone) = hours::days_and_zone(reader);
    let (from, to) = (from?, to?);
    if let (Some(from), Some(to)) = (weekly(&from), weekly(&to)) {
        let (from, to) = (from?, to?);
        without_days(reader, has_days);
        return Some(FreezeTime::Weekly { from, to, timezone: timezone? });
    }
    if !is_moment(&from) && !is_moment(&to) {
        let (from, to) = (hours::time(&from)?, hours::time(&to)?);
        return Some(FreezeTime::Daily(Hours { from, to, days: days?, timezone: timezone? }));
    }
    let (start, end) = (hours::moment(&from, timezone.clone()?)?, hours::moment(&to, timezone?)?);
    without_days(reader, has_days);
    if end <= start {
        let note = to.fault("it ends before it begins");
        return to.refuse(note.label("not after `from`"));
    }
    Some(FreezeTime::Once { from: start, to: end })
}

fn without_days(reader: &Reader<'_>, has_days: bool) {
    if has_days {
        let note = reader.fault("`days` go with times of day only");
        reader
            .note(note.label("not here").help("write `from` and `to` as times, such as \"22:00\""));
    }
}

fn is_moment(entry: &Entry<'_>) -> bool {
    let long = |text: &str| text.len() > 5;
    matches!(entry.value, DeValue::Datetime(_)) || entry.value.as_str().is_some_and(long)
}

/// `fri 16:00`; none where it does not begin with a day of the week.
fn weekly(entry: &Entry<'_>) -> Option<Option<(Weekday, Time)>> {
    let text = entry.value.as_str()?;
    let (day, time) = text.trim().split_once(char::is_whitespace)?;
    let (_, day) = hours::DAYS.iter().find(|(word, _)| *word == day.to_lowercase())?;
    let parts = time.trim().split_once(':').filter(|(h, m)| h.len() == 2 && m.len() == 2);
    let time = parts.and_then(|(h, m)| Time::new(h.parse().ok()?, m.parse().ok()?, 0, 0).ok());
    if time.is_none() {
        let note = entry.fault(format!("`{}`: not a time of a week", entry.key));
        return Some(entry.refuse(note.label("no time").help("write it as \"fri 16:00\"")));
    }
    Some(time.map(|time| (*day, time)))
}
