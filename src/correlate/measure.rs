//! Measures: numbers that are no times. They may be zero or negative, stand still for weeks, only grow, or be one of two.
//!
//! A measure is judged by the machinery of times and failures; what differs is how its runs are read, learnt from the runs before the
//! change:
//! * A number that only grows, beside a rare fall back (a counter), is read as its growth from run to run.
//! * Where most runs have the very same value, or only two values are known (0 and 1), a run says whether it is beyond the usual
//!   value by as much as matters: such runs are counted like failures, so that one stray value proves nothing and a few in a row do.
//! * Any other number is read on an inverse hyperbolic sine, `asinh(value / unit)`: a logarithm far from zero, where ratios
//!   matter, and a straight line near zero, where there are none (Burbidge, Magee, Robb, JASA 83, 1988). The unit is a third of the
//!   usual size, or six times the noise where that is more: then the noise is what a usual time's is, and a shift that matters is
//!   about as large as the noise.
//!
//! Each measure is judged twice, upwards and downwards, and pays for both.

pub(super) mod figures;

use jiff::Timestamp;

use crate::model::{MeasureRule, Metric, Part, Probe, Worse};

use super::{
    Tuning,
    budget::Raise,
    robust::{median, quantile, sorted, spread},
    series::{KnownShift, Line, latency_of, seconds},
};

/// The smallest relative shift that matters where nothing is said, as a share.
pub const RELATIVE: f64 = 0.10;

/// The share of runs with the very same value from which on that is the usual value, and the share of the rarer of two values from
/// which on both are usual.
const SAME: f64 = 0.5;
const BOTH: f64 = 0.1;

/// The unit of the axis, in usual sizes and in noise; and the smallest shift that matters, in units.
const UNIT: (f64, f64) = (0.3, 6.0);
const LEAST: f64 = 0.18;

/// From this share of stray runs on they need more evidence, and how much more, in natural logarithms: what counts failures
/// was made for rare ones (measured on fair coins).
const OFTEN: (f64, f64) = (0.3, 1.0);

/// A counter: the share of steps that may fall, and the number of steps that must rise.
const FALLS: f64 = 0.02;
const RISES: usize = 10;

/// Beyond these a number is a reading gone wrong: sums of them must stay finite.
const WIDEST: f64 = 1e100;

/// Growth is taken over at least this share of the usual distance of two runs.
const GAP: f64 = 0.75;

/// Which way a measure is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

impl Way {
    pub(super) const BOTH: [Self; 2] = [Self::Up, Self::Down];

    fn sign(self) -> f64 {
        match self {
            Self::Up => 1.0,
            Self::Down => -1.0,
        }
    }

    /// What a shift this way is.
    pub(super) fn harm(self, rule: &MeasureRule) -> Harm {
        match (rule.worse, self) {
            (None, _) => Harm::Unknown,
            (Some(Worse::Either), _)
            | (Some(Worse::Higher), Self::Up)
            | (Some(Worse::Lower), Self::Down) => Harm::Yes,
            _ => Harm::No,
        }
    }
}

/// Whether a shift is harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Harm {
    /// As its journey says.
    Yes,
    /// Nobody said.
    Unknown,
    /// It is for the better.
    No,
}

/// Shares of runs beyond a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shares {
    pub(super) from: f64,
    pub(super) above: bool,
    pub(super) before: f64,
    pub(super) after: f64,
}

/// How the runs of a measure are read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    way: Way,
    /// Whether growth is read; in seconds over at least so long.
    growth: Option<f64>,
    reading: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Reading {
    /// A level, in these units; the smallest shift that matters there.
    Level { unit: f64, effect: f64 },
    /// Whether it is beyond this; whether that is so often anyway.
    Beyond { from: f64, often: bool },
}

