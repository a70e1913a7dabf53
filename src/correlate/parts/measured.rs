//! A measure among the parts: looked at both ways, read by an [`Axis`].

use jiff::Timestamp;

use crate::model::{MeasureRule, Part, Probe};

use super::{
    super::{
        fleet::Fleet,
        judge::Around,
        measure::{self, Axis, Harm, Way},
        rebase::{Trouble, TroubleKind},
        robust,
        series::foreign,
        watch::{Scene, freeze, freeze_warm, replayed},
    },
    PartTrack, reach,
};

/// A measure is judged once so many runs strayed beyond three quarters of the usual ones, each usual one taking half of one away.
const STRAYS: f64 = 2.0;

/// A measure, looked at one way.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    way: Way,
    rule: MeasureRule,
    /// From this value on a run is unusual, if the second says so as this very value.
    unusual: (f64, bool),
    /// Whether it is judged from the first run on.
    at_once: bool,
    pub(super) axis: Option<Axis>,
}

impl PartTrack {
    /// What a shift of it is.
    pub(super) fn harm(&self) -> Harm {
        self.measured.as_ref().map_or(Harm::Yes, |m| m.way.harm(&m.rule))
    }

    /// Whether its level moved beyond doubt.
    pub(super) fn moved(&self) -> bool {
        self.judge.as_ref().is_some_and(|judge| judge.regressed_since.is_some())
    }

    /// How much it has to say.
    pub(super) fn loudness(&self) -> f64 {
        let Some(judge) = &self.judge else { return f64::NEG_INFINITY };
        let evidence = judge.peak.map_or(0.0, |p| p.log_e).clamp(-1e6, 1e6);
        let class = match (judge.suspected_since.is_some(), self.harm()) {
            (true, Harm::Yes | Harm::Unknown) => 2.0,
            (true, Harm::No) => 1.0,
            _ => 0.0,
        };
        1e7 * class + evidence
    }

    /// Takes a run of a measure.
    pub(super) fn measure(
        &mut self,
        scene: Scene<'_>,
        index: usize,
        value: Option<f64>,
        (parts, around): (usize, Around<'_>),
    ) {
        let Some(Measured { way, unusual: (from, itself), at_once, .. }) = &self.measured else {
            return;
        };
        if let Some(value) = value {
            let beyond = match way {
                Way::Up => value - from,
                Way::Down => from - value,
            };
            let stray = beyond > 0.0 || (*itself && beyond >= 0.0);
            self.sum = (self.sum + if stray { 1.0 } else { -0.5 }).max(0.0);
        }
        if self.judge.is_none() && self.sum < STRAYS && !at_once {
            return;
        }
        self.rest_measure(scene, index, parts);
        let axis = self.measured.as_ref().and_then(|m| m.axis.as_ref());
        if let (Some(axis), Some(judge)) = (axis, &mut self.judge) {
            judge.push(&axis.probe(scene.line, &self.part, index), around);
        }
    }

    /// As [`PartTrack::rest_on`], of a measure: what its journey's time did is nothing to it.
    pub(super) fn rest_measure(&mut self, scene: Scene<'_>, index: usize, parts: usize) {
        let Some(measured) = &mut self.measured else { return };
        let (line, started) = (scene.line, scene.change.started_at);
        let now = line.probes.get(index).map_or(Timestamp::MAX, |p| p.at);
        let own = scene.part_troubles.iter().filter(|(p, _)| *p == self.part).map(|(_, t)| t);
        let known = |t: &&Trouble| t.latest < started && t.known_at <= now;
        let mut basis: Vec<Trouble> = own.filter(known).cloned().collect();
        // The judges of both ways tell of one shift.
        basis.dedup_by(|a, b| (a.onset, a.kind, &a.change) == (b.onset, b.kind, &b.change));
        if self.judge.is_some() && self.basis == basis {
            return;
        }
        let reach = reach(started);
        let revision =
            line.probes[..line.from(started)].iter().rev().find_map(|p| p.revision.clone());
        let usual = |p: &Probe| measure::succeeded(p) && !foreign(p, revision.as_ref());
        let moved = basis.iter().filter(|t| t.kind == TroubleKind::Moved).map(|t| t.onset);
        let moved = moved.chain(measure::moved(line, &self.part)).filter(|at| *at < started);
        let since = moved.max().unwrap_or(reach).max(reach);
        let mut values = measure::recent(line, &self.part, (since, started), usual);
        if values.len() < 3 {
            values = measure::recent(line, &self.part, (reach, started), usual);
        }
        let interval_s = line.member.interval.as_secs_f64();
        let Some(axis) = Axis::learn(&values, measured.way, &measured.rule, interval_s) else {
            return;
        };
        let tuning = scene.rules.tuning.raised(scene.shares.part(scene.mapped, parts));
        let tuning = axis.tuning(&tuning);
        let read = axis.line(line, &self.part, reach);
        // What other journeys teach of failures is nothing to it.
        let alone = Scene { line: &read, fleet: Fleet::default(), ..scene };
        let metric = axis.metric();
        let told: Vec<Trouble> = basis.iter().map(|t| Trouble { metric, ..t.clone() }).collect();
        let judge = if measured.rule.is_time() {
            freeze(&alone, metric, &told, &tuning)
        } else {
            freeze_warm(&alone, metric, &told, &tuning)
        };
        let seen = |index: usize| axis.probe(line, &self.part, index);
        self.judge = Some(replayed(judge, &scene, index, &seen));
        measured.axis = Some(axis);
        self.basis = basis;
    }
}

/// A measure, looked at both ways; `values` are its newest ones, newest first.
pub(super) fn measures(scene: &Scene<'_>, part: &Part, values: &[f64]) -> Vec<PartTrack> {
    let rule = scene.line.member.measures.get(part).cloned().unwrap_or_default();
    let in_order: Vec<(f64, f64)> = values.iter().rev().map(|v| (0.0, *v)).collect();
    let touched = scene.part_troubles.iter().any(|(p, _)| p == part);
    let at_once = touched || measure::counts(&in_order);
    let sorted = robust::sorted(values.to_vec());
    let (low, high) = (robust::quantile(&sorted, 0.25), robust::quantile(&sorted, 0.75));
    let track = |way: Way| PartTrack {
        part: part.clone(),
        bar: 0.0,
        least_ms: 0.0,
        recent: [0.0; 3],
        usual: (0.0, 1.0),
        sum: 0.0,
        judge: None,
        basis: Vec::new(),
        measured: Some(Measured {
            way,
            rule: rule.clone(),
            unusual: (if way == Way::Up { high } else { low }, low < high),
            at_once,
            axis: None,
        }),
    };
    Way::BOTH.map(track).into()
}
