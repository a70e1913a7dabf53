use jiff::{SignedDuration, Timestamp};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;
use crate::{
    alert::Reason,
    model::{
        Commit, Detect, Finding, FindingState, PipelineFact, PipelineKind, PipelineOutcome,
        PipelineSettings, PipelineSignal,
    },
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + seconds).unwrap()
}

/// A run of `CI` on the main branch, begun at that hour.
fn run(n: usize, hour: f64, took_s: f64, good: bool) -> PipelineFact {
    let begin = (hour * 3600.0) as i64;
    let mut fact = PipelineFact::new(format!("run:{n:05}"), PipelineKind::Pipeline, "CI");
    fact.repository = Some("acme/shop".into());
    (fact.reference, fact.main) = (Some("main".into()), true);
    fact.trigger = Some("push".into());
    let commit = format!("{n:08x}aaaaaaaa");
    fact.commits = vec![Commit {
        id: commit.clone(),
        at: Some(at(begin - 60)),
        author: Some("jo".into()),
        message: Some(format!("change {n}")),
    }];
    fact.commit = Some(commit);
    (fact.queued_at, fact.started_at) = (Some(at(begin - 10)), Some(at(begin)));
    fact.finished_at = Some(at(begin + took_s as i64));
    fact.outcome = Some(if good { PipelineOutcome::Success } else { PipelineOutcome::Failure });
    fact
}

fn job(of: &PipelineFact, name: &str, from_s: i64, took_s: i64) -> PipelineFact {
    let begin = of.started_at.unwrap();
    let plus = |s: i64| begin.checked_add(SignedDuration::from_secs(s)).unwrap();
    let mut fact = PipelineFact::new(format!("{}:{name}", of.id), PipelineKind::Task, name);
    fact.parent = Some(of.id.clone());
    fact.commit.clone_from(&of.commit);
    fact.started_at = Some(plus(from_s));
    fact.finished_at = Some(plus(from_s + took_s));
    fact.outcome = Some(PipelineOutcome::Success);
    fact
}

/// Runs at working hours, `n` of them, each as long as `length` says, with some noise and now and then a failure.
fn history(seed: u64, n: usize, length: impl Fn(usize) -> f64) -> Vec<PipelineFact> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut hour = 8.0;
    (0..n)
        .map(|i| {
            hour += rng.random_range(0.2..1.5);
            if hour % 24.0 > 18.0 {
                hour += 14.0;
            }
            let noise: f64 =
                (0..6).map(|_| rng.random_range(-1.0..1.0)).sum::<f64>() / 2.0_f64.sqrt();
            let took = length(i) * (0.08 * noise).exp();
            run(i, hour, took, rng.random_range(0..20) > 0)
        })
        .collect()
}

fn only(facts: &[PipelineFact]) -> Line {
    lines(facts).all.into_values().next().unwrap()
}

#[test]
fn facts_become_runs_with_stages_in_whatever_order() {
    let one = run(1, 9.0, 300.0, true);
    let mut late = job(&one, "deploy", 200, 100);
    late.stage = Some("release".into());
    let mut facts = vec![
        late,
        job(&one, "unit", 10, 120),
        job(&one, "lint", 5, 20),
        one,
        run(0, 8.0, 200.0, false),
    ];
    let mut orphan = facts[1].clone();
    (orphan.id, orphan.parent) = ("x".into(), Some("nobody".into()));
    facts.push(orphan);
    let all = lines(&facts);
    assert_eq!(all.orphans, 1);
    let line = all.all.values().next().unwrap();
    assert_eq!(line.key.to_string(), "acme/shop CI");
    assert_eq!(line.runs.iter().map(|r| r.good()).collect::<Vec<_>>(), [Some(false), Some(true)]);
    let stages: Vec<(&str, Option<f64>)> =
        line.runs[1].stages.iter().map(|s| (s.name.as_str(), s.took_s)).collect();
    assert_eq!(stages, [("lint", Some(20.0)), ("unit", Some(120.0)), ("release", Some(100.0))]);
    assert_eq!((line.runs[1].took_s, line.runs[1].waited_s), (Some(300.0), Some(10.0)));
    facts.reverse();
    assert_eq!(lines(&facts), all);
}

#[test]
fn a_run_that_begins_at_once_waits_for_its_first_job() {
    let mut one = run(1, 9.0, 300.0, true);
    one.queued_at = one.started_at;
    let mut first = job(&one, "unit", 40, 120);
    first.queued_at = Some(one.started_at.unwrap());
    assert_eq!(only(&[one.clone(), first]).runs[0].waited_s, Some(40.0));
    // Nobody said when it began to wait.
    one.queued_at = None;
    assert_eq!(only(&[one]).runs[0].waited_s, None);
}

