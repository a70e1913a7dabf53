//! Pipelines as things with a name, what is watched of them, and what they should keep.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::ServiceName;

/// A pipeline: the workflow, job or pipeline of one name in one repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PipelineKey {
    /// The repository, as its sender calls it; empty where none was said.
    pub repository: String,
    /// Its name there.
    pub name: String,
}

impl fmt::Display for PipelineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.repository.is_empty() {
            return f.write_str(&self.name);
        }
        write!(f, "{} {}", self.repository, self.name)
    }
}

/// What is watched of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PipelineSignal {
    /// How long its good runs take.
    Duration,
    /// How long a stage of them takes.
    Stage(String),
    /// How many of its runs end well.
    Success,
    /// How long its runs wait for a machine.
    Queue,
    /// How many of its tests say now this, now that of one commit.
    Flaky,
}

impl fmt::Display for PipelineSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duration => f.write_str("duration"),
            Self::Stage(stage) => write!(f, "duration of stage `{stage}`"),
            Self::Success => f.write_str("success"),
            Self::Queue => f.write_str("queue"),
            Self::Flaky => f.write_str("flaky tests"),
        }
    }
}

/// What a finding of a pipeline is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PipelineConcern {
    /// Which pipeline.
    pub pipeline: PipelineKey,
    /// Whose code, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// What of it.
    pub signal: PipelineSignal,
    /// Only of its runs on this branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Only of its runs that this set off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// Whether an objective is missed; else it is not what it was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub objective: bool,
}

/// What a pipeline should keep; what is none is not asked of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PipelineGoals {
    /// The least share of its runs that should end well; 0.95 by default.
    pub success: Option<f64>,
    /// The longest that its good runs should take on average; 10 min by default.
    pub build: Option<Duration>,
    /// The largest share of tests that should be flaky; 0.02 by default.
    pub flaky: Option<f64>,
    /// The longest that its runs should wait on average; 5 min by default.
    pub queue: Option<Duration>,
    /// Fewest runs by which an objective is judged; 20 by default.
    pub min_runs: u32,
    /// Whether shifts of its figures are looked for; on by default.
    pub watch: bool,
}

impl Default for PipelineGoals {
    fn default() -> Self {
        Self {
            success: Some(0.95),
            build: Some(Duration::from_secs(600)),
            flaky: Some(0.02),
            queue: Some(Duration::from_secs(300)),
            min_runs: 20,
            watch: true,
        }
    }
}

/// `[pipelines]`.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineSettings {
    /// What all of them should keep.
    pub goals: PipelineGoals,
    /// Over how long that is judged; 7 days by default.
    pub window: Duration,
    /// What some should keep instead, by the name alone or by repository and name.
    pub named: BTreeMap<String, PipelineGoals>,
}

impl Default for PipelineSettings {
    fn default() -> Self {
        Self {
            goals: PipelineGoals::default(),
            window: Duration::from_secs(7 * 86_400),
            named: BTreeMap::new(),
        }
    }
}

impl PipelineSettings {
    /// What a pipeline should keep: what is said of it with its repository wins over what is said of its name.
    pub fn goals(&self, pipeline: &PipelineKey) -> PipelineGoals {
        let whole = self.named.get(&pipeline.to_string());
        *whole.or_else(|| self.named.get(&pipeline.name)).unwrap_or(&self.goals)
    }
}
