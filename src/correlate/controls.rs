//! Controls: series that a change cannot have touched, because they run in other environments, behind another path. What happens to
//! all of them at once is our prober's or the network's doing, not the change's (difference in differences).
//!
//! Journeys of the change's own environment are no controls: one bad service slows a whole shop (4 of 51 recorded incidents), and
//! that must stay a regression.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Change, Metric, Probe, SeriesKey};

use super::{
    Tuning,
    figures::{count, median_of},
    footing::Footing,
    reach, rebase,
    series::{Line, moment, point, seconds},
};

/// Fewest controls that say anything: of one or two, one that is in trouble of its own would hide a regression.
const FEWEST: usize = 3;
/// Base intervals over which the level of the controls is taken. A control whose runs take longer than its interval is walked less
/// often than that: its last runs count, but none from longer ago than so many of these spans.
const SPAN: f64 = 6.0;
const LAST: usize = 3;
const REACH: f64 = 4.0;
/// Shifts of the controls below this log ratio are their own noise.
const SHARED_FROM: f64 = 0.1;
/// Base intervals within which failures are at the same time.
const AT_ONCE: f64 = 4.5;
/// Base intervals for which the first failure of a control is news: whether the others follow is known after that.
const FRESH: f64 = 2.0;
/// The same of the series that is judged: the controls are heard once more before it is believed.
const OWN: f64 = 1.5;
/// Base intervals without a failure before it.
const CALM: f64 = 12.0;
/// Runs before the change that say how often a control fails, how many of them are needed, and the share from which on its failures
/// are its own: an environment that is always down tells nothing of an outage.
const STEADY: (usize, usize, f64) = (60, 10, 0.2);

/// The controls of one change.
#[derive(Debug, Clone, Default)]
pub(super) struct Controls {
    each: Vec<Control>,
    /// The newest run of any of them.
    newest: Option<Timestamp>,
    /// Outages: from the first failure to the last run that showed it. What was seen before enough of them had failed is theirs
    /// as well.
    outages: Vec<(Timestamp, Timestamp)>,
    /// Whether runs came in another order than that of time, so that the outages must be looked for anew.
    muddled: bool,
}

/// One control since the change.
#[derive(Debug, Clone)]
struct Control {
    key: SeriesKey,
    footing: Option<Footing>,
    interval_s: f64,
    /// Whether it hardly failed before the change.
    steady: bool,
    /// When the newest of its runs that was taken was made; none where none were looked at yet.
    taken: Option<Timestamp>,
    /// Log ratios to what was expected, in order of time.
    ratios: Vec<(Timestamp, f64)>,
    /// Successes and failures, in order of time.
    outcomes: Vec<(Timestamp, bool)>,
}

/// What was taken out of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Shared {
    /// By how much the controls were slower (log ratio); 0 for not.
    pub(super) slower: f64,
    /// Whether at least half of them failed at the time.
    pub(super) outage: bool,
}

impl Controls {
    /// Adds a control.
    pub(super) fn add(&mut self, key: SeriesKey) {
        if !self.holds(&key) {
            let (ratios, outcomes) = (Vec::new(), Vec::new());
            let (footing, taken, interval_s, steady) = (None, None, 0.0, false);
            self.each.push(Control { key, footing, interval_s, steady, taken, ratios, outcomes });
        }
    }

    /// Whether a series is one of them.
    pub(super) fn holds(&self, key: &SeriesKey) -> bool {
        self.each.iter().any(|control| control.key == *key)
    }

    /// The series they are.
    pub(super) fn keys(&self) -> impl Iterator<Item = &SeriesKey> {
        self.each.iter().map(|control| &control.key)
    }

    /// Whether they are enough to say anything.
    pub(super) fn enough(&self) -> bool {
        self.each.len() >= FEWEST
    }

