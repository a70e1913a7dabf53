//! Gathers what happened in a week, or to a service.

use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp, civil::ISOWeekDate, civil::Weekday, tz::TimeZone};

use super::{Desk, about};
use crate::{
    daemon::handle::{Handle, HandleError, judged},
    model::{Change, Conclusion, Finding, FindingState, SeriesKey, ServiceName},
    render::{
        review::{Digest, DigestChange, DigestFinding, DigestJourney, DigestOf, Felt, told_once},
        words::{encoded, what},
    },
    store::{Band, ChangeFilter, FindingFilter, Standing, StoreError},
};

/// Most changes that are gathered.
const CHANGES: usize = 500;
/// Most findings that are looked through.
const FINDINGS: usize = 2000;
/// Waiting changes that are counted.
const UNPLACED: usize = 1000;

/// A week from Monday to Sunday, in UTC, as ISO 8601 counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Week(ISOWeekDate);

impl Week {
    /// The one that a time is in.
    pub fn of(at: Timestamp) -> Self {
        let day = at.to_zoned(TimeZone::UTC).date().iso_week_date();
        Self(monday(day))
    }

    /// `2026-W47`, also `2026W47` and `2026-47`.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, week) = text.split_at_checked(4)?;
        let week = week.trim_start_matches('-').trim_start_matches(['W', 'w']);
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(year) || !digits(week) {
            return None;
        }
        let day = ISOWeekDate::new(year.parse().ok()?, week.parse().ok()?, Weekday::Monday);
        day.ok().map(Self)
    }

    /// When it begins and when the next one does.
    pub fn span(self) -> Option<(Timestamp, Timestamp)> {
        let from = self.0.date().to_zoned(TimeZone::UTC).ok()?.timestamp();
        Some((from, from.checked_add(SignedDuration::from_hours(7 * 24)).ok()?))
    }

    /// The one before, or after.
    #[must_use]
    pub fn neighbour(self, weeks: i64) -> Option<Self> {
        let (from, _) = self.span()?;
        Some(Self::of(from.checked_add(SignedDuration::from_hours(weeks * 7 * 24)).ok()?))
    }

    /// As it is written.
    pub fn name(self) -> String {
        format!("{:04}-W{:02}", self.0.year(), self.0.week())
    }
}

fn monday(day: ISOWeekDate) -> ISOWeekDate {
    ISOWeekDate::new(day.year(), day.week(), Weekday::Monday).unwrap_or(day)
}

/// What a summary is asked of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DigestAsk {
    /// A week.
    Week(Week),
    /// A service, since so long ago.
    Service(String, Duration),
}

impl Handle {
    /// A summary; `base` is where people find the agent.
    ///
    /// # Errors
    /// The store failed.
    pub async fn digest(&self, ask: &DigestAsk, base: Option<&str>) -> Result<Digest, HandleError> {
        let setup = self.setup();
        let (setup, now) = (Some(&*setup), self.now());
        let desk = Desk { store: &self.store, setup, good: self, base, now };
        Ok(digest(&desk, ask).await?)
    }
}

/// A summary with everything the store knows.
///
/// # Errors
/// The store failed.
pub async fn digest(desk: &Desk<'_>, ask: &DigestAsk) -> Result<Digest, StoreError> {
    let (from, to) = span(ask, desk.now);
    let service = match ask {
        DigestAsk::Service(name, _) => Some(ServiceName::from(name.as_str())),
        DigestAsk::Week(_) => None,
    };
    let series = series(desk, service.as_ref()).await?;
    let end = to.min(desk.now).max(from);
    let (findings, changes, journeys) = tokio::try_join!(
        findings(desk, service.as_ref(), &series),
        changes(desk, service.as_ref(), (from, to)),
        journeys(desk, &series, (from, end)),
    )?;
    let open: Vec<&Finding> = findings.iter().filter(|f| f.state == FindingState::Open).collect();
    let meanwhile = findings.iter().filter(|f| from <= f.opened_at && f.opened_at < to);
    let meanwhile = told_once(meanwhile.map(finding));
    let page = match ask {
        DigestAsk::Week(week) => format!("reports/week?week={}", week.name()),
        DigestAsk::Service(name, _) => format!("services/{}", encoded(name)),
    };
    Ok(Digest {
        of: match ask {
            DigestAsk::Week(week) => DigestOf::Week(week.name()),
            DigestAsk::Service(name, _) => DigestOf::Service(name.clone()),
        },
        from,
        to: end,
        changes,
        journeys,
        findings: meanwhile,
        open: open.into_iter().map(finding).collect(),
        unplaced: if service.is_none() {
            desk.store.unplaced(None, UNPLACED).await?.len()
        } else {
            0
        },
        deployed: deployed(desk, service.as_ref()).await?,
        owner: service
            .as_ref()
            .and_then(|name| desk.setup?.settings.services.get(name)?.owner.clone()),
        base: desk.base.map(str::to_owned),
        page: desk.base.map(|base| format!("{base}/{page}")),
        made_at: desk.now,
    })
}

