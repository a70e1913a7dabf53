//! Quiet hours and maintenance, in a running agent: nobody is told meanwhile, and afterwards only what still goes on.

use std::{fs, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{agent, ask, folder, free_port, log, secrets, server::Server, until};

fn failed(id: &str) -> String {
    format!(
        r#"{{"id":"{id}","service":"shop","environment":"production","version":"{id}","state":"failed"}}"#
    )
}

#[expect(clippy::disallowed_methods, reason = "a test lives in real time")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn receiver(server: &Server, more: &str) -> String {
    format!(
        "[[receiver]]\nname = \"ops\"\nkind = \"webhook\"\nurl = \"{}\"\n{more}\n",
        server.url("/in")
    )
}

fn outbox(port: u16) -> String {
    ask(port, "GET", "/api/v1/outbox", None, "")
}

#[test]
fn nobody_is_told_in_maintenance_and_then_what_still_goes_on() {
    let (server, port) = (Server::start(), free_port());
    let end = now() + SignedDuration::from_secs(8);
    let window = format!(
        "[[maintenance]]\nname = \"upgrade\"\nfrom = {}\nto = {end:.0}\n",
        now() - SignedDuration::from_secs(60)
    );
    let dir = folder(port, &format!("{}{window}", receiver(&server, "")));
    let _running = agent(dir.path(), port, &secrets());
    log(port, &failed("1"));
    while now() < end - SignedDuration::from_secs(1) {
        assert!(server.got().is_empty(), "{:?}", server.got());
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(!outbox(port).contains("incident"));
    let told = until("the end of it", || server.got().first().cloned());
    assert!(told.body.contains("incident.opened"), "{}", told.body);
    assert!(now() >= end - SignedDuration::from_secs(1));
}

#[test]
fn quiet_hours_are_quiet_but_for_their_exceptions() {
    let (ops, graver, port) = (Server::start(), Server::start(), free_port());
    let local = now().to_zoned(TimeZone::UTC);
    let hour = |hours: i64| {
        local.checked_add(SignedDuration::from_hours(hours)).unwrap().strftime("%H:%M").to_string()
    };
    let quiet = |from: &str, to: &str, more: &str| {
        format!("quiet = [{{ from = \"{from}\", to = \"{to}\", timezone = \"UTC\"{more} }}]")
    };
    let always = quiet(&hour(-1), &hour(1), ", except = [\"failed\"]").replace("ops", "graver");
    let night = quiet(&hour(-1), &hour(1), "");
    let settings =
        [receiver(&ops, &night), receiver(&graver, &always).replace("\"ops\"", "\"graver\"")];
    let dir = folder(port, &settings.concat());
    let _running = agent(dir.path(), port, &secrets());
    log(port, &failed("1"));
    let told = until("the exception", || graver.got().first().cloned());
    assert!(told.body.contains("incident.opened"));
    std::thread::sleep(Duration::from_secs(2));
    assert!(ops.got().is_empty(), "{:?}", ops.got());
    // The night is over: the hours are others now, and what still goes on is told.
    let file = dir.path().join("wayfarer.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace(&night, &quiet(&hour(2), &hour(3), ""))).unwrap();
    let told = until("the morning", || ops.got().first().cloned());
    assert!(told.body.contains("incident.opened"), "{}", told.body);
    assert_eq!(graver.got().len(), 1);
}
