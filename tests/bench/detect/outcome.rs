//! What our detector and the baselines said of one case, held against its truth.

use std::collections::BTreeSet;

use wayfarer::{
    correlate::replay::{self, CaseResult, Hit},
    model::{Case, ChangeId, Conclusion, Detect, Label, Metric, Truth, Watch},
    simulate::Sample,
};

use crate::{around::Around, baseline};

/// What a row of the table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// Nothing that a change is to blame for: every alarm is false.
    Nothing,
    /// Harm: what was seen of it, and how soon.
    Harm,
    /// A trouble that ends by itself.
    Transient,
}

impl About {
    pub(crate) fn of(case: &Case) -> Self {
        let any = |label| case.truth.iter().any(|t| t.label == label);
        match (any(Label::Regressed), any(Label::Transient)) {
            (true, _) => Self::Harm,
            (false, true) => Self::Transient,
            (false, false) => Self::Nothing,
        }
    }

    fn includes(self, label: Label) -> bool {
        match self {
            Self::Nothing => true,
            Self::Harm => label == Label::Regressed,
            Self::Transient => label == Label::Transient,
        }
    }
}

/// What was said of a case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// Runs after the change at which what the row is about was first suspected; and seconds since the harm began.
    pub(crate) suspected: Option<(f64, Option<f64>)>,
    /// The same of regressed.
    pub(crate) regressed: Option<(f64, Option<f64>)>,
    /// Whether something else, to which nothing happened, was suspected; regressed.
    pub(crate) elsewhere: (bool, bool),
    /// What was concluded in the end of what the row is about.
    pub(crate) finals: Vec<Conclusion>,
    /// Of every metric found whose culprit is known.
    pub(crate) blamed: Vec<Blamed>,
    /// Error of the onset, in runs, and whether its interval holds the truth: when suspected, when regressed.
    pub(crate) onset: [Vec<(f64, bool)>; 2],
    /// Runs after which each baseline alarmed.
    pub(crate) baselines: [Option<u32>; 5],
}

/// Whether the culprit was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blamed {
    pub(crate) first_at_hit: bool,
    pub(crate) first_at_end: bool,
    pub(crate) named: bool,
    pub(crate) named_wrong: bool,
}

/// Probability from which on a candidate is named, as in the verdicts.
const NAMED_FROM: f64 = 0.6;

/// Judges a case by our detector and by the baselines.
pub(crate) fn judge(sample: &Sample) -> Outcome {
    let case = &sample.case;
    let about = About::of(case);
    let results = replay::replay(case, &Detect::default(), &Watch::default());
    let mut outcome = Outcome::default();
    for result in &results {
        let truth =
            case.truth.iter().find(|t| t.journey == result.journey && t.metric == result.metric);
        if about.includes(truth.map_or(Label::None, |t| t.label)) {
            outcome.take(sample, result, truth);
        } else {
            outcome.elsewhere.0 |= result.suspected.is_some();
            outcome.elsewhere.1 |= result.regressed.is_some();
        }
    }
    outcome.baselines = baselines(case, about);
    outcome
}

impl Outcome {
    fn take(&mut self, sample: &Sample, result: &CaseResult, truth: Option<&Truth>) {
        self.finals.push(result.conclusion);
        for (slot, hit) in [&result.suspected, &result.regressed].into_iter().enumerate() {
            let Some(hit) = hit else { continue };
            let first = if slot == 0 { &mut self.suspected } else { &mut self.regressed };
            let begun = sample.onset.or(sample.case.changes.iter().map(|c| c.started_at).min());
            let since = begun.map(|at| hit.at - seconds(at));
            let found = (f64::from(hit.probes_after), since);
            if first.is_none_or(|(sooner, _)| found.0 < sooner) {
                *first = Some(found);
            }
            self.onset[slot].extend(onset(sample, result, hit));
        }
        if let (Some(hit), Some(culprit)) =
            (&result.suspected, truth.and_then(|t| t.change.as_ref()))
        {
            self.blamed.push(Blamed::of(hit, result, culprit));
        }
    }
}

impl Blamed {
    pub(crate) fn of(hit: &Hit, result: &CaseResult, culprit: &ChangeId) -> Self {
        let first = |candidates: &[wayfarer::model::Candidate]| {
            candidates.first().is_some_and(|c| c.change == *culprit)
        };
        let named = result.candidates.first().filter(|c| c.probability >= NAMED_FROM);
        Self {
            first_at_hit: first(&hit.candidates),
            first_at_end: first(&result.candidates),
            named: named.is_some(),
            named_wrong: named.is_some_and(|c| c.change != *culprit),
        }
    }
}

/// How far off the onset is from the first run that met the harm, in runs, and whether its interval holds the truth: any moment
/// from the begin of the harm to that run, which nobody can tell apart.
fn onset(sample: &Sample, result: &CaseResult, hit: &Hit) -> Option<(f64, bool)> {
    let (begun, told) = (sample.onset?, hit.onset?);
    let series = sample.case.series.iter().find(|s| s.key.journey == result.journey)?;
    let first = series.probes.iter().find(|p| p.at >= begun)?.at;
    let interval = sample.case.interval.as_secs_f64();
    // Times of runs are seconds in floating point on their way: one is allowed for.
    let held = seconds(told.earliest) <= seconds(first) + 1.0
        && seconds(begun) - 1.0 <= seconds(told.latest);
    Some(((seconds(told.at) - seconds(first)).abs() / interval, held))
}

fn seconds(at: jiff::Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

/// After how many runs each baseline alarmed first for what the row is about.
fn baselines(case: &Case, about: About) -> [Option<u32>; 5] {
    let journeys: BTreeSet<_> =
        case.truth.iter().filter(|t| about.includes(t.label)).map(|t| &t.journey).collect();
    let around: Vec<Around> = case
        .series
        .iter()
        .filter(|s| journeys.contains(&s.key.journey))
        .filter(|s| case.changes.iter().any(|c| c.touches(&s.key.environment)))
        .filter_map(|s| Around::of(case, s))
        .collect();
    baseline::ALL.map(|(_, rule)| {
        let both = [Metric::Latency, Metric::Success];
        around.iter().flat_map(|a| both.iter().filter_map(|m| rule(a, *m))).min()
    })
}
