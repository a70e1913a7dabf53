//! What the runs of one revision share, and the small tables of the format.

use crate::{
    model::{FaultKind, Run, StepName, Trigger},
    store::{
        error::Fault,
        varint::{Put, Take, torn},
    },
};

use super::kept::{CHECK_BYTES, clip};

/// The steps of a run by name, each with its assertions as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) steps: Vec<(StepName, Vec<String>)>,
}

/// The shape of a run, as bytes.
pub(super) fn of(run: &Run) -> Vec<u8> {
    let mut put = Put::default();
    for step in &run.steps {
        put.text(step.name.as_str());
        put.uint(step.assertions.len() as u64);
        for assertion in &step.assertions {
            put.text(&clip(&assertion.check, CHECK_BYTES));
        }
    }
    put.0
}

impl Shape {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let mut take = Take(bytes);
        let mut steps = Vec::new();
        while !take.0.is_empty() {
            let name = StepName::new(take.text()?);
            let mut checks = Vec::new();
            for _ in 0..take.uint()? {
                checks.push(take.text()?.to_owned());
            }
            steps.push((name, checks));
        }
        Ok(Self { steps })
    }
}

/// Protocols that have a number; 0 is none, `OTHER` stands before any other text.
pub(super) const PROTOCOLS: &[&str] = &["HTTP/1.1", "HTTP/2", "HTTP/1.0", "HTTP/3", "HTTP/0.9"];
/// Before a protocol that is written out.
pub(super) const OTHER: u64 = 15;

/// The number of a kind of fault, for ever.
pub(super) fn fault_code(kind: FaultKind) -> u64 {
    match kind {
        FaultKind::Dns => 1,
        FaultKind::Connect => 2,
        FaultKind::Tls => 3,
        FaultKind::Reset => 4,
        FaultKind::Timeout => 5,
        FaultKind::Redirect => 6,
        FaultKind::Protocol => 7,
        FaultKind::TooLarge => 8,
        FaultKind::Status => 9,
        FaultKind::Assertion => 10,
        FaultKind::Capture => 11,
        FaultKind::Template => 12,
        FaultKind::Guard => 13,
        FaultKind::Element => 14,
        FaultKind::Page => 15,
    }
}

/// The kind of fault with a number.
pub(super) fn fault_of(code: u64) -> Result<FaultKind, Fault> {
    Ok(match code {
        1 => FaultKind::Dns,
        2 => FaultKind::Connect,
        3 => FaultKind::Tls,
        4 => FaultKind::Reset,
        5 => FaultKind::Timeout,
        6 => FaultKind::Redirect,
        7 => FaultKind::Protocol,
        8 => FaultKind::TooLarge,
        9 => FaultKind::Status,
        10 => FaultKind::Assertion,
        11 => FaultKind::Capture,
        12 => FaultKind::Template,
        13 => FaultKind::Guard,
        14 => FaultKind::Element,
        15 => FaultKind::Page,
        _ => return Err(torn()),
    })
}

/// The number of a trigger, for ever.
pub(super) fn trigger_code(trigger: Trigger) -> u64 {
    match trigger {
        Trigger::Schedule => 0,
        Trigger::Burst => 1,
        Trigger::Smoke => 2,
        Trigger::Manual => 3,
    }
}

/// The trigger with a number.
pub(super) fn trigger_of(code: u64) -> Trigger {
    match code & 3 {
        0 => Trigger::Schedule,
        1 => Trigger::Burst,
        2 => Trigger::Smoke,
        _ => Trigger::Manual,
    }
}

/// The flag of a run that tells what was wrong with us; below it are outcome and trigger.
pub(super) const RUN_UNWELL: u64 = 1 << 4;

/// The flag of a run whose requests carried the header of its trace. Older programs pass over it.
pub(super) const RUN_TRACED: u64 = 1 << 5;

/// Flags of a step; the two lowest bits are its outcome.
pub(super) mod step_flag {
    /// Not exactly one hop.
    pub(in crate::store::record) const HOPS: u64 = 1 << 2;
    /// The duration is not the sum of the hops'.
    pub(in crate::store::record) const DURATION: u64 = 1 << 3;
    /// An assertion did not hold.
    pub(in crate::store::record) const ASSERTIONS: u64 = 1 << 4;
    /// Captures are kept.
    pub(in crate::store::record) const CAPTURES: u64 = 1 << 5;
}

/// Flags of a hop.
pub(super) mod hop_flag {
    /// The status is not 200.
    pub(in crate::store::record) const STATUS: u64 = 1;
    /// The connection is a new one.
    pub(in crate::store::record) const FRESH: u64 = 1 << 1;
    /// Another peer, protocol or certificate than in the hop before; before the first there is nothing but `HTTP/1.1`.
    pub(in crate::store::record) const CONNECTION: u64 = 1 << 2;
    /// There was time in resolve, connect or tls.
    pub(in crate::store::record) const CONNECT: u64 = 1 << 3;
    /// It did not begin where the hop before ended, or the step began.
    pub(in crate::store::record) const GAP: u64 = 1 << 4;
    /// The duration is not the sum of the phases.
    pub(in crate::store::record) const DURATION: u64 = 1 << 5;
}
