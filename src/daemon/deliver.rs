//! Carries the outbox to its receivers: each has a queue of its own, so that a dead one delays nobody else.
//!
//! What is on disk is delivered at least once, with the same key at each try; what may be sent only once ([`crate::notify::Channel::once`]) is
//! marked before it is sent and never sent again when nobody knows what came of it. A message that failed waits longer each time; its
//! receiver rests a little, so that what waits behind it is not thrown at a dead one. Nothing here delays or fails a run.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{Notify, mpsc, watch},
    task::{self, JoinSet},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{alerts::Board, pipeline::Input, setup::Setup};
use crate::{
    clock::Clock,
    export::Exporter,
    model::Parcel,
    notify::{Again, Message, Receipt, Refused},
    store::{OutboxMark, OutboxMessage, Store, StoreError},
};

/// How often the outbox is looked at without a bell: what another process wrote, and what is due again.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is counted what waits.
const COUNT: Duration = Duration::from_secs(5);
/// The first wait after a failure.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest wait after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// How long a receiver rests after a failure before another of its messages is tried.
const REST: Duration = Duration::from_secs(30);
/// After so long nobody wants to know any more.
const STALE: Duration = Duration::from_secs(3 * 86_400);
/// No channel may take longer, whatever its own deadline.
const DEADLINE: Duration = Duration::from_secs(180);
/// How long deliveries under way get to end when the agent stops.
const DRAIN: Duration = Duration::from_secs(5);
/// Most messages of one receiver before the others' turns are looked at again.
const IN_A_ROW: usize = 50;

/// What came of a message, for whoever follows up on it.
#[derive(Debug)]
pub(super) struct Settled {
    /// The message.
    pub(super) message: Message,
    /// The receiver's answer, or why it was given up.
    pub(super) outcome: Result<Receipt, String>,
}

/// The parts the delivery works with.
#[derive(Clone)]
pub(super) struct Deliverer {
    pub(super) clock: Clock,
    pub(super) store: Store,
    pub(super) exporter: Exporter,
    pub(super) setup: watch::Receiver<Arc<Setup>>,
    /// The pipeline, which is told what was settled.
    pub(super) inputs: mpsc::WeakSender<Input>,
    /// Rung when something was put into the outbox.
    pub(super) bell: Arc<Notify>,
    /// What is told again and again.
    pub(super) board: watch::Receiver<Arc<Board>>,
}

/// When a receiver was reminded last, and whether that went well.
#[derive(Debug, Clone, Copy)]
struct Reminded {
    at: Timestamp,
    well: bool,
    under_way: bool,
}

/// A task of the delivery that has ended.
enum Ended {
    /// One receiver's queue; until when it rests.
    Queue(Option<Timestamp>),
    /// A receiver was reminded, or was not.
    Reminder(bool),
}

