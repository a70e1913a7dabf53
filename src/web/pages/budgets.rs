//! `GET /budgets`: what every journey promises, how much may still fail, how fast that is spent, and by what.

mod section;

use axum::{
    extract::{OriginalUri, Query, State},
    response::Response,
};
use serde::Serialize;

pub(super) use self::section::{BudgetSection, MARKS, section};
use super::{
    filter::{Bar, Filter},
    shell::{Shell, page},
    words::{Badge, change_link, count, journey_link, span, what},
};
use crate::{
    daemon::{BudgetRow, Budgets},
    render::chart::short,
    slo::Cause,
    store::{Store, StoreError},
    web::{ApiError, router::Face, views::objective_state},
};

/// Objectives on one page.
const ON_A_PAGE: usize = 60;

#[derive(Debug, Serialize)]
struct BudgetsPage {
    shell: Shell,
    bar: Bar,
    headline: String,
    mood: &'static str,
    summary: String,
    rows: Vec<Row>,
    /// Whether nothing was counted yet.
    counting: bool,
    before: String,
    after: String,
    objectives: usize,
}

/// An objective in the list.
#[derive(Debug, Serialize)]
struct Row {
    badge: Badge,
    journey: String,
    environment: String,
    link: String,
    /// `99.9 % within 800 ms over 30 d`.
    promise: String,
    left: Left,
    burn: String,
    burn_class: &'static str,
    burn_window: String,
    bad: String,
    allowed: String,
    lasts: String,
    cause: String,
    cause_link: String,
    cause_share: String,
}

/// What is left of a budget, as a bar.
#[derive(Debug, Default, Serialize)]
pub(super) struct Left {
    /// `63 %`; empty where there is no objective.
    pub(super) text: String,
    /// Its width, in percent.
    pub(super) width: String,
    /// `plenty`, `little` or `nothing`.
    pub(super) class: &'static str,
}

/// The page.
pub(in crate::web) async fn budgets(
    State(face): State<Face>,
    OriginalUri(uri): OriginalUri,
    Query(filter): Query<Filter>,
) -> Result<Response, ApiError> {
    let (setup, all) = (face.handle.setup(), face.handle.budgets());
    let wanted = |row: &&BudgetRow| {
        let journey = setup.journeys.get(&row.series.journey);
        filter.wants_environment(row.series.environment.as_str())
            && journey.is_some_and(|s| filter.wants_journey(&setup, &s.journey))
    };
    let mut rows: Vec<&BudgetRow> = all.rows.iter().filter(wanted).collect();
    rows.sort_by(|a, b| order(a).total_cmp(&order(b)).then_with(|| a.series.cmp(&b.series)));
    let objectives = rows.len();
    let number = filter.page.clamp(1, objectives.div_ceil(ON_A_PAGE).max(1));
    let (headline, mood) = headline(&rows, &all);
    let without = setup.journeys.values().filter(|s| s.journey.slo.is_none()).count();
    let summary = match without {
        0 => count(objectives, "objective", "objectives"),
        n => format!(
            "{}; {} without one",
            count(objectives, "objective", "objectives"),
            count(n, "journey", "journeys")
        ),
    };
    let mut shown = Vec::new();
    for row in rows.into_iter().skip((number - 1) * ON_A_PAGE).take(ON_A_PAGE) {
        shown.push(self::row(face.handle.store(), row, face.handle.now()).await?);
    }
    let link = |page| filter.query(filter.view(), page);
    let data = BudgetsPage {
        shell: Shell::new(&face, &uri, "budgets", "Error budgets").live(),
        bar: filter.bar(&setup),
        headline,
        mood,
        summary,
        rows: shown,
        counting: all.at.is_none(),
        before: if number > 1 { link(number - 1) } else { String::new() },
        after: if number * ON_A_PAGE < objectives { link(number + 1) } else { String::new() },
        objectives,
    };
    page(&face, "budgets", data).await
}

/// What comes first: what has least left, what burns before what does not.
fn order(row: &BudgetRow) -> f64 {
    let burning = match objective_state(row) {
        "fast" => -2.0,
        "slow" => -0.5,
        "waiting" => 2.0,
        _ => 0.0,
    };
    row.standing.budget.left().max(-1e6) + burning
}

fn headline(rows: &[&BudgetRow], all: &Budgets) -> (String, &'static str) {
    let of = |state: &str| rows.iter().filter(|row| objective_state(row) == state).count();
    let (fast, slow, spent) = (of("fast"), of("slow"), of("spent"));
    let budgets = |n: usize| count(n, "error budget", "error budgets");
    if rows.is_empty() {
        let words = if all.at.is_none() { "The runs are being counted" } else { "No objective" };
        return (words.to_owned(), "calm");
    }
    match (fast, spent, slow) {
        (0, 0, 0) if rows.iter().all(|row| row.since.is_none()) => {
            ("Waiting for the first runs".to_owned(), "calm")
        }
        (0, 0, 0) => ("Every objective is kept".to_owned(), "good"),
        (0, 0, n) => {
            (format!("{} {} slowly", budgets(n), if n == 1 { "leaks" } else { "leak" }), "bad")
        }
        (0, n, _) => (format!("{} {} spent", budgets(n), if n == 1 { "is" } else { "are" }), "bad"),
        (n, 0, _) => {
            (format!("{} {} fast", budgets(n), if n == 1 { "burns" } else { "burn" }), "bad")
        }
        (n, gone, _) => (
            format!(
                "{} {} fast, {gone} {} spent",
                budgets(n),
                if n == 1 { "burns" } else { "burn" },
                if gone == 1 { "is" } else { "are" }
            ),
            "bad",
        ),
    }
}

