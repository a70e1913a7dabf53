//! Scenarios with several changes at about the same time, or with trouble that none of them made.

use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, rngs::StdRng, seq::IndexedRandom, seq::SliceRandom};

use crate::model::{Change, ChangeId, FaultKind, Label, Metric, ServiceName};

use super::{
    Noise, Scenario,
    quiet::{FOREVER, HISTORY, beside, series},
    scenario::{Drawn, Series, deploy, key, truth},
    trace::{Trace, Why, at},
};

/// The scenarios.
pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "overlap",
        about: "2 to 6 deployments within 5 minutes, one slows the journeys that reach it",
        draw: |r| overlap(r, Harm::Slow, 1),
    },
    Scenario {
        name: "overlap-fails",
        about: "2 to 6 deployments within 5 minutes, one fails the journeys that reach it",
        draw: |r| overlap(r, Harm::Fail, 1),
    },
    Scenario {
        name: "overlap-errors",
        about: "2 to 6 deployments at once, one fails journeys, half of the errors say where",
        draw: |r| overlap(r, Harm::Tell, 1),
    },
    Scenario {
        name: "two-culprits",
        about: "3 to 6 deployments within 5 minutes, two of them do harm",
        draw: |r| overlap(r, Harm::Slow, 2),
    },
    Scenario {
        name: "null-overlap",
        about: "2 to 6 deployments within 5 minutes, and nothing happens",
        draw: |r| overlap(r, Harm::Slow, 0),
    },
    Scenario {
        name: "null-outage",
        about: "half of all runs fail, everywhere, from a minute after a harmless change on",
        draw: |r| {
            let mut drawn = beside(r, 1.0);
            for series in &mut drawn.series {
                series.trace.slow(1, 31, 2.0);
                series.trace.fail((1, 31), 0.5, OUTAGE, r);
            }
            drawn
        },
    },
];

/// How runs fail when what lies between us and the target is gone.
const OUTAGE: Why = ("load", FaultKind::Connect);

/// What a culprit does to the journeys that reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    Slow,
    Fail,
    /// Fail, with errors that name services.
    Tell,
}

/// How many of 100 errors name a service, and of these the one that does harm, or else the one that was called, or else any.
const TELL: (f64, f64, f64) = (0.5, 0.6, 0.25);

/// Services: those that journeys call, those behind them, and those behind these.
const FACES: [&str; 5] = ["shop", "search", "account", "orders", "offers"];
const MIDDLE: [&str; 5] = ["catalog", "cart", "users", "payments", "prices"];
const DEEP: [&str; 5] = ["ledger", "stock", "mail", "rates", "media"];

/// How many of 100 edges of the map that is known are wrong.
const WRONG: f64 = 0.2;

type Map = BTreeMap<&'static str, BTreeSet<&'static str>>;

/// Who really calls whom: each face two services of the middle, each of these one or two behind it.
fn real_map(rng: &mut StdRng) -> Map {
    let mut map = Map::new();
    for face in FACES {
        map.insert(face, MIDDLE.choose_multiple(rng, 2).copied().collect());
    }
    for service in MIDDLE {
        let count = rng.random_range(1..3);
        map.insert(service, DEEP.choose_multiple(rng, count).copied().collect());
    }
    map
}

/// The map that is known: of the edges some are missing, others lead elsewhere.
fn known_map(real: &Map, rng: &mut StdRng) -> BTreeMap<ServiceName, Vec<ServiceName>> {
    let mut known: BTreeMap<ServiceName, Vec<ServiceName>> = BTreeMap::new();
    for (service, calls) in real {
        let mut kept: BTreeSet<&str> = BTreeSet::new();
        for call in calls {
            if rng.random::<f64>() >= WRONG {
                kept.insert(call);
            } else if rng.random() {
                let others = if FACES.contains(service) { MIDDLE } else { DEEP };
                kept.extend(others.choose(rng));
            }
        }
        known.insert((*service).into(), kept.into_iter().map(Into::into).collect());
    }
    known
}

