//! Does a response satisfy what was asked of it? Queries, filters, predicates, captures; pure.
//!
//! A [`Query`](crate::model::Query) finds *nodes* in an [`Answer`]: one for the status, one for each value of a header, one for each
//! element of a selector. Its filters make other nodes of them. A predicate must hold of **every** node (of any one of them for a header,
//! which may be sent several times, and for the names of a certificate), and of at least one; only `exists` and `is_empty` are content with
//! none. A negated predicate must hold of no node. `count` looks at the number of nodes, where a single JSON array counts as its elements.
//! Numbers compare with text that reads as a number; a comparison of types that do not fit fails and names both.
//!
//! This is the only user of `JSONPath`, CSS selectors, regular expressions and JSON schemas. Whether these compile is asked when a journey
//! is loaded ([`fault_of_query`], [`fault_of_assertion`]).

mod answer;
mod assert;
mod date;
mod describe;
mod fault;
mod fill;
mod filter;
mod find;
mod hold;
mod kind;
mod measure;
mod node;
mod schema;

pub use answer::{Answer, Certificate, Cookie};
pub use assert::{Wording, assert, holds_without_assertion, is_status, looks_at_status};
pub use date::read_date;
pub use describe::{describe, describe_capture, describe_measure};
pub use fault::{fault_of_assertion, fault_of_query};
pub use filter::{Takes, filters, filters_explained};
pub use find::{CaptureFault, capture, query_value};
pub use kind::{Kind, kind_of};
pub use measure::measure;
pub use node::span;
