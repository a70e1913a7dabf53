//! The charts of a journey: how long its runs took, and how many passed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{
    model::{Change, Verdict},
    render::chart::{Chart, Column, Dot, Mark, Rect, Shape, Window, quantile_band, short, y_axis},
    store::{Band, Point},
    web::{
        figures::{Asked, Figures, runs},
        pages::words::{ms, percent},
    },
};

/// Height of what is plotted.
const HEIGHT: u32 = 240;
/// Height of the strip of successes.
const STRIP: u32 = 36;
/// Most failed runs that are marked one by one.
const FAILED: usize = 150;

/// The span around a change that its page leads to: as much before as after, an hour at least as far as there is one.
pub(super) fn around(change: &Change, first: Option<Timestamp>, now: Timestamp) -> Asked {
    let at = change.started_at;
    let half = now.duration_since(at).as_secs().clamp(1800, 7200);
    let half = SignedDuration::from_secs(half);
    let from = at.checked_sub(half).unwrap_or(at);
    let from = first.filter(|first| *first > from && *first < at).unwrap_or(from);
    let to = at.checked_add(half).unwrap_or(at).min(now);
    let to =
        if to > from { to } else { at.checked_add(SignedDuration::from_mins(1)).unwrap_or(at) };
    Asked { window: Window { from, to }, word: None }
}

/// The band of latencies with single runs, changes, and what a verdict held it against.
pub(super) fn latency(
    window: &Window,
    figures: &Figures,
    marks: Vec<Mark>,
    baseline: Option<&Verdict>,
) -> Chart {
    let spreads = figures.spreads((0.05, 0.95));
    let mut tops: Vec<f64> = spreads.iter().filter_map(|s| s.values.map(|v| v[2])).collect();
    tops.sort_by(f64::total_cmp);
    // A single slow moment must not flatten the rest: what is above the edge is marked at the edge.
    let robust = tops.get(tops.len().saturating_sub(1) * 97 / 100).copied().unwrap_or(0.0);
    let held = baseline.and_then(|v| v.before.p95_ms).unwrap_or(0.0);
    let (top, y) = y_axis((robust * 1.08).max(held * 1.05), HEIGHT);
    let mut shapes = quantile_band(window, &spreads, (top, HEIGHT), ("band", "median"));
    shapes.extend(passed(window, &figures.points, top));
    Chart {
        label: "latency of runs that passed: 5th to 95th percentile, and median".to_owned(),
        height: HEIGHT,
        whole: HEIGHT + 24,
        y,
        x: window.ticks(),
        boxes: baseline.map(|v| held_against(window, v, top)).unwrap_or_default(),
        dots: not_passed(window, &figures.points),
        marks,
        columns: figures.bands.iter().map(|b| column(window, b, figures.step)).collect(),
        shapes,
    }
}

/// All runs that passed as one path of dots.
fn passed(window: &Window, points: &[Point], top: f64) -> Option<Shape> {
    let mut d = String::new();
    for point in points {
        let Some(latency) = point.probe.latency_ms else { continue };
        let down = f64::from(HEIGHT) * (1.0 - (latency / top.max(1e-9)).min(1.0));
        let across = short((100.0 * window.place(point.probe.at)).round() / 10.0);
        d += &format!("M{across} {:.0}h0", down);
    }
    (!d.is_empty()).then_some(Shape { class: "dots", d })
}

/// Runs that failed or broke, each with its page.
fn not_passed(window: &Window, points: &[Point]) -> Vec<Dot> {
    let found = points.iter().rev().filter(|p| p.probe.latency_ms.is_none()).take(FAILED);
    let dot = |point: &Point| {
        let (class, told) = match (&point.probe.success, &point.probe.signature) {
            (Some(false), Some(signature)) => ("failed", format!("failed in “{}”", signature.step)),
            (Some(false), None) => ("failed", "failed".to_owned()),
            _ => ("broken", "broke: our own trouble".to_owned()),
        };
        let at = point.probe.at.strftime("%H:%M:%S UTC");
        Dot {
            x: short(window.place(point.probe.at)),
            y: (HEIGHT - 8).to_string(),
            class,
            text: format!("{told} · {at}"),
            link: format!("runs/{}", point.id),
        }
    };
    found.map(dot).collect()
}

