//! What is told and what is not: tables, and what must hold whatever happens.

use std::time::Duration;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::{
    alert::incident::{ChangeTrouble, Incidents, change_trouble},
    model::{
        Acknowledgement, Change, ChangeId, ChangeKind, ChangeState, Dismissal, DismissalReason,
        FindingKind, Hours, Maintenance, MaintenanceTime, Metric, Part, Quiet,
    },
};

const HOUR: i64 = 3600;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_571_200 + second).unwrap() // 2026-01-05T00:00:00Z, a Monday
}

pub(in crate::alert) fn policy() -> Policy {
    Policy {
        findings: Gravity::ALL.to_vec(),
        events: Happening::ALL.iter().copied().filter(|h| *h != Happening::Joined).collect(),
        environments: Vec::new(),
        services: Vec::new(),
        journeys: Vec::new(),
        owners: Vec::new(),
        repeat: Some(Duration::from_secs(4 * 3600)),
        quiet: Vec::new(),
        keeps_state: false,
    }
}

fn change(state: ChangeState) -> Change {
    let mut change = Change::new(ChangeId::from("c1"), ChangeKind::Deploy, at(0));
    change.services = vec!["shop".into()];
    change.environments = vec!["production".into()];
    change.state = state;
    change
}

fn finding(journey: &str, kind: FindingKind, opened: i64) -> Finding {
    Finding {
        id: FindingId::from(format!("fnd-{journey}-{opened}")),
        kind,
        state: FindingState::Open,
        change: (kind != FindingKind::Unexplained).then(|| ChangeId::from("c1")),
        journey: journey.into(),
        environment: "production".into(),
        location: "fra1".into(),
        metric: Metric::Latency,
        part: Part::Whole,
        pipeline: None,
        summary: String::new(),
        onset_at: None,
        opened_at: at(opened),
        updated_at: at(opened),
        closed_at: None,
        dismissal: None,
        acknowledged: None,
    }
}

fn closed(mut finding: Finding, state: FindingState, when: i64) -> Finding {
    finding.state = state;
    finding.updated_at = at(when);
    finding.closed_at = Some(at(when));
    finding
}

fn incident(findings: Vec<Finding>) -> Incident {
    let change = findings.first().is_none_or(|f| f.change.is_some());
    Incident {
        id: "i".to_owned(),
        change: change.then(|| self::change(ChangeState::Finished)),
        findings,
        trouble: None,
    }
}

/// One receiver over a while.
struct Receiver {
    policy: Policy,
    knowledge: Knowledge,
    told: Option<Told>,
}

impl Receiver {
    fn new(policy: Policy) -> Self {
        Self { policy, knowledge: Knowledge::default(), told: None }
    }

    /// What it is told now.
    fn look(&mut self, incident: &Incident, now: i64) -> Option<Happening> {
        let telling = tell(incident, self.told.as_ref(), &self.policy, &self.knowledge, at(now))?;
        let said = telling.said.then_some(telling.happening);
        self.told = Some(telling.told);
        said
    }
}

#[test]
fn one_change_is_one_message_until_something_is_new() {
    use FindingKind::{Regressed, Suspected};
    let mut ops = Receiver::new(policy());
    let (a, b) = (finding("checkout", Suspected, 10), finding("search", Suspected, 20));
    assert_eq!(ops.look(&incident(vec![a.clone()]), 10), Some(Happening::Opened));
    assert_eq!(ops.look(&incident(vec![a.clone()]), 11), None);
    // Another journey is not news unless asked for.
    assert_eq!(ops.look(&incident(vec![a.clone(), b.clone()]), 20), None);
    let worse = Finding { kind: Regressed, ..b };
    assert_eq!(ops.look(&incident(vec![a.clone(), worse.clone()]), 30), Some(Happening::Worsened));
    // Milder again, or one of two is over: nothing to say.
    let over = closed(worse, FindingState::Recovered, 40);
    assert_eq!(ops.look(&incident(vec![a.clone(), over.clone()]), 40), None);
    let both = vec![closed(a, FindingState::Recovered, 50), over];
    assert_eq!(ops.look(&incident(both.clone()), 50), Some(Happening::Recovered));
    assert_eq!(ops.look(&incident(both.clone()), 51), None);
    // It comes back: that is news.
    let again = finding("checkout", Suspected, 60);
    assert_eq!(ops.look(&incident([both, vec![again]].concat()), 60), Some(Happening::Opened));
}

