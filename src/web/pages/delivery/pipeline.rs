//! `GET /delivery/pipelines/{name}`: one pipeline.

use axum::{
    extract::{OriginalUri, Path, Query, State},
    response::Response,
};
use jiff::Timestamp;
use serde::Serialize;

use super::{Wanted, asked, maybe, percent, real, spans};
use crate::{
    daemon::{DeliveryAsk, PipelineReport},
    delivery::{
        length,
        pipeline::{Kept, Part, PipelineRun, Stats},
        words,
    },
    model::{Finding, FindingState},
    render::chart::{Chart, Column, Mark, Shape, Window, YTick, short},
    web::{
        ApiError,
        figures::SpanLink,
        pages::{
            shell::{Shell, page},
            words::{Badge, Piece, When, pipeline_link, prose, shortened},
        },
        router::Face,
    },
};

/// Width of a stretch of a sparkline, in its own units.
const STRETCH: f64 = 6.0;

/// A chart as small as a word.
#[derive(Debug, Default, Serialize)]
pub(super) struct Spark {
    line: String,
    fails: String,
    marks: Vec<(String, String)>,
    label: String,
}

#[derive(Debug, Serialize)]
struct PipelinePage {
    shell: Shell,
    name: String,
    service: String,
    span_text: String,
    spans: Vec<SpanLink>,
    findings: Vec<FindingRow>,
    /// Name, value, and what it is of.
    figures: Vec<(&'static str, String, String)>,
    few: &'static str,
    chart: Chart,
    marked: bool,
    objectives: Vec<ObjectiveRow>,
    stages: Vec<StageRow>,
    slowest: Vec<RunRow>,
    branches: Vec<PartRow>,
    triggers: Vec<PartRow>,
    flaky: Vec<FlakyRow>,
    flaky_what: &'static str,
    flaky_note: String,
}

#[derive(Debug, Serialize)]
struct FindingRow {
    badge: Badge,
    open: bool,
    subject: String,
    since: When,
    closed: Option<When>,
    summary: Vec<Piece>,
}

#[derive(Debug, Serialize)]
struct ObjectiveRow {
    badge: Badge,
    text: Vec<Piece>,
}

#[derive(Debug, Serialize)]
struct StageRow {
    name: String,
    share: String,
    p50: String,
    p90: String,
    success: String,
}

#[derive(Debug, Serialize)]
struct RunRow {
    url: String,
    what: String,
    by: String,
    at: When,
    took: String,
}

#[derive(Debug, Serialize)]
struct PartRow {
    name: String,
    runs: usize,
    success: String,
    p50: String,
}

#[derive(Debug, Serialize)]
struct FlakyRow {
    name: String,
    suite: String,
    commits: usize,
    of: usize,
    last: When,
}

/// The page.
pub(in crate::web) async fn pipeline(
    State(face): State<Face>,
    OriginalUri(uri): OriginalUri,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let asked = asked(&wanted.span, face.handle.now())?;
    let window = asked.window;
    let ask = DeliveryAsk { service: None, environment: None, from: window.from, to: window.to };
    let report = face.handle.delivered(ask).await?;
    let found = report.pipelines.into_iter().find(|one| one.label == name);
    let one = found.ok_or_else(|| {
        let message = format!("no pipeline `{name}` ran in that time");
        ApiError::not_found(
            message,
            "the pipelines that did are at /delivery; or choose a longer span",
        )
    })?;
    let stats = &one.stats;
    let open = |f: &&Finding| f.state == FindingState::Open;
    let mut findings: Vec<&Finding> = one.findings.iter().filter(open).collect();
    findings.extend(one.findings.iter().filter(|f| !open(f)).take(5));
    let data = PipelinePage {
        shell: Shell::new(&face, &uri, "delivery", &name),
        service: one.service.as_ref().map(ToString::to_string).unwrap_or_default(),
        span_text: counts(stats),
        spans: spans(&asked),
        findings: findings.into_iter().map(finding).collect(),
        figures: figures(&one),
        few: stats.duration.map_or("", |d| words(d.n)),
        chart: chart(&one, &window),
        marked: one.findings.iter().any(|f| f.pipeline.as_ref().is_some_and(|c| !c.objective)),
        objectives: objectives(&one),
        stages: stages(&one),
        slowest: stats.slowest.iter().map(run).collect(),
        branches: stats.branches.iter().map(part).collect(),
        triggers: stats.triggers.iter().map(part).collect(),
        flaky: stats
            .flaky
            .list
            .iter()
            .map(|f| FlakyRow {
                name: f.name.clone(),
                suite: f.suite.clone().unwrap_or_default(),
                commits: f.commits,
                of: f.of,
                last: When::minute(f.last_at),
            })
            .collect(),
        flaky_what: if stats.flaky.jobs { "jobs" } else { "tests" },
        flaky_note: flaky_note(&one),
        name,
    };
    page(&face, "pipeline", data).await
}

/// How many runs, and which of them say nothing of good or bad.
fn counts(stats: &Stats) -> String {
    let mut text = format!("{} runs", stats.runs);
    for (n, words) in [(stats.under_way, "under way"), (stats.neither, "stopped or not needed")] {
        if n > 0 {
            text += &format!(", {n} {words}");
        }
    }
    text
}

fn flaky_note(one: &PipelineReport) -> String {
    let flaky = &one.stats.flaky;
    let mut note = match flaky.of {
        None => "No test or job said anything of a commit: CDEvents tell tests, a commit in their custom data.".to_owned(),
        Some(of) if flaky.jobs => format!("No tests are told, so jobs were looked at: {} results on commits.", of.n),
        Some(of) => format!("{} results of tests on commits.", of.n),
    };
    if flaky.without_commit > 0 {
        note += &format!(" Of {} results nobody said the commit.", flaky.without_commit);
    }
    note
}

fn finding(finding: &Finding) -> FindingRow {
    let open = finding.state == FindingState::Open;
    let objective = finding.pipeline.as_ref().is_some_and(|c| c.objective);
    let word = match (open, objective) {
        (true, true) => "objective missed",
        (true, false) => "shifted",
        (false, _) => finding.state.as_str(),
    };
    let class = if open { "pipeline" } else { "none" };
    let sign = if open { "▲" } else { "✓" };
    FindingRow {
        badge: Badge { class: class.to_owned(), sign, word: word.to_owned() },
        open,
        subject: finding.subject().replace('`', ""),
        since: When::minute(finding.onset_at.unwrap_or(finding.opened_at)),
        closed: finding.closed_at.map(When::minute),
        summary: prose(&finding.summary),
    }
}

fn figures(one: &PipelineReport) -> Vec<(&'static str, String, String)> {
    let stats = &one.stats;
    let of = |n: usize, what: &str| format!("of {n} {what}");
    let flaky = if stats.flaky.jobs { "results of jobs" } else { "results of tests" };
    let mut queue =
        stats.queue.seconds.map_or_else(|| "nobody said".to_owned(), |s| of(s.n, "runs"));
    if stats.queue.unknown > 0 && stats.queue.seconds.is_some() {
        queue += &format!(", not said of {}", stats.queue.unknown);
    }
    vec![
        (
            "success",
            percent(stats.success),
            stats.success.map_or(String::new(), |s| {
                format!(
                    "{}; 95 % interval {:.0} to {:.0} %",
                    of(s.n, "runs"),
                    100.0 * s.low,
                    100.0 * s.high
                )
            }),
        ),
        (
            "median",
            maybe(stats.duration.map(|d| d.p50)),
            stats.duration.map_or(String::new(), |d| of(d.n, "good runs")),
        ),
        ("p90", maybe(stats.duration.and_then(|d| d.p90)), String::new()),
        ("mean", maybe(stats.duration.map(|d| d.mean)), String::new()),
        ("wait, median", maybe(stats.queue.seconds.map(|d| d.p50)), queue),
        (
            "flaky",
            percent(stats.flaky.of),
            stats.flaky.of.map_or(String::new(), |s| of(s.n, flaky)),
        ),
    ]
}

fn objectives(one: &PipelineReport) -> Vec<ObjectiveRow> {
    let row = |objective: &crate::daemon::ObjectiveReport| {
        let (class, sign, word) = match objective.state {
            Kept::Missed => ("missed", "✕", "missed"),
            Kept::Nearly => ("nearly", "▲", "barely kept"),
            Kept::Kept => ("kept", "✓", "kept"),
            Kept::TooFew => ("none", "–", "too few runs"),
            Kept::Idle => ("none", "–", "nothing told"),
        };
        let text = format!("{}: {}", objective.signal, objective.summary);
        ObjectiveRow {
            badge: Badge { class: class.to_owned(), sign, word: word.to_owned() },
            text: prose(&text),
        }
    };
    one.objectives.iter().map(row).collect()
}

fn stages(one: &PipelineReport) -> Vec<StageRow> {
    let medians = one.stats.stages.iter().filter_map(|s| s.duration.map(|d| d.p50));
    let most = medians.fold(1e-3, f64::max);
    one.stats
        .stages
        .iter()
        .map(|stage| StageRow {
            name: stage.name.clone(),
            share: short(stage.duration.map_or(0.0, |d| (100.0 * d.p50 / most).max(0.5))),
            p50: maybe(stage.duration.map(|d| d.p50)),
            p90: maybe(stage.duration.and_then(|d| d.p90)),
            success: percent(stage.success),
        })
        .collect()
}

fn run(run: &PipelineRun) -> RunRow {
    let commit = run.commit.as_deref().map(shortened).unwrap_or_default();
    let what = match &run.message {
        Some(message) => format!("{commit} {message}"),
        None if commit.is_empty() => run.id.clone(),
        None => commit,
    };
    let branch = run.branch.as_ref().map(|b| format!("on {b}"));
    let by = run.author.as_ref().map(|a| format!("by {a}"));
    RunRow {
        url: run
            .url
            .clone()
            .filter(|url| url.starts_with("https://") || url.starts_with("http://"))
            .unwrap_or_default(),
        what: what.chars().take(120).collect(),
        by: branch.into_iter().chain(by).collect::<Vec<_>>().join(" "),
        at: When::minute(run.at),
        took: maybe(run.took_s),
    }
}

fn part(part: &Part) -> PartRow {
    PartRow {
        name: part.name.clone(),
        runs: part.runs,
        success: percent(part.success),
        p50: maybe(part.duration.map(|d| d.p50)),
    }
}

/// How long each good run took, where runs failed, and where shifts began.
fn chart(one: &PipelineReport, window: &Window) -> Chart {
    const HEIGHT: u32 = 190;
    let good: Vec<(&PipelineRun, f64)> = one
        .runs
        .iter()
        .filter_map(|r| Some((r, r.took_s.filter(|_| r.good() == Some(true))?)))
        .collect();
    let most = good.iter().map(|(_, s)| *s).fold(0.0, f64::max);
    let (top, y) = axis(most, HEIGHT);
    let down = |seconds: f64| f64::from(HEIGHT) * (1.0 - (seconds / top).clamp(0.0, 1.0));
    let mut line = String::new();
    let mut last: Option<Timestamp> = None;
    for (run, seconds) in &good {
        // Over a night or a week-end nothing was between.
        let apart = last.is_none_or(|at| run.at.duration_since(at).as_hours() >= 10);
        last = Some(run.at);
        let letter = if apart { 'M' } else { 'L' };
        line +=
            &format!("{letter}{} {}", short(10.0 * window.place(run.at)), short(down(*seconds)));
    }
    let dots: String = good
        .iter()
        .map(|(run, s)| format!("M{} {}h0", short(10.0 * window.place(run.at)), short(down(*s))))
        .collect();
    let failed: String = one
        .runs
        .iter()
        .filter(|r| r.good() == Some(false))
        .map(|r| format!("M{} {HEIGHT}v-9", short(10.0 * window.place(r.at))))
        .collect();
    let shapes = [
        Shape { class: "median", d: line },
        Shape { class: "dots", d: dots },
        Shape { class: "fails", d: failed },
    ];
    Chart {
        label: format!("how long runs of {} took", one.label),
        height: HEIGHT,
        whole: HEIGHT + 26,
        y,
        x: window.ticks(),
        shapes: shapes.into_iter().filter(|shape| !shape.d.is_empty()).collect(),
        marks: one.findings.iter().filter_map(|f| mark(f, window)).collect(),
        columns: columns(one, window),
        ..Chart::default()
    }
}

/// Round times of clocks up to `most` seconds, and the one at the upper edge.
fn axis(most: f64, height: u32) -> (f64, Vec<YTick>) {
    const STEPS: [u32; 16] =
        [1, 5, 10, 20, 30, 60, 120, 180, 300, 600, 1200, 1800, 3600, 7200, 14_400, 43_200];
    let fits = |step: &&u32| f64::from(**step) * 4.0 >= most;
    let step = STEPS.iter().find(fits).map_or(most.max(1.0) / 4.0, |step| f64::from(*step));
    let count = (most / step).ceil().max(1.0);
    let top = count * step;
    let mut ticks = Vec::new();
    let mut seconds = 0.0;
    while seconds <= top * 1.0001 {
        let y = short(f64::from(height) * (1.0 - seconds / top));
        let label =
            if seconds < 0.5 { "0".to_owned() } else { length(seconds).replace(".0 s", " s") };
        ticks.push(YTick { y, label });
        seconds += step;
    }
    (top, ticks)
}

fn mark(finding: &Finding, window: &Window) -> Option<Mark> {
    let concern = finding.pipeline.as_ref().filter(|concern| !concern.objective)?;
    let at = finding.onset_at.filter(|at| window.holds(*at))?;
    Some(Mark {
        x: short(window.place(at)),
        class: "pipeline".to_owned(),
        sign: "▲",
        text: finding.summary.clone(),
        link: pipeline_link(&concern.pipeline),
    })
}

/// What is told of each stretch of time under the pointer.
fn columns(one: &PipelineReport, window: &Window) -> Vec<Column> {
    const STRETCHES: usize = 60;
    let wide = 100.0 / real(STRETCHES);
    let place = |run: &PipelineRun| (window.place(run.at) / wide).floor();
    let mut columns = Vec::new();
    for i in 0..STRETCHES {
        let here: Vec<&PipelineRun> =
            one.runs.iter().filter(|run| (place(run) - real(i)).abs() < 0.5).collect();
        let Some(first) = here.first() else { continue };
        let took: Vec<String> = here
            .iter()
            .take(6)
            .map(|run| match (run.good(), run.took_s) {
                (Some(true), Some(s)) => length(s),
                (Some(false), Some(s)) => format!("failed after {}", length(s)),
                (_, _) => "neither good nor bad".to_owned(),
            })
            .collect();
        let more =
            if here.len() > 6 { format!(" and {} more", here.len() - 6) } else { String::new() };
        columns.push(Column {
            x: short(wide * real(i)),
            w: short(wide),
            text: format!("{}{more}", took.join(", ")),
            at: first.at.to_string(),
        });
    }
    columns
}

/// How long good runs took, as a line; failed ones below it.
pub(super) fn spark(runs: &[PipelineRun], window: &Window) -> Spark {
    let x = |run: &PipelineRun| (4.8 * window.place(run.at)).clamp(0.0, 480.0);
    // Medians of stretches as wide as the eye can tell apart.
    let mut stretches: std::collections::BTreeMap<u64, Vec<f64>> =
        std::collections::BTreeMap::new();
    for run in runs.iter().filter(|r| r.good() == Some(true)) {
        let Some(took_s) = run.took_s else { continue };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 480")]
        let stretch = (x(run) / STRETCH) as u64;
        stretches.entry(stretch).or_default().push(took_s);
    }
    let good: Vec<(f64, f64)> = stretches
        .into_iter()
        .filter_map(|(stretch, took)| {
            #[expect(clippy::cast_precision_loss, reason = "0 to 80")]
            let x = (stretch as f64 + 0.5) * STRETCH;
            Some((x, crate::delivery::Sample::of(took)?.p50))
        })
        .collect();
    let mut sorted: Vec<f64> = good.iter().map(|(_, s)| *s).collect();
    sorted.sort_by(f64::total_cmp);
    let top = sorted.get(sorted.len() * 19 / 20).copied().unwrap_or(1.0).max(1e-9) * 1.15;
    let mut line = String::new();
    for (i, (x, s)) in good.iter().enumerate() {
        let y = 27.0 - 24.0 * (s / top).min(1.0);
        let letter = if i == 0 { 'M' } else { ' ' };
        line += &format!("{letter}{x:.0} {}", short((y * 10.0).round() / 10.0));
    }
    if good.len() == 1 {
        line += "h6";
    }
    let failed = runs.iter().filter(|r| r.good() == Some(false));
    let mut fails: Vec<String> = failed.map(|r| format!("M{:.0} 28v-7", x(r))).collect();
    fails.dedup();
    Spark {
        line,
        fails: fails.concat(),
        marks: Vec::new(),
        label: match (sorted.first(), sorted.last()) {
            (Some(low), Some(high)) => format!("runs took {} to {}", length(*low), length(*high)),
            _ => "no run ended well".to_owned(),
        },
    }
}
