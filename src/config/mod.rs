//! TOML text to model, gathering all faults with line and caret; pure.
//!
//! [`load`] takes the text of `wayfarer.toml` and of every journey file and returns either the whole configuration or **every**
//! fault of every file, each with file, line, caret and advice. It must never open a file, resolve a secret or ask what time
//! it is; the texts come from [`crate::source`].
//!
//! serde stops at the first fault of a file and loses positions in tagged, untagged and flattened types. So the tables are read
//! by a small reader of our own over `toml`'s spanned values: it notes what is wrong and goes on, and reports at its end every
//! key that nobody asked for.
//!
//! # What templates may use
//!
//! The variables of the environment (`base_url` among them), those of the journey (which win over the environment's), the
//! environment's secrets, what **earlier** steps captured (in assertions also what the step itself captured), and the
//! [`BUILT_INS`]. Each name is looked up for each environment that the journey runs in.

mod attached;
mod draw;
mod expressions;
mod fault;
mod hint;
mod journey;
mod load;
mod names;
mod origins;
mod page;
mod reader;
pub mod schema;
mod scope;
mod secrecy;
mod settings;
mod syntax;
pub mod units;
mod value;

pub use attached::{Attached, Unattached};
pub use fault::{Fault, Faults};
pub use load::{Config, SourceFile, load, load_with};
pub use origins::Origins;
pub use scope::BUILT_INS;
