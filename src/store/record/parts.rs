//! From bytes to the times of steps and phases and to what was measured, without reading the rest: a season is ten thousand runs.

use std::{collections::HashMap, sync::Arc, time::Duration};

use crate::{
    model::{Part, Parts, Phases, StepName, narrow},
    store::{
        error::Fault,
        names::ReadRevision,
        varint::{Take, torn},
    },
};

use super::{
    decode::phrase,
    shape::{Shape, hop_flag, step_flag},
    tail::{self, Named},
};

/// Most layouts that are remembered: runs of a series have few.
const REMEMBERED: usize = 256;

/// Where a record's shape and texts stand: revision and number of the shape.
type Place = (i64, u32);

/// The steps of a shape: their names, and for each the first step of that name.
#[derive(Debug)]
struct Steps {
    names: Vec<StepName>,
    first: Vec<usize>,
}

/// What the records of a series have in common, learnt while they are read one by one.
#[derive(Debug, Default)]
pub(in crate::store) struct Layouts {
    steps: HashMap<Place, Arc<Steps>>,
    measures: HashMap<(i64, u32), Arc<[Named]>>,
    known: HashMap<Key, Arc<[Part]>>,
    last: Option<(Key, Arc<[Part]>)>,
    /// What the rounds of each step add up to, and whether each round passed.
    rounds: Vec<Round>,
    passed: Vec<bool>,
    /// The parts of the record being read, by number, and their values.
    present: Vec<u16>,
    values: Vec<f32>,
}

/// Which parts a record has: by the place of its shape, the number of its measures' names, and the numbers of the parts.
type Key = (Place, u32, Vec<u16>);

/// The rounds of a step so far: how many passed and did not, and the time of all.
#[derive(Debug, Clone, Default)]
struct Round {
    passed: u32,
    others: u32,
    duration: Duration,
    phases: Phases,
}

/// Parts of a step: itself and its phases.
const OF_A_STEP: usize = 6;

/// Numbers from here on are measures, in the order of their names.
const MEASURES: usize = 50_000;

impl Layouts {
    /// The parts of a run from the steps of its record, and from its tail where it may have one; `place` is none where the record has its
    /// shape in itself.
    pub(super) fn read(
        &mut self,
        take: &mut Take<'_>,
        (place, own): (Option<Place>, Option<&Shape>),
        extended: bool,
        revision: &ReadRevision,
    ) -> Result<Parts, Fault> {
        let steps = self.steps(place, own, revision)?;
        self.present.clear();
        self.values.clear();
        self.rounds.clear();
        self.rounds.resize_with(steps.names.len(), Round::default);
        self.passed.clear();
        for first in &steps.first {
            let passed = skim(take, &mut self.rounds[*first])?;
            self.passed.push(passed);
        }
        for index in 0..steps.names.len() {
            let Round { passed, others, duration, phases } = self.rounds[index].clone();
            if passed > 0 && others == 0 {
                let parts = phases.named().map(|(_, took)| took);
                for (part, took) in [duration].into_iter().chain(parts).enumerate() {
                    self.note(index * OF_A_STEP + part, took);
                }
            }
        }
        let (mut number, mut named) = (0, None);
        if extended && let Some(mut body) = tail::measures(take)? {
            let id = place.map_or(0, |(revision, _)| revision);
            let found = self.names_of(&mut body, id, revision)?;
            number = found.0;
            self.measured(&mut body, &steps, &found.1)?;
            named = Some(found.1);
        }
        let named = named.as_deref().unwrap_or(&[]);
        Ok(Parts::new(self.layout(place, number, &steps, named), &self.values))
    }

    fn note(&mut self, number: usize, took: Duration) {
        if number < MEASURES
            && let Ok(number) = u16::try_from(number)
            && !took.is_zero()
        {
            self.present.push(number);
            self.values.push(narrow(took.as_secs_f64() * 1000.0));
        }
    }