#[test]
fn a_journey_that_joins_is_told_where_wanted() {
    let mut ops = Receiver::new(policy());
    ops.policy.events.push(Happening::Joined);
    let a = finding("checkout", FindingKind::Regressed, 10);
    let b = finding("search", FindingKind::Regressed, 20);
    assert_eq!(ops.look(&incident(vec![a.clone()]), 10), Some(Happening::Opened));
    assert_eq!(ops.look(&incident(vec![a.clone(), b.clone()]), 20), Some(Happening::Joined));
    assert_eq!(ops.look(&incident(vec![a, b]), 21), None);
}

#[test]
fn another_environment_is_news() {
    let mut ops = Receiver::new(policy());
    let a = finding("checkout", FindingKind::Regressed, 10);
    let mut b = finding("checkout", FindingKind::Suspected, 20);
    b.environment = "staging".into();
    assert_eq!(ops.look(&incident(vec![a.clone()]), 10), Some(Happening::Opened));
    assert_eq!(ops.look(&incident(vec![a.clone(), b.clone()]), 20), Some(Happening::Worsened));
    assert_eq!(ops.look(&incident(vec![a, b]), 21), None);
}

#[test]
fn repeats_end_when_somebody_takes_it_on() {
    let mut ops = Receiver::new(policy());
    let mut one = finding("checkout", FindingKind::Regressed, 0);
    assert_eq!(ops.look(&incident(vec![one.clone()]), 0), Some(Happening::Opened));
    assert_eq!(ops.look(&incident(vec![one.clone()]), 4 * HOUR - 1), None);
    assert_eq!(ops.look(&incident(vec![one.clone()]), 4 * HOUR), Some(Happening::Repeated));
    assert_eq!(ops.look(&incident(vec![one.clone()]), 4 * HOUR + 1), None);
    let by = Acknowledgement { at: at(5 * HOUR), note: None, by: Some("jo".to_owned()) };
    one.acknowledged = Some(by);
    assert_eq!(ops.look(&incident(vec![one.clone()]), 5 * HOUR), Some(Happening::Acknowledged));
    assert_eq!(ops.look(&incident(vec![one.clone()]), 50 * HOUR), None);
    // A journey that nobody has taken on yet: it is repeated again.
    let two = finding("search", FindingKind::Regressed, 51 * HOUR);
    assert_eq!(
        ops.look(&incident(vec![one, two]), 51 * HOUR),
        Some(Happening::Repeated),
        "the last message is older than the interval"
    );
}

#[test]
fn people_and_changes_end_it_each_in_their_own_way() {
    let one = finding("checkout", FindingKind::Regressed, 0);
    let mut no = closed(one.clone(), FindingState::Dismissed, 9);
    no.dismissal = Some(Dismissal { reason: DismissalReason::FalseAlarm, note: None, by: None });
    let mut ops = Receiver::new(policy());
    ops.look(&incident(vec![one]), 0);
    assert_eq!(ops.look(&incident(vec![no]), 9), Some(Happening::Dismissed));

    let lone = finding("checkout", FindingKind::Unexplained, 0);
    let why = closed(lone.clone(), FindingState::Explained, 9);
    for (keeps_state, said) in [(false, None), (true, Some(Happening::Explained))] {
        let mut ops = Receiver::new(Policy { keeps_state, ..policy() });
        assert_eq!(ops.look(&incident(vec![lone.clone()]), 0), Some(Happening::Opened));
        assert_eq!(ops.look(&incident(vec![why.clone()]), 9), said);
        assert!(!ops.told.as_ref().unwrap().firing);
    }
}

#[test]
fn the_end_of_harm_is_told_though_a_budget_remembers_it() {
    use FindingKind::{BudgetFast, BudgetSlow, Regressed};
    let harm = finding("pay", Regressed, 0);
    for (kind, memory) in [(BudgetFast, 40 * 60), (BudgetSlow, 390 * 60)] {
        let burning = Finding { metric: Metric::Success, ..finding("pay", kind, 60) };
        let mut receiver = Receiver::new(Policy { repeat: None, ..policy() });
        let mut both = incident(vec![harm.clone(), burning.clone()]);
        assert_eq!(receiver.look(&both, 60), Some(Happening::Opened));
        both.findings[0] = closed(harm.clone(), FindingState::Recovered, 900);
        assert_eq!(receiver.look(&both, 900), Some(Happening::Recovered));
        assert_eq!(receiver.look(&both, 900 + memory - 1), None);
        // The budget of another journey, or one that is found to burn later, is news.
        let others =
            [("search", 60), ("pay", 1300)].map(|(name, opened)| finding(name, kind, opened));
        for other in others {
            let mut receiver = Receiver::new(Policy { repeat: None, ..policy() });
            receiver.look(&incident(vec![harm.clone()]), 60);
            let over = closed(harm.clone(), FindingState::Recovered, 900);
            let goes_on = incident(vec![over, Finding { id: "other".into(), ..other }]);
            assert_ne!(receiver.look(&goes_on, 1300), Some(Happening::Recovered));
            assert!(receiver.told.as_ref().is_some_and(|told| told.firing));
        }
        // What then still burns is something else.
        let mut burnt_out = both.clone();
        burnt_out.findings[1] = closed(burning, FindingState::Recovered, 1200);
        assert_eq!(receiver.look(&both, 900 + memory), Some(Happening::Opened));
        assert_eq!(receiver.look(&burnt_out, 901 + memory), Some(Happening::Recovered));
    }
}

