//! `GET /`: is it all right, what changed, did the change do it.

mod row;

use std::collections::BTreeMap;

use axum::{
    extract::{OriginalUri, Query, State},
    response::Response,
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use self::row::{Group, JourneyRow, Named};
use super::{
    budgets::left,
    changes::{self, ChangeRow},
    filter::{Bar, Filter},
    services::{Place, places},
    shell::{Shell, page},
    words::{Badge, Piece, When, change_link, count, journey_link, pipeline_link, prose},
};
use crate::{
    daemon::Setup,
    model::{
        Deployment, EnvironmentName, Finding, FindingKind, FindingState, SeriesKey, ServiceName,
    },
    render::chart::{Mark, Window, XTick},
    store::{FindingFilter, StoreError},
    web::{ApiError, router::Face},
};

/// Journeys on one page: of the rest there are further pages, worst first.
const ON_A_PAGE: usize = 60;
/// The same by the week, which takes more reading.
const OF_A_WEEK: usize = 30;
/// Open findings that are shown.
const FINDINGS: usize = 30;
/// Changes of the day that are marked; a dozen of them is listed.
const CHANGES: usize = 100;
/// Changes listed below their marks.
const LISTED: usize = 10;

#[derive(Debug, Serialize)]
struct Overview {
    shell: Shell,
    bar: Bar,
    /// `operator`, `developer` or `product`.
    view: &'static str,
    operator: bool,
    developer: bool,
    product: bool,
    /// Whether a developer has not said yet which changes are theirs.
    anybody: bool,
    /// The answer in a sentence.
    headline: String,
    /// Whether all is well: `good`, `bad` or `calm`.
    mood: &'static str,
    /// What there is, in a line.
    summary: String,
    /// What is promised of false verdicts, and what was seen of it.
    budget: String,
    findings: Vec<FindingRow>,
    strip: Strip,
    changes: Vec<ChangeRow>,
    more_changes: usize,
    places: Vec<Place>,
    /// How the figures' span is called: `last 24 hours`.
    span: String,
    groups: Vec<Group>,
    /// Whether any of them has an objective.
    promised: bool,
    journeys: usize,
    /// Behind `?`, of the pages before and after; empty where there are none.
    before: String,
    after: String,
}

/// When things were changed: marks on lines below each other, so that none hides another one of about the same time.
#[derive(Debug, Serialize)]
struct Strip {
    marks: Vec<(Mark, u32)>,
    ticks: Vec<XTick>,
    /// The lowest line.
    last: u32,
    height: u32,
}

impl Strip {
    /// Marks nearer to each other than this, in percent, stand on lines of their own.
    const APART: f64 = 2.0;
    /// Lines at most, and their distance in pixels.
    const LINES: usize = 4;
    const LINE: usize = 20;

    /// The span of the figures, or longer where it holds not all of the changes: many runs may make it short.
    fn new(window: Window, changes: &[(Timestamp, ChangeRow)]) -> Self {
        let oldest = changes.iter().map(|(at, _)| *at).min().filter(|at| *at < window.from);
        let window = &oldest.map_or(window, |oldest| {
            let margin = window.to.duration_since(oldest) / 50;
            Window { from: oldest.checked_sub(margin).unwrap_or(oldest), to: window.to }
        });
        let mut ends: Vec<f64> = Vec::new();
        let mut marks: Vec<(Mark, u32)> = Vec::new();
        let y = |line: usize| u32::try_from(line * Self::LINE).unwrap_or(0);
        // Oldest first, as they stand.
        for mark in changes::marks(window, changes).into_iter().rev() {
            let x: f64 = mark.x.parse().unwrap_or(0.0);
            let free = ends.iter().position(|end| end + Self::APART <= x);
            let line = free.unwrap_or(ends.len().min(Self::LINES - 1));
            match ends.get_mut(line) {
                Some(end) => *end = x,
                None => ends.push(x),
            }
            marks.push((mark, y(line)));
        }
        let last = y(ends.len().saturating_sub(1));
        Self { marks, ticks: window.ticks(), last, height: 46 + last }
    }
}

/// An open finding.
#[derive(Debug, Serialize)]
struct FindingRow {
    badge: Badge,
    journey: String,
    environment: String,
    link: String,
    metric: String,
    change: String,
    change_link: String,
    summary: Vec<Piece>,
    since: When,
}

/// The page.
pub(in crate::web) async fn overview(
    State(face): State<Face>,
    OriginalUri(uri): OriginalUri,
    Query(filter): Query<Filter>,
) -> Result<Response, ApiError> {
    let (store, setup, now) = (face.handle.store(), face.handle.setup(), face.handle.now());
    let view = filter.view();
    let seconds = if view == "product" { 604_800 } else { 86_400 };
    let window = back(now, seconds);
    let (findings, changes, deployed, latest) = tokio::try_join!(
        async { Ok(open_findings(&face, &filter).await?) },
        changes::of_span(&face, &filter, &window, CHANGES),
        async { Ok(deployed(&face, &filter, now).await?) },
        async { Ok(store.latest_runs().await?) },
    )?;
    let mut named = row::named(&setup, &filter, &latest, &findings, now);
    named.sort_by(|a, b| a.order().cmp(&b.order()));
    let journeys = named.len();
    let most = if view == "product" { OF_A_WEEK } else { ON_A_PAGE };
    let number = filter.page.clamp(1, journeys.div_ceil(most).max(1));
    let summary = summary(&setup, &named, &changes, view);
    let (headline, mood) = headline(&findings, &named);
    let shown: Vec<Named> = named.into_iter().skip((number - 1) * most).take(most).collect();
    let mut shown = row::rows(store, shown, window, &changes, view == "product").await?;
    let budgets = face.handle.budgets();
    shown.rows.iter_mut().for_each(|(series, row)| row.left = left(budgets.of(series)));
    let link = |page| filter.query(view, page);
    let title = if findings.is_empty() {
        "Overview".to_owned()
    } else {
        format!("({}) Overview", findings.len())
    };
    let data = Overview {
        shell: Shell::new(&face, &uri, "overview", &title).live(),
        bar: filter.bar(&setup),
        view,
        operator: view == "operator",
        developer: view == "developer",
        product: view == "product",
        anybody: filter.service.is_empty() && filter.owner.is_empty(),
        headline,
        mood,
        summary,
        budget: face.handle.budget().await?.sentence(),
        findings: findings.iter().map(finding_row).collect(),
        strip: Strip::new(shown.window, &changes),
        more_changes: changes.len().saturating_sub(LISTED),
        changes: changes.into_iter().take(LISTED).map(|(_, row)| row).collect(),
        places: places(&setup, &filter, &deployed),
        span: shown.span,
        promised: shown.rows.iter().any(|(_, row)| !row.left.text.is_empty()),
        groups: grouped(&setup, shown.rows),
        journeys,
        before: if number > 1 { link(number - 1) } else { String::new() },
        after: if number * most < journeys { link(number + 1) } else { String::new() },
    };
    page(&face, "overview", data).await
}

/// What is deployed where, as far as the reader wants to know.
async fn deployed(
    face: &Face,
    filter: &Filter,
    now: Timestamp,
) -> Result<BTreeMap<EnvironmentName, BTreeMap<ServiceName, Deployment>>, StoreError> {
    let (store, setup) = (face.handle.store(), face.handle.setup());
    let mut deployed = BTreeMap::new();
    for name in setup.environments.keys().filter(|e| filter.wants_environment(e.as_str())) {
        deployed.insert(name.clone(), store.deployed(name, now).await?);
    }
    Ok(deployed)
}

fn back(now: Timestamp, seconds: i64) -> Window {
    let from = now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(now);
    Window { from, to: now }
}

/// The open findings of what the reader wants, worst and newest first.
async fn open_findings(face: &Face, filter: &Filter) -> Result<Vec<Finding>, StoreError> {
    let setup = face.handle.setup();
    let wanted = FindingFilter {
        state: Some(FindingState::Open),
        environment: (!filter.environment.is_empty()).then(|| filter.environment.as_str().into()),
        limit: 500,
        ..FindingFilter::default()
    };
    let mut findings = face.handle.store().findings(wanted).await?;
    findings.retain(|finding| {
        if let Some(concern) = &finding.pipeline {
            let service = concern.service.as_ref();
            let all = filter.service.is_empty() && filter.owner.is_empty();
            return all || service.is_some_and(|s| filter.wants_service(&setup, s));
        }
        let journey = setup.journeys.get(&finding.journey);
        journey.is_none_or(|s| filter.wants_journey(&setup, &s.journey))
    });
    let rank = |f: &Finding| FindingKind::ALL.iter().position(|kind| *kind == f.kind);
    findings.sort_by(|a, b| (rank(a), b.opened_at).cmp(&(rank(b), a.opened_at)));
    findings.truncate(FINDINGS);
    Ok(findings)
}

fn headline(findings: &[Finding], named: &[Named]) -> (String, &'static str) {
    let kinds = |kind: &str| findings.iter().filter(|f| f.kind.as_str() == kind).count();
    let failing = named.iter().filter(|n| n.is_failing()).count();
    let (regressed, suspected) = (kinds("regressed"), kinds("suspected"));
    let (unexplained, pipelines) = (kinds("unexplained"), kinds("pipeline"));
    if regressed + suspected > 0 {
        let changes: std::collections::BTreeSet<_> =
            findings.iter().filter_map(|f| f.change.as_ref()).collect();
        let who = count(changes.len().max(1), "change", "changes");
        let verb = if regressed > 0 { "made things worse" } else { "may have made things worse" };
        return (format!("{who} {verb}"), "bad");
    }
    if unexplained > 0 {
        return (
            format!("{} that no change explains", count(unexplained, "trouble", "troubles")),
            "bad",
        );
    }
    let burning = kinds("budget_fast") + kinds("budget_slow");
    if burning > 0 {
        let verb = if burning == 1 { "is" } else { "are" };
        let budgets = count(burning, "error budget", "error budgets");
        return (format!("{budgets} {verb} spent too fast"), "bad");
    }
    if failing > 0 {
        return (
            format!("{} failing just now", count(failing, "journey is", "journeys are")),
            "bad",
        );
    }
    if pipelines > 0 {
        return (
            format!(
                "All journeys are well; {} with pipelines",
                count(pipelines, "trouble", "troubles")
            ),
            "calm",
        );
    }
    if named.is_empty() {
        return ("Nothing is walked yet".to_owned(), "calm");
    }
    if named.iter().all(Named::is_waiting) {
        return ("Waiting for the first runs".to_owned(), "calm");
    }
    ("All is well".to_owned(), "good")
}

fn summary(
    setup: &Setup,
    named: &[Named],
    changes: &[(Timestamp, ChangeRow)],
    view: &str,
) -> String {
    let when = if view == "product" { "this week" } else { "in the last 24 hours" };
    format!(
        "{} in {}, {} {when}",
        count(named.len(), "journey", "journeys"),
        count(setup.environments.len(), "environment", "environments"),
        count(changes.len(), "change", "changes"),
    )
}

fn finding_row(finding: &Finding) -> FindingRow {
    FindingRow {
        badge: Badge::of(finding.kind.as_str()),
        journey: finding.journey.to_string(),
        environment: if finding.pipeline.is_some() {
            String::new()
        } else {
            finding.environment.to_string()
        },
        link: match &finding.pipeline {
            Some(concern) => pipeline_link(&concern.pipeline),
            None => journey_link(
                finding.journey.as_str(),
                finding.environment.as_str(),
                Some(finding.location.as_str()),
            ),
        },
        metric: finding.subject(),
        change: finding.change.as_ref().map(ToString::to_string).unwrap_or_default(),
        change_link: finding.change.as_ref().map(|c| change_link(c.as_str())).unwrap_or_default(),
        summary: prose(&match &finding.acknowledged {
            Some(taken) => {
                let who = taken.by.as_deref().unwrap_or("somebody");
                let note = taken.note.as_ref().map(|n| format!(": {n}")).unwrap_or_default();
                format!("{} ({who} looks after it{note})", finding.summary)
            }
            None => finding.summary.clone(),
        }),
        since: When::minute(finding.onset_at.unwrap_or(finding.opened_at)),
    }
}

/// Rows by environment, in the order of the environments; the rows of one stay as they are.
fn grouped(setup: &Setup, rows: Vec<(SeriesKey, JourneyRow)>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for name in setup.environments.keys() {
        groups.push(Group { environment: name.to_string(), rows: Vec::new() });
    }
    for (series, row) in rows {
        match groups.iter_mut().find(|g| g.environment == series.environment.as_str()) {
            Some(group) => group.rows.push(row),
            None => {
                groups.push(Group { environment: series.environment.to_string(), rows: vec![row] })
            }
        }
    }
    groups.retain(|group| !group.rows.is_empty());
    groups
}
