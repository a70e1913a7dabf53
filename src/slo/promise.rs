//! What a journey promises in an environment, for tools that are told of it.

use crate::model::{EnvironmentName, Journey, JourneyName, Slo};

/// An objective, and what others should know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Promise {
    /// The journey.
    pub journey: JourneyName,
    /// Where.
    pub environment: EnvironmentName,
    /// What.
    pub slo: Slo,
    /// Who looks after it.
    pub owner: Option<String>,
    /// What to do when it is broken.
    pub runbook: Option<String>,
}

impl Promise {
    /// What a journey promises, once for each of its environments.
    pub fn of(journey: &Journey) -> Vec<Self> {
        let Some(slo) = journey.slo else { return Vec::new() };
        let of = |environment: &EnvironmentName| Self {
            journey: journey.name.clone(),
            environment: environment.clone(),
            slo,
            owner: journey.owner.clone(),
            runbook: journey.runbook.clone(),
        };
        journey.environments.iter().map(of).collect()
    }

    /// A name of its own among all of them.
    pub fn id(&self) -> String {
        format!("{}-{}", self.journey, self.environment)
    }

    /// The share of runs that should be good, as a decimal: `0.999`.
    pub fn objective(&self) -> String {
        decimal(self.slo.objective_percent / 100.0)
    }

    /// The share that may be bad, as a decimal: `0.001`.
    pub fn budget(&self) -> String {
        decimal(1.0 - self.slo.objective_percent / 100.0)
    }
}

/// A number as a person would write it, without what binary leaves behind: `0.001`, not `0.0009999999999999432`.
pub(super) fn decimal(value: f64) -> String {
    let text = format!("{value:.10}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A text between double quotes, as YAML, JSON and PromQL read it.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimals() {
        for (percent, objective, budget) in
            [(99.9, "0.999", "0.001"), (99.95, "0.9995", "0.0005"), (90.0, "0.9", "0.1")]
        {
            assert_eq!(decimal(percent / 100.0), objective);
            assert_eq!(decimal(1.0 - percent / 100.0), budget);
        }
        assert_eq!(decimal(14.4), "14.4");
        assert_eq!(quoted("a\"b\n"), r#""a\"b\n""#);
    }
}
