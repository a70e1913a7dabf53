//! Messages that must be delivered, however often we crash before they are.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    error::{Fault, StoreError},
    filter::limit,
    handle::Store,
    session::{maybe_timestamp, micros, sql_count, timestamp},
    told_first,
};

/// Longest error kept of a delivery, in bytes.
const ERROR_BYTES: usize = 1 << 10;

/// A message to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Its idempotency key: a message with a key that was there before is not stored again.
    pub key: String,
    /// The name of the receiver.
    pub receiver: String,
    /// What it belongs to: it takes the place of messages of the same thread that still wait for the same receiver.
    pub thread: Option<String>,
    /// What to send, as JSON.
    pub body: String,
    /// When it was thought of.
    pub created_at: Timestamp,
    /// Not before this time.
    pub next_try_at: Timestamp,
}

/// A message with what became of it so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxMessage {
    /// Its number, growing.
    pub id: i64,
    /// Its idempotency key, sent along so that a receiver can tell a repetition.
    pub key: String,
    /// The name of the receiver.
    pub receiver: String,
    /// What it belongs to.
    pub thread: Option<String>,
    /// What to send, as JSON.
    pub body: String,
    /// When it was thought of.
    pub created_at: Timestamp,
    /// When it is tried next, while it is pending.
    pub next_try_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// How it stands.
    pub state: MessageState,
    /// When it was delivered or given up.
    pub settled_at: Option<Timestamp>,
    /// What the receiver answered, where a later message needs it.
    pub receipt: Option<String>,
}

/// How a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageState {
    /// To be delivered.
    Pending,
    /// The receiver accepted it.
    Delivered,
    /// It was given up.
    GivenUp,
    /// A newer message of its thread was told instead.
    Superseded,
    /// It may be sent only once and is under way.
    Begun,
    /// It may be sent only once, and what came of it is not known: it is never sent again.
    Unknown,
}

/// What came of a try to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutboxMark {
    /// The receiver accepted it.
    Delivered {
        /// When.
        at: Timestamp,
        /// What it answered, where a later message needs it.
        receipt: Option<String>,
    },
    /// It did not, and shall be asked again.
    Retry {
        /// When.
        next_try_at: Timestamp,
        /// Why it did not.
        error: String,
    },
    /// It did not, and shall not be asked again.
    GivenUp {
        /// When.
        at: Timestamp,
        /// Why it did not.
        error: String,
    },
    /// It is sent now, and never again unless it is known that nothing came of it.
    Begun,
}

impl MessageState {
    /// All states.
    pub const ALL: &[Self] = &[
        Self::Pending,
        Self::Delivered,
        Self::GivenUp,
        Self::Superseded,
        Self::Begun,
        Self::Unknown,
    ];

    /// The states of a word: one of them, or `waiting`, all that are not settled well.
    pub fn named(word: &str) -> Option<Vec<Self>> {
        if word == "waiting" {
            return Some(vec![Self::Pending, Self::Begun, Self::GivenUp, Self::Unknown]);
        }
        Self::ALL.iter().copied().find(|state| state.as_str() == word).map(|state| vec![state])
    }

    /// The word used in JSON and in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
            Self::Superseded => "superseded",
            Self::Begun => "begun",
            Self::Unknown => "unknown",
        }
    }
}

pub(super) const COLUMNS: &str = "id, key, receiver, body, created_at, next_try_at, attempts, last_error, state, settled_at, thread, receipt";

impl Store {
    /// Messages whose time has come, the longest waiting first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn outbox_due(
        &self,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<OutboxMessage>, StoreError> {
        self.read("read the outbox", move |session| {
            let sql = format!(
                "SELECT {COLUMNS} FROM outbox WHERE state = 'pending' AND next_try_at <= ?1
                 ORDER BY next_try_at, id LIMIT ?2"
            );
            let mut statement = session.conn.prepare_cached(&sql)?;
            collect(statement.query(params![micros(now), sql_count(limit(most))])?)
        })
        .await
    }

