//! Scenarios of many journeys that one change maps to.

use std::collections::BTreeMap;

use rand::rngs::StdRng;

use crate::model::{Label, Metric};

use super::{
    Scenario,
    quiet::{FOREVER, usual},
    scenario::{DEPLOY, Drawn, Series, deploy, key, truth},
};

/// The scenarios.
pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "null-fleet",
        about: "50 usual journeys of one service, and one change of it",
        draw: |r| fleet(r, None),
    },
    Scenario {
        name: "fleet-one50",
        about: "50 journeys of one service, one of them 50% slower",
        draw: |r| fleet(r, Some(1.5)).since_row(0.0),
    },
];

/// Journeys of a fleet.
const JOURNEYS: usize = 50;

/// Usual journeys, the first of them so many times slower, where that is said.
fn fleet(rng: &mut StdRng, slower: Option<f64>) -> Drawn {
    let (mut series, mut truths, mut row) = (Vec::new(), Vec::new(), 0);
    for n in 0..JOURNEYS {
        let mut trace = usual(rng);
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
