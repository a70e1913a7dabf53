//! Where a journey stands relative to a change: how likely the change moves it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Suspect, grid::Voice};
use crate::model::{JourneyName, ServiceName};

/// Probability that a journey moves, given its place relative to the culprit. Fitted on recorded rollouts of one shop and on
/// simulated ones whose map is wrong here and there; the order of the figures matters more than the figures.
const OWN: f64 = 0.65;
/// It calls the culprit itself, through others, through many others.
const PATH: [f64; 3] = [0.35, 0.28, 0.22];
/// How much of that is left for a journey that depends on nearly everything, the culprit included.
const PAGE: f64 = 0.7;
/// It has nothing to do with it, as far as the map knows.
const OUTSIDE: f64 = 0.03;
/// The culprit slows its whole environment, and the journey names the culprit.
const WIDE_OWN: f64 = 0.9;
/// The culprit slows its whole environment.
const WIDE: f64 = 0.75;
/// No logged change did it: among many journeys, and among few, where one of them is hit at least.
pub(super) const NOBODY: f64 = 0.08;
const NOBODY_FEW: f64 = 0.5;
/// No logged change did it, and it affects the whole environment.
pub(super) const NOBODY_WIDE: f64 = 0.6;
/// A journey depends on nearly everything when it reaches more than this share of the services.
const NEARLY_ALL: f64 = 0.6;

/// A journey's place relative to a change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    own: bool,
    near: f64,
    steps: f64,
}

impl Place {
    pub(super) fn near(self) -> f64 {
        self.near
    }

    /// Calls from the journey to the change; infinite where there is no way.
    pub(super) fn steps(self) -> f64 {
        self.steps
    }

    pub(super) fn wide(self) -> f64 {
        if self.own { WIDE_OWN } else { WIDE }
    }
}

/// How likely a journey moves when no logged change did it: a trouble is there, so one of all of them does.
pub(super) fn nobody(journeys: usize) -> f64 {
    (1.0 / journeys.max(1) as f64).clamp(NOBODY, NOBODY_FEW)
}

/// How far it is from every journey to every service.
#[derive(Debug, Clone)]
pub(super) struct Map<'a> {
    distances: BTreeMap<&'a JourneyName, BTreeMap<&'a ServiceName, usize>>,
    depends_on: &'a BTreeMap<ServiceName, Vec<ServiceName>>,
    services: usize,
}

impl<'a> Map<'a> {
    pub(super) fn new(
        depends_on: &'a BTreeMap<ServiceName, Vec<ServiceName>>,
        voices: &[Voice<'a>],
    ) -> Self {
        let services: BTreeSet<&ServiceName> =
            depends_on.iter().flat_map(|(s, calls)| std::iter::once(s).chain(calls)).collect();
        let distances =
            voices.iter().map(|v| (v.journey, distances(v.services.iter(), depends_on))).collect();
        Self { distances, depends_on, services: services.len() }
    }

    /// Where a journey stands.
    pub(super) fn place(&self, suspect: &Suspect, voice: &Voice<'_>) -> Place {
        if suspect.services.is_empty() {
            // A change of the whole environment is on every path.
            return Place { own: false, near: PATH[0], steps: 1.0 };
        }
        let reach = self.distances.get(voice.journey);
        let nearest = suspect.services.iter().filter_map(|s| reach?.get(s)).min();
        let page = reach.is_some_and(|r| r.len() as f64 > NEARLY_ALL * self.services as f64);
        let near = match nearest {
            None => OUTSIDE,
            Some(0) => OWN,
            Some(far) => PATH[(far - 1).min(PATH.len() - 1)] * if page { PAGE } else { 1.0 },
        };
        let steps = nearest.map_or(f64::INFINITY, |n| *n as f64);
        Place { own: nearest == Some(&0), near, steps }
    }

    /// How many calls it is from one service to another; none where there is no way.
    pub(super) fn calls(&self, from: &ServiceName, to: &ServiceName) -> Option<usize> {
        distances(std::iter::once(from), self.depends_on).get(to).copied()
    }
}

/// All services that can be reached, and over how many calls.
fn distances<'s>(
    roots: impl Iterator<Item = &'s ServiceName>,
    depends_on: &'s BTreeMap<ServiceName, Vec<ServiceName>>,
) -> BTreeMap<&'s ServiceName, usize> {
    let mut seen: BTreeMap<&ServiceName, usize> = roots.map(|s| (s, 0)).collect();
    let mut open: VecDeque<&ServiceName> = seen.keys().copied().collect();
    while let Some(service) = open.pop_front() {
        let next = seen.get(service).map_or(1, |d| d + 1);
        for called in depends_on.get(service).into_iter().flatten() {
            if !seen.contains_key(called) {
                seen.insert(called, next);
                open.push_back(called);
            }
        }
    }
    seen
}
