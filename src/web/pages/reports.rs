//! `GET /reports/week` and `GET /services/{name}`: what happened in a week, and to a service.

use axum::{
    extract::{OriginalUri, Path, Query, State},
    http::HeaderMap,
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::{
    shell::{Shell, page},
    words::encoded,
};
use crate::{
    daemon::{DigestAsk, Week},
    render::review,
    web::{
        ApiError,
        api::{
            gate::base,
            review::{how_long, which_week},
        },
        router::Face,
    },
};

#[derive(Debug, Serialize)]
struct DigestPage {
    shell: Shell,
    page: review::digest::View,
    crumb: &'static str,
    /// The same as JSON, from the root, up to `format=`.
    api: String,
    /// What the file is called without its ending.
    file: String,
    /// What else may be looked at: name and address from the root.
    others: Vec<(String, String)>,
}

/// Behind `?`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ReportQuery {
    week: String,
    since: String,
}

/// As much of a summary as a page holds.
fn shortened(digest: &review::Digest) -> review::digest::View {
    let mut view = review::page::digest(digest, true).view;
    view.shorten();
    view
}

/// `GET /reports/week?week=2026-W47`: this week where none is said.
pub(in crate::web) async fn week(
    State(face): State<Face>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Query(query): Query<ReportQuery>,
) -> Result<Response, ApiError> {
    let week = which_week(Some(&query.week), &face.handle)?;
    let base = base(&face.handle, &headers);
    let digest = face.handle.digest(&DigestAsk::Week(week), base.as_deref()).await?;
    let now = Week::of(face.handle.now());
    // Before a week of which nothing is known there is nothing to see.
    let known = week == now || !digest.changes.is_empty() || !digest.journeys.is_empty();
    let earlier = week.neighbour(-1).filter(|_| known);
    let later = week.neighbour(1).filter(|_| week != now);
    let link = |week: Week| {
        (format!("Week {}", week.name()), format!("reports/week?week={}", week.name()))
    };
    let others = earlier.into_iter().chain(later).map(link).collect();
    let data = DigestPage {
        shell: Shell::new(&face, &uri, "reports", &digest.title()),
        page: shortened(&digest),
        crumb: "Reports",
        api: format!("api/v1/reports/week?week={}&", week.name()),
        file: format!("week-{}", week.name()),
        others,
    };
    page(&face, "digest", data).await
}

/// `GET /services/{name}?since=7d`.
pub(in crate::web) async fn service(
    State(face): State<Face>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Path(name): Path<String>,
    Query(query): Query<ReportQuery>,
) -> Result<Response, ApiError> {
    let since = how_long(Some(&query.since))?;
    let base = base(&face.handle, &headers);
    let ask = DigestAsk::Service(name.clone(), since);
    let digest = face.handle.digest(&ask, base.as_deref()).await?;
    let setup = face.handle.setup();
    let service = name.as_str().into();
    let known = setup.settings.services.contains_key(&service)
        || setup.journeys.values().any(|s| setup.touches(&s.journey, &service))
        || !digest.journeys.is_empty()
        || !digest.changes.is_empty()
        || !digest.deployed.is_empty();
    if !known {
        return Err(ApiError::not_found(
            format!("nothing is known of a service `{name}`"),
            "services are named in journeys, in [services] of wayfarer.toml and by changes",
        ));
    }
    let here = review::digest::service_link(&name);
    let others = [("24 hours", "24h"), ("7 days", "7d"), ("30 days", "30d"), ("90 days", "90d")];
    let others = others.map(|(text, word)| (text.to_owned(), format!("{here}?since={word}")));
    let log = (format!("All changes of {name}"), format!("changes?service={}", encoded(&name)));
    let data = DigestPage {
        shell: Shell::new(&face, &uri, "services", &digest.title()),
        page: shortened(&digest),
        crumb: "Services",
        api: format!("api/v1/reports/service/{}?since={}s&", encoded(&name), since.as_secs()),
        file: format!("service-{}", encoded(&name).replace('%', "_")),
        others: others.into_iter().chain([log]).collect(),
    };
    page(&face, "digest", data).await
}
