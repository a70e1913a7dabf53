//! The chapters of the demo: what is changed, and what the verdict has to be.

use jiff::Timestamp;

use super::stage::Stage;
use crate::{
    daemon::Judged,
    model::{Change, ChangeKind, Conclusion, Metric, Verdict},
};

/// One change and its truth.
#[derive(Debug)]
pub(super) struct Chapter {
    /// For people.
    pub(super) title: &'static str,
    /// Whether open findings must recover after it.
    pub(super) heals: bool,
    id: &'static str,
    kind: ChangeKind,
    services: &'static [&'static str],
    version: &'static str,
    author: &'static str,
    overall: Conclusion,
    /// The journeys and metrics that must have this verdict; all others must be calm.
    shifts: &'static [(&'static str, Metric, Conclusion)],
    turn: fn(&Stage),
}

impl Chapter {
    /// The story, in order.
    pub(super) fn all() -> &'static [Self] {
        &[
            Self {
                title: "a harmless deploy of catalogue",
                heals: false,
                id: "deploy-catalogue-2.1.0",
                kind: ChangeKind::Deploy,
                services: &["catalogue"],
                version: "2.1.0",
                author: "ines",
                overall: Conclusion::Unchanged,
                shifts: &[],
                turn: |_| {},
            },
            Self {
                title: "a deploy of payments that makes checkout 40% slower, all 200",
                heals: false,
                id: "deploy-payments-5.3.0",
                kind: ChangeKind::Deploy,
                services: &["payments"],
                version: "5.3.0",
                author: "tom",
                overall: Conclusion::Regressed,
                shifts: &[("checkout", Metric::Latency, Conclusion::Regressed)],
                turn: |stage| stage.shop.slow_payments(195),
            },
            Self {
                title: "a setting of accounts that breaks one sign-in in five",
                heals: false,
                id: "config-accounts-42",
                kind: ChangeKind::Config,
                services: &["accounts"],
                version: "42",
                author: "mia",
                overall: Conclusion::Regressed,
                shifts: &[("sign-in", Metric::Success, Conclusion::Regressed)],
                turn: |stage| stage.shop.break_accounts(1),
            },
            Self {
                title: "the rollback of both",
                heals: true,
                id: "rollback-1",
                kind: ChangeKind::Rollback,
                services: &["payments", "accounts"],
                version: "5.2.9",
                author: "tom",
                overall: Conclusion::Improved,
                shifts: &[
                    ("checkout", Metric::Latency, Conclusion::Improved),
                    ("sign-in", Metric::Success, Conclusion::Improved),
                ],
                turn: |stage| {
                    stage.shop.slow_payments(100);
                    stage.shop.break_accounts(0);
                },
            },
        ]
    }

    /// Turns the knob, and gives the change to log.
    pub(super) fn begin(&self, stage: &Stage, now: Timestamp) -> Change {
        (self.turn)(stage);
        Change {
            services: self.services.iter().map(|s| (*s).into()).collect(),
            environments: vec!["production".into()],
            version: Some(self.version.to_owned()),
            author: Some(self.author.to_owned()),
            title: Some(self.title.to_owned()),
            source: "demo".to_owned(),
            ..Change::new(self.id.into(), self.kind, now)
        }
    }
}

/// A chapter and what was judged.
pub(super) struct Told {
    /// What should be.
    pub(super) chapter: &'static Chapter,
    /// What is.
    pub(super) judged: Judged,
}

impl Told {
    /// Puts both together.
    pub(super) fn new(chapter: &'static Chapter, judged: Judged) -> Self {
        Self { chapter, judged }
    }

    /// The overall verdict, as a word.
    pub(super) fn overall(&self) -> String {
        self.judged.overall.map_or_else(|| "no verdict".to_owned(), |c| c.to_string())
    }

    /// Whether all is as it should be.
    pub(super) fn is_right(&self) -> bool {
        self.faults().is_empty()
    }

    /// What is not as it should be.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let chapter = self.chapter;
        if self.judged.overall != Some(chapter.overall) {
            faults.push(format!(
                "{}: overall {}, should be {}",
                chapter.title,
                self.overall(),
                chapter.overall
            ));
        }
        for verdict in &self.judged.verdicts {
            faults.extend(self.fault(verdict));
        }
        faults
    }

    fn fault(&self, verdict: &Verdict) -> Option<String> {
        let what = format!("{} {}: {}", verdict.journey, verdict.metric, verdict.conclusion);
        let expected = self.chapter.shifts.iter().find(|(journey, metric, _)| {
            verdict.journey.as_str() == *journey && verdict.metric == *metric
        });
        match expected {
            Some((_, _, conclusion)) if verdict.conclusion != *conclusion => {
                Some(format!("{what}, should be {conclusion}"))
            }
            Some((_, _, Conclusion::Regressed))
                if verdict.named.as_ref() != Some(&verdict.change) =>
            {
                let named = verdict.named.as_ref().map_or("nobody", |c| c.as_str());
                Some(format!("{what}, but {named} is named"))
            }
            None if verdict.conclusion <= Conclusion::Suspected => {
                Some(format!("{what}, should be left alone"))
            }
            _ => None,
        }
    }
}
