//! The metrics: the only user of `prometheus`.
