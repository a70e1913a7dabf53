//! Rules that others use, each on the runs around one change and looked at after every run.
//!
//! Each gets the same runs as our own detector and says after how many runs since the change it would have alarmed first.

mod cusum;
mod hunter;
mod kayenta;
mod promql;
mod static_rule;

use wayfarer::model::Metric;

use crate::around::Around;

/// A rule: the number of runs after the change at which it alarms.
pub(crate) type Rule = fn(&Around, Metric) -> Option<u32>;

/// The rules and what they are called in the table.
pub(crate) const ALL: [(&str, Rule); 5] = [
    ("static", static_rule::alarms),
    ("PromQL", promql::alarms),
    ("Kayenta", kayenta::alarms),
    ("CUSUM", cusum::alarms),
    ("Otava", hunter::alarms),
];

pub(crate) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, n), x| (sum + x, n + 1.0));
    if count > 0.0 { sum / count } else { f64::NAN }
}

pub(crate) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
