//! The chart of a harmed journey around the change: what its runs took, what they are held against, and since when.

use super::{Case, Judgement};
use crate::{
    model::Metric,
    render::{
        chart::{
            Chart, Column, Dot, Mark, Rect, Spread, Window, quantile_band, short, sign, y_axis,
        },
        words::{change_link, ms, percent},
    },
};

/// Height of what is plotted.
const HEIGHT: u32 = 220;
/// Failed runs nearer to each other than this, in percent of the width, are one mark.
const HEAP: f64 = 0.8;
/// Height of the strip of successes.
const STRIP: u32 = 30;

/// The latency, with the baseline that the verdict used.
pub(super) fn latency(case: &Case, judgement: &Judgement) -> Chart {
    let window = Window { from: case.from, to: case.to };
    let spreads = spreads(case);
    let mut tops: Vec<f64> = spreads.iter().filter_map(|s| s.values.map(|v| v[2])).collect();
    tops.sort_by(f64::total_cmp);
    // A single slow moment must not flatten the rest.
    let robust = tops.get(tops.len().saturating_sub(1) * 97 / 100).copied().unwrap_or(0.0);
    let own = judgement.metric == Metric::Latency;
    let held = judgement.before.p95_ms.filter(|_| own).unwrap_or(0.0);
    let (top, y) = y_axis((robust * 1.08).max(held * 1.05), HEIGHT);
    let mut boxes = onset(&window, judgement);
    if own {
        boxes.extend(held_against(&window, judgement, top));
    }
    Chart {
        label: format!("latency of {} around the change", judgement.journey),
        height: HEIGHT,
        whole: HEIGHT + 24,
        y,
        x: window.ticks(),
        shapes: quantile_band(&window, &spreads, (top, HEIGHT), ("band", "median")),
        boxes,
        dots: dots(case, &window),
        marks: marks(case, &window),
        columns: columns(case, &window),
    }
}

