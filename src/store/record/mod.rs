//! A run as bytes. The first byte is the version of the format; every version ever written stays readable.
//!
//! Version 1, all numbers as [varints](super::varint), times in microseconds:
//!
//! ```text
//! 1 | flags: result (2 bits), trigger (2 bits) | revision | late | duration | deployed set
//!   | shape: number + 1, or 0 and the shape itself
//!   | failed: step + 1, or 0 and its name; kind; message, check, expected, actual
//!   | broken: reason
//!   | for each step of the shape:
//!   |   flags | gap to the step before | [hops] | [duration] | [assertions that did not hold] | [captures]
//!   |   for each hop:
//!   |     flags | [status] | [connection] | [gap] | line | [resolve connect tls]
//!   |     | processing | transfer | body bytes | [duration]
//! ```
//!
//! Version 2 is the same, with two numbers more after the deployed set: whether our self-check failed (lowest bit) and the percentage of
//! processor time stolen, and how slow the self-check was, in percent of its usual time.
//!
//! What is in brackets is only there when a flag says that it is not as expected: one hop a step, status 200, connection
//! reused and as in the hop before, durations that are the sum of their parts. The *shape* is what all runs of a revision
//! share: names of steps and texts of assertions; the *line* is method and URL, the *connection* peer, protocol and
//! certificate. These are numbers in the dictionary of the revision; a line or a connection that never came before stands
//! in the record itself, after a 0.

mod decode;
mod encode;
mod kept;
mod parts;
mod shape;

#[cfg(test)]
mod tests;

pub(super) use decode::{Head, probe, run};
pub(super) use encode::encode;
pub use kept::kept;
pub(super) use parts::Layouts;

/// The version that is written.
const VERSION: u8 = 1;

/// The version that is written of a run during which we were unwell ourselves.
const UNWELL: u8 = 2;
