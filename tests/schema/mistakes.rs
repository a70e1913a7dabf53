//! Typical mistakes are refused while one types.

use std::fs;

use jsonschema::Validator;
use wayfarer::config::schema;

use super::{faults, root, validator};

const JOURNEY: &str = "name = \"x\"\nenvironments = [\"production\"]\nevery = \"60s\"\n";
const STEP: &str = "[[step]]\nname = \"a\"\n[step.http]\nurl = \"{{base_url}}/\"\n";

fn refused(validator: &Validator, text: &str) {
    assert!(!faults(validator, text).is_empty(), "taken:\n{text}");
}

#[test]
fn mistakes_in_a_journey() {
    let journey = validator(&schema::journey());
    assert_eq!(faults(&journey, &format!("{JOURNEY}{STEP}")), Vec::<String>::new());
    for head in [
        "environments = [\"a\"]\nevery = \"60s\"",
        "name = \"x\"\nevery = \"60s\"",
        "name = \"x\"\nenvironments = []\nevery = \"60s\"",
        "name = \"x\"\nenvironments = [\"a\", \"a\"]\nevery = \"60s\"",
        "name = \"x\"\nenvironments = [\"a\"]",
        "name = \"x\"\nenvironments = [\"a\"]\nevery = \"60s\"\ncron = \"* * * * *\"",
        "name = \"x\"\nenvironments = [\"a\"]\nevery = \"60s\"\ntimezone = \"UTC\"",
        "name = \"x\"\nenvironments = [\"a\"]\nevery = 60",
        "name = \"x\"\nenvironments = [\"a\"]\nevery = \"60\"",
        "name = \"x\"\nenvironments = [\"a\"]\nevery = \"60 s\"",
        "name = \"x y\"\nenvironments = [\"a\"]\nevery = \"60s\"",
        "name = \"x\"\nenvironments = \"a\"\nevery = \"60s\"",
        "name = \"x\"\nenvironments = [\"a\"]\nevery = \"60s\"\nslo = { objective = 100 }",
        "name = \"x\"\nenvironments = [\"a\"]\nevery = \"60s\"\nslo = { latency = \"1s\" }",
        "name = \"x\"\nenvironments = [\"a\"]\nevery = \"60s\"\nvars = { a-b = \"1\" }",
        "name = \"x\"\nenvironments = [\"a\"]\nevery = \"60s\"\nvars = { journey = \"1\" }",
        "name = \"x\"\nenvironments = [\"a\"]\nevery = \"60s\"\nvars = { a = \"{{b}}\" }",
        "name = \"x\"\nenvironments = [\"a\"]\nevery = \"60s\"\nsetup = { with = { a = \"b\" } }",
        "name = \"x\"\nenvironments = [\"a\"]\nevery = \"60s\"\nmatrix = { a = \"b\" }",
        "name = \"x\"\nenvironments = [\"a\"]\nevery = \"60s\"\nconnection = \"new\"",
        "name = \"x\"\nenvironments = [\"a\"]\nevery = \"60s\"\nenvironment = \"a\"",
    ] {
        refused(&journey, &format!("{head}\n{STEP}"));
    }
    refused(&journey, JOURNEY);
    refused(&journey, &format!("{JOURNEY}[[step]]\nname = \"a\"\n"));
    refused(&journey, &format!("{JOURNEY}[[step]]\nhttp.url = \"{{{{base_url}}}}/\"\n"));
    refused(&journey, &format!("{JOURNEY}[[step]]\nname = \"a\"\nurl = \"https://a.example\"\n"));
}

