//! The numeric core against the numbers of the reference detector, and against known truth over many seeds.

#[path = "correlate/reference.rs"]
mod reference;
