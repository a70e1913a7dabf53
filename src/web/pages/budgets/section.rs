//! The error budget of one journey, on its page.

use jiff::Timestamp;
use serde::Serialize;

use super::{Left, amount, badge, left, promise, rate, share};
use crate::{
    daemon::BudgetRow,
    render::chart::{Chart, Column, Mark, Shape, Window, YTick, short},
    slo::{Cause, LEAST_BAD, Urgency, name_of, pairs},
    store::{Store, StoreError},
    web::pages::words::{Badge, When, change_link, span, what},
};

/// Height of the chart.
const HEIGHT: u32 = 120;
/// Bad runs so near to each other, in percent of the width, are one stretch.
const NARROW: f64 = 0.3;
/// Changes that are marked on the chart.
pub(in crate::web::pages) const MARKS: usize = 60;
/// Causes that are listed.
const CAUSES: usize = 8;

/// Everything that is told of it.
#[derive(Debug, Serialize)]
pub(in crate::web::pages) struct BudgetSection {
    badge: Badge,
    promise: String,
    left: Left,
    bad: String,
    allowed: String,
    failed: String,
    slow: String,
    unknown: String,
    /// How much of the window lay in maintenance; empty where nothing did.
    maintained: String,
    burn: String,
    burn_window: String,
    /// `in 5 h`; empty where it lasts.
    ends: String,
    spent: bool,
    chart: Chart,
    pairs: Vec<PairRow>,
    least: String,
    causes: Vec<CauseRow>,
    from: When,
}

/// A pair of spans.
#[derive(Debug, Serialize)]
struct PairRow {
    badge: Badge,
    long: String,
    short: String,
    long_rate: String,
    short_rate: String,
    factor: String,
}

/// What spent it.
#[derive(Debug, Serialize)]
struct CauseRow {
    words: String,
    link: String,
    bad: String,
    share: Left,
}

/// The section of a series; `marks`: changes, by their places in the window of the objective.
pub(in crate::web::pages) async fn section(
    store: &Store,
    row: &BudgetRow,
    now: Timestamp,
    marks: impl Fn(&Window) -> Vec<Mark>,
) -> Result<BudgetSection, StoreError> {
    let budget = &row.standing.budget;
    let begin = now.checked_sub(row.slo.window).unwrap_or(now);
    let from = row.since.filter(|since| *since > begin).unwrap_or(begin);
    let window = Window { from, to: now };
    Ok(BudgetSection {
        badge: badge(row),
        promise: promise(row),
        left: left(Some(row)),
        bad: amount(budget.bad),
        allowed: amount(budget.allowed),
        failed: amount((budget.bad - budget.slow).max(0.0)),
        slow: amount(budget.slow),
        unknown: amount(budget.unknown),
        maintained: if row.maintained.is_zero() {
            String::new()
        } else {
            span(row.maintained.as_secs_f64())
        },
        burn: row.standing.present.map_or_else(|| "–".to_owned(), |burn| rate(burn.rate)),
        burn_window: row
            .standing
            .present
            .map_or_else(String::new, |burn| span(burn.window.as_secs_f64())),
        ends: row
            .standing
            .ends_at
            .map_or_else(String::new, |end| span(end.duration_since(now).as_secs_f64())),
        spent: budget.is_spent(),
        chart: chart(row, &window, marks(&window)),
        pairs: pair_rows(row),
        least: amount(LEAST_BAD),
        causes: causes(store, row).await?,
        from: When::minute(from),
    })
}

fn pair_rows(row: &BudgetRow) -> Vec<PairRow> {
    let allowed = 1.0 - row.slo.objective_percent / 100.0;
    let of = |pair: &crate::slo::Pair| {
        let rates = [pair.long, pair.short].map(|w| row.standing.rate(w).unwrap_or(0.0));
        let limit = pair.threshold(allowed) / allowed.max(1e-12);
        let over = rates.iter().all(|rate| *rate > limit);
        let (class, sign, word) = match (over, pair.urgency) {
            (true, Urgency::Page) => ("regressed", "▲", "fast"),
            (true, Urgency::Ticket) => ("suspected", "▲", "slow leak"),
            _ => ("passed", "✓", "below"),
        };
        PairRow {
            badge: Badge { class: class.to_owned(), sign, word: word.to_owned() },
            long: name_of(pair.long),
            short: name_of(pair.short),
            long_rate: rate(rates[0]),
            short_rate: rate(rates[1]),
            factor: format!("{}×", short((limit * 10.0).round() / 10.0)),
        }
    };
    pairs(row.slo.window).iter().map(of).collect()
}

