//! Sessions that journeys share: opened once, renewed once, never across environments.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinSet;
use wayfarer::{
    engine::Engine,
    model::{FaultKind, Journey, Outcome, Run, StepOutcome},
};

use crate::{
    flow::{journeys, to},
    journey::{engine, failed, is_consistent, passed},
    site::{Asked, Reply, Site, answer},
};

const LOGIN: &str = r#"
inputs = ["password"]
outputs = ["token"]
EXPIRY
[[step]]
name = "send"
[step.http]
method = "POST"
url = "{{base_url}}/login"
form = { user = "{{user}}", password = "{{password}}" }
[step.capture]
token = { jsonpath = "$.token", secret = true }
"#;

const ACCOUNT: &str = r#"
setup = { use = "login", with = { password = "{{password}}" } }
[[step]]
name = "account"
[step.http]
url = "{{base_url}}/account"
headers = { authorization = "Bearer {{token}}" }
"#;

/// A site whose tokens can be taken back.
#[derive(Default)]
struct Accounts {
    logins: AtomicUsize,
    good: Mutex<BTreeSet<String>>,
    down: AtomicUsize,
}

impl Accounts {
    fn reply(&self, asked: &Asked) -> Reply {
        if asked.path == "/login" {
            let nth = self.logins.fetch_add(1, Ordering::SeqCst) + 1;
            if self.down.load(Ordering::SeqCst) > 0 {
                return Reply::Later(
                    Duration::from_millis(100),
                    b"HTTP/1.1 503 X\r\ncontent-length: 4\r\n\r\ndown".to_vec(),
                );
            }
            let token = format!("token-{nth}-abcdef");
            self.good.lock().unwrap().insert(token.clone());
            let cookie = format!("set-cookie: sid=session-{nth}; Path=/");
            let Reply::Bytes(bytes) = answer(200, &[&cookie], format!("{{\"token\":\"{token}\"}}"))
            else {
                panic!()
            };
            // Slow enough for others to come meanwhile.
            return Reply::Later(Duration::from_millis(60), bytes);
        }
        let token = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let cookie = asked.header("cookie").unwrap_or_default();
        let nth = token.and_then(|token| token.split('-').nth(1)).unwrap_or("none");
        let known = token.is_some_and(|token| self.good.lock().unwrap().contains(token));
        if known && cookie.contains(&format!("sid=session-{nth}")) {
            answer(200, &["set-cookie: seen=1"], "{\"hello\":\"probe\"}")
        } else {
            answer(401, &[], "who are you?")
        }
    }

    async fn start() -> (Arc<Self>, Site) {
        let accounts = Arc::new(Self::default());
        let own = Arc::clone(&accounts);
        let site = Site::start(None, move |asked| own.reply(asked)).await;
        (accounts, site)
    }

    fn logins(&self) -> usize {
        self.logins.load(Ordering::SeqCst)
    }
}

fn account(expiry: &str) -> Arc<Journey> {
    let login = LOGIN.replace("EXPIRY", expiry);
    Arc::new(journeys(&[("j", ACCOUNT), ("login", &login)]).remove(0))
}

/// Many journeys at once, of different names.
async fn crowd(
    engine: &Engine,
    site: &Site,
    journey: &Arc<Journey>,
    environment: &str,
) -> Vec<Run> {
    let mut runs = JoinSet::new();
    for nth in 0..30 {
        let own = Journey { name: format!("j-{nth}").into(), ..(**journey).clone() };
        runs.spawn(engine.walk(to(site, &Arc::new(own), environment)));
    }
    let runs = runs.join_all().await;
    runs.iter().for_each(is_consistent);
    runs
}

#[tokio::test]
async fn many_journeys_share_one_session_in_one_environment() {
    let (accounts, site) = Accounts::start().await;
    let (engine, journey) = (engine(vec![]), account(""));
    for run in crowd(&engine, &site, &journey, "production").await {
        passed(&run);
        assert_eq!(run.steps.len(), 1, "the setup is no part of the journey: {run:?}");
        assert!(run.steps[0].retries.is_empty());
        assert_eq!(run.duration, run.steps[0].duration, "nor is its time: {run:?}");
        let json = serde_json::to_string(&run).unwrap();
        assert!(!json.contains("abcdef"), "a shared secret is masked: {json}");
    }
    assert_eq!(accounts.logins(), 1);
    // Another environment has a session of its own.
    crowd(&engine, &site, &journey, "staging").await.iter().for_each(passed);
    assert_eq!(accounts.logins(), 2);
    // So has another password.
    let mut other = to(&site, &journey, "production");
    other.vars.insert("password".to_owned(), "another1".to_owned());
    passed(&engine.walk(other).await);
    assert_eq!(accounts.logins(), 3);
}

