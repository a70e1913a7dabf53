//! The figures as tiles: a value, what it is worth, what is missing, and how it was by the week.

use serde::Serialize;

use super::{percent, real};
use crate::{
    delivery::{
        Dora, Gap, Rate, Timed,
        dora::{Figures, Week},
        length, words,
    },
    render::{chart::short, words::count},
};

/// Height of the bars, in pixels.
const HEIGHT: f64 = 34.0;

/// A figure.
#[derive(Debug, Serialize)]
pub(super) struct Tile {
    name: &'static str,
    value: String,
    unit: String,
    words: String,
    /// What so few values are worth, where that must be said.
    few: &'static str,
    /// What could not be observed.
    gaps: Vec<String>,
    bars: Vec<Bar>,
    /// What the bars show, for those who cannot see them.
    label: String,
}

/// A week.
#[derive(Debug, Serialize)]
struct Bar {
    x: String,
    w: String,
    y: String,
    h: String,
    class: &'static str,
    text: String,
}

/// The five figures.
pub(super) fn tiles(dora: &Dora) -> Vec<Tile> {
    let all = &dora.all;
    let frequency = &all.frequency;
    let mut gaps = Vec::new();
    if all.given_up > 0 {
        gaps.push(format!("{} given up before the end: not counted", all.given_up));
    }
    if all.rollbacks > 0 {
        gaps.push(format!("{} beside them", count(all.rollbacks, "rollback", "rollbacks")));
    }
    let of = |n: Option<f64>, text: String| (n, text);
    vec![
        Tile {
            name: "Deployment frequency",
            value: short((10.0 * frequency.per_week).round() / 10.0),
            unit: "a week".to_owned(),
            words: format!(
                "{} on {} · {}",
                frequency.n,
                count(frequency.days, "day", "days"),
                frequency.scale
            ),
            few: "",
            gaps,
            bars: bars(&dora.weeks, |w| {
                of(Some(real(w.deployments)), count(w.deployments, "deployment", "deployments"))
            }),
            label: "deployments by the week".to_owned(),
        },
        time("Lead time for changes", "commits", &all.lead_time, &dora.weeks, |w| {
            of(
                w.lead_time_p50_s,
                format!("median {}", w.lead_time_p50_s.map_or("–".into(), length)),
            )
        }),
        rate("Change failure rate", "failed", &all.failure_rate, &dora.weeks, |w| {
            let share = (w.judged > 0).then(|| real(w.failed) / real(w.judged));
            of(share, format!("{} of {} failed", w.failed, w.judged))
        }),
        time("Failed deployment recovery", "failures", &all.recovery, &dora.weeks, |w| {
            of(w.recovery_p50_s, format!("median {}", w.recovery_p50_s.map_or("–".into(), length)))
        }),
        rate("Rework rate", "were repairs", &all.rework, &dora.weeks, |w| {
            let share = (w.all > 0).then(|| real(w.rework) / real(w.all));
            of(share, format!("{} of {} were repairs", w.rework, w.all))
        }),
    ]
}

/// How soon failures were noticed, taken on and over.
pub(super) fn reaction(all: &Figures) -> Vec<Tile> {
    let none = |_: &Week| (None, String::new());
    vec![
        time("To detect: until a message", "failures", &all.detect, &[], none),
        time("To react: until somebody took it on", "failures", &all.react, &[], none),
        time("To resolve: until it was over", "failures", &all.resolve, &[], none),
    ]
}

fn time(
    name: &'static str,
    what: &str,
    timed: &Timed,
    weeks: &[Week],
    by_week: impl Fn(&Week) -> (Option<f64>, String),
) -> Tile {
    let sample = timed.seconds;
    let words_of = sample.map_or_else(
        || nothing(&timed.missing),
        |s| match s.p90 {
            Some(p90) => format!("median of {} {what}; 9 of 10 below {}", s.n, length(p90)),
            None if s.n == 1 => format!("one of the {what}"),
            None => format!("median of {} {what}; {} to {}", s.n, length(s.min), length(s.max)),
        },
    );
    Tile {
        name,
        value: sample.map_or_else(|| "–".to_owned(), |s| length(s.p50)),
        unit: String::new(),
        words: words_of,
        few: sample.map_or("", |s| words(s.n)),
        gaps: gaps(&timed.missing),
        bars: bars(weeks, by_week),
        label: "medians by the week".to_owned(),
    }
}

fn rate(
    name: &'static str,
    what: &str,
    rate: &Rate,
    weeks: &[Week],
    by_week: impl Fn(&Week) -> (Option<f64>, String),
) -> Tile {
    let words_of = rate.of.map_or_else(
        || nothing(&rate.missing),
        |s| {
            format!(
                "{} of {} {what}; 95 % interval {:.0} to {:.0} %",
                s.hits,
                s.n,
                100.0 * s.low,
                100.0 * s.high
            )
        },
    );
    Tile {
        name,
        value: percent(rate.of),
        unit: String::new(),
        words: words_of,
        few: rate.of.map_or("", |s| words(s.n)),
        gaps: gaps(&rate.missing),
        bars: bars(weeks, by_week),
        label: "shares by the week".to_owned(),
    }
}

/// Why there is no figure.
fn nothing(missing: &[Gap]) -> String {
    let word = if missing.is_empty() { "there were none" } else { "not known of any" };
    word.to_owned()
}

fn gaps(missing: &[Gap]) -> Vec<String> {
    let mut sorted: Vec<&Gap> = missing.iter().collect();
    sorted.sort_by_key(|gap| std::cmp::Reverse(gap.count));
    sorted.into_iter().map(|gap| format!("{} without: {}", gap.count, gap.why)).collect()
}

/// A bar a week, as high as its share of the highest.
fn bars(weeks: &[Week], of: impl Fn(&Week) -> (Option<f64>, String)) -> Vec<Bar> {
    let values: Vec<(Option<f64>, String)> = weeks.iter().map(of).collect();
    let most = values.iter().filter_map(|(v, _)| *v).fold(0.0, f64::max);
    if most <= 0.0 || weeks.len() < 2 {
        return Vec::new();
    }
    let wide = 100.0 / real(weeks.len());
    let bar = |(i, (value, text)): (usize, &(Option<f64>, String))| {
        let tall = value.map_or(0.0, |v| (HEIGHT - 2.0) * v / most).max(if value.is_some() {
            1.0
        } else {
            0.0
        });
        Bar {
            x: short(wide * real(i) + 0.1 * wide),
            w: short(0.8 * wide),
            y: short(HEIGHT - tall),
            h: short(tall),
            class: "some",
            text: format!("week of {}: {text}", weeks[i].from.strftime("%Y-%m-%d")),
        }
    };
    values.iter().enumerate().map(bar).collect()
}
