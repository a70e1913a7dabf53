//! What journeys with a browser cannot have, though each of them is good: browsers are few, and each run holds one from its beginning to its
//! end; and none of them shows the certificate of a client.

use jiff::Timestamp;

use super::units;
use crate::{
    model::{Journey, Settings},
    schedule,
};

/// How many journeys a warning names.
const NAMED: usize = 3;

/// A sentence where browser journeys would keep more than `at_once` browsers busy if each run took as long as it may.
pub(super) fn too_many(journeys: &[Journey], at_once: u32) -> Option<String> {
    let mut loads: Vec<(f64, &Journey)> =
        journeys.iter().filter(|j| j.has_browser()).filter_map(|j| Some((load(j)?, j))).collect();
    let all: f64 = loads.iter().map(|(load, _)| load).sum();
    if all <= f64::from(at_once) {
        return None;
    }
    loads.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut named: Vec<String> = loads.iter().take(NAMED).map(|(_, j)| in_words(j)).collect();
    if loads.len() > NAMED {
        named.push(format!("{} more", loads.len() - NAMED));
    }
    Some(format!(
        "browser journeys may need {all:.1} browsers at a time, and {at_once} may run: {}. A run that waits too long for its turn is broken: raise `every`, lower `timeout` to what a run takes at most, or raise `at_once` of `[browser]` in wayfarer.toml",
        named.join(", ")
    ))
}

/// A sentence for each environment whose sites ask for a certificate that browsers will not show.
pub(super) fn without_certificate(journeys: &[Journey], settings: &Settings) -> Vec<String> {
    let mut told = Vec::new();
    for (name, environment) in &settings.environments {
        let here =
            |journey: &&Journey| journey.has_browser() && journey.environments.contains(name);
        if environment.transport.client_certificate.is_some()
            && let Some(journey) = journeys.iter().find(here)
        {
            told.push(format!(
                "environment `{name}` has a `client_certificate`, which browsers cannot be given: the runs of `{}` there are broken at their first browser step",
                journey.name
            ));
        }
    }
    told
}

/// How many browsers a journey keeps busy, if each run takes as long as it may.
fn load(journey: &Journey) -> Option<f64> {
    let plan = schedule::compile(&journey.schedule).ok()?;
    let every = plan.interval(Timestamp::UNIX_EPOCH).as_secs_f64();
    let places = f64::from(u32::try_from(journey.environments.len()).unwrap_or(u32::MAX));
    (every > 0.0).then(|| places * journey.timeout.as_secs_f64() / every)
}

fn in_words(journey: &Journey) -> String {
    let plan = schedule::compile(&journey.schedule).ok();
    let every = plan.map_or(journey.timeout, |plan| plan.interval(Timestamp::UNIX_EPOCH));
    let many = journey.environments.len();
    let places = if many > 1 { format!(" in {many} environments") } else { String::new() };
    let timeout = units::spell(journey.timeout);
    format!("`{}` every {} for up to {timeout}{places}", journey.name, units::spell(every))
}
