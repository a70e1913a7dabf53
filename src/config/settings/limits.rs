//! `[watch]`, `[detect]` and `[retention]`: figures within limits.

use std::{ops::Range, time::Duration};

use crate::{
    config::{page::Note, reader::Reader},
    model::{Detect, Retention, Watch},
};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// `[watch]`.
pub(super) fn watch(top: &Reader<'_>) -> Watch {
    let mut watch = Watch::default();
    let Some(table) = top.table("watch") else { return watch };
    set(&mut watch.window, table.duration("window", SECOND..DAY * 7));
    if let Some(runs) = table.count("min_runs", 1..100_000) {
        watch.min_runs = u32::try_from(runs.value).unwrap_or(u32::MAX);
    }
    set(&mut watch.smoke, table.boolean("smoke"));
    if let Some(entry) = table.take("burst") {
        match entry.value.as_bool() {
            Some(false) => watch.burst = None,
            Some(true) => entry
                .wrong_type("a time such as \"10s\", or false for no denser probing")
                .unwrap_or_default(),
            None => {
                let limits = crate::schedule::SHORTEST_EVERY..DAY;
                watch.burst = entry.duration(limits).map(|every| every.value).or(watch.burst);
            }
        }
    }
    set(&mut watch.overdue, table.duration("overdue", Duration::from_secs(60)..DAY * 7));
    set(&mut watch.settle, table.duration("settle", Duration::ZERO..DAY));
    table.finish();
    watch
}

/// `[detect]`.
pub(super) fn detect(top: &Reader<'_>) -> Detect {
    let mut detect = Detect::default();
    let Some(table) = top.table("detect") else { return detect };
    if let Some(latency) = table.table("latency") {
        set(&mut detect.latency_relative, latency.take("relative").and_then(|e| e.percent(10.0)));
        let limits = Duration::from_millis(1)..Duration::from_secs(600);
        detect.latency_absolute = latency.duration("absolute", limits).map(|at| at.value);
        latency.finish();
    }
    if let Some(success) = table.table("success") {
        set(&mut detect.success_drop, success.take("drop").and_then(|e| e.percent(1.0)));
        success.finish();
    }
    if let Some(confidence) = table.number("confidence") {
        if (0.5..1.0).contains(&confidence.value) {
            detect.confidence = confidence.value;
        } else {
            let note = Note::new(confidence.span, "`confidence` must be at least 0.5 and below 1");
            table.note(
                note.label("impossible")
                    .help("0.995 means at most one false verdict in 200 changes"),
            );
        }
    }
    table.finish();
    detect
}

/// `[retention]`.
pub(super) fn retention(top: &Reader<'_>) -> Retention {
    let mut retention = Retention::default();
    let Some(table) = top.table("retention") else { return retention };
    let limits: Range<Duration> = Duration::from_secs(60)..DAY * 3650;
    set(&mut retention.runs, table.duration("runs", limits.clone()));
    let evidence = table.duration("evidence", limits.clone());
    set(&mut retention.rollups, table.duration("rollups", limits));
    let sizes = 1 << 20..1 << 40;
    set(&mut retention.evidence_max, table.take("evidence_max").and_then(|e| e.size(sizes)));
    if let Some(evidence) = evidence {
        if evidence.value > retention.runs {
            let note = Note::new(
                evidence.span.clone(),
                "`evidence` is kept longer than the runs it belongs to",
            );
            table.note(
                note.label("longer than `runs`")
                    .help("`evidence` can be at most as long as `runs`"),
            );
        }
        retention.evidence = evidence.value;
    } else {
        retention.evidence = retention.evidence.min(retention.runs);
    }
    table.finish();
    retention
}

fn set<T>(field: &mut T, read: Option<crate::config::value::At<T>>) {
    if let Some(read) = read {
        *field = read.value;
    }
}
