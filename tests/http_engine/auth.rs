//! Credentials: what servers see of them, and that nobody else does.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use md5::Md5;
use sha2::{Digest, Sha256};
use wayfarer::model::{
    Auth, Aws, FaultKind, OAuth2, Predicate, Query, Run, SecretStyle, Step, Text,
};

use crate::{
    journey::{Values, With, engine, failed, get, hops, passed, walk_with},
    site::{Asked, Reply, Site, answer},
};

const PASSWORD: &str = "p&ss \"wörd\"";

fn text(text: &str) -> Text {
    Text::from(text)
}

fn with_auth(url: impl Into<String>, auth: Auth) -> Step {
    get(url).http(|http| http.auth = Some(auth))
}

fn values() -> Values<'static> {
    Values {
        vars: &[("user", "Mufasa")],
        secrets: &[
            ("password", PASSWORD),
            ("client_secret", "s3cret/of+client"),
            ("refresh", "refresh-0000"),
            ("totp_secret", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
        ],
        ..Values::default()
    }
}

fn unseen(run: &Run, secrets: &[&str]) {
    let json = serde_json::to_string(run).unwrap();
    for secret in secrets {
        assert!(!json.contains(secret), "{secret} in {json}");
    }
}

#[tokio::test]
async fn basic_and_bearer() {
    let site = Site::start(None, |asked| {
        answer(500, &[], asked.header("authorization").unwrap_or_default())
    })
    .await;
    let url = format!("http://shop.test:{}/", site.port());
    let basic = Auth::Basic { user: text("{{user}}"), password: text("{{password}}") };
    let run = walk_with(&engine(vec![]), vec![with_auth(url.clone(), basic)], &values()).await;
    let pair = BASE64_STANDARD.encode(format!("Mufasa:{PASSWORD}"));
    assert_eq!(site.asked()[0].header("authorization"), Some(format!("Basic {pair}").as_str()));
    unseen(&run, &[&pair, "wörd"]);
    // What is not a secret of the environment is one as soon as it is sent as one.
    let bearer = Auth::Bearer(text("plain-{{user}}-token"));
    let run = walk_with(&engine(vec![]), vec![with_auth(url, bearer)], &values()).await;
    assert_eq!(site.asked()[1].header("authorization"), Some("Bearer plain-Mufasa-token"));
    unseen(&run, &["plain-Mufasa-token"]);
    assert!(serde_json::to_string(&run.evidence).unwrap().contains("Bearer ***"));
}

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let other = Site::start(None, |asked| {
        let back = format!("location: {}", asked.header("x-back").unwrap_or("/end"));
        if asked.path == "/end" { answer(200, &[], "") } else { answer(302, &[&back], "") }
    })
    .await;
    let there = format!("location: http://other.test:{}/there", other.port());
    let site = Site::start(None, move |asked| match asked.path.as_str() {
        "/" => answer(302, &["location: /same"], ""),
        "/same" => answer(302, &[&there], ""),
        _ => answer(200, &[], ""),
    })
    .await;
    let url = format!("http://shop.test:{}/", site.port());
    let aws = Auth::Aws(Box::new(Aws {
        access_key: text("AKID"),
        secret_key: text("{{password}}"),
        session_token: Some(text("{{refresh}}")),
        region: text("eu-central-1"),
        service: text("execute-api"),
    }));
    for auth in [Auth::Bearer(text("token-of-{{user}}")), aws] {
        let step = with_auth(url.clone(), auth);
        passed(&walk_with(&engine(vec![]), vec![step], &values()).await);
    }
    let asked = site.asked();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(|a| a.header("authorization").is_some()));
    assert_ne!(asked[2].header("authorization"), asked[3].header("authorization"), "signed anew");
    for asked in other.asked() {
        for name in ["authorization", "x-amz-date", "x-amz-security-token"] {
            assert_eq!(asked.header(name), None, "{}", asked.head);
        }
    }
}

