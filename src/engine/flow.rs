//! From step to step: conditions, rounds, parts, and what is walked after the run has failed.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};

use super::{
    fault::Trouble,
    http::{End, Session, holds, whole_micros},
    limits::Limits,
    settings::Parts,
    shared::Held,
    vars::Variables,
};
use crate::{
    model::{Action, Failure, FaultKind, Over, PartUse, Repeat, Step, StepOutcome, StepRun, Text},
    render::Mask,
};

/// One walk under way: of a journey, or of a shared setup.
pub(super) struct Walker<'a> {
    pub(super) parts: &'a Arc<Parts>,
    pub(super) session: Session,
    pub(super) vars: Variables,
    /// What was walked so far, and what was left out.
    pub(super) steps: Vec<StepRun>,
    /// The shared session in use.
    pub(super) held: Option<Held<'a>>,
    /// The round of a repeated step that is under way.
    round: Option<u32>,
}

/// What a repeated step is repeated over.
struct Rounds {
    values: Vec<String>,
    /// Whether the target gave them.
    captured: bool,
}

impl<'a> Walker<'a> {
    pub(super) fn new(parts: &'a Arc<Parts>, session: Session, vars: Variables) -> Self {
        Self { parts, session, vars, steps: Vec::new(), held: None, round: None }
    }

