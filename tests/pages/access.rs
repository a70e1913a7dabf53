//! Who may do what, over HTTP from the real binary: every route there is, log-in, sessions and forms, as from outside through a proxy.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// An agent with three tokens, and the folder it lives in.
pub(super) struct House {
    address: String,
    agent: Option<Child>,
    folder: tempfile::TempDir,
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop();
    }
}

/// An answer: status, head, body.
pub(super) struct Answer(pub(super) u16, pub(super) String, pub(super) String);

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.1.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// What the forms of this page carry.
    fn csrf(&self) -> String {
        let (_, rest) = self.2.split_once("name=\"csrf\" value=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }

    /// The cookie that it sets, as it is sent back.
    fn cookie(&self) -> String {
        self.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    }
}

const HTML: (&str, &str) = ("accept", "text/html");
const OUTSIDE: (&str, &str) = ("x-forwarded-for", "192.0.2.7");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

impl House {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let mut settings = format!(
            "[agent]\nlisten = \"{address}\"\n[environments.production]\nbase_url = \"http://127.0.0.1:9\"\n"
        );
        for scope in ["read", "write", "admin"] {
            settings += &format!(
                "[[token]]\nname = \"{scope}er\"\nscope = \"{scope}\"\nsecret = {{ file = \"{scope}\" }}\n"
            );
            fs::write(folder.path().join(scope), format!("the-{scope}-token")).unwrap();
        }
        fs::write(folder.path().join("wayfarer.toml"), settings).unwrap();
        fs::create_dir(folder.path().join("journeys")).unwrap();
        let journey = "name = \"home\"\nservices = [\"shop\"]\nenvironments = [\"production\"]\nevery = \"24h\"\n\
             [[step]]\nname = \"open\"\n[step.http]\nurl = \"{{base_url}}/\"\n";
        fs::write(folder.path().join("journeys/home.toml"), journey).unwrap();
        let mut house = Self { address, agent: None, folder };
        house.start().await;
        let body = r#"{"id":"c1","service":"shop","environment":"production","version":"2"}"#;
        let write = ("authorization", "Bearer the-write-token");
        assert_eq!(house.ask("POST", "/api/v1/changes", &[write], body).await.0, 200);
        house
    }

    async fn start(&mut self) {
        let agent = Command::new(env!("CARGO_BIN_EXE_wayfarer"))
            .args(["agent", "--config"])
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.agent = Some(agent);
        for _ in 0..600 {
            if TcpStream::connect(&self.address).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the agent does not listen");
    }

    fn stop(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            drop(agent.kill());
            drop(agent.wait());
        }
    }

    pub(super) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let said: String = headers.iter().map(|(k, v)| format!("{k}: {v}\r\n")).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n{said}content-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        // A live stream has no end: its head is enough.
        let mut bytes = vec![0; 1 << 20];
        let mut length = 0;
        while let Ok(Ok(n)) =
            tokio::time::timeout(Duration::from_secs(20), stream.read(&mut bytes[length..])).await
        {
            length += n;
            if n == 0 || path == "/live" && length > 0 {
                break;
            }
        }
        let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer(status, head.to_owned(), body.to_owned())
    }

    /// Logs in from outside; gives the cookie.
    async fn log_in(&self, token: &str, next: &str) -> Answer {
        let page = self.ask("GET", "/login", &[HTML, OUTSIDE], "").await;
        assert_eq!(page.0, 200);
        let body = format!("csrf={}&next={next}&token={token}", page.csrf());
        self.ask("POST", "/login", &[HTML, OUTSIDE, FORM], &body).await
    }
}

