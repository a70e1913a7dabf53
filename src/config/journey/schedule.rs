//! `every`, or `cron` with `timezone`.

use std::time::Duration;

use crate::{
    config::{page::Note, reader::Reader, value::At},
    model::Schedule,
    schedule::{LONGEST_EVERY, SHORTEST_EVERY, ScheduleFault, compile},
};

/// Lowers the keys and has the schedule compiled.
pub(super) fn lower(top: &Reader<'_>) -> Option<Schedule> {
    let every = top.take("every");
    let cron = top.take("cron");
    let timezone = top.take("timezone");
    match (every, cron) {
        (None, None) => {
            let note = top
                .fault("the file does not say when the journey runs")
                .label("no `every`, no `cron`");
            top.note(
                note.help("add `every = \"60s\"` or `cron = \"*/5 8-18 * * MON-FRI\"`").derived(),
            );
            None
        }
        (Some(_), Some(cron)) => cron.refuse(
            Note::new(cron.key_span.clone(), "a journey has either `every` or `cron`")
                .label("also says when it runs")
                .help("remove one of the two"),
        ),
        (Some(every), None) => {
            if let Some(zone) = timezone {
                let note = Note::new(
                    zone.key_span.clone(),
                    "`timezone` goes with `cron`, not with `every`",
                );
                top.note(note.label("has no meaning here").help("remove it"));
            }
            let time: At<Duration> = every.any_duration()?;
            let schedule = Schedule::Every(time.value);
            match compile(&schedule) {
                Ok(_) => Some(schedule),
                Err(fault) => {
                    let label = if time.value < SHORTEST_EVERY { "too short" } else { "too long" };
                    debug_assert!(time.value < SHORTEST_EVERY || time.value > LONGEST_EVERY);
                    every.refuse(note(time.span, &fault).label(label))
                }
            }
        }
        (None, Some(cron)) => {
            let zone = match &timezone {
                Some(zone) => Some(zone.text()?),
                None => None,
            };
            let expression = cron.text()?;
            let schedule = Schedule::Cron {
                expression: expression.value,
                timezone: zone.as_ref().map_or("UTC".to_owned(), |zone| zone.value.clone()),
            };
            let Err(fault) = compile(&schedule) else { return Some(schedule) };
            match zone.filter(|_| fault.blames_timezone()) {
                Some(zone) => {
                    top.note(note(zone.span, &fault).label("not a time zone"));
                    // The expression may be wrong as well.
                    let Schedule::Cron { expression: text, .. } = schedule else { return None };
                    let alone = Schedule::Cron { expression: text, timezone: "UTC".to_owned() };
                    if let Err(fault) = compile(&alone) {
                        top.note(note(expression.span, &fault).label("not a schedule"));
                    }
                }
                None => top.note(note(expression.span, &fault).label("not a schedule")),
            }
            None
        }
    }
}

fn note(span: std::ops::Range<usize>, fault: &ScheduleFault) -> Note {
    Note::new(span, fault.message()).maybe_help(fault.advice().map(str::to_owned))
}
