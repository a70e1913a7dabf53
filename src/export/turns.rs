//! What the dispatcher says of itself after each of its turns. It waits for nothing, not even for a scrape that is being gathered: runs would start
//! late for it. So its numbers stand beside the others, and a scrape fetches them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{
    Exporter,
    agent::{QUEUE, SKIPPED, UNDER_WAY},
    family::Families,
};

/// The numbers of the dispatcher.
#[derive(Debug, Default)]
pub(super) struct Turns {
    waiting: AtomicU64,
    under_way: AtomicU64,
    /// Ticks skipped since the last scrape: the run before was under way, or it was too late for them.
    overlap: AtomicU64,
    late: AtomicU64,
}

impl Turns {
    pub(super) fn fetch(&self, families: &mut Families) {
        families.set(&QUEUE, &[], self.waiting.load(Relaxed) as f64);
        families.set(&UNDER_WAY, &[], self.under_way.load(Relaxed) as f64);
        for (reason, skipped) in [("overlap", &self.overlap), ("late", &self.late)] {
            families.add(&SKIPPED, &[reason], skipped.swap(0, Relaxed) as f64);
        }
    }
}

impl Exporter {
    /// Runs waiting for a worker, and runs being walked.
    pub fn queue(&self, waiting: u64, under_way: u64) {
        self.turns.waiting.store(waiting, Relaxed);
        self.turns.under_way.store(under_way, Relaxed);
    }

    /// So many more ticks were skipped: because the run before was under way, and because it was too late for them.
    pub fn ticks_skipped(&self, overlap: u64, late: u64) {
        self.turns.overlap.fetch_add(overlap, Relaxed);
        self.turns.late.fetch_add(late, Relaxed);
    }
}
