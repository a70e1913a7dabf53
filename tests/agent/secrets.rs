//! No secret in anything an agent keeps, says or shows: data file, log, metrics, pages, API, terminal, JUnit.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    thread,
};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};

use super::support::{Site, eventually};

/// From the environment: with everything that some encoding changes.
const FROM_ENV: &str = "p&ss \"wörd\"/+%41";
/// From a file: it overlaps the one before.
const FROM_FILE: &str = "%41-and-more-of-it";
/// From a command.
const FROM_COMMAND: &str = "sk_live_0123456789abcdefGHIJ";
/// Captured as `secret`.
const CAPTURED: &str = "session-t0ken-4711";
/// In the host of the environment's address.
const HOST: &str = "127.0.0.1";

/// Every way in which a text may stand somewhere.
fn spoken(secret: &str) -> Vec<String> {
    let mut forms = plain_forms(secret);
    for before in ["", "u", "us"] {
        forms.push(BASE64_STANDARD.encode(format!("{before}{secret}")));
        forms.push(BASE64_URL_SAFE_NO_PAD.encode(format!("{before}{secret}")));
    }
    forms
}

/// What must not be found of it: of base64 the characters that hold nothing of what is beside the secret.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = plain_forms(secret);
    for before in ["", "u", "us"] {
        let whole = format!("{before}{secret}");
        let inner = |text: String| text[4..text.len() - 4].to_owned();
        forms.push(inner(BASE64_STANDARD.encode(&whole)));
        forms.push(inner(BASE64_URL_SAFE_NO_PAD.encode(&whole)));
    }
    forms
}

fn plain_forms(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).unwrap();
    let bytes = secret.as_bytes();
    vec![
        secret.to_owned(),
        json[1..json.len() - 1].to_owned(),
        url::form_urlencoded::byte_serialize(bytes).collect(),
        bytes.iter().map(|b| format!("%{b:02X}")).collect(),
        bytes.iter().map(|b| format!("%{b:02x}")).collect(),
        secret.encode_utf16().map(|u| format!("\\u{u:04x}")).collect(),
        secret.replace('&', "&amp;").replace('"', "&quot;"),
        secret.chars().map(|c| format!("&#{};", u32::from(c))).collect(),
        bytes.iter().map(|b| format!("{b:02x}")).collect(),
        bytes.iter().map(|b| format!("{b:02X}")).collect(),
    ]
}

/// A target that answers with all it was sent, in every form it can think of, and fails.
fn gossip() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || serve(stream));
        }
    });
    port
}

fn serve(mut stream: TcpStream) {
    let mut asked = Vec::new();
    let mut chunk = [0_u8; 16_384];
    while let Ok(read) = stream.read(&mut chunk)
        && read > 0
    {
        asked.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&asked).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|l| l.strip_prefix("content-length: "));
        if body.len() < length.map_or(0, |l| l.parse().unwrap()) {
            continue;
        }
        asked.clear();
        let (status, reply) = if head.starts_with("GET /token") {
            (200, format!("{{\"token\":\"{CAPTURED}\"}}"))
        } else {
            let all = [FROM_ENV, FROM_FILE, FROM_COMMAND, CAPTURED];
            let said: Vec<String> = all.iter().flat_map(|secret| spoken(secret)).collect();
            (500, format!("{head}\n{body}\n{}", said.join("\n")))
        };
        let location =
            url::form_urlencoded::byte_serialize(FROM_ENV.as_bytes()).collect::<String>();
        let text = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nx-echo: {location}\r\nset-cookie: sid={CAPTURED}\r\n\r\n{reply}",
            reply.len()
        );
        if stream.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

const JOURNEY: &str = r#"
name = "leaky"
services = ["shop"]
environments = ["production"]
every = "300ms"
timeout = "5s"
[[step]]
name = "token"
[step.http]
url = "{{base_url}}/token"
[step.capture]
token = { jsonpath = "$.token", secret = true }
[[step]]
name = "tell all"
[step.http]
method = "POST"
url = "{{base_url}}/{{urlencode password}}?key={{urlencode key}}&more={{urlencode more}}"
form = { password = "{{password}}", key = "{{key}}", more = "{{more}}", token = "{{token}}" }
headers = { authorization = "Basic {{base64 \"user:\" password}}", x-key = "{{key}}", x-token = "{{token}}" }
[step.capture]
seen = { regex = "(?s)^.*$" }
[[step.assert]]
query = { body = true }
equals = "{{password}} {{key}} {{more}} {{token}}"
[[step.assert]]
query = { header = "x-echo" }
equals = "{{token}}"
[[step.assert]]
query = { url = true }
equals = "{{key}}"
"#;

