//! Sentences for people, with the figures in them.

use crate::model::{Conclusion, Effect, Metric};

use super::{
    figures::{count, tally},
    judge::{AFTER_NEEDS, BEFORE_NEEDS, Judge},
    measure::figures,
    pass,
    report::{Shown, Suspects},
    watch::{Scene, Track},
};

/// The sentence of a verdict.
pub(super) fn summary(
    scene: &Scene<'_>,
    track: &Track,
    judge: Option<&Judge>,
    (metric, conclusion): (Metric, Conclusion),
    shown: &Shown,
    suspects: &Suspects,
) -> String {
    use Conclusion as C;
    let Some(judge) = judge else {
        return "no run of the journey since the change yet".to_owned();
    };
    let seen = format!("{} after the change", runs(judge.seen));
    let measured = metric == Metric::Measure;
    let moved = if measured { figures::moved(shown) } else { moved(metric, shown) };
    let since = shown.onset.map_or(String::new(), |o| format!(" since {:.0}", o.at));
    let place = shown.place.as_ref().map_or(String::new(), |(text, _)| format!(", {text}"));
    let text = match conclusion {
        C::Regressed | C::Suspected => {
            format!("{moved}{since}{place}, {seen}; {}", evidence(judge, conclusion))
        }
        C::Improved => format!("better: {moved}{since}, {seen}; {}", evidence(judge, conclusion)),
        C::Transient => {
            let end =
                judge.ending.as_ref().map_or(String::new(), |e| format!("{:.0}", e.recovered.at));
            format!("{moved}{since}{place}, as before again since {end} by itself, {seen}")
        }
        C::PreExisting => {
            let odds = judge.harm.map_or(0.0, |h| h.before);
            format!("{moved}, but begun before the change (probability {odds:.2}), {seen}")
        }
        C::Watching if judge.seen == 0 && track.excused > 0 => {
            let n = track.excused;
            let s = if n == 1 { "" } else { "s" };
            format!("nothing to judge yet: {n} failure{s}, while other environments failed as well")
        }
        C::Watching if !judge.has_baseline() => {
            format!("cannot be judged: {}; {seen}", lacking(judge))
        }
        C::Watching => format!("no shift so far: {moved}, {seen}"),
        C::Unchanged if measured => format!("{moved}, {seen}; no shift that matters"),
        C::Unchanged => format!("{moved}, {seen}; {}", harmless(scene, judge)),
        C::ProberFault => {
            format!("not judged, our prober is in doubt: {}", track.sick().unwrap_or_default())
        }
        C::Inconclusive if track.foreign > 0 => {
            format!("not judged: the journey was edited within the watch; {moved}, {seen}")
        }
        C::Inconclusive if measured => format!("neither a shift nor none shown: {moved}, {seen}"),
        C::Inconclusive => {
            format!("neither harm nor harmlessness shown: {moved}, {seen}{}", power(scene, judge))
        }
        C::InsufficientData if measured => format!("too few runs: {}", lacking(judge)),
        C::InsufficientData => format!("too few runs: {}{}", lacking(judge), power(scene, judge)),
    };
    let (Some(named), C::Regressed | C::Suspected | C::Transient) = (&suspects.named, conclusion)
    else {
        return text;
    };
    let known = suspects.candidates.iter().find(|(id, _)| id == named);
    let percent = known.map_or(0.0, |(_, p)| 100.0 * p).min(99.0);
    if *named == scene.change.id {
        format!("{text}; this change is the likely cause ({percent:.0}%)")
    } else {
        format!("{text}; {named} is the likelier cause ({percent:.0}%)")
    }
}

/// Before and after in figures.
fn moved(metric: Metric, shown: &Shown) -> String {
    let interval = |e: &Effect| match metric {
        Metric::Latency | Metric::Measure => {
            format!(" (x{:.2}, 90% interval {:.2} to {:.2})", e.estimate, e.low, e.high)
        }
        Metric::Success => format!(
            " ({:+.1} points, 90% interval {:+.1} to {:+.1})",
            100.0 * e.estimate,
            100.0 * e.low,
            100.0 * e.high
        ),
    };
    let (name, a, b) = match metric {
        Metric::Latency | Metric::Measure => {
            ("p50", ms(shown.before.p50_ms), ms(shown.after.p50_ms))
        }
        Metric::Success => ("success", percent(shown.before.success), percent(shown.after.success)),
    };
    let unit = if metric == Metric::Latency { " ms" } else { "" };
    let interval = shown.effect.as_ref().map_or(String::new(), interval);
    format!("{name} {a} -> {b}{unit}{interval}")
}