    /// Takes the newest runs of a control; [`Controls::settle`] is to follow.
    pub(super) fn take(&mut self, line: &Line, change: &Change, tuning: &Tuning) {
        let own = self.each.iter_mut().find(|control| control.key == line.member.series);
        let Some(control) = own else { return };
        let start = change.started_at;
        let taken = *control.taken.get_or_insert_with(|| {
            let spans = reach::spans(start, line.member.interval, Duration::ZERO);
            let before = rebase::before(line, (start, &spans), Metric::Latency, &[]);
            let at_s = seconds(change.started_at);
            let interval_s = line.member.interval.as_secs_f64();
            control.footing = Footing::lay(&before.points, at_s, interval_s, tuning);
            (control.interval_s, control.steady) = (interval_s, steady(line, change.started_at));
            // The first run to take is the first one not earlier than the change.
            line.probes[..line.from(start)].last().map_or(Timestamp::MIN, |p| p.at)
        });
        for probe in &line.probes[line.after(taken)..] {
            let score =
                control.footing.as_mut().and_then(|f| Some(f.score(&point(probe))? * f.scale()));
            control.ratios.extend(score.map(|ratio| (probe.at, ratio)));
            control.outcomes.extend(probe.success.map(|ok| (probe.at, ok)));
            self.muddled |= self.newest.is_some_and(|newest| probe.at < newest);
            self.newest = self.newest.max(Some(probe.at));
        }
        control.taken = Some(line.probes.last().map_or(taken, |p| p.at.max(taken)));
    }

    /// Looks for outages in what was taken since the last time; whether there is one more, so that runs which were judged without
    /// knowing of it are to be judged anew.
    pub(super) fn settle(&mut self) -> bool {
        let before = self.outages.len();
        if std::mem::take(&mut self.muddled) {
            let known = std::mem::take(&mut self.outages);
            let mut times: Vec<Timestamp> =
                self.each.iter().flat_map(|c| c.outcomes.iter().map(|(at, _)| *at)).collect();
            times.sort();
            times.dedup();
            times.into_iter().for_each(|at| self.recognise(at));
            return self.outages != known;
        }
        if let Some(newest) = self.newest {
            self.recognise(newest);
        }
        self.outages.len() != before
    }

    /// Notes an outage that the runs up to `at` show.
    fn recognise(&mut self, at: Timestamp) {
        let just_after = moment(seconds(at) + 1e-3);
        if !self.are_down(just_after, 0.0) {
            return;
        }
        let begun = |control: &Control| {
            let from = control.since(at, AT_ONCE, 0.0);
            let seen = between(&control.outcomes, from, just_after);
            seen.iter().find(|(_, ok)| !ok).map(|(at, _)| *at)
        };
        let begin = self.each.iter().filter(|c| c.steady).filter_map(begun).min().unwrap_or(at);
        match self.outages.last_mut().filter(|(_, end)| *end >= begin) {
            Some((_, end)) => *end = at,
            None => self.outages.push((begin, at)),
        }
    }

    /// Whether at least half of the controls failed right before `at`.
    fn are_down(&self, at: Timestamp, interval_s: f64) -> bool {
        let failed: Vec<bool> = self
            .each
            .iter()
            .filter(|control| control.steady)
            .map(|c| between(&c.outcomes, c.since(at, AT_ONCE, interval_s), at))
            .filter(|seen| !seen.is_empty())
            .map(|seen| seen.iter().any(|(_, ok)| !ok))
            .collect();
        let down = failed.iter().filter(|failed| **failed).count();
        failed.len() >= FEWEST && down >= 2 && 2 * down >= failed.len()
    }

    /// Whether a control, or the series that is judged, has just begun to fail: it may be the first of many, so that nothing is
    /// concluded until the others were heard.
    pub(super) fn stir(&self, at: Timestamp, own: &Line) -> bool {
        let interval_s = own.member.interval.as_secs_f64();
        let steady = || self.each.iter().filter(|c| c.steady);
        if steady().count() < FEWEST {
            return false;
        }
        let news = |control: &Control| {
            let fresh = control.since(at, FRESH, interval_s);
            let calm = between(&control.outcomes, control.since(at, CALM, interval_s), fresh);
            let lately = between(&control.outcomes, fresh, at);
            lately.iter().any(|(_, ok)| !ok) && calm.iter().all(|(_, ok)| *ok)
        };
        let from = |spans: f64| own.from(moment(seconds(at) - spans * interval_s));
        let (calm, fresh, now) = (from(CALM), from(OWN), own.from(at));
        let failed = |probe: &Probe| probe.success == Some(false);
        let own_news = own.probes[fresh..now.max(fresh)].iter().any(failed)
            && !own.probes[calm..fresh.max(calm)].iter().any(failed);
        own_news || steady().any(news)
    }