fn span(ask: &DigestAsk, now: Timestamp) -> (Timestamp, Timestamp) {
    match ask {
        DigestAsk::Week(week) => week.span().unwrap_or((now, now)),
        DigestAsk::Service(_, since) => {
            let since = SignedDuration::try_from(*since).unwrap_or(SignedDuration::from_hours(168));
            let to = now.checked_add(SignedDuration::from_secs(1)).unwrap_or(now);
            (now.checked_sub(since).unwrap_or(now), to)
        }
    }
}

/// The series that are walked, or were while nobody knows what is configured; of a service those of the journeys that touch it.
async fn series(
    desk: &Desk<'_>,
    service: Option<&ServiceName>,
) -> Result<Vec<SeriesKey>, StoreError> {
    let all = desk.store.series().await?;
    let Some(setup) = desk.setup else {
        return Ok(if service.is_some() { Vec::new() } else { all });
    };
    let wanted = |key: &SeriesKey| {
        setup.journeys.get(&key.journey).is_some_and(|scheduled| {
            let journey = &scheduled.journey;
            journey.environments.contains(&key.environment)
                && service.is_none_or(|name| setup.touches(journey, name))
        })
    };
    Ok(all.into_iter().filter(wanted).collect())
}

async fn changes(
    desk: &Desk<'_>,
    service: Option<&ServiceName>,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<DigestChange>, StoreError> {
    let filter = ChangeFilter {
        service: service.cloned(),
        since: Some(from),
        until: Some(to),
        limit: CHANGES,
        ..ChangeFilter::default()
    };
    let found = desk.store.changes(filter).await?;
    let ids = found.iter().map(|change| change.id.clone()).collect();
    let standings = desk.store.standings(ids).await?;
    let rows = found.into_iter().zip(standings).map(|(change, known)| row(desk, change, known));
    try_join_all(rows).await
}

async fn row(
    desk: &Desk<'_>,
    change: Change,
    standing: Standing,
) -> Result<DigestChange, StoreError> {
    let mut row = DigestChange {
        what: what(&change),
        kind: change.kind,
        title: change.title.clone(),
        environments: change.environments.iter().map(ToString::to_string).collect(),
        author: change.author.clone(),
        started_at: change.started_at,
        verdict: standing.worst,
        open: standing.open,
        reason: String::new(),
        id: change.id.clone(),
    };
    // Only of what did harm the sentence is shown: it takes all verdicts of the change.
    if matches!(standing.worst, Some(Conclusion::Regressed | Conclusion::Suspected)) {
        let judged = judged(desk.store, change, standing).await?;
        row.verdict = judged.overall;
        row.reason = judged.gate.reason;
    }
    Ok(row)
}

async fn journeys(
    desk: &Desk<'_>,
    series: &[SeriesKey],
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<DigestJourney>, StoreError> {
    // Whole hours of the past are at hand, and a part of one more or less makes no difference to what was before.
    let hours = (to.duration_since(from).as_secs() + 3599).div_euclid(3600);
    let length = SignedDuration::from_hours(hours);
    let earlier = from.checked_sub(length).unwrap_or(from);
    let sums = |span| desk.store.sums(series.to_vec(), span, desk.now);
    let (now, before) = tokio::try_join!(sums((from, to)), sums((earlier, from)))?;
    let detect = desk.setup.map(|setup| setup.settings.detect).unwrap_or_default();
    let mut rows = Vec::new();
    for ((key, now), before) in series.iter().zip(now).zip(before) {
        let (now, before) = (felt(&now), felt(&before));
        let before = Some(before).filter(|felt| felt.passed + felt.failed > 0);
        if now.passed + now.failed == 0 && before.is_none() {
            continue;
        }
        let limits = (detect.latency_relative, detect.success_drop);
        rows.push(DigestJourney {
            journey: key.journey.to_string(),
            description: desk
                .setup
                .and_then(|setup| setup.journeys.get(&key.journey)?.journey.description.clone()),
            environment: key.environment.to_string(),
            location: key.location.to_string(),
            trend: now.trend(before.as_ref(), limits).to_owned(),
            now,
            before,
        });
    }
    let rank = |row: &DigestJourney| match row.trend.as_str() {
        "worse" => 0,
        "better" => 1,
        "new" => 2,
        _ => 3,
    };
    rows.sort_by(|a, b| {
        (rank(a), &a.journey, &a.environment).cmp(&(rank(b), &b.journey, &b.environment))
    });
    Ok(rows)
}

fn felt(all: &Band) -> Felt {
    let quantiles = all.latency.quantiles_ms([0.5, 0.95]);
    Felt {
        passed: all.passed,
        failed: all.failed,
        p50_ms: quantiles.map(|q| q[0]),
        p95_ms: quantiles.map(|q| q[1]),
    }
}

async fn findings(
    desk: &Desk<'_>,
    service: Option<&ServiceName>,
    series: &[SeriesKey],
) -> Result<Vec<Finding>, StoreError> {
    let filter = FindingFilter { limit: FINDINGS, ..FindingFilter::default() };
    let mut found = desk.store.findings(filter).await?;
    if service.is_some() {
        found.retain(|f| {
            series
                .iter()
                .any(|key| (&key.journey, &key.environment) == (&f.journey, &f.environment))
        });
    }
    // What stands in the finding of its journey already is not told again by each of its parts.
    found.retain(|f| f.part.is_whole() || f.metric == crate::model::Metric::Measure);
    Ok(found)
}

fn finding(finding: &Finding) -> DigestFinding {
    DigestFinding {
        kind: finding.kind.as_str().to_owned(),
        state: finding.state.as_str().to_owned(),
        what: about(finding),
        journey: finding.journey.to_string(),
        environment: finding.environment.to_string(),
        location: finding.location.to_string(),
        summary: finding.summary.clone(),
        change: finding.change.clone(),
        opened_at: finding.opened_at,
        closed_at: finding.closed_at,
        times: 1,
    }
}

async fn deployed(
    desk: &Desk<'_>,
    service: Option<&ServiceName>,
) -> Result<Vec<(String, String)>, StoreError> {
    let (Some(name), Some(setup)) = (service, desk.setup) else { return Ok(Vec::new()) };
    let mut versions = Vec::new();
    for environment in setup.environments.keys() {
        let known = desk.store.deployed(environment, desk.now).await?;
        versions.extend(known.get(name).map(|d| (environment.to_string(), d.version.clone())));
    }
    Ok(versions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_are_those_of_iso_8601() {
        for (text, name) in [
            ("2026-W47", Some("2026-W47")),
            ("2026W5", Some("2026-W05")),
            ("2026-47", Some("2026-W47")),
            ("2026-W54", None),
            ("2026-W53", Some("2026-W53")),
            ("2025-W53", None),
            ("26-W1", None),
            ("yesterday", None),
            ("äöü", None),
            ("", None),
        ] {
            assert_eq!(Week::parse(text).map(Week::name).as_deref(), name, "{text}");
        }
        let new_year: Timestamp = "2027-01-01T12:00:00Z".parse().unwrap();
        let week = Week::of(new_year);
        assert_eq!(week.name(), "2026-W53");
        assert_eq!(week.span().unwrap().0.to_string(), "2026-12-28T00:00:00Z");
        assert_eq!(week.neighbour(1).unwrap().name(), "2027-W01");
        assert_eq!(week.neighbour(-1).unwrap().name(), "2026-W52");
    }
}
