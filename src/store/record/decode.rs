//! From bytes to a run, or to the little of it that the correlation needs.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    model::{
        AssertionResult, Deployed, Failure, Hop, Outcome, Parts, Phases, Probe, Run, RunId,
        SeriesKey, Signature, StepName, StepOutcome, StepRun,
    },
    store::{
        error::Fault,
        names::ReadRevision,
        varint::{Take, torn},
    },
};

use super::{
    EXTENDED, PLAIN,
    parts::{self, Layouts},
    shape::{
        OTHER, PROTOCOLS, RUN_TRACED, RUN_UNWELL, Shape, fault_of, hop_flag, step_flag, trigger_of,
    },
    tail,
};

/// The front of a record: what tells whose names the rest needs.
#[derive(Debug, Clone)]
pub(in crate::store) struct Head<'a> {
    /// Whether there may be a tail.
    extended: bool,
    flags: u64,
    /// The id of the revision.
    pub(in crate::store) revision: i64,
    late: u64,
    duration: u64,
    /// The id of the set of deployed versions.
    pub(in crate::store) deployed: i64,
    /// The number of the shape; none where it stands in the record.
    shape: Option<u32>,
    rest: Take<'a>,
}

impl<'a> Head<'a> {
    /// Reads the front.
    pub(in crate::store) fn read(record: &'a [u8]) -> Result<Self, Fault> {
        let (&version, rest) = record.split_first().ok_or_else(torn)?;
        if ![PLAIN, EXTENDED].contains(&version) {
            let reason = format!("format {version} is not known here");
            return Err(Fault::unreadable("a stored record", reason));
        }
        let mut take = Take(rest);
        let flags = take.uint()?;
        let revision = take.uint()?.cast_signed();
        let late = take.uint()?;
        let duration = take.uint()?;
        let deployed = take.uint()?.cast_signed();
        let shape = match take.small::<u32>()? {
            0 => None,
            number => Some(number - 1),
        };
        let extended = version == EXTENDED;
        Ok(Self { extended, flags, revision, late, duration, deployed, shape, rest: take })
    }

    /// Whether the run failed.
    fn failed(&self) -> bool {
        self.flags & 3 == 1
    }

    /// Whether what was wrong with us explains how the run ended.
    fn explained(&self, revision: &ReadRevision) -> Result<bool, Fault> {
        if !self.extended || self.flags & RUN_UNWELL == 0 {
            return Ok(false);
        }
        let mut head = self.clone();
        let shape = head.shape(revision)?;
        let outcome = head.outcome(&shape)?;
        parts::pass_over(&mut head.rest, shape.steps.len())?;
        let unwell = tail::unwell_of(&mut head.rest)?;
        Ok(unwell.is_some_and(|unwell| unwell.explains(&outcome)))
    }

    /// How the run ended.
    fn outcome(&mut self, shape: &Shape) -> Result<Outcome, Fault> {
        let take = &mut self.rest;
        match self.flags & 3 {
            0 => Ok(Outcome::Passed),
            1 => Ok(Outcome::Failed(failure(take, shape)?)),
            2 => Ok(Outcome::Broken { reason: take.text()?.to_owned() }),
            _ => Err(torn()),
        }
    }

    fn shape(&mut self, revision: &ReadRevision) -> Result<Shape, Fault> {
        match self.shape {
            None => Shape::read(self.rest.bytes()?),
            Some(number) => Shape::read(revision.phrase(number).ok_or_else(torn)?),
        }
    }
}

/// The point of its series that a run is; with the times of its parts where `layouts` is given.
pub(in crate::store) fn probe(
    mut head: Head<'_>,
    at: Timestamp,
    revision: &ReadRevision,
    layouts: Option<&mut Layouts>,
) -> Result<Probe, Fault> {
    let milliseconds = |us: u64| Duration::from_micros(us).as_secs_f64() * 1000.0;
    let passed = head.flags & 3 == 0;
    let late_ms = milliseconds(head.late);
    if head.explained(revision)? {
        // Our own trouble tells nothing of the target.
        return Ok(Probe {
            at,
            latency_ms: None,
            success: None,
            late_ms,
            signature: None,
            revision: Some(revision.revision.clone()),
            parts: Parts::default(),
        });
    }
    let known = passed || head.failed();
    let place = head.shape.map(|number| (head.revision, number));
    // A shape that stands in the record must be read to know where the rest begins.
    let shape = if head.failed() || (known && place.is_none() && layouts.is_some()) {
        Some(head.shape(revision)?)
    } else {
        None
    };
    let mut signature = None;
    if let Some(shape) = shape.as_ref().filter(|_| !passed) {
        let failure = failure(&mut head.rest, shape)?;
        let steps = walked(&mut head.rest.clone(), shape, revision)?;
        signature = Some(Signature::of(&failure, &steps));
    }
    let parts = match layouts.filter(|_| known) {
        None => Parts::default(),
        Some(layouts) => {
            layouts.read(&mut head.rest, (place, shape.as_ref()), head.extended, revision)?
        }
    };
    Ok(Probe {
        at,
        latency_ms: passed.then(|| milliseconds(head.duration)),
        success: if passed { Some(true) } else { head.failed().then_some(false) },
        late_ms,
        signature,
        revision: Some(revision.revision.clone()),
        parts,
    })
}

