//! Charts as numbers for the templates to draw as SVG: no script, no style in them.
//!
//! A chart is as wide as its place. What lies along time is placed in percent of the width, so that letters and dots keep their size; areas and
//! lines stand in a box of 1000 units that is stretched. Heights are pixels.

mod axis;
mod stack;

use jiff::Timestamp;
use serde::Serialize;

pub use axis::{Window, XTick, YTick, y_axis};
pub use stack::{Stack, stack};

/// A chart, ready to be drawn.
#[derive(Debug, Default, Serialize)]
pub struct Chart {
    /// What it shows, for those who cannot see it.
    pub label: String,
    /// Height of what is plotted, in pixels.
    pub height: u32,
    /// The same with the labels below.
    pub whole: u32,
    /// Labels of the values.
    pub y: Vec<YTick>,
    /// Labels of the times.
    pub x: Vec<XTick>,
    /// Areas and lines, the first one furthest behind, in a box 1000 wide.
    pub shapes: Vec<Shape>,
    /// Rectangles.
    pub boxes: Vec<Rect>,
    /// Single runs.
    pub dots: Vec<Dot>,
    /// Changes.
    pub marks: Vec<Mark>,
    /// What is told of each stretch of time under the pointer.
    pub columns: Vec<Column>,
}

/// A path.
#[derive(Debug, Serialize)]
pub struct Shape {
    /// How it looks.
    pub class: &'static str,
    /// SVG path data.
    pub d: String,
}

/// A rectangle: percents across, pixels down.
#[derive(Debug, Serialize)]
pub struct Rect {
    /// How it looks.
    pub class: String,
    /// Left edge, in percent.
    pub x: String,
    /// Width, in percent.
    pub w: String,
    /// Upper edge.
    pub y: String,
    /// Height.
    pub h: String,
}

/// A single run.
#[derive(Debug, Serialize)]
pub struct Dot {
    /// Its place, in percent.
    pub x: String,
    /// Its height.
    pub y: String,
    /// `passed`, `failed` or `broken`.
    pub class: &'static str,
    /// What it tells.
    pub text: String,
    /// Its page.
    pub link: String,
}

/// A change on a chart.
#[derive(Debug, Clone, Serialize)]
pub struct Mark {
    /// Its place, in percent.
    pub x: String,
    /// Its verdict.
    pub class: String,
    /// A sign of its own for each sort of verdict: colour is never the only one.
    pub sign: &'static str,
    /// What it tells.
    pub text: String,
    /// Its page.
    pub link: String,
}

/// A stretch of time and what is told of it.
#[derive(Debug, Serialize)]
pub struct Column {
    /// Left edge, in percent.
    pub x: String,
    /// Width, in percent.
    pub w: String,
    /// What it tells: its time is added where it is drawn.
    pub text: String,
    /// When it begins, as RFC 3339.
    pub at: String,
}

/// The figures of a stretch of time, for [`quantile_band`].
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    /// The middle of the stretch.
    pub at: Timestamp,
    /// Half its length in seconds: where two neighbours are further apart than twice their lengths, the line is broken.
    pub half_s: f64,
    /// Lower end of the band, median, upper end, in milliseconds; none where no run passed.
    pub values: Option<[f64; 3]>,
}

/// Two digits behind the point, without idle zeros.
pub fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The sign that stands for a verdict.
pub fn sign(verdict: &str) -> &'static str {
    match verdict {
        "regressed" | "failed" | "fail" => "✕",
        "budget_fast" | "budget_slow" => "▲",
        "suspected" | "unexplained" | "pipeline" | "broken" | "prober_fault" => "▲",
        "watching" | "waiting" | "pending" => "○",
        "improved" | "unchanged" | "passed" | "pass" | "transient" | "pre_existing" => "✓",
        _ => "–",
    }
}

/// A line of medians and the band around it, broken where there is nothing. The `top` value is at the upper edge.
pub fn quantile_band(
    window: &Window,
    spreads: &[Spread],
    (top, height): (f64, u32),
    (band, line): (&'static str, &'static str),
) -> Vec<Shape> {
    let down = |value: f64| f64::from(height) * (1.0 - (value / top.max(1e-9)).clamp(0.0, 1.0));
    let (mut area, mut middle) = (String::new(), String::new());
    for stretch in stretches(spreads) {
        let across = |s: &Spread| short(10.0 * window.place(s.at));
        let at = |which: usize| {
            let point = move |s: &Spread| {
                let value = s.values.map_or(0.0, |v| v[which]);
                format!("{} {}", across(s), short(down(value)))
            };
            stretch.iter().map(point).collect::<Vec<_>>()
        };
        if let [only] = stretch {
            // Alone it would be invisible: a short dash.
            let half = 10.0 * (window.share(only.half_s * 2.0) * 50.0).max(0.15);
            let middle_x = 10.0 * window.place(only.at);
            let y = |which: usize| short(down(only.values.map_or(0.0, |v| v[which])));
            let (left, right) = (short(middle_x - half), short(middle_x + half));
            area += &format!("M{left} {}L{right} {}L{right} {}L{left} {}Z", y(2), y(2), y(0), y(0));
            middle += &format!("M{left} {}H{right}", y(1));
            continue;
        }
        let (low, mid, mut high) = (at(0), at(1), at(2));
        high.reverse();
        area += &format!("M{}L{}Z", low.join("L"), high.join("L"));
        middle += &format!("M{}", mid.join("L"));
    }
    let shapes = [Shape { class: band, d: area }, Shape { class: line, d: middle }];
    shapes.into_iter().filter(|shape| !shape.d.is_empty()).collect()
}

/// The runs of neighbours with values.
fn stretches(spreads: &[Spread]) -> Vec<&[Spread]> {
    let mut found = Vec::new();
    let mut from = 0;
    for at in 0..=spreads.len() {
        let apart = at > 0 && at < spreads.len() && {
            let (a, b) = (&spreads[at - 1], &spreads[at]);
            b.at.duration_since(a.at).as_secs_f64() > 2.5 * (a.half_s + b.half_s)
        };
        let empty = spreads.get(at).is_none_or(|s| s.values.is_none());
        if empty || apart {
            if from < at {
                found.push(&spreads[from..at]);
            }
            from = if empty { at + 1 } else { at };
        }
    }
    found
}

#[cfg(test)]
mod tests;