    /// The receivers with messages whose time has come.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn outbox_receivers_due(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        self.read("read the outbox", move |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT DISTINCT receiver FROM outbox WHERE state = 'pending' AND next_try_at <= ?1",
            )?;
            let rows = statement.query_map([micros(now)], |r| r.get::<_, String>(0))?;
            rows.map(|name| Ok(name?)).collect()
        })
        .await
    }

    /// How many messages wait, by receiver.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn outbox_waiting(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.read("count the outbox", |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT receiver, count(*) FROM outbox WHERE state = 'pending' GROUP BY receiver",
            )?;
            let rows = statement
                .query_map([], |r| Ok((r.get(0)?, r.get::<_, i64>(1)?.max(0).unsigned_abs())))?;
            rows.map(|row| Ok(row?)).collect()
        })
        .await
    }

    /// One receiver's messages whose time has come, the longest waiting first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn outbox_due_of(
        &self,
        receiver: &str,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<OutboxMessage>, StoreError> {
        let receiver = receiver.to_owned();
        self.read("read the outbox", move |session| {
            let sql = format!(
                "SELECT {COLUMNS} FROM outbox WHERE receiver = ?1 AND state = 'pending' AND next_try_at <= ?2
                 ORDER BY next_try_at, id LIMIT ?3"
            );
            let mut statement = session.conn.prepare_cached(&sql)?;
            collect(statement.query(params![receiver, micros(now), sql_count(limit(most))])?)
        })
        .await
    }

    /// What a receiver answered last to a message of this thread, where it was kept.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn outbox_receipt(
        &self,
        receiver: &str,
        thread: &str,
    ) -> Result<Option<String>, StoreError> {
        let (receiver, thread) = (receiver.to_owned(), thread.to_owned());
        self.read("read the outbox", move |session| {
            Ok(session
                .conn
                .prepare_cached(
                    "SELECT receipt FROM outbox WHERE receiver = ?1 AND thread = ?2 AND receipt IS NOT NULL
                     ORDER BY id DESC LIMIT 1",
                )?
                .query_row([receiver, thread], |r| r.get(0))
                .optional()?)
        })
        .await
    }

    /// Messages that were to be sent only once and were under way when the agent last ended: what came of them is not known, and they are
    /// never sent again.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn outbox_unknown(&self, at: Timestamp) -> Result<Vec<OutboxMessage>, StoreError> {
        self.write("settle interrupted deliveries", move |session| {
            let error = "the agent ended while it was sent: what came of it is not known, and it is never sent again";
            let sql = format!(
                "UPDATE outbox SET state = 'unknown', last_error = ?1, settled_at = ?2 WHERE state = 'begun'
                 RETURNING {COLUMNS}"
            );
            let mut statement = session.conn.prepare_cached(&sql)?;
            collect(statement.query(params![error, micros(at)])?)
        })
        .await
    }

    /// Has a message that waits, or that was given up, tried at once; false where there is none.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn outbox_again(&self, id: i64, at: Timestamp) -> Result<bool, StoreError> {
        self.write("try a message again", move |session| {
            let altered = session
                .conn
                .prepare_cached(
                    "UPDATE outbox SET state = 'pending', next_try_at = ?2, settled_at = NULL
                     WHERE id = ?1 AND state IN ('pending', 'given_up')
                         -- What is fired only once is not fired again by hand either: another order is another matter.
                         AND receiver NOT LIKE 'rollback:%'",
                )?
                .execute(params![id, micros(at)])?;
            Ok(altered > 0)
        })
        .await
    }

    /// When the next pending message is to be tried; none when nothing waits.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn outbox_next(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read("read the outbox", |session| {
            let next: Option<i64> = session
                .conn
                .prepare_cached("SELECT min(next_try_at) FROM outbox WHERE state = 'pending'")?
                .query_row([], |r| r.get(0))?;
            maybe_timestamp(next)
        })
        .await
    }

    /// Messages, newest first, of one state or of all.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn outbox(
        &self,
        state: Option<MessageState>,
        most: usize,
    ) -> Result<Vec<OutboxMessage>, StoreError> {
        self.read("read the outbox", move |session| {
            let sql = format!(
                "SELECT {COLUMNS} FROM outbox WHERE ?1 IS NULL OR state = ?1 ORDER BY id DESC LIMIT ?2"
            );
            let mut statement = session.conn.prepare_cached(&sql)?;
            let bound = params![state.map(MessageState::as_str), sql_count(limit(most))];
            collect(statement.query(bound)?)
        })
        .await
    }

    /// Messages in any of these states, or in all where none is named; newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn outbox_of(
        &self,
        states: Vec<MessageState>,
        most: usize,
    ) -> Result<Vec<OutboxMessage>, StoreError> {
        self.read("read the outbox", move |session| {
            // The words are ours: nothing of others comes into the text.
            let words: Vec<String> = states.iter().map(|s| format!("'{}'", s.as_str())).collect();
            let which = if words.is_empty() {
                "1".to_owned()
            } else {
                format!("state IN ({})", words.join(","))
            };
            let sql =
                format!("SELECT {COLUMNS} FROM outbox WHERE {which} ORDER BY id DESC LIMIT ?1");
            let mut statement = session.conn.prepare_cached(&sql)?;
            collect(statement.query([sql_count(limit(most))])?)
        })
        .await
    }

    /// Notes what came of a try. A message that is settled already stays as it is; false then, and when there is none.
    ///
    /// # Errors
    /// When it could not be stored: the message will be tried again, with the same key.
    pub async fn outbox_mark(&self, id: i64, mark: OutboxMark) -> Result<bool, StoreError> {
        self.write("note a delivery", move |session| {
            let (state, next, error, settled, receipt) = match &mark {
                OutboxMark::Delivered { at, receipt } => {
                    ("delivered", None, None, Some(micros(*at)), receipt.as_ref())
                }
                OutboxMark::Retry { next_try_at, error } => {
                    ("pending", Some(micros(*next_try_at)), Some(error), None, None)
                }
                OutboxMark::GivenUp { at, error } => {
                    ("given_up", None, Some(error), Some(micros(*at)), None)
                }
                OutboxMark::Begun => ("begun", None, None, None, None),
            };
            let error = error.map(|e| &e[..e.floor_char_boundary(ERROR_BYTES)]);
            let receipt = receipt.map(|r| &r[..r.floor_char_boundary(ERROR_BYTES)]);
            // What was begun is counted already; what was superseded on its way may still have arrived.
            let altered = session
                .conn
                .prepare_cached(
                    "UPDATE outbox SET state = ?2, next_try_at = coalesce(?3, next_try_at), last_error = ?4,
                         settled_at = ?5, receipt = coalesce(?6, receipt), attempts = attempts + (state <> 'begun')
                     WHERE id = ?1 AND (state = 'pending' OR state = 'begun' AND ?2 <> 'begun' OR state = 'superseded' AND ?2 = 'delivered')",
                )?
                .execute(params![id, state, next, error, settled, receipt])?;
            Ok(altered > 0)
        })
        .await
    }
}

