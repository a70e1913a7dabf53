//! Figures of the table: shares with their exact bounds, quantiles.

use statrs::distribution::{Beta, ContinuousCDF};

/// A share with its exact 95% bounds (Clopper & Pearson 1934).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    pub(crate) hits: usize,
    pub(crate) of: usize,
}

impl Share {
    pub(crate) fn value(self) -> f64 {
        if self.of == 0 { f64::NAN } else { self.hits as f64 / self.of as f64 }
    }

    /// The bounds; the upper one alone would be at 97.5%.
    pub(crate) fn bounds(self) -> (f64, f64) {
        let (k, n) = (self.hits as f64, self.of as f64);
        let beta = |a: f64, b: f64, p: f64| Beta::new(a, b).map_or(f64::NAN, |d| d.inverse_cdf(p));
        let low = if self.hits == 0 { 0.0 } else { beta(k, n - k + 1.0, 0.025) };
        let high = if self.hits == self.of { 1.0 } else { beta(k + 1.0, n - k, 0.975) };
        (low, high)
    }

    /// The one-sided upper bound at 95%.
    pub(crate) fn at_most(self) -> f64 {
        if self.hits == self.of {
            return 1.0;
        }
        let (k, n) = (self.hits as f64, self.of as f64);
        Beta::new(k + 1.0, n - k).map_or(f64::NAN, |d| d.inverse_cdf(0.95))
    }

    /// `12.5 [10.1-15.2]`, in percent.
    pub(crate) fn shown(self) -> String {
        let (low, high) = self.bounds();
        format!("{:.1} [{:.1}-{:.1}]", 100.0 * self.value(), 100.0 * low, 100.0 * high)
    }

    /// `12.5`, in percent.
    pub(crate) fn short(self) -> String {
        if self.of == 0 { "-".to_owned() } else { format!("{:.1}", 100.0 * self.value()) }
    }
}

/// A quantile by the nearest rank; none of nothing.
pub(crate) fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = (share * sorted.len() as f64).ceil().max(1.0) as usize - 1;
    sorted.get(index).copied()
}

/// `5/8`: median and 90th percentile.
pub(crate) fn delays(values: &[f64]) -> String {
    match (quantile(values, 0.5), quantile(values, 0.9)) {
        (Some(median), Some(p90)) => format!("{median:.0}/{p90:.0}"),
        _ => "-".to_owned(),
    }
}
