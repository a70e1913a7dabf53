//! Scenarios: their list, and how one becomes a case.

use std::{collections::BTreeMap, time::Duration};

use rand::{SeedableRng, rngs::StdRng};

use crate::model::{
    Case, Change, ChangeKind, Label, Metric, Recorded, SeriesKey, ServiceName, Truth,
};

use super::{
    harm, quiet, rollout,
    trace::{STEP_S, Trace, at},
};

/// A way to make cases.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What happens, in a line.
    pub about: &'static str,
    pub(super) draw: fn(&mut StdRng) -> Drawn,
}

/// All scenarios, in the order in which they are shown.
pub fn scenarios() -> impl Iterator<Item = &'static Scenario> {
    quiet::ALL.iter().chain(harm::ALL).chain(rollout::ALL)
}

/// The scenario of this name.
pub fn find(name: &str) -> Option<&'static Scenario> {
    scenarios().find(|s| s.name == name)
}

/// Draws a case. The same scenario and seed give the same case.
pub fn case(scenario: &Scenario, seed: u64) -> Case {
    let mut rng = StdRng::seed_from_u64(mixed(scenario.name, seed));
    let drawn = (scenario.draw)(&mut rng);
    drawn.into_case(scenario.name, seed)
}

/// A seed from a name and a number, by FNV-1a (Fowler, Noll, Vo): neighbouring seeds share nothing.
fn mixed(name: &str, seed: u64) -> u64 {
    let bytes = name.bytes().chain(seed.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// What a scenario draws.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    pub(super) series: Vec<Series>,
    /// The first is at the row of the change of the first series, unless it says otherwise.
    pub(super) changes: Vec<Change>,
    pub(super) depends_on: BTreeMap<ServiceName, Vec<ServiceName>>,
    pub(super) truth: Vec<Truth>,
}

/// One series of a scenario.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) key: SeriesKey,
    pub(super) services: Vec<ServiceName>,
    pub(super) trace: Trace,
}

/// The change of a scenario with one.
pub(super) const DEPLOY: &str = "deploy-1";

impl Drawn {
    /// One journey of one service, and one deployment of it at the row of the change. Of what is not said to be shifted nothing
    /// happened.
    pub(super) fn one(trace: Trace, latency: Label, success: Label) -> Self {
        let row = trace.change;
        Self {
            series: vec![Series {
                key: key("checkout", "production"),
                services: vec!["shop".into()],
                trace,
            }],
            changes: vec![deploy(DEPLOY, "shop", row as f64)],
            depends_on: BTreeMap::new(),
            truth: vec![
                truth("checkout", Metric::Latency, latency, DEPLOY),
                truth("checkout", Metric::Success, success, DEPLOY),
            ],
        }
    }

    fn into_case(self, name: &str, seed: u64) -> Case {
        let series = self.series.into_iter().map(|s| Recorded {
            key: s.key,
            services: s.services,
            probes: s.trace.probes(),
        });
        Case {
            id: format!("{name}-{seed}"),
            source: name.to_owned(),
            interval: Duration::from_secs_f64(STEP_S),
            series: series.collect(),
            changes: self.changes,
            depends_on: self.depends_on,
            truth: self.truth,
        }
    }
}

/// A series from the usual location.
pub(super) fn key(journey: &str, environment: &str) -> SeriesKey {
    SeriesKey { journey: journey.into(), environment: environment.into(), location: "local".into() }
}

/// A deployment of a service to production at a row; it takes no time.
pub(super) fn deploy(id: &str, service: &str, row: f64) -> Change {
    Change {
        services: vec![service.into()],
        environments: vec!["production".into()],
        finished_at: Some(at(row)),
        ..Change::new(id.into(), ChangeKind::Deploy, at(row))
    }
}

/// What is true of a metric; a change is named only where something happened.
pub(super) fn truth(journey: &str, metric: Metric, label: Label, change: &str) -> Truth {
    let change = (label != Label::None).then(|| change.into());
    Truth { journey: journey.into(), metric, label, change }
}