#[test]
fn no_secret_leaves_in_any_form() {
    let port = gossip();
    let secrets = "secrets = { password = { env = \"LEAKY\" }, more = { file = \"more.txt\" }, key = { command = [\"cat\", \"key.txt\"] } }";
    let site = Site::new(&format!("http://{HOST}:{port}"), "");
    let settings = fs::read_to_string(site.dir.path().join("wayfarer.toml")).unwrap();
    site.write("more.txt", &format!("{FROM_FILE}\n"));
    site.write("key.txt", &format!("{FROM_COMMAND}\n"));
    site.write("journeys/leaky.toml", JOURNEY);
    site.write("wayfarer.toml", &format!("{settings}{secrets}\n"));
    let variables = [("LEAKY", FROM_ENV)];
    let mut shown = Vec::new();

    let agent = site.agent_with(&variables, "trace");
    let failed = eventually("a few failed runs", || {
        let runs = site.json("/api/v1/runs?result=failed");
        let runs = runs["runs"].as_array()?.clone();
        (runs.len() >= 4).then_some(runs)
    });
    let id = failed[0]["id"].as_str().unwrap().to_owned();
    for path in [
        "/metrics".to_owned(),
        "/".to_owned(),
        "/api/v1/runs".to_owned(),
        "/api/v1/findings".to_owned(),
        "/api/v1/journeys".to_owned(),
        format!("/api/v1/runs/{id}"),
        format!("/api/v1/runs/{id}/evidence"),
        "/api/v1/journeys/leaky/last-good".to_owned(),
    ] {
        shown.push((path.clone(), site.get(&path).unwrap().1));
    }
    let evidence = site.json(&format!("/api/v1/runs/{id}/evidence"));
    assert_eq!(evidence["failing"]["evidence"]["exchanges"].as_array().unwrap().len(), 2);
    for arguments in [
        vec!["run", "--json"],
        vec!["run", "--show", "--junit", "-"],
        vec!["run", "--show", &id],
        vec!["run", "--show", "--var", "password=an0ther-s3cret"],
    ] {
        let output: std::process::Output =
            site.command(&arguments).envs(variables).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        shown.push((arguments.join(" "), String::from_utf8_lossy(&text).into_owned()));
    }
    assert!(shown.iter().all(|(_, text)| !text.contains("an0ther-s3cret")));
    drop(agent);
    for entry in fs::read_dir(site.dir.path()).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("test.db") || name == "agent.log" {
            let bytes = fs::read(entry.path()).unwrap();
            assert!(!bytes.is_empty() || name.contains("lock"), "{name}");
            shown.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    assert!(shown.iter().filter(|(_, text)| text.contains("***")).count() >= 8);
    for secret in [FROM_ENV, FROM_FILE, FROM_COMMAND, CAPTURED] {
        for form in forms(secret) {
            for (place, text) in &shown {
                let around = text.find(&form).map(|at| {
                    &text[text.floor_char_boundary(at.saturating_sub(60))
                        ..text.ceil_char_boundary(at + 80)]
                });
                assert_eq!(around, None, "{form} is in {place}");
            }
        }
    }
}

#[test]
fn a_secret_that_cannot_be_had_is_said_at_its_line() {
    let site = Site::new("http://127.0.0.1:1", "");
    let settings = fs::read_to_string(site.dir.path().join("wayfarer.toml")).unwrap();
    let secrets = "[environments.production.secrets]\nkey = { env = \"NO_SUCH_VARIABLE\" }\n\
                   other = { command = [\"sh\", \"-c\", \"echo hunter22 >&2; exit 3\"] }\n";
    site.write("wayfarer.toml", &format!("{settings}{secrets}"));
    site.journey("home", "shop", "1s", "/");
    let (code, _, said) = site.run(&["run"]);
    assert_eq!(code, 3, "{said}");
    for part in [
        "wayfarer.toml:",
        "key = { env = \"NO_SUCH_VARIABLE\" }",
        "environment variable NO_SUCH_VARIABLE is not set",
        "export NO_SUCH_VARIABLE",
        "command sh ended with exit code 3",
        "without a shell",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.replace("echo hunter22", "").contains("hunter22"), "{said}");
}

#[test]
fn a_curl_line_is_read_by_a_plain_shell_as_it_was_meant() {
    let port = gossip();
    let site = Site::new(&format!("http://127.0.0.1:{port}"), "");
    let body = "line 'one'\n\ttwo \"$HOME\" `id` \\n %s\n";
    let journey = format!(
        "name = \"odd\"\nservices = [\"shop\"]\nenvironments = [\"production\"]\nevery = \"1s\"\n[[step]]\nname = \"odd\"\n[step.http]\n\
         method = \"POST\"\nurl = \"{{{{base_url}}}}/a?b[]=1\"\nbody = {}\nheaders = {{ x-empty = \"\", x-odd = \"it's $x\" }}\n",
        serde_json::to_string(body).unwrap()
    );
    site.write("journeys/odd.toml", &journey);
    let (code, out, said) = site.run(&["run", "--json"]);
    assert_eq!(code, 4, "{out}{said}");
    let run: serde_json::Value = serde_json::from_str(&out).unwrap();
    let curl = run["runs"][0]["evidence"]["curl"].as_str().unwrap();
    // A curl that says its arguments, each ended by a NUL.
    let script = format!("curl() {{ for word; do printf '%s\\0' \"$word\"; done; }}\n{curl}\n");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let words: Vec<String> =
        String::from_utf8(output.stdout).unwrap().split('\0').map(str::to_owned).collect();
    assert_eq!(words[words.len() - 2..], [body.to_owned(), String::new()]);
    assert!(
        words.contains(&"x-odd: it's $x".to_owned()) && words.contains(&"x-empty;".to_owned()),
        "{words:?}"
    );
    assert!(words.contains(&"-g".to_owned()), "{words:?}");
}
