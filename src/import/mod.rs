//! What people have already, as journeys: a browser's recording, a `curl` command, a hurl file, an OpenAPI operation, a Postman
//! collection, what a person did in Chrome.
//!
//! Text in, a journey in TOML out, with what was left out and why; pure. Each importer reads its format into a `Draft`, and the
//! rest is common: secrets become references (`vault`, `secrets`), the site becomes `{{base_url}}` (`site`), steps get names of
//! their own, and `emit` writes the file as a person would.
//!
//! Adding a format is one new file and one line in [`formats`].

mod curl;
mod draft;
mod emit;
mod fault;
mod formats;
mod graphql;
mod har;
mod headers;
mod html;
mod hurl;
mod imported;
mod names;
mod openapi;
pub mod openslo;
mod postman;
mod recorder;
mod secrets;
mod settle;
mod site;
mod text;
mod toml_text;
mod tree;
mod url_parts;
mod vault;
mod yaml;

pub use emit::by_reason;
pub use fault::ImportError;
pub use formats::{detect, formats, import};
pub use imported::{Imported, Known, Note, NoteKind, Options, SecretNeeded};