/// The whole run, without its evidence.
pub(in crate::store) fn run(
    mut head: Head<'_>,
    key: (RunId, Timestamp, &SeriesKey),
    revision: &ReadRevision,
    deployed: &[Deployed],
) -> Result<Run, Fault> {
    let (id, started_at, series) = key;
    let shape = head.shape(revision)?;
    let outcome = head.outcome(&shape)?;
    let take = &mut head.rest;
    let mut steps = walked(take, &shape, revision)?;
    let of_run = if head.extended {
        tail::restore(take, &mut steps, revision)?
    } else {
        tail::OfRun::default()
    };
    Ok(Run {
        id,
        journey: series.journey.clone(),
        environment: series.environment.clone(),
        location: series.location.clone(),
        revision: revision.revision.clone(),
        trigger: trigger_of(head.flags >> 2),
        started_at,
        late_by: Duration::from_micros(head.late),
        duration: Duration::from_micros(head.duration),
        outcome,
        steps,
        deployed: deployed.to_vec(),
        insecure: of_run.insecure,
        traced: head.flags & RUN_TRACED != 0,
        evidence: None,
        unwell: of_run.unwell,
    })
}

/// The steps as far as they stand before the tail.
fn walked(
    take: &mut Take<'_>,
    shape: &Shape,
    revision: &ReadRevision,
) -> Result<Vec<StepRun>, Fault> {
    let mut trail = Trail { version: Some(PROTOCOLS[0].to_owned()), ..Trail::default() };
    let mut steps = Vec::with_capacity(shape.steps.len());
    for (name, checks) in &shape.steps {
        steps.push(step(take, (name.clone(), checks), &mut trail, revision)?);
    }
    Ok(steps)
}

fn failed_step(take: &mut Take<'_>, shape: &Shape) -> Result<StepName, Fault> {
    match take.small::<usize>()? {
        0 => Ok(StepName::new(take.text()?)),
        index => shape.steps.get(index - 1).map(|(name, _)| name.clone()).ok_or_else(torn),
    }
}

fn failure(take: &mut Take<'_>, shape: &Shape) -> Result<Failure, Fault> {
    Ok(Failure {
        step: failed_step(take, shape)?,
        kind: fault_of(take.uint()?)?,
        message: take.text()?.to_owned(),
        check: take.maybe_text()?,
        expected: take.maybe_text()?,
        actual: take.maybe_text()?,
    })
}

/// What the hop and the step before were like.
#[derive(Default)]
struct Trail {
    end: u64,
    version: Option<String>,
    peer: Option<SocketAddr>,
    certificate: Option<Timestamp>,
}

fn step(
    take: &mut Take<'_>,
    (name, checks): (StepName, &[String]),
    trail: &mut Trail,
    revision: &ReadRevision,
) -> Result<StepRun, Fault> {
    let flags = take.uint()?;
    let outcome = match flags & 3 {
        0 => StepOutcome::Passed,
        1 => StepOutcome::Failed,
        2 => StepOutcome::Broken,
        _ => StepOutcome::Skipped,
    };
    let offset = trail.end.wrapping_add(take.int()?.cast_unsigned());
    let number_of_hops = if flags & step_flag::HOPS != 0 { take.uint()? } else { 1 };
    let beyond = if flags & step_flag::DURATION != 0 { take.int()? } else { 0 };
    let mut assertions: Vec<_> = checks
        .iter()
        .cloned()
        .map(|check| AssertionResult { check, passed: true, expected: None, actual: None })
        .collect();
    if flags & step_flag::ASSERTIONS != 0 {
        for _ in 0..take.uint()? {
            let failed = assertions.get_mut(take.small::<usize>()?).ok_or_else(torn)?;
            failed.passed = false;
            failed.expected = take.maybe_text()?;
            failed.actual = take.maybe_text()?;
        }
    }
    let mut captures = Vec::new();
    if flags & step_flag::CAPTURES != 0 {
        for _ in 0..take.uint()? {
            captures.push((take.text()?.to_owned(), take.text()?.to_owned()));
        }
    }
    let (mut hops, mut expected, mut sum) = (Vec::new(), offset, 0_u64);
    for _ in 0..number_of_hops {
        let (hop, duration) = hop(take, trail, &mut expected, revision)?;
        sum = sum.wrapping_add(duration);
        hops.push(hop);
    }
    let duration = sum.wrapping_add(beyond.cast_unsigned());
    trail.end = offset.wrapping_add(duration);
    Ok(StepRun {
        name,
        offset: Duration::from_micros(offset),
        duration: Duration::from_micros(duration),
        outcome,
        hops,
        assertions,
        captures,
        iteration: None,
        retries: Vec::new(),
        failure: None,
        measures: Vec::new(),
        traffic: None,
    })
}