/// The parameters of an `Authorization: Digest` header.
fn parameters(asked: &Asked) -> Option<BTreeMap<String, String>> {
    let rest = asked.header("authorization")?.strip_prefix("Digest ")?.to_owned();
    let pairs = rest.split(", ").map(|pair| pair.split_once('=').unwrap());
    Some(pairs.map(|(k, v)| (k.to_owned(), v.trim_matches('"').to_owned())).collect())
}

fn hash(algorithm: &str, text: &str) -> String {
    let bytes = if algorithm.starts_with("SHA-256") {
        Sha256::digest(text.as_bytes()).to_vec()
    } else {
        Md5::digest(text.as_bytes()).to_vec()
    };
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What the server reckons the response must be.
fn expected(asked: &Asked, got: &BTreeMap<String, String>, algorithm: &str) -> String {
    let h = |text: &str| hash(algorithm, text);
    let (nonce, cnonce) = (&got["nonce"], &got["cnonce"]);
    let mut ha1 = h(&format!("Mufasa:the realm:{PASSWORD}"));
    if algorithm.ends_with("-sess") {
        ha1 = h(&format!("{ha1}:{nonce}:{cnonce}"));
    }
    let ha2 = h(&format!("{}:{}", asked.method, asked.path));
    h(&format!("{ha1}:{nonce}:{}:{cnonce}:auth:{ha2}", got["nc"]))
}

#[tokio::test]
async fn digest_with_a_nonce_that_is_used_again_and_grows_old() {
    for algorithm in ["MD5", "SHA-256", "SHA-256-sess", "MD5-sess"] {
        let seen: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let log = Arc::clone(&seen);
        let site = Site::start(None, move |asked| {
            let challenge = |nonce: &str, stale: &str| {
                format!(
                    "www-authenticate: Digest realm=\"the realm\", nonce=\"{nonce}\", qop=\"auth\", algorithm={algorithm}{stale}"
                )
            };
            let Some(got) = parameters(asked) else {
                return answer(401, &[&challenge("n1", "")], "");
            };
            if got["response"] != expected(asked, &got, algorithm) {
                return answer(403, &[], "wrong");
            }
            let mut log = log.lock().unwrap();
            log.push((got["nonce"].clone(), got["nc"].clone()));
            if log.len() == 3 {
                return answer(401, &[&challenge("n2", ", stale=true")], "");
            }
            answer(200, &[], "in")
        })
        .await;
        let url = format!("http://shop.test:{}/dir?a=b", site.port());
        let login = || Auth::Digest { user: text("{{user}}"), password: text("{{password}}") };
        let redirects = Predicate::Equals(wayfarer::model::Literal::Number(0.0));
        let steps = (0..3)
            .map(|_| {
                with_auth(url.clone(), login())
                    .http(|http| http.redirects = 1)
                    .expect(Query::redirects(), redirects.clone())
                    .expect(Query::status(), crate::journey::status(200.0))
            })
            .collect();
        let run = walk_with(&engine(vec![]), steps, &values()).await;
        passed(&run);
        assert_eq!(run.steps.iter().map(|s| s.hops.len()).collect::<Vec<_>>(), [2, 1, 2]);
        let pair = |nonce: &str, count: &str| (nonce.to_owned(), count.to_owned());
        assert_eq!(
            *seen.lock().unwrap(),
            [
                pair("n1", "00000001"),
                pair("n1", "00000002"),
                pair("n1", "00000003"),
                pair("n2", "00000001")
            ],
            "{algorithm}"
        );
    }
}

#[tokio::test]
async fn a_digest_that_is_refused_is_not_tried_for_ever_and_never_shown() {
    let site = Site::start(None, |asked| {
        let challenge =
            "www-authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", stale=true";
        answer(401, &[challenge], asked.header("authorization").unwrap_or_default())
    })
    .await;
    let login = Auth::Digest { user: text("u"), password: text("{{password}}") };
    let step = with_auth(format!("http://shop.test:{}/", site.port()), login);
    let run = walk_with(&engine(vec![]), vec![step], &values()).await;
    failed(&run, FaultKind::Status);
    assert_eq!(hops(&run).len(), 3);
    let response = parameters(&site.asked()[2]).unwrap()["response"].clone();
    unseen(&run, &[&response]);
}

/// A token endpoint and an API in one; the counter counts tokens.
async fn api(life: u64, fetched: Arc<AtomicUsize>) -> Site {
    Site::start(None, move |asked| {
        if asked.path != "/token" {
            let good = asked.header("authorization").is_some_and(|a| {
                a.strip_prefix("Bearer access-").is_some_and(|n| n != "revoked")
            });
            return answer(if good { 200 } else { 401 }, &[], "");
        }
        let form: BTreeMap<String, String> =
            url::form_urlencoded::parse(asked.body.as_bytes()).into_owned().collect();
        let basic = BASE64_STANDARD.encode("probe:s3cret%2Fof%2Bclient");
        let by_header = asked.header("authorization") == Some(format!("Basic {basic}").as_str());
        let by_body = form.get("client_secret").is_some_and(|s| s == "s3cret/of+client");
        if !by_header && !by_body {
            let error = "{\"error\":\"invalid_client\",\"error_description\":\"no s3cret/of+client\"}";
            return answer(401, &[], error);
        }
        let number = fetched.fetch_add(1, Ordering::SeqCst);
        let scope = form.get("scope").map_or("none", String::as_str);
        let grant = form.get("grant_type").map_or("none", String::as_str);
        if grant == "refresh_token" && form["refresh_token"] != format!("refresh-{number:04}") {
            return answer(400, &[], "{\"error\":\"invalid_grant\"}");
        }
        let next = number + 1;
        answer(
            200,
            &["set-cookie: sid=of-the-token-server"],
            format!(
                "{{\"access_token\":\"access-{number}-{scope}\",\"token_type\":\"Bearer\",\"expires_in\":{life},\"refresh_token\":\"refresh-{next:04}\"}}"
            ),
        )
    })
    .await
}

fn client(site: &Site, change: impl FnOnce(&mut OAuth2)) -> Auth {
    let mut client = OAuth2 {
        token_url: Text(format!("http://shop.test:{}/token", site.port())),
        client_id: text("probe"),
        client_secret: Some(text("{{client_secret}}")),
        scope: None,
        audience: None,
        refresh_token: None,
        style: SecretStyle::Basic,
    };
    change(&mut client);
    Auth::OAuth2(Box::new(client))
}

#[tokio::test]
async fn a_token_is_fetched_once_for_many_runs_and_is_nobodys_time() {
    let fetched = Arc::new(AtomicUsize::new(0));
    let site = api(3600, Arc::clone(&fetched)).await;
    let url = format!("http://shop.test:{}/api", site.port());
    let engine = engine(vec![]);
    let steps = |auth: &Auth| vec![with_auth(url.clone(), auth.clone()); 2];
    let auth = client(&site, |_| {});
    for _ in 0..3 {
        let run = walk_with(&engine, steps(&auth), &values()).await;
        passed(&run);
        // The first hop pays for its connection, whether a token was fetched or not, and no cookie came along.
        assert_eq!(hops(&run).iter().map(|h| h.reused).collect::<Vec<_>>(), [false, true]);
        unseen(&run, &["access-0"]);
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
    assert!(site.asked().iter().all(|asked| asked.header("cookie").is_none()));
    let scoped = client(&site, |c| {
        c.scope = Some(text("read"));
        c.style = SecretStyle::Body;
    });
    passed(&walk_with(&engine, steps(&scoped), &values()).await);
    assert_eq!(fetched.load(Ordering::SeqCst), 2, "another scope is another token");
    passed(&walk_with(&crate::journey::engine(vec![]), steps(&auth), &values()).await);
    assert_eq!(fetched.load(Ordering::SeqCst), 3, "another engine keeps its own");
}

#[tokio::test]
async fn a_token_that_has_expired_is_fetched_again_and_refresh_tokens_rotate() {
    let fetched = Arc::new(AtomicUsize::new(0));
    let site = api(0, Arc::clone(&fetched)).await;
    let url = format!("http://shop.test:{}/api", site.port());
    let auth = client(&site, |c| c.refresh_token = Some(text("{{refresh}}")));
    let engine = engine(vec![]);
    for _ in 0..3 {
        let step = with_auth(url.clone(), auth.clone());
        let run = walk_with(&engine, vec![step], &values()).await;
        passed(&run);
        unseen(&run, &["refresh-000"]);
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_at_once_share_one_fetch() {
    let fetched = Arc::new(AtomicUsize::new(0));
    let site = api(3600, Arc::clone(&fetched)).await;
    let auth = client(&site, |_| {});
    let engine = engine(vec![]);
    let mut runs = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (engine, auth) = (engine.clone(), auth.clone());
        let url = format!("http://shop.test:{}/api", site.port());
        runs.spawn(async move { walk_with(&engine, vec![with_auth(url, auth)], &values()).await });
    }
    while let Some(run) = runs.join_next().await {
        passed(&run.unwrap());
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
}

/// Refuses every token but the newest with `status`, and everything below `/never`.
async fn forgetful(status: u16, head: &'static str, fetched: &Arc<AtomicUsize>) -> Site {
    let counter = Arc::clone(fetched);
    Site::start(None, move |asked| {
        if asked.path == "/token" {
            let number = counter.fetch_add(1, Ordering::SeqCst);
            return answer(
                200,
                &[],
                format!("{{\"access_token\":\"access-{number}\",\"expires_in\":600}}"),
            );
        }
        let number = counter.load(Ordering::SeqCst);
        let fresh = format!("Bearer access-{}", number.saturating_sub(1));
        let revoked = asked.path == "/never" || asked.path == "/revoked" && number < 2;
        let good = asked.header("authorization") == Some(fresh.as_str()) && !revoked;
        answer(if good { 200 } else { status }, &[head], "")
    })
    .await
}

#[tokio::test]
async fn a_kept_token_that_was_revoked_is_replaced_once() {
    for status in [401, 403] {
        let fetched = Arc::new(AtomicUsize::new(0));
        let site = forgetful(status, "x-a: b", &fetched).await;
        let engine = engine(vec![]);
        let auth = client(&site, |_| {});
        let step =
            |path: &str| with_auth(format!("http://shop.test:{}{path}", site.port()), auth.clone());
        passed(&walk_with(&engine, vec![step("/")], &values()).await);
        let run = walk_with(&engine, vec![step("/revoked")], &values()).await;
        passed(&run);
        assert_eq!(hops(&run).len(), 2, "the refusal is told");
        assert_eq!(fetched.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test]
async fn a_403_that_is_not_the_tokens_fault_is_left_alone() {
    let narrow = "www-authenticate: Bearer error=\"insufficient_scope\"";
    for (head, most) in [(narrow, 1), ("x-a: b", 2)] {
        let fetched = Arc::new(AtomicUsize::new(0));
        let site = forgetful(403, head, &fetched).await;
        let engine = engine(vec![]);
        let auth = client(&site, |_| {});
        let step =
            |path: &str| with_auth(format!("http://shop.test:{}{path}", site.port()), auth.clone());
        for _ in 0..3 {
            passed(&walk_with(&engine, vec![step("/")], &values()).await);
            failed(&walk_with(&engine, vec![step("/never")], &values()).await, FaultKind::Status);
        }
        assert_eq!(fetched.load(Ordering::SeqCst), most);
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_had_fails_the_step_and_shows_why() {
    let site = api(3600, Arc::default()).await;
    let wrong = client(&site, |c| c.client_secret = Some(text("x{{client_secret}}")));
    let step = with_auth(format!("http://shop.test:{}/api", site.port()), wrong);
    let run = walk_with(&engine(vec![]), vec![step], &values()).await;
    let failure = failed(&run, FaultKind::Status);
    let port = site.port();
    assert_eq!(
        failure.message,
        format!("no token from http://shop.test:{port}/token: status 401: invalid_client (no ***)")
    );
    assert_eq!(hops(&run).len(), 1, "the fetch that failed is a hop of its step");
    assert!(run.evidence.is_some());
    unseen(&run, &["s3cret", &BASE64_STANDARD.encode("probe:xs3cret%2Fof%2Bclient")]);
    let nobody = client(&site, |c| c.token_url = text("http://shop.test:1/token"));
    let step = with_auth(format!("http://shop.test:{}/api", site.port()), nobody);
    let run = walk_with(&engine(vec![]), vec![step], &values()).await;
    let failure = failed(&run, FaultKind::Connect);
    assert!(failure.message.contains("refused the connection"), "{}", failure.message);
}

#[tokio::test]
async fn aws_signs_what_is_sent() {
    let site = Site::start(None, |asked| {
        answer(500, &[], asked.header("authorization").unwrap_or_default())
    })
    .await;
    let aws = Auth::Aws(Box::new(Aws {
        access_key: text("AKIDEXAMPLE"),
        secret_key: text("{{password}}"),
        session_token: None,
        region: text("us-east-1"),
        service: text("s3"),
    }));
    let step = with_auth(format!("http://shop.test:{}/a b?x=1", site.port()), aws);
    let run = walk_with(&engine(vec![]), vec![step], &values()).await;
    let asked = &site.asked()[0];
    let header = asked.header("authorization").unwrap();
    assert!(header.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{header}");
    assert!(header.contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature="));
    let date = asked.header("x-amz-date").unwrap();
    assert!(header.contains(&date[..8]) && date.ends_with('Z') && date.len() == 16, "{date}");
    let signature = header.rsplit('=').next().unwrap();
    assert_eq!(signature.len(), 64);
    unseen(&run, &[signature]);
}

#[tokio::test]
async fn one_time_codes_are_masked() {
    let codes: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&codes);
    let site = Site::start(None, move |asked| {
        let code = asked.header("x-code").unwrap_or_default().to_owned();
        log.lock().unwrap().push(code.clone());
        let echo = format!("x-echo: {code}");
        answer(500, &[&echo], format!("code={code}"))
    })
    .await;
    let step = get(format!("http://shop.test:{}/{{{{totp totp_secret}}}}", site.port()))
        .header("X-Code", "{{totp totp_secret digits=8}}");
    let run = walk_with(&engine(vec![]), vec![step], &values()).await;
    failed(&run, FaultKind::Status);
    let code = codes.lock().unwrap()[0].clone();
    assert!(code.len() == 8 && code.bytes().all(|b| b.is_ascii_digit()), "{code}");
    let in_path = site.asked()[0].path.trim_start_matches('/').to_owned();
    assert_eq!(in_path.len(), 6);
    unseen(&run, &[&code, &format!("/{in_path}")]);
}

#[tokio::test]
async fn a_secret_that_is_no_totp_secret_is_our_trouble() {
    let step = get("http://shop.test:1/{{totp password}}");
    let run = walk_with(&engine(vec![]), vec![step], &values()).await;
    let reason = crate::journey::broken(&run);
    assert!(reason.contains("the secret is not base32") && !reason.contains("wörd"), "{reason}");
}

#[tokio::test]
async fn a_server_that_hangs_as_it_gives_tokens_ends_with_the_step() {
    let site = Site::start(None, |_| Reply::Hang(Vec::new())).await;
    let step = with_auth(format!("http://shop.test:{}/api", site.port()), client(&site, |_| {}))
        .within(std::time::Duration::from_millis(200));
    let run = walk_with(&engine(vec![]), vec![step], &values()).await;
    let failure = failed(&run, FaultKind::Timeout);
    assert!(failure.message.contains("/token: the step's deadline of 200ms passed"), "{failure:?}");
}
