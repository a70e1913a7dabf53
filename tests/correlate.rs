//! The numeric core against the numbers of the reference detector, against known truth over many seeds, and against
//! nonsense.

#[cfg(test)]
#[path = "correlate/hostile.rs"]
mod hostile;
#[cfg(test)]
#[path = "correlate/reference.rs"]
mod reference;
#[cfg(test)]
#[path = "correlate/truth.rs"]
mod truth;