#[test]
fn triggers_are_a_few_words() {
    for (word, expected) in [
        (Some("push"), "push"),
        (Some("merge_request_event"), "pull_request"),
        (Some("workflow_dispatch"), "manual"),
        (Some("<script>"), "other"),
        (None, "unknown"),
    ] {
        assert_eq!(trigger(word), expected);
    }
}

#[test]
fn stopped_and_skipped_runs_are_neither_good_nor_bad() {
    let mut facts =
        vec![run(0, 1.0, 100.0, true), run(1, 2.0, 900.0, false), run(2, 3.0, 5.0, true)];
    facts[2].outcome = Some(PipelineOutcome::Cancelled);
    let mut under_way = run(3, 4.0, 1.0, true);
    (under_way.outcome, under_way.finished_at) = (None, None);
    facts.push(under_way);
    let stats = Stats::of(&only(&facts), (at(0), at(86_400)), None);
    let success = stats.success.unwrap();
    assert_eq!((success.hits, success.n, stats.neither, stats.under_way), (1, 2, 1, 1));
    // How long a failed run took says nothing of how long a good one takes.
    assert_eq!(stats.duration.unwrap().mean, 100.0);
}

#[test]
fn a_test_is_flaky_where_one_commit_has_both_results() {
    let result = |name: &str, commit: &str, good: bool, trigger: &'static str| TestResult {
        pipeline: None,
        suite: Some("unit".into()),
        name: name.into(),
        job: false,
        commit: Some(commit.into()),
        trigger,
        outcome: Some(if good { PipelineOutcome::Success } else { PipelineOutcome::Failure }),
        at: Some(at(0)),
    };
    let mut results = vec![
        result("pays", "a", true, "push"),
        result("pays", "a", false, "push"),
        result("pays", "b", false, "push"),
        result("sees", "a", false, "push"),
        result("sees", "b", true, "push"),
        // The code of a pull request is another one.
        result("asks", "a", true, "push"),
        result("asks", "a", false, "pull_request"),
    ];
    results.push(TestResult { commit: None, ..result("knows", "a", true, "push") });
    results.push(TestResult { job: true, ..result("job", "a", true, "push") });
    let (all, without) = proofs(&results);
    let flaky = FlakyTests::of(&all, without);
    assert_eq!((flaky.of.unwrap().hits, flaky.of.unwrap().n), (1, 6));
    assert_eq!(
        (flaky.list[0].name.as_str(), flaky.list[0].commits, flaky.list[0].of),
        ("pays", 1, 2)
    );
    assert_eq!((flaky.without_commit, flaky.jobs), (1, false));
    // Without tests the jobs speak.
    let job = [TestResult { job: true, ..result("job", "a", true, "push") }];
    let (jobs, _) = proofs(&job);
    assert!(FlakyTests::of(&jobs, 0).jobs);
}

#[test]
fn builds_that_get_slower_are_found_with_their_commit() {
    let mut named = 0;
    for seed in 0..20 {
        let facts = history(seed, 140, |i| if i < 90 { 300.0 } else { 420.0 });
        let found = shifts(&only(&facts), Detect::default());
        let slow: Vec<&Shift> =
            found.iter().filter(|s| s.concern.signal == PipelineSignal::Duration).collect();
        assert_eq!(slow.len(), 1, "seed {seed}: {found:#?}");
        assert_eq!(slow[0].over_at, None);
        let ratio = slow[0].after / slow[0].before;
        assert!((1.3..1.5).contains(&ratio), "{ratio}");
        let culprit = format!("{:08x}aaaaaaaa", 90);
        named += usize::from(slow[0].suspects.iter().any(|s| s.commit == culprit));
    }
    assert!(named >= 19, "{named} of 20");
}

#[test]
fn what_stays_as_it_is_alarms_nobody() {
    let mut alarms = 0;
    for seed in 100..140 {
        let facts = history(seed, 300, |_| 300.0);
        alarms += shifts(&only(&facts), Detect::default()).len();
    }
    assert!(alarms <= 1, "{alarms} of 40 quiet pipelines");
}

#[test]
fn few_runs_say_nothing() {
    let facts = history(3, 28, |i| if i < 14 { 300.0 } else { 900.0 });
    assert_eq!(shifts(&only(&facts), Detect::default()), []);
}

