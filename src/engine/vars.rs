//! The variables of one run: what templates are filled from, and what is masked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use super::{fault::Trouble, settings::Parts, ticket::Ticket};
use crate::{
    model::{Environment, FaultKind, RunId, Text},
    render::Mask,
};

/// Names and values. A journey's own variables win over the environment's, overrides win over both. Inside of a part there is another scope:
/// it knows the environment, its inputs and what it captures itself.
pub(super) struct Variables {
    parts: Arc<Parts>,
    /// What every scope knows.
    base: BTreeMap<String, String>,
    /// The journey's scope, and those of the parts that are being walked, one within the other.
    outer: Vec<Scope>,
    scope: Scope,
    mask: Mask,
    environment: Arc<Environment>,
    run: RunId,
    /// What was made while texts were filled and must be masked as well.
    made: Mutex<Vec<String>>,
    /// What of it is masked already.
    known: BTreeSet<String>,
    /// What was captured or made as a secret, for whoever shares it.
    secrets: Vec<String>,
}

/// Names and values of a journey or a part.
#[derive(Default)]
struct Scope {
    values: BTreeMap<String, String>,
    /// What came from the target.
    captured: BTreeSet<String>,
    /// What is masked of that.
    secret: BTreeSet<String>,
    /// What could have been captured and was not, and why.
    absent: BTreeMap<String, String>,
    /// The inputs of a part, as they were written.
    inputs: Vec<(String, Text)>,
}

/// A value that a part gives.
#[derive(Clone)]
pub(super) struct Output {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) secret: bool,
}

impl Variables {
    pub(super) fn new(parts: &Arc<Parts>, ticket: &Ticket) -> Self {
        let environment = &ticket.environment;
        let mut base = environment.vars.clone();
        for (name, secret) in &environment.secrets {
            base.insert(name.clone(), secret.expose().to_owned());
        }
        // The built-in names: `config` keeps every file from taking them.
        let built_in = [
            ("environment".to_owned(), environment.name.to_string()),
            ("journey".to_owned(), ticket.journey.name.to_string()),
            ("location".to_owned(), ticket.location.to_string()),
            ("run_id".to_owned(), ticket.id.to_string()),
        ];
        let mut values = base.clone();
        values.extend(ticket.journey.vars.clone());
        values.extend(built_in.clone());
        values.extend(ticket.vars.clone());
        // A part sees what is overridden of the environment, not of the journey.
        let overridden: Vec<_> =
            ticket.vars.iter().filter(|(name, _)| base.contains_key(*name)).collect();
        let overridden: Vec<_> =
            overridden.into_iter().map(|(n, v)| (n.clone(), v.clone())).collect();
        base.extend(overridden);
        base.extend(built_in);
        let mut mask = Mask::new(environment.secrets.values().map(|secret| secret.expose()));
        for (name, value) in &ticket.vars {
            // Whoever overrides a secret gives a secret.
            if environment.secrets.contains_key(name) {
                mask.add(value);
            }
        }
        Self {
            parts: Arc::clone(parts),
            base,
            outer: Vec::new(),
            scope: Scope { values, ..Scope::default() },
            mask,
            environment: Arc::clone(environment),
            run: ticket.id,
            made: Mutex::default(),
            known: BTreeSet::new(),
            secrets: Vec::new(),
        }
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Where the run walks.
    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Which run.
    pub(super) fn run(&self) -> RunId {
        self.run
    }

    /// Masks a value from the next [`learn`](Self::learn) on: one-time codes, tokens and signatures are made while a run is walked, and a text
    /// is as secret as what was made of it.
    pub(super) fn hide(&self, value: &str) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(value.to_owned());
    }

    /// Masks what was hidden since the last time.
    pub(super) fn learn(&mut self) {
        let made = std::mem::take(self.made.get_mut().unwrap_or_else(PoisonError::into_inner));
        for value in made {
            if !self.known.insert(value.clone()) {
                continue;
            }
            self.mask.add(&value);
            self.secrets.push(value);
        }
    }

    pub(super) fn mask(&self) -> &Mask {
        &self.mask
    }

    /// What was captured as a secret so far.
    pub(super) fn secrets(&self) -> &[String] {
        &self.secrets
    }

