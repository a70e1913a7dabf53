//! From a run to bytes.

use std::net::{IpAddr, SocketAddr};

use crate::{
    model::{AssertionResult, Failure, Hop, Outcome, Run, StepRun},
    store::{
        dictionary::{Dictionary, Sort},
        varint::Put,
    },
};

use super::{
    EXTENDED, PLAIN,
    kept::{MESSAGE_BYTES, URL_BYTES, WORD_BYTES, clip, length, outcome_code, phases, seconds},
    shape::{
        self, OTHER, PROTOCOLS, RUN_TRACED, RUN_UNWELL, fault_code, hop_flag, step_flag,
        trigger_code,
    },
    tail::put_tail,
};

/// The record of a run: of version 1 where that can hold it. Texts that get a number wait in the dictionary to be written.
pub(in crate::store) fn encode(
    run: &Run,
    revision: i64,
    deployed: i64,
    dictionary: &mut Dictionary,
) -> Vec<u8> {
    let mut put = Put(vec![PLAIN]);
    let result = match run.outcome {
        Outcome::Passed => 0,
        Outcome::Failed(_) => 1,
        Outcome::Broken { .. } => 2,
    };
    let unwell = if run.unwell.is_some() { RUN_UNWELL } else { 0 };
    let traced = if run.traced { RUN_TRACED } else { 0 };
    put.uint(result | trigger_code(run.trigger) << 2 | unwell | traced);
    put.uint(revision.cast_unsigned());
    put.uint(length(run.late_by));
    put.uint(length(run.duration));
    put.uint(deployed.cast_unsigned());
    reference(&mut put, dictionary, Sort::Shape, &shape::of(run));
    match &run.outcome {
        Outcome::Passed => {}
        Outcome::Failed(failure) => put_failure(&mut put, run, failure),
        Outcome::Broken { reason } => put.text(&clip(reason, MESSAGE_BYTES)),
    }
    let mut trail = Trail::default();
    for step in &run.steps {
        put_step(&mut put, dictionary, step, &mut trail, result != 0);
    }
    if put_tail(&mut put, dictionary, run) {
        put.0[0] = EXTENDED;
    }
    put.0
}

/// The number of a text + 1, or 0 and the text.
pub(super) fn reference(put: &mut Put, dictionary: &mut Dictionary, sort: Sort, text: &[u8]) {
    match dictionary.number(sort, text) {
        Some(number) => put.uint(u64::from(number) + 1),
        None => {
            put.uint(0);
            put.bytes(text);
        }
    }
}

fn put_failure(put: &mut Put, run: &Run, failure: &Failure) {
    match run.steps.iter().position(|s| s.name == failure.step) {
        Some(index) => put.uint(index as u64 + 1),
        None => {
            put.uint(0);
            put.text(failure.step.as_str());
        }
    }
    put.uint(fault_code(failure.kind));
    put.text(&clip(&failure.message, MESSAGE_BYTES));
    for text in [&failure.check, &failure.expected, &failure.actual] {
        put.maybe_text(text.as_deref().map(|t| clip(t, MESSAGE_BYTES)).as_deref());
    }
}

/// What the hop and the step before were like: the next one is expected to be the same.
struct Trail {
    /// Where the step before ended, in microseconds after the run's beginning.
    end: u64,
    connection: Connection,
}

/// Who answered, and how: the same for all hops of a connection, and mostly for all runs of a journey.
#[derive(PartialEq)]
struct Connection {
    peer: Option<SocketAddr>,
    version: Option<String>,
    certificate: Option<i64>,
}

impl Default for Trail {
    fn default() -> Self {
        let version = Some(PROTOCOLS[0].to_owned());
        Self { end: 0, connection: Connection { peer: None, version, certificate: None } }
    }
}

fn put_step(
    put: &mut Put,
    dictionary: &mut Dictionary,
    step: &StepRun,
    trail: &mut Trail,
    captures_kept: bool,
) {
    let (offset, duration) = (length(step.offset), length(step.duration));
    let sum = step.hops.iter().fold(0_u64, |sum, hop| sum.wrapping_add(length(hop.duration)));
    let mut flags = outcome_code(step.outcome);
    let mut set = |flag: u64, on: bool| flags |= if on { flag } else { 0 };
    set(step_flag::HOPS, step.hops.len() != 1);
    set(step_flag::DURATION, duration != sum);
    set(step_flag::ASSERTIONS, step.assertions.iter().any(|a| !a.passed));
    set(step_flag::CAPTURES, captures_kept && !step.captures.is_empty());
    put.uint(flags);
    put.int(offset.wrapping_sub(trail.end).cast_signed());
    if flags & step_flag::HOPS != 0 {
        put.uint(step.hops.len() as u64);
    }
    if flags & step_flag::DURATION != 0 {
        put.int(duration.wrapping_sub(sum).cast_signed());
    }
    if flags & step_flag::ASSERTIONS != 0 {
        put_assertions(put, &step.assertions);
    }
    if flags & step_flag::CAPTURES != 0 {
        put.uint(step.captures.len() as u64);
        for (name, value) in &step.captures {
            put.text(&clip(name, MESSAGE_BYTES));
            put.text(&clip(value, MESSAGE_BYTES));
        }
    }
    let mut expected = offset;
    for hop in &step.hops {
        put_hop(put, dictionary, hop, trail, &mut expected);
    }
    trail.end = offset.wrapping_add(duration);
}

