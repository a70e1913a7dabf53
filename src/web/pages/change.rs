//! `GET /changes/{id}`: what was changed, and what it did.

use axum::{
    extract::{OriginalUri, Path, State},
    http::{HeaderValue, header},
    response::Response,
};
use serde::Serialize;

use super::{
    changes::{ChangeRow, row},
    rollback::{self, RollbackPart},
    shell::{Shell, page},
    words::{Badge, Piece, When, change_link, encoded, journey_link, maybe_ms, prose, shortened},
};
use crate::{
    correlate,
    daemon::unmapped,
    model::{Change, Effect, Finding, Metric, Quantiles, Verdict, amounts},
    web::{ApiError, router::Face},
};

#[derive(Debug, Serialize)]
struct ChangePage {
    shell: Shell,
    change: ChangeRow,
    /// Facts: name, value, and a link where it is one.
    facts: Vec<(String, String, String)>,
    commits: Vec<CommitRow>,
    /// When it began and when it was done.
    started: When,
    finished: Option<When>,
    /// What nothing here knows of it.
    notes: Vec<String>,
    gate: Badge,
    reason: Vec<Piece>,
    verdicts: Vec<VerdictRow>,
    /// Verdicts that say nothing moved, told in one line each.
    calm: Vec<VerdictRow>,
    /// How it is undone, where it can be.
    rollback: Option<RollbackPart>,
}

#[derive(Debug, Serialize)]
struct CommitRow {
    id: String,
    message: String,
    author: String,
}

/// What it did to one metric of one journey.
#[derive(Debug, Serialize)]
struct VerdictRow {
    badge: Badge,
    journey: String,
    link: String,
    environment: String,
    location: String,
    metric: String,
    summary: Vec<Piece>,
    before: String,
    after: String,
    effect: String,
    runs: String,
    onset: Option<When>,
    notes: Vec<Vec<Piece>>,
    candidates: Vec<CandidateRow>,
    parts: Vec<PartRow>,
}

/// A change that may have done it.
#[derive(Debug, Serialize)]
struct CandidateRow {
    id: String,
    link: String,
    percent: String,
    /// Of 100, for a bar.
    width: u32,
    own: bool,
}

/// A part of a journey that moved.
#[derive(Debug, Serialize)]
struct PartRow {
    badge: Badge,
    part: String,
    before: String,
    after: String,
    effect: String,
    since: Option<When>,
}

/// The page.
pub(in crate::web) async fn change(
    State(face): State<Face>,
    OriginalUri(uri): OriginalUri,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let mut judged = face.handle.judged(&id.into()).await?;
    judged.verdicts.sort_by(|a, b| (a.conclusion, &a.journey).cmp(&(b.conclusion, &b.journey)));
    let change = &judged.change;
    let row = row(change, Badge::verdict(judged.overall, judged.open), judged.open);
    let all = verdict_rows(&judged.verdicts, &judged.dismissed);
    let quiet = |row: &VerdictRow| {
        ["unchanged", "insufficient_data", "watching"].contains(&row.badge.class.as_str())
            && row.parts.is_empty()
    };
    let (calm, verdicts) = all.into_iter().partition(quiet);
    let title = format!("{} of {}", row.kind, row.what);
    let data = ChangePage {
        shell: Shell::new(&face, &uri, "changes", &title).live(),
        facts: facts(change),
        commits: commits(change),
        started: When::second(change.started_at),
        finished: change.finished_at.filter(|at| *at != change.started_at).map(When::second),
        notes: unmapped(&face.handle.setup(), change),
        gate: Badge::of(judged.gate.status.as_str()),
        reason: prose(&judged.gate.reason),
        verdicts,
        calm,
        rollback: rollback::part(&face.handle, change).await?,
        change: row,
    };
    let mut answer = page(&face, "change", data).await?;
    // A form of this page must say where it comes from, or it would be taken for that of another site.
    answer.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    Ok(answer)
}

/// The verdicts on whole journeys, each with the parts of its journey that moved, and those on measures.
fn verdict_rows(verdicts: &[Verdict], dismissed: &[Finding]) -> Vec<VerdictRow> {
    let measured = |v: &Verdict| v.metric == Metric::Measure;
    let whole = verdicts.iter().filter(|v| v.part.is_whole() || measured(v));
    let row = |v: &Verdict| {
        let same = |p: &&Verdict| {
            !p.part.is_whole()
                && !measured(p)
                && (&p.journey, &p.environment, &p.location, p.metric)
                    == (&v.journey, &v.environment, &v.location, v.metric)
        };
        VerdictRow {
            badge: Badge::of(v.conclusion.as_str()),
            journey: v.journey.to_string(),
            link: around(v),
            environment: v.environment.to_string(),
            location: v.location.to_string(),
            metric: v.subject(),
            summary: prose(&v.summary),
            before: figure(v.metric, &v.before),
            after: figure(v.metric, &v.after),
            effect: v.effect.as_ref().map(|e| effect(v.metric, e)).unwrap_or_default(),
            runs: format!("{} before, {} after", v.baseline_probes, v.probes),
            onset: v.onset.map(|o| When::second(o.at)),
            notes: notes(v, dismissed),
            candidates: candidates(v),
            parts: verdicts.iter().filter(same).map(part_row).collect(),
        }
    };
    whole.map(row).collect()
}

