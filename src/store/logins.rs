//! Who is logged in. What is stored opens nothing: neither the session's own secret nor the token stands in it.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{
    error::StoreError,
    handle::Store,
    session::{micros, timestamp},
};

/// Most sessions of one token: the oldest one ends where another one begins.
const MOST: i64 = 100;

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The SHA-256 of the session's secret.
    pub hash: [u8; 32],
    /// The name of the token it was opened with.
    pub token: String,
    /// What proves, together with the session's secret, that the token still has the value it was opened with.
    pub proof: [u8; 32],
    /// When it was opened.
    pub began_at: Timestamp,
    /// When it was used last, to some minutes.
    pub seen_at: Timestamp,
}

impl Store {
    /// Opens a session; those that began or were seen before these times are forgotten.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn open_login(
        &self,
        login: Login,
        (began, seen): (Timestamp, Timestamp),
    ) -> Result<(), StoreError> {
        self.write("open a session", move |session| {
            let conn = &session.conn;
            conn.prepare_cached("DELETE FROM login WHERE began_at < ?1 OR seen_at < ?2")?
                .execute(params![micros(began), micros(seen)])?;
            conn.prepare_cached(
                "INSERT INTO login (hash, token, proof, began_at, seen_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                login.hash.as_slice(),
                login.token,
                login.proof.as_slice(),
                micros(login.began_at),
                micros(login.seen_at),
            ])?;
            conn.prepare_cached(
                "DELETE FROM login WHERE token = ?1 AND hash NOT IN
                     (SELECT hash FROM login WHERE token = ?1 ORDER BY began_at DESC LIMIT ?2)",
            )?
            .execute(params![login.token, MOST])?;
            Ok(())
        })
        .await
    }

    /// The session with this hash.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn login(&self, hash: [u8; 32]) -> Result<Option<Login>, StoreError> {
        self.read("read a session", move |session| {
            let row = session
                .conn
                .prepare_cached(
                    "SELECT token, proof, began_at, seen_at FROM login WHERE hash = ?1",
                )?
                .query_row([hash.as_slice()], |r| {
                    Ok((r.get(0)?, r.get::<_, Vec<u8>>(1)?, r.get(2)?, r.get(3)?))
                })
                .optional()?;
            let Some((token, proof, began, seen)) = row else { return Ok(None) };
            // A proof of another length was not written by us: it proves nothing.
            let Ok(proof) = <[u8; 32]>::try_from(proof.as_slice()) else { return Ok(None) };
            let (began_at, seen_at) = (timestamp(began)?, timestamp(seen)?);
            Ok(Some(Login { hash, token, proof, began_at, seen_at }))
        })
        .await
    }

    /// Notes that a session is used, some time soon.
    ///
    /// # Errors
    /// The file is open for reading only, or closed.
    pub fn login_seen(&self, hash: [u8; 32], at: Timestamp) -> Result<(), StoreError> {
        self.write_later("note a session", move |session| {
            session
                .conn
                .prepare_cached("UPDATE login SET seen_at = max(seen_at, ?2) WHERE hash = ?1")?
                .execute(params![hash.as_slice(), micros(at)])?;
            Ok(())
        })
    }

    /// Ends a session: when this returns it opens nothing any more.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn close_login(&self, hash: [u8; 32]) -> Result<(), StoreError> {
        self.write("end a session", move |session| {
            session
                .conn
                .prepare_cached("DELETE FROM login WHERE hash = ?1")?
                .execute([hash.as_slice()])?;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreOptions;

    #[tokio::test]
    async fn sessions_are_few_and_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("w.db"), &StoreOptions::default()).unwrap();
        let at = |second: i64| Timestamp::from_second(1_780_000_000 + second).unwrap();
        let login = |n: u8, second| Login {
            hash: [n; 32],
            token: "ines".to_owned(),
            proof: [7; 32],
            began_at: at(second),
            seen_at: at(second),
        };
        for n in 0..=u8::try_from(MOST).unwrap() {
            store.open_login(login(n, i64::from(n)), (at(-9), at(-9))).await.unwrap();
        }
        assert_eq!(store.login([0; 32]).await.unwrap(), None, "the oldest one had to go");
        assert_eq!(store.login([1; 32]).await.unwrap(), Some(login(1, 1)));
        store.login_seen([1; 32], at(500)).unwrap();
        store.close_login([2; 32]).await.unwrap();
        assert_eq!(store.login([2; 32]).await.unwrap(), None);
        assert_eq!(store.login([1; 32]).await.unwrap().unwrap().seen_at, at(500));
        store.open_login(login(200, 600), (at(-9), at(400))).await.unwrap();
        assert_eq!(store.login([3; 32]).await.unwrap(), None, "not seen for too long");
        assert!(store.login([1; 32]).await.unwrap().is_some());
    }
}
