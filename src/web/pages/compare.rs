//! `GET /journeys/{journey}/compare`: a journey beside itself: before and after a change, after two changes, in two environments, from two locations.

use axum::{
    extract::{OriginalUri, Path, Query, State},
    response::Response,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    changes::{self, ChangeRow},
    filter::{Choice, Filter},
    journey::series_of,
    shell::{Shell, page},
    steps::{EACH, STRETCHES},
    words::{When, encoded, journey_link, maybe_ms, percent},
};
use crate::{
    model::{Change, Part, SeriesKey, StepName},
    render::chart::{Chart, Column, Spread, Window, quantile_band, short, y_axis},
    store::Store,
    web::{
        ApiError,
        figures::{Asked, Figures, SpanLink, step},
        router::Face,
    },
};

/// Longest span after a change that is looked at.
const AFTER: SignedDuration = SignedDuration::from_hours(6);
const HEIGHT: u32 = 220;

/// Behind `?`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct CompareQuery {
    environment: String,
    location: String,
    span: String,
    from: String,
    to: String,
    /// `environment:NAME`, `location:NAME`, `before:CHANGE` or `change:CHANGE`.
    with: String,
    /// The other change, for `with=change:…`.
    change: String,
}

#[derive(Debug, Serialize)]
struct Compare {
    shell: Shell,
    name: String,
    path: String,
    environment: String,
    location: String,
    journey_link: String,
    choices: Vec<Choice>,
    /// Changes that could be the first of two.
    firsts: Vec<Choice>,
    /// The same as the second one.
    seconds: Vec<Choice>,
    spans: Vec<SpanLink>,
    /// Whether the span may be chosen: changes bring their own.
    spanned: bool,
    with: String,
    asked: bool,
    chart: Chart,
    sides: Vec<SideText>,
    figures: Vec<FigureRow>,
    steps: Vec<FigureRow>,
}

#[derive(Debug, Serialize)]
struct SideText {
    class: &'static str,
    name: String,
    from: When,
    to: When,
}

/// A figure of both sides.
#[derive(Debug, Serialize)]
struct FigureRow {
    name: String,
    a: String,
    b: String,
    /// How the second differs from the first.
    difference: String,
    class: &'static str,
}

/// One of the two.
struct Side {
    name: String,
    series: SeriesKey,
    window: Window,
}

/// Changes that could be the second of two: the newest is the first one, so the one before it is proposed.
fn seconds(changes: &[(Timestamp, ChangeRow)], with: &str) -> Vec<Choice> {
    let asked = with.strip_prefix("change:");
    let chosen = |at: usize, id: &str| asked.map_or(at == 1, |asked| asked == id);
    let rows = changes.iter().enumerate();
    rows.map(|(at, (_, row))| Choice { chosen: chosen(at, &row.id), name: row.id.clone() })
        .collect()
}

/// The page.
pub(in crate::web) async fn compare(
    State(face): State<Face>,
    OriginalUri(uri): OriginalUri,
    Path(name): Path<String>,
    Query(query): Query<CompareQuery>,
) -> Result<Response, ApiError> {
    let (store, setup, now) = (face.handle.store(), face.handle.setup(), face.handle.now());
    let known = store.series().await?;
    let (series, environments, locations) =
        series_of(&setup, &known, &name, (&query.environment, &query.location))?;
    let first = store.first_run(&series).await?;
    let asked = Asked::read((&query.span, &query.from, &query.to), first, now)?;
    let filter = Filter { environment: series.environment.to_string(), ..Filter::default() };
    let month =
        Window { from: now.checked_sub(SignedDuration::from_hours(720)).unwrap_or(now), to: now };
    let changes = changes::of_span(&face, &filter, &month, 30).await?;
    let sides = sides(&face, &series, &query, &asked).await?;
    let mut data = Compare {
        shell: Shell::new(&face, &uri, "journeys", &format!("Compare {name}")),
        path: format!("journeys/{}/compare", encoded(&name)),
        environment: series.environment.to_string(),
        location: series.location.to_string(),
        journey_link: journey_link(
            &name,
            series.environment.as_str(),
            Some(series.location.as_str()),
        ),
        choices: choices((&environments, &locations), &series, &changes, &query.with),
        firsts: changes
            .iter()
            .map(|(_, row)| Choice { name: row.id.clone(), chosen: row.id == query.change })
            .collect(),
        seconds: seconds(&changes, &query.with),
        spans: asked.links(),
        spanned: !(query.with.starts_with("before:") || query.with.starts_with("change:")),
        with: query.with.clone(),
        asked: sides.is_some(),
        chart: Chart::default(),
        sides: Vec::new(),
        figures: Vec::new(),
        steps: Vec::new(),
        name,
    };
    if let Some([a, b]) = &sides {
        let both = [read(&face, a).await?, read(&face, b).await?];
        data.chart = chart([a, b], &both);
        data.figures = figures(&both);
        data.steps = step_rows(store, [a, b]).await?;
        data.sides = [("a", a), ("b", b)]
            .map(|(class, side)| SideText {
                class,
                name: side.name.clone(),
                from: When::minute(side.window.from),
                to: When::minute(side.window.to),
            })
            .into();
    }
    page(&face, "compare", data).await
}

