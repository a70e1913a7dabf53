//! How soon it could be told at all: Wald's sequential probability ratio test (1945) that knows everything but whether the shift is
//! there: the level, the noise with its memory, the size of the shift and its moment.

use rand::{Rng, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};
use wayfarer::simulate::Noise;

/// How often it is tried.
const TRIES: u32 = 20_000;
/// Runs after the change.
const WATCHED: u32 = 60;
/// The evidence at which it speaks: one error in 200, as the shipped confidence.
const ODDS: f64 = 200.0;

/// A shift whose limit is known.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shift {
    /// Times slower.
    Slower(f64),
    /// Share of runs that fail.
    Failing(f64),
}

/// The shift of a scenario, where it is one that begins at once and stays.
pub(crate) fn shift_of(scenario: &str) -> Option<Shift> {
    Some(match scenario {
        "step10" => Shift::Slower(1.1),
        "step20" | "step20-week" => Shift::Slower(1.2),
        "step50" | "step50-short" => Shift::Slower(1.5),
        "step100" | "step100-short" => Shift::Slower(2.0),
        "success95" | "success95-new" => Shift::Failing(0.05),
        "success90" | "success90-new" | "success90-short" => Shift::Failing(0.1),
        "success50" | "success50-short" => Shift::Failing(0.5),
        _ => return None,
    })
}

/// Runs until it speaks, of those tries in which it does, and the share of these.
pub(crate) fn measure(shift: Shift) -> (Vec<f64>, f64) {
    let mut rng = StdRng::seed_from_u64(1);
    let delays: Vec<f64> = (0..TRIES)
        .filter_map(|_| match shift {
            Shift::Slower(times) => slower(times.ln(), &mut rng),
            Shift::Failing(share) => failing(share, &mut rng),
        })
        .map(f64::from)
        .collect();
    let share = delays.len() as f64 / f64::from(TRIES);
    (delays, share)
}

/// Of autoregressive noise only what is new in a run counts: after the first run, whose mean moves by the shift, it moves by what
/// memory does not explain.
fn slower(shift: f64, rng: &mut StdRng) -> Option<u32> {
    let noise = Noise::USUAL;
    let new = noise.spread * (1.0 - noise.memory * noise.memory).sqrt();
    let mut sum = 0.0;
    (1..=WATCHED).find(|n| {
        let mean = if *n == 1 { shift } else { shift * (1.0 - noise.memory) } / new;
        let drawn: f64 = StandardNormal.sample(rng);
        sum += mean * (mean + drawn) - mean * mean / 2.0;
        sum >= ODDS.ln()
    })
}

fn failing(share: f64, rng: &mut StdRng) -> Option<u32> {
    let usual = Noise::USUAL.fails;
    let now = share + (1.0 - share) * usual;
    let mut sum = 0.0;
    (1..=WATCHED).find(|_| {
        let failed = rng.random::<f64>() < now;
        sum += if failed { (now / usual).ln() } else { ((1.0 - now) / (1.0 - usual)).ln() };
        sum >= ODDS.ln()
    })
}
