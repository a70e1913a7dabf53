//! Values to text: templates, masks, waterfalls; pure.
//!
//! [`Template`] is the only user of `handlebars`. [`Mask`] takes secrets out of text, however they are encoded. [`waterfall()`] draws a
//! run for a terminal. Nothing here reads a clock, a file or the terminal: width and colour are arguments.

pub mod chart;
mod evidence_page;
mod felt;
mod har;
mod junit;
mod mask;
pub mod message;
pub mod page;
mod page_text;
pub mod review;
mod side_by_side;
mod stored_run;
mod template;
mod totp;
mod waterfall;
pub mod words;

pub use evidence_page::{EvidencePage, evidence_page};
pub use felt::{felt, size};
pub use har::har;
pub use junit::junit;
pub use mask::{MASK, Mask, SHORT};
pub use side_by_side::{exchanges, side_by_side};
pub use stored_run::stored_run;
pub use template::{Filled, Template, TemplateFault};
pub use waterfall::{Layout, line::length_of_time, waterfall};
