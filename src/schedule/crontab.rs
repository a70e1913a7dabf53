//! Five fields as crontab(5) means them, turned into what the `cron` crate means.
//!
//! The crate counts weekdays from Sunday = 1, wants a field of seconds and takes both day fields together with "and";
//! crontab(5) counts from Sunday = 0 (or 7) and takes them with "or" where neither begins with a star. So the text is read
//! here, and the crate gets plain lists of numbers, twice where "or" is meant.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use cron::Schedule;

use super::ScheduleFault;

/// One field of a crontab line.
struct Field {
    name: &'static str,
    first: u32,
    last: u32,
    /// Names in order, the first of them meaning `first`.
    names: &'static [&'static str],
}

const MINUTE: Field = Field { name: "minute", first: 0, last: 59, names: &[] };
const HOUR: Field = Field { name: "hour", first: 0, last: 23, names: &[] };
const DAY: Field = Field { name: "day of the month", first: 1, last: 31, names: &[] };
const MONTH: Field = Field {
    name: "month",
    first: 1,
    last: 12,
    names: &[
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ],
};
const WEEKDAY: Field = Field {
    name: "weekday",
    first: 0,
    last: 7,
    names: &["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"],
};

/// The short forms of crontab(5); `@reboot` has no meaning for us.
const NICKNAMES: &[(&str, &str)] = &[
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// A crontab expression, ready to be asked for local times.
#[derive(Debug, Clone)]
pub(super) struct Crontab {
    /// The next time is the earliest that any of them has.
    either: Vec<Schedule>,
    /// Whether the hour field has a star or a step.
    rolling: bool,
}

impl Crontab {
    /// Reads an expression; one that never fires is a fault.
    pub(super) fn parse(text: &str) -> Result<Self, ScheduleFault> {
        let text = expand(text.trim())?;
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(wrong_count(fields.len()));
        };
        let minutes = MINUTE.read(minute)?;
        let hours = HOUR.read(hour)?;
        let days = DAY.read(day)?;
        let months = MONTH.read(month)?;
        let weekdays: Vec<u32> = WEEKDAY.read(weekday)?.into_iter().map(|d| d % 7 + 1).collect();
        let line = |days: &str, weekdays: &str| {
            let line = format!(
                "0 {} {} {days} {} {weekdays}",
                list(&minutes),
                list(&hours),
                list(&months)
            );
            Schedule::from_str(&line)
                .map_err(|fault| ScheduleFault::new(format!("not a cron expression: {fault}")))
        };
        let either = if day.starts_with('*') || weekday.starts_with('*') {
            vec![line(&list(&days), &list(&weekdays))?]
        } else {
            vec![line(&list(&days), "*")?, line("*", &list(&weekdays))?]
        };
        let crontab = Self { either, rolling: hour.contains(['*', '/']) };
        if crontab.next_local(0).is_none() {
            return Err(ScheduleFault::new(format!("`{text}` never fires"))
                .hint("no month it names has such a day"));
        }
        Ok(crontab)
    }

    /// Whether the hour field has a star or a step: then an hour that the clock repeats is walked both times.
    pub(super) fn is_rolling(&self) -> bool {
        self.rolling
    }

    /// The first local time after `local` that matches; both are seconds of a wall clock, counted as if it were UTC.
    /// None when there is no such time before the year 2101, where the crate's calendar ends.
    pub(super) fn next_local(&self, local: i64) -> Option<i64> {
        // The crate's calendar begins in 1970; a time before it would be read as a far future year.
        let after = DateTime::<Utc>::from_timestamp(local.max(-1), 0)?;
        self.either.iter().filter_map(|s| s.after(&after).next()).map(|at| at.timestamp()).min()
    }
}

/// Replaces a nickname by its five fields.
fn expand(text: &str) -> Result<&str, ScheduleFault> {
    if !text.starts_with('@') {
        return Ok(text);
    }
    let known = NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    known.map(|(_, line)| *line).ok_or_else(|| {
        let names: Vec<_> = NICKNAMES.iter().map(|(name, _)| *name).collect();
        ScheduleFault::new(format!("`{text}` is no schedule"))
            .hint(format!("write five fields or one of {}", names.join(", ")))
    })
}

