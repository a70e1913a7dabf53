//! What an agent was told and what it concluded in 90 days: changes with verdicts and findings, and facts of pipelines.

use jiff::{SignedDuration, Timestamp};
use wayfarer::{
    model::{
        Candidate, Change, ChangeKind, ChangeState, Conclusion, Effect, Finding, FindingKind,
        FindingState, Metric, Onset, Part, PipelineFact, PipelineKind, PipelineOutcome, Quantiles,
        Verdict,
    },
    store::{Conclusions, Store},
};

use crate::made::SERVICES;

/// Deployments of a service every four and a half days.
const CHANGES: i64 = 1800;
/// Of a pipeline's runs; each has three jobs.
const PIPELINE_RUNS: i64 = 5000;
/// The change that touched everything, and did harm everywhere.
pub(crate) const LARGE: &str = "deploy-everywhere";
/// One that touched one service's journeys.
pub(crate) const SMALL: &str = "deploy-20";

pub(crate) async fn changes(store: &Store, journeys: usize, now: Timestamp) {
    for n in 0..CHANGES {
        // The youngest is six hours old.
        let at = now - SignedDuration::from_mins(360 + n * 72 - n % 7);
        let mut change = change(&format!("deploy-{n}"), at);
        let service = usize::try_from(n).expect("a count") % SERVICES;
        change.services = vec![format!("service-{service}").as_str().into()];
        change.version = Some(format!("3.{}.{}", n / 40, n % 40));
        store.record_change(change).await.expect("a change is stored");
        let own = (0..journeys).filter(|j| j % SERVICES == service);
        let bad = n % 15 == 5;
        let verdicts: Vec<Verdict> =
            own.flat_map(|j| both(&format!("deploy-{n}"), j, at, bad)).collect();
        conclude(store, verdicts, n < 150, now).await;
    }
    let at = now - SignedDuration::from_hours(30);
    let mut everywhere = change(LARGE, at);
    everywhere.services = (0..SERVICES).map(|n| format!("service-{n}").as_str().into()).collect();
    everywhere.version = Some("4.0.0".to_owned());
    store.record_change(everywhere).await.expect("a change is stored");
    let verdicts = (0..journeys).flat_map(|j| {
        let whole = both(LARGE, j, at, j % 5 == 0);
        let parts = ["open", "sign in", "pay"].map(|step| Verdict {
            part: Part::Step(step.into()),
            ..verdict(LARGE, j, at, j % 5 == 0)
        });
        whole.into_iter().chain(parts)
    });
    conclude(store, verdicts.collect(), true, now).await;
    let cursor = Conclusions { change_cursor: Some(CHANGES + 1), ..Conclusions::default() };
    store.conclude(cursor).await.expect("conclusions are stored");
}

fn change(id: &str, at: Timestamp) -> Change {
    let mut change = Change::new(id.into(), ChangeKind::Deploy, at);
    change.state = ChangeState::Finished;
    change.finished_at = Some(at + SignedDuration::from_mins(3));
    change.environments = vec!["production".into()];
    change.author = Some("ines".to_owned());
    change.title = Some("Make the basket forget nothing".to_owned());
    change
}

fn both(change: &str, journey: usize, at: Timestamp, bad: bool) -> [Verdict; 2] {
    let latency = verdict(change, journey, at, bad);
    let success = Verdict { metric: Metric::Success, ..verdict(change, journey, at, false) };
    [latency, success]
}

fn verdict(change: &str, journey: usize, at: Timestamp, bad: bool) -> Verdict {
    let quantiles = |p50: f64| Quantiles {
        runs: 60,
        p50_ms: Some(p50),
        p95_ms: Some(p50 * 1.4),
        success: Some(0.998),
        ..Quantiles::default()
    };
    let estimate = if bad { 1.4 } else { 1.01 };
    let conclusion = if bad { Conclusion::Regressed } else { Conclusion::Unchanged };
    let onset = Onset { at, earliest: at, latest: at + SignedDuration::from_mins(5) };
    Verdict {
        change: change.into(),
        journey: format!("journey-{journey:03}").as_str().into(),
        environment: "production".into(),
        location: "fra1".into(),
        metric: Metric::Latency,
        part: Part::Whole,
        conclusion,
        summary: format!("p50 220 -> {:.0} ms, mostly step `pay`", 220.0 * estimate),
        log_e: Some(if bad { 12.0 } else { 0.4 }),
        suspected_at_log_e: Some(3.6),
        regressed_at_log_e: Some(4.9),
        before: quantiles(220.0),
        after: quantiles(220.0 * estimate),
        effect: Some(Effect { estimate, low: estimate - 0.1, high: estimate + 0.1 }),
        onset: bad.then_some(onset),
        probes: 60,
        baseline_probes: 180,
        notes: Vec::new(),
        candidates: vec![Candidate { change: change.into(), probability: 0.97 }],
        named: bad.then(|| change.into()),
        suspected_since: bad.then_some(at),
        regressed_since: bad.then_some(at),
        recovered_at: None,
        decided_at: at + SignedDuration::from_hours(1),
    }
}

