//! What `wayfarer run` writes beside its report: a page of evidence for each run, and a HAR of all.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{Exit, Failed, args::RunArguments, say};
use crate::{
    model::{Evidence, Witness},
    render::{self, page::Pages},
};

/// Where evidence goes, as the command line says.
pub(super) struct Files {
    folder: Option<(PathBuf, Pages)>,
    har: Option<PathBuf>,
    /// Journeys and what their runs asked for.
    asked: Vec<(String, Witness)>,
}

impl Files {
    /// Makes the folder, so that a mistake shows at once.
    pub(super) fn new(arguments: &RunArguments) -> Result<Self, Failed> {
        let folder = arguments.evidence.as_ref().map(|folder| {
            fs::create_dir_all(folder).map_err(|e| cannot_write(folder, &e))?;
            let pages = Pages::new().map_err(|e| Failed::new(Exit::Bug, e))?;
            Ok::<_, Failed>((folder.clone(), pages))
        });
        Ok(Self { folder: folder.transpose()?, har: arguments.har.clone(), asked: Vec::new() })
    }

    /// Whether anything of a run is wanted at all.
    pub(super) fn wanted(&self) -> bool {
        self.folder.is_some() || self.har.is_some()
    }

    /// Writes the page of a run (as the API gives it, with its evidence), and says where; keeps its requests for [`Files::finish`].
    pub(super) fn add(&mut self, run: &Value, quiet: bool) -> Result<(), Failed> {
        if let Some((folder, pages)) = &self.folder {
            let page = render::evidence_page(pages, run).map_err(|e| Failed::new(Exit::Bug, e))?;
            let path = folder.join(file_name(run));
            let said = match page {
                Some(page) => {
                    fs::write(&path, page.html).map_err(|e| cannot_write(&path, &e))?;
                    format!("evidence  {}\n", path.display())
                }
                None => "evidence  nothing is kept of this run\n".to_owned(),
            };
            if !quiet {
                say(&said)?;
            }
        }
        if self.har.is_some()
            && let Some(witness) = witness(run)
        {
            self.asked.push((run["journey"].as_str().unwrap_or_default().to_owned(), witness));
        }
        Ok(())
    }

    /// Writes the HAR of all runs.
    pub(super) fn finish(&self) -> Result<(), Failed> {
        let Some(path) = &self.har else { return Ok(()) };
        let har = render::har(self.asked.iter().map(|(journey, asked)| (journey.as_str(), asked)));
        fs::write(path, format!("{har:#}\n")).map_err(|e| cannot_write(path, &e))
    }
}

/// What a run sent and got: its own, or that of one that failed like it.
fn witness(run: &Value) -> Option<Witness> {
    let alike = || serde_json::from_value(run["alike"].clone()).ok();
    let Ok(evidence) = serde_json::from_value::<Evidence>(run["evidence"].clone()) else {
        return alike();
    };
    Some(Witness {
        run: serde_json::from_value(run["id"].clone()).ok()?,
        started_at: serde_json::from_value(run["started_at"].clone()).ok()?,
        evidence,
    })
}

/// `checkout-019a3c5e-….html`; a journey's name may hold anything.
fn file_name(run: &Value) -> String {
    let journey = run["journey"].as_str().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' };
    let journey: String = journey.chars().take(60).map(plain).collect();
    let id: String = run["id"].as_str().unwrap_or_default().chars().map(plain).collect();
    format!("{journey}-{id}.html")
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failed {
    Failed::new(Exit::Trouble, format!("cannot write {}: {error}", path.display()))
}
