//! Whether people are to be told that a budget burns: the Workbook's pairs, kept calm where runs are few.
//!
//! Four things are added to the Workbook's rule. **At least three bad runs** ([`LEAST_BAD`]) must lie in the long span. A prober walks a journey
//! some sixty times an hour at most: one bad run among sixty is 1.7%, a burn rate of 17 by an objective of 99.9%, and would page every time. A
//! journey that keeps exactly such an objective has two bad runs in an hour by chance once in three weeks, three once in three years.
//! In a short span of ten runs or more two must be bad: a single one does not show that it still goes on.
//! **The long span counts what was due**, known or not: it says how much of the budget is spent, and an agent of ten minutes with ten bad runs in
//! two hundred has not spent what a day of them does. The short one counts what is known. **It ends later than it begins**: only once the long
//! span, or the longest short one of the same urgency (half an hour for a page, six hours for a ticket), is below half of the factor. A short span
//! holds five runs: one lucky one in five would end and begin it again and again. **A page leaves no ticket behind**: what was told as a page is
//! not counted for a ticket again, though it lies in its spans for days.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Ledger, Standing,
    budget::allowed,
    burn::burn,
    windows::{Pair, Urgency, name_of, pairs},
};
use crate::model::Slo;

/// So many bad runs at least must lie in the long span of a pair.
pub const LEAST_BAD: f64 = 3.0;
/// Where so many runs are due in the short span, [`STILL_BAD`] of them must be bad.
const MANY: f64 = 10.0;
/// One alone does not show that it still goes on.
const STILL_BAD: f64 = 2.0;
/// Sums of weighed runs are not exact.
const NEARLY: f64 = 1e-6;
/// It is over below this share of the factor.
const OVER: f64 = 0.5;

/// What the pairs of one urgency say.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// Which.
    pub urgency: Urgency,
    /// A pair holds: people are to be told, unless they were.
    pub fires: bool,
    /// It no longer goes on: what was told has ended.
    pub over: bool,
    /// The first span with a bad run that is counted.
    pub began_at: Option<Timestamp>,
    /// In words.
    pub summary: String,
}

/// What the pairs say now, pages first. `paged_until`: when the last page ended; what was bad before it makes no ticket.
pub fn signals(
    slo: &Slo,
    ledger: &Ledger,
    standing: &Standing,
    paged_until: Option<Timestamp>,
    now: Timestamp,
) -> [Signal; 2] {
    Urgency::ALL.map(|urgency| {
        let since = paged_until.filter(|_| urgency == Urgency::Ticket);
        signal(slo, ledger, standing, (urgency, since), now)
    })
}

fn signal(
    slo: &Slo,
    ledger: &Ledger,
    standing: &Standing,
    (urgency, since): (Urgency, Option<Timestamp>),
    now: Timestamp,
) -> Signal {
    let own: Vec<Pair> = pairs(slo.window).into_iter().filter(|p| p.urgency == urgency).collect();
    let budget = allowed(slo);
    let back = |span: Duration| now.checked_sub(span).unwrap_or(Timestamp::UNIX_EPOCH);
    // Shares of bad runs; those of before `since` are told already.
    let bad = |span: Duration| {
        let from = since.map_or(back(span), |since| back(span).max(since));
        ledger.sum(from.min(now), now).bad
    };
    let of = |bad: f64, runs: f64| if runs > 0.0 { bad / runs } else { 0.0 };
    let short_share = |span: Duration| of(bad(span), burn(slo, ledger, span, now).known);
    let long_share = |span: Duration| {
        let sum = ledger.sum(back(span), now);
        of(bad(span), sum.due.max(sum.good + sum.bad))
    };
    let holds = |pair: &&Pair| {
        let limit = pair.threshold(budget);
        let few = ledger.sum(back(pair.short), now).due < MANY;
        bad(pair.long) + NEARLY >= LEAST_BAD
            && (few || bad(pair.short) + NEARLY >= STILL_BAD)
            && long_share(pair.long) > limit
            && short_share(pair.short) > limit
    };
    let slowest = own.iter().map(|pair| pair.short).max().unwrap_or_default();
    // Where nobody has looked of late nobody knows that it is over.
    let unseen = burn(slo, ledger, slowest, now).known <= 0.0;
    let goes_on = |pair: &Pair| {
        let limit = OVER * pair.threshold(budget);
        long_share(pair.long) > limit && (unseen || short_share(slowest) > limit)
    };
    let held = own.iter().find(holds);
    let longest = held.or(own.last()).map_or(slowest, |pair| pair.long);
    let begun = since.map_or(back(longest), |since| back(longest).max(since));
    let mut bad = ledger.slices().iter().filter(|s| s.bad > 0.0 && s.end() > begun);
    Signal {
        urgency,
        fires: held.is_some(),
        over: !own.iter().any(goes_on),
        began_at: bad.next().map(|slice| slice.at.max(begun)),
        summary: sentence(slo, standing, held.copied(), now),
    }
}

/// Why, with the figures.
fn sentence(slo: &Slo, standing: &Standing, held: Option<Pair>, now: Timestamp) -> String {
    let figures = |span: Duration| standing.burns.iter().find(|burn| burn.window == span);
    let [first, ..] = pairs(slo.window);
    let pair = held.unwrap_or(first);
    let burn = figures(pair.long).map_or_else(String::new, |burn| {
        format!(
            "{} of {} runs in {} were bad, {} times as many as the objective of {}% allows",
            runs(burn.bad),
            runs(burn.known),
            in_words(pair.long),
            times(burn.rate),
            slo.objective_percent
        )
    });
    let budget = &standing.budget;
    let days = in_words(budget.window);
    let left = match budget.left() {
        left if left <= 0.0 => format!("the error budget of {days} is spent"),
        left => format!("{:.0}% of the error budget of {days} is left", (left * 100.0).floor()),
    };
    let end = standing.ends_at.map_or_else(String::new, |end| {
        format!(", for {} at this rate", in_words(end.duration_since(now).unsigned_abs()))
    });
    format!("{burn}; {left}{end}")
}

fn runs(count: f64) -> String {
    let text = if count >= 10.0 { format!("{count:.0}") } else { format!("{count:.1}") };
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

fn times(rate: f64) -> String {
    match rate {
        r if !r.is_finite() => "without end".to_owned(),
        r if r >= 10.0 => format!("{r:.0}"),
        r => format!("{r:.1}"),
    }
}

/// A span for people.
fn in_words(span: Duration) -> String {
    match span.as_secs() {
        s if s < 5400 => format!("{} min", s.div_ceil(60)),
        s if s < 48 * 3600 => format!("{} h", (s as f64 / 3600.0).round()),
        s => format!("{} days", (s as f64 / 86_400.0).round()),
    }
}

/// A pair for people: `1h/5m above 14.4`.
impl std::fmt::Display for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{} above {}", name_of(self.long), name_of(self.short), self.factor)
    }
}

#[cfg(test)]
mod tests;
