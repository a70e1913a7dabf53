//! `GET /delivery`: how software is delivered, and what its pipelines do.

mod pipeline;
mod tiles;

use std::collections::BTreeSet;

use axum::{
    extract::{OriginalUri, Query, State},
    response::Response,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(in crate::web) use self::pipeline::pipeline;
use self::{
    pipeline::{Spark, spark},
    tiles::{Tile, reaction, tiles},
};
use super::{
    filter::Choice,
    shell::{Shell, page},
    words::{Badge, Piece, When, change_link, encoded, pipeline_link, prose, shortened},
};
use crate::{
    daemon::{DeliveryAsk, DeliveryReport, PipelineReport, Setup},
    delivery::{
        Sample, Share,
        dora::{Deployed, OfService, Week},
        length,
    },
    model::FindingState,
    render::chart::{Chart, Column, Rect, Window, XTick, YTick, short},
    web::{
        ApiError,
        figures::{Asked, SpanLink},
        router::Face,
    },
};

/// Spans that say something of delivery.
const SPANS: [&str; 3] = ["7d", "30d", "90d"];
/// Rows of the longer tables.
const ROWS: usize = 50;
const SERVICES: usize = 100;
const PIPELINES: usize = 60;

/// What a reader wants to see.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Wanted {
    service: String,
    /// `production` where nobody says one and there is one.
    environment: Option<String>,
    span: String,
}

#[derive(Debug, Serialize)]
struct Delivery {
    shell: Shell,
    title: String,
    environments: Vec<Choice>,
    services: Vec<Choice>,
    spans: Vec<SpanLink>,
    narrowed: bool,
    notes: Vec<String>,
    /// Whether anything was deployed.
    any: bool,
    tiles: Vec<Tile>,
    reaction: Vec<Tile>,
    chart: Chart,
    legend: [(&'static str, &'static str); 3],
    failed: Vec<FailedRow>,
    rows: Vec<ServiceRow>,
    lengthy: Vec<LengthyRow>,
    pipelines: Vec<PipelineRow>,
    more_pipelines: usize,
}

#[derive(Debug, Serialize)]
struct FailedRow {
    link: String,
    what: String,
    place: String,
    summary: Vec<Piece>,
    why: String,
    at: When,
    detect: String,
    react: String,
    resolve: String,
    recovery: String,
    open: bool,
}

#[derive(Debug, Serialize)]
struct ServiceRow {
    query: String,
    service: String,
    environment: String,
    n: usize,
    per_week: String,
    lead: String,
    failed: String,
    recovery: String,
    rework: String,
}

#[derive(Debug, Serialize)]
struct LengthyRow {
    link: String,
    change: String,
    place: String,
    at: When,
    took: String,
    usual: String,
}

#[derive(Debug, Serialize)]
struct PipelineRow {
    link: String,
    name: String,
    service: String,
    troubles: Vec<TroubleRow>,
    spark: Spark,
    runs: usize,
    success: String,
    p50: String,
    p90: String,
    wait: String,
    flaky: String,
}

#[derive(Debug, Serialize)]
struct TroubleRow {
    badge: Badge,
    text: String,
}

/// The page.
pub(in crate::web) async fn delivery(
    State(face): State<Face>,
    OriginalUri(uri): OriginalUri,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let (setup, now) = (face.handle.setup(), face.handle.now());
    let usual = || setup.environments.keys().find(|e| e.as_str() == "production");
    let environment = match &wanted.environment {
        Some(said) => said.clone(),
        None => usual().map(ToString::to_string).unwrap_or_default(),
    };
    let asked = asked(&wanted.span, now)?;
    let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let ask = DeliveryAsk {
        service: named(&wanted.service).map(Into::into),
        environment: named(&environment).map(Into::into),
        from: asked.window.from,
        to: asked.window.to,
    };
    let report = face.handle.delivered(ask).await?;
    let (environments, services) = choices(&setup, &report, &environment, &wanted.service);
    let dora = &report.dora;
    let data = Delivery {
        shell: Shell::new(&face, &uri, "delivery", "Delivery"),
        title: title(&environment, &wanted.service),
        environments,
        services,
        spans: spans(&asked),
        narrowed: !(environment.is_empty() && wanted.service.is_empty()),
        notes: report.notes.clone(),
        any: dora.all.frequency.n + dora.all.rollbacks + dora.all.given_up > 0,
        tiles: tiles(dora),
        reaction: reaction(&dora.all),
        chart: weeks(&dora.weeks),
        legend: [("fine", "good"), ("bad", "failed"), ("unseen", "nobody could see")],
        failed: dora.failed.iter().take(ROWS).map(failed).collect(),
        rows: dora.services.iter().take(SERVICES).map(service).collect(),
        lengthy: dora
            .lengthy
            .iter()
            .take(ROWS)
            .map(|one| LengthyRow {
                link: change_link(one.change.as_str()),
                change: one.change.to_string(),
                place: format!("{} in {}", one.service, one.environment),
                at: When::minute(one.at),
                took: length(one.took_s),
                usual: format!("{} ({} before it)", length(one.usual_s), one.n),
            })
            .collect(),
        pipelines: report
            .pipelines
            .iter()
            .take(PIPELINES)
            .map(|one| row(one, &asked.window))
            .collect(),
        more_pipelines: report.pipelines.len().saturating_sub(PIPELINES),
    };
    page(&face, "delivery", data).await
}

