//! From the tail of a record back to what it tells.

use std::time::Duration;

use crate::{
    model::{
        Attempt, Failure, Hop, MeasureName, Measured, ResourceType, StepName, StepRun, Traffic,
        TypeTraffic, Unwell,
    },
    store::{
        error::Fault,
        names::ReadRevision,
        varint::{Take, torn},
    },
};

use super::{
    super::{decode::phrase, shape::fault_of},
    ABSENT, DECIMAL, DOUBLE, PLACES, tag,
};

/// What the tail tells of the run as a whole.
#[derive(Debug, Default)]
pub(in crate::store::record) struct OfRun {
    pub(in crate::store::record) insecure: bool,
    pub(in crate::store::record) unwell: Option<Unwell>,
}

/// Hands the steps of a run what the tail tells of them, and gives what it tells of the run; sorts that are not known here are passed
/// over.
pub(in crate::store::record) fn restore(
    take: &mut Take<'_>,
    steps: &mut [StepRun],
    revision: &ReadRevision,
) -> Result<OfRun, Fault> {
    let mut of_run = OfRun::default();
    while !take.0.is_empty() {
        let sort = take.uint()?;
        let mut body = Take(take.bytes()?);
        match sort {
            tag::ITERATIONS => each(&mut body, steps, |body, step| {
                step.iteration = Some(body.small()?);
                Ok(())
            })?,
            tag::RETRIES => each(&mut body, steps, |body, step| {
                step.retries = retries(body, revision)?;
                Ok(())
            })?,
            tag::FAILURES => each(&mut body, steps, |body, step| {
                step.failure = Some(Box::new(failure(body, &step.name)?));
                Ok(())
            })?,
            tag::MEASURES => measured(&mut body, steps, revision)?,
            tag::TIMINGS => {
                let mut hops: Vec<&mut Hop> = steps.iter_mut().flat_map(|s| &mut s.hops).collect();
                timings(&mut body, &mut hops, revision)?;
            }
            tag::INSECURE => of_run.insecure = true,
            tag::UNWELL => of_run.unwell = Some(unwell(&mut body)?),
            tag::TRAFFIC => each(&mut body, steps, |body, step| {
                step.traffic = Some(Box::new(traffic(body)?));
                Ok(())
            })?,
            _ => {}
        }
    }
    Ok(of_run)
}

/// The item after so many others, `next` being the first that may be meant.
fn after<'s, T>(
    body: &mut Take<'_>,
    items: &'s mut [T],
    next: &mut usize,
) -> Result<&'s mut T, Fault> {
    let index = next.checked_add(body.small()?).ok_or_else(torn)?;
    *next = index.saturating_add(1);
    items.get_mut(index).ok_or_else(torn)
}