impl Deliverer {
    /// Delivers until told to stop; what is under way then gets a moment to end.
    pub(super) async fn run(self, stop: CancellationToken) {
        self.interrupted().await;
        let mut busy = HashSet::new();
        let mut resting: HashMap<String, Timestamp> = HashMap::new();
        let mut reminded: HashMap<String, Reminded> = HashMap::new();
        let mut queues: JoinSet<Ended> = JoinSet::new();
        let mut whose: HashMap<task::Id, String> = HashMap::new();
        let mut count = tokio::time::interval(COUNT);
        count.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.bell.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
                _ = count.tick() => match self.store.outbox_waiting().await {
                    Ok(waiting) => self.exporter.outbox(&waiting),
                    Err(e) => self.store_failed("the outbox could not be counted", &e),
                },
                Some(done) = queues.join_next_with_id() => match done {
                    Ok((id, Ended::Queue(rest))) => {
                        if let Some(receiver) = whose.remove(&id) {
                            busy.remove(&receiver);
                            resting.extend(rest.map(|until| (receiver, until)));
                        }
                    }
                    Ok((id, Ended::Reminder(well))) => {
                        if let Some(last) = whose.remove(&id).and_then(|name| reminded.get_mut(&name)) {
                            (last.well, last.under_way) = (well, false);
                        }
                    }
                    Err(e) => {
                        let receiver = whose.remove(&e.id()).unwrap_or_default();
                        error!(receiver, error = %e, "notify.panic: a delivery ended abnormally");
                        // It rests, so that what brought it down does not do so again and again.
                        if let Some(last) = reminded.get_mut(&receiver) {
                            (last.well, last.under_way) = (false, false);
                        }
                        if busy.remove(&receiver) {
                            resting.extend(self.clock.now().checked_add(REST).ok().map(|t| (receiver, t)));
                        }
                    }
                },
            }
            let now = self.clock.now();
            resting.retain(|_, until| *until > now);
            for (name, task) in self.reminders(&mut reminded, now) {
                whose.insert(queues.spawn(task).id(), name);
            }
            match self.store.outbox_receivers_due(now).await {
                Ok(due) => {
                    for receiver in due {
                        if !resting.contains_key(&receiver) && busy.insert(receiver.clone()) {
                            let queue = self.clone().queue(receiver.clone(), stop.clone());
                            whose.insert(queues.spawn(queue).id(), receiver);
                        }
                    }
                }
                Err(e) => self.store_failed("the outbox could not be read", &e),
            }
        }
        let ended = async { while queues.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, ended).await.is_err() {
            warn!(
                "notify.drain: the deadline has passed, deliveries under way are taken up again by the next start"
            );
        }
    }

    /// Those who must be told again now, each with what tells it.
    fn reminders(
        &self,
        reminded: &mut HashMap<String, Reminded>,
        now: Timestamp,
    ) -> Vec<(String, impl Future<Output = Ended> + Send + 'static)> {
        let setup = Arc::clone(&self.setup.borrow());
        let board = Arc::clone(&self.board.borrow());
        let mut due = Vec::new();
        for (name, channel) in &setup.channels {
            let Some(every) = channel.remind_every() else { continue };
            let last = reminded.get(name).copied();
            let is_due = last.is_none_or(|last| {
                !last.under_way && last.at.checked_add(every).is_ok_and(|due| due <= now)
            });
            if !is_due || board.get(name).is_none_or(Vec::is_empty) {
                continue;
            }
            let well = last.is_none_or(|last| last.well);
            reminded.insert(name.clone(), Reminded { at: now, well, under_way: true });
            let (receiver, channel, board) =
                (name.clone(), Arc::clone(channel), Arc::clone(&board));
            let exporter = self.exporter.clone();
            let task = async move {
                let notices = board.get(&receiver).map(Vec::as_slice).unwrap_or_default();
                let answer = channel.remind(notices, now).await;
                exporter.delivery(&receiver, answer.is_ok());
                if let Err(refused) = &answer
                    && well
                {
                    warn!(receiver, "notify.reminder: {}; it is tried again", refused.text);
                }
                Ended::Reminder(answer.is_ok())
            };
            due.push((name.clone(), task));
        }
        due
    }

    /// What was to be sent only once, and was under way when the agent last ended.
    async fn interrupted(&self) {
        match self.store.outbox_unknown(self.clock.now()).await {
            Ok(unknown) => {
                for row in unknown {
                    let error = row.last_error.clone().unwrap_or_default();
                    error!(receiver = row.receiver, key = row.key, "notify.unknown: {error}");
                    if let Ok(message) = read(&row, self.clock.now(), None) {
                        self.settled(message, Err(error)).await;
                    }
                }
            }
            Err(e) => self.store_failed("interrupted deliveries could not be settled", &e),
        }
    }

    /// One receiver's messages, one after the other, until none is due or one fails; gives until when the receiver rests.
    async fn queue(self, receiver: String, stop: CancellationToken) -> Ended {
        for _ in 0..IN_A_ROW {
            if stop.is_cancelled() {
                break;
            }
            let row = match self.store.outbox_due_of(&receiver, self.clock.now(), 1).await {
                Ok(mut rows) => rows.pop(),
                Err(e) => {
                    self.store_failed("the outbox could not be read", &e);
                    break;
                }
            };
            let Some(row) = row else { break };
            if let Some(rest) = self.deliver(row).await {
                let until = self.clock.now().checked_add(rest).ok();
                return Ended::Queue(until);
            }
        }
        Ended::Queue(None)
    }

    /// One message; gives how long its receiver rests, where it failed for now.
    async fn deliver(&self, row: OutboxMessage) -> Option<Duration> {
        let now = self.clock.now();
        let channel = self.setup.borrow().channels.get(&row.receiver).cloned();
        let earlier = match &row.thread {
            Some(thread) => self.store.outbox_receipt(&row.receiver, thread).await.ok().flatten(),
            None => None,
        };
        let Ok(message) = read(&row, now, earlier) else {
            let error = "what it says cannot be read: a newer program wrote it".to_owned();
            self.mark(&row, OutboxMark::GivenUp { at: now, error }).await;
            return None;
        };
        let Some(channel) = channel else {
            let error = format!("no receiver is called `{}` any more", row.receiver);
            self.give_up(&row, message, error).await;
            return None;
        };
        if channel.once() && !self.mark(&row, OutboxMark::Begun).await {
            return None;
        }
        let answer = tokio::time::timeout(DEADLINE, channel.deliver(&message)).await;
        let answer = answer.unwrap_or_else(|_| {
            let text = "did not end within its time";
            Err(if channel.once() { Refused::never(text) } else { Refused::back_off(text) })
        });
        let kind = channel.kind();
        let (receiver, key, attempt) = (&row.receiver, &row.key, message.attempt);
        let now = self.clock.now();
        self.exporter.delivery(receiver, answer.is_ok());
        match answer {
            Ok(receipt) => {
                info!(receiver, kind, key, attempt, "notify.delivered");
                let keep = receipt.keep.clone();
                self.mark(&row, OutboxMark::Delivered { at: now, receipt: keep }).await;
                self.settled(message, Ok(receipt)).await;
                None
            }
            Err(refused) => {
                let wait = match refused.again {
                    Again::Never => None,
                    Again::BackOff => Some(pause(attempt, rand::random())),
                    Again::After(wait) => Some(wait.max(Duration::from_secs(1))),
                };
                let too_old = now.duration_since(row.created_at).unsigned_abs() > STALE;
                let Some(wait) = wait.filter(|_| !too_old) else {
                    self.give_up(&row, message, refused.text).await;
                    return None;
                };
                if attempt == 1 {
                    warn!(
                        receiver,
                        kind, key, "notify.failed: {}; it is tried again", refused.text
                    );
                }
                let next_try_at = now.checked_add(wait).unwrap_or(now);
                self.mark(&row, OutboxMark::Retry { next_try_at, error: refused.text }).await;
                let asked = matches!(refused.again, Again::After(_));
                Some(if asked { wait } else { wait.min(REST) })
            }
        }
    }

    async fn give_up(&self, row: &OutboxMessage, message: Message, error: String) {
        error!(receiver = row.receiver, key = row.key, "notify.given_up: {error}");
        let at = self.clock.now();
        self.mark(row, OutboxMark::GivenUp { at, error: error.clone() }).await;
        self.settled(message, Err(error)).await;
    }

    /// Notes what came of a try; false where the message was settled meanwhile. As long as that cannot be noted the receiver waits: it would
    /// be told the same again and again.
    async fn mark(&self, row: &OutboxMessage, mark: OutboxMark) -> bool {
        loop {
            match self.store.outbox_mark(row.id, mark.clone()).await {
                Ok(altered) => return altered,
                Err(e @ StoreError::Closed { .. }) => {
                    self.store_failed("a delivery could not be noted", &e);
                    return false;
                }
                Err(e) => {
                    self.store_failed("a delivery could not be noted, it is tried again", &e);
                    tokio::time::sleep(FIRST_PAUSE).await;
                }
            }
        }
    }

    async fn settled(&self, message: Message, outcome: Result<Receipt, String>) {
        if let Some(inputs) = self.inputs.upgrade() {
            // A pipeline that has ended follows up on nothing.
            inputs.send(Input::Settled(Box::new(Settled { message, outcome }))).await.ok();
        }
    }

    fn store_failed(&self, what: &str, e: &StoreError) {
        self.exporter.store_error();
        error!(error = %e, "store.failed: {what}");
    }
}

/// A row as channels see it.
fn read(
    row: &OutboxMessage,
    now: Timestamp,
    earlier: Option<String>,
) -> Result<Message, serde_json::Error> {
    Ok(Message {
        key: row.key.clone(),
        receiver: row.receiver.clone(),
        thread: row.thread.clone(),
        parcel: Parcel::from_body(&row.body)?,
        attempt: row.attempts.saturating_add(1),
        created_at: row.created_at,
        now,
        earlier,
    })
}

/// How long a message waits after its nth failed try: twice as long each time, half of it by chance, so that the messages of many agents do
/// not come back in one blow. `chance` is from 0 to 1.
fn pause(attempt: u32, chance: f64) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << attempt.saturating_sub(1).min(16));
    let most = doubled.min(LONGEST_PAUSE);
    most.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_at_an_hour() {
        assert_eq!(pause(1, 1.0), FIRST_PAUSE);
        assert_eq!(pause(1, 0.0), FIRST_PAUSE / 2);
        assert_eq!(pause(3, 1.0), FIRST_PAUSE * 4);
        for attempt in [11, 17, 40, u32::MAX] {
            assert_eq!(pause(attempt, 1.0), LONGEST_PAUSE, "{attempt}");
        }
    }
}