fn wrong_count(count: usize) -> ScheduleFault {
    let fault = ScheduleFault::new(format!("a cron expression has five fields, this has {count}"));
    match count {
        6 | 7 => {
            fault.hint("leave out the seconds and the year; for less than a minute use `every`")
        }
        _ => fault.hint("minute, hour, day of the month, month, weekday"),
    }
}

/// Numbers as the crate reads them.
fn list(numbers: &[u32]) -> String {
    numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

impl Field {
    /// The numbers a field's text stands for, sorted, each once.
    fn read(&self, text: &str) -> Result<Vec<u32>, ScheduleFault> {
        let mut numbers = Vec::new();
        for item in text.split(',') {
            let (range, step) = match item.split_once('/') {
                Some((range, step)) => (range, Some(self.step(step, item)?)),
                None => (item, None),
            };
            let (first, last) = self.range(range, step.is_some())?;
            numbers.extend((first..=last).step_by(step.unwrap_or(1)));
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    fn range(&self, text: &str, stepped: bool) -> Result<(u32, u32), ScheduleFault> {
        if text == "*" {
            // Sunday is both 0 and 7: a star must not count it twice, or `*/2` would.
            return Ok((self.first, if self.last == 7 { 6 } else { self.last }));
        }
        let Some((first, last)) = text.split_once('-') else {
            let only = self.number(text)?;
            return Ok((only, if stepped { self.last } else { only }));
        };
        let (first, mut last) = (self.number(first)?, self.number(last)?);
        if self.last == 7 && last == 0 && first > 0 {
            last = 7;
        }
        if first > last {
            return Err(ScheduleFault::new(format!(
                "the {} range `{text}` runs backwards",
                self.name
            ))
            .hint(format!(
                "write two ranges: `{first}-{},{}-{last}`",
                if self.last == 7 { 6 } else { self.last },
                self.first
            )));
        }
        Ok((first, last))
    }

    fn step(&self, text: &str, item: &str) -> Result<usize, ScheduleFault> {
        let size = if self.last == 7 { 7 } else { self.last - self.first + 1 };
        match text.parse::<u32>() {
            Ok(step) if step > 0 && step <= size => Ok(usize::try_from(step).unwrap_or(1)),
            Ok(_) => Err(ScheduleFault::new(format!(
                "the step of `{item}` must be between 1 and {size}, the {} field has no more",
                self.name
            ))),
            Err(_) => Err(ScheduleFault::new(format!("the step of `{item}` is not a number"))),
        }
    }

    fn number(&self, text: &str) -> Result<u32, ScheduleFault> {
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().ok().filter(|n| (self.first..=self.last).contains(n)).ok_or_else(
                || {
                    ScheduleFault::new(format!("`{text}` is no {}", self.name))
                        .hint(format!("from {} to {}", self.first, self.last))
                },
            );
        }
        let lower = text.to_ascii_lowercase();
        let named =
            self.names.iter().zip(self.first..).find(|(name, _)| {
                **name == lower || (lower.len() == 3 && name.starts_with(&lower))
            });
        if let Some((_, number)) = named {
            return Ok(number);
        }
        let fault = ScheduleFault::new(format!("`{text}` is no {}", self.name));
        // The letters and signs of other schedulers.
        let foreign =
            text.contains(['?', '#']) || (self.names.is_empty() && text.contains(['L', 'W']));
        Err(if foreign {
            fault.hint("crontab knows `*`, numbers, names, ranges, lists and steps")
        } else {
            match self.names.iter().map(|name| &name[..3]).find(|n| one_slip_apart(n, &lower)) {
                Some(near) => fault.hint(format!("did you mean `{}`?", near.to_ascii_uppercase())),
                None => fault,
            }
        })
    }
}

/// Whether two short names are one slip of the fingers apart.
fn one_slip_apart(name: &str, word: &str) -> bool {
    strsim::damerau_levenshtein(name, word) == 1
}

#[cfg(test)]
mod tests;
