//! A journey in an environment as a row: how it stands, a small chart, and figures.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{
    daemon::Setup,
    model::{Finding, FindingKind, Outcome, Run, RunId, SeriesKey},
    render::{
        chart::{Window, short, sign},
        felt,
    },
    store::{Band, Store, StoreError},
    web::{
        figures::{gathered, step, sum},
        pages::{
            budgets::Left,
            changes::ChangeRow,
            filter::Filter,
            words::{Badge, When, journey_link, maybe_ms, percent, span},
        },
    },
};

/// The journeys of one environment.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    /// Its name.
    pub(super) environment: String,
    /// Its journeys.
    pub(super) rows: Vec<JourneyRow>,
}

/// A journey in an environment, ready to be read.
#[derive(Debug, Serialize)]
pub(super) struct JourneyRow {
    /// For the script to find it again.
    id: String,
    name: String,
    link: String,
    owner: String,
    /// From where, where it is walked from several places.
    location: String,
    badge: Badge,
    /// How the last run felt in a browser.
    felt: String,
    spark: Spark,
    success: String,
    p50: String,
    p95: String,
    /// Against the span before: `12 % slower`; empty where there is nothing to compare.
    trend: String,
    trend_class: &'static str,
    /// What is left of its error budget.
    pub(super) left: Left,
    runs: u64,
    last: Option<When>,
    last_link: String,
}

/// A chart as small as a word, in a box 480 by 28.
#[derive(Debug, Default, Serialize)]
pub(super) struct Spark {
    /// The medians, as SVG path data.
    line: String,
    /// Where runs failed.
    fails: String,
    /// Changes: a path for each sort of verdict.
    marks: Vec<(String, String)>,
    /// For those who cannot see it.
    label: String,
}

/// A journey before its figures are read: enough to say which come first.
#[derive(Debug)]
pub(super) struct Named {
    series: SeriesKey,
    owner: String,
    state: &'static str,
    felt: String,
    last: Option<(Timestamp, RunId)>,
}

/// States, the one that needs most attention first.
const STATES: [&str; 10] = [
    "regressed",
    "failed",
    "budget_fast",
    "suspected",
    "unexplained",
    "budget_slow",
    "broken",
    "late",
    "waiting",
    "passed",
];

impl Named {
    /// What comes first: trouble, then by name.
    pub(super) fn order(&self) -> (usize, &SeriesKey) {
        (STATES.iter().position(|s| *s == self.state).unwrap_or(STATES.len()), &self.series)
    }

    /// Whether its last run failed.
    pub(super) fn is_failing(&self) -> bool {
        self.state == "failed"
    }

    /// Whether it was never walked.
    pub(super) fn is_waiting(&self) -> bool {
        self.state == "waiting"
    }
}

/// Every journey of the reader in every environment and from every location it was walked from.
pub(super) fn named(
    setup: &Setup,
    filter: &Filter,
    latest: &[Run],
    findings: &[Finding],
    now: Timestamp,
) -> Vec<Named> {
    let mut all = Vec::new();
    for scheduled in setup.journeys.values() {
        let journey = &scheduled.journey;
        if !filter.wants_journey(setup, journey) {
            continue;
        }
        let places = journey.environments.iter().filter(|e| filter.wants_environment(e.as_str()));
        for environment in places {
            let here = |run: &&Run| run.journey == journey.name && run.environment == *environment;
            let mut runs: Vec<Option<&Run>> = latest.iter().filter(here).map(Some).collect();
            if runs.is_empty() {
                runs.push(None);
            }
            let pace = scheduled.plan.interval(now);
            for run in runs {
                let location = run.map_or_else(
                    || setup.settings.agent.location.clone(),
                    |run| run.location.clone(),
                );
                let series = SeriesKey {
                    journey: journey.name.clone(),
                    environment: environment.clone(),
                    location,
                };
                all.push(Named {
                    state: state(&series, run, findings, (pace, now)),
                    owner: journey.owner.clone().unwrap_or_default(),
                    felt: run.map(told).unwrap_or_default(),
                    last: run.map(|run| (run.started_at, run.id)),
                    series,
                });
            }
        }
    }
    all
}

