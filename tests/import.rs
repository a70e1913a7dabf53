//! Imports of what browsers, shells and programs really write: each gives a journey that `check` accepts, stays as it is
//! (`tests/import/snapshots`), and holds no secret of its input.

use std::{fs, path::Path};

use proptest::prelude::*;
use wayfarer::{
    config::{self, Config, SourceFile},
    import::{self, ImportError, Imported, Known, Options, import},
};

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import");
    fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn options(source: &str) -> Options {
    Options { source: source.to_owned(), ..Options::default() }
}

/// Keys of the agreed language that the loader may not know yet.
const COMING: [&str; 10] = [
    "auth",
    "retry",
    "delay",
    "multipart",
    "graphql",
    "http",
    "ip",
    "resolve",
    "insecure",
    "proxy",
];

/// Loads what was imported as `check` would, beside the settings that were proposed.
fn check(imported: &Imported) -> Option<Config> {
    let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
    let main = file("wayfarer.toml", &imported.settings);
    let faults = match config::load(&main, &[file("imported.toml", &imported.toml)]) {
        Ok(config) => return Some(config),
        Err(faults) => faults,
    };
    let coming = |message: &str| {
        COMING.iter().any(|key| message.starts_with(&format!("unknown key `{key}`")))
    };
    assert!(faults.iter().all(|fault| coming(&fault.message)), "{faults}\n{}", imported.toml);
    None
}

/// What a user gets, in one text.
fn shown(imported: &Imported) -> String {
    let mut text = imported.toml.clone();
    for secret in &imported.secrets {
        text.push_str(&format!("\n## {} = {} from {}", secret.name, secret.env, secret.place));
    }
    text
}

/// Imports a fixture, looks that none of these values stands anywhere, and holds the result against its snapshot.
fn holds(name: &str, options: &Options, secrets: &[&str]) -> Imported {
    let imported = import(&fixture(name), options).unwrap_or_else(|e| panic!("{name}: {e}"));
    let all = format!("{imported:?}");
    for secret in secrets {
        assert!(!all.contains(secret), "{name} shows {secret}\n{}", imported.toml);
    }
    imported
}

macro_rules! snapshot {
    ($name:expr, $imported:expr) => {
        insta::with_settings!({ snapshot_path => "import/snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!($name, shown($imported));
        });
    };
}

#[test]
fn a_recording_of_chrome() {
    let secrets = [
        "correct horse",
        "correct+horse",
        "aPi77t0ken88xyzQQ",
        "s3ss10nqwertyuiop",
        "Zx81kLmNopQrStUv",
        "rT5yU8iO0pAsDfGhJkL2",
    ];
    let imported = holds("chrome.har", &options("chrome.har"), &secrets);
    snapshot!("chrome", &imported);
    assert!(check(&imported).is_none_or(|config| config.journeys[0].steps.len() == 6));
}

#[test]
fn a_recording_of_firefox() {
    let secrets = [
        "p4ss",
        "eyJhbGciOiJIUzI1NiJ9",
        "ZZtopSecretSession1",
        "sh0rtLivedT0ken",
        "eyJpdiI6Ik1UWTNP",
    ];
    let imported = holds("firefox.har", &options("firefox.har"), &secrets);
    snapshot!("firefox", &imported);
    assert_eq!(imported.files, ["invoice.pdf"]);
}

#[test]
fn a_sign_in_at_another_host() {
    let secrets = ["Tr0ub4dor", "0ne-Time-C0de-7788", "abcdefghijklmnop1234", "st4te-AbCd-0099"];
    let imported = holds("sso.har", &options("sso.har"), &secrets);
    snapshot!("sso", &imported);
    check(&imported);
}

#[test]
fn curl_as_browsers_copy_it() {
    let secrets =
        ["eyJhbGciOiJIUzI1NiJ9", "abcdef0123456789abcdef", "0a1b2c3d4e5f", "4111111111111111"];
    let imported = holds("chrome-bash.txt", &options("cart.txt"), &secrets);
    snapshot!("curl_bash", &imported);
    check(&imported);
    let imported = holds("chrome-cmd.txt", &options("login.txt"), &["c0rrect"]);
    snapshot!("curl_cmd", &imported);
    check(&imported);
}

#[test]
fn curl_as_documentation_has_it() {
    let secrets = ["sk_test_4eC39HqLyjWDarjtT1zdp7dc", "s3same-0pen", "pr0xyPass"];
    let imported = holds("documentation.txt", &options("documentation.txt"), &secrets);
    snapshot!("curl_documentation", &imported);
}

#[test]
fn a_file_of_hurl() {
    let imported = holds("shop.hurl", &options("shop.hurl"), &["s3cr3t-token-1"]);
    snapshot!("hurl", &imported);
    assert_eq!(imported.files, ["cat.png"]);
}

