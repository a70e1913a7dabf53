use super::*;

type Said<'a> = (&'a str, &'a [&'a str], Metric, f64, f64, f64);
const L: Metric = Metric::Latency;
const S: Metric = Metric::Success;

fn names(names: &[&str]) -> Vec<ServiceName> {
    names.iter().map(ServiceName::new).collect()
}

fn suspect(id: &str, services: &[&str], started_at_s: f64, finished_at_s: Option<f64>) -> Suspect {
    Suspect { id: ChangeId::new(id), services: names(services), started_at_s, finished_at_s }
}

fn signals(said: &[Said]) -> Vec<Signal> {
    said.iter()
        .map(|(journey, services, metric, log_e, onset_s, added_ms)| Signal {
            journey: JourneyName::new(journey),
            services: names(services),
            metric: *metric,
            log_e: *log_e,
            onset_s: *onset_s,
            added_ms: *added_ms,
        })
        .collect()
}

fn shop() -> BTreeMap<ServiceName, Vec<ServiceName>> {
    BTreeMap::from([
        (ServiceName::new("front"), names(&["cart", "ad", "checkout"])),
        (ServiceName::new("checkout"), names(&["cart", "pay"])),
    ])
}

/// Checks probabilities, by id, and the name.
fn expect(found: &Blame, expected: &[(&str, f64)], named: Option<&str>) {
    assert_eq!(found.candidates.len(), expected.len(), "{found:?}");
    for (id, p) in expected {
        let (_, ours) = found.candidates.iter().find(|(c, _)| c.as_str() == *id).unwrap();
        assert!((ours - p).abs() < 1e-6, "{id}: {ours} {p}");
    }
    assert!(found.candidates.windows(2).all(|w| w[0].1 >= w[1].1));
    assert_eq!(found.named.as_ref().map(|id| id.as_str()), named);
}

/// The figures are those of the reference attribution for the same signals.
#[test]
fn the_reference_gives_the_same_probabilities() {
    let none = BTreeMap::new();
    expect(
        &blame(
            &[suspect("c1", &["pay"], 1000.0, None)],
            &signals(&[
                ("buy", &["checkout"], L, 6.0, 1010.0, 120.0),
                ("look", &["ad"], L, -1.0, 0.0, 0.0),
            ]),
            &shop(),
        ),
        &[("c1", 0.974_215)],
        Some("c1"),
    );
    expect(
        &blame(
            &[suspect("c1", &["cart"], 1000.0, None), suspect("c2", &["ad"], 1030.0, None)],
            &signals(&[
                ("add", &["cart"], S, 5.2, 1090.0, 0.0),
                ("see", &["ad"], S, -0.6, 0.0, 0.0),
                ("add", &["cart"], L, -2.0, 0.0, 0.0),
                ("home", &["front"], L, 0.4, 0.0, 0.0),
            ]),
            &shop(),
        ),
        &[("c1", 0.902_941), ("c2", 0.053_524)],
        Some("c1"),
    );
    let pay = [suspect("c1", &["pay"], 1000.0, None)];
    let early = signals(&[("buy", &["pay"], L, 7.0, 700.0, 50.0)]);
    expect(&blame(&pay, &early, &none), &[("c1", 0.589_979)], None);
    let late = signals(&[("buy", &["pay"], L, 7.0, 3100.0, 50.0)]);
    expect(&blame(&pay, &late, &none), &[("c1", 0.021_964)], None);
    expect(
        &blame(
            &[
                suspect("c1", &["ad"], 1000.0, None),
                suspect("c2", &["cart"], 1020.0, None),
                suspect("c3", &["pay"], 1010.0, None),
            ],
            &signals(&[
                ("a", &["ad"], L, 6.0, 1080.0, 10.0),
                ("b", &["cart"], L, 9.0, 1075.0, 80.0),
                ("c", &["pay"], L, 5.0, 1090.0, 20.0),
                ("d", &["mail"], L, 8.0, 1085.0, 15.0),
            ]),
            &shop(),
        ),
        &[("c2", 0.569_348), ("c3", 0.243_937), ("c1", 0.186_503)],
        None,
    );
}

#[test]
fn quiet_journeys_and_twins_name_nobody() {
    let two = [suspect("c1", &["pay"], 1000.0, None), suspect("c2", &["ad"], 1000.0, None)];
    let quiet =
        signals(&[("buy", &["pay"], L, -0.5, 0.0, 0.0), ("see", &["ad"], L, 0.1, 0.0, -5.0)]);
    expect(&blame(&two, &quiet, &shop()), &[("c1", 0.386_539), ("c2", 0.428_052)], None);
    let twins = [suspect("c1", &["pay"], 1000.0, None), suspect("c2", &["cart"], 1000.0, None)];
    let buy = signals(&[("buy", &["checkout"], L, 8.0, 1061.0, 40.0)]);
    expect(&blame(&twins, &buy, &shop()), &[("c1", 0.489_668), ("c2", 0.489_668)], None);
}

#[test]
fn a_long_rollout_can_do_it_with_its_end() {
    let buy = signals(&[("buy", &["pay"], L, 7.0, 2830.0, 50.0)]);
    let open = blame(&[suspect("c1", &["pay"], 1000.0, None)], &buy, &BTreeMap::new());
    assert_eq!(open.named, None);
    let ended = blame(&[suspect("c1", &["pay"], 1000.0, Some(2800.0))], &buy, &BTreeMap::new());
    assert_eq!(ended.named, Some(ChangeId::new("c1")));
    let early = signals(&[("buy", &["pay"], L, 7.0, 1100.0, 50.0)]);
    let during = blame(&[suspect("c1", &["pay"], 1000.0, Some(2800.0))], &early, &BTreeMap::new());
    let apart = blame(&[suspect("c1", &["pay"], 1000.0, None)], &early, &BTreeMap::new());
    assert_eq!(during, apart);
}

#[test]
fn a_change_of_the_whole_environment_can_move_any_journey() {
    let moved = signals(&[
        ("a", &["ad"], L, 8.0, 1010.0, 10.0),
        ("b", &["cart"], L, 8.0, 1010.0, 10.0),
        ("c", &["pay"], L, 8.0, 1010.0, 10.0),
    ]);
    let found = blame(
        &[suspect("infra", &[], 1000.0, None), suspect("c1", &["mail"], 1000.0, None)],
        &moved,
        &shop(),
    );
    assert_eq!(found.candidates[0].0.as_str(), "infra");
}

#[test]
fn nothing_and_nonsense_are_harmless() {
    assert_eq!(blame(&[], &[], &BTreeMap::new()), Blame::default());
    let one = [suspect("c1", &["pay"], f64::NAN, Some(f64::INFINITY))];
    let odd = signals(&[
        ("a", &[], L, f64::NAN, f64::NAN, f64::NAN),
        ("b", &["pay"], S, f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY),
        ("c", &["pay"], L, 9.0, f64::NAN, 1e308),
    ]);
    let circle = BTreeMap::from([
        (ServiceName::new("pay"), names(&["ledger"])),
        (ServiceName::new("ledger"), names(&["pay", "ledger"])),
    ]);
    let found = blame(&one, &odd, &circle);
    assert!(found.candidates[0].1.is_finite(), "{found:?}");
}