/// Every route of the router, as it is written there: path and method.
fn routes() -> Vec<(String, &'static str)> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/router.rs"))
        .unwrap();
    let mut found = Vec::new();
    for piece in text.split(".route(").skip(1) {
        let Some(rest) = piece.trim_start().strip_prefix('"') else { continue };
        let (path, rest) = rest.split_once('"').unwrap();
        let end = rest.find(".route(").unwrap_or(rest.len());
        let code = rest[..end].split(".fallback").next().unwrap().split(".merge").next().unwrap();
        for method in ["get", "post", "put", "patch", "delete"] {
            if code.contains(&format!(" {method}(")) || code.contains(&format!(").{method}(")) {
                let mut plain = String::new();
                for (n, part) in path.split(['{', '}']).enumerate() {
                    plain += if n % 2 == 0 { part } else { "1" };
                }
                let method = match method {
                    "get" => "GET",
                    "post" => "POST",
                    "put" => "PUT",
                    "patch" => "PATCH",
                    _ => "DELETE",
                };
                found.push((plain, method));
            }
        }
    }
    assert!(found.len() > 40, "the router is read: {found:?}");
    assert!(found.contains(&("/api/v1/changes".to_owned(), "POST")), "{found:?}");
    found
}

#[tokio::test]
async fn no_route_is_open_that_should_not_be() {
    let house = House::new().await;
    let open = |path: &str| {
        ["/healthz", "/readyz", "/login"].contains(&path) || path.starts_with("/assets/")
    };
    let read = ("authorization", "Bearer the-read-token");
    for (path, method) in routes() {
        let sender = path.starts_with("/hooks/") || path == "/api/v1/events";
        let bare = house.ask(method, &path, &[OUTSIDE], "").await.0;
        if open(&path) && method == "GET" {
            assert!(bare != 401 && bare != 403, "{method} {path}: {bare}");
            continue;
        }
        if path == "/login" || path == "/logout" {
            assert_eq!(bare, 403, "{method} {path} without a form of ours");
            continue;
        }
        if sender {
            // What a sender asks to see whether somebody is there tells nothing.
            assert!(
                method == "GET" && bare == 200 || (400..500).contains(&bare),
                "{method} {path}: {bare}"
            );
            continue;
        }
        assert_eq!(bare, 401, "{method} {path} without a token");
        let wrong = ("authorization", "Bearer wrong");
        let wrong =
            house.ask(method, &path, &[("x-forwarded-for", "192.0.2.8"), wrong], "").await.0;
        assert!(wrong == 401 || wrong == 429, "{method} {path} with a wrong token: {wrong}");
        let reader = house.ask(method, &path, &[OUTSIDE, read], "").await.0;
        let asks = method == "GET" || path == "/api/v1/gate";
        if asks {
            assert!(
                reader != 401 && reader != 403,
                "{method} {path} with a reader's token: {reader}"
            );
        } else {
            assert_eq!(reader, 403, "{method} {path} writes, and a reader may");
        }
    }
}

#[tokio::test]
async fn people_log_in_and_out() {
    let mut house = House::new().await;
    let led = house.ask("GET", "/changes/c1?x=1", &[HTML, OUTSIDE], "").await;
    assert_eq!((led.0, led.header("location")), (303, Some("../login?next=changes%2Fc1%3Fx%3D1")));
    let program = house.ask("GET", "/api/v1/changes", &[HTML, OUTSIDE], "").await;
    assert_eq!((program.0, program.header("location")), (401, None));

    let page = house.ask("GET", "/login?next=changes%2Fc1", &[HTML, OUTSIDE], "").await;
    assert!(page.2.contains("name=\"next\" value=\"changes/c1\""), "{}", page.2);
    let elsewhere = house.ask("GET", "/login?next=%2F%2Fevil.example", &[HTML, OUTSIDE], "").await;
    assert!(elsewhere.2.contains("name=\"next\" value=\"\""), "{}", elsewhere.2);
    let body = format!("csrf={}&token=the-write-token", page.csrf());
    for strange in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let refused = house.ask("POST", "/login", &[HTML, OUTSIDE, FORM, strange], &body).await;
        assert_eq!((refused.0, refused.header("set-cookie")), (403, None), "{strange:?}");
    }
    let wrong = house.log_in("no", "").await;
    assert_eq!((wrong.0, wrong.header("set-cookie")), (401, None));
    assert!(wrong.2.contains("role=\"alert\"") && wrong.header("www-authenticate").is_none());

    let entered = house.log_in("the-write-token", "changes/c1").await;
    assert_eq!((entered.0, entered.header("location")), (303, Some("./changes/c1")));
    let said = entered.header("set-cookie").unwrap();
    for part in ["; Path=/;", "; HttpOnly", "; SameSite=Lax", "; Max-Age="] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("Secure"), "{said}");
    let (cookie, before) = (entered.cookie(), entered.cookie());
    let own = [HTML, OUTSIDE, ("cookie", cookie.as_str())];
    let page = house.ask("GET", "/changes/c1", &own, "").await;
    assert_eq!(page.0, 200);
    assert!(page.2.contains("Log out") && page.2.contains("writeer"), "{}", page.2);

    // A restart ends no session.
    house.stop();
    house.start().await;
    let own = [HTML, OUTSIDE, ("cookie", before.as_str())];
    let page = house.ask("GET", "/changes/c1", &own, "").await;
    assert_eq!(page.0, 200);

    let form = [HTML, OUTSIDE, FORM, ("cookie", cookie.as_str())];
    let without = house.ask("POST", "/logout", &form, "").await;
    assert_eq!(without.0, 403);
    let left = house.ask("POST", "/logout", &form, &format!("csrf={}", page.csrf())).await;
    assert_eq!((left.0, left.header("location")), (303, Some("./login")));
    assert!(left.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(house.ask("GET", "/changes", &own, "").await.0, 303, "the session is over");
}

