//! Numbers taken out of answers.

use wayfarer::model::{FaultKind, Measure, MeasureRule, Measured, Query, Step};

use crate::{
    journey::{Values, With, engine, failed, get, passed, status, walk, walk_with},
    site::{Site, answer},
};

fn measure(mut step: Step, name: &str, query: Query, required: bool) -> Step {
    let judged = MeasureRule { unit: Some("EUR".to_owned()), ..MeasureRule::default() };
    step.measures.push(Measure { name: name.into(), query, required, judged });
    step
}

fn values(measures: &[Measured]) -> Vec<(&str, Option<f64>)> {
    measures.iter().map(|m| (m.name.as_str(), m.value)).collect()
}

#[tokio::test]
async fn numbers_are_taken_once_all_checks_held() {
    let body = r#"{"price":"12.50","rows":7,"hit":true,"secret":471147}"#;
    let site = Site::start(None, move |_| answer(200, &["age: 33"], body)).await;
    let shop = || get(format!("http://shop.test:{}/cart", site.port()));
    let mut step = shop();
    for (name, query) in [
        ("price", Query::json_path("$.price")),
        ("rows", Query::json_path("$.rows")),
        ("hit", Query::json_path("$.hit")),
        ("age", Query::header("age")),
        ("gone", Query::json_path("$.gone")),
        ("text", Query::body()),
        ("secret", Query::json_path("$.secret")),
    ] {
        step = measure(step, name, query, false);
    }
    let secrets = Values { secrets: &[("pin", "471147")], ..Values::default() };
    let run = walk_with(&engine(vec![]), vec![step], &secrets).await;
    passed(&run);
    let taken = &run.steps[0].measures;
    assert_eq!(
        values(taken),
        [
            ("price", Some(12.5)),
            ("rows", Some(7.0)),
            ("hit", Some(1.0)),
            ("age", Some(33.0)),
            ("gone", None),
            ("text", None),
            ("secret", None),
        ]
    );
    assert_eq!((taken[0].unit.as_deref(), &taken[0].note), (Some("EUR"), &None));
    assert_eq!(taken[4].note.as_deref(), Some("nothing was found"));
    assert!(taken[5].note.as_ref().unwrap().contains("number"), "{:?}", taken[5]);
    assert!(taken.iter().all(|m| !m.note.as_ref().is_some_and(|n| n.contains("471147"))));

    let wrong = measure(shop(), "price", Query::json_path("$.price"), true);
    let run = walk(&engine(vec![]), vec![wrong.expect(Query::status(), status(404.0))]).await;
    failed(&run, FaultKind::Status);
    assert!(run.steps[0].measures.is_empty());
}

#[tokio::test]
async fn a_required_number_that_is_missing_fails_the_step() {
    let site = Site::start(None, |_| answer(200, &[], "{}")).await;
    let step = get(format!("http://shop.test:{}/cart", site.port()));
    let step = measure(step, "price", Query::json_path("$.price"), true);
    let run = walk(&engine(vec![]), vec![step]).await;
    let failure = failed(&run, FaultKind::Capture);
    assert_eq!(failure.message, "price could not be measured: nothing was found");
    assert_eq!(failure.check.as_deref(), Some("measure price = jsonpath $.price"));
}
