//! `[step.http]`.

use serde_json::{Value, json};

use super::words::{
    Key, address, any, at_most_one, count, default, header_name, limited, pairs, size, table, word,
};
use crate::config::journey::{
    auth, body,
    http::{CONNECTIONS, FAMILIES, MAX_BODY_BYTES, METHODS, REDIRECTS, VERSIONS},
};

pub(super) fn http() -> Value {
    let headers = limited(
        pairs("Headers; values are templates."),
        json!({ "propertyNames": header_name("") }),
    );
    let redirects =
        "How many redirects are followed; none by default where a 3xx status is expected.";
    let mut keys: Vec<Key> = vec![
        ("method", method()),
        ("url", address("The whole address, a template: `{{base_url}}/login`.")),
        ("query", pairs("What follows `?`, percent-encoded; values are templates.")),
        ("headers", headers),
        ("auth", auth::schema()),
    ];
    let bodies = body::schemas();
    let kinds: Vec<&str> = bodies.iter().map(|(key, _)| *key).collect();
    keys.extend(bodies);
    let version = "The protocol: HTTP/1.1, HTTP/2 (without TLS by prior knowledge), or what both sides agree on.";
    let largest = json!(format!("{}MiB", MAX_BODY_BYTES >> 20));
    keys.extend([
        ("http", default(word(version, &words(VERSIONS)), json!("auto"))),
        ("ip", word("Only addresses of this family. Default: both.", &words(FAMILIES))),
        ("connection", connection()),
        ("redirects", default(count(redirects, 0..50), json!(REDIRECTS))),
        ("max_body", default(size("The largest body that is read, at most 1GiB."), largest)),
    ]);
    at_most_one(table("The request.", &["url"], keys), &kinds)
}

/// Of a step, or of all steps of a journey.
pub(super) fn connection() -> Value {
    let about = "`journey`: connections are kept from step to step, as a browser does; `fresh`: nothing is kept but cookies.";
    default(word(about, &words(CONNECTIONS)), json!("journey"))
}

/// Methods are read in capitals or not; editors complete the first.
fn method() -> Value {
    let any_case = |method: &&str| -> String {
        method.chars().map(|c| format!("[{c}{}]", c.to_ascii_lowercase())).collect()
    };
    let pattern: Vec<String> = METHODS.iter().map(any_case).collect();
    let lower = json!({ "type": "string", "pattern": format!("^({})$", pattern.join("|")) });
    let about = "The method; with `graphql` POST by itself.";
    default(any(about, vec![word(about, METHODS), lower]), json!("GET"))
}

fn words<T>(of: &[(&'static str, T)]) -> Vec<&'static str> {
    of.iter().map(|(word, _)| *word).collect()
}
