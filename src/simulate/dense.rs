//! The same with ten seconds from run to run after the change and a minute before it: how an agent watches by default.

use rand::rngs::StdRng;

use crate::model::Label;

use super::{
    Noise, Scenario,
    harm::{NEW, OLD, failing, mixture_of, slower},
    quiet::{BURSTS, FOREVER, HISTORY, MORNING, SHORT, SMOOTH, plain, series},
    scenario::Drawn,
};

/// The scenarios.
pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "null-dense-usual",
        about: "a usual journey, watched densely",
        draw: |r| quiet(Noise::USUAL, r),
    },
    Scenario {
        name: "null-dense-white",
        about: "independent noise, watched densely",
        draw: |r| quiet(Noise::WHITE, r),
    },
    Scenario {
        name: "null-dense-memory9",
        about: "noise with memory 0.9, watched densely",
        draw: |r| quiet(Noise { memory: 0.9, ..SMOOTH }, r),
    },
    Scenario {
        name: "null-dense-heavy-tail",
        about: "Student noise of 3 degrees of freedom, 5% spikes, watched densely",
        draw: |r| quiet(Noise { tail: Some(3.0), spread: 0.25, spikes: 0.05, ..Noise::WHITE }, r),
    },
    Scenario {
        name: "null-dense-bursts",
        about: "bursts of 3 to 8 slow minutes every few hours, watched densely",
        draw: |r| quiet(BURSTS, r),
    },
    Scenario {
        name: "null-dense-drift",
        about: "the level drifts, watched densely",
        draw: |r| quiet(Noise { drift: 0.006, ..Noise::USUAL }, r),
    },
    Scenario {
        name: "null-dense-morning",
        about: "the change meets the morning's rise of 42%, watched densely",
        draw: |r| quiet(MORNING, r),
    },
    Scenario {
        name: "null-dense-flaky",
        about: "3 runs in 100 fail, always; watched densely",
        draw: |r| quiet(Noise { fails: 0.03, ..Noise::USUAL }, r),
    },
    Scenario {
        name: "null-dense-failing-rows",
        about: "2 to 4 minutes of failures every eight hours, watched densely",
        draw: |r| quiet(Noise { failing_rows: 1.0 / 480.0, ..Noise::USUAL }, r),
    },
    Scenario {
        name: "null-dense-bimodal",
        about: "a fifth of the runs takes a slow path, always; watched densely",
        draw: |r| quiet(Noise { slow_path: 0.2, ..Noise::USUAL }, r),
    },
    Scenario {
        name: "null-dense-cold-start",
        about: "three times as slow for three minutes, watched densely",
        draw: |r| {
            let mut trace = series(dense(Noise::USUAL), HISTORY, r);
            trace.slow(0, 3, 3.0);
            Drawn::one(trace, Label::None, Label::None)
        },
    },
    Scenario {
        name: "null-dense-earlier-shift",
        about: "half as slow again since 20 minutes before the change, watched densely",
        draw: |r| {
            let mut trace = series(dense(Noise::USUAL), HISTORY, r);
            trace.slow(-20, FOREVER, 1.5);
            Drawn::one(trace, Label::None, Label::None)
        },
    },
    Scenario {
        name: "null-dense-short-usual",
        about: "a usual journey with 17 runs of history, watched densely",
        draw: |r| plain(dense(Noise::USUAL), SHORT, r),
    },
    Scenario {
        name: "null-dense-short-bursts",
        about: "bursts and 17 runs of history, watched densely",
        draw: |r| plain(dense(BURSTS), SHORT, r),
    },
    Scenario {
        name: "null-dense-short-memory9",
        about: "memory 0.9 and 17 runs of history, watched densely",
        draw: |r| plain(dense(Noise { memory: 0.9, ..SMOOTH }), SHORT, r),
    },
    Scenario {
        name: "null-dense-short-flaky",
        about: "3 in 100 fail, 17 runs of history, watched densely",
        draw: |r| plain(dense(Noise { fails: 0.03, ..Noise::USUAL }), SHORT, r),
    },
    Scenario {
        name: "dense-step20",
        about: "20% slower, watched densely",
        draw: |r| slower(series(dense(Noise::USUAL), HISTORY, r), 1.2),
    },
    Scenario {
        name: "dense-step50",
        about: "50% slower, watched densely",
        draw: |r| slower(series(dense(Noise::USUAL), HISTORY, r), 1.5),
    },
    Scenario {
        name: "dense-step100",
        about: "twice as slow, watched densely",
        draw: |r| slower(series(dense(Noise::USUAL), HISTORY, r), 2.0),
    },
    Scenario {
        name: "dense-step50-bursts",
        about: "50% slower where there are bursts anyway, watched densely",
        draw: |r| slower(series(dense(BURSTS), HISTORY, r), 1.5),
    },
    Scenario {
        name: "dense-mixture30",
        about: "30 of 100 runs 2.5 times as slow, watched densely",
        draw: |r| mixture_of(series(dense(Noise::USUAL), HISTORY, r), 0.3, 2.5, r),
    },
    Scenario {
        name: "dense-success95",
        about: "5 in 100 fail, watched densely",
        draw: |r| failing(series(dense(Noise::USUAL), HISTORY, r), 0.05, OLD, r),
    },
    Scenario {
        name: "dense-success90",
        about: "10 in 100 fail, watched densely",
        draw: |r| failing(series(dense(Noise::USUAL), HISTORY, r), 0.1, OLD, r),
    },
    Scenario {
        name: "dense-success90-new",
        about: "10 in 100 fail in a way never seen before, watched densely",
        draw: |r| failing(series(dense(Noise::USUAL), HISTORY, r), 0.1, NEW, r),
    },
    Scenario {
        name: "dense-success50",
        about: "every other run fails, watched densely",
        draw: |r| failing(series(dense(Noise::USUAL), HISTORY, r), 0.5, OLD, r),
    },
];

/// A run every ten seconds after the change.
const fn dense(noise: Noise) -> Noise {
    Noise { dense: 6, ..noise }
}

fn quiet(noise: Noise, rng: &mut StdRng) -> Drawn {
    plain(dense(noise), HISTORY, rng)
}
