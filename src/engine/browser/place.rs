//! Where browsers are had: what the engine was told, and where on this machine.

use std::path::PathBuf;

use crate::model::BrowserSettings;

/// What all runs share of browsers.
#[derive(Debug)]
pub(in crate::engine) struct Browsers {
    pub(super) settings: BrowserSettings,
    /// Our own program, that guards drivers.
    guard: Option<PathBuf>,
    /// The folders in which drivers are looked for.
    pub(super) path: Vec<PathBuf>,
    /// Below which the folders of runs are.
    pub(super) base: PathBuf,
}

impl Browsers {
    pub(in crate::engine) fn new(settings: BrowserSettings, guard: Option<PathBuf>) -> Self {
        Self {
            settings,
            guard,
            path: Vec::new(),
            base: std::env::temp_dir().join("wayfarer-browsers"),
        }
    }

    /// The program that guards: the one we were told, or the one that we are.
    pub(super) fn guard(&self) -> Result<PathBuf, String> {
        match &self.guard {
            Some(guard) => Ok(guard.clone()),
            None => {
                std::env::current_exe().map_err(|e| format!("our own program is not found: {e}"))
            }
        }
    }
}
