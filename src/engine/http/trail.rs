//! What a run has sent and got so far, kept until it is known whether anybody wants to see it.
//!
//! Most runs pass and nobody looks at them, so their exchanges are only noted: masking, the costly part, waits until they are asked for.

use std::{
    collections::{BTreeSet, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    evidence::{Raw, curl, masked, raw},
    hop::Walked,
};
use crate::{
    model::{Evidence, StepName},
    render::Mask,
};

/// Most exchanges of one run that are kept: the latest ones.
const MOST: usize = 200;

/// Most bytes of one run's exchanges that are kept.
const MOST_BYTES: usize = 2 << 20;

/// Cookies at least this long are taken for what opens a session, and masked wherever they stand; shorter ones are settings (`theme=dark`).
const SESSION: usize = 8;

/// The exchanges of a run that is under way. Clones are the same trail.
#[derive(Clone, Default)]
pub(in crate::engine) struct Trail(Arc<Mutex<Noted>>);

#[derive(Default)]
struct Noted {
    exchanges: VecDeque<Raw>,
    bytes: usize,
    left_out: u32,
    cookies: BTreeSet<String>,
}

impl Trail {
    /// Notes the exchanges of a step.
    pub(super) fn add(&self, step: &StepName, walked: &[Walked], mask: &Mask) {
        let mut noted = self.noted();
        for walked in walked {
            let raw = raw(step, walked, mask);
            noted.bytes += raw.bytes();
            noted.cookies.extend(raw.cookies().filter(|value| value.len() >= SESSION));
            noted.exchanges.push_back(raw);
            while noted.exchanges.len() > MOST
                || (noted.bytes > MOST_BYTES && noted.exchanges.len() > 1)
            {
                let gone = noted.exchanges.pop_front();
                noted.bytes -= gone.map_or(0, |raw| raw.bytes());
                noted.left_out = noted.left_out.saturating_add(1);
            }
        }
    }

    /// Everything so far as evidence, with a `curl` line that repeats `last`. None if nothing was sent at all.
    pub(super) fn evidence(&self, last: Option<&Walked>, mask: &Mask) -> Option<Evidence> {
        let noted = self.noted();
        let mask = with_cookies(mask, &noted.cookies);
        let exchanges: Vec<_> = noted.exchanges.iter().map(|raw| masked(raw, &mask)).collect();
        let curl = last.map(|walked| curl(&walked.request, &mask)).unwrap_or_default();
        let left_out = noted.left_out;
        (!exchanges.is_empty()).then_some(Evidence { exchanges, curl, left_out })
    }

    /// Everything so far as evidence, where no request stands for the failure.
    pub(in crate::engine) fn so_far(&self, mask: &Mask) -> Option<Evidence> {
        self.evidence(None, mask)
    }

    /// Takes everything that was noted.
    pub(in crate::engine) fn take(&self, mask: &Mask) -> Trace {
        let noted = std::mem::take(&mut *self.noted());
        let mask = with_cookies(mask, &noted.cookies);
        Trace { exchanges: noted.exchanges.into(), left_out: noted.left_out, mask }
    }

    fn noted(&self) -> std::sync::MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn with_cookies(mask: &Mask, cookies: &BTreeSet<String>) -> Mask {
    let mut mask = mask.clone();
    cookies.iter().for_each(|value| mask.add(value));
    mask
}

/// The exchanges of a run that passed, not masked yet: it shows nothing of them but [`Trace::evidence`].
pub struct Trace {
    exchanges: Vec<Raw>,
    left_out: u32,
    mask: Mask,
}

impl Trace {
    /// The exchanges, masked. Without a `curl` line: nothing failed.
    pub fn evidence(&self) -> Evidence {
        let exchanges = self.exchanges.iter().map(|raw| masked(raw, &self.mask)).collect();
        Evidence { exchanges, curl: String::new(), left_out: self.left_out }
    }

    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        self.exchanges.iter().map(Raw::bytes).sum()
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trace({} exchanges)", self.exchanges.len())
    }
}