fn nights(except: Vec<Gravity>) -> Policy {
    let hours = Hours {
        from: "22:00".parse().unwrap(),
        to: "07:00".parse().unwrap(),
        days: Vec::new(),
        timezone: TimeZone::UTC,
    };
    Policy { quiet: vec![Quiet { hours, except }], ..policy() }
}

#[test]
fn quiet_hours_are_kept_and_what_is_left_is_told_after_them() {
    let (night, morning) = (23 * HOUR, 31 * HOUR);
    let suspected = finding("checkout", FindingKind::Suspected, night);
    // It goes on: told in the morning.
    let mut ops = Receiver::new(nights(vec![]));
    assert_eq!(ops.look(&incident(vec![suspected.clone()]), night), None);
    assert_eq!(ops.look(&incident(vec![suspected.clone()]), morning), Some(Happening::Opened));
    // It came and went in the night: nobody is told.
    let mut ops = Receiver::new(nights(vec![]));
    assert_eq!(ops.look(&incident(vec![suspected.clone()]), night), None);
    let over = closed(suspected.clone(), FindingState::Recovered, night + HOUR);
    assert_eq!(ops.look(&incident(vec![over.clone()]), night + HOUR), None);
    assert_eq!(ops.look(&incident(vec![over]), morning), None);
    // It was told in the evening and ended in the night: told in the morning, but a pager hears at once.
    for (keeps_state, in_the_night) in [(false, None), (true, Some(Happening::Recovered))] {
        let mut ops = Receiver::new(Policy { keeps_state, ..nights(vec![]) });
        let evening = finding("checkout", FindingKind::Suspected, 21 * HOUR);
        assert_eq!(ops.look(&incident(vec![evening.clone()]), 21 * HOUR), Some(Happening::Opened));
        let over = closed(evening, FindingState::Recovered, night);
        assert_eq!(ops.look(&incident(vec![over.clone()]), night), in_the_night);
        let rest = if keeps_state { None } else { Some(Happening::Recovered) };
        assert_eq!(ops.look(&incident(vec![over]), morning), rest);
    }
    // What may disturb disturbs.
    let mut ops = Receiver::new(nights(vec![Gravity::Regressed]));
    assert_eq!(ops.look(&incident(vec![suspected.clone()]), night), None);
    let worse = Finding { kind: FindingKind::Regressed, ..suspected };
    assert_eq!(ops.look(&incident(vec![worse]), night + 60), Some(Happening::Opened));
}

#[test]
fn nobody_is_told_of_what_is_under_maintenance() {
    let when = MaintenanceTime::Once { from: at(0), to: at(HOUR) };
    let window = Maintenance {
        name: "upgrade".to_owned(),
        environments: vec!["production".into()],
        services: vec!["shop".into()],
        when,
    };
    let mut ops = Receiver::new(policy());
    ops.knowledge.maintenance = vec![window];
    let one = finding("checkout", FindingKind::Regressed, 10);
    assert_eq!(ops.look(&incident(vec![one.clone()]), 10), None);
    assert_eq!(ops.look(&incident(vec![one.clone()]), HOUR), Some(Happening::Opened));
    // Told before, recovered and back within: nothing until it is over.
    let mut ops = Receiver { told: ops.told, ..Receiver::new(policy()) };
    assert_eq!(ops.look(&incident(vec![one]), HOUR + 1), None);
    // A service that is not under maintenance.
    let mut other = Receiver::new(policy());
    other.knowledge.maintenance = vec![Maintenance {
        name: "x".to_owned(),
        environments: vec![],
        services: vec!["search".into()],
        when: MaintenanceTime::Once { from: at(0), to: at(HOUR) },
    }];
    let two = finding("checkout", FindingKind::Regressed, 10);
    assert_eq!(other.look(&incident(vec![two]), 10), Some(Happening::Opened));
}