    /// The names of the measures, with the number of their text (0 where it stands in the record itself or is too large to note).
    fn names_of(
        &mut self,
        body: &mut Take<'_>,
        id: i64,
        revision: &ReadRevision,
    ) -> Result<(u32, Arc<[Named]>), Fault> {
        let number = body.clone().small::<u32>()?;
        if let Some(names) = self.measures.get(&(id, number)).filter(|_| number > 0) {
            body.uint()?;
            return Ok((number, Arc::clone(names)));
        }
        let names: Arc<[Named]> = tail::names_of(phrase(body, revision)?)?.into();
        if number > 0 && self.measures.len() < REMEMBERED {
            self.measures.insert((id, number), Arc::clone(&names));
        }
        Ok((number, names))
    }

    /// Notes what was measured by the steps that passed; of several rounds the mean.
    fn measured(
        &mut self,
        body: &mut Take<'_>,
        steps: &Steps,
        named: &[Named],
    ) -> Result<(), Fault> {
        let first = |index: usize| steps.first.get(index).copied();
        // A measure by the first of its name, the sum of its rounds, and their number.
        let mut sums: Vec<(usize, f64, f64)> = Vec::new();
        let passed = &self.passed;
        tail::values(body, named.len(), |at, value| {
            let (step, name, _) = &named[at];
            if !passed.get(*step).is_some_and(|p| *p) {
                return;
            }
            let same = |(other, ..): &&mut (usize, f64, f64)| {
                let (step_of, name_of, _) = &named[*other];
                name_of == name && first(*step_of) == first(*step)
            };
            match sums.iter_mut().find(same) {
                Some((_, sum, count)) => (*sum, *count) = (*sum + value, *count + 1.0),
                None => sums.push((at, value, 1.0)),
            }
        })?;
        for (at, sum, count) in sums {
            if let Ok(number) = u16::try_from(MEASURES + at) {
                self.present.push(number);
                self.values.push(narrow(sum / count));
            }
        }
        Ok(())
    }

    fn steps(
        &mut self,
        place: Option<Place>,
        own: Option<&Shape>,
        revision: &ReadRevision,
    ) -> Result<Arc<Steps>, Fault> {
        match (place, own) {
            (_, Some(shape)) => Ok(Arc::new(Steps::of(shape))),
            (None, None) => Err(torn()),
            (Some(place), None) => {
                if let Some(steps) = self.steps.get(&place) {
                    return Ok(Arc::clone(steps));
                }
                let shape = Shape::read(revision.phrase(place.1).ok_or_else(torn)?)?;
                let steps = Arc::new(Steps::of(&shape));
                if self.steps.len() < REMEMBERED {
                    self.steps.insert(place, Arc::clone(&steps));
                }
                Ok(steps)
            }
        }
    }

    /// The names of the parts that are present, shared with the runs before where they had the same.
    fn layout(
        &mut self,
        place: Option<Place>,
        number: u32,
        steps: &Steps,
        named: &[Named],
    ) -> Arc<[Part]> {
        let numbered = number > 0 || named.is_empty();
        let Some(place) = place.filter(|_| numbered) else {
            return made(&self.present, steps, named);
        };
        if let Some(((known, measures, present), layout)) = &self.last
            && (*known, *measures, present) == (place, number, &self.present)
        {
            return Arc::clone(layout);
        }
        let key = (place, number, self.present.clone());
        let layout = match self.known.get(&key) {
            Some(layout) => Arc::clone(layout),
            None => made(&self.present, steps, named),
        };
        if self.known.len() < REMEMBERED {
            self.known.insert(key.clone(), Arc::clone(&layout));
        }
        self.last = Some((key, Arc::clone(&layout)));
        layout
    }
}

impl Steps {
    fn of(shape: &Shape) -> Self {
        let names: Vec<StepName> = shape.steps.iter().map(|(name, _)| name.clone()).collect();
        let mut seen = HashMap::new();
        let first =
            names.iter().enumerate().map(|(i, name)| *seen.entry(name).or_insert(i)).collect();
        Self { first, names }
    }
}

