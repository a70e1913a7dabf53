//! From bytes to the times of steps and phases, without reading the rest: a season is ten thousand runs.

use std::{collections::HashMap, sync::Arc, time::Duration};

use crate::{
    model::{Part, Parts, Phases, StepName},
    store::{
        error::Fault,
        names::ReadRevision,
        varint::{Take, torn},
    },
};

use super::shape::{Shape, hop_flag, step_flag};

/// Most layouts that are remembered: runs of a series have few.
const REMEMBERED: usize = 256;

/// Where a record's shape and texts stand: revision and number of the shape.
type Place = (i64, u32);

/// What the records of a series have in common, learnt while they are read one by one.
#[derive(Debug, Default)]
pub(in crate::store) struct Layouts {
    steps: HashMap<Place, Arc<[StepName]>>,
    known: HashMap<(Place, Vec<u16>), Arc<[Part]>>,
    last: Option<(Place, Vec<u16>, Arc<[Part]>)>,
    /// The parts of the record being read, by number, and their milliseconds.
    present: Vec<u16>,
    values: Vec<f32>,
}

/// Parts of a step: itself and its phases.
const OF_A_STEP: usize = 6;

impl Layouts {
    /// The parts of a run from the steps of its record; `place` is none where the record has its shape in itself.
    pub(super) fn read(
        &mut self,
        take: &mut Take<'_>,
        shape: (Option<Place>, Option<&Shape>),
        revision: &ReadRevision,
    ) -> Result<Parts, Fault> {
        let (place, own) = shape;
        let names = self.names(place, own, revision)?;
        self.present.clear();
        self.values.clear();
        for index in 0..names.len() {
            let (passed, duration, phases) = skim(take)?;
            if passed {
                let parts = phases.named().map(|(_, took)| took);
                for (part, took) in [duration].into_iter().chain(parts).enumerate() {
                    self.note(index * OF_A_STEP + part, took);
                }
            }
        }
        Ok(Parts::new(self.layout(place, &names), &self.values))
    }

    fn note(&mut self, number: usize, took: Duration) {
        if let Ok(number) = u16::try_from(number)
            && !took.is_zero()
        {
            self.present.push(number);
            #[expect(clippy::cast_possible_truncation, reason = "as in the model")]
            self.values.push((took.as_secs_f64() * 1000.0) as f32);
        }
    }

    fn names(
        &mut self,
        place: Option<Place>,
        own: Option<&Shape>,
        revision: &ReadRevision,
    ) -> Result<Arc<[StepName]>, Fault> {
        let of = |shape: &Shape| shape.steps.iter().map(|(name, _)| name.clone()).collect();
        match (place, own) {
            (_, Some(shape)) => Ok(of(shape)),
            (None, None) => Err(torn()),
            (Some(place), None) => {
                if let Some(names) = self.steps.get(&place) {
                    return Ok(Arc::clone(names));
                }
                let shape = Shape::read(revision.phrase(place.1).ok_or_else(torn)?)?;
                let names: Arc<[StepName]> = of(&shape);
                if self.steps.len() < REMEMBERED {
                    self.steps.insert(place, Arc::clone(&names));
                }
                Ok(names)
            }
        }
    }

    /// The names of the parts that are present, shared with the runs before where they had the same.
    fn layout(&mut self, place: Option<Place>, names: &[StepName]) -> Arc<[Part]> {
        let Some(place) = place else { return made(&self.present, names) };
        if let Some((known, present, layout)) = &self.last
            && (*known, present) == (place, &self.present)
        {
            return Arc::clone(layout);
        }
        let key = (place, self.present.clone());
        let layout = match self.known.get(&key) {
            Some(layout) => Arc::clone(layout),
            None => made(&self.present, names),
        };
        if self.known.len() < REMEMBERED {
            self.known.insert(key.clone(), Arc::clone(&layout));
        }
        self.last = Some((key.0, key.1, Arc::clone(&layout)));
        layout
    }
}

fn made(present: &[u16], names: &[StepName]) -> Arc<[Part]> {
    let phases = Phases::default().named();
    let part = |number: &u16| {
        let (index, part) = (usize::from(*number) / OF_A_STEP, usize::from(*number) % OF_A_STEP);
        let name = names.get(index)?.clone();
        Some(match part.checked_sub(1).and_then(|phase| phases.get(phase)) {
            None => Part::Step(name),
            Some((phase, _)) => Part::Phase(name, (*phase).into()),
        })
    };
    present.iter().filter_map(part).collect()
}

/// The next step: whether it passed, its time, and its phases over all hops.
fn skim(take: &mut Take<'_>) -> Result<(bool, Duration, Phases), Fault> {
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
    let duration = Duration::from_micros(sum.wrapping_add(beyond.cast_unsigned()));
    Ok((flags & 3 == 0, duration, phases))
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