#[tokio::test]
async fn a_session_may_do_what_its_token_may_and_only_by_forms_of_ours() {
    let house = House::new().await;
    let writer = house.log_in("the-write-token", "").await.cookie();
    let reader = house.log_in("the-read-token", "").await.cookie();
    let page = house.ask("GET", "/changes/c1", &[HTML, OUTSIDE, ("cookie", &writer)], "").await;
    let note =
        |csrf: &str| format!("csrf={csrf}&text=%3Cb%3Eall+good%3C%2Fb%3E%0Asecond&author=mallory");
    let form = [HTML, OUTSIDE, FORM, ("cookie", writer.as_str())];
    for csrf in ["", "x", &house.log_in("the-write-token", "").await.cookie()] {
        let refused = house.ask("POST", "/changes/c1/notes", &form, &note(csrf)).await;
        assert_eq!(refused.0, 403, "{csrf}");
    }
    let mut strange = form.to_vec();
    strange.push(("sec-fetch-site", "same-site"));
    assert_eq!(house.ask("POST", "/changes/c1/notes", &strange, &note(&page.csrf())).await.0, 403);
    let kept = house.ask("POST", "/changes/c1/notes", &form, &note(&page.csrf())).await;
    assert_eq!((kept.0, kept.header("location")), (303, Some("../c1#notes")), "{}", kept.2);
    let page = house.ask("GET", "/changes/c1", &[HTML, OUTSIDE, ("cookie", &writer)], "").await;
    assert!(page.2.contains("&lt;b&gt;all good&lt;/b&gt;\nsecond"), "{}", page.2);
    assert!(page.2.contains("<strong>writeer</strong>") && !page.2.contains("mallory"));

    let theirs = house.ask("GET", "/changes/c1", &[HTML, OUTSIDE, ("cookie", &reader)], "").await;
    let form = [HTML, OUTSIDE, FORM, ("cookie", reader.as_str())];
    let refused = house.ask("POST", "/changes/c1/notes", &form, &note(&theirs.csrf())).await;
    assert_eq!(refused.0, 403);
    assert!(refused.2.contains("Log in with another token"), "{}", refused.2);

    // The API: a cookie alone alters nothing; a script of ours shows the token of its page.
    let body = r#"{"text":"by the API"}"#;
    let path = "/api/v1/changes/c1/notes";
    let cookie = ("cookie", writer.as_str());
    assert_eq!(house.ask("POST", path, &[OUTSIDE, cookie], body).await.0, 403);
    let csrf = page.csrf();
    let shown = [OUTSIDE, cookie, ("x-csrf-token", csrf.as_str())];
    let answer = house.ask("POST", path, &shown, body).await;
    assert_eq!(answer.0, 200, "{}", answer.2);
    assert!(answer.2.contains(r#""author":"writeer""#), "{}", answer.2);

    // By the proxy's word people came by https, below a path.
    let outside =
        [HTML, OUTSIDE, FORM, ("x-forwarded-proto", "https"), ("x-forwarded-prefix", "/way")];
    let login = house.ask("GET", "/login", &[HTML, OUTSIDE], "").await;
    let body = format!("csrf={}&token=the-admin-token", login.csrf());
    let entered = house.ask("POST", "/login", &outside, &body).await;
    let said = entered.header("set-cookie").unwrap();
    assert!(said.contains("; Path=/way/;") && said.ends_with("; Secure"), "{said}");

    // A token with another value ends its sessions.
    fs::write(house.folder.path().join("write"), "another-token").unwrap();
    let pid = rustix::process::Pid::from_child(house.agent.as_ref().unwrap());
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    for n in 0..100 {
        let answer = house.ask("GET", "/changes", &[HTML, OUTSIDE, cookie], "").await.0;
        if answer == 303 {
            break;
        }
        assert!(n < 99, "the session lives on");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let reader = [HTML, OUTSIDE, ("cookie", reader.as_str())];
    assert_eq!(house.ask("GET", "/changes", &reader, "").await.0, 200);
}

#[tokio::test]
async fn guessing_is_slow_and_holds_nobody_else_up() {
    let house = House::new().await;
    let known = ("authorization", "Bearer the-read-token");
    assert_eq!(house.ask("GET", "/api/v1/changes", &[OUTSIDE, known], "").await.0, 200);
    let mut refused = None;
    for n in 0..40 {
        let guess = format!("Bearer guess-{n}");
        let guess = ("authorization", guess.as_str());
        let answer = house.ask("GET", "/api/v1/changes", &[OUTSIDE, guess], "").await;
        if answer.0 == 429 {
            refused = Some((n, answer));
            break;
        }
        assert_eq!(answer.0, 401);
    }
    let (n, answer) = refused.unwrap();
    assert!(n >= 5 && answer.header("retry-after").is_some(), "{n}");
    // Whoever showed it before goes on; a new one waits, from there; from elsewhere all is well.
    assert_eq!(house.ask("GET", "/api/v1/changes", &[OUTSIDE, known], "").await.0, 200);
    let page = house.ask("GET", "/login", &[HTML, OUTSIDE], "").await;
    let body = format!("csrf={}&token=the-admin-token", page.csrf());
    let waits = house.ask("POST", "/login", &[HTML, OUTSIDE, FORM], &body).await;
    if waits.0 == 303 {
        println!("skipped: this machine took longer than the wait of a second");
        return;
    }
    assert_eq!((waits.0, waits.header("set-cookie")), (429, None));
    assert!(waits.2.contains("wait"), "{}", waits.2);
    let other = [HTML, ("x-forwarded-for", "203.0.113.9"), FORM];
    assert_eq!(house.ask("POST", "/login", &other, &body).await.0, 303);
}

#[tokio::test]
async fn notes_and_words_on_a_change_are_altered_with_a_trace() {
    let house = House::new().await;
    let writer = house.log_in("the-write-token", "").await.cookie();
    let admin = house.log_in("the-admin-token", "").await.cookie();
    let page = |cookie: String| {
        let house = &house;
        async move { house.ask("GET", "/changes/c1", &[HTML, OUTSIDE, ("cookie", &cookie)], "").await }
    };
    let form = |cookie: &'static str| [HTML, OUTSIDE, FORM, ("cookie", cookie)];
    let (own, chief): (&'static str, &'static str) = (writer.clone().leak(), admin.clone().leak());
    let (csrf, chiefs) = (page(writer.clone()).await.csrf(), page(admin.clone()).await.csrf());
    for (text, by, csrf) in [("first", own, &csrf), ("second", chief, &chiefs)] {
        let body = format!("csrf={csrf}&text={text}");
        assert_eq!(house.ask("POST", "/changes/c1/notes", &form(by), &body).await.0, 303);
    }
    // The writer may alter the first, not the administrator's; and only by a form of the page.
    let shown = page(writer.clone()).await.2;
    assert!(shown.contains("action=\"../changes/c1/notes/1\""), "{shown}");
    assert!(!shown.contains("action=\"../changes/c1/notes/2\""), "{shown}");
    let anew = |csrf: &str| format!("csrf={csrf}&text=better&do=save");
    for (note, csrf, status) in [("1", "", 403), ("2", csrf.as_str(), 403), ("9", &csrf, 404)] {
        let path = format!("/changes/c1/notes/{note}");
        let answer = house.ask("POST", &path, &form(own), &anew(csrf)).await;
        assert_eq!(answer.0, status, "{note} {csrf}: {}", answer.2);
    }
    let saved = house.ask("POST", "/changes/c1/notes/1", &form(own), &anew(&csrf)).await;
    assert_eq!((saved.0, saved.header("location")), (303, Some("../../c1#notes")));
    let shown = page(writer.clone()).await.2;
    assert!(shown.contains(">better</p>") && shown.contains("written anew by"), "{shown}");
    let gone = format!("csrf={chiefs}&do=remove");
    assert_eq!(house.ask("POST", "/changes/c1/notes/1", &form(chief), &gone).await.0, 303);
    let shown = page(writer.clone()).await.2;
    assert!(!shown.contains("better") && shown.contains("removed by <strong>adminer"), "{shown}");
    let write = [OUTSIDE, ("authorization", "Bearer the-write-token")];
    let again = house.ask("DELETE", "/api/v1/changes/c1/notes/1", &write, "").await;
    assert_eq!(again.0, 404, "{}", again.2);
    let theirs = house.ask("DELETE", "/api/v1/changes/c1/notes/2", &write, "").await;
    assert_eq!(theirs.0, 403, "{}", theirs.2);

    // A person calls it failed, and takes it back: both are kept.
    let said = format!("csrf={csrf}&failed=yes&why=orders+were+lost");
    let answer = house.ask("POST", "/changes/c1/outcome", &form(own), &said).await;
    assert_eq!((answer.0, answer.header("location")), (303, Some("../c1#said")), "{}", answer.2);
    let delivery = "/api/v1/delivery?span=7d";
    let failed = house.ask("GET", delivery, &write, "").await;
    assert!(failed.2.contains("writeer says that it failed: orders were lost"), "{}", failed.2);
    let back = house.ask("POST", "/api/v1/changes/c1/outcome", &write, r#"{"failed":null}"#).await;
    assert_eq!(back.0, 200, "{}", back.2);
    let unsaid = house.ask("POST", "/api/v1/changes/c1/outcome", &write, r#"{"why":"x"}"#).await;
    assert_eq!(unsaid.0, 400, "{}", unsaid.2);
    assert!(!house.ask("GET", delivery, &write, "").await.2.contains("orders were lost"));
    let kept = house.ask("GET", "/api/v1/changes/c1/outcome", &write, "").await;
    assert!(kept.2.starts_with(r#"{"failed":null,"#) && kept.2.contains("orders were lost"));
}

#[tokio::test]
async fn pages_are_compressed_for_those_who_can_read_that() {
    let house = House::new().await;
    let gzip = ("accept-encoding", "gzip, br");
    for path in ["/", "/assets/style.css", "/api/v1/changes", "/metrics"] {
        let plain = house.ask("GET", path, &[HTML], "").await;
        assert_eq!((plain.0, plain.header("content-encoding")), (200, None), "{path}");
        let packed = house.ask("GET", path, &[HTML, gzip], "").await;
        assert_eq!((packed.0, packed.header("content-encoding")), (200, Some("gzip")), "{path}");
        let varies = packed.header("vary").unwrap_or_default();
        assert!(varies.contains("accept-encoding"), "{path}: {varies}");
    }
    // What is live must not wait for more to compress.
    let live = house.ask("GET", "/live", &[gzip], "").await;
    assert_eq!((live.0, live.header("content-encoding")), (200, None));
    // The same form carries another text each time, so that its length on the wire tells nothing of it.
    let page = |_| house.ask("GET", "/login", &[HTML], "");
    assert_ne!(page(1).await.csrf(), page(2).await.csrf());
}