/// Stores a message unless its key is known. Those of its thread that still wait are told by it.
pub(super) fn write(conn: &Connection, message: &NewMessage) -> Result<(), Fault> {
    let added = conn
        .prepare_cached(
            "INSERT INTO outbox (key, receiver, body, created_at, next_try_at, thread) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (key) DO NOTHING",
        )?
        .execute(params![
            message.key,
            message.receiver,
            message.body,
            micros(message.created_at),
            micros(message.next_try_at),
            message.thread,
        ])?;
    if added > 0 {
        told_first::note(conn, message)?;
    }
    if added > 0
        && let Some(thread) = &message.thread
    {
        conn.prepare_cached(
            "UPDATE outbox SET state = 'superseded', settled_at = ?3
             WHERE receiver = ?1 AND thread = ?2 AND state = 'pending' AND id < ?4",
        )?
        .execute(params![
            message.receiver,
            thread,
            micros(message.created_at),
            conn.last_insert_rowid()
        ])?;
    }
    Ok(())
}

pub(super) fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<OutboxMessage>, Fault> {
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        let word = row.get::<_, String>(8)?;
        let state = MessageState::ALL.iter().copied().find(|state| state.as_str() == word);
        let state = state
            .ok_or_else(|| Fault::unreadable("a message", format!("its state is `{word}`")))?;
        messages.push(OutboxMessage {
            id: row.get(0)?,
            key: row.get(1)?,
            receiver: row.get(2)?,
            body: row.get(3)?,
            created_at: timestamp(row.get(4)?)?,
            next_try_at: timestamp(row.get(5)?)?,
            attempts: row.get(6)?,
            last_error: row.get(7)?,
            state,
            settled_at: maybe_timestamp(row.get(9)?)?,
            thread: row.get(10)?,
            receipt: row.get(11)?,
        });
    }
    Ok(messages)
}
