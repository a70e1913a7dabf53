//! Names as numbers and back: series, revisions, sets of deployed versions.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    dictionary::Dictionary,
    error::Fault,
    varint::{Put, Take},
};
use crate::model::{Deployed, JourneyName, Revision, Run, SeriesKey, ServiceName};

/// More remembered sets than this are forgotten: nobody deploys that often, somebody may try.
const REMEMBERED: usize = 10_000;

/// What the writer remembers of the ids it handed out. Forgotten whenever the file may know otherwise.
#[derive(Debug, Default)]
pub(super) struct Interned {
    series: HashMap<SeriesKey, i64>,
    revisions: HashMap<(JourneyName, Revision), Written>,
    deployed: HashMap<Vec<u8>, i64>,
}

/// A revision as the writer knows it.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) id: i64,
    pub(super) dictionary: Dictionary,
    last_at: i64,
}

/// How far a revision's time of last use may lag behind, in microseconds: it is only needed to the day.
const LAST_AT_LAG: i64 = 6 * 3_600 * 1_000_000;

impl Interned {
    /// Nothing is remembered any more.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The id of a series; it gets one where it has none.
    pub(super) fn series(&mut self, conn: &Connection, key: SeriesKey) -> Result<i64, Fault> {
        if let Some(id) = self.series.get(&key) {
            return Ok(*id);
        }
        let names = params![key.journey.as_str(), key.environment.as_str(), key.location.as_str()];
        conn.prepare_cached(
            "INSERT INTO series (journey, environment, location) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )?
        .execute(names)?;
        let id = series_id(conn, &key)?
            .ok_or_else(|| Fault::unreadable("a series", "it is gone as soon as it was written"))?;
        self.series.insert(key, id);
        Ok(id)
    }

    /// The revision a run was walked as, with its numbered texts.
    pub(super) fn revision(
        &mut self,
        conn: &Connection,
        run: &Run,
        at: i64,
    ) -> Result<&mut Written, Fault> {
        let key = (run.journey.clone(), run.revision.clone());
        let known = self.revisions.get(&key).map(|w| w.last_at);
        if known.is_none_or(|last| at > last.saturating_add(LAST_AT_LAG)) {
            let written = write_revision(conn, &key, at)?;
            self.revisions.insert(key.clone(), written);
        }
        self.revisions
            .get_mut(&key)
            .ok_or_else(|| Fault::unreadable("a revision", "it is gone as soon as it was written"))
    }

    /// The id of a set of deployed versions; 0 is the empty one.
    pub(super) fn deployed(
        &mut self,
        conn: &Connection,
        deployed: &[Deployed],
    ) -> Result<i64, Fault> {
        if deployed.is_empty() {
            return Ok(0);
        }
        let members = members(deployed);
        if let Some(id) = self.deployed.get(&members) {
            return Ok(*id);
        }
        if self.deployed.len() >= REMEMBERED {
            self.deployed.clear();
        }
        conn.prepare_cached(
            "INSERT INTO deployed_set (members) VALUES (?1) ON CONFLICT DO NOTHING",
        )?
        .execute([&members])?;
        let id = conn
            .prepare_cached("SELECT id FROM deployed_set WHERE members = ?1")?
            .query_row([&members], |r| r.get(0))?;
        self.deployed.insert(members, id);
        Ok(id)
    }
}

fn write_revision(
    conn: &Connection,
    key: &(JourneyName, Revision),
    at: i64,
) -> Result<Written, Fault> {
    let (journey, hash) = (key.0.as_str(), key.1.as_str());
    conn.prepare_cached(
        "INSERT INTO revision (journey, hash, last_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (journey, hash) DO UPDATE SET last_at = max(last_at, excluded.last_at)",
    )?
    .execute(params![journey, hash, at])?;
    let (id, last_at) = conn
        .prepare_cached("SELECT id, last_at FROM revision WHERE journey = ?1 AND hash = ?2")?
        .query_row(params![journey, hash], |r| Ok((r.get(0)?, r.get(1)?)))?;
    let mut dictionary = Dictionary::default();
    for (number, text) in phrases(conn, id)? {
        dictionary.load(number, text);
    }
    Ok(Written { id, dictionary, last_at })
}

/// A text and its number.
type Numbered = (u32, Box<[u8]>);

/// The numbered texts of a revision.
fn phrases(conn: &Connection, revision: i64) -> Result<Vec<Numbered>, Fault> {
    let mut statement =
        conn.prepare_cached("SELECT number, text FROM phrase WHERE revision = ?1")?;
    let rows = statement.query_map([revision], |r| {
        Ok((r.get::<_, u32>(0)?, r.get::<_, Vec<u8>>(1)?.into_boxed_slice()))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The id of a series, if it has one.
pub(super) fn series_id(conn: &Connection, key: &SeriesKey) -> Result<Option<i64>, Fault> {
    let names = params![key.journey.as_str(), key.environment.as_str(), key.location.as_str()];
    Ok(conn
        .prepare_cached(
            "SELECT id FROM series WHERE journey = ?1 AND environment = ?2 AND location = ?3",
        )?
        .query_row(names, |r| r.get(0))
        .optional()?)
}

/// All series with their ids, by name.
pub(super) fn all_series(conn: &Connection) -> Result<Vec<(i64, SeriesKey)>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT id, journey, environment, location FROM series ORDER BY journey, environment, location",
    )?;
    let rows = statement.query_map([], |r| {
        let key = SeriesKey {
            journey: r.get::<_, String>(1)?.into(),
            environment: r.get::<_, String>(2)?.into(),
            location: r.get::<_, String>(3)?.into(),
        };
        Ok((r.get(0)?, key))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What a reader remembers: ids are never used again, so what was read once stays true.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By name.
    series: Arc<[(i64, SeriesKey)]>,
    /// The highest id among them.
    newest_series: Option<i64>,
    revisions: HashMap<i64, Arc<ReadRevision>>,
    deployed: HashMap<i64, Arc<[Deployed]>>,
}

/// A revision as a reader knows it.
#[derive(Debug)]
pub(super) struct ReadRevision {
    /// Its name.
    pub(super) revision: Revision,
    phrases: HashMap<u32, Box<[u8]>>,
}

impl ReadRevision {
    /// The text with a number.
    pub(super) fn phrase(&self, number: u32) -> Option<&[u8]> {
        self.phrases.get(&number).map(AsRef::as_ref)
    }

    #[cfg(test)]
    pub(super) fn of(revision: Revision, phrases: HashMap<u32, Box<[u8]>>) -> Self {
        Self { revision, phrases }
    }
}

impl Known {
    /// All series with their ids, by name.
    pub(super) fn series(&mut self, conn: &Connection) -> Result<Arc<[(i64, SeriesKey)]>, Fault> {
        let newest =
            conn.prepare_cached("SELECT max(id) FROM series")?.query_row([], |r| r.get(0))?;
        if newest != self.newest_series {
            self.series = all_series(conn)?.into();
            self.newest_series = newest;
        }
        Ok(Arc::clone(&self.series))
    }

    /// The revision with an id; `fresh` looks again for texts that came since.
    pub(super) fn revision(
        &mut self,
        conn: &Connection,
        id: i64,
        fresh: bool,
    ) -> Result<Arc<ReadRevision>, Fault> {
        if !fresh && let Some(known) = self.revisions.get(&id) {
            return Ok(Arc::clone(known));
        }
        let hash: String = conn
            .prepare_cached("SELECT hash FROM revision WHERE id = ?1")?
            .query_row([id], |r| r.get(0))
            .optional()?
            .ok_or_else(|| Fault::unreadable(format!("revision {id}"), "it is missing"))?;
        let phrases = phrases(conn, id)?.into_iter().collect();
        let known = Arc::new(ReadRevision { revision: hash.into(), phrases });
        if self.revisions.len() >= REMEMBERED {
            self.revisions.clear();
        }
        self.revisions.insert(id, Arc::clone(&known));
        Ok(known)
    }

    /// The versions of a set.
    pub(super) fn deployed(
        &mut self,
        conn: &Connection,
        id: i64,
    ) -> Result<Arc<[Deployed]>, Fault> {
        if id == 0 {
            return Ok(Arc::from([]));
        }
        if let Some(known) = self.deployed.get(&id) {
            return Ok(Arc::clone(known));
        }
        let bytes: Vec<u8> = conn
            .prepare_cached("SELECT members FROM deployed_set WHERE id = ?1")?
            .query_row([id], |r| r.get(0))
            .optional()?
            .ok_or_else(|| Fault::unreadable(format!("the deployed set {id}"), "it is missing"))?;
        let set: Arc<[Deployed]> = from_members(&bytes)?.into();
        if self.deployed.len() >= REMEMBERED {
            self.deployed.clear();
        }
        self.deployed.insert(id, Arc::clone(&set));
        Ok(set)
    }
}

fn members(deployed: &[Deployed]) -> Vec<u8> {
    let mut put = Put::default();
    for one in deployed {
        put.text(one.service.as_str());
        put.text(&one.version);
    }
    put.0
}

fn from_members(bytes: &[u8]) -> Result<Vec<Deployed>, Fault> {
    let mut take = Take(bytes);
    let mut deployed = Vec::new();
    while !take.0.is_empty() {
        let service = ServiceName::new(take.text()?);
        deployed.push(Deployed { service, version: take.text()?.to_owned() });
    }
    Ok(deployed)
}
