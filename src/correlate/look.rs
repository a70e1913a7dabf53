//! What is known after a probe.

/// What is known of one metric of one series after its newest probe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Log-evidence (natural) for `suspected`; [`Look::CLOSED`] where a gate is closed.
    pub log_e: f64,
    /// Log-evidence for `regressed`, whose gates are stricter; [`Look::CLOSED`] where one is closed.
    pub log_e_regressed: f64,
    /// Log-evidence before any gate.
    pub raw: f64,
    /// Probability that the shift, if there is one, began before the change.
    pub before: f64,
    /// Posterior mean of the shift: a log ratio for latency, a difference of the failure rate for success. Negative is better.
    pub shift: f64,
    /// Posterior mean of the onset: the first probe affected, in base intervals (as given) after the change.
    pub onset_lag: f64,
    /// Lower end of the 90% interval of the onset, in base intervals after the change.
    pub onset_low: f64,
    /// Upper end of the 90% interval of the onset, in base intervals after the change.
    pub onset_high: f64,
    /// Log-evidence needed for `suspected`, raised by a short baseline and by a level that strays.
    pub suspected_at: f64,
    /// Log-evidence needed for `regressed`, raised alike.
    pub regressed_at: f64,
}

impl Look {
    /// The log-evidence shown where a gate is closed.
    pub const CLOSED: f64 = -9.0;

    /// Before any probe: nothing for a shift, nothing against it.
    pub(super) fn quiet(suspected_at: f64, regressed_at: f64) -> Self {
        Self {
            log_e: 0.0,
            log_e_regressed: 0.0,
            raw: 0.0,
            before: 0.0,
            shift: 0.0,
            onset_lag: 0.0,
            onset_low: 0.0,
            onset_high: 0.0,
            suspected_at,
            regressed_at,
        }
    }

    /// Whether people should be told.
    pub fn suspected(&self) -> bool {
        self.log_e >= self.suspected_at
    }

    /// Whether pipelines should stop.
    pub fn regressed(&self) -> bool {
        self.log_e_regressed >= self.regressed_at
    }
}