async fn row(store: &Store, row: &BudgetRow, now: jiff::Timestamp) -> Result<Row, StoreError> {
    let (series, standing) = (&row.series, &row.standing);
    let budget = &standing.budget;
    let mut cause = (String::new(), String::new(), String::new());
    if let Some(spent) = row.spending.causes.first() {
        cause.2 = share(spent.share);
        match &spent.cause {
            Cause::Change(id) => {
                let change = store.change(id).await?;
                cause.0 = change.map_or_else(|| id.to_string(), |change| what(&change));
                cause.1 = change_link(id.as_str());
            }
            Cause::Unexplained => "trouble without a change".clone_into(&mut cause.0),
        }
    }
    let lasts = match standing.ends_at {
        _ if budget.is_spent() => "spent".to_owned(),
        Some(end) => span(end.duration_since(now).as_secs_f64()),
        None if row.since.is_none() => String::new(),
        None => "lasts".to_owned(),
    };
    Ok(Row {
        badge: badge(row),
        journey: series.journey.to_string(),
        environment: series.environment.to_string(),
        link: journey_link(
            series.journey.as_str(),
            series.environment.as_str(),
            Some(series.location.as_str()),
        ) + "#budget",
        promise: promise(row),
        left: left(Some(row)),
        burn: standing.present.map_or_else(|| "–".to_owned(), |burn| rate(burn.rate)),
        burn_class: standing
            .present
            .map_or("", |burn| if burn.rate > 1.0 { "bad-text" } else { "" }),
        burn_window: standing
            .present
            .map_or_else(String::new, |burn| span(burn.window.as_secs_f64())),
        bad: amount(budget.bad),
        allowed: amount(budget.allowed),
        lasts,
        cause: cause.0,
        cause_link: cause.1,
        cause_share: cause.2,
    })
}

/// How an objective stands.
pub(super) fn badge(row: &BudgetRow) -> Badge {
    let (class, sign, word) = match objective_state(row) {
        "fast" => ("regressed", "▲", "burns fast"),
        "slow" => ("suspected", "▲", "leaks"),
        "spent" => ("regressed", "✕", "spent"),
        "waiting" => ("waiting", "○", "waiting"),
        _ => ("passed", "✓", "kept"),
    };
    Badge { class: class.to_owned(), sign, word: word.to_owned() }
}

/// What is left of a budget, if there is one.
pub(super) fn left(row: Option<&BudgetRow>) -> Left {
    let Some(row) = row.filter(|row| row.since.is_some()) else { return Left::default() };
    let left = row.standing.budget.left();
    Left {
        text: share(left),
        width: short((left * 100.0).clamp(0.0, 100.0)),
        class: match left {
            l if l <= 0.0 => "nothing",
            l if l < 0.25 => "little",
            _ => "plenty",
        },
    }
}

/// `99.9 % within 800 ms over 30 d`.
pub(super) fn promise(row: &BudgetRow) -> String {
    let within = row.slo.latency.map_or_else(String::new, |limit| {
        format!(" within {}", super::words::ms(limit.as_secs_f64() * 1000.0))
    });
    let over = span(row.slo.window.as_secs_f64());
    format!("{} %{within} over {over}", row.slo.objective_percent)
}

/// A share, never rounded up: 99.96 % is not all of it.
pub(super) fn share(value: f64) -> String {
    match value {
        v if !v.is_finite() => "more than all".to_owned(),
        v if v < -9.995 => format!("−{:.0}×", -v),
        v if v < 0.0 => format!("−{:.0} %", (-v * 100.0).ceil()),
        v if v >= 1.0 => format!("{:.0} %", (v * 100.0).floor()),
        v if v >= 0.1 => format!("{:.0} %", (v * 100.0).floor()),
        0.0 => "0 %".to_owned(),
        v => format!("{:.1} %", (v * 1000.0).floor() / 10.0),
    }
}

/// A burn rate: `0.4×`, `14×`.
pub(super) fn rate(value: f64) -> String {
    match value {
        v if !v.is_finite() => "∞".to_owned(),
        v if v >= 10.0 => format!("{v:.0}×"),
        v => format!("{}×", short((v * 10.0).round() / 10.0)),
    }
}

/// Weighed runs: whole where they are.
pub(super) fn amount(runs: f64) -> String {
    if runs >= 100.0 { format!("{runs:.0}") } else { short((runs * 10.0).round() / 10.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_rates_are_short_and_never_flattering() {
        for (value, text) in [
            (1.0, "100 %"),
            (0.999, "99 %"),
            (0.05, "5.0 %"),
            (0.0, "0 %"),
            (-0.001, "−1 %"),
            (-2.5, "−250 %"),
            (-22.1, "−22×"),
            (f64::NEG_INFINITY, "more than all"),
        ] {
            assert_eq!(share(value), text, "{value}");
        }
        for (value, text) in [(0.0, "0×"), (0.44, "0.4×"), (14.4, "14×"), (f64::INFINITY, "∞")]
        {
            assert_eq!(rate(value), text);
        }
        assert_eq!(
            (amount(43.2), amount(432.4), amount(3.0)),
            ("43.2".into(), "432".into(), "3".into())
        );
    }
}
