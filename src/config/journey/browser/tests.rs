use std::time::Duration;

use crate::{
    config::{Attached, Config, Faults, SourceFile, load_with},
    model::{
        Action, Attachment, BrowserAction as A, BrowserStep, By, Choice, Condition, Device,
        Journey, Limit, Literal, Locator, MouseButton, PageQuery, Predicate, ScrollTo, StorageArea,
        Subject, Text, Throttle, WindowChoice,
    },
};

/// Every file is there.
struct Files;

impl Attached for Files {
    fn read(&self, _: &str, name: &str) -> Result<Vec<u8>, String> {
        Ok(name.as_bytes().to_vec())
    }
}

const MAIN: &str = r#"
[environments.production]
base_url = "https://shop.example.com"
vars = { user = "probe" }
"#;

const HEAD: &str = "name = \"shop\"\nenvironments = [\"production\"]\nevery = \"5m\"\n";

fn load(journey: &str) -> Result<Config, Faults> {
    let file = |path: &str, text: &str| SourceFile { path: path.into(), text: text.into() };
    load_with(&file("wayfarer.toml", MAIN), &[file("shop.toml", journey)], &Files)
}

fn good(journey: &str) -> Journey {
    load(journey).unwrap_or_else(|faults| panic!("{faults}")).journeys.remove(0)
}

fn browser(journey: &Journey, step: usize) -> &BrowserStep {
    match &journey.steps[step].action {
        Action::Browser(browser) => browser,
        other => panic!("{other:?}"),
    }
}

/// The action that a line of `do` stands for.
fn action(line: &str) -> A {
    let open = "open = \"{{base_url}}/\"";
    let text = format!("{HEAD}[[step]]\nname = \"a\"\n[step.browser]\n{open}\ndo = [ {line} ]\n");
    browser(&good(&text), 0).actions[1].clone()
}

fn by(by: By) -> Locator {
    Locator { by, nth: None, within: None, exact: false }
}

fn text(text: &str) -> Locator {
    by(By::Text(text.into()))
}

fn label(text: &str) -> Locator {
    by(By::Label(text.into()))
}

