//! How software is delivered: the five DORA figures with what cannot be observed of them, and what pipelines do. Pure: what was
//! recorded and `now` come as arguments.
//!
//! [`Dora`] draws figures of deployments from changes, findings, incidents and the commits that pushes told. [`lines`](pipeline::lines) gathers
//! what pipelines told into runs; [`Stats`](pipeline::Stats) are their figures, [`shifts`](pipeline::shifts) looks for changes of
//! them by the detectors of `correlate`, and [`judge`](pipeline::judge) makes findings of those and of missed objectives.

pub mod dora;
pub mod pipeline;
mod sample;
mod words;

pub use dora::Dora;
pub use sample::{Gap, Rate, Sample, Share, Timed, words};
pub use words::length;
