//! `every`, or `cron` with `timezone`.

use std::time::Duration;

use crate::{
    config::{
        page::Note,
        reader::Reader,
        value::{At, Entry},
    },
    model::Schedule,
    schedule::{SHORTEST_EVERY, ScheduleFault, compile},
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
            let time: At<Duration> = every.time_within(&(SHORTEST_EVERY..Duration::MAX))?;
            let schedule = Schedule::Every(time.value);
            match compile(&schedule) {
                Ok(_) => Some(schedule),
                Err(fault) => {
                    let label = if time.value < SHORTEST_EVERY { "too short" } else { "too long" };
                    every.refuse(note(time.span, &fault).label(label))
                }
            }
        }
        (None, Some(cron)) => of_cron(&cron, timezone.as_ref()),
    }
}

fn of_cron(cron: &Entry<'_>, timezone: Option<&Entry<'_>>) -> Option<Schedule> {
    // Both are read before either is given up, so that both can be told.
    let zone = timezone.map(Entry::text);
    let expression = cron.text()?;
    let zone = match zone {
        Some(zone) => zone?,
        None => At { value: "UTC".to_owned(), span: cron.span.clone() },
    };
    let schedule = |timezone: &str| Schedule::Cron {
        expression: expression.value.clone(),
        timezone: timezone.to_owned(),
    };
    match compile(&schedule(&zone.value)) {
        Ok(_) => return Some(schedule(&zone.value)),
        Err(fault) if fault.blames_timezone() => {
            cron.page.note(note(zone.span, &fault).label("not a time zone"));
        }
        Err(_) => {}
    }
    // The expression may be wrong as well.
    let fault = compile(&schedule("UTC")).err()?;
    cron.refuse(note(expression.span, &fault).label("not a schedule"))
}

fn note(span: std::ops::Range<usize>, fault: &ScheduleFault) -> Note {
    Note::new(span, fault.message()).maybe_help(fault.advice().map(str::to_owned))
}
