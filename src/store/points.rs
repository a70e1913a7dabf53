//! Single runs as a chart shows them, and samples of them with the times of their parts.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{
    error::{Fault, StoreError},
    handle::Store,
    names::{ReadRevision, series_id},
    record::{self, Head, Layouts},
    runs::whole_id,
    session::{Session, micros, sql_count, timestamp},
};
use crate::model::{Probe, RunId, SeriesKey};

/// A run as a point of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Which run.
    pub id: RunId,
    /// The run; without the times of its parts.
    pub probe: Probe,
}

/// Decodes records one after the other; those of one revision follow each other by the thousand.
#[derive(Default)]
struct Decoder {
    last: Option<(i64, Arc<ReadRevision>)>,
    layouts: Layouts,
}

impl Decoder {
    fn probe(
        &mut self,
        session: &mut Session,
        at: Timestamp,
        record: &[u8],
        parts: bool,
    ) -> Result<Probe, Fault> {
        let Session { conn, known, .. } = session;
        let head = Head::read(record)?;
        let number = head.revision;
        let revision = match self.last.take().filter(|(id, _)| *id == number) {
            Some((_, revision)) => revision,
            None => known.revision(conn, number, false)?,
        };
        let mut of = |head, revision: &ReadRevision| {
            record::probe(head, at, revision, parts.then_some(&mut self.layouts))
        };
        let probe = match of(head.clone(), &revision) {
            Ok(probe) => probe,
            // Perhaps a text came since the revision was looked up.
            Err(_) => of(head, &*known.revision(conn, number, true)?)?,
        };
        self.last = Some((number, revision));
        Ok(probe)
    }
}

/// A row as it is read: time, id, record.
type Row = (i64, Vec<u8>, Vec<u8>);

impl Store {
    /// The newest `most` runs of a series that began in `from..to`, in the order of time.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn points(
        &self,
        series: &SeriesKey,
        (from, to): (Timestamp, Timestamp),
        most: usize,
    ) -> Result<Vec<Point>, StoreError> {
        const SQL: &str = "SELECT at, id, record FROM run
             WHERE series = ?1 AND at >= ?2 AND at < ?3 ORDER BY at DESC, id DESC LIMIT ?4";
        let series = series.clone();
        self.read("read a series", move |session| points(session, &series, (from, to), most, SQL))
            .await
    }

    /// As [`Store::points`], of those only that did not pass: found by an index of their own, however long the span.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn points_not_passed(
        &self,
        series: &SeriesKey,
        (from, to): (Timestamp, Timestamp),
        most: usize,
    ) -> Result<Vec<Point>, StoreError> {
        const SQL: &str = "SELECT at, id, record FROM run INDEXED BY run_not_passed
             WHERE series = ?1 AND at >= ?2 AND at < ?3 AND result > 0 ORDER BY at DESC, id DESC LIMIT ?4";
        let series = series.clone();
        self.read("read a series", move |session| points(session, &series, (from, to), most, SQL))
            .await
    }

    /// The first run of a series that began at this time or later.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn next_run(
        &self,
        series: &SeriesKey,
        from: Timestamp,
    ) -> Result<Option<RunId>, StoreError> {
        let series = series.clone();
        self.read("read a series", move |session| {
            let Some(series) = series_id(&session.conn, &series)? else { return Ok(None) };
            let mut statement = session.conn.prepare_cached(
                "SELECT at, id FROM run WHERE series = ?1 AND at >= ?2 ORDER BY at, id LIMIT 1",
            )?;
            let row = statement.query_row(params![series, micros(from)], |r| {
                Ok((r.get::<_, i64>(0)?, r.get::<_, Vec<u8>>(1)?))
            });
            Ok(row.optional()?.and_then(|(at, id)| whole_id(&id, at)))
        })
        .await
    }

    /// Runs of a series with the times of their parts: of each of `stretches` equal parts of `from..to` the first `each`. A sample, so that a
    /// month costs as little as an hour; where there are no more runs than that, it is all of them.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn sample(
        &self,
        series: &SeriesKey,
        (from, to): (Timestamp, Timestamp),
        (stretches, each): (usize, usize),
    ) -> Result<Vec<Vec<Probe>>, StoreError> {
        let series = series.clone();
        let (from, to) = (micros(from), micros(to));
        self.read("read a sample of a series", move |session| {
            let Some(id) = series_id(&session.conn, &series)? else { return Ok(Vec::new()) };
            let count = sql_count(stretches.max(1));
            let bound = |n: i64| {
                let whole = i128::from(to) - i128::from(from);
                from.saturating_add(
                    i64::try_from(whole * i128::from(n) / i128::from(count)).unwrap_or(0),
                )
            };
            let mut decoder = Decoder::default();
            let mut samples = Vec::new();
            for n in 0..count {
                let rows = {
                    let mut statement = session.conn.prepare_cached(
                        "SELECT at, record FROM run WHERE series = ?1 AND at >= ?2 AND at < ?3
                         ORDER BY at, id LIMIT ?4",
                    )?;
                    let wanted = params![id, bound(n), bound(n + 1), sql_count(each)];
                    let rows = statement.query_map(wanted, |r| Ok((r.get(0)?, r.get(1)?)))?;
                    rows.collect::<Result<Vec<(i64, Vec<u8>)>, _>>()?
                };
                let probe = |(at, record): &(i64, Vec<u8>)| {
                    decoder.probe(session, timestamp(*at)?, record, true)
                };
                samples.push(rows.iter().map(probe).collect::<Result<Vec<_>, Fault>>()?);
            }
            Ok(samples)
        })
        .await
    }
}

fn points(
    session: &mut Session,
    series: &SeriesKey,
    (from, to): (Timestamp, Timestamp),
    most: usize,
    sql: &str,
) -> Result<Vec<Point>, Fault> {
    let Some(id) = series_id(&session.conn, series)? else { return Ok(Vec::new()) };
    let rows: Vec<Row> = {
        let mut statement = session.conn.prepare_cached(sql)?;
        let wanted = params![id, micros(from), micros(to), sql_count(most)];
        let rows = statement.query_map(wanted, |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    let mut decoder = Decoder::default();
    let point = |(at, id, record): &Row| {
        let id = whole_id(id, *at);
        let id = id.ok_or_else(|| Fault::unreadable("a run", "its id is damaged"))?;
        Ok(Point { id, probe: decoder.probe(session, timestamp(*at)?, record, false)? })
    };
    rows.iter().rev().map(point).collect()
}
