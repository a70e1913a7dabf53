//! The review of a change, and the summary of a week or a service: one document each, and every way in which it is shown drawn from it.
//!
//! [`Review`] and [`Digest`] hold facts and figures. [`page::review`] lays a review out for the templates: the dashboard's page and the file
//! that stands alone are the same. [`text`] and [`markdown`] are for terminals and pull requests. Nothing here asks a store or a clock.

mod beside;
pub mod digest;
mod document;
mod figures;
mod file;
pub mod forge;
pub mod markdown;
mod moved;
pub mod page;
mod plot;
pub mod text;

pub use digest::{
    Digest, DigestChange, DigestFinding, DigestJourney, Felt, Subject as DigestOf, told_once,
};
pub use document::{
    Alert, Case, CommitLine, Dismissed, Flag, Judgement, Moment, Review, Share, Stretch, Subject,
    Suspect, Taken, Undo, Walk, WalkStep,
};
pub use file::{FilePage, digest_file, review_file};
pub use moved::{Moved, moved};

#[cfg(test)]
mod tests;
