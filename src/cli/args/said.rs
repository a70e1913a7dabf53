//! What may be written of the words of people on a change.

use clap::Args;

use super::Place;

/// `wayfarer change failed`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
  wayfarer change failed 4711 --why 'orders were lost, no journey looks at them'\n\
  wayfarer change failed 4711 --not --why 'the supplier was down'\n\
  wayfarer change failed 4711 --undo\n\n\
A deployment that a person calls failed counts as failed in `wayfarer delivery`; one that they say did not fail does not, whatever else\n\
was found. The newest word holds, all are kept. No verdict and no gate changes by it.")]
pub(in crate::cli) struct FailedArguments {
    /// The change's id
    pub(in crate::cli) id: String,
    /// Why, in your words
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) why: Option<String>,
    /// It did not fail
    #[arg(long, conflicts_with = "undo")]
    pub(in crate::cli) not: bool,
    /// Take back what was said before
    #[arg(long)]
    pub(in crate::cli) undo: bool,
    /// Who says it; by default the user who calls this, and for an agent that asks for a token its name
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) by: Option<String>,
    /// Where the change is
    #[command(flatten)]
    pub(in crate::cli) place: Place,
}

/// `wayfarer change note`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
  wayfarer change note 4711 'the cache was cold'      add one\n\
  wayfarer change note 4711                           show them with their numbers\n\
  wayfarer change note 4711 --alter 3 'the cache was cold for an hour'\n\
  wayfarer change note 4711 --remove 3\n\n\
Who altered or removed a note, and when, is kept; the words of a removed one are gone.")]
pub(in crate::cli) struct NoteArguments {
    /// The change's id
    pub(in crate::cli) id: String,
    /// Plain text
    #[arg(conflicts_with = "remove")]
    pub(in crate::cli) text: Option<String>,
    /// Write this note anew
    #[arg(long, value_name = "NOTE", requires = "text")]
    pub(in crate::cli) alter: Option<i64>,
    /// Remove this note
    #[arg(long, value_name = "NOTE", conflicts_with = "alter")]
    pub(in crate::cli) remove: Option<i64>,
    /// Who says it; by default the user who calls this, and for an agent that asks for a token its name
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) by: Option<String>,
    /// Where the change is
    #[command(flatten)]
    pub(in crate::cli) place: Place,
}
