//! The tail of a record of version 2: what few runs have, each sort behind a number and its length, so that a reader that does
//! not know a sort passes over it.
//!
//! ```text
//! iterations (1): for each step that has one: steps since the last such | iteration
//! retries    (2): for each step that has any: steps since | attempts, each: gap to the one before | duration | status + 1 | reason
//! failures   (3): for each step that has one: steps since | kind | its own name: 0, or 1 and another | message, check, expected, actual
//! measures   (4): names: for each measure its step, name and unit, as one text of the revision | for each its value
//! timings    (5): for each hop that has any: hops since | names, as one text of the revision | for each its duration
//! insecure   (6): 1, if certificates were not verified
//! unwell     (7): whether our self-check failed (lowest bit) and the percentage of processor time stolen
//!               | how long the self-check took, in percent of its usual time
//! traffic    (8): for each browser step: steps since | sorts, each: its number | requests | failed | bytes
//! ```
//!
//! Texts of the revision are a number + 1, or 0 and the text itself. A value is 0 and why there is none; 1 and the eight bytes of
//! an IEEE 754 double, least significant first; or 2 + n and a whole number that was multiplied by ten n times: prices are short.

mod read;

use crate::{
    model::{Failure, Measured, ResourceType, Run, StepOutcome, StepRun},
    store::{
        dictionary::{Dictionary, Sort},
        varint::Put,
    },
};

use super::{
    encode::reference,
    kept::{MESSAGE_BYTES, TIMINGS, WORD_BYTES, clip, length},
    shape::fault_code,
};

pub(super) use read::{Named, OfRun, measures, names_of, restore, unwell_of, values};

/// The numbers of the sorts, for ever.
pub(super) mod tag {
    pub(in crate::store::record) const ITERATIONS: u64 = 1;
    pub(in crate::store::record) const RETRIES: u64 = 2;
    pub(in crate::store::record) const FAILURES: u64 = 3;
    pub(in crate::store::record) const MEASURES: u64 = 4;
    pub(in crate::store::record) const TIMINGS: u64 = 5;
    pub(in crate::store::record) const INSECURE: u64 = 6;
    pub(in crate::store::record) const UNWELL: u64 = 7;
    pub(in crate::store::record) const TRAFFIC: u64 = 8;
}

/// Before a value that there is none of, and before one that is written as it is; beyond these decimals.
pub(super) const ABSENT: u64 = 0;
pub(super) const DOUBLE: u64 = 1;
pub(super) const DECIMAL: u64 = 2;
/// Most decimals that are tried.
pub(super) const PLACES: u64 = 9;

/// Writes the tail; whether the record needs version 2: it has one, or a step was skipped.
pub(super) fn put_tail(put: &mut Put, dictionary: &mut Dictionary, run: &Run) -> bool {
    let skipped = run.steps.iter().any(|s| s.outcome == StepOutcome::Skipped);
    let sorts = [
        (tag::ITERATIONS, iterations(run)),
        (tag::RETRIES, retries(run, dictionary)),
        (tag::FAILURES, failures(run)),
        (tag::MEASURES, measured(run, dictionary)),
        (tag::TIMINGS, timings(run, dictionary)),
        (tag::INSECURE, insecure(run)),
        (tag::UNWELL, unwell(run)),
        (tag::TRAFFIC, traffic(run)),
    ];
    let mut any = skipped;
    for (tag, body) in sorts.into_iter().filter(|(_, body)| !body.0.is_empty()) {
        put.uint(tag);
        put.bytes(&body.0);
        any = true;
    }
    any
}

/// Calls `each` with the steps that `wanted` wants, after the number of others since the last such.
fn for_each(
    run: &Run,
    wanted: impl Fn(&StepRun) -> bool,
    mut each: impl FnMut(&mut Put, &StepRun),
) -> Put {
    let (mut put, mut since) = (Put::default(), 0);
    for step in &run.steps {
        if wanted(step) {
            put.uint(since);
            each(&mut put, step);
            since = 0;
        } else {
            since += 1;
        }
    }
    put
}

fn insecure(run: &Run) -> Put {
    let mut put = Put::default();
    if run.insecure {
        put.uint(1);
    }
    put
}

fn traffic(run: &Run) -> Put {
    for_each(
        run,
        |s| s.traffic.is_some(),
        |put, step| {
            let sorts = step.traffic.as_ref().map_or(&[][..], |traffic| &traffic.by_type);
            let sorts = &sorts[..sorts.len().min(ResourceType::ALL.len())];
            put.uint(sorts.len() as u64);
            for sort in sorts {
                put.uint(sort.kind as u64);
                put.uint(sort.requests.into());
                put.uint(sort.failed.into());
                put.uint(sort.bytes);
            }
        },
    )
}