fn made(present: &[u16], steps: &Steps, named: &[Named]) -> Arc<[Part]> {
    let phases = Phases::default().named();
    let part = |number: &u16| {
        let number = usize::from(*number);
        if let Some(measure) = number.checked_sub(MEASURES) {
            let (step, name, _) = named.get(measure)?;
            return Some(Part::Measure(steps.names.get(*step)?.clone(), name.clone()));
        }
        let (index, part) = (number / OF_A_STEP, number % OF_A_STEP);
        let name = steps.names.get(index)?.clone();
        Some(match part.checked_sub(1).and_then(|phase| phases.get(phase)) {
            None => Part::Step(name),
            Some((phase, _)) => Part::Phase(name, (*phase).into()),
        })
    };
    present.iter().filter_map(part).collect()
}

/// Passes over so many steps.
pub(super) fn pass_over(take: &mut Take<'_>, steps: usize) -> Result<(), Fault> {
    let mut round = Round::default();
    (0..steps).try_for_each(|_| skim(take, &mut round).map(drop))
}

/// Adds the next step to the rounds of its name: whether it passed, its time, and its phases over all hops. What was skipped is no
/// round.
fn skim(take: &mut Take<'_>, round: &mut Round) -> Result<bool, Fault> {
    let flags = take.uint()?;
    take.int()?;
    let hops = if flags & step_flag::HOPS != 0 { take.uint()? } else { 1 };
    let beyond = if flags & step_flag::DURATION != 0 { take.int()? } else { 0 };
    if flags & step_flag::ASSERTIONS != 0 {
        for _ in 0..take.uint()? {
            take.uint()?;
            skip_maybe(take)?;
            skip_maybe(take)?;
        }
    }
    if flags & step_flag::CAPTURES != 0 {
        for _ in 0..take.uint()? {
            take.bytes()?;
            take.bytes()?;
        }
    }
    let (mut sum, mut phases) = (0_u64, Phases::default());
    for _ in 0..hops {
        sum = sum.wrapping_add(skim_hop(take, &mut phases)?);
    }
    let (passed, skipped) = (flags & 3 == 0, flags & 3 == 3);
    if !skipped {
        let duration = Duration::from_micros(sum.wrapping_add(beyond.cast_unsigned()));
        round.duration = round.duration.saturating_add(duration);
        round.phases.add(&phases);
        round.passed += u32::from(passed);
        round.others += u32::from(!passed);
    }
    Ok(passed)
}

fn skim_hop(take: &mut Take<'_>, phases: &mut Phases) -> Result<u64, Fault> {
    let flags = take.uint()?;
    if flags & hop_flag::STATUS != 0 {
        take.uint()?;
    }
    if flags & hop_flag::CONNECTION != 0 {
        skip_phrase(take)?;
    }
    if flags & hop_flag::GAP != 0 {
        take.int()?;
    }
    skip_phrase(take)?;
    let mut took = [0_u64; 5];
    let from = if flags & hop_flag::CONNECT != 0 { 0 } else { 3 };
    for phase in &mut took[from..] {
        *phase = take.uint()?;
    }
    take.uint()?;
    let beyond = if flags & hop_flag::DURATION != 0 { take.int()? } else { 0 };
    let [resolve, connect, tls, processing, transfer] = took.map(Duration::from_micros);
    phases.add(&Phases { resolve, connect, tls, processing, transfer });
    Ok(took.iter().fold(beyond.cast_unsigned(), |sum, part| sum.wrapping_add(*part)))
}

/// A text by its number, or as it stands there.
fn skip_phrase(take: &mut Take<'_>) -> Result<(), Fault> {
    if take.small::<u32>()? == 0 {
        take.bytes()?;
    }
    Ok(())
}

fn skip_maybe(take: &mut Take<'_>) -> Result<(), Fault> {
    if take.uint()? == 1 {
        take.bytes()?;
    }
    Ok(())
}