#[test]
fn a_receiver_hears_only_of_what_is_its_own() {
    let facts = |owner: &str| crate::alert::JourneyFacts {
        owner: Some(owner.to_owned()),
        runbook: None,
        services: vec!["payments".into()],
    };
    let mut knowledge = Knowledge::default();
    knowledge.journeys.insert("checkout".into(), facts("team-a"));
    knowledge.journeys.insert("search".into(), facts("team-b"));
    let all = incident(vec![
        finding("checkout", FindingKind::Suspected, 0),
        finding("search", FindingKind::Regressed, 0),
    ]);
    let only = |policy: Policy| {
        tell(&all, None, &policy, &knowledge, at(1))
            .map(|telling| (telling.gravity, telling.findings.len()))
    };
    let suspected = Some((Gravity::Suspected, 1));
    let both = Some((Gravity::Regressed, 2));
    assert_eq!(only(policy()), both);
    assert_eq!(only(Policy { owners: vec!["team-a".into()], ..policy() }), suspected);
    assert_eq!(only(Policy { journeys: vec!["checkout".into()], ..policy() }), suspected);
    assert_eq!(only(Policy { findings: vec![Gravity::Suspected], ..policy() }), suspected);
    assert_eq!(only(Policy { services: vec!["payments".into()], ..policy() }), both);
    assert_eq!(only(Policy { services: vec!["shop".into()], ..policy() }), both);
    assert_eq!(only(Policy { services: vec!["mail".into()], ..policy() }), None);
    assert_eq!(only(Policy { environments: vec!["staging".into()], ..policy() }), None);
    assert_eq!(only(Policy { owners: vec!["team-c".into()], ..policy() }), None);
}

#[test]
fn changes_that_fail_or_linger_are_told_once() {
    let overdue = Duration::from_secs(7200);
    let trouble = |state, now, newer| {
        let mut change = change(state);
        change.finished_at = (state != ChangeState::Started).then(|| at(60));
        change_trouble(&change, newer, overdue, at(now))
    };
    use ChangeState::{Failed, Finished, Started};
    assert_eq!(trouble(Started, 7199, false), None);
    assert_eq!(trouble(Started, 7200, false), Some(ChangeTrouble::Overdue(at(7200))));
    assert_eq!(trouble(Started, 7200, true), None);
    assert_eq!(trouble(Started, 26 * HOUR, false), None);
    assert_eq!(trouble(Failed, 61, false), Some(ChangeTrouble::Failed(at(60))));
    assert_eq!(trouble(Failed, 61, true), None);
    assert_eq!(trouble(Failed, 5 * HOUR, false), None);
    assert_eq!(trouble(Finished, 61, false), None);

    let mut failed = incident(Vec::new());
    failed.change = Some(change(Failed));
    failed.trouble = Some(ChangeTrouble::Failed(at(60)));
    let mut ops = Receiver::new(policy());
    assert_eq!(ops.look(&failed, 61), Some(Happening::Opened));
    assert_eq!(ops.look(&failed, 4 * HOUR + 61), None, "a failed deployment is not repeated");
    // Then it turns out to have done harm as well.
    failed.findings.push(finding("checkout", FindingKind::Suspected, 70));
    assert_eq!(ops.look(&failed, 70), Some(Happening::Worsened));
    failed.findings[0] = closed(failed.findings[0].clone(), FindingState::Recovered, 80);
    assert_eq!(ops.look(&failed, 80), Some(Happening::Recovered));
    // Old age is nobody's news, but a pager is told to let go of it.
    for (keeps_state, said) in [(false, None), (true, Some(Happening::Recovered))] {
        let mut ops = Receiver::new(Policy { keeps_state, ..policy() });
        let mut alone = Incident { findings: Vec::new(), ..failed.clone() };
        assert_eq!(ops.look(&alone, 61), Some(Happening::Opened));
        alone.trouble = None;
        assert_eq!(ops.look(&alone, 5 * HOUR), said);
    }
}

#[test]
fn what_nothing_explains_is_one_incident_for_an_environment() {
    let mut all = Incidents::default();
    let one = finding("checkout", FindingKind::Unexplained, 1);
    let two = finding("search", FindingKind::Unexplained, 2);
    let mut far = finding("search", FindingKind::Unexplained, 3);
    far.environment = "staging".into();
    let id = all.finding(&one, None);
    assert_eq!(all.finding(&two, None), id);
    assert_ne!(all.finding(&far, None), id);
    all.finding(&closed(one, FindingState::Recovered, 4), None);
    all.finding(&closed(two, FindingState::Recovered, 5), None);
    let later = finding("checkout", FindingKind::Unexplained, 9);
    assert_ne!(all.finding(&later, None), id);
    // After a restart a finding stays where it was told.
    let mut fresh = Incidents::default();
    assert_eq!(fresh.finding(&later, Some("unexplained:production:x")), "unexplained:production:x");
}

