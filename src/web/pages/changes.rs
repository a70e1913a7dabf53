//! `GET /changes`: the change log with what became of each, and rows of changes for other pages.

use std::collections::BTreeMap;

use axum::{
    extract::{OriginalUri, Query, State},
    response::Response,
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{
    filter::{Bar, Filter},
    shell::{Shell, page},
    words::{Badge, When, change_link, count, what},
};
use crate::{
    model::Change,
    render::chart::{Mark, Window, short},
    store::{ChangeFilter, UnplacedChange},
    web::{ApiError, router::Face},
};

/// Changes on a page of the list.
const ON_A_PAGE: usize = 50;

/// A change in a list.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ChangeRow {
    /// Its page, from the root.
    pub(super) link: String,
    /// Its id.
    pub(super) id: String,
    /// Its kind.
    pub(super) kind: &'static str,
    /// What was changed, to which version.
    pub(super) what: String,
    /// A line for people.
    pub(super) title: String,
    /// By whom.
    pub(super) author: String,
    /// Where.
    pub(super) place: String,
    /// When it started.
    pub(super) started: When,
    /// What became of it.
    pub(super) badge: Badge,
    /// Whether it is still being watched.
    pub(super) open: bool,
}

#[derive(Debug, Serialize)]
struct Changes {
    shell: Shell,
    bar: Bar,
    rows: Vec<ChangeRow>,
    /// What nobody knows where it belongs: told by hooks, watched nowhere.
    unplaced: Vec<Unplaced>,
    /// How many these are: "3 changes wait"; empty where none does.
    waiting: String,
    /// Behind `?`, of newer and older ones; empty where there are none.
    newer: String,
    older: String,
}

/// A change that waits for a place.
#[derive(Debug, Serialize)]
struct Unplaced {
    id: String,
    what: String,
    title: String,
    hook: String,
    received: When,
    /// The line that gives it a place.
    command: String,
}

/// What waits for a place, and how many that are.
async fn unplaced(face: &Face) -> Result<(Vec<Unplaced>, String), ApiError> {
    const SHOWN: usize = 20;
    let waiting = face.handle.store().unplaced(None, SHOWN + 1).await?;
    let many = if waiting.len() > SHOWN { "More than ".to_owned() } else { String::new() };
    let count = count(waiting.len().min(SHOWN), "change waits", "changes wait");
    let told = if waiting.is_empty() { String::new() } else { format!("{many}{count}") };
    let row = |waiting: &UnplacedChange| {
        let change = &waiting.change;
        // For a shell: an id may hold anything.
        let id = change.id.as_str().replace('\'', r"'\''");
        let service = if change.services.is_empty() { " --service NAME" } else { "" };
        Unplaced {
            what: format!("{} of {}", change.kind, what(change)),
            title: change.title.clone().unwrap_or_default(),
            hook: waiting.hook.clone(),
            received: When::minute(waiting.at),
            command: format!("wayfarer change place '{id}' --env ENVIRONMENT{service}"),
            id: change.id.to_string(),
        }
    };
    Ok((waiting.iter().take(SHOWN).map(row).collect(), told))
}

/// The page.
pub(in crate::web) async fn changes(
    State(face): State<Face>,
    OriginalUri(uri): OriginalUri,
    Query(filter): Query<Filter>,
) -> Result<Response, ApiError> {
    let setup = face.handle.setup();
    let number = filter.page.clamp(1, 200);
    let wanted = ChangeFilter {
        service: (!filter.service.is_empty()).then(|| filter.service.as_str().into()),
        environment: (!filter.environment.is_empty()).then(|| filter.environment.as_str().into()),
        limit: number * ON_A_PAGE + 1,
        ..ChangeFilter::default()
    };
    let mut found = face.handle.store().changes(wanted).await?;
    if !filter.owner.is_empty() {
        found.retain(|change| filter.wants_change(&setup, change));
    }
    let more = found.len() > number * ON_A_PAGE;
    let on_it = found.into_iter().skip((number - 1) * ON_A_PAGE).take(ON_A_PAGE).collect();
    let link = |page| filter.query(filter.view(), page);
    let (unplaced, waiting) = unplaced(&face).await?;
    let data = Changes {
        unplaced,
        waiting,
        shell: Shell::new(&face, &uri, "changes", "Changes"),
        bar: filter.bar(&setup),
        rows: rows(&face, on_it).await?,
        newer: if number > 1 { link(number - 1) } else { String::new() },
        older: if more { link(number + 1) } else { String::new() },
    };
    page(&face, "changes", data).await
}

