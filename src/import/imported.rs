//! What goes into an import and what comes out of it.

use std::{collections::BTreeSet, fmt};

/// What the caller knows and wants.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What people call the input: a file's name, `-`, or nothing for a command line.
    pub source: String,
    /// The journey's name; made from the input by default.
    pub name: Option<String>,
    /// The environment it runs in; by default the one whose `base_url` fits, else a new one is proposed.
    pub environment: Option<String>,
    /// The format, by its name in [`super::formats`]; detected by default.
    pub format: Option<String>,
    /// Which operations of an API description: an `operationId`, or `METHOD PATH`.
    pub operations: Vec<String>,
    /// Hosts that are kept though they look like third parties.
    pub hosts: Vec<String>,
    /// The environments there are.
    pub environments: Vec<Known>,
}

/// An environment that is configured already.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Its name.
    pub name: String,
    /// Its site.
    pub base_url: Option<String>,
    /// The names of its variables.
    pub vars: BTreeSet<String>,
    /// The names of its secrets.
    pub secrets: BTreeSet<String>,
}

/// A journey and what should be known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The journey's name.
    pub name: String,
    /// The journey file, notes as comments at its top.
    pub toml: String,
    /// What was left out, what could not be said, and what to look at.
    pub notes: Vec<Note>,
    /// The secrets that the journey refers to, whether the environment has them already or not.
    pub secrets: Vec<SecretNeeded>,
    /// The environment that the journey runs in.
    pub environment: String,
    /// What `wayfarer.toml` still lacks for it, as TOML; empty if nothing.
    pub settings: String,
    /// Files that the journey or its environment names and that must be put beside them.
    pub files: Vec<String>,
    /// Whether the environment itself is new.
    pub new_environment: bool,
}

/// A secret that stood in the input, by reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretNeeded {
    /// Its name in templates.
    pub name: String,
    /// The environment variable that is proposed to hold it.
    pub env: String,
    /// Where it stood, in words, without its value.
    pub place: String,
}

/// One thing to know about an import.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// What kind of thing.
    pub kind: NoteKind,
    /// What it is about: a request, an option, a line.
    pub what: String,
    /// Why it was left out, or what to do.
    pub why: String,
}

/// Kinds of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoteKind {
    /// Left out on purpose: noise.
    LeftOut,
    /// Cannot be said in a journey, or not by an importer.
    NotSupported,
    /// Imported, but should be looked at.
    LookAt,
}

impl NoteKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::LookAt, Self::NotSupported, Self::LeftOut];
}

impl fmt::Display for NoteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LeftOut => "Left out",
            Self::NotSupported => "Not supported",
            Self::LookAt => "Look at",
        })
    }
}
