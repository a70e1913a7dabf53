//! Messages that must be delivered, however often we crash before they are.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{
    error::{Fault, StoreError},
    filter::limit,
    handle::Store,
    session::{maybe_timestamp, micros, sql_count, timestamp},
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
}

/// What came of a try to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutboxMark {
    /// The receiver accepted it.
    Delivered {
        /// When.
        at: Timestamp,
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
}

impl MessageState {
    /// The word used in JSON and in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }
}

const COLUMNS: &str =
    "id, key, receiver, body, created_at, next_try_at, attempts, last_error, state, settled_at";

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

    /// Notes what came of a try. A message that is settled already stays as it is; false then, and when there is none.
    ///
    /// # Errors
    /// When it could not be stored: the message will be tried again, with the same key.
    pub async fn outbox_mark(&self, id: i64, mark: OutboxMark) -> Result<bool, StoreError> {
        self.write("note a delivery", move |session| {
            let (state, next, error, settled) = match &mark {
                OutboxMark::Delivered { at } => ("delivered", None, None, Some(micros(*at))),
                OutboxMark::Retry { next_try_at, error } => {
                    ("pending", Some(micros(*next_try_at)), Some(error), None)
                }
                OutboxMark::GivenUp { at, error } => {
                    ("given_up", None, Some(error), Some(micros(*at)))
                }
            };
            let error = error.map(|e| &e[..e.floor_char_boundary(ERROR_BYTES)]);
            let altered = session
                .conn
                .prepare_cached(
                    "UPDATE outbox SET state = ?2, next_try_at = coalesce(?3, next_try_at), last_error = ?4,
                         settled_at = ?5, attempts = attempts + 1
                     WHERE id = ?1 AND state = 'pending'",
                )?
                .execute(params![id, state, next, error, settled])?;
            Ok(altered > 0)
        })
        .await
    }
}

/// Stores a message unless its key is known.
pub(super) fn write(conn: &Connection, message: &NewMessage) -> Result<(), Fault> {
    conn.prepare_cached(
        "INSERT INTO outbox (key, receiver, body, created_at, next_try_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (key) DO NOTHING",
    )?
    .execute(params![
        message.key,
        message.receiver,
        message.body,
        micros(message.created_at),
        micros(message.next_try_at)
    ])?;
    Ok(())
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<OutboxMessage>, Fault> {
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        let state = match row.get::<_, String>(8)?.as_str() {
            "pending" => MessageState::Pending,
            "delivered" => MessageState::Delivered,
            "given_up" => MessageState::GivenUp,
            other => {
                return Err(Fault::unreadable("a message", format!("its state is `{other}`")));
            }
        };
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
        });
    }
    Ok(messages)
}
