//! One probe as the numeric core sees it.

/// One probe of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When it was made, in seconds since 1970.
    pub at_s: f64,
    /// Natural logarithm of its time in milliseconds, where it succeeded and took a positive, finite time.
    pub ln_ms: Option<f64>,
    /// Whether it succeeded, where that is known.
    pub ok: Option<bool>,
    /// The kind of its failure, where it failed and that is known: equal numbers, equal kinds.
    pub kind: Option<u64>,
}

/// Which way a shift is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Slower, or failing more often.
    Worse,
    /// Faster, or failing less often.
    Better,
}

/// Logarithms of milliseconds beyond these (2 ns, 7 million years) are readings gone wrong: they are pulled back so that
/// sums stay finite.
const LN_MS: (f64, f64) = (-13.0, 40.0);

impl Point {
    /// From what a prober measured: `ms` counts only where it is positive, finite and the probe did not fail.
    pub fn measured(at_s: f64, ms: Option<f64>, ok: Option<bool>) -> Self {
        let ln_ms = ms.filter(|ms| ms.is_finite() && *ms > 0.0 && ok != Some(false)).map(f64::ln);
        Self { at_s, ln_ms, ok, kind: None }
    }

    /// The same, where it failed in this way.
    #[must_use]
    pub fn of_kind(self, kind: u64) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// The kind of its failure; none where it did not fail or that is not known.
    pub(super) fn failure(&self) -> Option<u64> {
        self.kind.filter(|_| self.ok == Some(false))
    }

    /// The usable logarithm with its sign turned for [`Direction::Better`]; NaN where there is none.
    pub(super) fn level(&self, direction: Direction) -> f64 {
        match self.ln_ms {
            Some(ln) if ln.is_finite() => direction.sign() * ln.clamp(LN_MS.0, LN_MS.1),
            _ => f64::NAN,
        }
    }

    /// Whether its time may stand in a baseline: it has one and did not fail.
    pub(super) fn is_good(&self) -> bool {
        self.ln_ms.is_some_and(f64::is_finite) && self.ok != Some(false)
    }
}

impl Direction {
    /// 1 for worse, -1 for better: latency is judged mirrored.
    pub(super) fn sign(self) -> f64 {
        match self {
            Self::Worse => 1.0,
            Self::Better => -1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_that_can_be_are_kept() {
        for (ms, ok, kept) in [
            (Some(100.0), Some(true), true),
            (Some(100.0), None, true),
            (Some(100.0), Some(false), false),
            (Some(0.0), Some(true), false),
            (Some(-1.0), Some(true), false),
            (Some(f64::NAN), Some(true), false),
            (Some(f64::INFINITY), Some(true), false),
            (None, Some(true), false),
        ] {
            assert_eq!(Point::measured(0.0, ms, ok).ln_ms.is_some(), kept, "{ms:?} {ok:?}");
        }
    }
}
