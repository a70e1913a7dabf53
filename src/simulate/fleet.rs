//! Scenarios of many journeys that one change maps to.

use std::collections::BTreeMap;

use rand::{Rng, rngs::StdRng};

use crate::model::{Label, Metric};

use super::{
    Noise, Scenario,
    quiet::{FOREVER, HISTORY, WATCHED, usual},
    scenario::{DEPLOY, Drawn, Series, deploy, key, truth},
    steps::walk,
    trace::{DAY, Trace},
};

/// The scenarios.
pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "null-fleet",
        about: "50 usual journeys of one service, and one change of it",
        draw: |r| fleet(r, None, usual),
    },
    Scenario {
        name: "null-fleet-parts",
        about: "50 usual journeys of five steps with five phases, and one change of them",
        draw: |r| fleet(r, None, stepped),
    },
    Scenario {
        name: "fleet-one50",
        about: "50 journeys of one service, one of them 50% slower",
        draw: |r| fleet(r, Some(1.5), usual).since_row(0.0),
    },
];

/// Journeys of a fleet.
const JOURNEYS: usize = 50;

/// A journey with steps and phases, its change at any time of the day.
fn stepped(rng: &mut StdRng) -> Trace {
    let clock = rng.random_range(0..DAY);
    walk(&Noise::USUAL, (HISTORY, WATCHED), clock, rng)
}

/// Usual journeys, the first of them so many times slower, where that is said.
fn fleet(rng: &mut StdRng, slower: Option<f64>, draw: fn(&mut StdRng) -> Trace) -> Drawn {
    let (mut series, mut truths, mut row) = (Vec::new(), Vec::new(), 0);
    for n in 0..JOURNEYS {
        let mut trace = draw(rng);
        // One after the other, as an agent spreads them.
        trace.phase = n as f64 / JOURNEYS as f64;
        row = trace.change;
        let harm = slower.filter(|_| n == 0);
        if let Some(times) = harm {
            trace.slow(0, FOREVER, times);
        }
        let name = format!("journey-{n:02}");
        let label = if harm.is_some() { Label::Regressed } else { Label::None };
        truths.push(truth(&name, Metric::Latency, label, DEPLOY));
        truths.push(truth(&name, Metric::Success, Label::None, DEPLOY));
        let services = vec!["shop".into()];
        series.push(Series { key: key(&name, "production"), services, trace });
    }
    Drawn {
        series,
        changes: vec![deploy(DEPLOY, "shop", row as f64)],
        depends_on: BTreeMap::new(),
        truth: truths,
        onset: None,
    }
}
