//! `[pipelines]`: what pipelines should keep.

use std::time::Duration;

use crate::{
    config::{
        reader::Reader,
        value::{At, Entry},
    },
    model::{PipelineGoals, PipelineSettings},
};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
/// Over how long objectives may be judged: runs are read so far back.
const WINDOW: std::ops::Range<Duration> =
    Duration::from_secs(3600)..Duration::from_secs(30 * 86_400);

/// `[pipelines]` with its `[pipelines.for.NAME]`.
pub(super) fn lower(top: &Reader<'_>) -> PipelineSettings {
    let mut settings = PipelineSettings::default();
    let Some(table) = top.table("pipelines") else { return settings };
    settings.goals = goals(&table, settings.goals);
    if let Some(window) = table.duration("window", WINDOW) {
        settings.window = window.value;
    }
    let named = table.table("for");
    for entry in named.as_ref().map(Reader::entries).unwrap_or_default() {
        let key = entry.key.trim().to_owned();
        let Some(reader) = entry.table(format!("pipelines.for.{}", entry.key)) else { continue };
        let own = goals(&reader, settings.goals);
        reader.finish();
        settings.named.insert(key, own);
    }
    table.finish();
    settings
}

/// Goals as a table says them; what it does not say stays as it is.
fn goals(table: &Reader<'_>, usual: PipelineGoals) -> PipelineGoals {
    let mut goals = usual;
    let time = |e: &Entry<'_>| e.duration(SECOND..DAY * 7);
    let share = |e: &Entry<'_>| e.percent(1.0);
    set(&mut goals.success, table.take("success"), share, "a share such as \"95%\"");
    set(&mut goals.build, table.take("build"), time, "a time such as \"10m\"");
    set(&mut goals.flaky, table.take("flaky"), share, "a share such as \"2%\"");
    set(&mut goals.queue, table.take("queue"), time, "a time such as \"5m\"");
    if let Some(runs) = table.count("min_runs", 5..10_000) {
        goals.min_runs = u32::try_from(runs.value).unwrap_or(u32::MAX);
    }
    if let Some(watch) = table.boolean("watch") {
        goals.watch = watch.value;
    }
    goals
}

/// An objective: its value, or `false` to ask nothing.
fn set<T>(
    goal: &mut Option<T>,
    entry: Option<Entry<'_>>,
    read: impl Fn(&Entry<'_>) -> Option<At<T>>,
    wanted: &str,
) {
    let Some(entry) = entry else { return };
    match entry.value.as_bool() {
        Some(false) => *goal = None,
        Some(true) => {
            let wanted = format!("{wanted}, or false to ask nothing");
            entry.wrong_type::<()>(&wanted).unwrap_or_default();
        }
        None => {
            if let Some(read) = read(&entry) {
                *goal = Some(read.value);
            }
        }
    }
}
