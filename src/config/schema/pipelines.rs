//! `[pipelines]`.

use serde_json::{Value, json};

use super::words::{any, count, default, map, percent, table, time, time_or, truth};
use crate::{
    config::units,
    model::{PipelineGoals, PipelineSettings},
};

/// `[pipelines]`.
pub(super) fn pipelines() -> Value {
    let PipelineSettings { goals: usual, window, .. } = PipelineSettings::default();
    let own = "What one pipeline should keep instead: by its name, or by repository and name, as `\"acme/shop CI\"`.";
    let mut keys = goals(&usual);
    keys.push(("window", time_or("Over how long that is judged.", window)));
    keys.push(("for", map(own, table("What it should keep.", &[], goals_of_one()))));
    table("What the pipelines of software should keep; a miss is a finding.", &[], keys)
}

fn goals(usual: &PipelineGoals) -> Vec<(&'static str, Value)> {
    let share = |value: Option<f64>| json!(format!("{}%", 100.0 * value.unwrap_or_default()));
    let spell = |value: Option<std::time::Duration>| json!(units::spell(value.unwrap_or_default()));
    let [success, build, flaky, queue, runs, watch] = plain();
    vec![
        ("success", default(success, share(usual.success))),
        ("build", default(build, spell(usual.build))),
        ("flaky", default(flaky, share(usual.flaky))),
        ("queue", default(queue, spell(usual.queue))),
        ("min_runs", default(runs, json!(usual.min_runs))),
        ("watch", default(watch, json!(usual.watch))),
    ]
}

/// The same of one pipeline: what it does not say is as for all.
fn goals_of_one() -> Vec<(&'static str, Value)> {
    let [success, build, flaky, queue, runs, watch] = plain();
    vec![
        ("success", success),
        ("build", build),
        ("flaky", flaky),
        ("queue", queue),
        ("min_runs", runs),
        ("watch", watch),
    ]
}

fn plain() -> [Value; 6] {
    let or_none = |about: &str, value: Value| {
        any(about, vec![value, json!({ "const": false, "description": "It is not asked." })])
    };
    [
        or_none("The least share of its runs that should end well.", percent("How many.")),
        or_none("Below this its good runs should take on average.", time("How long.")),
        or_none("Below this should be the share of flaky tests.", percent("How many.")),
        or_none("Below this its runs should wait on average.", time("How long.")),
        count("Fewest runs by which that is judged.", 5..10_000),
        truth("Look for shifts of what it does."),
    ]
}