impl Axis {
    /// Learns from the values before a change, in order of time, each with its time in seconds; none where there are too few.
    /// `interval_s` is the usual distance of two runs.
    pub(super) fn learn(
        before: &[(f64, f64)],
        way: Way,
        rule: &MeasureRule,
        interval_s: f64,
    ) -> Option<Self> {
        let growth = counts(before).then_some(GAP * interval_s.max(1e-3));
        let values: Vec<f64> = match growth {
            None => before.iter().map(|(_, v)| v.clamp(-WIDEST, WIDEST)).collect(),
            Some(least) => (0..before.len()).filter_map(|i| grown(before, i, least)).collect(),
        };
        if values.len() < 3 {
            return None;
        }
        let reading = reading(&sorted(values), way, rule);
        Some(Self { way, growth, reading })
    }

    /// As what its runs are judged.
    pub(super) fn metric(&self) -> Metric {
        match self.reading {
            Reading::Level { .. } => Metric::Latency,
            Reading::Beyond { .. } => Metric::Success,
        }
    }

    /// Where runs are counted that are beyond a value: that value, whether above it is meant, and the shares of the runs before and after.
    pub(super) fn shares(&self, before: &[&Probe], after: &[&Probe]) -> Option<Shares> {
        let Reading::Beyond { from, .. } = self.reading else { return None };
        let share = |probes: &[&Probe]| {
            let known = probes.iter().filter_map(|p| p.latency_ms);
            let (beyond, all) = known.fold((0.0, 0.0), |(b, n), value| {
                let is = self.way.sign() * (value - from) > 0.0;
                (b + f64::from(u8::from(is)), n + 1.0)
            });
            if all > 0.0 { beyond / all } else { 0.0 }
        };
        let above = self.way == Way::Up;
        Some(Shares { from, above, before: share(before), after: share(after) })
    }

    /// Whether growth is read.
    pub(super) fn grows(&self) -> bool {
        self.growth.is_some()
    }

    /// The numbers of the detector for it.
    pub(super) fn tuning(&self, tuning: &Tuning) -> Tuning {
        match self.reading {
            Reading::Level { effect, .. } => tuning.for_effect(effect),
            Reading::Beyond { often: true, .. } => {
                tuning.raised(Raise { suspected: OFTEN.1, regressed: OFTEN.1 })
            }
            Reading::Beyond { .. } => tuning.clone(),
        }
    }

    /// The value of a run of the line; growth is a minute's.
    fn value(&self, probes: &[Probe], part: &Part, index: usize) -> Option<f64> {
        let of = |probe: &Probe| probe.parts.get(part);
        let now = of(&probes[index])?;
        let Some(least) = self.growth else { return Some(now) };
        let at = seconds(probes[index].at);
        let known = probes[..index].iter().rev().filter_map(|p| Some((seconds(p.at), of(p)?)));
        growth(known, (at, now), least)
    }

    /// A run of the line as it is judged.
    pub(super) fn probe(&self, line: &Line, part: &Part, index: usize) -> Probe {
        let value = self.value(&line.probes, part, index);
        self.judged(&line.probes[index], value)
    }

    /// A run with this value as it is judged.
    fn judged(&self, probe: &Probe, value: Option<f64>) -> Probe {
        let Some(value) = value.map(|v| v.clamp(-WIDEST, WIDEST)) else {
            return probe.with(None);
        };
        match self.reading {
            Reading::Level { unit, .. } => {
                probe.with(Some((self.way.sign() * value / unit).asinh().exp()))
            }
            Reading::Beyond { from, .. } => {
                let beyond = self.way.sign() * (value - from) > 0.0;
                Probe { success: Some(!beyond), ..probe.with(None) }
            }
        }
    }

    /// The line of a measure alone, since then, as it is judged; its shifts are its own, not those of its journey's time.
    pub(super) fn line(&self, line: &Line, part: &Part, since: Timestamp) -> Line {
        self.alone(line, part, since, |axis, probe, value| axis.judged(probe, value))
    }

    /// The same with the values as they are, or their growth a minute.
    pub(super) fn values(&self, line: &Line, part: &Part, since: Timestamp) -> Line {
        self.alone(line, part, since, |_, probe, value| probe.with(value))
    }