/// The span a reader asked for, a month by default.
fn asked(span: &str, now: Timestamp) -> Result<Asked, ApiError> {
    let span = if span.is_empty() { "30d" } else { span };
    if !SPANS.contains(&span) {
        let message = format!("`span` is `{span}`");
        return Err(ApiError::bad_request(message, "one of 7d, 30d, 90d"));
    }
    Asked::read((span, "", ""), None, now)
}

fn spans(asked: &Asked) -> Vec<SpanLink> {
    asked.links().into_iter().filter(|span| SPANS.contains(&span.word)).collect()
}

fn title(environment: &str, service: &str) -> String {
    match (service, environment) {
        ("", "") => "of all services, everywhere".to_owned(),
        ("", place) => format!("of all services in {place}"),
        (service, "") => format!("of {service}, everywhere"),
        (service, place) => format!("of {service} in {place}"),
    }
}

/// What there is to choose from: what is configured, and what was deployed.
fn choices(
    setup: &Setup,
    report: &DeliveryReport,
    environment: &str,
    service: &str,
) -> (Vec<Choice>, Vec<Choice>) {
    let mut places: BTreeSet<&str> = setup.environments.keys().map(|e| e.as_str()).collect();
    let mut services: BTreeSet<&str> = setup.settings.services.keys().map(|s| s.as_str()).collect();
    for scheduled in setup.journeys.values() {
        services.extend(scheduled.journey.services.iter().map(|s| s.as_str()));
    }
    for one in &report.dora.services {
        places.insert(one.environment.as_str());
        services.insert(one.service.as_str());
    }
    services.extend(report.pipelines.iter().filter_map(|p| p.service.as_ref()).map(|s| s.as_str()));
    places.insert(environment);
    services.insert(service);
    let choose = |names: BTreeSet<&str>, chosen: &str| {
        let names = names.into_iter().filter(|name| !name.is_empty());
        names.map(|name| Choice { name: name.to_owned(), chosen: name == chosen }).collect()
    };
    (choose(places, environment), choose(services, service))
}

fn maybe(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "–".to_owned(), length)
}

fn failed(one: &Deployed) -> FailedRow {
    let failure = one.failure();
    let words =
        |of: fn(&crate::delivery::dora::Failure) -> Option<f64>| maybe(failure.and_then(of));
    FailedRow {
        link: change_link(one.change.as_str()),
        what: match &one.version {
            Some(version) => format!("{} {}", one.service, shortened(version)),
            None => format!("{} {}", one.service, one.change),
        },
        place: one.environment.to_string(),
        summary: prose(failure.map_or("", |f| &f.summary)),
        why: failure.map_or_else(String::new, |f| {
            f.why.iter().map(|why| why.words()).collect::<Vec<_>>().join(", ")
        }),
        at: When::minute(one.at),
        detect: words(crate::delivery::dora::Failure::detect_s),
        react: words(crate::delivery::dora::Failure::react_s),
        resolve: words(crate::delivery::dora::Failure::resolve_s),
        recovery: maybe(one.recovery_s()),
        open: one.recovery_s().is_none() && failure.is_some_and(|f| !f.unseen_end),
    }
}

