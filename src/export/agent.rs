//! The agent's own health.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    exporter::Exporter,
    family::{Families, Family, Kind},
    runs::seconds,
};

/// 1 ms, which is nothing, to 30 s, which is a sick host.
pub(super) const LATE_BOUNDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Half a millisecond, a fast disk, to 10 s, one that is waited for.
pub(super) const COMMIT_BOUNDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0];

/// Every family of this file.
pub(super) static FAMILIES: [&Family; 14] = [
    &INFO,
    &LATE,
    &QUEUE,
    &UNDER_WAY,
    &SKIPPED,
    &COMMIT,
    &STORE_ERRORS,
    &RELOADS,
    &RELOADED,
    &RELOADED_AT,
    &WATCHES,
    &CHECKED,
    &CHECK_TOOK,
    &STEAL,
];

static INFO: Family = Family {
    name: "wayfarer_agent_info",
    help: "Which agent this is; the value is always 1.",
    labels: &["version"],
    kind: Kind::Gauge,
};
static LATE: Family = Family {
    name: "wayfarer_agent_start_lateness_seconds",
    help: "How much later than due runs began: our own lateness, not the target's.",
    labels: &[],
    kind: Kind::Histogram(LATE_BOUNDS),
};
pub(super) static QUEUE: Family = Family {
    name: "wayfarer_agent_queue_length",
    help: "Runs that are due and wait for a worker.",
    labels: &[],
    kind: Kind::Gauge,
};
pub(super) static UNDER_WAY: Family = Family {
    name: "wayfarer_agent_runs_under_way",
    help: "Runs being walked.",
    labels: &[],
    kind: Kind::Gauge,
};
pub(super) static SKIPPED: Family = Family {
    name: "wayfarer_agent_ticks_skipped_total",
    help: "Runs that were due and were not walked, by reason.",
    labels: &["reason"],
    kind: Kind::Counter,
};
static COMMIT: Family = Family {
    name: "wayfarer_agent_store_commit_seconds",
    help: "How long it took until runs were on disk.",
    labels: &[],
    kind: Kind::Histogram(COMMIT_BOUNDS),
};
static STORE_ERRORS: Family = Family {
    name: "wayfarer_agent_store_errors_total",
    help: "What the store could not do.",
    labels: &[],
    kind: Kind::Counter,
};
static RELOADS: Family = Family {
    name: "wayfarer_agent_reloads_total",
    help: "Attempts to take over an altered configuration: ok, or failed and the old one went on.",
    labels: &["result"],
    kind: Kind::Counter,
};
static RELOADED: Family = Family {
    name: "wayfarer_agent_last_reload_successful",
    help: "Whether the last attempt to take over an altered configuration was a success.",
    labels: &[],
    kind: Kind::Gauge,
};
static RELOADED_AT: Family = Family {
    name: "wayfarer_agent_last_reload_success_timestamp_seconds",
    help: "When the configuration was last taken over, in seconds since 1970.",
    labels: &[],
    kind: Kind::Gauge,
};
static WATCHES: Family = Family {
    name: "wayfarer_agent_watches_open",
    help: "Watches of changes that are open.",
    labels: &[],
    kind: Kind::Gauge,
};

static CHECKED: Family = Family {
    name: "wayfarer_agent_self_check_success",
    help: "Whether the last walk to a known-good address of ours was a success.",
    labels: &["address"],
    kind: Kind::Gauge,
};
static CHECK_TOOK: Family = Family {
    name: "wayfarer_agent_self_check_duration_seconds",
    help: "How long the last walk to a known-good address of ours took.",
    labels: &["address"],
    kind: Kind::Gauge,
};
static STEAL: Family = Family {
    name: "wayfarer_agent_cpu_steal_ratio",
    help: "Share of processor time that our host gave to others, lately.",
    labels: &[],
    kind: Kind::Gauge,
};

/// What a new agent shows.
pub(super) fn begin(families: &mut Families, version: &str) {
    families.set(&INFO, &[version], 1.0);
    for gauge in [&QUEUE, &UNDER_WAY, &WATCHES] {
        families.set(gauge, &[], 0.0);
    }
    families.add(&STORE_ERRORS, &[], 0.0);
    for result in ["ok", "failed"] {
        families.add(&RELOADS, &[result], 0.0);
    }
}

/// A run began so late.
pub(super) fn late(families: &mut Families, by: Duration) {
    families.observe(&LATE, &[], by.as_secs_f64());
}

impl Exporter {
    /// Runs were on disk after this long.
    pub fn store_commit(&self, took: Duration) {
        self.state().families.observe(&COMMIT, &[], took.as_secs_f64());
    }

    /// The store could not do something.
    pub fn store_error(&self) {
        self.state().families.add(&STORE_ERRORS, &[], 1.0);
    }

    /// An altered configuration was taken over, or refused.
    pub fn reloaded(&self, ok: bool, now: Timestamp) {
        let mut state = self.state();
        state.families.add(&RELOADS, &[if ok { "ok" } else { "failed" }], 1.0);
        state.families.set(&RELOADED, &[], f64::from(u8::from(ok)));
        if ok {
            state.families.set(&RELOADED_AT, &[], seconds(now));
        }
    }

    /// A walk to a known-good address ended so, after this long.
    pub fn self_check(&self, address: &str, success: bool, took: Duration) {
        let mut state = self.state();
        state.families.set(&CHECKED, &[address], f64::from(u8::from(success)));
        state.families.set(&CHECK_TOOK, &[address], took.as_secs_f64());
    }

    /// An address is not walked to any more.
    pub fn forget_self_check(&self, address: &str) {
        let mut state = self.state();
        state.families.retain(&CHECKED, |labels| labels[0] != address);
        state.families.retain(&CHECK_TOOK, |labels| labels[0] != address);
    }

    /// So much of the processor time was stolen lately, 0 to 1.
    pub fn cpu_steal(&self, share: f64) {
        self.state().families.set(&STEAL, &[], share);
    }

    /// So many watches are open.
    pub fn watches_open(&self, open: usize) {
        self.state().families.set(&WATCHES, &[], open as f64);
    }
}