/// How it stands: by what is open, by its last run, or by its having stopped.
fn state(
    series: &SeriesKey,
    last: Option<&Run>,
    findings: &[Finding],
    (pace, now): (Duration, Timestamp),
) -> &'static str {
    let of = findings.iter().filter(|f| {
        (&f.journey, &f.environment, &f.location)
            == (&series.journey, &series.environment, &series.location)
    });
    let worst = of.map(|f| f.kind).min_by_key(|kind| match kind {
        FindingKind::Regressed => 0,
        FindingKind::BudgetFast => 1,
        FindingKind::Suspected => 2,
        FindingKind::Unexplained | FindingKind::Pipeline => 3,
        FindingKind::BudgetSlow => 4,
    });
    let Some(run) = last else { return "waiting" };
    match (worst, &run.outcome) {
        (Some(FindingKind::Regressed), _) => "regressed",
        (_, Outcome::Failed(_)) => "failed",
        (Some(kind), _) => kind.as_str(),
        (None, Outcome::Broken { .. }) => "broken",
        (None, Outcome::Passed) => {
            let patience = pace.saturating_mul(3).max(Duration::from_secs(60)) + run.duration;
            let patience = SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX);
            let late = now.duration_since(run.started_at) > patience;
            if late { "late" } else { "passed" }
        }
    }
}

/// What a browser's pages felt like, and what was measured, in a line.
fn told(run: &Run) -> String {
    run.steps.iter().filter_map(felt).next_back().unwrap_or_default()
}

/// Rows, and how their span is called.
pub(super) struct Rows {
    /// `last 24 hours`.
    pub(super) span: String,
    /// The span itself.
    pub(super) window: Window,
    /// The rows, in their order.
    pub(super) rows: Vec<(SeriesKey, JourneyRow)>,
}

/// The figures of these journeys over a window; over what there is, where that is less.
pub(super) async fn rows(
    store: &Store,
    named: Vec<Named>,
    window: Window,
    changes: &[(Timestamp, ChangeRow)],
    trends: bool,
) -> Result<Rows, StoreError> {
    let keys: Vec<SeriesKey> = named.iter().map(|n| n.series.clone()).collect();
    let length = Duration::from_secs_f64(window.seconds());
    let step = step(&window, 96);
    let mut bands = store.bands(keys.clone(), (window.from, window.to), (step, window.to)).await?;
    let mut window = window;
    let first = bands.iter().filter_map(|b| b.first()).map(|b| b.at).min();
    let young =
        first.filter(|first| window.to.duration_since(*first) < SignedDuration::from_hours(2));
    let mut begun = None;
    if let Some(first) = young {
        // So few that the runs themselves say more than five minutes of them together.
        bands.clear();
        let mut all = Vec::new();
        for key in &keys {
            all.push(store.points(key, (first, window.to), 1500).await?);
        }
        begun = all.iter().filter_map(|points| points.first()).map(|p| p.probe.at).min();
        window.from = begun.unwrap_or(first);
        let each = Duration::from_secs_f64((window.seconds() / 96.0).max(1.0));
        bands.extend(all.iter().map(|points| gathered(points, each)));
    }
    let before = if trends && young.is_none() {
        let from = window.from.checked_sub(SignedDuration::try_from(length).unwrap_or_default());
        store.sums(keys, (from.unwrap_or(window.from), window.from), window.to).await?
    } else {
        Vec::new()
    };
    let called = if begun.is_some() {
        format!("last {}", span(window.seconds()))
    } else if length > Duration::from_secs(86_400) {
        "last 7 days".to_owned()
    } else {
        "last 24 hours".to_owned()
    };
    let mut rows = Vec::new();
    for (at, one) in named.into_iter().enumerate() {
        let own = bands.get(at).map(Vec::as_slice).unwrap_or_default();
        let earlier = before.get(at);
        rows.push((one.series.clone(), row(one, own, earlier, (&window, changes))));
    }
    Ok(Rows { span: called, window, rows })
}

