//! Scenarios in which no change did harm.

use rand::{Rng, rngs::StdRng};

use crate::model::Label;

use super::{
    Noise, Scenario,
    scenario::{Drawn, Series, key},
    trace::{DAY, Trace},
};

/// Rows watched after the change.
pub(super) const WATCHED: usize = 60;

/// Usual rows of history: two days and a bit.
pub(super) const HISTORY: usize = 2 * DAY + 200;

/// A week of it.
pub(super) const WEEK: usize = 7 * DAY + 200;

/// Two weeks of it.
pub(super) const FORTNIGHT: usize = 14 * DAY + 200;

/// A series that is new.
pub(super) const SHORT: usize = 17;

/// Rows after the change where something is to end, or to grow, and to be seen doing so.
pub(super) const TWO_HOURS: usize = 120;

/// The scenarios.
pub(super) const ALL: &[Scenario] = &[
    Scenario { name: "null-white", about: "independent noise", draw: |r| plain(WHITE, HISTORY, r) },
    Scenario {
        name: "null-diurnal",
        about: "independent noise on a high daily wave",
        draw: |r| plain(Noise { diurnal: 0.3, ..WHITE }, HISTORY, r),
    },
    Scenario {
        name: "null-memory7",
        about: "noise with memory 0.7",
        draw: |r| plain(Noise { memory: 0.7, ..SMOOTH }, HISTORY, r),
    },
    Scenario {
        name: "null-memory9",
        about: "noise with memory 0.9",
        draw: |r| plain(Noise { memory: 0.9, ..SMOOTH }, HISTORY, r),
    },
    Scenario {
        name: "null-heavy-tail",
        about: "Student noise of 3 degrees of freedom, 5% spikes",
        draw: |r| {
            let noise = Noise { tail: Some(3.0), spread: 0.25, spikes: 0.05, ..WHITE };
            plain(noise, HISTORY, r)
        },
    },
    Scenario {
        name: "null-bursts",
        about: "bursts of 3 to 8 slow runs every few hours",
        draw: |r| plain(BURSTS, HISTORY, r),
    },
    Scenario {
        name: "null-drift",
        about: "the level drifts",
        draw: |r| plain(Noise { drift: 0.006, ..Noise::USUAL }, HISTORY, r),
    },
    Scenario {
        name: "null-morning",
        about: "the change meets the morning's rise of 42%, as on the days before",
        draw: |r| plain(MORNING, HISTORY, r),
    },
    Scenario {
        name: "null-flaky",
        about: "3 runs in 100 fail, always",
        draw: |r| plain(Noise { fails: 0.03, ..Noise::USUAL }, HISTORY, r),
    },
    Scenario {
        name: "null-failing-rows",
        about: "rows of 2 to 4 failures, every eight hours",
        draw: |r| plain(Noise { failing_rows: 1.0 / 480.0, ..Noise::USUAL }, HISTORY, r),
    },
    Scenario {
        name: "null-usual",
        about: "a usual journey",
        draw: |r| plain(Noise::USUAL, HISTORY, r),
    },
    Scenario {
        name: "null-bimodal",
        about: "a fifth of the runs take a path 2.5 times as slow, always",
        draw: |r| plain(Noise { slow_path: 0.2, ..Noise::USUAL }, HISTORY, r),
    },
    Scenario {
        name: "null-usual-week",
        about: "a usual journey with a week of history",
        draw: |r| plain(Noise::USUAL, WEEK, r),
    },
    Scenario {
        name: "null-drift-week",
        about: "the level drifts, with a week of history",
        draw: |r| plain(Noise { drift: 0.006, ..Noise::USUAL }, WEEK, r),
    },
    Scenario {
        name: "null-saturday",
        about: "slow in office hours; the change is on a Saturday, with two weeks of history",
        draw: |r| plain(OFFICE_SATURDAY, FORTNIGHT, r),
    },
    Scenario {
        name: "null-saturday-week",
        about: "the same, with a week of history",
        draw: |r| plain(OFFICE_SATURDAY, WEEK, r),
    },
    Scenario {
        name: "null-saturday-office",
        about: "the same, near where the office hours of working days begin or end",
        draw: |r| {
            let of_day = [480, 1080][r.random_range(0..2)] + r.random_range(0..120) - 60;
            let clock = (of_day + DAY - FORTNIGHT % DAY) % DAY;
            let trace = Trace::draw(&OFFICE_SATURDAY, (FORTNIGHT, WATCHED), clock, r);
            Drawn::one(trace, Label::None, Label::None)
        },
    },
    Scenario {
        name: "null-monday",
        about: "slow in office hours; the change is on a Monday, with two weeks of history",
        draw: |r| plain(Noise { weekday: 0, ..OFFICE_SATURDAY }, FORTNIGHT, r),
    },
    Scenario {
        name: "null-earlier-shift",
        about: "half as slow again since 20 minutes before the change",
        draw: |r| harmless(Noise::USUAL, r, |t| t.slow(-20, FOREVER, 1.5)),
    },
    Scenario {
        name: "null-cold-start",
        about: "three times as slow for three runs",
        draw: |r| harmless(Noise::USUAL, r, |t| t.slow(0, 3, 3.0)),
    },
    Scenario {
        name: "null-shared-shock",
        about: "40% slower here and in four other environments at once",
        draw: |r| {
            let mut drawn = beside(r, 1.4);
            drawn.series[0].trace.slow(0, FOREVER, 1.4);
            drawn
        },
    },
    Scenario {
        name: "improved30",
        about: "30% faster",
        draw: |r| {
            let mut trace = usual(r);
            trace.slow(0, FOREVER, 0.7);
            Drawn::one(trace, Label::Improved, Label::None)
        },
    },
    Scenario {
        name: "null-gaps",
        about: "a fifth of the runs is missing, and ten minutes after the change as well",
        draw: |r| {
            let mut trace = usual(r);
            trace.skip(0.2, r);
            trace.hole(20, 30);
            Drawn::one(trace, Label::None, Label::None)
        },
    },
    Scenario {
        name: "null-short-usual",
        about: "a usual journey with 17 runs of history",
        draw: |r| plain(Noise::USUAL, SHORT, r),
    },
    Scenario {
        name: "null-short-memory9",
        about: "memory 0.9 and 17 runs of history",
        draw: |r| plain(Noise { memory: 0.9, ..SMOOTH }, SHORT, r),
    },
    Scenario {
        name: "null-short-bursts",
        about: "bursts and 17 runs of history",
        draw: |r| plain(BURSTS, SHORT, r),
    },
    Scenario {
        name: "null-short-drift",
        about: "a drifting level and 17 runs of history",
        draw: |r| plain(Noise { drift: 0.006, ..Noise::USUAL }, SHORT, r),
    },
    Scenario {
        name: "null-short-flaky",
        about: "3 in 100 fail, and 17 runs of history",
        draw: |r| plain(Noise { fails: 0.03, ..Noise::USUAL }, SHORT, r),
    },
];