    /// What the controls saw right before a run.
    pub(super) fn shared(&self, at: Timestamp, interval_s: f64) -> Shared {
        if !self.enough() {
            return Shared::default();
        }
        let levels: Vec<f64> = self
            .each
            .iter()
            .filter_map(|control| {
                let seen = control.lately(at, interval_s);
                (seen.len() >= 2).then(|| median_of(seen.iter().map(|(_, r)| *r).collect()))?
            })
            .collect();
        let level = if levels.len() >= FEWEST { median_of(levels) } else { None };
        let within = |(begin, end): &(Timestamp, Timestamp)| (*begin..=*end).contains(&at);
        let known = self.outages.iter().map(|(begin, end)| (self.margin(*begin), *end));
        Shared {
            slower: level.filter(|level| level.abs() >= SHARED_FROM).unwrap_or(0.0),
            outage: self.are_down(at, interval_s) || known.into_iter().any(|span| within(&span)),
        }
    }

    /// An outage began up to an interval before the first failure that was seen.
    fn margin(&self, begin: Timestamp) -> Timestamp {
        let interval_s = self.each.iter().map(|c| c.interval_s).fold(0.0, f64::max);
        moment(seconds(begin) - interval_s)
    }
}

impl Control {
    /// So many intervals before `at`: its own, or those of the series that is judged, where these are longer.
    fn since(&self, at: Timestamp, spans: f64, interval_s: f64) -> Timestamp {
        moment(seconds(at) - spans * interval_s.max(self.interval_s))
    }
}

impl Control {
    /// The log ratios right before `at` that its level is taken of.
    fn lately(&self, at: Timestamp, interval_s: f64) -> &[(Timestamp, f64)] {
        let near = between(&self.ratios, self.since(at, SPAN, interval_s), at);
        if near.len() >= LAST {
            return near;
        }
        let far = between(&self.ratios, self.since(at, REACH * SPAN, interval_s), at);
        &far[far.len().saturating_sub(LAST)..]
    }
}

/// Whether a series hardly failed before `at`.
fn steady(line: &Line, at: Timestamp) -> bool {
    let (recent, needed, share) = STEADY;
    let before = line.probes[..line.from(at)].iter().rev();
    let known: Vec<bool> = before.filter_map(|p| p.success).take(recent).collect();
    let failed = known.iter().filter(|ok| !**ok).count();
    known.len() >= needed && count(failed) < share * count(known.len())
}

impl Shared {
    /// The time of a part of a run without what the run shares with the controls; none where it tells nothing.
    pub(super) fn relieve_ms(self, ms: f64) -> Option<f64> {
        (!self.outage).then(|| ms * (-self.slower).exp())
    }

    /// The run without what it shares with the controls: its time shorter, its failure nobody's.
    pub(super) fn relieve(self, probe: &Probe) -> Option<Probe> {
        if self.slower == 0.0 && !self.outage {
            return None;
        }
        let mut relieved = probe.clone();
        relieved.latency_ms = probe.latency_ms.map(|ms| ms * (-self.slower).exp());
        // Neither its failures nor its successes tell anything of the change meanwhile, nor do the times of those that got through.
        if self.outage {
            (relieved.success, relieved.latency_ms, relieved.signature) = (None, None, None);
        }
        Some(relieved)
    }
}

/// Entries from `from` up to, not including, `to`.
fn between<T>(entries: &[(Timestamp, T)], from: Timestamp, to: Timestamp) -> &[(Timestamp, T)] {
    let start = entries.partition_point(|(at, _)| *at < from);
    let end = entries.partition_point(|(at, _)| *at < to);
    &entries[start..end.max(start)]
}

#[cfg(test)]
mod tests {
    use super::{
        super::made::{REAL, START_S, change, fail, member, slow},
        *,
    };

    /// Four controls that got so many times slower, and fail this often, from the 400th run on.
    fn controls(count: u64, times: f64, share: f64) -> (Controls, Timestamp) {
        let at = moment(START_S + 400.0 * 60.0);
        let deploy = change("deploy", "shop", at);
        let mut controls = Controls::default();
        for seed in 0..count {
            let mut line = Line::new(member(&format!("journey {seed}"), &[], 60));
            let mut probes = REAL.probes(900 + seed, 460, 60.0);
            slow(&mut probes, 400, times);
            fail(&mut probes, 400, share, seed);
            line.merge(probes);
            controls.add(line.member.series.clone());
            controls.take(&line, &deploy, &Tuning::default());
        }
        controls.settle();
        (controls, moment(START_S + 430.0 * 60.0))
    }

