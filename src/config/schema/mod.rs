//! JSON Schemas of the files that people write, for editors: they complete keys, show what each means, and underline mistakes while one types.
//!
//! Draft 7, which editors of TOML read (Taplo, and what is built on it). What stands in a list in the code (subjects, filters, predicates,
//! bodies, credentials, words) is taken from that list. A schema never refuses what [`super::load`] accepts; what `load` finds by thinking (a
//! name that nobody defines, limits that contradict each other) no schema can say.

mod action;
mod hooks;
mod journey;
mod kubernetes;
mod pipelines;
mod query;
mod receiver;
mod request;
mod settings;
mod step;
pub(super) mod words;

use serde_json::Value;

pub use journey::{journey, part};
pub use settings::settings;

/// The schemas, by what they describe: a journey, a part of journeys, `wayfarer.toml`.
pub fn all() -> [(&'static str, Value); 3] {
    [("journey", journey()), ("part", part()), ("wayfarer", settings())]
}

#[cfg(test)]
mod tests;
