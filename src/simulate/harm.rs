//! Scenarios in which one change harmed one journey.

use rand::rngs::StdRng;

use crate::model::{FaultKind, Label};

use super::{
    Noise, Scenario,
    quiet::{
        BURSTS, FOREVER, FORTNIGHT, HISTORY, MORNING, OFFICE_SATURDAY, SHORT, TWO_HOURS, WATCHED,
        WEEK, beside, series, usual, watched,
    },
    scenario::Drawn,
    trace::{Trace, USUAL_FAILURE, Why},
};

/// The scenarios.
pub(super) const ALL: &[Scenario] = &[
    Scenario { name: "step10", about: "10% slower", draw: |r| slower(usual(r), 1.1) },
    Scenario { name: "step20", about: "20% slower", draw: |r| slower(usual(r), 1.2) },
    Scenario { name: "step50", about: "50% slower", draw: |r| slower(usual(r), 1.5) },
    Scenario { name: "step100", about: "twice as slow", draw: |r| slower(usual(r), 2.0) },
    Scenario {
        name: "step50-bursts",
        about: "50% slower where there are bursts anyway",
        draw: |r| slower(series(BURSTS, HISTORY, r), 1.5),
    },
    Scenario {
        name: "step20-saturday",
        about: "20% slower on a Saturday, where working days have slow office hours",
        draw: |r| slower(series(OFFICE_SATURDAY, FORTNIGHT, r), 1.2),
    },
    Scenario {
        name: "step50-saturday",
        about: "50% slower on a Saturday, where working days have slow office hours",
        draw: |r| slower(series(OFFICE_SATURDAY, FORTNIGHT, r), 1.5),
    },
    Scenario {
        name: "step20-week",
        about: "20% slower, with a week of history",
        draw: |r| slower(series(Noise::USUAL, WEEK, r), 1.2),
    },
    Scenario {
        name: "step50-short",
        about: "50% slower, with 17 runs of history",
        draw: |r| slower(series(Noise::USUAL, SHORT, r), 1.5),
    },
    Scenario {
        name: "step100-short",
        about: "twice as slow, with 17 runs of history",
        draw: |r| slower(series(Noise::USUAL, SHORT, r), 2.0),
    },
    Scenario {
        name: "ramp50",
        about: "slower and slower over half an hour, up to 50%",
        draw: |r| {
            let times = |age: usize| 1.5_f64.powf((age as f64 / 30.0).min(1.0));
            harmed(usual(r), |t| t.slow_by(0, times))
        },
    },
    Scenario {
        name: "delay15-step50",
        about: "50% slower, 15 minutes after the change",
        draw: |r| harmed(usual(r), |t| t.slow(15, FOREVER, 1.5)).since_row(15.0),
    },
    Scenario {
        name: "step30-morning",
        about: "30% slower on top of the morning's rise",
        draw: |r| slower(series(MORNING, HISTORY, r), 1.3),
    },
    Scenario {
        name: "step50-beside",
        about: "50% slower here, and not in four other environments",
        draw: |r| {
            let mut drawn = beside(r, 1.0);
            drawn.series[0].trace.slow(0, FOREVER, 1.5);
            drawn.truth[0].label = Label::Regressed;
            drawn.truth[0].change = drawn.changes.first().map(|c| c.id.clone());
            drawn.since_row(0.0)
        },
    },
    Scenario {
        name: "leak",
        about: "1% slower every minute, for two hours",
        draw: |r| harmed(watched(TWO_HOURS, r), |t| t.slow_by(0, |age| 1.0 + 0.01 * age as f64)),
    },
    Scenario {
        name: "mixture30",
        about: "30 of 100 runs 2.5 times as slow",
        draw: |r| mixture(r, 0.3, 2.5),
    },
    Scenario {
        name: "mixture10",
        about: "10 of 100 runs four times as slow: a flag for a few",
        draw: |r| mixture(r, 0.1, 4.0),
    },
    Scenario {
        name: "success95",
        about: "5 in 100 fail",
        draw: |r| failing(usual(r), 0.05, OLD, r),
    },
    Scenario {
        name: "success90",
        about: "10 in 100 fail",
        draw: |r| failing(usual(r), 0.1, OLD, r),
    },
    Scenario {
        name: "success50",
        about: "every other run fails",
        draw: |r| failing(usual(r), 0.5, OLD, r),
    },
    Scenario {
        name: "success95-new",
        about: "5 in 100 fail, in a way never seen before",
        draw: |r| failing(usual(r), 0.05, NEW, r),
    },
    Scenario {
        name: "success90-new",
        about: "10 in 100 fail, in a way never seen before",
        draw: |r| failing(usual(r), 0.1, NEW, r),
    },
    Scenario {
        name: "success90-short",
        about: "10 in 100 fail, with 17 runs of history",
        draw: |r| failing(series(Noise::USUAL, SHORT, r), 0.1, OLD, r),
    },
    Scenario {
        name: "success50-short",
        about: "every other run fails, with 17 runs of history",
        draw: |r| failing(series(Noise::USUAL, SHORT, r), 0.5, OLD, r),
    },
];

/// A failure as there were before, and one as there was none.
pub(super) const OLD: Why = USUAL_FAILURE;
pub(super) const NEW: Why = ("pay", FaultKind::Status);

fn harmed(mut trace: Trace, happen: impl Fn(&mut Trace)) -> Drawn {
    happen(&mut trace);
    Drawn::one(trace, Label::Regressed, Label::None)
}

pub(super) fn slower(trace: Trace, times: f64) -> Drawn {
    harmed(trace, |t| t.slow(0, FOREVER, times)).since_row(0.0)
}

fn mixture(rng: &mut StdRng, share: f64, times: f64) -> Drawn {
    mixture_of(usual(rng), share, times, rng)
}

/// A share of the runs of a series so many times slower.
pub(super) fn mixture_of(mut trace: Trace, share: f64, times: f64, rng: &mut StdRng) -> Drawn {
    trace.slow_some(0, share, times, rng);
    Drawn::one(trace, Label::Regressed, Label::None)
}

pub(super) fn failing(mut trace: Trace, share: f64, why: Why, rng: &mut StdRng) -> Drawn {
    trace.fail((0, WATCHED as i64), share, why, rng);
    Drawn::one(trace, Label::None, Label::Regressed).since_row(0.0)
}