fn ms(value: Option<f64>) -> String {
    match value {
        None => "?".to_owned(),
        Some(v) if v < 10.0 => format!("{v:.2}"),
        Some(v) if v < 100.0 => format!("{v:.1}"),
        Some(v) => format!("{v:.0}"),
    }
}

fn percent(value: Option<f64>) -> String {
    value.map_or("?".to_owned(), |v| format!("{:.1}%", 100.0 * v))
}

/// A number of seconds for people.
pub(super) fn span(seconds: f64) -> String {
    if seconds < 10.0 { format!("{seconds:.1} s") } else { format!("{seconds:.0} s") }
}

fn runs(n: u32) -> String {
    format!("{n} run{}", if n == 1 { "" } else { "s" })
}

fn evidence(judge: &Judge, conclusion: Conclusion) -> String {
    let Some(look) = judge.telling() else { return String::new() };
    match conclusion {
        Conclusion::Suspected => {
            format!("evidence {}, {} needed", odds(look.log_e), odds(look.suspected_at))
        }
        _ if look.regressed() => {
            format!("evidence {}, {} needed", odds(look.log_e_regressed), odds(look.regressed_at))
        }
        _ => format!("evidence now {}", odds(look.log_e)),
    }
}

/// Evidence as odds against chance.
pub(super) fn odds(log_e: f64) -> String {
    const MOST: f64 = 10_000.0;
    match log_e.exp() {
        odds if odds >= MOST => "over 10000 to 1".to_owned(),
        odds if odds >= 1.0 => format!("{odds:.0} to 1"),
        odds => format!("1 to {:.0}", (1.0 / odds).min(MOST)),
    }
}

/// Why a watch may say that nothing happened.
fn harmless(scene: &Scene<'_>, judge: &Judge) -> String {
    let odds = judge.pass_evidence().exp().min(9999.0);
    match judge.metric {
        Metric::Latency | Metric::Measure => format!(
            "{odds:.0} to 1 against a slow-down of {:.0}% or more",
            100.0 * scene.rules.latency_relative
        ),
        Metric::Success => {
            let from = scene.line.from(scene.change.started_at);
            let (good, all) = tally(scene.line.probes[from..].iter());
            let excluded = pass::excluded_drop(good, all, judge.usual_failures().unwrap_or(0.0));
            format!(
                "{odds:.0} to 1 against a drop that matters; one of more than {:.1} points is excluded (95%)",
                100.0 * excluded
            )
        }
    }
}

/// What is missing.
fn lacking(judge: &Judge) -> String {
    let mut parts = Vec::new();
    if !judge.has_baseline() {
        parts.push(format!("{} before the change of {BEFORE_NEEDS} needed", judge.known));
    }
    if judge.seen < AFTER_NEEDS {
        parts.push(format!("{} after it of {AFTER_NEEDS} needed", judge.seen));
    }
    parts.join(", ")
}

/// How many runs it would take to see the smallest slow-down that matters in this journey's noise: twice
/// `max(5, 2 (T + 2) (1 + phi) / (1 - phi) (noise / effect)^2)`, T being the evidence needed; fitted on simulations.
fn power(scene: &Scene<'_>, judge: &Judge) -> String {
    let relative = scene.rules.latency_relative;
    let smallest = match judge.metric {
        Metric::Latency | Metric::Measure => format!("a slow-down of {:.0}%", 100.0 * relative),
        Metric::Success => {
            let drop = scene.rules.success_drop.max(1e-3);
            let needed = count((3.0 / drop).ceil() as usize);
            return format!(
                "; about {needed:.0} clean runs would exclude a drop of {:.0} points",
                100.0 * drop
            );
        }
    };
    let (noise, phi) = (judge.scale().unwrap_or(0.15), judge.memory().min(0.9));
    let raise = scene.shares.whole(scene.mapped).suspected;
    let looks = (scene.rules.tuning.latency_suspected + raise + 2.0) * 2.0;
    let ratio = noise / relative.max(0.01).ln_1p();
    let needed = 2.0 * (looks * (1.0 + phi) / (1.0 - phi) * ratio * ratio).max(5.0);
    let minutes = needed * judge.frame.interval_s / 60.0;
    format!(
        "; with this journey's noise {smallest} shows after about {needed:.0} runs ({minutes:.0} min at the usual pace)"
    )
}
