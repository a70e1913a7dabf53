//! One row of the table: a scenario over many seeds.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use wayfarer::{
    model::Conclusion,
    simulate::{self, Scenario},
};

use crate::{
    figures::Share,
    outcome::{self, About, Blamed, Outcome},
};

/// A scenario over many seeds.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) about: About,
    pub(crate) cases: usize,
    /// Runs until suspected, regressed, of those that were.
    pub(crate) delays_s: Vec<f64>,
    pub(crate) delays_r: Vec<f64>,
    /// Seconds from the begin of the harm until suspected.
    since: Vec<f64>,
    /// Cases in which something else was suspected, regressed.
    pub(crate) elsewhere: (usize, usize),
    finals: BTreeMap<Conclusion, usize>,
    pub(crate) blamed: Vec<Blamed>,
    pub(crate) onset: [Vec<(f64, bool)>; 2],
    /// Runs until each baseline alarmed, of those cases in which it did.
    pub(crate) baselines: [Vec<f64>; 5],
}

impl Row {
    /// Draws and judges the cases, on all processors.
    pub(crate) fn measure(scenario: &'static Scenario, cases: usize, salt: u64) -> Self {
        // A million seeds for each salt: none is used twice.
        let seed = |n: usize| salt * 1_000_000 + n as u64;
        let about = About::of(&simulate::case(scenario, seed(0)));
        let outcomes = parallel(cases, |n| outcome::judge(&simulate::sample(scenario, seed(n))));
        let mut row = Self {
            name: scenario.name,
            about,
            cases,
            delays_s: Vec::new(),
            delays_r: Vec::new(),
            since: Vec::new(),
            elsewhere: (0, 0),
            finals: BTreeMap::new(),
            blamed: Vec::new(),
            onset: [Vec::new(), Vec::new()],
            baselines: [const { Vec::new() }; 5],
        };
        outcomes.iter().for_each(|outcome| row.add(outcome));
        row
    }

    fn add(&mut self, outcome: &Outcome) {
        self.delays_s.extend(outcome.suspected.map(|(runs, _)| runs));
        self.delays_r.extend(outcome.regressed.map(|(runs, _)| runs));
        self.since.extend(outcome.suspected.and_then(|(_, seconds)| seconds));
        self.elsewhere.0 += usize::from(outcome.elsewhere.0);
        self.elsewhere.1 += usize::from(outcome.elsewhere.1);
        for conclusion in &outcome.finals {
            *self.finals.entry(*conclusion).or_default() += 1;
        }
        self.blamed.extend(&outcome.blamed);
        for (all, mine) in self.onset.iter_mut().zip(&outcome.onset) {
            all.extend(mine);
        }
        for (all, mine) in self.baselines.iter_mut().zip(&outcome.baselines) {
            all.extend(mine.map(f64::from));
        }
    }

    pub(crate) fn suspected(&self) -> Share {
        Share { hits: self.delays_s.len(), of: self.cases }
    }

    pub(crate) fn regressed(&self) -> Share {
        Share { hits: self.delays_r.len(), of: self.cases }
    }

    /// Share of the cases suspected within so many seconds of the harm's begin.
    pub(crate) fn within(&self, seconds: f64) -> Share {
        let hits = self.since.iter().filter(|s| **s <= seconds).count();
        Share { hits, of: self.cases }
    }

    /// Share of what the row is about that ended so.
    pub(crate) fn ended(&self, conclusion: Conclusion) -> Share {
        let hits = self.finals.get(&conclusion).copied().unwrap_or(0);
        Share { hits, of: self.finals.values().sum() }
    }
}

/// Does the work of `0..count` on all processors, results in order.
pub(crate) fn parallel<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(count.max(1));
    let next = AtomicUsize::new(0);
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let started: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn(|| {
                    let mut own = Vec::new();
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= count {
                            return own;
                        }
                        own.push((n, work(n)));
                    }
                })
            })
            .collect();
        // Half a table would lie: a worker that panicked takes the rest with it.
        started
            .into_iter()
            .flat_map(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    done.sort_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, result)| result).collect()
}