#[test]
fn mistakes_in_a_step() {
    let journey = validator(&schema::journey());
    for keys in [
        // Of the request.
        "http = { method = \"POST\" }",
        "http = { url = \"/login\" }",
        "http = { url = \"https://a\", method = \"FETCH\" }",
        "http = { url = \"https://a\", form = { a = 1 }, body = \"a\" }",
        "http = { url = \"https://a\", headers = [\"a: b\"] }",
        "http = { url = \"https://a\", headers = { \"a b\" = \"c\" } }",
        "http = { url = \"https://a\", http = \"3\" }",
        "http = { url = \"https://a\", redirects = 51 }",
        "http = { url = \"https://a\", max_body = \"10\" }",
        "http = { url = \"https://a\", multipart = { a = { text = \"a\", file = \"b\" } } }",
        "http = { url = \"https://a\", multipart = [{ text = \"a\" }] }",
        "http = { url = \"https://a\", graphql = { variables = {} } }",
        "http = { url = \"https://a\", timeout = \"1s\" }",
        // Of credentials.
        "http = { url = \"https://a\", auth = {} }",
        "http = { url = \"https://a\", auth = { bearer = \"{{a}}\", basic = { user = \"a\", password = \"{{a}}\" } } }",
        "http = { url = \"https://a\", auth = { basic = { user = \"a\" } } }",
        "http = { url = \"https://a\", auth = { basic = { user = \"a\", password = \"plain\" } } }",
        "http = { url = \"https://a\", auth = { oauth2 = { token_url = \"https://a\", client_id = \"a\" } } }",
        "http = { url = \"https://a\", auth = { aws = { access_key = \"a\", secret_key = \"{{a}}\", service = \"s3\" } } }",
        // Of a browser.
        "browser = { do = [{ clik = { text = \"a\" } }] }",
        "browser = { do = [{ click = { text = \"a\" }, reload = true }] }",
        "browser = { do = [{ click = \"a\" }] }",
        "browser = { do = [{ click = { text = \"a\", css = \"b\" } }] }",
        "browser = { do = [{ click = { name = \"a\" } }] }",
        "browser = { do = [{ click = { role = \"buton\" } }] }",
        "browser = { do = [{ click = { text = \"a\", count = 4 } }] }",
        "browser = { do = [{ hover = { text = \"a\", within = {} } }] }",
        "browser = { do = [{ type = { label = \"a\" } }] }",
        "browser = { do = [{ select = { label = \"a\" } }] }",
        "browser = { do = [{ upload = { label = \"a\" } }] }",
        "browser = { do = [{ wait = {} }] }",
        "browser = { do = [{ wait = { url = \"a\", title = \"b\" } }] }",
        "browser = { do = [{ wait = { network = \"idle\" } }] }",
        "browser = { do = [{ wait = { visible = { text = \"a\" } } }] }",
        "browser = { do = [{ press = \"\" }] }",
        "browser = { do = [{ dialog = \"ok\" }] }",
        "browser = { do = [{ reload = false }] }",
        "browser = { do = [{ storage = {} }] }",
        "browser = { open = \"/shop\" }",
        "browser = { open = \"https://a\" }\nhttp.url = \"https://a\"",
        "browser = { open = \"https://a\" }\ncapture.a = { element = \"#a\" }",
        "browser = { open = \"https://a\" }\ncapture.a = { console = \"errors\" }",
        "browser = { open = \"https://a\" }\nexpect.vital.fid = { below = \"1s\" }",
        // Of queries.
        "http.url = \"https://a\"\ncapture.a = {}",
        "http.url = \"https://a\"\ncapture.a = \"$.a\"",
        "http.url = \"https://a\"\ncapture.a = { jsonpath = \"a\" }",
        "http.url = \"https://a\"\ncapture.a = { status = false }",
        "http.url = \"https://a\"\ncapture.a = { header = \"a\", css = \"b\" }",
        "http.url = \"https://a\"\ncapture.a = { header = \"a\", attribute = \"b\" }",
        "http.url = \"https://a\"\ncapture.a = { cookie = \"a\", attribute = \"colour\" }",
        "http.url = \"https://a\"\nexpect.cookie.a = { attribute = \"colour\", exists = true }",
        "http.url = \"https://a\"\nassert = [{ query = { status = true }, count = -1 }]",
        "http.url = \"https://a\"\ncapture.a = { certificate = \"colour\" }",
        "http.url = \"https://a\"\ncapture.a = { phase = \"dns\" }",
        "http.url = \"https://a\"\ncapture.a = { header = \"a\", filter = \"trimm\" }",
        "http.url = \"https://a\"\ncapture.a = { header = \"a\", filter = [{ nth = \"1\" }] }",
        "http.url = \"https://a\"\ncapture.a = { header = \"a\", filter = [{ nth = 1, split = \",\" }] }",
        "http.url = \"https://a\"\ncapture.a = { header = \"a\", filter = [\"split\"] }",
        "http.url = \"https://a\"\ncapture.a = { header = \"a\", filter = [] }",
        "http.url = \"https://a\"\nmeasure.a = { jsonpath = \"$.a\", worse = \"up\" }",
        "http.url = \"https://a\"\nmeasure.a = { jsonpath = \"$.a\", relative = 10 }",
        // Of assertions.
        "http.url = \"https://a\"\nassert = [{ equals = 1 }]",
        "http.url = \"https://a\"\nassert = [{ query = { status = true } }]",
        "http.url = \"https://a\"\nassert = [{ query = { status = true }, equal = 1 }]",
        "http.url = \"https://a\"\nassert = [{ query = { status = true }, is_number = 1 }]",
        "http.url = \"https://a\"\nassert = [{ query = { status = true }, between = [1] }]",
        "http.url = \"https://a\"\nassert = [{ query = { status = true }, count = { contains = \"a\" } }]",
        "http.url = \"https://a\"\nexpect.statuss = 200",
        "http.url = \"https://a\"\nexpect.duration = \"2s\"",
        "http.url = \"https://a\"\nexpect.duration = { below = 2 }",
        "http.url = \"https://a\"\nexpect.duration = { between = [\"1s\", 2] }",
        "http.url = \"https://a\"\nexpect.header = \"a\"",
        "http.url = \"https://a\"\nexpect.header.a = {}",
        "http.url = \"https://a\"\nexpect.phase.dns = { below = \"1s\" }",
        // Of the flow.
        "http.url = \"https://a\"\nretry = {}",
        "http.url = \"https://a\"\nretry = { count = 0 }",
        "http.url = \"https://a\"\nretry = 3",
        "http.url = \"https://a\"\nretry = { count = 1, backoff = 0.5 }",
        "http.url = \"https://a\"\nrepeat = { over = \"a\", as = \"b\" }",
        "http.url = \"https://a\"\nrepeat = { over = [\"a\"] }",
        "http.url = \"https://a\"\nwhen = { query = { status = true }, equals = 200 }",
        "http.url = \"https://a\"\noptional = \"yes\"",
        "http.url = \"https://a\"\nwith = { a = \"b\" }",
        "use = \"login\"\nhttp.url = \"https://a\"",
        "use = \"login\"\nexpect.status = 200",
    ] {
        refused(&journey, &format!("{JOURNEY}[[step]]\nname = \"a\"\n{keys}\n"));
    }
}