#[test]
fn what_began_with_the_harm_of_a_change_is_told_with_it() {
    let mut all = Incidents::default();
    let harm =
        Finding { onset_at: Some(at(100)), ..finding("checkout", FindingKind::Regressed, 160) };
    let id = all.finding(&harm, None);
    let with =
        Finding { onset_at: Some(at(120)), ..finding("search", FindingKind::Unexplained, 300) };
    assert_eq!(all.finding(&with, None), id);
    let later =
        Finding { onset_at: Some(at(500)), ..finding("login", FindingKind::Unexplained, 520) };
    assert_ne!(all.finding(&later, None), id);
    let mut far =
        Finding { onset_at: Some(at(100)), ..finding("home", FindingKind::Unexplained, 170) };
    far.environment = "staging".into();
    assert_ne!(all.finding(&far, None), id);
    // It stays there when the change's own harm is over.
    all.finding(&closed(harm, FindingState::Recovered, 600), None);
    assert_eq!(all.finding(&closed(with, FindingState::Recovered, 700), None), id);
}

/// Something that happens to one of three findings.
#[derive(Debug, Clone)]
enum Step {
    Opens(usize),
    Worsens(usize),
    Ends(usize, FindingState),
    Taken(usize),
    Waits(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ends = prop_oneof![Just(FindingState::Recovered), Just(FindingState::Dismissed)];
    let step = prop_oneof![
        (0..3_usize).prop_map(Step::Opens),
        (0..3_usize).prop_map(Step::Worsens),
        (0..3_usize, ends).prop_map(|(n, state)| Step::Ends(n, state)),
        (0..3_usize).prop_map(Step::Taken),
        (1..20_000_i64).prop_map(Step::Waits),
    ];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #[test]
    fn whatever_happens_messages_alternate_and_never_repeat_themselves(steps in steps(), night: bool) {
        let mut ops = Receiver::new(if night { nights(vec![]) } else { policy() });
        let mut now = 0;
        let mut open: Vec<Option<Finding>> = vec![None; 3];
        let mut past: Vec<Finding> = Vec::new();
        let mut said: Vec<(Happening, i64)> = Vec::new();
        for step in steps {
            now += 7;
            match step {
                Step::Opens(n) => {
                    open[n].get_or_insert_with(|| finding(["a", "b", "c"][n], FindingKind::Suspected, now));
                }
                Step::Worsens(n) => {
                    if let Some(f) = &mut open[n] { f.kind = FindingKind::Regressed; f.acknowledged = None; }
                }
                Step::Ends(n, state) => past.extend(open[n].take().map(|f| closed(f, state, now))),
                Step::Taken(n) => {
                    if let Some(f) = &mut open[n] {
                        f.acknowledged = Some(Acknowledgement { at: at(now), note: None, by: None });
                    }
                }
                Step::Waits(seconds) => now += seconds,
            }
            let all: Vec<Finding> = past.iter().cloned().chain(open.iter().flatten().cloned()).collect();
            let incident = Incident { change: Some(change(ChangeState::Finished)), ..incident(all) };
            if let Some(happening) = ops.look(&incident, now) {
                let hour = (now / HOUR) % 24;
                prop_assert!(!night || (7..22).contains(&hour), "{happening:?} at {hour}");
                said.push((happening, now));
            }
            // Asked again at once there is nothing more to say.
            prop_assert_eq!(ops.look(&incident, now), None);
            // What was told is how it is, outside quiet hours.
            if let Some(told) = ops.told.as_ref().filter(|_| !night) {
                prop_assert_eq!(told.firing, open.iter().flatten().next().is_some());
            }
        }
        let mut firing = false;
        let mut last = i64::MIN / 2;
        for (happening, when) in said {
            match happening {
                Happening::Opened => { prop_assert!(!firing); firing = true; }
                Happening::Recovered | Happening::Dismissed | Happening::Explained => {
                    prop_assert!(firing);
                    firing = false;
                }
                Happening::Repeated => {
                    prop_assert!(firing);
                    prop_assert!(when - last >= 4 * HOUR);
                }
                _ => prop_assert!(firing),
            }
            last = when;
        }
    }
}
