//! How a browser step felt, in one line.

use std::time::Duration;

use super::waterfall::line::length_of_time;
use crate::model::{BROWSER_MEASURES, Measured, StepRun};

/// The measures that a line tells of; all are in the API.
const TIMES: [&str; 3] = ["ttfb", "lcp", "inp"];

/// `lcp 1.2 s · cls 0.02 · 34 requests (3 third-party), 1.2 MB, 2 failed`; none of a step without a browser, or of one that measured nothing.
pub fn felt(step: &StepRun) -> Option<String> {
    step.traffic.as_ref()?;
    let value = |name: &str| {
        let is = |measured: &&Measured| measured.name.as_str() == name && is_built_in(measured);
        step.measures.iter().find(is).and_then(|measured| measured.value)
    };
    let count = |name: &str, one: &str, many: &str| {
        let value = value(name)?;
        Some(format!("{value:.0} {}", if value == 1.0 { one } else { many }))
    };
    let some = |name: &str, one: &str, many: &str| {
        count(name, one, many).filter(|_| value(name).is_some_and(|v| v > 0.0))
    };
    let mut parts: Vec<String> = TIMES
        .iter()
        .filter_map(|name| {
            let time = Duration::try_from_secs_f64(value(name)? / 1e3).ok()?;
            Some(format!("{name} {}", length_of_time(time)))
        })
        .collect();
    parts.extend(value("cls").map(|score| format!("cls {}", score_text(score))));
    let asked: Vec<String> = [
        count("requests", "request", "requests").map(|requests| {
            let foreign = some("third_party_requests", "third-party", "third-party");
            foreign.map_or_else(|| requests.clone(), |foreign| format!("{requests} ({foreign})"))
        }),
        value("transferred").map(size),
        some("failed_requests", "failed", "failed"),
    ]
    .into_iter()
    .flatten()
    .collect();
    parts.extend((!asked.is_empty()).then(|| asked.join(", ")));
    parts.extend(some("console_errors", "console error", "console errors"));
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// Whether it is one that every browser step has, and not a journey's own of that name.
pub(in crate::render) fn is_built_in(measured: &Measured) -> bool {
    let unit = measured.unit.as_deref();
    BROWSER_MEASURES.iter().any(|known| known.name == measured.name.as_str() && known.unit == unit)
}

fn score_text(score: f64) -> String {
    let text = format!("{score:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Bytes as people write them (SI): `312 B`, `85 kB`, `1.2 MB`.
pub fn size(bytes: f64) -> String {
    let bytes = bytes.max(0.0);
    match bytes {
        b if b < 999.5 => format!("{b:.0} B"),
        b if b < 9_950.0 => format!("{:.1} kB", b / 1e3),
        b if b < 999_500.0 => format!("{:.0} kB", b / 1e3),
        b if b < 9_950_000.0 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.0} MB", b / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{StepOutcome, Traffic};

    fn step(values: &[(&str, f64)]) -> StepRun {
        let unit =
            |name: &str| BROWSER_MEASURES.iter().find(|m| m.name == name).and_then(|m| m.unit);
        let measured = |(name, value): &(&str, f64)| Measured {
            name: (*name).into(),
            unit: unit(name).map(ToOwned::to_owned),
            value: Some(*value),
            note: None,
        };
        StepRun {
            name: "open".into(),
            offset: Duration::ZERO,
            duration: Duration::ZERO,
            outcome: StepOutcome::Passed,
            hops: Vec::new(),
            assertions: Vec::new(),
            captures: Vec::new(),
            iteration: None,
            retries: Vec::new(),
            failure: None,
            measures: values.iter().map(measured).collect(),
            traffic: Some(Box::default()),
        }
    }

    #[test]
    fn a_step_is_told_in_a_line() {
        let all = [
            ("ttfb", 85.7),
            ("lcp", 1230.4),
            ("cls", 0.02),
            ("requests", 34.0),
            ("transferred", 1_234_567.0),
            ("third_party_requests", 1.0),
            ("failed_requests", 2.0),
            ("console_errors", 0.0),
        ];
        insta::assert_snapshot!(felt(&step(&all)).unwrap(), @"ttfb 86 ms · lcp 1230 ms · cls 0.02 · 34 requests (1 third-party), 1.2 MB, 2 failed");
        let few = [
            ("inp", 64.0),
            ("cls", 0.0),
            ("requests", 1.0),
            ("transferred", 0.0),
            ("console_errors", 3.0),
        ];
        insta::assert_snapshot!(felt(&step(&few)).unwrap(), @"inp 64 ms · cls 0 · 1 request, 0 B · 3 console errors");
        assert_eq!(felt(&step(&[])), None);
        let http = StepRun { traffic: None, ..step(&all) };
        assert_eq!(felt(&http), None);
        let mut own = step(&[("lcp", 7.0)]);
        own.measures[0].unit = Some("apples".to_owned());
        own.traffic = Some(Box::new(Traffic::default()));
        assert_eq!(felt(&own), None);
    }

    #[test]
    fn sizes_have_two_digits_or_so() {
        for (bytes, text) in [
            (0.0, "0 B"),
            (999.0, "999 B"),
            (1_000.0, "1.0 kB"),
            (84_900.0, "85 kB"),
            (999_600.0, "1.0 MB"),
            (12_300_000.0, "12 MB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