fn row(
    named: Named,
    bands: &[Band],
    before: Option<&Band>,
    (window, changes): (&Window, &[(Timestamp, ChangeRow)]),
) -> JourneyRow {
    let all = sum(bands);
    let quantiles = all.latency.quantiles_ms([0.5, 0.95]);
    let (trend, trend_class) = trend(&all, before);
    let SeriesKey { journey, environment, location } = &named.series;
    let badge = match named.state {
        "late" => Badge {
            class: "broken".to_owned(),
            sign: sign("broken"),
            word: "not walked".to_owned(),
        },
        state => Badge::of(state),
    };
    let marks = changes.iter().filter(|(at, change)| {
        let here =
            change.place.is_empty() || change.place.split(", ").any(|p| p == environment.as_str());
        here && window.holds(*at)
    });
    JourneyRow {
        id: format!("{journey}|{environment}|{location}"),
        name: journey.to_string(),
        link: journey_link(journey.as_str(), environment.as_str(), Some(location.as_str())),
        owner: named.owner,
        location: location.to_string(),
        badge,
        felt: named.felt,
        spark: Spark {
            marks: lines(
                marks.map(|(at, change)| (window.place(*at), change.badge.class.as_str())),
            ),
            ..spark(window, bands)
        },
        success: percent(all.passed, all.passed + all.failed),
        p50: maybe_ms(quantiles.map(|q| q[0])),
        p95: maybe_ms(quantiles.map(|q| q[1])),
        trend,
        trend_class,
        left: Left::default(),
        runs: all.passed + all.failed + all.broken,
        last_link: named.last.map(|(_, id)| format!("runs/{id}")).unwrap_or_default(),
        last: named.last.map(|(at, _)| When::time(at)),
    }
}

/// Upright lines at these places (in percent), those of one class in one path: of a hundred changes each row would else be as long as a page.
fn lines<'a>(marks: impl Iterator<Item = (f64, &'a str)>) -> Vec<(String, String)> {
    let mut paths: Vec<(String, String)> = Vec::new();
    for (place, class) in marks {
        let line = format!("M{} 0v28", short((4.8 * place).round()));
        match paths.iter_mut().find(|(_, known)| known == class) {
            // Two that would be drawn over each other are one.
            Some((path, _)) if path.ends_with(&line) => {}
            Some((path, _)) => *path += &line,
            None => paths.push((line, class.to_owned())),
        }
    }
    paths
}

/// How the median moved against the span before: only what a person would notice is said.
fn trend(all: &Band, before: Option<&Band>) -> (String, &'static str) {
    let median = |band: &Band| band.latency.quantiles_ms([0.5]).map(|[p50]| p50);
    let (Some(now), Some(then)) = (median(all), before.and_then(median)) else {
        return (String::new(), "");
    };
    let moved = 100.0 * (now / then.max(1e-9) - 1.0);
    match moved {
        m if m >= 5.0 => (format!("▲ {m:.0} % slower"), "bad-text"),
        m if m <= -5.0 => (format!("▼ {:.0} % faster", -m), "good-text"),
        _ => ("as before".to_owned(), "quiet"),
    }
}

/// The medians as a line; its top is a little above the 95th percentile of them, so that one slow moment does not flatten the rest.
fn spark(window: &Window, bands: &[Band]) -> Spark {
    let medians: Vec<(f64, f64)> = bands
        .iter()
        .filter_map(|b| Some((4.8 * window.place(b.at), b.latency.quantiles_ms([0.5])?[0])))
        .collect();
    let mut sorted: Vec<f64> = medians.iter().map(|(_, ms)| *ms).collect();
    sorted.sort_by(f64::total_cmp);
    let top = sorted.get(sorted.len() * 19 / 20).copied().unwrap_or(1.0).max(1e-9) * 1.15;
    let mut line = String::new();
    for (at, (x, ms)) in medians.iter().enumerate() {
        let y = 27.0 - 24.0 * (ms / top).min(1.0);
        let letter = if at == 0 { 'M' } else { ' ' };
        line += &format!("{letter}{:.0} {}", x.max(0.0), short((y * 10.0).round() / 10.0));
    }
    if medians.len() == 1 {
        line += "h6";
    }
    let failed = bands.iter().filter(|b| b.failed > 0);
    let fails =
        failed.map(|b| format!("M{:.0} 28v-7", (4.8 * window.place(b.at)).max(0.0))).collect();
    let label = match (sorted.first(), sorted.last()) {
        (Some(low), Some(high)) => {
            format!("medians between {} and {}", maybe_ms(Some(*low)), maybe_ms(Some(*high)))
        }
        _ => "no runs yet".to_owned(),
    };
    Spark { line, fails, marks: Vec::new(), label }
}