#[test]
fn every_action_is_read() {
    let left = |target, count| A::Click { target, button: MouseButton::Left, count };
    let buy = by(By::Role { role: "button".into(), name: Some("Buy".into()) });
    let wait = |condition, at_most| A::Wait(crate::model::WaitFor { condition, at_most });
    let contains = |text: &str| Predicate::Contains(text.into());
    let cases: Vec<(&str, A)> = vec![
        ("{ open = \"{{base_url}}/x\" }", A::Open("{{base_url}}/x".into())),
        ("{ click = { role = \"button\", name = \"Buy\" } }", left(buy.clone(), 1)),
        ("{ click = { text = \"x\", count = 2 } }", left(text("x"), 2)),
        (
            "{ click = { text = \"x\", button = \"right\" } }",
            A::Click { target: text("x"), button: MouseButton::Right, count: 1 },
        ),
        (
            "{ type = { label = \"Name\", text = \"{{user}}\" } }",
            A::Type { target: label("Name"), text: "{{user}}".into(), append: false },
        ),
        (
            "{ type = { label = \"Age\", text = 42, append = true } }",
            A::Type { target: label("Age"), text: "42".into(), append: true },
        ),
        (
            "{ type = { label = \"Name\", text = \"\" } }",
            A::Type { target: label("Name"), text: "".into(), append: false },
        ),
        ("{ press = \"Control+a\" }", A::Press { key: "Control+a".into(), target: None }),
        (
            "{ press = { key = \"Enter\", label = \"Name\" } }",
            A::Press { key: "Enter".into(), target: Some(label("Name")) },
        ),
        (
            "{ select = { label = \"Colour\", option = \"Blue\" } }",
            A::Select { target: label("Colour"), option: Choice::Label("Blue".into()) },
        ),
        (
            "{ select = { label = \"Year\", value = 2026 } }",
            A::Select { target: label("Year"), option: Choice::Value("2026".into()) },
        ),
        ("{ check = { label = \"I agree\" } }", A::Check { target: label("I agree"), on: true }),
        ("{ uncheck = { label = \"News\" } }", A::Check { target: label("News"), on: false }),
        ("{ hover = { text = \"Menu\" } }", A::Hover(text("Menu"))),
        ("{ scroll = { text = \"Reviews\" } }", A::Scroll(ScrollTo::Element(text("Reviews")))),
        ("{ scroll = \"bottom\" }", A::Scroll(ScrollTo::Bottom)),
        ("{ scroll = \"top\" }", A::Scroll(ScrollTo::Top)),
        ("{ wait = { text = \"1 item\" } }", wait(Condition::Visible(text("1 item")), None)),
        (
            "{ wait = { hidden = { css = \".spinner\" }, for = \"10s\" } }",
            wait(Condition::Hidden(by(By::Css(".spinner".into()))), Some(Duration::from_secs(10))),
        ),
        ("{ wait = { url = \"/cart\" } }", wait(Condition::Url(contains("/cart")), None)),
        (
            "{ wait = { url = { ends_with = \"/cart\" } } }",
            wait(Condition::Url(Predicate::EndsWith("/cart".into())), None),
        ),
        ("{ wait = { title = \"Cart\" } }", wait(Condition::Title(contains("Cart")), None)),
        ("{ wait = { network = \"quiet\" } }", wait(Condition::NetworkQuiet, None)),
        (
            "{ wait = { script = \"return window.ready\" } }",
            wait(Condition::Script("return window.ready".into()), None),
        ),
        (
            "{ wait = { time = \"300ms\" } }",
            wait(Condition::Time(Duration::from_millis(300)), None),
        ),
        ("{ frame = { css = \"iframe\" } }", A::Frame(Some(by(By::Css("iframe".into()))))),
        ("{ frame = \"top\" }", A::Frame(None)),
        ("{ window = \"new\" }", A::Window(WindowChoice::Newest)),
        ("{ window = \"first\" }", A::Window(WindowChoice::First)),
        ("{ window = \"close\" }", A::Window(WindowChoice::Close)),
        ("{ dialog = \"accept\" }", A::Dialog { accept: true, answer: None }),
        ("{ dialog = \"dismiss\" }", A::Dialog { accept: false, answer: None }),
        ("{ dialog = { answer = \"Jo\" } }", A::Dialog { accept: true, answer: Some("Jo".into()) }),
        ("{ script = \"scrollBy(0, 9)\" }", A::Script("scrollBy(0, 9)".into())),
        ("{ screenshot = \"the cart\" }", A::Screenshot("the cart".into())),
        ("{ back = true }", A::Back),
        ("{ forward = true }", A::Forward),
        ("{ reload = true }", A::Reload),
        (
            "{ cookie = { name = \"consent\", value = true } }",
            A::Cookie { name: "consent".into(), value: "true".into(), domain: None, path: None },
        ),
        (
            "{ storage = { seen = \"yes\" } }",
            A::Storage { area: StorageArea::Local, entries: vec![("seen".into(), "yes".into())] },
        ),
        (
            "{ session_storage = { n = 1 } }",
            A::Storage { area: StorageArea::Session, entries: vec![("n".into(), "1".into())] },
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(action(line), expected, "{line}");
    }
    for line in [
        "{ upload = { label = \"Photo\", file = \"files/a.png\" } }",
        "{ upload = { label = \"Photo\", files = [\"files/a.png\"] } }",
    ] {
        let A::Upload { target, files } = action(line) else { panic!("{line}") };
        assert_eq!((target, files[0].name(), files.len()), (label("Photo"), "a.png", 1));
    }
}

#[test]
fn every_locator_is_read() {
    let cases: Vec<(&str, Locator)> = vec![
        ("role = \"main\"", by(By::Role { role: "main".into(), name: None })),
        ("placeholder = \"you\"", by(By::Placeholder("you".into()))),
        ("test_id = \"total\"", by(By::TestId("total".into()))),
        ("link = \"Account\"", by(By::Link("Account".into()))),
        ("css = \"#a-{{user}}[\"", by(By::Css("#a-{{user}}[".into()))),
        ("xpath = \"//tr[2]\"", by(By::XPath("//tr[2]".into()))),
        ("text = \"x\", nth = -1", Locator { nth: Some(-1), ..text("x") }),
        ("text = \"x\", exact = true", Locator { exact: true, ..text("x") }),
        (
            "text = \"x\", within = { role = \"row\", name = \"tea\", nth = 1 }",
            Locator {
                within: Some(Box::new(Locator {
                    nth: Some(1),
                    ..by(By::Role { role: "row".into(), name: Some("tea".into()) })
                })),
                ..text("x")
            },
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(action(&format!("{{ hover = {{ {line} }} }}")), A::Hover(expected), "{line}");
    }
}

#[test]
fn a_step_of_a_browser() {
    let journey = good(&format!(
        "{HEAD}burst = true\n[browser]\nmobile = true\nlocale = \"de-DE\"\ntimezone = \"Europe/Berlin\"\n\
         network = {{ latency = \"100ms\", down = \"1.5MB/s\" }}\ncpu_slowdown = 4\n\
         [[step]]\nname = \"sign in by HTTP\"\n[step.http]\nurl = \"{{{{base_url}}}}/login\"\n\
         [[step]]\nname = \"buy\"\ntimeout = \"20s\"\n[step.browser]\nopen = \"{{{{base_url}}}}/\"\npatience = \"8s\"\n\
         [step.expect]\nstatus = 200\ntitle = {{ contains = \"Shop\" }}\nvital.lcp = {{ below = \"2s\" }}\nvital.cls = {{ below = 0.1 }}\n\
         console.error = {{ exists = false }}\nlocal_storage.token = \"{{{{order}}}}\"\n\
         [step.capture]\norder = {{ element = {{ test_id = \"order\" }} }}\n\
         [[step.assert]]\nquery = {{ element = {{ label = \"Terms\" }}, attribute = \"checked\" }}\nequals = true\n\
         [[step.assert]]\nquery = {{ element = {{ role = \"row\" }} }}\ncount = {{ at_least = 1 }}\n\
         [step.measure]\nfonts = {{ script = \"return document.fonts.size\" }}\n\
         total = {{ element = {{ css = \"#total\" }}, filter = [\"trim\", \"to_number\"] }}\n"
    ));
    assert!(journey.has_browser() && journey.may_burst());
    let buy = &journey.steps[1];
    assert_eq!(browser(&journey, 1).patience, Duration::from_secs(8));
    let subjects: Vec<&Subject> = buy.assertions.iter().map(|a| &a.query.subject).collect();
    let vital = |name: &str| Subject::Page(PageQuery::Vital(name.into()));
    assert_eq!(subjects[1], &Subject::Page(PageQuery::Title));
    assert!(subjects.contains(&&vital("lcp")) && subjects.contains(&&vital("cls")));
    let lcp = buy.assertions.iter().find(|a| a.query.subject == vital("lcp")).unwrap();
    assert_eq!(lcp.predicates, [Predicate::Below(Limit::Time(Duration::from_secs(2)))]);
    let checked = &buy.assertions[subjects.len() - 2];
    assert_eq!(checked.predicates, [Predicate::Equals(Literal::Bool(true))]);
    assert_eq!(
        journey.device,
        Device {
            window: (412, 915),
            mobile: true,
            scale: 2.625,
            locale: Some("de-DE".into()),
            timezone: Some("Europe/Berlin".into()),
            network: Some(Throttle {
                latency: Duration::from_millis(100),
                down_bytes: Some(1_500_000),
                up_bytes: None
            }),
            cpu_slowdown: 4.0,
            ..Device::default()
        }
    );
}

#[test]
fn the_revision_knows_actions_and_device() {
    let text = format!(
        "{HEAD}[[step]]\nname = \"a\"\n[step.browser]\nopen = \"{{{{base_url}}}}/\"\ndo = [ {{ click = {{ text = \"Buy\" }} }} ]\n"
    );
    let revision = |text: &str| good(text).revision;
    let first = revision(&text);
    for (old, new, same) in [
        ("every = \"5m\"", "every = \"7m\"\nburst = true", true),
        ("[[step]]", "[browser]\nwindow = \"1280x800\"\n[[step]]", true),
        ("[[step]]", "[browser]\nwindow = \"1280x801\"\n[[step]]", false),
        ("[[step]]", "[browser]\nlocale = \"de\"\n[[step]]", false),
        ("\"Buy\"", "\"Sell\"", false),
        ("\"Buy\"", "\"Buy\", exact = true", false),
        ("do =", "patience = \"6s\"\ndo =", false),
    ] {
        assert_eq!(revision(&text.replace(old, new)) == first, same, "{new}");
    }
}

#[test]
fn browsers_are_walked_denser_only_where_it_is_asked_for() {
    let step = "[[step]]\nname = \"a\"\n[step.browser]\nopen = \"{{base_url}}/\"\n";
    let http = "[[step]]\nname = \"a\"\n[step.http]\nurl = \"{{base_url}}/\"\n";
    for (text, burst) in [
        (format!("{HEAD}{step}"), false),
        (format!("{HEAD}burst = true\n{step}"), true),
        (format!("{HEAD}{http}"), true),
        (format!("{HEAD}burst = false\n{http}"), false),
        (format!("{HEAD}{http}").replace("[step.http]", "effect = true\n[step.http]"), false),
    ] {
        assert_eq!(good(&text).may_burst(), burst, "{text}");
    }
}

#[test]
fn journeys_that_browsers_cannot_keep_are_told() {
    let of = |every: &str, timeout: &str| {
        let text = format!(
            "name = \"shop\"\nenvironments = [\"production\"]\nevery = \"{every}\"\ntimeout = \"{timeout}\"\n[[step]]\nname = \"a\"\n[step.browser]\nopen = \"{{{{base_url}}}}/\"\n"
        );
        load(&text).unwrap_or_else(|faults| panic!("{faults}")).warnings()
    };
    assert_eq!(of("5m", "30s"), Vec::<String>::new());
    let told = of("20s", "30s").remove(0);
    assert!(
        told.contains("1.5 browsers") && told.contains("`shop` every 20s for up to 30s"),
        "{told}"
    );
}

#[test]
fn a_certificate_that_browsers_do_not_show_is_told() {
    let text =
        format!("{HEAD}[[step]]\nname = \"a\"\n[step.browser]\nopen = \"{{{{base_url}}}}/\"\n");
    let mut config = load(&text).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(config.warnings(), Vec::<String>::new());
    let environment = config.settings.environments.values_mut().next().unwrap();
    environment.transport.client_certificate = Some(Attachment::new("a.pem", *b"PEM"));
    let told = config.warnings().remove(0);
    assert!(told.contains("`client_certificate`") && told.contains("`shop`"), "{told}");
}

#[test]
fn all_faults_come_at_once() {
    let text = format!(
        "{HEAD}[browser]\nwindow = \"x\"\nlocale = \"x_\"\n[[step]]\nname = \"a\"\n[step.browser]\nopen = \"{{{{base_url}}}}/\"\ndo = [\n\
         {{ clik = {{ text = \"a\" }} }},\n{{ click = {{ role = \"buton\" }} }},\n{{ press = \"Ctrl\" }},\n{{ wait = {{ network = \"idle\" }} }},\n\
         {{ type = {{ label = \"{{{{nobody}}}}\", text = \"{{{{noone}}}}\" }} }},\n]\n[step.expect]\nheader.x = \"y\"\nvital.x = 1\n"
    );
    let faults = load(&text).unwrap_err();
    assert_eq!(faults.iter().len(), 10, "{faults}");
}

#[test]
fn texts_in_locators_are_templates() {
    let A::Hover(found) = action("{ hover = { text = \"Hello {{user}}\" } }") else { panic!() };
    assert_eq!(found.by, By::Text(Text::from("Hello {{user}}")));
}