fn choices(
    (environments, locations): (&[String], &[String]),
    series: &SeriesKey,
    changes: &[(Timestamp, ChangeRow)],
    chosen: &str,
) -> Vec<Choice> {
    let mut names = Vec::new();
    let others = environments.iter().filter(|e| *e != series.environment.as_str());
    names.extend(others.map(|e| format!("environment:{e}")));
    let others = locations.iter().filter(|l| *l != series.location.as_str());
    names.extend(others.map(|l| format!("location:{l}")));
    names.extend(changes.iter().map(|(_, row)| format!("before:{}", row.id)));
    let choice = |name: String| Choice { chosen: name == chosen, name };
    names.into_iter().map(choice).collect()
}

/// Both sides; none where nothing is asked for yet.
async fn sides(
    face: &Face,
    series: &SeriesKey,
    query: &CompareQuery,
    asked: &Asked,
) -> Result<Option<[Side; 2]>, ApiError> {
    let Some((kind, name)) = query.with.split_once(':').filter(|(_, name)| !name.is_empty()) else {
        return Ok(None);
    };
    let own = |name: String| Side { name, series: series.clone(), window: asked.window };
    let other = |series: SeriesKey| Side { name: name.to_owned(), series, window: asked.window };
    let pair = match kind {
        "environment" => {
            let there = SeriesKey { environment: name.into(), ..series.clone() };
            [own(series.environment.to_string()), other(there)]
        }
        "location" => {
            let there = SeriesKey { location: name.into(), ..series.clone() };
            [own(series.location.to_string()), other(there)]
        }
        "before" | "change" => {
            let change = known(face, name).await?;
            let after = after(face, &change, series).await?;
            let length = after.to.duration_since(after.from);
            let until = change.started_at;
            let before = Window { from: until.checked_sub(length).unwrap_or(until), to: until };
            let second =
                Side { name: format!("after {name}"), series: series.clone(), window: after };
            if kind == "before" {
                let first =
                    Side { name: format!("before {name}"), series: series.clone(), window: before };
                [first, second]
            } else {
                let first = known(face, &query.change).await?;
                let window = self::after(face, &first, series).await?;
                [
                    Side { name: format!("after {}", first.id), series: series.clone(), window },
                    second,
                ]
            }
        }
        _ => {
            return Err(ApiError::bad_request(
                format!("`with` is `{}`", query.with),
                "environment:NAME, location:NAME, before:CHANGE or change:CHANGE",
            ));
        }
    };
    Ok(Some(pair))
}

async fn known(face: &Face, id: &str) -> Result<Change, ApiError> {
    face.handle.store().change(&id.into()).await?.ok_or_else(|| {
        ApiError::not_found(
            format!("no change has the id `{id}`"),
            "the page of changes lists them",
        )
    })
}

/// What followed a change: until the next one of the environment, six hours at most.
async fn after(face: &Face, change: &Change, series: &SeriesKey) -> Result<Window, ApiError> {
    let from = change.settled_at();
    let limit = from.checked_add(AFTER).unwrap_or(from).min(face.handle.now());
    let limit = limit.max(from.checked_add(SignedDuration::from_secs(1)).unwrap_or(from));
    let wanted = crate::store::ChangeFilter {
        environment: Some(series.environment.clone()),
        since: from.checked_add(SignedDuration::from_secs(1)).ok(),
        until: Some(limit),
        limit: 1000,
        ..crate::store::ChangeFilter::default()
    };
    let next = face.handle.store().changes(wanted).await?;
    let next = next.iter().map(|c| c.started_at).min();
    Ok(Window { from, to: next.unwrap_or(limit) })
}

async fn read(face: &Face, side: &Side) -> Result<Figures, ApiError> {
    let length = (step(&side.window, 72), face.handle.now());
    Ok(Figures::read(face.handle.store(), &side.series, &side.window, length).await?)
}