fn service(one: &OfService) -> ServiceRow {
    let figures = &one.figures;
    let median = |sample: Option<Sample>| {
        sample.map_or_else(|| "–".to_owned(), |s| format!("{} (n = {})", length(s.p50), s.n))
    };
    let share = |share: Option<Share>| {
        share.map_or_else(|| "–".to_owned(), |s| format!("{} of {}", s.hits, s.n))
    };
    let whole = one.service.as_str().is_empty();
    ServiceRow {
        query: format!(
            "?service={}&environment={}",
            encoded(one.service.as_str()),
            encoded(one.environment.as_str())
        ),
        service: if whole { "the whole environment".to_owned() } else { one.service.to_string() },
        environment: one.environment.to_string(),
        n: figures.frequency.n,
        per_week: format!("{:.1}", figures.frequency.per_week),
        lead: median(figures.lead_time.seconds),
        failed: share(figures.failure_rate.of),
        recovery: median(figures.recovery.seconds),
        rework: share(figures.rework.of),
    }
}

/// Deployments by the week, stacked: good, failed, not seen.
fn weeks(weeks: &[Week]) -> Chart {
    const HEIGHT: u32 = 140;
    let most = weeks.iter().map(|w| w.deployments).max().unwrap_or(0).max(1);
    let step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].into_iter().find(|s| s * 4 >= most);
    let step = step.unwrap_or(most.div_ceil(4));
    let top = most.div_ceil(step) * step;
    let tall = |n: usize| f64::from(HEIGHT) * real(n) / real(top);
    let wide = 100.0 / real(weeks.len().max(1));
    let mut chart = Chart {
        label: "deployments by the week: good, failed, not seen".to_owned(),
        height: HEIGHT,
        whole: HEIGHT + 26,
        ..Chart::default()
    };
    chart.y = (0..=top / step)
        .map(|n| YTick {
            y: short(f64::from(HEIGHT) - tall(n * step)),
            label: (n * step).to_string(),
        })
        .collect();
    let every = weeks.len().div_ceil(8).max(1);
    for (i, week) in weeks.iter().enumerate() {
        let left = wide * real(i);
        let good = week.judged.saturating_sub(week.failed);
        let unseen = week.deployments.saturating_sub(week.judged);
        let mut base = f64::from(HEIGHT);
        for (n, class) in [(good, "fine"), (week.failed, "bad"), (unseen, "unseen")] {
            if n > 0 {
                base -= tall(n);
                chart.boxes.push(Rect {
                    class: class.to_owned(),
                    x: short(left + 0.12 * wide),
                    w: short(0.76 * wide),
                    y: short(base),
                    h: short(tall(n)),
                });
            }
        }
        if i % every == 0 {
            chart.x.push(XTick {
                x: short(left + 0.5 * wide),
                label: week.from.strftime("%b %d").to_string(),
                at: String::new(),
                form: "none",
                anchor: "middle",
            });
        }
        let partial = if week.partial { ", a part of the week" } else { "" };
        chart.columns.push(Column {
            x: short(left),
            w: short(wide),
            text: format!(
                "{} deployed{partial}: {good} good, {} failed, {unseen} not seen; lead time {}",
                week.deployments,
                week.failed,
                maybe(week.lead_time_p50_s)
            ),
            at: week.from.to_string(),
        });
    }
    chart
}

fn row(one: &PipelineReport, window: &Window) -> PipelineRow {
    let stats = &one.stats;
    let seconds = |of: Option<f64>| maybe(of);
    let open = one.findings.iter().filter(|f| f.state == FindingState::Open);
    PipelineRow {
        link: pipeline_link(&one.key),
        name: one.label.clone(),
        service: one.service.as_ref().map(ToString::to_string).unwrap_or_default(),
        troubles: open
            .map(|f| TroubleRow {
                badge: Badge {
                    class: "pipeline".into(),
                    sign: "▲",
                    word: f.subject().replace('`', ""),
                },
                text: f
                    .summary
                    .split(" since ")
                    .next()
                    .unwrap_or_default()
                    .replace("->", "→")
                    .replace('`', ""),
            })
            .collect(),
        spark: spark(&one.runs, window),
        runs: stats.runs,
        success: percent(stats.success),
        p50: seconds(stats.duration.map(|d| d.p50)),
        p90: seconds(stats.duration.and_then(|d| d.p90)),
        wait: seconds(stats.queue.seconds.map(|d| d.p50)),
        flaky: percent(stats.flaky.of),
    }
}

/// A share as a percentage: never rounded up to all, nor down to none.
fn percent(share: Option<Share>) -> String {
    match share {
        None => "–".to_owned(),
        Some(s) if s.hits == s.n => "100 %".to_owned(),
        Some(s) if s.hits == 0 => "0 %".to_owned(),
        Some(s) => format!("{:.1} %", (100.0 * s.share).clamp(0.1, 99.9)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of what fits on a page")]
fn real(n: usize) -> f64 {
    n as f64
}