#[tokio::test]
async fn a_token_that_expires_between_runs_is_renewed_once_for_all() {
    let (accounts, site) = Accounts::start().await;
    let (engine, journey) = (engine(vec![]), account(""));
    crowd(&engine, &site, &journey, "production").await.iter().for_each(passed);
    assert_eq!(accounts.logins(), 1);
    accounts.good.lock().unwrap().clear();
    let runs = crowd(&engine, &site, &journey, "production").await;
    let mut renewed = 0;
    for run in &runs {
        passed(run);
        if let [attempt] = &run.steps[0].retries[..] {
            renewed += 1;
            assert_eq!(attempt.status, Some(401));
            assert_eq!(
                attempt.reason,
                "status 401: the shared session had expired and was renewed"
            );
        }
    }
    assert!(renewed > 0);
    assert_eq!(accounts.logins(), 2, "one renewal at a time, and one is enough");
}

#[tokio::test]
async fn a_session_ends_when_its_part_says_so() {
    let (accounts, site) = Accounts::start().await;
    let (engine, journey) = (engine(vec![]), account("expires_after = \"150ms\""));
    for logins in [1, 1, 2] {
        passed(&engine.walk(to(&site, &journey, "production")).await);
        assert_eq!(accounts.logins(), logins);
        tokio::time::sleep(Duration::from_millis(if logins == 1 { 70 } else { 0 })).await;
    }
    // An output called `expires` does the same.
    let login = LOGIN
        .replace("EXPIRY", "")
        .replace("outputs = [\"token\"]", "outputs = [\"token\", \"expires\"]")
        + "expires = { header = \"x-expires\" }\n";
    let site = Site::start(None, {
        let accounts = Arc::clone(&accounts);
        move |asked| match accounts.reply(asked) {
            Reply::Later(_, bytes) => {
                let text = String::from_utf8(bytes).unwrap();
                Reply::Bytes(text.replacen("\r\n", "\r\nx-expires: 0\r\n", 1).into_bytes())
            }
            other => other,
        }
    })
    .await;
    let journey = Arc::new(journeys(&[("j", ACCOUNT), ("login", &login)]).remove(0));
    let before = accounts.logins();
    for more in 1..=2 {
        passed(&engine.walk(to(&site, &journey, "production")).await);
        assert_eq!(accounts.logins(), before + more);
    }
}

#[tokio::test]
async fn a_login_that_is_down_fails_the_runs_at_its_step_and_is_not_asked_once_for_each() {
    let (accounts, site) = Accounts::start().await;
    accounts.down.store(1, Ordering::SeqCst);
    let (engine, journey) = (engine(vec![]), account(""));
    let runs = crowd(&engine, &site, &journey, "production").await;
    for run in &runs {
        let failure = failed(run, FaultKind::Status);
        assert_eq!(failure.step.as_str(), "login: send");
        let outcomes: Vec<_> = run.steps.iter().map(|step| step.outcome).collect();
        assert_eq!(outcomes, [StepOutcome::Failed, StepOutcome::Skipped]);
        let evidence = run.evidence.as_ref().unwrap();
        assert_eq!(evidence.exchanges[0].response_body.as_deref(), Some("down"));
        assert!(!serde_json::to_string(run).unwrap().contains("hunter22"));
    }
    assert!(accounts.logins() <= 2, "{} logins", accounts.logins());
    accounts.down.store(0, Ordering::SeqCst);
    passed(&engine.walk(to(&site, &journey, "production")).await);
}

#[tokio::test]
async fn a_401_that_no_session_cures_counts_as_it_is() {
    let (accounts, site) = Accounts::start().await;
    let (engine, journey) = (engine(vec![]), account(""));
    passed(&engine.walk(to(&site, &journey, "production")).await);
    let forbidden = Arc::new(Journey {
        name: "forbidden".into(),
        ..journeys(&[
            ("j", &ACCOUNT.replace("Bearer {{token}}", "Bearer x{{token}}")),
            ("login", &LOGIN.replace("EXPIRY", "")),
        ])
        .remove(0)
    });
    let run = engine.walk(to(&site, &forbidden, "production")).await;
    assert_eq!(failed(&run, FaultKind::Status).actual.as_deref(), Some("401"));
    assert_eq!(run.steps[0].retries.len(), 1);
    assert_eq!(accounts.logins(), 2);
    // It does not ask again and again: the others would lose their session each time.
    let run = engine.walk(to(&site, &forbidden, "production")).await;
    let message = &failed(&run, FaultKind::Status).message;
    assert!(
        message.ends_with("the session of setup `login` is new: it was not renewed"),
        "{message}"
    );
    assert_eq!(accounts.logins(), 2);
    // When the login is down, the 401 stays what failed.
    accounts.good.lock().unwrap().clear();
    accounts.down.store(1, Ordering::SeqCst);
    let run = engine.walk(to(&site, &journey, "production")).await;
    let Outcome::Failed(failure) = &run.outcome else { panic!("{run:?}") };
    assert_eq!(failure.step.as_str(), "account");
    assert!(failure.message.contains("could not be renewed: expected a 2xx status, got 503"));
}
