//! The variables of one run: what templates are filled from, and what is masked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use super::{fault::Trouble, settings::Parts, ticket::Ticket};
use crate::{
    model::{Environment, FaultKind, Text},
    render::Mask,
};

/// Names and values. A journey's own variables win over the environment's, overrides win over both.
pub(super) struct Variables {
    parts: Arc<Parts>,
    values: BTreeMap<String, String>,
    captured: BTreeSet<String>,
    mask: Mask,
    environment: Arc<Environment>,
    /// What was made while texts were filled and must be masked as well.
    made: Mutex<Vec<String>>,
    /// What of it is masked already.
    known: BTreeSet<String>,
}

impl Variables {
    pub(super) fn new(parts: &Arc<Parts>, ticket: &Ticket) -> Self {
        let environment = &ticket.environment;
        let mut values = environment.vars.clone();
        for (name, secret) in &environment.secrets {
            values.insert(name.clone(), secret.expose().to_owned());
        }
        values.extend(ticket.journey.vars.clone());
        // The built-in names: `config` keeps every file from taking them.
        values.extend([
            ("environment".to_owned(), environment.name.to_string()),
            ("journey".to_owned(), ticket.journey.name.to_string()),
            ("location".to_owned(), ticket.location.to_string()),
            ("run_id".to_owned(), ticket.id.to_string()),
        ]);
        values.extend(ticket.vars.clone());
        let mut mask = Mask::new(environment.secrets.values().map(|secret| secret.expose()));
        for (name, value) in &ticket.vars {
            // Whoever overrides a secret gives a secret.
            if environment.secrets.contains_key(name) {
                mask.add(value);
            }
        }
        Self {
            parts: Arc::clone(parts),
            values,
            captured: BTreeSet::new(),
            mask,
            environment: Arc::clone(environment),
            made: Mutex::default(),
            known: BTreeSet::new(),
        }
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Where the run walks.
    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Masks a value from the next [`learn`](Self::learn) on: one-time codes, tokens and signatures are made while a run is walked.
    pub(super) fn hide(&self, value: &str) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(value.to_owned());
    }

    /// Masks what was made since the last time.
    pub(super) fn learn(&mut self) {
        let made = std::mem::take(self.made.get_mut().unwrap_or_else(PoisonError::into_inner));
        for value in made {
            if !self.known.insert(value.clone()) {
                continue;
            }
            self.mask.add(&value);
        }
    }

    pub(super) fn mask(&self) -> &Mask {
        &self.mask
    }

    /// Keeps a captured value.
    pub(super) fn capture(&mut self, name: &str, value: String, secret: bool) {
        if secret {
            self.mask.add(&value);
        }
        self.captured.insert(name.to_owned());
        self.values.insert(name.to_owned(), value);
    }

    /// The value behind a name.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Fills a template. Every name was checked when the journey was loaded, so a failure is a fault of the configuration: ours.
    pub(super) fn fill(&self, text: &Text) -> Result<String, String> {
        if text.is_plain() {
            return Ok(text.0.clone());
        }
        self.parts
            .template(text)
            .and_then(|template| template.fill_at(&self.values, self.parts.clock.now()))
            .map(|filled| {
                filled.codes.iter().for_each(|code| self.hide(code));
                filled.text
            })
            .map_err(|fault| format!("the template \"{text}\" cannot be filled: {fault}"))
    }

    /// [`fill`](Self::fill) for what is sent.
    pub(super) fn fill_to_send(&self, text: &Text) -> Result<String, Trouble> {
        self.fill(text).map_err(Trouble::Ours)
    }

    /// The trouble with a text that was filled and then turned out impossible: the target's if a captured value stands in it, ours if not.
    pub(super) fn impossible(&self, text: &Text, message: String) -> Trouble {
        self.blame(text, FaultKind::Template, message)
    }

    /// The same with another kind of fault.
    pub(super) fn blame(&self, text: &Text, kind: FaultKind, message: String) -> Trouble {
        let names = self.parts.template(text).map(|template| template.names());
        if names.is_ok_and(|names| !names.is_disjoint(&self.captured)) {
            Trouble::Target(kind, message)
        } else {
            Trouble::Ours(message)
        }
    }
}
