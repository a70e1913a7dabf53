//! Figures of a span of time, for the pages and for the JSON behind their charts.

mod series;
mod window;

pub(super) use series::{Figures, gathered, runs, sum};
pub(super) use window::{Asked, SpanLink, step};
