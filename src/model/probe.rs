//! A probe: what the correlation needs to know of a run, and no more.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{
    Failure, FaultKind, Part, Parts, Phases, Revision, StepName, StepOutcome, StepRun, clue,
};

/// One run seen as a point of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// When the run began.
    pub at: Timestamp,
    /// Its duration in ms; none where it failed, broke or is not known.
    pub latency_ms: Option<f64>,
    /// Whether it succeeded; none where that is not known (a broken run, or one that our own trouble explains).
    pub success: Option<bool>,
    /// How late it began because of us, in ms: a sick prober shows here first.
    pub late_ms: f64,
    /// What failed: the signature by which "never seen before" is told.
    pub signature: Option<Signature>,
    /// The journey's revision it was walked as.
    pub revision: Option<Revision>,
    /// How long its steps and their phases took, and what they measured, as far as that is known.
    pub parts: Parts,
}

impl Probe {
    /// The probe as one of a part alone: its time is the part's, and it succeeded where the part is known.
    pub fn of(&self, part: &Part) -> Self {
        let value = match part {
            Part::Whole => return self.clone(),
            part => self.parts.get(part),
        };
        self.with(value)
    }

    /// The probe with another time, and nothing known of its parts.
    pub fn with(&self, latency_ms: Option<f64>) -> Self {
        Self {
            at: self.at,
            latency_ms,
            success: latency_ms.map(|_| true),
            late_ms: self.late_ms,
            signature: None,
            revision: self.revision.clone(),
            parts: Parts::default(),
        }
    }

    /// The probe without its parts.
    pub fn bare(&self) -> Self {
        Self {
            at: self.at,
            latency_ms: self.latency_ms,
            success: self.success,
            late_ms: self.late_ms,
            signature: self.signature.clone(),
            revision: self.revision.clone(),
            parts: Parts::default(),
        }
    }
}

/// What is known of the steps: the time of those that passed and of their phases that took any, over all rounds of a step;
/// then what they measured. A step one of whose rounds did not pass has no time; one that was skipped had no round.
fn parts(steps: &[StepRun]) -> Parts {
    let ms = |d: Duration| d.as_secs_f64() * 1000.0;
    // Of each step whether all its rounds so far passed, once there was one.
    let mut rounds: Vec<(&StepName, Option<bool>, Duration, Phases)> = Vec::new();
    for step in steps {
        let found = rounds.iter().position(|(name, ..)| *name == &step.name);
        let at = found.unwrap_or(rounds.len());
        if found.is_none() {
            rounds.push((&step.name, None, Duration::ZERO, Phases::default()));
        }
        if step.outcome == StepOutcome::Skipped {
            continue;
        }
        let (_, passed, took, phases) = &mut rounds[at];
        *passed = Some(passed.unwrap_or(true) && step.outcome == StepOutcome::Passed);
        *took = took.saturating_add(step.duration);
        step.hops.iter().for_each(|hop| phases.add(&hop.phases));
    }
    let mut parts = Vec::new();
    for (name, _, took, phases) in rounds.into_iter().filter(|(_, p, ..)| *p == Some(true)) {
        parts.push((Part::Step(name.clone()), ms(took)));
        for (phase, took) in phases.named().into_iter().filter(|(_, took)| !took.is_zero()) {
            parts.push((Part::Phase(name.clone(), phase.into()), ms(took)));
        }
    }
    let measured = super::run::measured(steps).into_iter();
    parts.extend(measured.map(|(step, name, v)| (Part::Measure(step.clone(), name.clone()), v)));
    parts.into_iter().collect()
}

/// Where and how a run failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature {
    /// The failing step.
    pub step: Arc<str>,
    /// The kind of error, where known.
    pub kind: Option<FaultKind>,
    /// The host that was asked, in lower case, where known.
    pub host: Option<Arc<str>>,
    /// Words of the error that may name a service, in lower case with blanks between them: without numbers and ids, 300 bytes at
    /// most.
    pub words: Option<Arc<str>>,
}

impl Signature {
    /// One of which no more is known.
    pub fn new(step: &str, kind: Option<FaultKind>) -> Self {
        Self { step: step.into(), kind, host: None, words: None }
    }

    /// The signature of a failure of these steps.
    pub fn of(failure: &Failure, steps: &[StepRun]) -> Self {
        Self {
            host: clue::failing_host(steps, failure),
            words: clue::words_of(failure),
            ..Self::new(failure.step.as_str(), Some(failure.kind))
        }
    }

    /// The same with the words of a text that the target gave.
    #[must_use]
    pub fn saying(self, text: &str) -> Self {
        Self { words: clue::words(std::iter::once(text), std::iter::empty()), ..self }
    }

    /// Lets equal texts be one with those of another.
    pub(crate) fn share(&mut self, other: &Self) {
        if self.step == other.step {
            self.step = Arc::clone(&other.step);
        }
        for (mine, theirs) in [(&mut self.host, &other.host), (&mut self.words, &other.words)] {
            if mine == theirs {
                mine.clone_from(theirs);
            }
        }
    }
}

impl From<&super::Run> for Probe {
    fn from(run: &super::Run) -> Self {
        use super::Outcome;
        let (latency_ms, success, signature) = match &run.outcome {
            // Our own trouble tells nothing of the target.
            _ if run.is_ours() => (None, None, None),
            Outcome::Passed => (Some(run.duration.as_secs_f64() * 1000.0), Some(true), None),
            Outcome::Failed(failure) => {
                (None, Some(false), Some(Signature::of(failure, &run.steps)))
            }
            Outcome::Broken { .. } => (None, None, None),
        };
        Self {
            at: run.started_at,
            latency_ms,
            success,
            late_ms: run.late_by.as_secs_f64() * 1000.0,
            signature,
            revision: Some(run.revision.clone()),
            parts: if latency_ms.is_some() || success == Some(false) {
                parts(&run.steps)
            } else {
                Parts::default()
            },
        }
    }
}