    fn alone(
        &self,
        line: &Line,
        part: &Part,
        since: Timestamp,
        read: impl Fn(&Self, &Probe, Option<f64>) -> Probe,
    ) -> Line {
        let from = line.from(since);
        let metric = self.metric();
        let probes = &line.probes;
        Line {
            probes: (from..probes.len())
                .map(|i| read(self, &probes[i], self.value(probes, part, i)))
                .collect(),
            shifts: moved(line, part).map(|at| KnownShift { at, metric }).collect(),
            alone: true,
            ..Line::new(line.member.clone())
        }
    }
}

/// Runs looked back for the one that growth is taken from.
const LOOK_BACK: usize = 64;

/// When the level of a measure is known to have moved.
pub(super) fn moved(line: &Line, part: &Part) -> impl Iterator<Item = Timestamp> {
    line.part_shifts.iter().filter(move |(p, _)| p == part).map(|(_, at)| *at)
}

/// Whether these values are those of a counter.
pub(super) fn counts(values: &[(f64, f64)]) -> bool {
    let rises = values.windows(2).filter(|w| w[1].1 > w[0].1).count();
    let falls = values.windows(2).filter(|w| w[1].1 < w[0].1).count();
    let steps = super::figures::count(values.len());
    rises >= RISES && super::figures::count(falls) <= FALLS * steps
}

/// Growth a minute, up to a value; `earlier` are the ones before it, newest first. Time is cut into pieces of `least` seconds and
/// growth taken from the first value of one to the first of the next: where runs are denser, what grew is not counted by
/// several of them. None where it fell: then the counter began anew, nobody knows when.
fn growth(
    earlier: impl Iterator<Item = (f64, f64)>,
    (at, now): (f64, f64),
    least: f64,
) -> Option<f64> {
    let piece = |at: f64| (at / least).floor();
    let mut from: Option<(f64, f64)> = None;
    for value in earlier.take(LOOK_BACK) {
        match from {
            _ if piece(value.0) == piece(at) => return None,
            Some(known) if piece(known.0) != piece(value.0) => break,
            _ => from = Some(value),
        }
    }
    let (then, was) = from.filter(|(then, was)| at - then >= 0.5 * least && now >= *was)?;
    Some(60.0 * (now - was) / (at - then))
}

/// The growth up to the value at `index`.
fn grown(values: &[(f64, f64)], index: usize, least: f64) -> Option<f64> {
    growth(values[..index].iter().rev().copied(), values[index], least)
}

fn reading(sorted: &[f64], way: Way, rule: &MeasureRule) -> Reading {
    let relative = rule.relative.unwrap_or(RELATIVE);
    let absolute = rule.absolute.unwrap_or(0.0);
    // What a ratio upwards is is undone by the same ratio downwards.
    let share = match way {
        Way::Up => relative,
        Way::Down => relative / (1.0 + relative),
    };
    let n = super::figures::count(sorted.len());
    let groups: Vec<&[f64]> = sorted.chunk_by(|a, b| a == b).collect();
    let usual = groups.iter().max_by_key(|g| g.len()).map_or(&sorted[..0], |g| g);
    let least = |size: f64| (share * size.abs()).max(absolute);
    let beyond = |from: f64| {
        let strays = sorted.iter().filter(|v| way.sign() * (**v - from) > 0.0).count();
        Reading::Beyond { from, often: super::figures::count(strays) >= OFTEN.0 * n }
    };
    if let [low, high] = &groups[..]
        && super::figures::count(low.len().min(high.len())) >= BOTH * n
    {
        let (a, b) = (low[0], high[0]);
        let matters = b - a >= least(a.abs().max(b.abs()));
        if matters {
            return beyond(f64::midpoint(a, b));
        }
    }
    if super::figures::count(usual.len()) >= SAME * n {
        let value = usual[0];
        // By as much as matters counts: what is beyond a little less is beyond.
        let from = value + way.sign() * least(value) * (1.0 - 1e-6);
        return beyond(from);
    }
    let middle = median(sorted);
    let size = middle.abs();
    let noise =
        spread(sorted, middle).max((quantile(sorted, 0.95) - quantile(sorted, 0.05)) / 3.29);
    let unit = (UNIT.0 * size).max(UNIT.1 * noise).max(1e-300);
    let shift = least(size).max(LEAST * unit);
    let from = (way.sign() * middle / unit).asinh();
    let effect = ((way.sign() * middle + shift) / unit).asinh() - from;
    Reading::Level { unit, effect }
}