fn reaches(map: &Map, from: &'static str) -> BTreeSet<&'static str> {
    let mut reached = BTreeSet::from([from]);
    let mut next = vec![from];
    while let Some(service) = next.pop() {
        for call in map.get(service).into_iter().flatten() {
            if reached.insert(call) {
                next.push(call);
            }
        }
    }
    reached
}

/// What an error of a journey of this face says, if it says anything, when `culprit` is at fault.
fn error(
    real: &Map,
    face: &'static str,
    culprit: &'static str,
    rng: &mut StdRng,
) -> Option<String> {
    let (tells, right, called) = TELL;
    if rng.random::<f64>() >= tells {
        return None;
    }
    let draw: f64 = rng.random();
    let named = if draw < right {
        culprit
    } else if draw < right + called {
        let mut calls = real.get(face)?.iter().copied();
        calls.find(|c| reaches(real, c).contains(culprit)).unwrap_or(culprit)
    } else {
        reaches(real, face).into_iter().collect::<Vec<_>>().choose(rng).copied()?
    };
    Some(format!("upstream {named} did not answer"))
}

/// Five journeys, one for each face; several deployments, of which the first `culprits` do harm.
fn overlap(rng: &mut StdRng, harm: Harm, culprits: usize) -> Drawn {
    let real = real_map(rng);
    let reach = FACES.map(|face| reaches(&real, face));
    let mut services: Vec<&'static str> =
        reach.iter().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
    services.shuffle(rng);
    // What comes first is reached by a journey: a culprit does harm to somebody.
    services.truncate(rng.random_range((culprits + 1).max(2)..7));
    let traces: Vec<Trace> = FACES
        .iter()
        .map(|_| {
            let mut trace = series(Noise::USUAL, HISTORY, rng);
            trace.phase = rng.random();
            trace
        })
        .collect();
    let row = traces[0].change as f64;
    let (mut changes, mut guilty) = (Vec::new(), Vec::new());
    for (n, &service) in services.iter().enumerate() {
        let start = if n == 0 { 0.0 } else { rng.random_range(-5.0..5.0) };
        let end = start + rng.random_range(0.5..3.0);
        let change = deploy(&format!("deploy-{service}"), service, row + start);
        if n < culprits {
            guilty.push(Culprit::draw(service, change.id.clone(), (start, end), rng));
        }
        changes.push(Change { finished_at: Some(at(row + end)), ..change });
    }
    // The log has them in no order.
    changes.shuffle(rng);
    let mut drawn = Drawn {
        series: Vec::new(),
        depends_on: known_map(&real, rng),
        truth: Vec::new(),
        onset: None,
        changes,
    };
    for ((face, trace), reach) in FACES.iter().zip(traces).zip(&reach) {
        let mine: Vec<&Culprit> = guilty.iter().filter(|c| reach.contains(c.service)).collect();
        drawn.add((face, &real), trace, &mine, harm, rng);
    }
    if let [culprit] = guilty.as_slice() {
        drawn.onset = Some(row + culprit.onset);
    }
    drawn
}

/// A change that does harm.
struct Culprit {
    service: &'static str,
    change: ChangeId,
    /// Rows after the change of the traces at which the harm begins.
    onset: f64,
    /// Times slower.
    times: f64,
    /// Share of failing runs.
    fails: f64,
}

impl Culprit {
    /// The harm begins somewhere between start and finish.
    fn draw(
        service: &'static str,
        change: ChangeId,
        (start, end): (f64, f64),
        rng: &mut StdRng,
    ) -> Self {
        Self {
            service,
            change,
            onset: rng.random_range(start..end),
            times: rng.random_range(1.4..2.5),
            fails: rng.random_range(0.15..0.6),
        }
    }
}

impl Drawn {
    /// A journey that calls this face, harmed by these.
    fn add(
        &mut self,
        (face, real): (&'static str, &Map),
        mut trace: Trace,
        guilty: &[&Culprit],
        harm: Harm,
        rng: &mut StdRng,
    ) {
        for culprit in guilty {
            let lag = trace.lag(culprit.onset);
            match harm {
                Harm::Slow => trace.slow(lag, FOREVER, culprit.times),
                Harm::Fail | Harm::Tell => {
                    let why = (face, FaultKind::Status);
                    trace.fail((lag, FOREVER), culprit.fails, why, rng);
                    if harm == Harm::Tell {
                        trace.tell(lag, why, || error(real, face, culprit.service, rng));
                    }
                }
            }
        }
        let journey = format!("walk-{face}");
        let harmed = if harm == Harm::Slow { Metric::Latency } else { Metric::Success };
        for metric in [Metric::Latency, Metric::Success] {
            let label =
                if metric == harmed && !guilty.is_empty() { Label::Regressed } else { Label::None };
            let mut truth = truth(&journey, metric, label, "");
            // Of two culprits it cannot be said which did it.
            truth.change = match guilty {
                [one] if label == Label::Regressed => Some(one.change.clone()),
                _ => None,
            };
            self.truth.push(truth);
        }
        let services = vec![face.into()];
        self.series.push(Series { key: key(&journey, "production"), services, trace });
    }
}
