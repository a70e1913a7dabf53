//! Scenarios of how a change goes out: in stages, to a few, taken back, logged by a wrong clock, or with a harm that shows late.

use rand::{Rng, rngs::StdRng};

use crate::model::{Change, ChangeKind, Label};

use super::{
    Noise, Scenario,
    harm::NEW,
    quiet::{FOREVER, HISTORY, TWO_HOURS, usual, watched},
    scenario::{DEPLOY, Drawn, deploy},
    spells::lasting,
    trace::{DAY, Trace},
};

/// The scenarios.
pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "staged",
        about: "half an hour of 3 to 5 stages; a run that meets what is new is twice as slow",
        draw: |r| {
            let (mut trace, share) = staged(r);
            trace.slow_share(0, share, 2.0, r);
            let change = lasting(trace.change as f64, STAGES_ROWS);
            Drawn::one(trace, Label::Regressed, Label::None).by(change).since_row(0.0)
        },
    },
    Scenario {
        name: "staged-fails",
        about: "half an hour of 3 to 5 stages; half of the runs that meet what is new fail",
        draw: |r| {
            let (mut trace, share) = staged(r);
            trace.fail_share(0, |age| 0.5 * share(age), NEW, r);
            let change = lasting(trace.change as f64, STAGES_ROWS);
            Drawn::one(trace, Label::None, Label::Regressed).by(change).since_row(0.0)
        },
    },
    Scenario {
        name: "rollback25",
        about: "50% slower, until a rollback 25 minutes later",
        draw: |r| {
            let mut trace = watched(TWO_HOURS, r);
            trace.slow(0, 25, 1.5);
            let back = deploy("rollback-1", "shop", trace.change as f64 + 25.0);
            let mut drawn = Drawn::one(trace, Label::Regressed, Label::None).since_row(0.0);
            drawn.changes.push(Change { kind: ChangeKind::Rollback, ..back });
            drawn
        },
    },
    Scenario {
        name: "flag10",
        about: "a flag for 10 of 100 runs, which are four times as slow",
        draw: |r| {
            let mut trace = usual(r);
            trace.slow_some(0, 0.1, 4.0, r);
            let flag = deploy(DEPLOY, "shop", trace.change as f64);
            Drawn::one(trace, Label::Regressed, Label::None)
                .by(Change { kind: ChangeKind::Flag, ..flag })
                .since_row(0.0)
        },
    },
    Scenario {
        name: "tail20",
        about: "20 of 100 runs twice as slow, the others as before",
        draw: |r| {
            let mut trace = usual(r);
            trace.slow_some(0, 0.2, 2.0, r);
            Drawn::one(trace, Label::Regressed, Label::None).since_row(0.0)
        },
    },
    Scenario {
        name: "log-clock",
        about: "50% slower; the clock of the change log is off by up to a minute",
        draw: |r| {
            let mut trace = usual(r);
            trace.phase = r.random();
            trace.slow(trace.lag(0.0), FOREVER, 1.5);
            let off = r.random_range(-1.0..1.0);
            let change = deploy(DEPLOY, "shop", trace.change as f64 + off);
            Drawn::one(trace, Label::Regressed, Label::None).by(change).since_row(0.0)
        },
    },
    Scenario {
        name: "slow-path",
        about: "60% slower from the next daily peak on, 1.5 to 24 hours after the change",
        draw: |r| {
            let (mut trace, lag) = until_peak(r);
            trace.slow(lag, FOREVER, 1.6);
            Drawn::one(trace, Label::Regressed, Label::None).since_row(lag as f64)
        },
    },
    Scenario {
        name: "null-long",
        about: "a usual journey, watched for 30 hours",
        draw: |r| Drawn::one(until_peak(r).0, Label::None, Label::None),
    },
];

/// How long a roll-out in stages takes, in rows.
const STAGES_ROWS: f64 = 30.0;

/// A usual series with the hour after a roll-out of half an hour, and the share of what is new, by rows since its start.
fn staged(rng: &mut StdRng) -> (Trace, impl Fn(usize) -> f64 + use<>) {
    let trace = watched(STAGES_ROWS as usize + 60, rng);
    let stages = f64::from(rng.random_range(3..6));
    let share = move |age: usize| {
        let stage = (age as f64 / STAGES_ROWS * stages).floor() + 1.0;
        (stage / stages).min(1.0)
    };
    (trace, share)
}

/// Rows of the day at which the daily wave comes to its peak: an hour and a quarter before its highest point.
const PEAK: i64 = DAY as i64 / 4 - 75;

/// Three days of history and 30 hours after the change, and how many rows after it the peak is met.
fn until_peak(rng: &mut StdRng) -> (Trace, i64) {
    let day = DAY as i64;
    let lag = rng.random_range(90..day);
    let history = HISTORY + DAY;
    // The row of the day at which the history begins, for the change to be met `lag` rows before the peak.
    let clock = (PEAK - lag - history as i64).rem_euclid(day);
    let clock = usize::try_from(clock).unwrap_or(0);
    (Trace::draw(&Noise::USUAL, (history, 30 * 60), clock, rng), lag)
}