#[test]
fn a_collection_of_postman() {
    let secrets = ["hunter2-hunter2", "k-123456-abcdef", "zz-9988-secret"];
    let imported = holds("collection.json", &options("collection.json"), &secrets);
    snapshot!("postman", &imported);
}

#[test]
fn descriptions_of_apis() {
    let imported = holds("petstore.yaml", &options("petstore.yaml"), &[]);
    snapshot!("openapi_questions", &imported);
    check(&imported);
    let operations = ["POST /pets".to_owned(), "getPet".to_owned()];
    let chosen = Options { operations: operations.into(), ..options("petstore.yaml") };
    let imported = holds("petstore.yaml", &chosen, &[]);
    snapshot!("openapi_chosen", &imported);
    check(&imported);
    let imported = holds("bookings.json", &options("bookings.json"), &[]);
    snapshot!("openapi_31", &imported);
    check(&imported);
    let unknown = Options { operations: vec!["nope".into()], ..options("petstore.yaml") };
    let error = import(&fixture("petstore.yaml"), &unknown).unwrap_err();
    assert!(matches!(&error, ImportError::NoOperation { .. }));
    assert!(error.to_string().contains("GET    /pets/{petId}  getPet"), "{error}");
}

#[test]
fn an_environment_that_fits_is_used() {
    let staging = Known {
        name: "staging".into(),
        base_url: Some("https://shop.example.com".into()),
        vars: ["base_url".into(), "csrf".into()].into(),
        secrets: ["password".into()].into(),
    };
    let other = Known {
        name: "production".into(),
        base_url: Some("https://x.example".into()),
        ..Known::default()
    };
    let known = Options { environments: vec![other.clone(), staging], ..options("chrome.har") };
    let imported = import(&fixture("chrome.har"), &known).unwrap();
    assert_eq!((imported.environment.as_str(), imported.new_environment), ("staging", false));
    assert_eq!(imported.settings, "", "nothing is missing");
    // `csrf` is a variable there already.
    assert!(imported.toml.contains("csrf_2 = { css ="), "{}", imported.toml);
    let asked = Options {
        environment: Some("production".into()),
        environments: vec![other],
        ..options("chrome.har")
    };
    let imported = import(&fixture("chrome.har"), &asked).unwrap();
    assert!(imported.toml.contains("url = \"{{base_url}}/accounts/login/\""));
    assert!(imported.notes.iter().any(|note| note.why.contains("stands for both")));
}

#[test]
fn formats_are_told_by_their_content() {
    for (name, format) in [
        ("chrome.har", Some("har")),
        ("firefox.har", Some("har")),
        ("collection.json", Some("postman")),
        ("petstore.yaml", Some("openapi")),
        ("bookings.json", Some("openapi")),
        ("chrome-bash.txt", Some("curl")),
        ("chrome-cmd.txt", Some("curl")),
        ("documentation.txt", Some("curl")),
        ("shop.hurl", Some("hurl")),
    ] {
        assert_eq!(import::detect(&fixture(name)), format, "{name}");
    }
    for text in ["", "hello", "{}", "[1]", "name: x", "\u{0}"] {
        assert_eq!(import::detect(text), None, "{text:?}");
    }
}

#[test]
fn broken_inputs_are_told_with_their_place() {
    let har = fixture("chrome.har");
    let deep = format!(
        "{{\"log\":{{\"creator\":{{}},\"entries\":[{{\"request\":{{\"method\":\"GET\",\"url\":\"x\"}},\"response\":{{\"status\":{}",
        "[".repeat(100_000)
    );
    let cut = &har[..har.len() / 2];
    for (text, expected) in [
        (cut, "was it cut off?"),
        (deep.as_str(), "nested deeper"),
        ("{\"log\":{\"creator\":{},\"entries\":7}}", "not what belongs there"),
        ("{\"log\":{\"creator\":{},\"entries\":[]}}", "nothing to walk"),
        ("{\"info\":{\"_postman_id\":\"1\"}}", "export it as v2.1"),
        ("openapi: 3.0.0\npaths: [", "cannot be read as YAML"),
        ("openapi: 3.0.0\npaths: {}", "nothing to walk"),
        ("swagger: '2.0'", "Swagger 2.0"),
        ("curl", "nothing to walk"),
        ("GET https://x.example\n!!", "line 2"),
        ("GET https://x.example\n{ \"a\": ", "line 2"),
        ("CONNECT https://x.example", "methods are"),
    ] {
        let error = import(text, &Options::default()).unwrap_err().to_string();
        assert!(error.contains(expected), "{}: {error}", &text[..text.len().min(60)]);
        assert!(error.len() < 500);
    }
    let odd = Options { name: Some("a/b".into()), ..Options::default() };
    assert!(matches!(import("curl x.example", &odd), Err(ImportError::Name(_))));
    let odd = Options { format: Some("wsdl".into()), ..Options::default() };
    assert!(
        import("x", &odd).unwrap_err().to_string().contains("har, postman, openapi, curl, hurl")
    );
}

