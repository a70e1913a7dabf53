//! Scenarios in which a trouble that a change brought ends by itself.

use rand::{Rng, rngs::StdRng};

use crate::model::{Change, FaultKind, Label};

use super::{
    Scenario,
    quiet::{TWO_HOURS, usual, watched},
    scenario::{DEPLOY, Drawn, deploy},
    trace::{Trace, Why, at},
};

/// The scenarios.
pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "transient20",
        about: "50% slower for 20 minutes, then well again",
        draw: |r| {
            let mut trace = watched(TWO_HOURS, r);
            trace.slow(0, 20, 1.5);
            Drawn::one(trace, Label::Transient, Label::None)
        },
    },
    Scenario {
        name: "transient8",
        about: "three times as slow for 8 minutes, then well again",
        draw: |r| {
            let mut trace = usual(r);
            trace.slow(0, 8, 3.0);
            Drawn::one(trace, Label::Transient, Label::None)
        },
    },
    Scenario {
        name: "transient-cold",
        about: "a cold start of 2 to 10 minutes, 1.5 to 4 times as slow, fading",
        draw: |r| {
            let mut trace = watched(TWO_HOURS, r);
            cold_start(&mut trace, r);
            Drawn::one(trace, Label::Transient, Label::None)
        },
    },
    Scenario {
        name: "transient-fails",
        about: "a few runs fail while a deployment of 3 to 8 minutes is under way",
        draw: |r| {
            let mut trace = watched(TWO_HOURS, r);
            let minutes = r.random_range(3..9);
            let failing = r.random_range(0.3..0.7);
            trace.fail((0, minutes), failing, DURING, r);
            // At least one, or nothing happened at all.
            let one = trace.change + r.random_range(0..minutes.unsigned_abs() as usize);
            trace.failed[one] = Some(DURING);
            let change = lasting(trace.change as f64, minutes as f64);
            Drawn::one(trace, Label::None, Label::Transient).by(change)
        },
    },
];

/// How runs fail while instances are replaced.
const DURING: Why = ("load", FaultKind::Connect);

/// A cold start: at its slowest at once, then back to normal along a line.
fn cold_start(trace: &mut Trace, rng: &mut StdRng) {
    let minutes: i64 = rng.random_range(2..11);
    let worst = rng.random_range(1.5_f64..4.0).ln();
    for lag in 0..minutes {
        // The first half in full, then fading: caches fill, connections are made.
        let left = (2.0 * (minutes - lag) as f64 / minutes as f64).min(1.0);
        trace.slow(lag, lag + 1, (worst * left).exp());
    }
}

/// A deployment of the one service that takes so many rows.
pub(super) fn lasting(row: f64, rows: f64) -> Change {
    Change { finished_at: Some(at(row + rows)), ..deploy(DEPLOY, "shop", row) }
}
