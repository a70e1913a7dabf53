//! What senders say, turned into changes; pure: bytes and `now` in, a [`crate::model::Change`] or a fault out.
//!
//! One file a format. A fault names the field, what was found and the way out; it never repeats a whole body.

mod fault;
pub mod native;

pub use fault::IntakeFault;