    /// The value of a variable or capture, where it has one.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.scope.values.get(name).map(String::as_str)
    }

    /// Keeps a captured value.
    pub(super) fn capture(&mut self, name: &str, value: String, secret: bool) {
        if secret {
            self.mask.add(&value);
            self.secrets.push(value.clone());
            self.scope.secret.insert(name.to_owned());
        }
        self.scope.captured.insert(name.to_owned());
        self.scope.absent.remove(name);
        self.scope.values.insert(name.to_owned(), value);
    }

    /// Forgets a capture: it will be made anew, or was not made for the reason given.
    pub(super) fn forget(&mut self, name: &str, why: &str) {
        let scope = &mut self.scope;
        scope.values.remove(name);
        scope.captured.remove(name);
        scope.absent.insert(name.to_owned(), why.to_owned());
    }

    /// Sets the variable of a repeated step; none takes it away.
    pub(super) fn element(&mut self, name: &str, value: Option<String>, captured: bool) {
        let scope = &mut self.scope;
        match value {
            Some(value) => scope.values.insert(name.to_owned(), value),
            None => scope.values.remove(name),
        };
        scope.captured.remove(name);
        if captured {
            scope.captured.insert(name.to_owned());
        }
    }

    /// Goes into a part.
    pub(super) fn enter(&mut self, inputs: &[(String, Text)]) -> Result<(), Trouble> {
        let mut inner = Scope { values: self.base.clone(), ..Scope::default() };
        inner.inputs = inputs.to_vec();
        fill_inputs(self, &mut inner)?;
        self.outer.push(std::mem::replace(&mut self.scope, inner));
        Ok(())
    }

    /// Leaves a part: its outputs become captures of the scope around it.
    pub(super) fn leave(&mut self, outputs: &[String], why: &str) {
        let Some(outer) = self.outer.pop() else { return };
        let inner = std::mem::replace(&mut self.scope, outer);
        for name in outputs {
            match inner.values.get(name).filter(|_| inner.captured.contains(name)) {
                Some(value) => self.capture(name, value.clone(), inner.secret.contains(name)),
                None => {
                    let why = inner.absent.get(name).map_or(why, String::as_str);
                    self.forget(name, why);
                }
            }
        }
    }

    /// Takes the values of a shared session into the journey's scope, and from there into the inputs of the parts being walked.
    pub(super) fn take_shared(&mut self, outputs: &[Output]) -> Result<(), Trouble> {
        let mut scopes = std::mem::take(&mut self.outer);
        scopes.push(std::mem::take(&mut self.scope));
        let mut scopes = scopes.into_iter();
        self.scope = scopes.next().unwrap_or_default();
        for output in outputs {
            self.capture(&output.name, output.value.clone(), output.secret);
        }
        let mut fault = None;
        for mut inner in scopes {
            fault = fault.or(fill_inputs(self, &mut inner).err());
            self.outer.push(std::mem::replace(&mut self.scope, inner));
        }
        fault.map_or(Ok(()), Err)
    }

    /// The outputs of a part that was left.
    pub(super) fn outputs(&self, names: &[String]) -> Vec<Output> {
        let output = |name: &String| {
            let secret = self.scope.secret.contains(name);
            let value = self.scope.values.get(name)?.clone();
            Some(Output { name: name.clone(), value, secret })
        };
        names.iter().filter_map(output).collect()
    }

    /// Fills a template. Every name was checked when the journey was loaded, so a failure is a fault of the configuration, or a capture
    /// that was never made: [`unfilled`](Self::unfilled) tells.
    pub(super) fn fill(&self, text: &Text) -> Result<String, String> {
        if text.is_plain() {
            return Ok(text.0.clone());
        }
        let filled = self
            .parts
            .template(text)
            .and_then(|template| template.fill_at(&self.scope.values, self.parts.clock.now()));
        filled
            .map(|filled| {
                filled.codes.iter().for_each(|code| self.hide(code));
                filled.text
            })
            .map_err(|fault| match self.lacks(text) {
                Some((name, why)) => {
                    format!("the template \"{text}\" needs `{name}`, which has no value: {why}")
                }
                None => format!("the template \"{text}\" cannot be filled: {fault}"),
            })
    }

    /// [`fill`](Self::fill) for what is sent.
    pub(super) fn fill_to_send(&self, text: &Text) -> Result<String, Trouble> {
        self.fill(text).map_err(|reason| self.unfilled(text, reason))
    }

    /// Whose trouble it is that a template cannot be filled: the target's where it needs a capture that an earlier step did not come to.
    pub(super) fn unfilled(&self, text: &Text, reason: String) -> Trouble {
        match self.lacks(text) {
            Some(_) => Trouble::Target(FaultKind::Template, reason),
            None => Trouble::Ours(reason),
        }
    }

    /// A capture that a template cannot do without and that was not made, and why not.
    pub(super) fn lacks(&self, text: &Text) -> Option<(&str, &str)> {
        if text.is_plain() || self.scope.absent.is_empty() {
            return None;
        }
        let template = self.parts.template(text).ok()?;
        let mut absent = self.scope.absent.iter();
        let absent = absent.find(|(name, _)| template.needed().contains(*name));
        absent.map(|(name, why)| (name.as_str(), why.as_str()))
    }

    /// Whether a captured value stands in a text.
    pub(super) fn is_captured(&self, text: &Text) -> bool {
        let names = self.parts.template(text).map(|template| template.names());
        names.is_ok_and(|names| !names.is_disjoint(&self.scope.captured))
    }

    /// The trouble with a text that was filled and then turned out impossible: the target's if a captured value stands in it, ours if not.
    pub(super) fn impossible(&self, text: &Text, message: String) -> Trouble {
        self.blame(text, FaultKind::Template, message)
    }

    /// The same with another kind of fault.
    pub(super) fn blame(&self, text: &Text, kind: FaultKind, message: String) -> Trouble {
        if self.is_captured(text) { Trouble::Target(kind, message) } else { Trouble::Ours(message) }
    }
}

/// Fills the inputs of a part from the scope around it. What is captured or secret there is so within.
fn fill_inputs(around: &Variables, inner: &mut Scope) -> Result<(), Trouble> {
    for (name, text) in inner.inputs.clone() {
        let value = around.fill_to_send(&text)?;
        if around.is_captured(&text) {
            inner.captured.insert(name.clone());
        }
        inner.values.insert(name, value);
    }
    Ok(())
}