/// The baseline of a verdict: before its change as a filled band, after it as what should have gone on.
fn held_against(window: &Window, verdict: &Verdict, top: f64) -> Vec<Rect> {
    let (Some(p50), Some(p95)) = (verdict.before.p50_ms, verdict.before.p95_ms) else {
        return Vec::new();
    };
    let down = |value: f64| f64::from(HEIGHT) * (1.0 - (value / top.max(1e-9)).clamp(0.0, 1.0));
    let begun = verdict.onset.map_or(verdict.decided_at, |onset| onset.at);
    let split = window.place(begun).clamp(0.0, 100.0);
    let rect = |class: &str, x: f64, w: f64, y: f64, h: f64| Rect {
        class: class.to_owned(),
        x: short(x),
        w: short(w),
        y: short(y),
        h: short(h),
    };
    vec![
        rect("held", 0.0, split, down(p95), (down(p50) - down(p95)).max(1.0)),
        rect("held on", split, 100.0 - split, down(p95), (down(p50) - down(p95)).max(1.0)),
    ]
}

fn column(window: &Window, band: &Band, step: Duration) -> Column {
    let width = 100.0 * window.share(step.as_secs_f64());
    let left = window.place(band.at);
    let right = (left + width).min(100.0);
    let mut lines = vec![format!(
        "{} runs, {} passed",
        runs(band),
        percent(band.passed, band.passed + band.failed)
    )];
    if let Some([p5, p50, p95]) = band.latency.quantiles_ms([0.05, 0.5, 0.95]) {
        lines.push(format!("median {}", ms(p50)));
        lines.push(format!("5 % to 95 %: {} to {}", ms(p5), ms(p95)));
    }
    if band.failed > 0 {
        lines.push(format!("{} failed", band.failed));
    }
    if band.broken > 0 {
        lines.push(format!("{} broke, which is our own trouble", band.broken));
    }
    Column {
        x: short(left.max(0.0)),
        w: short((right - left.max(0.0)).max(0.1)),
        text: lines.join("\n"),
        at: band.at.to_string(),
    }
}

/// The share that passed, stretch by stretch: what failed stands out in height as well as in colour.
pub(super) fn strip(window: &Window, figures: &Figures) -> Chart {
    let height = f64::from(STRIP);
    let mut boxes = Vec::new();
    for band in &figures.bands {
        let column = column(window, band, figures.step);
        let width: f64 = column.w.parse().unwrap_or(0.1);
        let mut piece = |class: &str, y: f64, h: f64| {
            if h > 0.0 {
                boxes.push(Rect {
                    class: class.to_owned(),
                    x: column.x.clone(),
                    w: short((width - 0.12).max(0.1)),
                    y: short(y),
                    h: short(h),
                });
            }
        };
        #[expect(clippy::cast_precision_loss, reason = "counts of runs")]
        let share = |n: u64| n as f64 / (band.passed + band.failed).max(1) as f64;
        if band.passed + band.failed == 0 {
            piece("broke", height - 8.0, 8.0);
            continue;
        }
        let failed = if band.failed > 0 { (share(band.failed) * height).max(6.0) } else { 0.0 };
        piece("passed", 10.0, (height - 10.0 - failed).max(0.0));
        piece("failed", height - failed, failed);
    }
    Chart {
        label: "share of runs that passed".to_owned(),
        height: STRIP,
        whole: STRIP,
        boxes,
        columns: figures.bands.iter().map(|b| self::column(window, b, figures.step)).collect(),
        ..Chart::default()
    }
}