/// A row that is never reached.
pub(super) const FOREVER: i64 = i64::MAX / 2;

const WHITE: Noise = Noise::WHITE;
pub(super) const SMOOTH: Noise = Noise { spread: 0.2, ..Noise::WHITE };
pub(super) const BURSTS: Noise = Noise { bursts: 1.0 / 200.0, ..Noise::USUAL };

/// Slow in office hours of working days, and changed on a Saturday.
pub(super) const OFFICE_SATURDAY: Noise =
    Noise { diurnal: 0.0, office: 0.4, weekday: 5, ..Noise::USUAL };

/// A morning that begins with the change.
pub(super) const MORNING: Noise = Noise { diurnal: 0.1, morning: 0.35, ..Noise::USUAL };

/// A series of this noise, its change at any time of the day.
pub(super) fn series(noise: Noise, history: usize, rng: &mut StdRng) -> Trace {
    let clock = rng.random_range(0..DAY);
    Trace::draw(&noise, (history, WATCHED), clock, rng)
}

/// The usual series.
pub(super) fn usual(rng: &mut StdRng) -> Trace {
    series(Noise::USUAL, HISTORY, rng)
}

/// The usual series, with so many rows after the change.
pub(super) fn watched(after: usize, rng: &mut StdRng) -> Trace {
    let clock = rng.random_range(0..DAY);
    Trace::draw(&Noise::USUAL, (HISTORY, after), clock, rng)
}

pub(super) fn plain(noise: Noise, history: usize, rng: &mut StdRng) -> Drawn {
    Drawn::one(series(noise, history, rng), Label::None, Label::None)
}

fn harmless(noise: Noise, rng: &mut StdRng, happen: impl Fn(&mut Trace)) -> Drawn {
    let mut trace = series(noise, HISTORY, rng);
    happen(&mut trace);
    Drawn::one(trace, Label::None, Label::None)
}

/// The usual journey in production, where the change is made, and in four environments where none is: each behind a path of
/// its own, but all of them `times` as slow from the change on.
pub(super) fn beside(rng: &mut StdRng, times: f64) -> Drawn {
    let mut drawn = Drawn::one(usual(rng), Label::None, Label::None);
    for place in ["emea", "apac", "america", "staging"] {
        let mut trace = usual(rng);
        trace.slow(0, FOREVER, times);
        let services = drawn.series[0].services.clone();
        drawn.series.push(Series { key: key("checkout", place), services, trace });
    }
    drawn
}