/// Both bands over the time since each began.
fn chart([a, b]: [&Side; 2], both: &[Figures; 2]) -> Chart {
    // The second one is moved onto the first.
    let moved = a.window.from.duration_since(b.window.from);
    let place = |at: Timestamp| at.checked_add(moved).unwrap_or(at);
    let longest = a.window.seconds().max(b.window.seconds());
    let to = SignedDuration::try_from_secs_f64(longest).unwrap_or_default();
    let window =
        Window { from: a.window.from, to: a.window.from.checked_add(to).unwrap_or(a.window.to) };
    let first = both[0].spreads((0.05, 0.95));
    let second: Vec<Spread> = both[1]
        .spreads((0.05, 0.95))
        .into_iter()
        .map(|s| Spread { at: place(s.at), ..s })
        .collect();
    let mut tops: Vec<f64> =
        first.iter().chain(&second).filter_map(|s| s.values.map(|v| v[2])).collect();
    tops.sort_by(f64::total_cmp);
    let robust = tops.get(tops.len().saturating_sub(1) * 97 / 100).copied().unwrap_or(0.0);
    let (top, y) = y_axis(robust * 1.08, HEIGHT);
    let mut shapes = quantile_band(&window, &first, (top, HEIGHT), ("band a", "median a"));
    shapes.extend(quantile_band(&window, &second, (top, HEIGHT), ("band b", "median b")));
    let told = |name: &str, spread: &Spread| Column {
        x: short((window.place(spread.at) - 100.0 * window.share(spread.half_s)).max(0.0)),
        w: short(200.0 * window.share(spread.half_s)),
        text: spread.values.map_or_else(
            || format!("{name}: no run passed"),
            |[p5, p50, p95]| {
                format!(
                    "{name}: median {}, 5 % to 95 %: {} to {}",
                    maybe_ms(Some(p50)),
                    maybe_ms(Some(p5)),
                    maybe_ms(Some(p95))
                )
            },
        ),
        at: spread.at.to_string(),
    };
    let mut columns: Vec<Column> = first.iter().map(|s| told(&a.name, s)).collect();
    for spread in &second {
        let line = told(&b.name, spread);
        match columns.iter_mut().find(|c| c.x == line.x) {
            Some(column) => column.text = format!("{}\n{}", column.text, line.text),
            None => columns.push(line),
        }
    }
    let same = a.window.from == b.window.from;
    Chart {
        label: format!("latency: {} and {}", a.name, b.name),
        height: HEIGHT,
        whole: HEIGHT + 24,
        y,
        x: if same { window.ticks() } else { window.elapsed() },
        shapes,
        columns,
        ..Chart::default()
    }
}

fn difference(a: Option<f64>, b: Option<f64>) -> (String, &'static str) {
    let (Some(a), Some(b)) = (a, b) else { return (String::new(), "quiet") };
    let moved = 100.0 * (b / a.max(1e-9) - 1.0);
    match moved {
        m if m >= 2.0 => (format!("{m:.0} % slower"), "bad-text"),
        m if m <= -2.0 => (format!("{:.0} % faster", -m), "good-text"),
        _ => ("the same".to_owned(), "quiet"),
    }
}

fn time_row(name: &str, a: Option<f64>, b: Option<f64>) -> FigureRow {
    let (difference, class) = difference(a, b);
    FigureRow { name: name.to_owned(), a: maybe_ms(a), b: maybe_ms(b), difference, class }
}

fn figures(both: &[Figures; 2]) -> Vec<FigureRow> {
    let [a, b] = [both[0].sum(), both[1].sum()];
    let plain = |name: &str, a: String, b: String| FigureRow {
        name: name.to_owned(),
        a,
        b,
        difference: String::new(),
        class: "quiet",
    };
    let mut rows = vec![
        plain("runs", (a.passed + a.failed).to_string(), (b.passed + b.failed).to_string()),
        plain(
            "passed",
            percent(a.passed, a.passed + a.failed),
            percent(b.passed, b.passed + b.failed),
        ),
    ];
    for (name, share) in [
        ("median", 0.5),
        ("75th percentile", 0.75),
        ("95th percentile", 0.95),
        ("99th percentile", 0.99),
    ] {
        let of = |band: &crate::store::Band| band.latency.quantiles_ms([share]).map(|[q]| q);
        rows.push(time_row(name, of(&a), of(&b)));
    }
    rows
}

async fn step_rows(store: &Store, sides: [&Side; 2]) -> Result<Vec<FigureRow>, ApiError> {
    let mut medians: Vec<(StepName, [Option<f64>; 2])> = Vec::new();
    for (at, side) in sides.into_iter().enumerate() {
        let span = (side.window.from, side.window.to);
        let sample = store.sample(&side.series, span, (STRETCHES, EACH)).await?;
        let mut times: Vec<(StepName, Vec<f64>)> = Vec::new();
        for probe in sample.iter().flatten() {
            for (part, value) in probe.parts.iter() {
                let Part::Step(name) = part else { continue };
                match times.iter_mut().find(|(known, _)| known == name) {
                    Some((_, all)) => all.push(value),
                    None => times.push((name.clone(), vec![value])),
                }
            }
        }
        for (name, mut all) in times {
            all.sort_by(f64::total_cmp);
            let median = all.get(all.len() / 2).copied();
            match medians.iter_mut().find(|(known, _)| *known == name) {
                Some((_, both)) => both[at] = median,
                None => {
                    let mut both = [None; 2];
                    both[at] = median;
                    medians.push((name, both));
                }
            }
        }
    }
    Ok(medians.into_iter().map(|(name, [a, b])| time_row(name.as_str(), a, b)).collect())
}
