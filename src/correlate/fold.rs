//! The folds of either metric behind one face, and the clock they run by.

use jiff::Timestamp;

use crate::model::Metric;

use super::{
    Direction, Heard, LatencyFold, Look, Point, SuccessFold, Tuning,
    rebase::Before,
    series::{moment, seconds},
};

/// A change's clock as the folds need it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub(super) change_at_s: f64,
    pub(super) interval_s: f64,
    pub(super) horizon: usize,
}

impl Frame {
    /// The moment so many base intervals after the change.
    pub(super) fn after(&self, lag: f64) -> Timestamp {
        moment(self.change_at_s + lag * self.interval_s)
    }
}

/// The numeric core of either metric.
#[derive(Debug, Clone)]
pub(super) enum Fold {
    Latency(Box<LatencyFold>),
    Success(Box<SuccessFold>),
}

impl Fold {
    pub(super) fn newest_score(&self) -> Option<f64> {
        match self {
            Self::Latency(fold) => fold.newest_score(),
            Self::Success(_) => None,
        }
    }

    pub(super) fn freeze(
        metric: Metric,
        before: &Before,
        frame: &Frame,
        direction: Direction,
        tuning: &Tuning,
    ) -> Option<Self> {
        let Frame { change_at_s, interval_s, horizon } = *frame;
        let points = &before.points;
        match metric {
            Metric::Latency | Metric::Measure => {
                let watch = (change_at_s, interval_s, horizon);
                LatencyFold::freeze_on_level(points, before.level, watch, direction, tuning)
                    .map(|fold| Self::Latency(Box::new(fold)))
            }
            Metric::Success => Some(Self::Success(Box::new(SuccessFold::freeze(
                points,
                change_at_s,
                interval_s,
                horizon,
                direction,
                tuning,
            )))),
        }
    }

    /// What the probes say of every onset, this frame being the one it was frozen in.
    pub(super) fn heard(&self, frame: &Frame) -> Vec<Heard> {
        let at_s = |lag: f64| frame.change_at_s + lag * frame.interval_s;
        match self {
            Self::Latency(fold) => fold.heard(at_s),
            Self::Success(fold) => fold.heard(at_s),
        }
    }

    pub(super) fn push(&mut self, point: &Point) -> Look {
        match self {
            Self::Latency(fold) => fold.push(point),
            Self::Success(fold) => fold.push(point),
        }
    }
}

/// A frame for a change that started at `at`.
pub(super) fn frame(at: Timestamp, interval: std::time::Duration, horizon: usize) -> Frame {
    Frame { change_at_s: seconds(at), interval_s: interval.as_secs_f64().max(0.001), horizon }
}
