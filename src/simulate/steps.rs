//! A journey of five steps with five phases each: what its parts take, and what it takes.

use std::sync::Arc;

use rand::rngs::StdRng;

use crate::model::{Part, Parts, PhaseName, StepName};

use super::{Noise, trace::Trace};

/// Steps of the journey.
const STEPS: [&str; 5] = ["open", "search", "choose", "pay", "done"];

/// Phases of a step and how long they usually take, in ms.
const PHASES: [(&str, f64); 5] =
    [("resolve", 2.0), ("connect", 8.0), ("tls", 15.0), ("processing", 30.0), ("transfer", 5.0)];

/// What the parts of each run took.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    layout: Arc<[Part]>,
    /// Milliseconds of each phase of each step, by row.
    phases: Vec<Vec<f64>>,
}

impl Steps {
    /// The parts of the run of a row.
    pub(super) fn of(&self, row: usize) -> Parts {
        let mut values: Vec<f32> = Vec::with_capacity(self.layout.len());
        for step in self.phases.chunks(PHASES.len()) {
            let took: Vec<f64> = step.iter().map(|phase| phase[row]).collect();
            values.push(took.iter().sum::<f64>() as f32);
            values.extend(took.iter().map(|ms| *ms as f32));
        }
        Parts::new(self.layout.clone(), &values)
    }
}

/// A journey whose phases each have noise of their own, of the same kind; its time is their sum.
pub(super) fn walk(noise: &Noise, rows: (usize, usize), clock: usize, rng: &mut StdRng) -> Trace {
    let mut layout = Vec::new();
    for step in STEPS.map(StepName::from) {
        layout.push(Part::Step(step.clone()));
        layout.extend(PHASES.map(|(phase, _)| Part::Phase(step.clone(), PhaseName::from(phase))));
    }
    let usual = PHASES.iter().cycle().take(STEPS.len() * PHASES.len());
    let phases: Vec<Vec<f64>> = usual
        .map(|(_, ms)| {
            let drawn = Trace::draw(noise, rows, clock, rng).ln_ms;
            drawn.into_iter().map(|ln| ms / 300.0 * ln.exp()).collect()
        })
        .collect();
    let mut trace = Trace::draw(noise, rows, clock, rng);
    for (row, ln) in trace.ln_ms.iter_mut().enumerate() {
        *ln = phases.iter().map(|phase| phase[row]).sum::<f64>().ln();
    }
    trace.steps = Some(Steps { layout: layout.into(), phases });
    trace
}