    /// Walks steps until one does not pass; after that only those that clean up. `cleaning`: the run has failed before, and these are
    /// clean-ups all of them. Gives how the first one that matters ended; the others' failures stand at their steps.
    pub(super) fn list<'b>(
        &'b mut self,
        steps: &'b [Step],
        limits: &'b Limits,
        cleaning: bool,
    ) -> BoxFuture<'b, Option<End>> {
        async move {
            let mut ended = None;
            for step in steps {
                let late = cleaning || ended.is_some();
                if ended.is_some() && !step.flow.always {
                    self.skip(step, "the run ended before it");
                    continue;
                }
                if late && self.lacks_capture(step) {
                    self.skip(step, "what it cleans up was never made");
                    continue;
                }
                let now = self.session.clock.instant();
                let end = if step.flow.always {
                    let limits = limits.for_clean_up(step.timeout, now);
                    self.step(step, &limits, late).await
                } else {
                    self.step(step, limits, late).await
                };
                match end {
                    Some(end) if ended.is_some() => self.forgive(end),
                    Some(end) => ended = Some(end),
                    None => {}
                }
            }
            ended
        }
        .boxed()
    }

    /// What of the walk must be masked.
    pub(super) fn final_mask(&mut self) -> Mask {
        self.vars.learn();
        self.vars.mask().clone()
    }

    /// Walks a step, round by round, if its condition holds. None where the run goes on.
    async fn step(&mut self, step: &Step, limits: &Limits, cleaning: bool) -> Option<End> {
        if let Some(condition) = &step.flow.when {
            match holds(condition, &self.vars) {
                Ok(true) => {}
                Ok(false) => {
                    self.skip(step, "its `when` did not hold");
                    return None;
                }
                Err(trouble) => {
                    let end = self.unwalked(step, trouble);
                    return self.excuse(step, end);
                }
            }
        }
        let Some(repeat) = &step.flow.repeat else {
            let end = self.once(step, limits, cleaning).await;
            return end.and_then(|end| self.excuse(step, end));
        };
        let rounds = match self.rounds(repeat) {
            Ok(rounds) => rounds,
            Err(trouble) => {
                let end = self.unwalked(step, trouble);
                return self.excuse(step, end);
            }
        };
        if rounds.values.is_empty() {
            self.skip(step, "there is nothing to repeat it over");
        }
        let outer = self.round;
        let mut ended: Option<End> = None;
        for (nth, value) in (1..).zip(rounds.values) {
            self.round = Some(nth);
            self.vars.element(&repeat.name, Some(value), rounds.captured);
            let end = self.once(step, limits, cleaning).await;
            match end.and_then(|end| self.excuse(step, end)) {
                None => {}
                // A clean-up that fails for one thing goes on with the others.
                Some(end) if ended.is_some() => self.forgive(end),
                Some(end) => ended = Some(end),
            }
            if ended.is_some() && !step.flow.always && !cleaning {
                break;
            }
        }
        self.vars.element(&repeat.name, None, false);
        self.round = outer;
        ended
    }

    /// One round of a step.
    async fn once(&mut self, step: &Step, limits: &Limits, cleaning: bool) -> Option<End> {
        if !step.flow.delay.is_zero() {
            self.wait(step.flow.delay, limits).await;
        }
        match &step.action {
            Action::Http(http) => self.attempts(step, http, limits).await,
            Action::Part(part) => self.part(step, part, limits, cleaning).await,
        }
    }

    /// Walks the steps of a part in a scope of their own.
    pub(super) async fn part(
        &mut self,
        step: &Step,
        part: &PartUse,
        limits: &Limits,
        cleaning: bool,
    ) -> Option<End> {
        if let Err(trouble) = self.vars.enter(&part.with) {
            return Some(self.unwalked(step, trouble));
        }
        let now = self.session.clock.instant();
        let limits = limits.within(step.timeout, now, "the part's");
        let end = self.list(&part.steps, &limits, cleaning).await;
        self.vars.leave(&part.outputs, &format!("`{}` did not come to it", step.name));
        end
    }

    /// Waits, but not beyond the deadline.
    pub(super) async fn wait(&self, delay: Duration, limits: &Limits) {
        let left = limits.left(self.session.clock.instant());
        tokio::time::sleep(delay.min(left)).await;
    }

    /// The elements a step is repeated over, as texts.
    fn rounds(&self, repeat: &Repeat) -> Result<Rounds, Trouble> {
        let most = repeat.most as usize;
        match &repeat.over {
            Over::List(texts) => {
                let filled = texts.iter().take(most).map(|text| self.vars.fill_to_send(text));
                let captured = texts.iter().any(|text| self.vars.is_captured(text));
                Ok(Rounds { values: filled.collect::<Result<_, _>>()?, captured })
            }
            Over::Json(text) => {
                let filled = self.vars.fill_to_send(text)?;
                let Ok(items) = serde_json::from_str::<Vec<serde_json::Value>>(&filled) else {
                    let (shown, _) = self.vars.mask().excerpt(&filled, 100, false);
                    let message = format!("`repeat.over` is not a JSON array: {shown}");
                    return Err(self.vars.impossible(text, message));
                };
                let element = |item: serde_json::Value| match item {
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                };
                let values = items.into_iter().take(most).map(element).collect();
                Ok(Rounds { values, captured: self.vars.is_captured(text) })
            }
        }
    }

    /// Lets an optional step fail without the run. Our own trouble is never optional.
    fn excuse(&mut self, step: &Step, end: End) -> Option<End> {
        match end {
            End::Failed(failure, evidence) if step.flow.optional => {
                self.forgive(End::Failed(failure, evidence));
                None
            }
            end => Some(end),
        }
    }

    /// Notes at its step why that did not pass, where that does not end the run.
    fn forgive(&mut self, end: End) {
        let (name, failure) = match end {
            End::Failed(failure, _) => (failure.step.clone(), *failure),
            End::Broken(reason, name) => {
                let message = format!("our own trouble: {reason}");
                let kind = FaultKind::Template;
                let (check, expected, actual) = (None, None, None);
                (name.clone(), Failure { step: name, kind, message, check, expected, actual })
            }
        };
        let mut backwards = self.steps.iter_mut().rev();
        let ended = |run: &&mut StepRun| {
            matches!(run.outcome, StepOutcome::Failed | StepOutcome::Broken)
                && run.name == name
                && run.failure.is_none()
        };
        if let Some(run) = backwards.find(ended) {
            run.failure = Some(Box::new(failure));
        }
    }

    /// Records a step that could not even be begun.
    fn unwalked(&mut self, step: &Step, trouble: Trouble) -> End {
        let outcome = match &trouble {
            Trouble::Target(..) => StepOutcome::Failed,
            Trouble::Ours(_) => StepOutcome::Broken,
        };
        let run = self.bare(step, outcome);
        self.steps.push(run);
        self.forget(step, &format!("step `{}` was not begun", step.name));
        match trouble {
            Trouble::Ours(reason) => End::Broken(reason, step.name.clone()),
            Trouble::Target(kind, message) => {
                let (check, expected, actual) = (None, None, None);
                let step = step.name.clone();
                let failure = Failure { step, kind, message, check, expected, actual };
                End::Failed(Box::new(failure), self.session.trail.so_far(self.vars.mask()))
            }
        }
    }

    /// Records a step that is left out, and what it would have captured.
    pub(super) fn skip(&mut self, step: &Step, why: &str) {
        let mut leaves = Vec::new();
        step.leaves(&mut leaves);
        for leaf in leaves {
            let run = self.bare(leaf, StepOutcome::Skipped);
            self.steps.push(run);
        }
        self.forget(step, &format!("step `{}` was not walked: {why}", step.name));
    }

    /// Forgets what a step captures.
    pub(super) fn forget(&mut self, step: &Step, why: &str) {
        let outputs = match &step.action {
            Action::Http(_) => &[][..],
            Action::Part(part) => &part.outputs,
        };
        let captures = step.captures.iter().map(|capture| &capture.name);
        captures.chain(outputs).for_each(|name| self.vars.forget(name, why));
    }

    fn bare(&self, step: &Step, outcome: StepOutcome) -> StepRun {
        let now = self.session.clock.instant();
        StepRun {
            name: step.name.clone(),
            offset: whole_micros(now.saturating_duration_since(self.session.watch.origin())),
            duration: Duration::ZERO,
            outcome,
            hops: Vec::new(),
            assertions: Vec::new(),
            captures: Vec::new(),
            iteration: self.round,
            retries: Vec::new(),
            failure: None,
            measures: Vec::new(),
        }
    }

    /// The round under way, for the records of steps.
    pub(super) fn round(&self) -> Option<u32> {
        self.round
    }

    /// Whether a step needs something that an earlier one should have captured and did not: then there is nothing to clean up.
    fn lacks_capture(&self, step: &Step) -> bool {
        let mut texts = Vec::new();
        match &step.action {
            Action::Http(http) => {
                let value = serde_json::to_value(http).unwrap_or_default();
                gather(&value, &mut texts);
            }
            Action::Part(part) => texts.extend(part.with.iter().map(|(_, text)| text.clone())),
        }
        match step.flow.repeat.as_ref().map(|repeat| &repeat.over) {
            Some(Over::Json(text)) => texts.push(text.clone()),
            Some(Over::List(list)) => texts.extend(list.iter().cloned()),
            None => {}
        }
        texts.iter().any(|text| self.vars.lacks(text).is_some())
    }
}

/// Every text of a value, however deep.
fn gather(value: &serde_json::Value, found: &mut Vec<Text>) {
    match value {
        serde_json::Value::String(text) => found.push(Text(text.clone())),
        serde_json::Value::Array(items) => items.iter().for_each(|item| gather(item, found)),
        serde_json::Value::Object(members) => members.values().for_each(|m| gather(m, found)),
        _ => {}
    }
}