/// The newest values before a change that an axis is learnt from, in order of time: since the level last moved, where enough of them are
/// known since then.
pub(super) fn recent(
    line: &Line,
    part: &Part,
    (from, to): (Timestamp, Timestamp),
    wanted: impl Fn(&Probe) -> bool,
) -> Vec<(f64, f64)> {
    /// As many as a baseline has.
    const MOST: usize = 180;
    let (first, last) = (line.from(from), line.from(to));
    let probes = line.probes[first.min(last)..last].iter().rev();
    let known =
        probes.filter(|p| wanted(p)).filter_map(|p| Some((seconds(p.at), p.parts.get(part)?)));
    let mut values: Vec<(f64, f64)> = known.take(MOST).collect();
    values.reverse();
    values
}

/// The values of runs whose time is the measure: as a recovery is told of them.
pub(super) fn told(probes: &[Probe]) -> Vec<(f64, f64)> {
    probes.iter().filter_map(|p| Some((seconds(p.at), p.latency_ms?))).collect()
}

/// Reads runs told one by one, each with its value as its time: for the end of a trouble.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    axis: Axis,
    past: Vec<(f64, f64)>,
}

impl Reader {
    /// For a trouble with these runs before and since; none where too little is known.
    pub(super) fn new(before: &[Probe], since: &[Probe], interval_s: f64) -> Option<Self> {
        let (values, moved) = (told(before), told(since));
        let middle = |v: &[(f64, f64)]| median(&v.iter().map(|(_, v)| *v).collect::<Vec<_>>());
        let newest = &values[values.len().saturating_sub(180)..];
        let up = middle(&moved) >= middle(newest);
        let way = if up { Way::Up } else { Way::Down };
        let mut axis = Axis::learn(newest, way, &MeasureRule::default(), interval_s)?;
        if axis.grows() && !moved.is_empty() {
            let least = GAP * interval_s;
            let all: Vec<(f64, f64)> = newest.iter().chain(&moved).copied().collect();
            let rates = |from: usize, to: usize| -> Vec<f64> {
                (from..to).filter_map(|i| grown(&all, i, least)).collect()
            };
            let up = median(&rates(newest.len(), all.len())) >= median(&rates(0, newest.len()));
            let way = if up { Way::Up } else { Way::Down };
            axis = Axis::learn(newest, way, &MeasureRule::default(), interval_s)?;
        }
        Some(Self { axis, past: Vec::new() })
    }

    /// As what the runs are judged.
    pub(super) fn metric(&self) -> Metric {
        self.axis.metric()
    }

    /// A run, told with its value as its time, as it is judged.
    pub(super) fn read(&mut self, probe: &Probe) -> Probe {
        let value = probe.latency_ms.and_then(|now| {
            let Some(least) = self.axis.growth else { return Some(now) };
            self.past.push((seconds(probe.at), now));
            let excess = self.past.len().saturating_sub(LOOK_BACK);
            self.past.drain(..excess);
            grown(&self.past, self.past.len() - 1, least)
        });
        self.axis.judged(probe, value)
    }
}

/// Whether a run belongs to those that an axis is learnt from.
pub(super) fn succeeded(probe: &Probe) -> bool {
    latency_of(probe).is_some()
}

#[cfg(test)]
mod tests;