    #[test]
    fn what_all_controls_share_is_taken_out() {
        let (slower, now) = controls(4, 1.6, 0.0);
        let shared = slower.shared(now, 60.0);
        assert!((shared.slower - 1.6_f64.ln()).abs() < 0.2 && !shared.outage, "{shared:?}");
        let (down, now) = controls(4, 1.0, 1.1);
        assert!(down.shared(now, 60.0).outage);
    }

    #[test]
    fn what_was_seen_before_an_outage_was_known_is_excused_later() {
        let at = |row: f64| moment(START_S + row * 60.0);
        let deploy = change("deploy", "shop", at(400.0));
        let lines = |usual: f64| {
            (0..4_u64).map(move |seed| {
                let line = Line::new(member(&format!("journey {seed}"), &[], 60));
                let mut probes =
                    crate::correlate::made::Make { ok: 1.0, ..REAL }.probes(900 + seed, 460, 60.0);
                fail(&mut probes, 100, usual, seed);
                // One after the other, two minutes apart.
                fail(&mut probes, 402 + 2 * usize::try_from(seed).unwrap(), 1.1, seed);
                (line.member.series.clone(), probes, line)
            })
        };
        let mut controls = Controls::default();
        let mut all: Vec<_> = lines(0.0).collect();
        all.iter().for_each(|(key, ..)| controls.add(key.clone()));
        for (_, probes, line) in &mut all {
            line.merge(probes[..400].to_vec());
        }
        let mut known = Vec::new();
        for row in 400..460 {
            for (_, probes, line) in &mut all {
                line.add(&probes[row]);
                controls.take(line, &deploy, &Tuning::default());
                if controls.settle() {
                    known.push(row);
                }
            }
            if row == 403 {
                assert!(
                    !controls.shared(at(402.5), 60.0).outage && controls.stir(at(403.5), &all[3].2)
                );
            }
        }
        assert_eq!(known, [404], "news once");
        assert!(controls.shared(at(402.5), 60.0).outage, "also what was before it was known");
        assert!(!controls.shared(at(400.5), 60.0).outage);
        // In any order the same.
        let mut other = Controls::default();
        all.iter().for_each(|(key, ..)| other.add(key.clone()));
        all.iter().rev().for_each(|(.., line)| other.take(line, &deploy, &Tuning::default()));
        assert!(other.settle());
        assert_eq!(other.outages, controls.outages);
        // What is always down tells of no outage.
        let mut down = Controls::default();
        for (key, probes, mut line) in lines(0.5) {
            line.merge(probes);
            down.add(key);
            down.take(&line, &deploy, &Tuning::default());
        }
        assert!(!down.settle() && !down.shared(at(430.0), 60.0).outage);
    }

    #[test]
    fn controls_whose_runs_take_longer_than_their_interval_speak_all_the_same() {
        let at = |row: f64| moment(START_S + row * 60.0);
        let deploy = change("deploy", "shop", at(400.0));
        // One run in `every` intervals, twice as slow since the change.
        let level = |every: usize, until: usize, now: f64| {
            let mut controls = Controls::default();
            for seed in 0..4 {
                let mut line = Line::new(member(&format!("journey {seed}"), &[], 60));
                let mut probes = REAL.probes(900 + seed, 460, 60.0);
                slow(&mut probes, 400, 2.0);
                let walked = probes.into_iter().take(until).step_by(every).collect();
                line.merge(walked);
                controls.add(line.member.series.clone());
                controls.take(&line, &deploy, &Tuning::default());
            }
            controls.settle();
            controls.shared(at(now), 60.0).slower
        };
        for every in [1, 3, 5, 7] {
            assert!((level(every, 460, 440.0) - 2_f64.ln()).abs() < 0.3, "every {every}");
        }
        // Too seldom, or too long ago.
        assert_eq!(level(20, 460, 440.0), 0.0);
        assert_eq!(level(1, 410, 440.0), 0.0);
    }

    #[test]
    fn few_or_quiet_controls_take_nothing_out() {
        for (count, times, share) in [(2, 3.0, 1.1), (4, 1.0, 0.0), (0, 9.0, 1.1)] {
            let (controls, now) = controls(count, times, share);
            assert_eq!(controls.shared(now, 60.0), Shared::default(), "{count} {times}");
        }
        let probe = &REAL.probes(1, 1, 60.0)[0];
        assert_eq!(Shared::default().relieve(probe), None);
    }
}
