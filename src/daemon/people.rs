//! What people are told, and what they say of findings.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    alerts::Outgoing,
    handle::{HandleError, look_up},
    pipeline::Pipeline,
};
use crate::{
    alert,
    model::{Acknowledgement, Dismissal, Finding, FindingId, FindingState},
    store::Conclusions,
};

impl Pipeline {
    /// What is new for anybody though nothing was concluded: repeats, ends of quiet hours, changes that linger, news of changes.
    pub(super) async fn tell(&mut self, now: Timestamp) {
        match self.alerts.look(&self.store, &[], now).await {
            Ok(outgoing) => self.send(outgoing).await,
            Err(e) => self.store_failed("what is told could not be looked up", &e),
        }
        match self.alerts.news(&self.store, now).await {
            Ok(outgoing) => self.send(outgoing).await,
            Err(e) => self.store_failed("news of changes could not be looked up", &e),
        }
        let board = self.alerts.board(now);
        self.board.send_if_modified(|old| {
            let other = **old != board;
            if other {
                *old = Arc::new(board);
            }
            other
        });
    }

    /// Puts messages into the outbox.
    pub(super) async fn send(&mut self, mut outgoing: Outgoing) {
        if outgoing.is_empty() {
            return;
        }
        let messages = std::mem::take(&mut outgoing.messages);
        let told = std::mem::take(&mut outgoing.records);
        let conclusions = Conclusions { messages, told, ..Conclusions::default() };
        match self.store.conclude(conclusions).await {
            Ok(()) => {
                self.alerts.stored(outgoing);
                self.bell.notify_one();
            }
            // It is thought of again in a second.
            Err(e) => self.store_failed("messages could not be written", &e),
        }
    }

    /// Closes a finding that a person says is nothing; when this returns it is on disk.
    pub(super) async fn dismiss(
        &mut self,
        id: &FindingId,
        dismissal: Dismissal,
    ) -> Result<Finding, HandleError> {
        let now = self.clock.now();
        let stored = self.store.finding(id).await?;
        let finding = stored.ok_or_else(|| HandleError::UnknownFinding(id.clone()))?;
        let decision = alert::dismissed(&finding, dismissal, now);
        let findings = vec![decision.finding.clone()];
        self.store.conclude(Conclusions { findings, ..Conclusions::default() }).await?;
        self.alerts.finding(&decision.finding);
        self.trouble.let_go(&decision.finding);
        self.burns.let_go(&decision.finding);
        self.show(&[], std::slice::from_ref(&decision));
        if let Some(id) = &decision.finding.change
            && let Some(judged) = look_up(&self.store, id).await?
        {
            self.show_judged(&judged);
            self.act(&[id.clone()].into(), now).await;
        }
        self.show_budget().await;
        Ok(decision.finding)
    }

    /// Notes on open findings that a person has taken them on; when this returns it is on disk. Those that are not open are left as they are.
    pub(super) async fn acknowledge(
        &mut self,
        ids: Vec<FindingId>,
        by: Acknowledgement,
    ) -> Result<Vec<Finding>, HandleError> {
        let now = self.clock.now();
        let (mut decisions, mut all) = (Vec::new(), Vec::new());
        for id in ids {
            let stored = self.store.finding(&id).await?;
            let finding = stored.ok_or_else(|| HandleError::UnknownFinding(id.clone()))?;
            if finding.state == FindingState::Open {
                let decision = alert::acknowledged(&finding, by.clone(), now);
                all.push(decision.finding.clone());
                decisions.push(decision);
            } else {
                all.push(finding);
            }
        }
        let findings: Vec<Finding> = decisions.iter().map(|d| d.finding.clone()).collect();
        self.store.conclude(Conclusions { findings, ..Conclusions::default() }).await?;
        for decision in &decisions {
            self.trouble.acknowledge(&decision.finding);
            self.burns.acknowledge(&decision.finding);
            self.alerts.finding(&decision.finding);
        }
        self.show(&[], &decisions);
        self.tell(now).await;
        Ok(all)
    }
}
