//! A folder with settings, journeys with objectives, and a history of runs.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use wayfarer::{
    model::{
        Change, ChangeKind, Failure, FaultKind, Finding, FindingKind, FindingState, Metric,
        Outcome, Part, Run, RunId, Trigger,
    },
    store::{Conclusions, Store, StoreOptions},
};

/// A journey of a minute with this `[slo]`; nothing answers where it goes.
pub(crate) fn journey(name: &str, slo: &str) -> String {
    format!(
        "name = \"{name}\"\nservices = [\"shop\"]\nenvironments = [\"production\"]\nevery = \"60s\"\nowner = \"team-{name}\"\n\
         runbook = \"https://runbooks.example.com/{name}\"\n[slo]\n{slo}\n[[step]]\nname = \"open\"\n[step.http]\nurl = \"{{{{base_url}}}}/\"\n"
    )
}

/// Settings and journeys in a folder; `more` goes into the settings.
pub(crate) fn folder(listen: &str, more: &str, journeys: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(
        "[agent]\nlocation = \"fra1\"\nlisten = \"{listen}\"\n[environments.production]\nbase_url = \"http://127.0.0.1:9\"\n{more}"
    );
    fs::write(folder.path().join("wayfarer.toml"), settings).unwrap();
    fs::create_dir(folder.path().join("journeys")).unwrap();
    for (name, slo) in journeys {
        fs::write(folder.path().join(format!("journeys/{name}.toml")), journey(name, slo)).unwrap();
    }
    folder
}

/// The command in a folder.
pub(crate) fn wayfarer(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wayfarer"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("WAYFARER_URL")
        .output()
        .unwrap()
}

/// What it printed, where it was content.
pub(crate) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    Good,
    Slow,
    Failed,
    Broken,
}

#[expect(clippy::disallowed_methods, reason = "the history ends now, as the agent's clock has it")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// The runs of a journey, one a minute until now; `came` says what became of that so many minutes ago.
pub(crate) async fn history(
    store: &Store,
    journey: &str,
    (now, minutes): (Timestamp, i64),
    came: impl Fn(i64) -> Came,
) {
    let mut runs = Vec::new();
    for ago in (1..=minutes).rev() {
        runs.push(Arc::new(run(journey, now - SignedDuration::from_mins(ago), came(ago))));
        if runs.len() == 2000 {
            store.record_runs(std::mem::take(&mut runs)).await.unwrap();
        }
    }
    store.record_runs(runs).await.unwrap();
}

fn run(journey: &str, at: Timestamp, came: Came) -> Run {
    let failure = || Failure {
        step: "open".into(),
        kind: FaultKind::Status,
        message: "status 503".to_owned(),
        check: None,
        expected: None,
        actual: None,
    };
    Run {
        id: RunId::at(at),
        journey: journey.into(),
        environment: "production".into(),
        location: "fra1".into(),
        revision: "r1".into(),
        trigger: Trigger::Schedule,
        started_at: at,
        late_by: Duration::ZERO,
        duration: Duration::from_millis(if came == Came::Slow { 2000 } else { 100 }),
        outcome: match came {
            Came::Good | Came::Slow => Outcome::Passed,
            Came::Failed => Outcome::Failed(failure()),
            Came::Broken => Outcome::Broken { reason: "no browser".to_owned() },
        },
        steps: Vec::new(),
        deployed: Vec::new(),
        insecure: false,
        traced: false,
        evidence: None,
        unwell: None,
    }
}

/// A change that did harm to a journey from so many minutes ago until so many minutes ago.
pub(crate) async fn harm(
    store: &Store,
    journey: &str,
    id: &str,
    (from, to): (i64, i64),
    now: Timestamp,
) {
    let at = |ago: i64| now - SignedDuration::from_mins(ago);
    let mut change = Change::new(id.into(), ChangeKind::Deploy, at(from));
    change.services = vec!["shop".into()];
    change.environments = vec!["production".into()];
    change.version = Some("2.4.1".to_owned());
    store.record_change(change).await.unwrap();
    let finding = Finding {
        id: format!("f-{id}").into(),
        kind: FindingKind::Regressed,
        state: FindingState::Recovered,
        change: Some(id.into()),
        journey: journey.into(),
        environment: "production".into(),
        location: "fra1".into(),
        metric: Metric::Success,
        part: Part::Whole,
        summary: "it fails".to_owned(),
        onset_at: Some(at(from)),
        opened_at: at(from),
        updated_at: at(to),
        closed_at: Some(at(to)),
        dismissal: None,
        acknowledged: None,
        pipeline: None,
    };
    let cursor = store.change_cursor().await.unwrap() + 1;
    let conclusions = Conclusions {
        findings: vec![finding],
        change_cursor: Some(cursor),
        ..Conclusions::default()
    };
    store.conclude(conclusions).await.unwrap();
}

pub(crate) fn store(folder: &Path) -> Store {
    Store::open(&folder.join("wayfarer.db"), &StoreOptions::default()).unwrap()
}
