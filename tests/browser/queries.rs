//! Captures, assertions and measures over a page, and what a step asserts by itself.

use wayfarer::model::{FaultKind, StepOutcome};

use super::{
    site::answer,
    stage::{Stage, captured, failed, page, passed},
};

const SHOP: &str = r##"<!doctype html><html lang=en><title>  The   Shop </title>
<main><h1>Teas</h1>
<ul aria-label="Products">
  <li><a href="/green">Green <b>tea</b></a> <span class=price>4.50 EUR</span> <button>Add to cart</button>
  <li><a href="/black">Black tea</a> <span class=price>3.90 EUR</span> <button disabled>Add to cart</button>
  <li hidden><a href="/gone">Gone tea</a>
</ul></main>
<p data-testid="order-number">Order 4711</p><p id=late></p>
<table><tr><th>Name<th>Price<tr><td>Green<td>4.50</table>
<label>Coupon <input value=SAVE></label><input aria-label="Password" type=password value="open sesame 42">
<script>
  localStorage.token = 'abc'; console.error('first trouble'); console.warn('a warning');
  setTimeout(() => { late.textContent = 'now'; document.cookie = 'late=1'; }, 500);
</script>"##;

#[tokio::test]
async fn everything_of_a_page_is_asked_with_one_grammar() {
    let Some(stage) = Stage::with_page(SHOP).await else { return };
    let run = stage
        .walk(
            r##"
[[step]]
name = "look"
[step.browser]
open = "{{base_url}}/shop"
[step.capture]
title = { title = true }
url = { url = true }
first = { element = { role = "link", name = "green tea" }, attribute = "href" }
exact = { element = { role = "link", name = "Green tea", exact = true } }
last = { element = { css = ".price", nth = -1 }, filter = [{ regex = "[0-9.]+" }, "to_number"] }
order = { element = { test_id = "order-number" }, filter = { regex = "[0-9]+" } }
token = { local_storage = "token" }
sum = { script = "return [...document.querySelectorAll('.price')].map(p => parseFloat(p.textContent)).reduce((a, b) => a + b)" }
path = { element = { xpath = "//table//tr[2]/td[1]" } }
html = { css = "h1" }
pattern = { regex = "Order ([0-9]+)" }
cell = { element = { role = "cell", nth = 1 } }
late = { element = { css = "#late" } }
cookie = { cookie = "late" }
[step.measure]
products = { script = "return document.querySelectorAll('li:not([hidden])').length", worse = "lower" }
[[step.assert]]
query = { element = { role = "listitem" } }
count = 2
[[step.assert]]
query = { element = { css = "li" }, attribute = "visible" }
count = 3
[[step.assert]]
query = { element = { role = "button", within = { role = "listitem", name = "Black" } }, attribute = "disabled" }
equals = true
[[step.assert]]
query = { element = { label = "Coupon" }, attribute = "value" }
equals = "SAVE"
[[step.assert]]
query = { element = { label = "Password" } }
equals = ""
[[step.assert]]
query = { element = { css = "#late" } }
equals = "now"
[[step.assert]]
query = { console = "error" }
contains = "first trouble"
[[step.assert]]
query = { console = "warning" }
count = 2
[[step.assert]]
query = { vital = "ttfb" }
below = "5s"
[[step.assert]]
query = { vital = "cls" }
at_most = 1
[[step.assert]]
query = { phase = "processing" }
above = "0ms"
[[step.assert]]
query = { duration = true }
between = ["490ms", "2s"]
"##,
        )
        .await;
    passed(&run);
    for (name, value) in [
        ("title", "The Shop"),
        ("first", "/green"),
        ("exact", "Green tea"),
        ("last", "3.9"),
        ("order", "4711"),
        ("token", "abc"),
        ("sum", "8.4"),
        ("path", "Green"),
        ("html", "Teas"),
        ("pattern", "4711"),
        ("cell", "4.50"),
        ("late", "now"),
        ("cookie", "1"),
    ] {
        assert_eq!(captured(&run, name), value, "{name}");
    }
    let step = &run.steps[0];
    let measured =
        |name: &str| step.measures.iter().find(|m| m.name.as_str() == name).and_then(|m| m.value);
    assert_eq!(measured("products"), Some(2.0));
    assert_eq!(measured("console_errors"), Some(1.0));
    assert!(measured("load").is_some() && measured("requests").is_some(), "{:?}", step.measures);
    assert_eq!(step.hops.len(), 1);
    assert_eq!(
        (step.hops[0].status, step.hops[0].phases.total()),
        (Some(200), step.hops[0].duration)
    );
}

#[tokio::test]
async fn assertions_are_tried_until_they_hold_or_patience_ends() {
    let Some(stage) = Stage::new(|asked| match asked.path.as_str() {
        "/gone" => answer(410, &["content-type: text/html"], "<h1>Gone</h1>"),
        _ => page("<h1>Here</h1>"),
    })
    .await
    else {
        return;
    };
    let step = |path: &str, rest: &str| {
        format!(
            "[[step]]\nname = \"look\"\n[step.browser]\nopen = \"{{{{base_url}}}}{path}\"\npatience = \"700ms\"\n{rest}"
        )
    };
    let run = stage
        .walk(&step(
            "/",
            "[[step.assert]]\nquery = { element = { role = \"heading\" } }\nequals = \"There\"\n",
        ))
        .await;
    let failure = failed(&run, FaultKind::Assertion);
    assert_eq!(failure.message, "expected element role heading equals \"There\", got \"Here\"");
    assert_eq!(failure.actual.as_deref(), Some("\"Here\""));
    assert!(
        (600..1_500).contains(&run.steps[0].duration.as_millis()),
        "{:?}",
        run.steps[0].duration
    );

    let run = stage
        .walk(&step("/", "[step.capture]\norder = { element = { css = \"#order\" } }\n"))
        .await;
    assert_eq!(failed(&run, FaultKind::Capture).message, "order has no value: nothing was found");

    let run = stage.walk(&step("/gone", "")).await;
    let failure = failed(&run, FaultKind::Status);
    assert!(
        failure.message.starts_with("expected a status below 400, got 410 of http://127.0.0.1"),
        "{failure:?}"
    );
    // It is as it is: nothing was waited for.
    assert!(run.steps[0].duration.as_millis() < 600);
    let seen = run.evidence.as_ref().and_then(|evidence| evidence.page.as_ref()).unwrap();
    assert!(!seen.pictures.is_empty() && seen.dom.as_ref().unwrap().contains("Gone"));

    let run = stage.walk(&step("/gone", "[step.expect]\nstatus = 410\n")).await;
    passed(&run);
    assert_eq!(run.steps[0].outcome, StepOutcome::Passed);

    let run = stage
        .walk(&step("/", "[step.capture]\nx = { script = \"return document.nothing.here\" }\n"))
        .await;
    let failure = failed(&run, FaultKind::Capture);
    assert!(failure.message.contains("the script failed: TypeError"), "{failure:?}");
}