fn put_assertions(put: &mut Put, assertions: &[AssertionResult]) {
    let failed = assertions.iter().enumerate().filter(|(_, a)| !a.passed);
    put.uint(failed.clone().count() as u64);
    for (index, assertion) in failed {
        put.uint(index as u64);
        for text in [&assertion.expected, &assertion.actual] {
            put.maybe_text(text.as_deref().map(|t| clip(t, MESSAGE_BYTES)).as_deref());
        }
    }
}

fn put_hop(
    put: &mut Put,
    dictionary: &mut Dictionary,
    hop: &Hop,
    trail: &mut Trail,
    expected: &mut u64,
) {
    let phases = phases(&hop.phases);
    let connecting = [phases.resolve, phases.connect, phases.tls];
    let (offset, duration) = (length(hop.offset), length(hop.duration));
    let sum = phases.named().iter().fold(0_u64, |sum, (_, d)| sum.wrapping_add(length(*d)));
    let connection = Connection {
        peer: hop.peer.map(|p| SocketAddr::new(p.ip(), p.port())),
        version: hop.version.as_deref().map(|v| clip(v, WORD_BYTES).into_owned()),
        certificate: hop.certificate_expires_at.map(seconds),
    };
    let mut flags = 0;
    let mut set = |flag: u64, on: bool| flags |= if on { flag } else { 0 };
    set(hop_flag::STATUS, hop.status != Some(200));
    set(hop_flag::FRESH, !hop.reused);
    set(hop_flag::CONNECTION, connection != trail.connection);
    set(hop_flag::CONNECT, connecting.iter().any(|d| !d.is_zero()));
    set(hop_flag::GAP, offset != *expected);
    set(hop_flag::DURATION, duration != sum);
    put.uint(flags);
    if flags & hop_flag::STATUS != 0 {
        put.uint(hop.status.map_or(0, |s| u64::from(s) + 1));
    }
    if flags & hop_flag::CONNECTION != 0 {
        reference(put, dictionary, Sort::Line, &put_connection(&connection));
    }
    if flags & hop_flag::GAP != 0 {
        put.int(offset.wrapping_sub(*expected).cast_signed());
    }
    reference(put, dictionary, Sort::Line, &line(hop));
    if flags & hop_flag::CONNECT != 0 {
        connecting.iter().for_each(|d| put.uint(length(*d)));
    }
    put.uint(length(phases.processing));
    put.uint(length(phases.transfer));
    put.uint(hop.body_bytes);
    if flags & hop_flag::DURATION != 0 {
        put.int(duration.wrapping_sub(sum).cast_signed());
    }
    *expected = offset.wrapping_add(duration);
    trail.connection = connection;
}

fn line(hop: &Hop) -> Vec<u8> {
    let mut put = Put::default();
    put.text(&clip(&hop.method, WORD_BYTES));
    put.text(&clip(&hop.url, URL_BYTES));
    put.0
}

fn put_connection(connection: &Connection) -> Vec<u8> {
    let mut put = Put::default();
    put_peer(&mut put, connection.peer);
    put_version(&mut put, connection.version.as_deref());
    put.uint(u64::from(connection.certificate.is_some()));
    connection.certificate.into_iter().for_each(|c| put.int(c));
    put.0
}

fn put_peer(put: &mut Put, peer: Option<SocketAddr>) {
    let Some(peer) = peer else {
        put.uint(0);
        return;
    };
    match peer.ip() {
        IpAddr::V4(ip) => {
            put.uint(4);
            put.0.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            put.uint(6);
            put.0.extend_from_slice(&ip.octets());
        }
    }
    put.uint(u64::from(peer.port()));
}

fn put_version(put: &mut Put, version: Option<&str>) {
    match version.map(|v| (v, PROTOCOLS.iter().position(|p| *p == v))) {
        None => put.uint(0),
        Some((_, Some(known))) => put.uint(known as u64 + 1),
        Some((other, None)) => {
            put.uint(OTHER);
            put.text(other);
        }
    }
}