/// Verdicts with the findings of those that say harm; those of young changes are still open.
async fn conclude(store: &Store, verdicts: Vec<Verdict>, open: bool, now: Timestamp) {
    let harm = verdicts.iter().filter(|v| v.conclusion == Conclusion::Regressed);
    let findings = harm.filter(|v| v.part.is_whole()).map(|v| finding(v, open, now)).collect();
    let conclusions = Conclusions { verdicts, findings, ..Conclusions::default() };
    store.conclude(conclusions).await.expect("conclusions are stored");
}

fn finding(verdict: &Verdict, open: bool, now: Timestamp) -> Finding {
    let state = if open { FindingState::Open } else { FindingState::Recovered };
    Finding {
        id: format!("{}-{}", verdict.change, verdict.journey).as_str().into(),
        kind: FindingKind::Regressed,
        state,
        change: Some(verdict.change.clone()),
        journey: verdict.journey.clone(),
        environment: verdict.environment.clone(),
        location: verdict.location.clone(),
        metric: verdict.metric,
        part: Part::Whole,
        pipeline: None,
        summary: verdict.summary.clone(),
        onset_at: verdict.onset.map(|onset| onset.at),
        opened_at: verdict.decided_at,
        updated_at: now,
        closed_at: (!open).then(|| verdict.decided_at + SignedDuration::from_hours(2)),
        dismissal: None,
        acknowledged: None,
    }
}

/// Runs of twenty pipelines over 90 days, each with three jobs.
pub(crate) async fn pipelines(store: &Store, now: Timestamp) {
    let mut waiting = tokio::task::JoinSet::new();
    for n in 0..PIPELINE_RUNS {
        for fact in pipeline_run(n, now) {
            let store = store.clone();
            waiting.spawn(async move {
                store.record_pipeline(fact, now).await.expect("a fact is stored");
            });
        }
        while waiting.len() > 2000 {
            waiting.join_next().await;
        }
    }
    waiting.join_all().await;
}

fn pipeline_run(n: i64, now: Timestamp) -> Vec<PipelineFact> {
    let at = now - SignedDuration::from_secs(90 * 86_400 / PIPELINE_RUNS * (PIPELINE_RUNS - n));
    let good = n % 23 != 0;
    let outcome = if good { PipelineOutcome::Success } else { PipelineOutcome::Failure };
    let of = |id: String, kind, name: &str, from: i64, to: i64| {
        let mut fact = PipelineFact::new(id, kind, name);
        fact.queued_at = Some(at);
        fact.started_at = Some(at + SignedDuration::from_secs(from));
        fact.finished_at = Some(at + SignedDuration::from_secs(to));
        fact.outcome = Some(outcome);
        fact
    };
    let whole = format!("run:{n}");
    let mut run = of(whole.clone(), PipelineKind::Pipeline, "CI", 4, 400 + n % 90);
    run.repository = Some(format!("acme/service-{}", n % 20));
    run.service = Some(format!("service-{}", n % 20).as_str().into());
    run.reference = Some("main".to_owned());
    run.trigger = Some("push".to_owned());
    run.commit = Some(format!("{n:040x}"));
    let mut facts = vec![run];
    for (nth, name) in ["build", "test", "publish"].into_iter().enumerate() {
        let from = 4 + 120 * i64::try_from(nth).expect("a count");
        let mut job = of(format!("job:{n}:{nth}"), PipelineKind::Task, name, from, from + 110);
        job.parent = Some(whole.clone());
        facts.push(job);
    }
    facts
}
