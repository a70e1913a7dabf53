//! A run as bytes. The first byte is the version of the format; every version ever written stays readable. A run is written in the
//! oldest one that can hold it, so that an older program reads what it can know.
//!
//! Version 1, all numbers as [varints](super::varint), times in microseconds:
//!
//! ```text
//! 1 | flags: result (2 bits), trigger (2 bits), unwell, traced | revision | late | duration | deployed set
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
//! What is in brackets is only there when a flag says that it is not as expected: one hop a step, status 200, connection
//! reused and as in the hop before, durations that are the sum of their parts. The *shape* is what all runs of a revision
//! share: names of steps and texts of assertions; the *line* is method and URL, the *connection* peer, protocol and
//! certificate. These are numbers in the dictionary of the revision; a line or a connection that never came before stands
//! in the record itself, after a 0.
//!
//! Version 2 is version 1 with a [tail], and with steps that were skipped. A flag in front says that the tail tells what was wrong with us:
//! who looks for the point of a series then reads on, otherwise he need not.

mod decode;
mod encode;
mod kept;
mod parts;
mod shape;
mod tail;

#[cfg(test)]
mod tests;

pub(super) use decode::{Head, probe, run};
pub(super) use encode::encode;
pub use kept::kept;
pub(super) use parts::Layouts;

/// The version of a run without anything that came later.
const PLAIN: u8 = 1;
/// The version of any other.
const EXTENDED: u8 = 2;
