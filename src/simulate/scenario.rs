//! Scenarios: their list, and how one becomes a case.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use rand::{SeedableRng, rngs::StdRng};

use crate::model::{
    Case, Change, ChangeKind, Label, Metric, Recorded, SeriesKey, ServiceName, Truth,
};

use super::{
    dense, fleet, harm, overlap, quiet, rollout, spells,
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
    [quiet::ALL, dense::ALL, harm::ALL, spells::ALL, rollout::ALL, overlap::ALL, fleet::ALL]
        .into_iter()
        .flatten()
}

/// The scenario of this name.
pub fn find(name: &str) -> Option<&'static Scenario> {
    scenarios().find(|s| s.name == name)
}

/// A case, and what is known of it beside its truth.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The case.
    pub case: Case,
    /// The moment the harm began, where it began at one.
    pub onset: Option<Timestamp>,
}

/// Draws a case. The same scenario and seed give the same case.
pub fn case(scenario: &Scenario, seed: u64) -> Case {
    sample(scenario, seed).case
}

/// Draws a case with what is known of it.
pub fn sample(scenario: &Scenario, seed: u64) -> Sample {
    let mut rng = StdRng::seed_from_u64(mixed(scenario.name, seed));
    let drawn = (scenario.draw)(&mut rng);
    let onset = drawn.onset.map(at);
    Sample { case: drawn.into_case(scenario.name, seed), onset }
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
    /// The row at which the harm began, where it began at one.
    pub(super) onset: Option<f64>,
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
            onset: None,
        }
    }

    /// The harm began so many rows after the change.
    pub(super) fn since_row(mut self, lag: f64) -> Self {
        self.onset = self.series.first().map(|s| s.trace.change as f64 + lag);
        self
    }

    /// Puts another change in the place of the first.
    pub(super) fn by(mut self, change: Change) -> Self {
        for truth in &mut self.truth {
            truth.change = truth.change.as_ref().map(|_| change.id.clone());
        }
        self.changes = vec![change];
        self
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
        source: "history".to_owned(),
        ..Change::new(id.into(), ChangeKind::Deploy, at(row))
    }
}

/// What is true of a metric; a change is named only where something happened.
pub(super) fn truth(journey: &str, metric: Metric, label: Label, change: &str) -> Truth {
    let change = (label != Label::None).then(|| change.into());
    Truth { journey: journey.into(), metric, label, change }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_makes_sound_cases() {
        let mut names = std::collections::BTreeSet::new();
        for scenario in scenarios() {
            assert!(names.insert(scenario.name), "{} twice", scenario.name);
            assert!(!scenario.about.is_empty() && scenario.about.chars().count() <= 85);
            let Sample { case, onset } = sample(scenario, 3);
            // Fifty journeys are drawn like one: once is enough of those.
            if case.series.len() < 50 {
                assert_eq!(case, self::case(scenario, 3), "{} is not repeatable", scenario.name);
                assert_ne!(case.series, self::case(scenario, 4).series);
            }
            let first = case.changes.iter().map(|c| c.started_at).min().unwrap();
            for recorded in &case.series {
                let probes = &recorded.probes;
                assert!(probes.windows(2).all(|w| w[0].at < w[1].at), "{}", scenario.name);
                assert!(probes.iter().any(|p| p.at < first) && probes.last().unwrap().at > first);
            }
            for truth in &case.truth {
                let known = case.series.iter().any(|s| s.key.journey == truth.journey);
                let logged = truth.change.iter().all(|c| case.changes.iter().any(|x| x.id == *c));
                assert!(known && logged, "{} {truth:?}", scenario.name);
            }
            let harmed = case.truth.iter().any(|t| t.label != Label::None);
            assert_eq!(harmed, !scenario.name.starts_with("null-"), "{}", scenario.name);
            assert!(onset.is_none() || harmed);
        }
    }

    #[test]
    fn seeds_next_to_each_other_share_nothing() {
        let scenario = find("null-white").unwrap();
        let first = |seed| case(scenario, seed).series[0].probes[0].latency_ms;
        let drawn: std::collections::BTreeSet<u64> =
            (0..500).filter_map(first).map(f64::to_bits).collect();
        // A few fail, and a few agree to the microsecond.
        assert!(drawn.len() >= 490, "{}", drawn.len());
    }
}