fn unwell(run: &Run) -> Put {
    let mut put = Put::default();
    if let Some(unwell) = &run.unwell {
        put.uint(u64::from(unwell.failed) | u64::from(unwell.steal_percent) << 1);
        put.uint(u64::from(unwell.slower_percent));
    }
    put
}

fn iterations(run: &Run) -> Put {
    for_each(run, |s| s.iteration.is_some(), |put, s| put.uint(s.iteration.unwrap_or(0).into()))
}

fn retries(run: &Run, dictionary: &mut Dictionary) -> Put {
    for_each(
        run,
        |s| !s.retries.is_empty(),
        |put, step| {
            put.uint(step.retries.len() as u64);
            let mut end = 0_u64;
            for attempt in &step.retries {
                let (offset, duration) = (length(attempt.offset), length(attempt.duration));
                put.int(offset.wrapping_sub(end).cast_signed());
                put.uint(duration);
                put.uint(attempt.status.map_or(0, |s| u64::from(s) + 1));
                let reason = clip(&attempt.reason, MESSAGE_BYTES);
                reference(put, dictionary, Sort::Line, reason.as_bytes());
                end = offset.wrapping_add(duration);
            }
        },
    )
}

fn failures(run: &Run) -> Put {
    for_each(
        run,
        |s| s.failure.is_some(),
        |put, step| {
            if let Some(failure) = &step.failure {
                put_failure(put, step, failure);
            }
        },
    )
}

fn put_failure(put: &mut Put, step: &StepRun, failure: &Failure) {
    put.uint(fault_code(failure.kind));
    put.maybe_text(Some(failure.step.as_str()).filter(|name| *name != step.name.as_str()));
    put.text(&clip(&failure.message, MESSAGE_BYTES));
    for text in [&failure.check, &failure.expected, &failure.actual] {
        put.maybe_text(text.as_deref().map(|t| clip(t, MESSAGE_BYTES)).as_deref());
    }
}

fn measured(run: &Run, dictionary: &mut Dictionary) -> Put {
    let (mut names, mut values) = (Put::default(), Put::default());
    for (index, step) in run.steps.iter().enumerate() {
        for Measured { name, unit, value, note } in &step.measures {
            names.uint(index as u64);
            names.text(name.as_str());
            names.maybe_text(unit.as_deref().map(|u| clip(u, WORD_BYTES)).as_deref());
            match value.filter(|v| v.is_finite()) {
                Some(value) => put_value(&mut values, value),
                None => {
                    values.uint(ABSENT);
                    let note = note.as_deref().map(|n| clip(n, MESSAGE_BYTES));
                    values.maybe_text(note.as_deref());
                }
            }
        }
    }
    let mut put = Put::default();
    if !names.0.is_empty() {
        reference(&mut put, dictionary, Sort::Shape, &names.0);
        put.0.extend(values.0);
    }
    put
}

/// A number as few bytes: exactly this one is read again.
fn put_value(put: &mut Put, value: f64) {
    /// Whole numbers up to here are exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let mut scale = 1.0;
    for places in 0..=PLACES {
        let scaled = (value * scale).round();
        if scaled.abs() >= EXACT {
            break;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
        let whole = scaled as i64;
        #[expect(clippy::cast_precision_loss, reason = "as above")]
        if (whole as f64 / scale).to_bits() == value.to_bits() {
            put.uint(DECIMAL + places);
            put.int(whole);
            return;
        }
        scale *= 10.0;
    }
    put.uint(DOUBLE);
    put.0.extend_from_slice(&value.to_le_bytes());
}

fn timings(run: &Run, dictionary: &mut Dictionary) -> Put {
    let (mut put, mut since) = (Put::default(), 0);
    for hop in run.steps.iter().flat_map(|s| &s.hops) {
        if hop.server_timing.is_empty() {
            since += 1;
            continue;
        }
        let kept = &hop.server_timing[..hop.server_timing.len().min(TIMINGS)];
        let mut names = Put::default();
        kept.iter().for_each(|(name, _)| names.text(&clip(name, WORD_BYTES)));
        put.uint(since);
        reference(&mut put, dictionary, Sort::Line, &names.0);
        kept.iter().for_each(|(_, took)| put.uint(length(*took)));
        since = 0;
    }
    put
}
