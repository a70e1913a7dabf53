//! Walks journeys: the only user of reqwest for targets.
