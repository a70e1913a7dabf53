//! Scenarios with several changes, journeys, or ends of a trouble.

use rand::{Rng, rngs::StdRng};

use crate::model::Label;

use super::{
    Noise, Scenario,
    quiet::{HISTORY, usual},
    scenario::Drawn,
    trace::{DAY, Trace},
};

/// Rows after the change where a trouble is to end and to be seen ended.
const LONG: usize = 120;

/// The scenarios.
pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "transient20",
        about: "50% slower for 20 minutes, then well again",
        draw: |r| {
            let clock = r.random_range(0..DAY);
            let mut trace = Trace::draw(&Noise::USUAL, (HISTORY, LONG), clock, r);
            trace.slow(0, 20, 1.5);
            Drawn::one(trace, Label::Transient, Label::None)
        },
    },
    Scenario {
        name: "transient8",
        about: "three times as slow for 8 minutes, then well again",
        draw: |r| short_trouble(r, 8, 3.0),
    },
];

fn short_trouble(rng: &mut StdRng, rows: i64, times: f64) -> Drawn {
    let mut trace = usual(rng);
    trace.slow(0, rows, times);
    Drawn::one(trace, Label::Transient, Label::None)
}
