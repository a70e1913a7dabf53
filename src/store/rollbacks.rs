//! Rollbacks: an order is on disk, with the message that carries it, before anything is fired; and there is never a second one.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::{
    error::Fault,
    handle::Store,
    outbox::{self, NewMessage},
    session::{from_json, maybe_timestamp, micros, to_json},
};
use crate::{
    model::{ChangeId, RollbackOrder, RollbackRecord, RollbackState},
    store::StoreError,
};

/// What became of an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Ordered {
    /// It is on disk.
    New,
    /// There is one of this change and hook already: this one.
    Known(Box<RollbackRecord>),
}

impl Store {
    /// Stores an order together with its message, unless this change was ordered to be undone by this hook before, under whatever id.
    /// Without a message it is what a dry run would have done; an order takes its place.
    ///
    /// # Errors
    /// When it could not be stored: then nothing is fired.
    pub async fn order_rollback(
        &self,
        order: RollbackOrder,
        message: Option<NewMessage>,
    ) -> Result<Ordered, StoreError> {
        self.write("store a rollback", move |session| {
            let conn = &session.conn;
            if let Some(known) = known(conn, &order)?
                && (known.state != RollbackState::DryRun || message.is_none())
            {
                return Ok(Ordered::Known(Box::new(known)));
            }
            let state =
                if message.is_some() { RollbackState::Ordered } else { RollbackState::DryRun };
            conn.prepare_cached(
                "INSERT INTO rollback (change, hook, state, at, body) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (change, hook) DO UPDATE SET state = excluded.state, at = excluded.at, body = excluded.body",
            )?
            .execute(params![
                order.change.id.as_str(),
                order.hook,
                state.as_str(),
                micros(order.at),
                to_json("a rollback", &order)?,
            ])?;
            if let Some(message) = &message {
                outbox::write(conn, message)?;
            }
            Ok(Ordered::New)
        })
        .await
    }

    /// Notes what came of an order; false where that was known.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn settle_rollback(
        &self,
        change: &ChangeId,
        hook: &str,
        state: RollbackState,
        error: Option<String>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (change, hook) = (change.clone(), hook.to_owned());
        self.write("note what came of a rollback", move |session| {
            let altered = session
                .conn
                .prepare_cached(
                    "UPDATE rollback SET state = ?3, error = ?4, settled_at = ?5
                     WHERE change = ?1 AND hook = ?2 AND state = 'ordered'",
                )?
                .execute(params![change.as_str(), hook, state.as_str(), error, micros(at)])?;
            Ok(altered > 0)
        })
        .await
    }

    /// Orders whose message was settled while the agent ended before it could follow up on it: with the error, or none where it was delivered.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn rollbacks_to_settle(
        &self,
    ) -> Result<Vec<(RollbackOrder, Option<String>)>, StoreError> {
        self.read("read rollbacks", |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT rollback.body, outbox.state, outbox.last_error FROM rollback
                 LEFT JOIN outbox ON outbox.key = 'rollback/' || rollback.hook || '/' || rollback.change
                 WHERE rollback.state = 'ordered' AND coalesce(outbox.state, 'gone') NOT IN ('pending', 'begun')",
            )?;
            let mut rows = statement.query([])?;
            let mut orders = Vec::new();
            while let Some(row) = rows.next()? {
                let (state, error): (Option<String>, Option<String>) = (row.get(1)?, row.get(2)?);
                let error = match state.as_deref() {
                    Some("delivered") => None,
                    Some("unknown") | None => Some("what came of it is not known".to_owned()),
                    Some(_) => Some(error.unwrap_or_default()),
                };
                orders.push((from_json("a rollback", &row.get::<_, String>(0)?)?, error));
            }
            Ok(orders)
        })
        .await
    }

    /// What was ordered to undo a change.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn rollbacks(&self, change: &ChangeId) -> Result<Vec<RollbackRecord>, StoreError> {
        let change = change.clone();
        self.read("read rollbacks", move |session| {
            let mut statement = session.conn.prepare_cached(
                "WITH RECURSIVE heir (id) AS
                     (SELECT ?1 UNION SELECT absorbed.id FROM absorbed JOIN heir ON absorbed.into_change = heir.id)
                 SELECT state, error, settled_at, body FROM rollback WHERE change IN (SELECT id FROM heir) ORDER BY at",
            )?;
            let mut rows = statement.query([change.as_str()])?;
            let mut records = Vec::new();
            while let Some(row) = rows.next()? {
                records.push(record(row)?);
            }
            Ok(records)
        })
        .await
    }
}

/// The order of the same change by the same hook, under any id that the change ever had.
fn known(conn: &Connection, order: &RollbackOrder) -> Result<Option<RollbackRecord>, Fault> {
    let mut statement = conn.prepare_cached(
        "WITH RECURSIVE heir (id) AS
             (SELECT ?1 UNION SELECT absorbed.id FROM absorbed JOIN heir ON absorbed.into_change = heir.id)
         SELECT state, error, settled_at, body FROM rollback WHERE hook = ?2 AND change IN (SELECT id FROM heir)
         ORDER BY state = 'dry_run'",
    )?;
    let mut rows = statement.query(params![order.change.id.as_str(), order.hook])?;
    rows.next()?.map(record).transpose()
}

fn record(row: &Row<'_>) -> Result<RollbackRecord, Fault> {
    let word: String = row.get(0)?;
    let state = RollbackState::ALL.iter().copied().find(|state| state.as_str() == word);
    Ok(RollbackRecord {
        state: state
            .ok_or_else(|| Fault::unreadable("a rollback", format!("its state is `{word}`")))?,
        error: row.get(1)?,
        settled_at: maybe_timestamp(row.get(2)?)?,
        order: from_json("a rollback", &row.get::<_, String>(3)?)?,
    })
}
