//! The exchanges of the last good run of each series, in memory, until a run fails and they are wanted beside its own.
//!
//! Nothing is masked before that: a good run costs what its texts take, at most 16 KiB of each body (and a little more, so that a secret at
//! the end can be masked). A thousand journeys of three pages of 10 KiB take 30 MB; the bound is [`MOST_BYTES`] for all series together:
//! where there is more, the series that were renewed longest ago go first.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;

use crate::{
    engine::Trace,
    model::{Run, RunId, SeriesKey, Witness},
};

/// Most bytes of all series together.
const MOST_BYTES: usize = 64 << 20;

/// Most bytes of one series: beyond this nothing is kept of it.
const MOST_OF_ONE: usize = 1 << 20;

/// The last good exchanges by series. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Goods(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    goods: BTreeMap<SeriesKey, Good>,
    /// Series in the order of their renewal; one that was renewed since stands in it again.
    order: VecDeque<(SeriesKey, RunId)>,
    bytes: usize,
}

#[derive(Debug, Clone)]
struct Good {
    run: RunId,
    started_at: Timestamp,
    trace: Arc<Trace>,
    bytes: usize,
}

impl Goods {
    /// Keeps the exchanges of a run that passed, in the place of those before.
    pub(super) fn keep(&self, run: &Run, trace: Trace) {
        let bytes = trace.bytes();
        let mut held = self.held();
        let series = run.series();
        held.forget(&series);
        if bytes > MOST_OF_ONE {
            return;
        }
        held.bytes += bytes;
        held.order.push_back((series.clone(), run.id));
        let good = Good { run: run.id, started_at: run.started_at, trace: Arc::new(trace), bytes };
        held.goods.insert(series, good);
        held.fit(MOST_BYTES);
    }

    /// The exchanges of the last good run of a series, if they are known.
    pub(super) fn last(&self, series: &SeriesKey) -> Option<Witness> {
        let good = self.held().goods.get(series)?.clone();
        // Masking takes a moment: not while others wait.
        let evidence = good.trace.evidence();
        Some(Witness { run: good.run, started_at: good.started_at, evidence })
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn forget(&mut self, series: &SeriesKey) {
        if let Some(old) = self.goods.remove(series) {
            self.bytes -= old.bytes;
        }
    }

    fn fit(&mut self, most: usize) {
        while self.bytes > most || self.order.len() > 2 * self.goods.len() + 16 {
            let Some((series, run)) = self.order.pop_front() else { return };
            let newest = self.goods.get(&series).is_some_and(|good| good.run == run);
            if newest && self.bytes > most {
                self.forget(&series);
            } else if newest {
                self.order.push_back((series, run));
            }
        }
    }
}