#[test]
fn it_is_over_when_runs_are_as_before() {
    let facts = history(5, 200, |i| if (90..130).contains(&i) { 450.0 } else { 300.0 });
    let found = shifts(&only(&facts), Detect::default());
    let slow: Vec<&Shift> =
        found.iter().filter(|s| s.concern.signal == PipelineSignal::Duration).collect();
    assert_eq!(slow.len(), 1, "{found:#?}");
    let over = slow[0].over_at.expect("it is over");
    let back = facts[130].started_at.unwrap();
    assert!(over.duration_since(back).as_hours().abs() < 30, "{over} {back}");
}

#[test]
fn the_stage_that_grew_is_named() {
    let mut facts = history(7, 140, |i| if i < 90 { 300.0 } else { 420.0 });
    let runs = facts.clone();
    for (i, one) in runs.iter().enumerate() {
        facts.push(job(one, "build", 0, 100));
        let long = if i < 90 { 150 } else { 270 };
        facts.push(job(one, "test", 100, long + (i as i64 * 7) % 11));
    }
    let found = shifts(&only(&facts), Detect::default());
    let told: Vec<&Shift> = found.iter().filter(|shift| !shift.aside).collect();
    assert_eq!(told.len(), 1, "{found:#?}");
    assert_eq!(found.len(), 2, "the stage is found, and told with the whole: {found:#?}");
    assert_eq!(told[0].mostly.as_ref().unwrap().0, "test");
}

#[test]
fn the_same_on_other_branches_is_one_trouble() {
    let slow = |i: usize| if i < 90 { 300.0 } else { 450.0 };
    let mut facts = history(21, 140, slow);
    for (i, mut fact) in history(22, 140, slow).into_iter().enumerate() {
        fact.id = format!("branch:{i}");
        (fact.reference, fact.main) = (Some(format!("feature-{i}")), false);
        facts.push(fact);
    }
    let found = shifts(&only(&facts), Detect::default());
    assert_eq!(found.len(), 2, "{found:#?}");
    let told: Vec<Option<&str>> = found
        .iter()
        .filter(|shift| !shift.aside)
        .map(|shift| shift.concern.branch.as_deref())
        .collect();
    assert_eq!(told, [Some("main")]);
}

#[test]
fn runs_that_begin_to_fail_are_found() {
    let mut facts = history(9, 160, |_| 300.0);
    for fact in &mut facts[120..] {
        fact.outcome = Some(PipelineOutcome::Failure);
    }
    let found = shifts(&only(&facts), Detect::default());
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].concern.signal, PipelineSignal::Success);
    assert!(found[0].after < 0.1 && found[0].before > 0.8);
}

fn judged(
    facts: &[PipelineFact],
    known: &mut Vec<Finding>,
    settings: &PipelineSettings,
    now: Timestamp,
) -> Vec<(Reason, String)> {
    let location = "fra1".into();
    let rules = Rules { settings, detect: Detect::default(), location: &location, changes: &[] };
    let seen: Vec<PipelineFact> =
        facts.iter().filter(|f| f.finished_at.is_some_and(|at| at <= now)).cloned().collect();
    let decisions = judge(&lines(&seen), known, &rules, now);
    for decision in &decisions {
        known.retain(|f| f.id != decision.finding.id);
        known.push(decision.finding.clone());
    }
    decisions.into_iter().map(|d| (d.reason, d.finding.summary)).collect()
}

/// Everything that is told while a history goes on, looked at after every run.
fn told(facts: &[PipelineFact], settings: &PipelineSettings) -> Vec<(Reason, String)> {
    let mut known = Vec::new();
    let mut all = Vec::new();
    for fact in facts.iter().skip(30) {
        let now = fact.finished_at.unwrap();
        let fresh = judged(facts, &mut known, settings, now);
        // Asked twice it answers once.
        assert_eq!(judged(facts, &mut known, settings, now), []);
        all.extend(fresh);
    }
    // What goes on is said with newer figures, and its first ones are not told again.
    let renewed = |(reason, _): &(Reason, String)| *reason == Reason::Updated;
    assert!(all.windows(2).all(|two| !renewed(&two[1]) || two[0].1 != two[1].1), "{all:#?}");
    assert_eq!(all.iter().any(renewed), !all.is_empty());
    all.retain(|decision| !renewed(decision));
    all
}

