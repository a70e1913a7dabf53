//! A judge once its watch is over: late harm, ends, rollbacks.

use jiff::Timestamp;

use crate::model::{Metric, Probe};

use super::{
    super::{
        Look, Recovery, SlowPath,
        after::{After, Seen},
        figures,
        fold::Frame,
        rebase::TroubleKind,
        series::{Line, foreign},
    },
    Around, Ending, Judge,
};

impl Judge {
    /// The watch is over, with these runs of its series `known`: from now on late harm is looked for, or the end of the harm
    /// that was found.
    pub(in crate::correlate) fn close(&mut self, known: &[Probe]) {
        let doubtful = self.before.clouded_from.is_some() || !self.has_baseline();
        if doubtful || self.after.is_some() {
            return;
        }
        let Frame { change_at_s, interval_s, .. } = self.frame;
        let points = &self.before.points;
        let recovery = self
            .back
            .take()
            .filter(|_| self.ending.is_none())
            .map(|back| Recovery::resume(self.metric, points, change_at_s, back, &self.tuning));
        let quiet = self.suspected_since.is_none() && self.metric == Metric::Latency;
        let path = quiet
            .then(|| SlowPath::freeze(points, change_at_s, interval_s, &self.tuning))
            .flatten();
        if path.is_some() || recovery.is_some() {
            // A recovery begins with what comes; a slow path takes what has come since the change as well.
            let newest = recovery.as_ref().and(known.last()).map(|p| p.at);
            self.after = Some(After { path, recovery, newest });
        }
    }

    /// Forgets the runs before the change, the largest thing that it holds: once the watch is over nobody needs them.
    pub(in crate::correlate) fn let_go(&mut self) {
        self.before.points = Vec::new();
    }

    /// Takes the runs of the line that came since the watch was over, up to `until`.
    /// Whether what became of a trouble is news.
    pub(in crate::correlate) fn look_after(
        &mut self,
        line: &Line,
        until: Timestamp,
        around: Around<'_>,
    ) -> bool {
        let Some(mut after) = self.after.take() else { return false };
        let mut now = after.newest.unwrap_or(self.frame.after(0.0));
        let known = self.aftermath(now);
        let from = after.newest.map_or(line.from(self.frame.after(0.0)), |at| line.from(at));
        for probe in line.probes[from..].iter().take_while(|p| p.at < until) {
            if foreign(probe, self.before.revision.as_ref()) {
                continue;
            }
            match after.push(probe) {
                Seen::Nothing => {}
                Seen::Late(look) => self.harmed_late(look, probe.at),
                Seen::Over(recovered) => {
                    self.over(recovered, probe.at, around);
                    after.recovery = None;
                }
            }
            self.rolled_back(probe.at, around);
            now = probe.at;
        }
        self.after = Some(after);
        self.aftermath(now) != known
    }

    /// Whether runs are still looked at, at `now`.
    pub(in crate::correlate) fn is_looked_after(&self, now: Timestamp) -> bool {
        self.after.as_ref().is_some_and(|a| a.lasts(self.frame.after(0.0), now))
    }

    fn harmed_late(&mut self, look: Look, at: Timestamp) {
        if !look.suspected() {
            return;
        }
        if self.late.is_none_or(|late| look.log_e >= late.log_e) {
            self.late = Some(look);
        }
        let onset = self.frame.after(look.onset_lag);
        if self.suspected_since.is_none() {
            self.suspected_since = Some(at);
            self.tell(TroubleKind::Suspected, (onset, onset), at);
        }
        if look.regressed() && self.regressed_since.is_none() {
            self.regressed_since = Some(at);
            self.tell(TroubleKind::Moved, (onset, onset), at);
        }
    }

    /// Notes the first rollback since harm was seen.
    pub(in crate::correlate) fn rolled_back(&mut self, at: Timestamp, around: Around<'_>) {
        if !self.in_trouble() || self.rollback.is_some() {
            return;
        }
        let Some((onset, ..)) = self.onset() else { return };
        let mut since = around.stirs.iter().filter(|s| s.began > onset && s.began <= at);
        self.rollback = since
            .find(|s| s.change != self.change && s.reverts(around.services))
            .map(|s| (s.change.clone(), s.began));
    }

    /// What became of the harm, once that is known at `now`: whether a rollback of the change helped, or what else ended it.
    pub(in crate::correlate) fn aftermath(&self, now: Timestamp) -> Option<String> {
        if let Some(Ending { recovered, beside, rolled_back }) = &self.ending {
            let since = format!("{:.0}", recovered.at);
            return match beside {
                Some(by) if *rolled_back => {
                    Some(format!("recovered after rollback {by}, since {since}"))
                }
                Some(by) => Some(format!("as before again since {since}, after {by} began")),
                None if self.was_short() => None,
                None => Some(format!("as before again since {since}, by itself, but it took long")),
            };
        }
        let (by, began) = self.rollback.as_ref()?;
        let minutes = now.duration_since(*began).as_secs_f64() / 60.0;
        let watched = self.frame.interval_s * figures::count(self.frame.horizon) / 60.0;
        (minutes >= watched).then(|| {
            format!("rollback {by} did not help: still so {watched:.0} min after it began")
        })
    }
}
