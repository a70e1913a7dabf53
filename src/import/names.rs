//! Names for variables, steps, journeys and environment variables, made from what the input calls things.

use std::collections::BTreeSet;

use crate::model::Text;

/// Words besides a template's helpers that templates or runs have a meaning for already.
const TAKEN: [&str; 13] = [
    "log",
    "else",
    "this",
    "true",
    "false",
    "null",
    "undefined",
    "environment",
    "journey",
    "location",
    "run_id",
    "iteration",
    "base_url",
];

/// Longest name made.
const LONGEST: usize = 60;

/// The words of an identifier in lower case: `accessToken`, `X-Api-Key` and `user_id` have two each (and one `x`).
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next_is_lower = chars.peek().is_some_and(|next| next.is_lowercase());
        let begins = c.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit())
            || c.is_uppercase() && before.is_uppercase() && next_is_lower;
        if (begins || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A name for a variable: letters, digits and `_`, nothing that means something else.
pub(super) fn variable(text: &str) -> String {
    let usable = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let kept = !text.is_empty() && text.len() <= LONGEST && text.chars().all(usable);
    let name = if kept {
        text.to_owned()
    } else {
        let words: Vec<String> = words(text)
            .iter()
            .map(|word| word.chars().filter(char::is_ascii_alphanumeric).collect::<String>())
            .filter(|word| !word.is_empty())
            .collect();
        cut(&words.join("_"), LONGEST).trim_end_matches('_').to_owned()
    };
    let first_fits = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    match name.as_str() {
        "" => "value".to_owned(),
        taken if TAKEN.contains(&taken) || Text::HELPERS.contains(&taken) => {
            format!("{taken}_value")
        }
        _ if !first_fits => format!("v_{name}"),
        _ => name,
    }
}

/// The name, or the name with the first number behind it that nobody has; it is entered.
pub(super) fn unique(name: &str, taken: &mut BTreeSet<String>, between: &str) -> String {
    let mut candidate = name.to_owned();
    let mut number = 2;
    while taken.contains(&candidate) {
        candidate = format!("{name}{between}{number}");
        number += 1;
    }
    taken.insert(candidate.clone());
    candidate
}

/// A name for a journey or an environment.
pub(super) fn thing(text: &str) -> Option<String> {
    let name = cut(&words(text).join("-"), LONGEST).trim_end_matches('-').to_owned();
    (!name.is_empty()).then_some(name)
}

/// Whether a text can be the name of a journey or an environment as it is.
pub(super) fn is_thing(text: &str) -> bool {
    text.chars().count() <= 100
        && text.starts_with(char::is_alphanumeric)
        && text.chars().all(|c| c.is_alphanumeric() || "._-".contains(c))
}

/// A name for a step: one line of text.
pub(super) fn step(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let spaced: Vec<&str> = plain.split_whitespace().collect();
    let name = spaced.join(" ");
    let short: String = name.chars().take(80).collect();
    short.trim_end().to_owned()
}

/// The environment variable that a secret is proposed to come from.
pub(super) fn environment_variable(site: &str, secret: &str) -> String {
    let mut all: Vec<String> = words(site).into_iter().chain(words(secret)).collect();
    // `api` of `api.example.com` and `api_key` need it once.
    all.dedup();
    let name: String = all.join("_").to_uppercase();
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// What a request does, in words, from its method and path: "open login", "get cart", "delete order".
pub(super) fn of_request(method: &str, path: &str, page: bool, secret_sent: bool) -> String {
    let segments: Vec<Vec<String>> = path
        .split('/')
        .map(|segment| segment.split_once('.').map_or(segment, |(stem, _)| stem))
        .filter(|segment| is_word(segment))
        .map(words)
        .collect();
    let said = segments.last().map(|words| words.join(" ")).unwrap_or_default();
    if method != "GET" && matches!(said.as_str(), "logout" | "signout" | "sign out" | "log out") {
        return "sign out".to_owned();
    }
    if method == "POST" && secret_sent {
        return "sign in".to_owned();
    }
    let verb = match method {
        "GET" if page => "open",
        "GET" => "get",
        "HEAD" => "ask for",
        "POST" => "send",
        "PUT" | "PATCH" => "change",
        "DELETE" => "delete",
        _ => "try",
    };
    let what = if said.is_empty() { "start page" } else { &said };
    step(&format!("{verb} {what}"))
}

/// Whether a segment of a path is made of words, not an id or a version.
fn is_word(segment: &str) -> bool {
    let letters = segment.chars().filter(|c| c.is_alphabetic()).count();
    let digits = segment.chars().filter(char::is_ascii_digit).count();
    let version = segment.len() <= 3 && segment.starts_with('v') && digits > 0;
    letters >= 2
        && digits <= 1
        && !version
        && segment.len() <= 40
        && segment != "api"
        && segment.chars().all(|c| c.is_alphanumeric() || "-_.~".contains(c))
        && !super::vault::looks_random(segment)
}

fn cut(text: &str, most: usize) -> &str {
    let end = text.char_indices().nth(most).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_fall_into_words() {
        for (text, expected) in [
            ("accessToken", "access token"),
            ("X-Api-Key", "x api key"),
            ("JSESSIONID", "jsessionid"),
            ("HTTPServer", "http server"),
            ("user[password]", "user password"),
            ("a1B", "a1 b"),
            ("", ""),
        ] {
            assert_eq!(words(text).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn variables_are_names_that_templates_take() {
        for (text, expected) in [
            ("baseUrl", "baseUrl"),
            ("my-var", "my_var"),
            ("2nd", "v_2nd"),
            ("each", "each_value"),
            ("journey", "journey_value"),
            ("ü", "value"),
            ("", "value"),
        ] {
            assert_eq!(variable(text), expected, "{text}");
        }
        assert!(variable(&"x".repeat(500)).len() <= LONGEST);
    }

    #[test]
    fn requests_are_told_in_words() {
        for (method, path, page, secret, expected) in [
            ("GET", "/", true, false, "open start page"),
            ("GET", "/accounts/login/", true, false, "open login"),
            ("POST", "/accounts/login/", false, true, "sign in"),
            ("GET", "/api/v1/orders/4711", false, false, "get orders"),
            ("DELETE", "/api/cart-items/9f1c22ab-0000", false, false, "delete cart items"),
            ("POST", "/logout", false, false, "sign out"),
            ("GET", "/index.html", true, false, "open index"),
        ] {
            assert_eq!(of_request(method, path, page, secret), expected, "{method} {path}");
        }
    }
}