fn hop(
    take: &mut Take<'_>,
    trail: &mut Trail,
    expected: &mut u64,
    revision: &ReadRevision,
) -> Result<(Hop, u64), Fault> {
    let flags = take.uint()?;
    let status = if flags & hop_flag::STATUS == 0 {
        Some(200)
    } else {
        match take.uint()? {
            0 => None,
            code => Some(u16::try_from(code - 1).map_err(|_| torn())?),
        }
    };
    if flags & hop_flag::CONNECTION != 0 {
        let mut connection = phrase(take, revision)?;
        trail.peer = peer(&mut connection)?;
        trail.version = version(&mut connection)?;
        trail.certificate = match connection.uint()? {
            0 => None,
            _ => Some(Timestamp::from_second(connection.int()?).map_err(|_| torn())?),
        };
    }
    let gap = if flags & hop_flag::GAP != 0 { take.int()? } else { 0 };
    let offset = expected.wrapping_add(gap.cast_unsigned());
    let mut line = phrase(take, revision)?;
    let (method, url) = (line.text()?.to_owned(), line.text()?.to_owned());
    let mut connecting = [0; 3];
    if flags & hop_flag::CONNECT != 0 {
        for phase in &mut connecting {
            *phase = take.uint()?;
        }
    }
    let [resolve, connect, tls] = connecting;
    let (processing, transfer, body_bytes) = (take.uint()?, take.uint()?, take.uint()?);
    let beyond = if flags & hop_flag::DURATION != 0 { take.int()? } else { 0 };
    let all = [resolve, connect, tls, processing, transfer, beyond.cast_unsigned()];
    let duration = all.iter().fold(0_u64, |sum, part| sum.wrapping_add(*part));
    *expected = offset.wrapping_add(duration);
    let hop = Hop {
        method,
        url,
        status,
        version: trail.version.clone(),
        offset: Duration::from_micros(offset),
        duration: Duration::from_micros(duration),
        phases: Phases {
            resolve: Duration::from_micros(resolve),
            connect: Duration::from_micros(connect),
            tls: Duration::from_micros(tls),
            processing: Duration::from_micros(processing),
            transfer: Duration::from_micros(transfer),
        },
        reused: flags & hop_flag::FRESH == 0,
        peer: trail.peer,
        body_bytes,
        certificate_expires_at: trail.certificate,
        server_timing: Vec::new(),
    };
    Ok((hop, duration))
}

/// A text by its number, or as it stands here.
pub(super) fn phrase<'b, 'a: 'b>(
    take: &mut Take<'a>,
    revision: &'b ReadRevision,
) -> Result<Take<'b>, Fault> {
    match take.small::<u32>()? {
        0 => Ok(Take(take.bytes()?)),
        number => Ok(Take(revision.phrase(number - 1).ok_or_else(torn)?)),
    }
}

fn peer(take: &mut Take<'_>) -> Result<Option<SocketAddr>, Fault> {
    let ip: IpAddr = match take.uint()? {
        0 => return Ok(None),
        4 => Ipv4Addr::from(<[u8; 4]>::try_from(take.raw(4)?).map_err(|_| torn())?).into(),
        6 => Ipv6Addr::from(<[u8; 16]>::try_from(take.raw(16)?).map_err(|_| torn())?).into(),
        _ => return Err(torn()),
    };
    Ok(Some(SocketAddr::new(ip, take.small()?)))
}

fn version(take: &mut Take<'_>) -> Result<Option<String>, Fault> {
    match take.uint()? {
        0 => Ok(None),
        OTHER => Ok(Some(take.text()?.to_owned())),
        known => {
            let index = usize::try_from(known - 1).map_err(|_| torn())?;
            Ok(Some((*PROTOCOLS.get(index).ok_or_else(torn)?).to_owned()))
        }
    }
}