fn each(
    body: &mut Take<'_>,
    steps: &mut [StepRun],
    read: impl Fn(&mut Take<'_>, &mut StepRun) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut next = 0;
    while !body.0.is_empty() {
        let step = after(body, steps, &mut next)?;
        read(body, step)?;
    }
    Ok(())
}

fn retries(body: &mut Take<'_>, revision: &ReadRevision) -> Result<Vec<Attempt>, Fault> {
    let (mut attempts, mut end) = (Vec::new(), 0_u64);
    for _ in 0..body.uint()? {
        let offset = end.wrapping_add(body.int()?.cast_unsigned());
        let duration = body.uint()?;
        let status = match body.uint()? {
            0 => None,
            code => Some(u16::try_from(code - 1).map_err(|_| torn())?),
        };
        let reason = std::str::from_utf8(phrase(body, revision)?.0).map_err(|_| torn())?.to_owned();
        attempts.push(Attempt {
            offset: Duration::from_micros(offset),
            duration: Duration::from_micros(duration),
            status,
            reason,
        });
        end = offset.wrapping_add(duration);
    }
    Ok(attempts)
}

fn traffic(body: &mut Take<'_>) -> Result<Traffic, Fault> {
    let mut traffic = Traffic::default();
    for _ in 0..body.uint()? {
        let (kind, requests, failed, bytes) =
            (body.small::<usize>()?, body.uint()?, body.uint()?, body.uint()?);
        // A sort that a later version knows is another one here.
        let kind = ResourceType::ALL.get(kind).copied().unwrap_or(ResourceType::Other);
        let count = |n: u64| u32::try_from(n).map_err(|_| torn());
        let sort = TypeTraffic { kind, requests: count(requests)?, failed: count(failed)?, bytes };
        traffic.by_type.push(sort);
    }
    Ok(traffic)
}

fn failure(body: &mut Take<'_>, step: &StepName) -> Result<Failure, Fault> {
    Ok(Failure {
        kind: fault_of(body.uint()?)?,
        step: body.maybe_text()?.map_or_else(|| step.clone(), StepName::from),
        message: body.text()?.to_owned(),
        check: body.maybe_text()?,
        expected: body.maybe_text()?,
        actual: body.maybe_text()?,
    })
}

fn unwell(body: &mut Take<'_>) -> Result<Unwell, Fault> {
    let word = body.uint()?;
    Ok(Unwell {
        failed: word & 1 == 1,
        steal_percent: u8::try_from(word >> 1).map_err(|_| torn())?,
        slower_percent: body.small()?,
    })
}

/// What was wrong with us, of a record whose steps were read.
pub(in crate::store::record) fn unwell_of(take: &mut Take<'_>) -> Result<Option<Unwell>, Fault> {
    find(take, tag::UNWELL)?.map(|mut body| unwell(&mut body)).transpose()
}

/// A measure by its step's place in the run, its name and its unit.
pub(in crate::store::record) type Named = (usize, MeasureName, Option<String>);

/// The measures that a text of the revision names.
pub(in crate::store::record) fn names_of(mut text: Take<'_>) -> Result<Vec<Named>, Fault> {
    let mut names = Vec::new();
    while !text.0.is_empty() {
        let step = text.small()?;
        names.push((step, MeasureName::new(text.text()?), text.maybe_text()?));
    }
    Ok(names)
}

fn measured(
    body: &mut Take<'_>,
    steps: &mut [StepRun],
    revision: &ReadRevision,
) -> Result<(), Fault> {
    let names = names_of(phrase(body, revision)?)?;
    for (index, name, unit) in names {
        let (value, note) = value(body)?;
        let step = steps.get_mut(index).ok_or_else(torn)?;
        step.measures.push(Measured { name, unit, value, note });
    }
    Ok(())
}

/// A value, or why there is none.
fn value(body: &mut Take<'_>) -> Result<(Option<f64>, Option<String>), Fault> {
    match body.uint()? {
        ABSENT => Ok((None, body.maybe_text()?)),
        DOUBLE => {
            let bytes = <[u8; 8]>::try_from(body.raw(8)?).map_err(|_| torn())?;
            Ok((Some(f64::from_le_bytes(bytes)).filter(|v| v.is_finite()), None))
        }
        decimal if decimal - DECIMAL <= PLACES => {
            let places = i32::try_from(decimal - DECIMAL).map_err(|_| torn())?;
            #[expect(clippy::cast_precision_loss, reason = "written below 2^53")]
            let whole = body.int()? as f64;
            Ok((Some(whole / 10_f64.powi(places)), None))
        }
        _ => Err(torn()),
    }
}

/// The measures of a record whose steps were read: where their names stand, and their values.
pub(in crate::store::record) fn measures<'a>(
    take: &mut Take<'a>,
) -> Result<Option<Take<'a>>, Fault> {
    find(take, tag::MEASURES)
}

/// What the tail tells of one sort.
fn find<'a>(take: &mut Take<'a>, wanted: u64) -> Result<Option<Take<'a>>, Fault> {
    while !take.0.is_empty() {
        let sort = take.uint()?;
        let body = take.bytes()?;
        if sort == wanted {
            return Ok(Some(Take(body)));
        }
    }
    Ok(None)
}

/// The values of so many measures.
pub(in crate::store::record) fn values(
    body: &mut Take<'_>,
    count: usize,
    mut each: impl FnMut(usize, f64),
) -> Result<(), Fault> {
    for index in 0..count {
        if let Some(value) = value(body)?.0 {
            each(index, value);
        }
    }
    Ok(())
}

fn timings(
    body: &mut Take<'_>,
    hops: &mut [&mut Hop],
    revision: &ReadRevision,
) -> Result<(), Fault> {
    let mut next = 0;
    while !body.0.is_empty() {
        let hop = after(body, hops, &mut next)?;
        let mut names = Vec::new();
        let mut text = phrase(body, revision)?;
        while !text.0.is_empty() {
            names.push(text.text()?.to_owned());
        }
        for name in names {
            hop.server_timing.push((name, Duration::from_micros(body.uint()?)));
        }
    }
    Ok(())
}
