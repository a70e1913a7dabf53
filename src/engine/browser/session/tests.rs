//! Against a real browser; skipped where there is no driver.

use std::{collections::BTreeMap, sync::Arc};

use super::*;
use crate::{
    engine::{Engine, EngineSettings, Ticket},
    model::{Environment, Journey, RunId, Trigger},
};

/// Our own program beside this test's.
fn guard() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.parent().unwrap().parent().unwrap().join("wayfarer")
}

fn ticket() -> Ticket {
    let journey =
        "name = \"j\"\n[[step]]\nname = \"s\"\n[step.http]\nurl = \"http://localhost/\"\n";
    let _ = journey;
    let journey = Journey {
        burst: None,
        name: "shop".into(),
        description: None,
        services: Vec::new(),
        environments: Vec::new(),
        schedule: crate::model::Schedule::Every(Duration::from_secs(60)),
        timeout: Duration::from_secs(30),
        owner: None,
        runbook: None,
        slo: None,
        vars: BTreeMap::new(),
        setup: None,
        variant: None,
        device: Device::default(),
        steps: Vec::new(),
        revision: crate::model::Revision::new("r"),
    };
    let environment = Environment {
        name: "production".into(),
        vars: BTreeMap::new(),
        network: Default::default(),
        secrets: BTreeMap::new(),
        transport: Default::default(),
        client_key: None,
    };
    Ticket {
        id: RunId::at(Clock.now()),
        journey: Arc::new(journey),
        environment: Arc::new(environment),
        location: "test".into(),
        due: Clock.now(),
        trigger: Trigger::Manual,
        deployed: Vec::new(),
        vars: BTreeMap::new(),
    }
}

#[tokio::test]
async fn trial() {
    let engine =
        Engine::new(EngineSettings { guard: Some(guard()), ..Default::default() }).unwrap();
    let ticket = ticket();
    let vars = Variables::new(&engine.parts, &ticket);
    let t = Clock.instant();
    let browser = Browser::start(&engine.parts, &vars, &Device::default()).await.unwrap();
    eprintln!("start {:?}", t.elapsed());
    let until = || Clock.instant() + Duration::from_secs(2);
    for body in [
        "return 1 + 1",
        "return await new Promise(r => setTimeout(() => r('later'), 50)) // comment",
        "throw new TypeError('no')",
        "return document.documentElement",
        "await new Promise(() => {})",
        "return navigator.userAgent",
        "setTimeout(() => location.href = 'about:blank#2', 50); await new Promise(r => setTimeout(r, 400)); return 'same document'",
        "setTimeout(() => location.href = 'data:text/html,hello', 50); await new Promise(r => setTimeout(r, 1000)); return 'x'",
        "return document.body.innerText",
        "return syntax error",
        "setTimeout(() => alert('hi'), 50); await new Promise(r => setTimeout(r, 400)); return 'x'",
        "return 'alert open'",
    ] {
        let t = Clock.instant();
        let value = browser.script(body, vec![json!(1)], until()).await;
        eprintln!("{body}: {value:?} {:?}", t.elapsed());
    }
    eprintln!("{:?}", browser.client.accept_alert().await);
    for body in ["while (true) {}", "return 1", "return 2"] {
        let t = Clock.instant();
        let value = browser.script(body, vec![json!(1)], until()).await;
        eprintln!("{body}: {value:?} {:?}", t.elapsed());
    }
    eprintln!("{:?}", browser.cdp("Browser.getVersion", json!({})).await);
    eprintln!("{:?}", browser.log("performance").await.map(|l| l.len()));
    eprintln!("{:?}", browser.log("browser").await.map(|l| l.len()));
    eprintln!("{:?}", browser.within(until(), browser.client.goto("chrome://crash")).await);
    eprintln!("{:?}", browser.script("return 1", vec![], until()).await);
    let t = Clock.instant();
    eprintln!("{:?}", browser.close().await);
    eprintln!("close {:?}", t.elapsed());
}
