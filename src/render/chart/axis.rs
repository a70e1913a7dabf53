//! Axes: where a time lies, and which labels are worth their ink.

use jiff::Timestamp;
use serde::Serialize;

use super::short;
use crate::render::waterfall::line::length_of_time;

/// The span of time that a chart shows.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

/// A label on the axis of values.
#[derive(Debug, Serialize)]
pub struct YTick {
    /// How far down, in pixels.
    pub y: String,
    /// The label.
    pub label: String,
}

/// A label on the axis of times.
#[derive(Debug, Serialize)]
pub struct XTick {
    /// Its place, in percent.
    pub x: String,
    /// The label, in UTC.
    pub label: String,
    /// The time itself, as RFC 3339: a reader's own zone is put in by the script.
    pub at: String,
    /// `s` with seconds, `m` with minutes, `d` the day only.
    pub form: &'static str,
    /// `start`, `middle` or `end`.
    pub anchor: &'static str,
}

/// Distances between labels of time, in seconds.
const STEPS: &[i64] = &[
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
    172_800, 345_600, 604_800, 1_209_600, 2_592_000,
];

impl Window {
    /// Its length in seconds.
    pub fn seconds(&self) -> f64 {
        self.to.duration_since(self.from).as_secs_f64().max(1e-3)
    }

    /// Where a time lies, in percent.
    pub fn place(&self, at: Timestamp) -> f64 {
        100.0 * at.duration_since(self.from).as_secs_f64() / self.seconds()
    }

    /// Whether a time lies in it.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at <= self.to
    }

    /// Which share of the whole so many seconds are.
    pub fn share(&self, seconds: f64) -> f64 {
        seconds / self.seconds()
    }

    /// Labels at round distances from the beginning: `+ 10 min`.
    #[expect(clippy::cast_precision_loss, reason = "seconds of a span")]
    pub fn elapsed(&self) -> Vec<XTick> {
        let step = self.step();
        let seconds = (1..12).map(|n| n * step);
        seconds
            .map(|after| {
                let x = 100.0 * self.share(after as f64);
                let anchor = if x > 95.0 { "end" } else { "middle" };
                let label = match step {
                    86_400.. => format!("+ {} d", after / 86_400),
                    3600.. => format!("+ {} h", after / 3600),
                    60.. => format!("+ {} min", after / 60),
                    _ => format!("+ {after} s"),
                };
                (x, XTick { x: short(x), label, at: String::new(), form: "none", anchor })
            })
            .take_while(|(x, _)| *x < 100.0)
            .map(|(_, tick)| tick)
            .collect()
    }

    /// The distance between labels, in seconds.
    #[expect(clippy::cast_precision_loss, reason = "seconds of a span")]
    fn step(&self) -> i64 {
        let wanted = self.seconds() / 5.0;
        STEPS.iter().copied().find(|step| *step as f64 >= wanted).unwrap_or(2_592_000)
    }

    /// Labels at round times, about six of them, in UTC.
    pub fn ticks(&self) -> Vec<XTick> {
        let step = self.step();
        let (form, pattern) = match step {
            86_400.. => ("d", "%b %d"),
            60.. => ("m", "%H:%M"),
            _ => ("s", "%H:%M:%S"),
        };
        let first = (self.from.as_second().div_euclid(step) + 1) * step;
        let times = (0..12).map(|n| first + n * step).take_while(|at| *at < self.to.as_second());
        times
            .filter_map(|at| Timestamp::from_second(at).ok())
            .map(|at| {
                let x = self.place(at);
                let anchor = match x {
                    x if x < 5.0 => "start",
                    x if x > 95.0 => "end",
                    _ => "middle",
                };
                let label = at.strftime(pattern).to_string();
                XTick { x: short(x), label, at: at.to_string(), form, anchor }
            })
            .collect()
    }
}

/// The round value at the upper edge for values up to `most` (milliseconds), and labels below it, for a plot so high.
pub fn y_axis(most: f64, height: u32) -> (f64, Vec<YTick>) {
    let most = if most.is_finite() && most > 0.0 { most } else { 1.0 };
    let rough = most / 3.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|n| n * power).into_iter().find(|s| *s >= rough);
    let step = step.unwrap_or(10.0 * power);
    let count = (most / step).ceil().max(1.0);
    let top = count * step;
    let mut ticks = Vec::new();
    let mut value = 0.0;
    while value <= top * 1.0001 {
        let y = f64::from(height) * (1.0 - value / top);
        ticks.push(YTick { y: short(y), label: label(value) });
        value += step;
    }
    (top, ticks)
}

fn label(ms: f64) -> String {
    let time = std::time::Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default();
    match ms {
        0.0 => "0".to_owned(),
        ms if ms >= 1000.0 => format!("{} s", short(ms / 1000.0)),
        ms if ms >= 1.0 => format!("{} ms", short(ms)),
        _ => length_of_time(time),
    }
}
