//! Pipelines: their runs, stages, waits and tests. All names come from outside: there are only so many of each, and what is too much is `other`.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    exporter::Exporter,
    family::{Families, Family, Kind},
};

/// Most pipelines, stages and suites that have series of their own.
const PIPELINES: usize = 100;
const STAGES: usize = 400;
const SUITES: usize = 200;
/// Longest name, in characters.
const LONGEST: usize = 120;
/// What takes the names of all others.
const OTHER: &str = "other";

/// From seconds to hours.
pub(super) const BOUNDS: &[f64] = &[
    5.0, 15.0, 30.0, 60.0, 120.0, 180.0, 300.0, 450.0, 600.0, 900.0, 1200.0, 1800.0, 2700.0,
    3600.0, 7200.0, 14_400.0,
];
/// Waits are shorter, mostly.
pub(super) const WAIT_BOUNDS: &[f64] =
    &[1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0];

/// Every family of this file.
pub(super) static FAMILIES: [&Family; 6] = [&DURATION, &STAGE, &RUNS, &QUEUE, &RESULTS, &FLAKY];

static DURATION: Family = Family {
    name: "wayfarer_pipeline_duration_seconds",
    help: "How long runs of pipelines took, from their beginning to their end.",
    labels: &["pipeline", "result"],
    kind: Kind::Histogram(BOUNDS),
};
static STAGE: Family = Family {
    name: "wayfarer_pipeline_stage_duration_seconds",
    help: "How long stages of pipelines took.",
    labels: &["pipeline", "stage"],
    kind: Kind::Histogram(BOUNDS),
};
static RUNS: Family = Family {
    name: "wayfarer_pipeline_runs_total",
    help: "Runs of pipelines, by how they ended and what set them off.",
    labels: &["pipeline", "result", "trigger"],
    kind: Kind::Counter,
};
static QUEUE: Family = Family {
    name: "wayfarer_pipeline_queue_seconds",
    help: "How long runs of pipelines waited for a machine.",
    labels: &["pipeline"],
    kind: Kind::Histogram(WAIT_BOUNDS),
};
static RESULTS: Family = Family {
    name: "wayfarer_pipeline_test_results",
    help: "Results of tests told in the last 7 days, by suite.",
    labels: &["suite", "result"],
    kind: Kind::Gauge,
};
static FLAKY: Family = Family {
    name: "wayfarer_pipeline_flaky_tests_total",
    help: "Tests (jobs where no tests are told) that were called both good and bad of one commit.",
    labels: &["pipeline"],
    kind: Kind::Counter,
};

/// The names that have series of their own.
#[derive(Debug, Default)]
pub(super) struct Named {
    pipelines: BTreeSet<String>,
    stages: BTreeSet<(String, String)>,
}

/// A run of a pipeline that is over.
#[derive(Debug, Clone, Copy)]
pub struct PipelineRunSeen<'a> {
    /// What the pipeline is called.
    pub pipeline: &'a str,
    /// How it ended, one of a few words.
    pub result: &'static str,
    /// What set it off, one of a few words.
    pub trigger: &'static str,
    /// How long it took, in seconds.
    pub took_s: Option<f64>,
    /// How long it waited, in seconds.
    pub waited_s: Option<f64>,
}

impl Named {
    fn pipeline(&mut self, name: &str) -> String {
        let name: String = name.chars().take(LONGEST).collect();
        if self.pipelines.contains(&name) {
            return name;
        }
        if self.pipelines.len() >= PIPELINES {
            return OTHER.to_owned();
        }
        self.pipelines.insert(name.clone());
        name
    }

    fn stage(&mut self, pipeline: &str, stage: &str) -> String {
        let key = (pipeline.to_owned(), stage.chars().take(LONGEST).collect::<String>());
        if !self.stages.contains(&key) {
            if self.stages.len() >= STAGES {
                return OTHER.to_owned();
            }
            self.stages.insert(key.clone());
        }
        key.1
    }
}

impl Exporter {
    /// A run of a pipeline is over.
    pub fn pipeline_run(&self, run: &PipelineRunSeen<'_>) {
        let state = &mut *self.state();
        let name = state.pipelines.pipeline(run.pipeline);
        let families = &mut state.families;
        families.add(&RUNS, &[&name, run.result, run.trigger], 1.0);
        if let Some(seconds) = run.took_s {
            families.observe(&DURATION, &[&name, run.result], seconds);
        }
        if let Some(seconds) = run.waited_s {
            families.observe(&QUEUE, &[&name], seconds);
        }
        // So that a rate of it is nothing, and not missing.
        families.add(&FLAKY, &[&name], 0.0);
    }

    /// A stage of a run is over.
    pub fn pipeline_stage(&self, pipeline: &str, stage: &str, took_s: f64) {
        let state = &mut *self.state();
        let name = state.pipelines.pipeline(pipeline);
        let stage = state.pipelines.stage(&name, stage);
        state.families.observe(&STAGE, &[&name, &stage], took_s);
    }

    /// A test was called both good and bad of one commit.
    pub fn flaky_test(&self, pipeline: &str) {
        let state = &mut *self.state();
        let name = state.pipelines.pipeline(pipeline);
        state.families.add(&FLAKY, &[&name], 1.0);
    }

    /// Shows the results of the tests of the last days: suite and result of each.
    pub fn test_results<'a>(&self, results: impl Iterator<Item = (&'a str, &'static str)>) {
        let mut counts: BTreeMap<(String, &'static str), f64> = BTreeMap::new();
        let mut suites: BTreeSet<String> = BTreeSet::new();
        for (suite, result) in results {
            let mut suite: String = suite.chars().take(LONGEST).collect();
            if !suites.contains(&suite) {
                if suites.len() >= SUITES {
                    OTHER.clone_into(&mut suite);
                } else {
                    suites.insert(suite.clone());
                }
            }
            *counts.entry((suite, result)).or_insert(0.0) += 1.0;
        }
        show(&mut self.state().families, &counts);
    }
}

fn show(families: &mut Families, counts: &BTreeMap<(String, &'static str), f64>) {
    families.retain(&RESULTS, |_| false);
    for ((suite, result), count) in counts {
        families.set(&RESULTS, &[suite, result], *count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hostile_senders_are_bounded() {
        let exporter = Exporter::new("0").unwrap();
        for i in 0..1000 {
            let pipeline = format!("p{i}{}", "x".repeat(300));
            exporter.pipeline_run(&PipelineRunSeen {
                pipeline: &pipeline,
                result: "success",
                trigger: "push",
                took_s: Some(60.0),
                waited_s: Some(f64::MAX),
            });
            exporter.pipeline_stage(&pipeline, &format!("stage {i}"), 10.0);
            exporter.pipeline_stage("p0", &format!("stage {i}"), 10.0);
        }
        let suites: Vec<String> = (0..1000).map(|i| format!("suite {i}\n\"")).collect();
        exporter.test_results(suites.iter().map(|s| (s.as_str(), "success")));
        let text = exporter.text();
        let lines = |name: &str| text.lines().filter(|l| l.starts_with(name)).count();
        // `p0` has a name of its own, and stages alone.
        assert_eq!(lines("wayfarer_pipeline_runs_total{"), PIPELINES);
        assert_eq!(lines("wayfarer_pipeline_test_results{"), SUITES + 1);
        let stages = lines("wayfarer_pipeline_stage_duration_seconds_count{");
        assert!(stages <= STAGES + PIPELINES + 1, "{stages}");
        assert!(text.lines().all(|l| l.len() < 600));
    }
}