/// Rows of these changes, each with how it stands.
pub(super) async fn rows(face: &Face, changes: Vec<Change>) -> Result<Vec<ChangeRow>, ApiError> {
    let ids = changes.iter().map(|change| change.id.clone()).collect();
    let standings = face.handle.store().standings(ids).await?;
    let mut rows = Vec::new();
    for (change, standing) in changes.iter().zip(standings) {
        // What people dismissed counts no more: that takes all verdicts of the change.
        let worst = if standing.dismissed {
            face.handle.judged(&change.id).await?.overall
        } else {
            standing.worst
        };
        rows.push(row(change, Badge::verdict(worst, standing.open), standing.open));
    }
    Ok(rows)
}

pub(super) fn row(change: &Change, badge: Badge, open: bool) -> ChangeRow {
    let places: Vec<_> = change.environments.iter().map(|e| e.as_str()).collect();
    ChangeRow {
        link: change_link(change.id.as_str()),
        id: change.id.to_string(),
        kind: change.kind.as_str(),
        what: what(change),
        title: change.title.clone().unwrap_or_default(),
        author: change.author.clone().unwrap_or_default(),
        place: places.join(", "),
        started: When::minute(change.started_at),
        badge,
        open,
    }
}

/// Changes as marks on a span of time; those of them that lie in it.
pub(super) fn marks(window: &Window, changes: &[(Timestamp, ChangeRow)]) -> Vec<Mark> {
    let inside: Vec<_> = changes.iter().filter(|(at, _)| window.holds(*at)).collect();
    let mark = |(at, row): &(Timestamp, ChangeRow), more: usize| Mark {
        x: short(window.place(*at)),
        class: row.badge.class.clone(),
        sign: row.badge.sign,
        text: format!(
            "{} of {}: {} · {}{}",
            row.kind,
            row.what,
            row.badge.word,
            row.started.utc,
            if more > 0 { format!(" · and {more} more here") } else { String::new() }
        ),
        link: row.link.clone(),
    };
    if inside.len() <= MARKS {
        return inside.iter().map(|one| mark(one, 0)).collect();
    }
    // Nobody can point at one of hundreds: of those that are drawn over each other the worst stands for all.
    let mut places: BTreeMap<u32, Vec<&(Timestamp, ChangeRow)>> = BTreeMap::new();
    for one in inside {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a percentage")]
        let place = (window.place(one.0) * SHARE) as u32;
        places.entry(place).or_default().push(one);
    }
    let rank = |one: &&&(Timestamp, ChangeRow)| {
        let class = one.1.badge.class.as_str();
        WORST.iter().position(|worst| *worst == class).unwrap_or(WORST.len())
    };
    let worst = |here: &Vec<&(Timestamp, ChangeRow)>| {
        here.iter().min_by_key(rank).map(|one| mark(one, here.len() - 1))
    };
    places.values().filter_map(worst).collect()
}

/// Most changes that are marked one by one.
const MARKS: usize = 60;
/// Beyond that, as many places for marks are in a hundredth of the width.
const SHARE: f64 = 0.5;
/// Verdicts that are shown before all others.
const WORST: [&str; 3] = ["regressed", "suspected", "watching"];

/// The changes of a span that a reader wants, newest first, with when each began.
pub(super) async fn of_span(
    face: &Face,
    filter: &Filter,
    window: &Window,
    most: usize,
) -> Result<Vec<(Timestamp, ChangeRow)>, ApiError> {
    let setup = face.handle.setup();
    let wanted = ChangeFilter {
        since: Some(window.from),
        until: window.to.checked_add(SignedDuration::from_secs(1)).ok(),
        limit: most,
        ..ChangeFilter::default()
    };
    let mut found = face.handle.store().changes(wanted).await?;
    found.retain(|change| filter.wants_change(&setup, change));
    let times: Vec<Timestamp> = found.iter().map(|change| change.started_at).collect();
    Ok(times.into_iter().zip(rows(face, found).await?).collect())
}
