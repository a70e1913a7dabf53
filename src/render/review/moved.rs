//! Two runs step by step, on one scale: what the bad one took longer for.

use serde::Serialize;

use super::{Case, Walk, WalkStep};
use crate::{
    model::Exchange,
    render::{
        chart::short,
        side_by_side::{Mark, rows},
        words::{Badge, When, ms},
    },
};

/// Most lines of two exchanges that are shown.
const LINES: usize = 160;

/// Two runs beside each other, ready to be drawn.
#[derive(Debug, Serialize)]
pub struct Moved {
    /// The good one; empty where none is known.
    pub good: Option<Head>,
    /// The bad one.
    pub bad: Head,
    /// Their steps.
    pub rows: Vec<StepRow>,
    /// What the bad one failed with.
    pub message: String,
    /// What they sent and got, line by line; empty where nothing is kept.
    pub lines: Vec<DiffRow>,
    /// Whether a good exchange stands beside the bad one.
    pub beside: bool,
}

/// A run in a line.
#[derive(Debug, Serialize)]
pub struct Head {
    /// How it ended.
    pub badge: Badge,
    /// Its page, from the root.
    pub link: String,
    /// When.
    pub at: When,
    /// How long it took.
    pub took: String,
}

/// A step of both.
#[derive(Debug, Serialize)]
pub struct StepRow {
    /// Its name.
    pub name: String,
    /// Whether this is the step that moved.
    pub moved: bool,
    /// How long the good one took, and its bar.
    pub good: Option<Bar>,
    /// The same of the bad one.
    pub bad: Option<Bar>,
    /// How much longer, where it is worth a word.
    pub more: String,
}

/// The time of a step.
#[derive(Debug, Serialize)]
pub struct Bar {
    /// How long.
    pub took: String,
    /// Whether it failed.
    pub failed: bool,
    /// The bar in words.
    pub told: String,
    /// Its pieces: class, left and width in percent.
    pub pieces: Vec<(String, String, String)>,
}

/// A line of two exchanges.
#[derive(Debug, Serialize)]
pub struct DiffRow {
    /// `title`, `same`, `differs` or `fleeting`.
    pub class: &'static str,
    /// The sign in the gutter: colour is never the only one.
    pub sign: &'static str,
    /// Of the bad one.
    pub now: String,
    /// Of the good one.
    pub good: String,
}

/// The runs of a case; none where no bad run is known.
pub fn moved(case: &Case) -> Option<Moved> {
    let bad = case.bad.as_ref()?;
    let good = case.good.as_ref();
    let longest = |walk: &Walk| walk.steps.iter().map(|s| s.ms).fold(0.0, f64::max);
    let scale = longest(bad).max(good.map_or(0.0, longest)).max(1e-6);
    let mut names: Vec<&str> = bad.steps.iter().map(|s| s.name.as_str()).collect();
    for step in good.iter().flat_map(|g| &g.steps) {
        if !names.contains(&step.name.as_str()) {
            names.push(&step.name);
        }
    }
    let find = |walk: Option<&Walk>, name: &str| {
        walk.and_then(|w| w.steps.iter().find(|s| s.name == name).cloned())
    };
    let rows = names.iter().map(|name| {
        let (was, is) = (find(good, name), find(Some(bad), name));
        let more = match (&was, &is) {
            (Some(was), Some(is)) if is.ms - was.ms > (was.ms * 0.1).max(1.0) => {
                format!("+ {}", ms(is.ms - was.ms))
            }
            (Some(was), Some(is)) if was.ms - is.ms > (was.ms * 0.1).max(1.0) => {
                format!("− {}", ms(was.ms - is.ms))
            }
            _ => String::new(),
        };
        StepRow {
            name: (*name).to_owned(),
            moved: case.step.as_deref() == Some(*name),
            good: was.map(|s| bar(&s, scale)),
            bad: is.map(|s| bar(&s, scale)),
            more,
        }
    });
    let exchange = case.bad_exchange.as_ref();
    Some(Moved {
        good: good.map(head),
        bad: head(bad),
        rows: rows.collect(),
        message: bad.message.clone().unwrap_or_default(),
        lines: exchange.map(|now| lines(now, case.good_exchange.as_ref())).unwrap_or_default(),
        beside: exchange.is_some() && case.good_exchange.is_some(),
    })
}

fn head(walk: &Walk) -> Head {
    Head {
        badge: Badge::of(&walk.result),
        link: format!("runs/{}", walk.run),
        at: When::second(walk.at),
        took: ms(walk.ms),
    }
}

fn bar(step: &WalkStep, scale: f64) -> Bar {
    if step.outcome == "skipped" {
        let told = "not come to".to_owned();
        return Bar { took: told.clone(), failed: false, told, pieces: Vec::new() };
    }
    let percent = |ms: f64| (100.0 * ms / scale).clamp(0.0, 100.0);
    let mut left = 0.0;
    let mut pieces = Vec::new();
    for (name, took) in step.phases.iter().filter(|(_, ms)| *ms > 0.0) {
        let width = percent(*took);
        // Only the five names that the style knows: a review may come from elsewhere.
        let known = ["resolve", "connect", "tls", "processing", "transfer"];
        let class = known.into_iter().find(|k| k == name).unwrap_or("whole");
        pieces.push((class.to_owned(), short(left), short(width.max(0.4))));
        left += width;
    }
    let rest = percent(step.ms) - left;
    if pieces.is_empty() || rest > 1.0 {
        pieces.push(("whole".to_owned(), short(left), short(rest.max(0.4))));
    }
    let phases: Vec<String> = step
        .phases
        .iter()
        .filter(|(_, ms)| *ms > 0.0)
        .map(|(name, took)| format!("{name} {}", ms(*took)))
        .collect();
    let told = format!("{}: {}", step.name, ms(step.ms));
    Bar {
        took: ms(step.ms),
        failed: step.outcome == "failed",
        told: if phases.is_empty() { told } else { format!("{told} ({})", phases.join(", ")) },
        pieces,
    }
}

fn lines(now: &Exchange, good: Option<&Exchange>) -> Vec<DiffRow> {
    let text = |text: Option<String>| text.unwrap_or_default();
    let row = |row: crate::render::side_by_side::Row| {
        let (class, sign) = match row.mark {
            Mark::Title => ("title", ""),
            Mark::Same => ("same", ""),
            Mark::Differs => ("differs", "≠"),
            Mark::Fleeting => ("fleeting", "~"),
        };
        DiffRow { class, sign, now: text(row.now), good: text(row.good) }
    };
    rows(now, good).into_iter().take(LINES).map(row).collect()
}