#[test]
fn mistakes_in_settings_and_parts() {
    let settings = validator(&schema::settings());
    for text in [
        "[agents]",
        "[agent]\nlisten = \"9464\"",
        "[agent]\nworkers = 0",
        "[agent]\ndrain = 30",
        "[agent]\nself_check = \"good.example\"",
        "[agent]\nself_check = \"https://probe:hunter2@good.example/\"",
        "[agent]\nself_check = [\"https://a.example\", \"https://a.example\"]",
        "[environments.\"a b\"]",
        "[environments.a]\nbase_url = \"shop.example.com\"",
        "[environments.a]\nsecrets = { a = \"hunter2\" }",
        "[environments.a]\nsecrets = { a = { env = \"A\", file = \"b\" } }",
        "[environments.a]\nsecrets = { a = { env = \"a b\" } }",
        "[environments.a]\nsecrets = { a = { command = \"pass\" } }",
        "[environments.a]\nmax_rate = 0",
        "[environments.a]\nproxy = \"socks5://proxy:1080\"",
        "[environments.a]\nclient_certificate = { certificate = \"a.pem\" }",
        "[environments.a]\nresolve = { a = \"b\" }",
        "[environments.a.network]\nallow = []",
        "[watch]\nburst = true",
        "[watch]\nwindow = \"30\"",
        "[detect]\nconfidence = 1",
        "[detect]\nlatency = \"20%\"",
        "[detect]\nlatency = { relative = 0.2 }",
        "[detect]\nsuccess = { drop = \"3\" }",
        "[retention]\nevidence_max = \"256\"",
        "[services.a]\ndepends = [\"b\"]",
        "[[token]]\nname = \"a\"\nsecret = { env = \"A\" }",
        "[[token]]\nname = \"a\"\nscope = \"root\"\nsecret = { env = \"A\" }",
    ] {
        refused(&settings, text);
    }
    let part = validator(&schema::part());
    for head in [
        "name = \"x\"",
        "every = \"60s\"",
        "inputs = \"a\"",
        "inputs = [\"a-b\"]",
        "expires_after = 60",
    ] {
        refused(&part, &format!("{head}\n{STEP}"));
    }
    assert_eq!(faults(&part, STEP), Vec::<String>::new());
}

/// What the command finds and a schema cannot is no fault of the schema: this only tells how many it finds, and holds that it is most of those
/// that are mistakes of form.
#[test]
fn of_the_mistakes_that_the_command_finds_the_schema_finds_many() {
    let journey = validator(&schema::journey());
    let (mut found, mut missed) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(root().join("tests/bad_journeys")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() || name.starts_with('_') || path.extension().is_none_or(|e| e != "toml") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        if toml::from_str::<toml::Table>(&text).is_err() || !faults(&journey, &text).is_empty() {
            found.push(name);
        } else {
            missed.push(name);
        }
    }
    found.sort();
    missed.sort();
    println!("refused by the schema: {}\nleft to `check`: {}", found.join(" "), missed.join(" "));
    assert!(found.len() > missed.len(), "{} of {}", found.len(), found.len() + missed.len());
}
