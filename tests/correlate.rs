//! The numeric core against the numbers of the reference detector, against known truth over many seeds, and against
//! nonsense.

#[path = "correlate/hostile.rs"]
mod hostile;
#[path = "correlate/reference.rs"]
mod reference;
#[path = "correlate/truth.rs"]
mod truth;