#[test]
fn a_shift_is_told_once_and_its_end_once() {
    let facts = history(5, 200, |i| if (90..130).contains(&i) { 450.0 } else { 300.0 });
    let mut settings = PipelineSettings::default();
    (settings.goals.success, settings.goals.build) = (None, None);
    let all = told(&facts, &settings);
    let reasons: Vec<Reason> = all.iter().map(|(reason, _)| *reason).collect();
    assert_eq!(reasons, [Reason::Opened, Reason::Recovered], "{all:#?}");
    assert!(
        all[0].1.contains("slower: median") && all[0].1.contains("commit 0000"),
        "{}",
        all[0].1
    );
    assert!(all[1].1.contains("as before since"), "{}", all[1].1);
}

#[test]
fn a_pipeline_that_never_was_better_has_not_become_worse() {
    let mut settings = PipelineSettings::default();
    (settings.goals.success, settings.goals.flaky) = (None, None);
    for period in 2..8 {
        let facts: Vec<_> =
            (0..80).map(|i| run(i, i as f64, 300.0, i % period != period - 1)).collect();
        assert_eq!(told(&facts, &settings), [], "each {period}th run fails");
    }
}

#[test]
fn runs_that_are_told_late_end_it_as_well() {
    let facts = history(5, 200, |i| if (90..130).contains(&i) { 450.0 } else { 300.0 });
    let mut settings = PipelineSettings::default();
    (settings.goals.success, settings.goals.build) = (None, None);
    let mut known = Vec::new();
    let last = |facts: &[PipelineFact]| facts.iter().filter_map(|f| f.finished_at).max().unwrap();
    let slow = &facts[..130];
    assert_eq!(judged(slow, &mut known, &settings, last(slow))[0].0, Reason::Opened);
    let told = judged(&facts, &mut known, &settings, last(&facts));
    assert_eq!(told.iter().map(|(reason, _)| *reason).collect::<Vec<_>>(), [Reason::Recovered]);
}

#[test]
fn missed_objectives_open_and_recover() {
    let facts = history(11, 200, |i| if (60..120).contains(&i) { 700.0 } else { 300.0 });
    let mut settings = PipelineSettings::default();
    (settings.goals.success, settings.goals.watch) = (None, false);
    let all = told(&facts, &settings);
    let reasons: Vec<Reason> = all.iter().map(|(reason, _)| *reason).collect();
    assert_eq!(reasons, [Reason::Opened, Reason::Recovered], "{all:#?}");
    assert!(all[0].1.contains("should be below 10 min"), "{}", all[0].1);
    settings.goals.build = None;
    assert_eq!(told(&facts, &settings), []);
}

#[test]
fn too_few_runs_miss_nothing() {
    let facts: Vec<PipelineFact> = (0..19).map(|i| run(i, i as f64, 1200.0, false)).collect();
    let mut known = Vec::new();
    let settings = PipelineSettings::default();
    let now = at(20 * 3600);
    assert_eq!(judged(&facts, &mut known, &settings, now), []);
    let mut eager = settings.clone();
    eager.goals.min_runs = 10;
    let told = judged(&facts, &mut known, &eager, now);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].1.starts_with("0.0% of 19 runs of the main branch"), "{}", told[0].1);
    // What a person called nothing is not told again, nor is one that nobody asks for any more kept open.
    known[0].state = FindingState::Dismissed;
    known[0].closed_at = Some(now);
    assert_eq!(judged(&facts, &mut known, &eager, now), []);
    known[0].state = FindingState::Open;
    known[0].closed_at = None;
    eager.goals.success = None;
    let told = judged(&facts, &mut known, &eager, now);
    assert_eq!(told[0].0, Reason::Recovered);
}

#[test]
fn hostile_times_harm_nobody() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut facts = history(1, 60, |_| 300.0);
    for fact in &mut facts {
        match rng.random_range(0..6) {
            0 => fact.started_at = Some(Timestamp::MAX),
            1 => fact.finished_at = Some(Timestamp::MIN),
            2 => (fact.queued_at, fact.started_at, fact.finished_at) = (None, None, None),
            3 => fact.parent = Some(fact.id.clone()),
            4 => fact.finished_at = fact.started_at,
            _ => {}
        }
    }
    let all = lines(&facts);
    for line in all.all.values() {
        Stats::of(line, (Timestamp::MIN, Timestamp::MAX), None);
        shifts(line, Detect::default());
    }
    let mut known = Vec::new();
    judged(&facts, &mut known, &PipelineSettings::default(), Timestamp::MAX);
}