#[test]
fn references_in_a_circle_end() {
    let text = "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      parameters: [{$ref: '#/components/parameters/A'}]\n      responses:\n        '200':\n          content:\n            application/json:\n              schema: {$ref: '#/components/schemas/A'}\ncomponents:\n  parameters: {A: {$ref: '#/components/parameters/A'}}\n  schemas:\n    A: {allOf: [{$ref: '#/components/schemas/A'}], required: [a], properties: {a: {$ref: '#/components/schemas/A'}}}\n";
    let imported = import(text, &Options::default()).unwrap();
    assert!(imported.toml.contains("required = [\"a\"]"), "{}", imported.toml);
}

/// Whether a value, or its spelling in addresses, stands in anything that an import gives.
fn leaks(imported: &Imported, secret: &str) -> bool {
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let all = format!("{}\n{}\n{:?}", imported.toml, imported.settings, imported);
    all.contains(secret) || all.contains(&encoded)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_secret_leaves(secret in "[A-Za-z][A-Za-z0-9 /+=&%\"'\\\\é$#]{6,20}[0-9][A-Z]") {
        let json = serde_json::Value::String(secret.clone()).to_string();
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let shell = secret.replace('\'', "'\\''");
        let header = secret.replace('é', "e");
        let inputs = [
            format!("curl 'https://x.example/a?api_key={form}&q=1' -H 'x-note: {}' -u 'jo:{shell}' --data-raw 'password={form}&note={form}'", header.replace('\'', "'\\''")),
            format!("curl 'https://x.example/login' -H 'content-type: application/json' --data-raw '{{\"user\":\"jo\",\"password\":{},\"text\":{}}}'", json.replace('\'', "'\\''"), json.replace('\'', "'\\''")),
            format!("{{\"log\":{{\"creator\":{{\"name\":\"x\"}},\"entries\":[\
                {{\"request\":{{\"method\":\"POST\",\"url\":\"https://x.example/login?token={form}\",\"headers\":[],\"postData\":{{\"mimeType\":\"application/json\",\"text\":{}}}}},\"response\":{{\"status\":200}}}},\
                {{\"request\":{{\"method\":\"GET\",\"url\":\"https://x.example/a/{form}?q={form}\",\"headers\":[{{\"name\":\"x-api-key\",\"value\":{}}}]}},\"response\":{{\"status\":200}}}}]}}}}",
                serde_json::Value::String(format!("{{\"password\":{json},\"again\":[{json}]}}")),
                serde_json::Value::String(header.clone())),
            format!("{{\"info\":{{\"name\":{json},\"schema\":\"https://schema.getpostman.com/json/collection/v2.1.0/\"}},\"variable\":[{{\"key\":\"password\",\"value\":{json}}}],\"item\":[{{\"name\":{json},\"request\":{{\"method\":\"POST\",\"url\":\"https://x.example/a\",\"auth\":{{\"type\":\"basic\",\"basic\":[{{\"key\":\"username\",\"value\":\"jo\"}},{{\"key\":\"password\",\"value\":{json}}}]}},\"body\":{{\"mode\":\"urlencoded\",\"urlencoded\":[{{\"key\":\"x\",\"value\":{json}}}]}}}}}}]}}"),
        ];
        for input in inputs {
            let imported = import(&input, &Options::default()).unwrap_or_else(|e| panic!("{e}\n{input}"));
            prop_assert!(!leaks(&imported, secret.trim()), "{}\n{}", input, imported.toml);
            check(&imported);
        }
    }

    #[test]
    fn nothing_breaks_an_importer(text in "(\\PC|[\\x00-\\x7f]){0,200}", format in 0..5usize) {
        let format = import::formats()[format].to_owned();
        let options = Options { format: Some(format), ..Options::default() };
        if let Ok(imported) = import(&text, &options) {
            let table: Result<toml::Table, _> = toml::from_str(&imported.toml);
            prop_assert!(table.is_ok(), "{}", imported.toml);
        }
    }

    #[test]
    fn damaged_fixtures_break_nothing(at in 0..100_000usize, cut in 0..60usize, with in "[{}\\[\\]\"'\\\\:,#\n $<>`-]{0,3}") {
        for name in ["chrome.har", "collection.json", "petstore.yaml", "shop.hurl", "documentation.txt", "chrome-cmd.txt"] {
            let mut text: Vec<char> = fixture(name).chars().collect();
            let from = at % text.len();
            let to = (from + cut).min(text.len());
            text.splice(from..to, with.chars());
            let text: String = text.into_iter().collect();
            if let Ok(imported) = import(&text, &Options::default()) {
                let table: Result<toml::Table, _> = toml::from_str(&imported.toml);
                prop_assert!(table.is_ok(), "{}\n{}", name, imported.toml);
            }
        }
    }
}