/// The share that passed, stretch by stretch; none where nothing failed.
pub(super) fn strip(case: &Case) -> Option<Chart> {
    if case.stretches.iter().all(|s| s.failed == 0) {
        return None;
    }
    let window = Window { from: case.from, to: case.to };
    let height = f64::from(STRIP);
    let mut boxes = Vec::new();
    for (stretch, column) in case.stretches.iter().zip(columns(case, &window)) {
        let width = column.w.parse::<f64>().unwrap_or(0.1);
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
        let known = stretch.passed + stretch.failed;
        if known == 0 {
            continue;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of runs")]
        let share = stretch.failed as f64 / known as f64;
        let failed = if stretch.failed > 0 { (share * height).max(6.0) } else { 0.0 };
        piece("passed", 8.0, (height - 8.0 - failed).max(0.0));
        piece("failed", height - failed, failed);
    }
    let failed = case.stretches.iter().zip(columns(case, &window)).filter(|(s, _)| s.failed > 0);
    Some(Chart {
        label: "share of runs that passed".to_owned(),
        height: STRIP,
        whole: STRIP,
        boxes,
        // Where all passed, the chart above tells as much.
        columns: failed.map(|(_, column)| column).collect(),
        ..Chart::default()
    })
}

fn spreads(case: &Case) -> Vec<Spread> {
    let half = case.step_s / 2.0;
    let middle = jiff::SignedDuration::try_from_secs_f64(half).unwrap_or_default();
    let spread = |s: &super::Stretch| Spread {
        at: s.at.checked_add(middle).unwrap_or(s.at),
        half_s: half,
        values: s.ms,
    };
    case.stretches.iter().map(spread).collect()
}

fn columns(case: &Case, window: &Window) -> Vec<Column> {
    let width = 100.0 * window.share(case.step_s);
    let column = |s: &super::Stretch| {
        let left = window.place(s.at);
        let right = (left + width).min(100.0);
        let passed = percent(s.passed, s.passed + s.failed);
        let mut lines = vec![format!("{} runs, {passed} passed", s.passed + s.failed)];
        if let Some([p5, p50, p95]) = s.ms {
            lines.push(format!("median {}", ms(p50)));
            lines.push(format!("5 % to 95 %: {} to {}", ms(p5), ms(p95)));
        }
        if s.failed > 0 {
            lines.push(format!("{} failed", s.failed));
        }
        Column {
            x: short(left.max(0.0)),
            w: short((right - left.max(0.0)).max(0.1)),
            text: lines.join("\n"),
            at: s.at.to_string(),
        }
    };
    case.stretches.iter().map(column).collect()
}

/// Failed runs; of those that would cover each other the first one, which tells how many there are.
fn dots(case: &Case, window: &Window) -> Vec<Dot> {
    let mut failures: Vec<_> = case.failures.iter().filter(|m| window.holds(m.at)).collect();
    failures.sort_by_key(|moment| moment.at);
    let place = |moment: &super::Moment| window.place(moment.at);
    let mut heaps: Vec<(&super::Moment, usize)> = Vec::new();
    for moment in failures {
        match heaps.last_mut().filter(|(first, _)| place(moment) - place(first) < HEAP) {
            Some((_, more)) => *more += 1,
            None => heaps.push((moment, 0)),
        }
    }
    let dot = |(moment, more): (&super::Moment, usize)| {
        let step = moment.step.as_ref().map_or(String::new(), |step| format!(" in “{step}”"));
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        Dot {
            x: short(place(moment)),
            y: (HEIGHT - 8).to_string(),
            class: "failed",
            text: format!("failed{step} · {}{more}", moment.at.strftime("%H:%M:%S UTC")),
            link: format!("runs/{}", moment.run),
        }
    };
    heaps.into_iter().map(dot).collect()
}

fn marks(case: &Case, window: &Window) -> Vec<Mark> {
    let mark = |flag: &super::Flag| {
        let word = flag.verdict.map_or("none", |verdict| verdict.as_str());
        let own = if flag.own { ", this change" } else { "" };
        Mark {
            x: short(window.place(flag.at)),
            class: word.to_owned(),
            sign: sign(word),
            text: format!("{}{own} · {}", flag.what, flag.at.strftime("%H:%M:%S UTC")),
            link: change_link(flag.change.as_str()),
        }
    };
    case.changes.iter().filter(|f| window.holds(f.at)).map(mark).collect()
}

/// When it began, as far as is known: the 90% interval, a hair wide at least.
fn onset(window: &Window, judgement: &Judgement) -> Vec<Rect> {
    let Some(onset) = &judgement.onset else { return Vec::new() };
    let left = window.place(onset.earliest).clamp(0.0, 100.0);
    let right = window.place(onset.latest).clamp(0.0, 100.0);
    let width = (right - left).max(0.35).min(100.0 - left);
    vec![Rect {
        class: "onset".to_owned(),
        x: short(left),
        w: short(width.max(0.0)),
        y: "0".to_owned(),
        h: HEIGHT.to_string(),
    }]
}

/// The baseline: before the onset as a filled band, after it as what should have gone on.
fn held_against(window: &Window, judgement: &Judgement, top: f64) -> Vec<Rect> {
    let (Some(p50), Some(p95)) = (judgement.before.p50_ms, judgement.before.p95_ms) else {
        return Vec::new();
    };
    let down = |value: f64| f64::from(HEIGHT) * (1.0 - (value / top.max(1e-9)).clamp(0.0, 1.0));
    let split = judgement.onset.map_or(100.0, |onset| window.place(onset.at).clamp(0.0, 100.0));
    let rect = |class: &str, x: f64, w: f64| Rect {
        class: class.to_owned(),
        x: short(x),
        w: short(w),
        y: short(down(p95)),
        h: short((down(p50) - down(p95)).max(1.0)),
    };
    vec![rect("held", 0.0, split), rect("held on", split, 100.0 - split)]
}