async fn causes(store: &Store, row: &BudgetRow) -> Result<Vec<CauseRow>, StoreError> {
    let bar = |part: f64| Left {
        text: share(part),
        width: short((part * 100.0).clamp(0.0, 100.0)),
        class: "part",
    };
    let mut rows = Vec::new();
    for spent in row.spending.causes.iter().take(CAUSES) {
        let (words, link) = match &spent.cause {
            Cause::Change(id) => {
                let change = store.change(id).await?;
                let words = change.map_or_else(
                    || id.to_string(),
                    |change| format!("{} of {}", change.kind, what(&change)),
                );
                (words, change_link(id.as_str()))
            }
            Cause::Unexplained => ("trouble that no change explains".to_owned(), String::new()),
        };
        rows.push(CauseRow { words, link, bad: amount(spent.bad), share: bar(spent.share) });
    }
    if row.spending.usual > 0.05 {
        rows.push(CauseRow {
            words: "single bad runs, now and then".to_owned(),
            link: String::new(),
            bad: amount(row.spending.usual),
            share: bar(row.spending.usual_share),
        });
    }
    Ok(rows)
}

/// Where runs were bad: since when, between which places (in percent), and how many. Neighbours are put together, so that a journey that is bad all
/// the time makes no longer a page.
fn stretches(row: &BudgetRow, window: &Window) -> Vec<(Timestamp, (f64, f64), f64)> {
    let mut all: Vec<(Timestamp, (f64, f64), f64)> = Vec::new();
    for slice in row.ledger.slices().iter().filter(|s| s.bad > 0.0 && s.end() > window.from) {
        let bad = slice.bad * slice.share_in(window.from, window.to);
        let (x, end) = (window.place(slice.at).max(0.0), window.place(slice.end()).min(100.0));
        match all.last_mut().filter(|last| end - last.1.0 <= NARROW) {
            Some(last) => {
                last.1.1 = end;
                last.2 += bad;
            }
            None => all.push((slice.at, (x, end), bad)),
        }
    }
    all
}

/// What was left of the budget of this window, from all of it down to now.
fn chart(row: &BudgetRow, window: &Window, marks: Vec<Mark>) -> Chart {
    let allowed = row.standing.budget.allowed.max(1e-9);
    let mut spent = 0.0;
    let mut steps: Vec<(f64, f64)> = vec![(0.0, 1.0)];
    let mut columns = Vec::new();
    for (at, (x, end), bad) in stretches(row, window) {
        spent += bad / allowed;
        steps.push((x, steps.last().map_or(1.0, |s| s.1)));
        steps.push((end, 1.0 - spent));
        columns.push(Column {
            x: short(x),
            w: short((end - x).max(0.35)),
            text: format!(
                "{} bad runs\n{} of the budget left after them",
                amount(bad),
                share(1.0 - spent)
            ),
            at: at.to_string(),
        });
    }
    steps.push((100.0, steps.last().map_or(1.0, |s| s.1)));
    // Far below nothing there is nothing to read off.
    let low = steps.iter().map(|s| s.1).fold(0.0_f64, f64::min).max(-2.0);
    let low = if low < 0.0 { (low * 2.0).floor() / 2.0 } else { 0.0 };
    let height = f64::from(HEIGHT);
    let down = |value: f64| height * (1.0 - (value.max(low) - low) / (1.0 - low));
    let mut line = String::new();
    for (n, (x, value)) in steps.iter().enumerate() {
        let letter = if n == 0 { 'M' } else { 'L' };
        line += &format!("{letter}{} {}", short(10.0 * x), short(down(*value)));
    }
    let area = format!("{line}L1000 {z}L0 {z}Z", z = short(down(0.0)));
    let ticks: &[f64] = if low < -1.0 {
        &[1.0, 0.0, -1.0, -2.0]
    } else if low < 0.0 {
        &[1.0, 0.0, -1.0]
    } else {
        &[1.0, 0.5, 0.0]
    };
    let y = ticks.iter().filter(|v| **v >= low).map(|value| YTick {
        y: short(down(*value)),
        label: format!("{:.0} %", value * 100.0).replace('-', "−"),
    });
    Chart {
        label: "how much of the error budget was left".to_owned(),
        height: HEIGHT,
        whole: HEIGHT + 24,
        y: y.collect(),
        x: window.ticks(),
        shapes: vec![Shape { class: "band", d: area }, Shape { class: "median", d: line }],
        marks,
        columns,
        ..Chart::default()
    }
}
