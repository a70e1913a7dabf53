//! How a simulated series behaves while nothing happens to it.

/// The noise of a series of times and of its successes. Latencies are logarithms, rates are per run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// Height of the daily wave.
    pub diurnal: f64,
    /// Memory: correlation of two runs a base interval apart.
    pub memory: f64,
    /// Standard deviation of the noise that has memory.
    pub spread: f64,
    /// Chance of a spike, whose size is Pareto distributed with exponent 1.5.
    pub spikes: f64,
    /// Degrees of freedom of the noise; none for a normal one. What has a tail has no memory.
    pub tail: Option<f64>,
    /// Height of a logistic rise in the morning, within half an hour, down again after ten hours.
    pub morning: f64,
    /// Height of a rise from 8 to 18 h, within an hour up and down, on the five working days alone.
    pub office: f64,
    /// Weekday on which the change is made; 0 for Monday.
    pub weekday: usize,
    /// Standard deviation of the step of a random walk of the level.
    pub drift: f64,
    /// Chance that a burst of 3 to 8 runs three times as slow begins.
    pub bursts: f64,
    /// Share of runs that take another path, 2.5 times as slow.
    pub slow_path: f64,
    /// Chance to fail.
    pub fails: f64,
    /// Chance that a row of 2 to 4 failures begins.
    pub failing_rows: f64,
    /// Runs a base interval after the change, as a watch has them: the same noise, looked at more often. What lasts (memory, drift, bursts,
    /// rows of failures) lasts as long in minutes; what strikes one run strikes as many of them.
    pub dense: usize,
}

impl Noise {
    /// A usual journey: a day's wave, some memory, some spikes, two failures in a thousand runs.
    pub const USUAL: Self = Self {
        diurnal: 0.2,
        memory: 0.4,
        spread: 0.2,
        spikes: 0.02,
        tail: None,
        morning: 0.0,
        office: 0.0,
        weekday: 2,
        drift: 0.0,
        bursts: 0.0,
        slow_path: 0.0,
        fails: 0.002,
        failing_rows: 0.0,
        dense: 1,
    };

    /// Nothing but independent normal noise.
    pub const WHITE: Self =
        Self { diurnal: 0.0, memory: 0.0, spread: 0.15, spikes: 0.0, ..Self::USUAL };

    /// The same as rows see it that are `dense` to a base interval.
    pub(super) fn on_rows(&self) -> Self {
        let dense = self.dense.max(1) as f64;
        Self {
            memory: self.memory.powf(1.0 / dense),
            drift: self.drift / dense.sqrt(),
            bursts: self.bursts / dense,
            failing_rows: self.failing_rows / dense,
            ..*self
        }
    }
}