/// The journey's page around the change, with the baseline of this verdict.
fn around(v: &Verdict) -> String {
    let link = journey_link(v.journey.as_str(), v.environment.as_str(), Some(v.location.as_str()));
    format!("{link}&change={}", encoded(v.change.as_str()))
}

fn notes(v: &Verdict, dismissed: &[Finding]) -> Vec<Vec<Piece>> {
    let said = said(v, dismissed).into_iter().chain(v.notes.iter().cloned());
    said.map(|note| prose(&note)).collect()
}

fn candidates(v: &Verdict) -> Vec<CandidateRow> {
    let row = |c: &crate::model::Candidate| {
        let percent = (c.probability * 100.0).clamp(0.0, 100.0);
        CandidateRow {
            id: c.change.to_string(),
            link: change_link(c.change.as_str()),
            percent: format!("{percent:.0} %"),
            width: format!("{percent:.0}").parse().unwrap_or_default(),
            own: c.change == v.change,
        }
    };
    v.candidates.iter().map(row).collect()
}

fn figure(metric: Metric, q: &Quantiles) -> String {
    match metric {
        Metric::Latency => match (q.p50_ms, q.p95_ms) {
            (Some(p50), Some(p95)) => {
                format!("{} · p95 {}", maybe_ms(Some(p50)), maybe_ms(Some(p95)))
            }
            (p50, _) => maybe_ms(p50),
        },
        Metric::Success => {
            q.success.map_or_else(|| "–".to_owned(), |s| format!("{:.1} %", s * 100.0))
        }
        Metric::Measure => {
            q.p50.map_or_else(|| "–".to_owned(), |value| amounts([value], None).concat())
        }
    }
}

fn effect(metric: Metric, e: &Effect) -> String {
    match metric {
        Metric::Latency => format!("× {:.2} ({:.2} to {:.2})", e.estimate, e.low, e.high),
        Metric::Success => format!(
            "{:+.1} points ({:+.1} to {:+.1})",
            e.estimate * 100.0,
            e.low * 100.0,
            e.high * 100.0
        ),
        Metric::Measure => {
            let [estimate, low, high] = amounts([e.estimate, e.low, e.high], None);
            format!("{estimate} ({low} to {high})")
        }
    }
}

/// What a person said of its harm, where they dismissed it.
fn said(verdict: &Verdict, dismissed: &[Finding]) -> Option<String> {
    let why = correlate::dismissal(verdict, dismissed)?.dismissal.as_ref()?;
    let by = why.by.as_ref().map_or(String::new(), |by| format!(" by {by}"));
    let note = why.note.as_ref().map_or(String::new(), |note| format!(": {note}"));
    Some(format!("dismissed as {}{by}{note}", why.reason.as_str()))
}

fn part_row(verdict: &Verdict) -> PartRow {
    PartRow {
        badge: Badge::of(verdict.conclusion.as_str()),
        part: verdict.part.to_string().replace('`', ""),
        before: maybe_ms(verdict.before.p50_ms),
        after: maybe_ms(verdict.after.p50_ms),
        effect: verdict.effect.as_ref().map(|e| effect(verdict.metric, e)).unwrap_or_default(),
        since: verdict.onset.map(|o| When::time(o.at)),
    }
}

fn commits(change: &Change) -> Vec<CommitRow> {
    let row = |commit: &crate::model::Commit| CommitRow {
        id: shortened(&commit.id),
        message: commit.message.clone().unwrap_or_default(),
        author: commit.author.clone().unwrap_or_default(),
    };
    change.commits.iter().take(20).map(row).collect()
}

fn facts(change: &Change) -> Vec<(String, String, String)> {
    let mut facts: Vec<(String, String, String)> = Vec::new();
    let mut add = |name: &str, value: Option<&str>| {
        let Some(value) = value.filter(|v| !v.is_empty()) else { return };
        let link = value.starts_with("https://") || value.starts_with("http://");
        let link = if link { value.to_owned() } else { String::new() };
        facts.push((name.to_owned(), value.to_owned(), link));
    };
    let places: Vec<_> = change.environments.iter().map(ToString::to_string).collect();
    add("environment", Some(&places.join(", ")));
    add("version", change.version.as_deref());
    add("before", change.previous_version.as_deref());
    add("by", change.author.as_deref());
    add("release", change.release.as_deref());
    add("build", change.build.as_deref());
    add("more", change.url.as_deref());
    add("told by", Some(&change.source));
    add("id", Some(change.id.as_str()));
    for (name, value) in &change.labels {
        add(name, Some(value));
    }
    facts
}
