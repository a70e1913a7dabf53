//! Which values of a request are secret, told by their keys and their form; each becomes a reference.

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{
    draft::{Auth, Body, Content, Draft, Step},
    names,
    text::{Piece, Text},
    tree::Tree,
    vault::{Vault, is_key_by_form, looks_random},
};

/// Last words of keys whose values are secret.
const LAST_WORDS: [&str; 34] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "passcode",
    "pass",
    "secret",
    "token",
    "credential",
    "credentials",
    "apikey",
    "jwt",
    "otp",
    "totp",
    "pin",
    "cvv",
    "cvc",
    "csc",
    "signature",
    "sig",
    "authorization",
    "auth",
    "session",
    "sessionid",
    "sid",
    "ssn",
    "csrf",
    "xsrf",
    "bearer",
    "authenticity",
    "csrftoken",
    "csrfmiddlewaretoken",
    "accesstoken",
    "pat",
];

/// The last two words of keys whose values are secret.
const LAST_PAIRS: [(&str, &str); 14] = [
    ("api", "key"),
    ("private", "key"),
    ("access", "key"),
    ("secret", "key"),
    ("account", "key"),
    ("subscription", "key"),
    ("functions", "key"),
    ("auth", "key"),
    ("license", "key"),
    ("master", "key"),
    ("card", "number"),
    ("code", "verifier"),
    ("client", "assertion"),
    ("session", "id"),
];

/// First words before `token` that make it a place in a list.
const PLACES: [&str; 6] = ["next", "page", "continuation", "sync", "previous", "cursor"];

/// Last words that make of a password's key a question about passwords.
const ABOUT: [&str; 9] =
    ["type", "policy", "length", "url", "expires", "required", "enabled", "hint", "name"];

/// Whether a key names something that is kept secret.
pub(super) fn is_secret_key(key: &str) -> bool {
    let words = names::words(key);
    let words: Vec<&str> =
        words.iter().map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit())).collect();
    let Some((last, before)) = words.split_last() else { return false };
    let before_last = before.last().copied().unwrap_or_default();
    if *last == "token" && PLACES.contains(&before_last) {
        return false;
    }
    let password = |word: &&str| matches!(*word, "password" | "passwd" | "pwd" | "passphrase");
    LAST_WORDS.contains(last)
        || LAST_PAIRS.contains(&(before_last, last))
        || (words.iter().any(password) && !ABOUT.contains(last))
}

/// Whether a cookie opens a session, told by its name or value.
pub(super) fn is_session_cookie(name: &str, value: &str) -> bool {
    let lower = name.to_lowercase();
    let marks = ["sess", "auth", "token", "jwt", "csrf", "xsrf", "login", "remember", "identity"];
    marks.iter().any(|mark| lower.contains(mark))
        || lower.ends_with("sid")
        || lower.starts_with("__host-")
        || lower.starts_with("__secure-")
        || is_secret_key(name)
        || is_key_by_form(value)
        || looks_random(value)
        || value.len() >= 32
}

/// Beginnings of the names of cookies that only count visitors or remember what they agreed to.
const TRACKERS: [&str; 24] = [
    "_ga",
    "_gid",
    "_gat",
    "_gcl",
    "_fbp",
    "_fbc",
    "_hj",
    "_clck",
    "_clsk",
    "_uet",
    "_pk_",
    "_pin_",
    "__utm",
    "__hs",
    "hubspotutk",
    "ajs_",
    "amplitude",
    "mp_",
    "intercom-",
    "OptanonConsent",
    "CookieConsent",
    "_scid",
    "_ttp",
    "_dd_s",
];

/// Whether a cookie is of no use to a journey.
pub(super) fn is_tracking_cookie(name: &str) -> bool {
    TRACKERS.iter().any(|prefix| name.starts_with(prefix))
}

/// Replaces every secret of a draft by a reference.
pub(super) fn hide(draft: &mut Draft) {
    let vars = std::mem::take(&mut draft.vars);
    for (name, value) in vars {
        let url = value.starts_with("http://") || value.starts_with("https://");
        if (is_secret_key(&name) && !value.is_empty() && !url) || is_key_by_form(&value) {
            let kept = draft.vault.keep_as(&value, &name, &format!("variable `{name}`"));
            rename(draft, &name, &kept);
        } else {
            draft.vars.push((name, value));
        }
    }
    let mut notes = Vec::new();
    for step in &mut draft.steps {
        headers(step, &mut draft.vault, &mut notes);
        fields(step, &mut draft.vault);
        half_a_pair(step);
    }
    for (what, why) in notes {
        draft.unsupported(what, why);
    }
    let finder = draft.vault.finder();
    for step in &mut draft.steps {
        step.each_text(&mut |text| text.split(|plain| finder.pieces(plain)));
        step.comments.iter_mut().for_each(|line| *line = finder.scrub(line));
        step.name = finder.scrub(&step.name);
        for capture in &mut step.captures {
            scrub_query(&mut capture.query, &finder);
        }
        for expect in &mut step.expects {
            scrub_query(&mut expect.query, &finder);
        }
    }
    for (_, value) in &mut draft.vars {
        *value = finder.scrub(value);
    }
    for note in &mut draft.notes {
        note.what = finder.scrub(&note.what);
        note.why = finder.scrub(&note.why);
    }
    draft.settings.iter_mut().for_each(|(_, tree)| {
        tree.each_text(&mut |text| text.split(|plain| finder.pieces(plain)));
    });
}

fn scrub_query(query: &mut super::draft::Query, finder: &super::vault::Finder) {
    if let Some(of) = &mut query.of
        && finder.finds_in(of)
    {
        *of = finder.scrub(of);
    }
}

/// Gives a variable another name wherever it is read.
pub(super) fn rename(draft: &mut Draft, old: &str, new: &str) {
    if old == new {
        return;
    }
    let renamed = |name: &str| (name == old).then(|| new.to_owned());
    for step in &mut draft.steps {
        step.each_text(&mut |text| text.rename(&renamed));
        for capture in step.captures.iter_mut().filter(|capture| capture.name == old) {
            capture.name = new.to_owned();
        }
    }
}

/// Headers that sign in, and all others with a telling name or a telling value.
fn headers(step: &mut Step, vault: &mut Vault, notes: &mut Vec<(String, String)>) {
    let mut kept = Vec::new();
    for (name, mut text) in std::mem::take(&mut step.headers) {
        let lower = name.to_lowercase();
        let place = format!("header `{lower}` of step `{}`", step.name);
        if lower == "authorization" {
            match authorization(&text, &place, vault) {
                Authorization::Key(auth) if step.auth.is_none() => step.auth = Some(auth),
                Authorization::Key(_) => {}
                Authorization::Header(text) => kept.push((name, text)),
                Authorization::Made(scheme, advice) => {
                    notes.push((
                        format!("`authorization: {scheme}` of step `{}`", step.name),
                        format!("it was made for that one request; {advice}"),
                    ));
                }
            }
            continue;
        }
        if lower == "cookie" {
            if let Some(text) = cookies(&text, &place, vault) {
                kept.push((name, text));
            }
            continue;
        }
        let base = lower.strip_prefix("x-").unwrap_or(&lower).to_owned();
        if let Some(plain) = text.as_plain().map(str::to_owned)
            && (is_secret_key(&lower) || is_key_by_form(&plain) || looks_random(&plain))
            && is_value(&plain)
        {
            text = Text::name(vault.keep(&plain, &base, &place));
        }
        kept.push((name, text));
    }
    step.headers = kept;
}

/// What an `Authorization` header becomes.
enum Authorization {
    /// `auth = { … }`.
    Key(Auth),
    /// A header with a reference in it.
    Header(Text),
    /// Nothing: it was computed from the request. The scheme, and what to write instead.
    Made(&'static str, &'static str),
}

fn authorization(text: &Text, place: &str, vault: &mut Vault) -> Authorization {
    let mut rest = text.clone();
    let begins = |rest: &mut Text, scheme: &str| {
        let Some(Piece::Plain(first)) = rest.0.first() else { return false };
        let Some(head) = first.get(..scheme.len()).filter(|h| h.eq_ignore_ascii_case(scheme))
        else {
            return false;
        };
        let head = head.to_owned();
        rest.strip_prefix(&head)
    };
    if begins(&mut rest, "Bearer ") {
        return Authorization::Key(Auth(
            "bearer",
            vec![(String::new(), hidden(rest, "token", place, vault))],
        ));
    }
    if begins(&mut rest, "Basic ") {
        let pair = rest.as_plain().and_then(|plain| BASE64_STANDARD.decode(plain.trim()).ok());
        let pair = pair.and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some((user, password)) = pair.as_deref().and_then(|pair| pair.split_once(':')) {
            if let Some(plain) = rest.as_plain() {
                vault.silence(plain);
            }
            return Authorization::Key(basic("basic", user, password, place, vault));
        }
        let mut text = Text::plain("Basic ");
        hidden(rest, "credentials", place, vault).0.into_iter().for_each(|piece| text.push(piece));
        return Authorization::Header(text);
    }
    if begins(&mut rest, "Digest ") {
        return Authorization::Made(
            "Digest",
            "write `auth = { digest = { user = \"…\", password = \"{{password}}\" } }`",
        );
    }
    if begins(&mut rest, "AWS4-HMAC-SHA256") {
        return Authorization::Made(
            "AWS4-HMAC-SHA256",
            "write `auth = { aws = { access_key = \"…\", … } }`",
        );
    }
    if let Some(plain) = text.as_plain()
        && let Some((scheme, value)) = plain.split_once(' ')
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !value.trim().is_empty()
        && !looks_random(scheme)
    {
        let mut text = Text::plain(format!("{scheme} "));
        text.push(Piece::Name(vault.keep(value.trim(), "authorization", place)));
        return Authorization::Header(text);
    }
    Authorization::Header(hidden(text.clone(), "authorization", place, vault))
}

/// User and password as a way to sign in.
pub(super) fn basic(
    kind: &'static str,
    user: &str,
    password: &str,
    place: &str,
    vault: &mut Vault,
) -> Auth {
    let secret = |value: &str, name: &str, vault: &mut Vault| {
        if value.is_empty() { Text::default() } else { Text::name(vault.keep(value, name, place)) }
    };
    // A key alone in the place of the user, as Stripe has it.
    let key = password.is_empty() || is_key_by_form(user);
    let user = if key { secret(user, "api_key", vault) } else { Text::plain(user) };
    let password = secret(password, "password", vault);
    Auth(kind, vec![("user".to_owned(), user), ("password".to_owned(), password)])
}

/// `auth` cannot say half a pair, as keys in the place of a user are: such a step writes the header itself.
fn half_a_pair(step: &mut Step) {
    let Some(Auth("basic", fields)) = &step.auth else { return };
    let one = |key: &str| fields.iter().find(|(known, _)| known == key).map(|(_, text)| text);
    let expression = match (one("user").map(|text| &text.0[..]), one("password").map(|t| &t.0[..]))
    {
        (Some([Piece::Name(user)]), None | Some([])) => format!("base64 {user} \":\""),
        (None | Some([]), Some([Piece::Name(password)])) => format!("base64 \":\" {password}"),
        _ => return,
    };
    let mut text = Text::plain("Basic ");
    text.push(Piece::Call(expression));
    step.headers.push(("authorization".to_owned(), text));
    step.auth = None;
}

/// The text with its literal, if that is all it is, behind a name.
fn hidden(text: Text, wanted: &str, place: &str, vault: &mut Vault) -> Text {
    match text.as_plain() {
        Some(plain) if !plain.trim().is_empty() => {
            Text::name(vault.keep(plain.trim(), wanted, place))
        }
        _ => text,
    }
}

/// A `Cookie` header: sessions by reference, trackers away.
fn cookies(text: &Text, place: &str, vault: &mut Vault) -> Option<Text> {
    let Some(plain) = text.as_plain() else { return Some(text.clone()) };
    let mut out = Text::default();
    for pair in plain.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if is_tracking_cookie(name) {
            continue;
        }
        if !out.is_empty() {
            out.push(Piece::Plain("; ".to_owned()));
        }
        out.push(Piece::Plain(format!("{name}=")));
        if is_session_cookie(name, value) && is_value(value) {
            out.push(Piece::Name(vault.keep(value, name, place)));
        } else {
            out.push(Piece::Plain(value.to_owned()));
        }
    }
    (!out.is_empty()).then_some(out)
}

/// Whether a value can be a secret: not empty, not a truth value.
fn is_value(value: &str) -> bool {
    !value.trim().is_empty() && !matches!(value, "true" | "false" | "null" | "0" | "1")
}

/// Queries, forms, JSON and signing in.
fn fields(step: &mut Step, vault: &mut Vault) {
    let name_of_step = step.name.clone();
    let mut hide = |key: &str, text: &mut Text, within: &str| {
        let Some(plain) = text.as_plain() else { return };
        let lone_key = matches!(key, "key" | "code") && looks_random(plain);
        if is_value(plain) && (is_secret_key(key) || is_key_by_form(plain) || lone_key) {
            let place = format!("{within} `{key}` of step `{name_of_step}`");
            let wanted = if key.is_empty() { "value" } else { key };
            *text = Text::name(vault.keep(plain, wanted, &place));
        }
    };
    for (key, text) in &mut step.query {
        hide(key, text, "query");
    }
    match &mut step.body {
        Body::Form(fields) => {
            fields.iter_mut().for_each(|(key, text)| hide(key, text, "form field"))
        }
        Body::Json(tree) => json(tree, "", &mut hide, 0),
        Body::GraphQl { variables: Some(tree), .. } => json(tree, "", &mut hide, 0),
        Body::Multipart(parts) => {
            for part in parts {
                if let Content::Text(text) = &mut part.content {
                    hide(&part.name, text, "form field");
                }
            }
        }
        Body::Text(text) => markup(text, &mut hide),
        _ => {}
    }
    if let Some(Auth(kind, fields)) = &mut step.auth {
        for (key, text) in fields {
            let key = if *kind == "bearer" { "token" } else { key.as_str() };
            let open = matches!(key, "user" | "client_id" | "access_key" | "token_url");
            if !open || text.as_plain().is_some_and(is_key_by_form) {
                hide(key, text, "auth");
            }
        }
    }
}

fn json(tree: &mut Tree, key: &str, hide: &mut impl FnMut(&str, &mut Text, &str), depth: usize) {
    if depth > 130 {
        return;
    }
    match tree {
        Tree::Text(text) => hide(key, text, "JSON field"),
        Tree::Number(number) if is_secret_key(key) && number.len() > 2 => {
            let mut text = Text::plain(number.clone());
            hide(key, &mut text, "JSON field");
            if let [Piece::Name(name)] = &text.0[..] {
                *tree = Tree::Hole(name.clone());
            }
        }
        Tree::List(items) => items.iter_mut().for_each(|item| json(item, key, hide, depth + 1)),
        Tree::Table(members) => {
            members.iter_mut().for_each(|(key, value)| json(value, key, hide, depth + 1));
        }
        _ => {}
    }
}

/// In XML and the like: the text of elements with a telling name.
fn markup(text: &mut Text, hide: &mut impl FnMut(&str, &mut Text, &str)) {
    text.split(|plain| {
        if is_key_by_form(plain.trim()) {
            let mut whole = Text::plain(plain);
            hide("", &mut whole, "body");
            return whole.0;
        }
        let mut out = Text::default();
        let mut from = 0;
        while let Some(open) = plain[from..].find('<').map(|at| from + at) {
            let Some(close) = plain[open..].find('>').map(|at| open + at) else { break };
            let tag = plain[open + 1..close].split_whitespace().next().unwrap_or_default();
            let name = tag.rsplit(':').next().unwrap_or(tag);
            let end = plain[close..].find('<').map_or(plain.len(), |at| close + at);
            out.push(Piece::Plain(plain[from..=close].to_owned()));
            let mut content = Text::plain(&plain[close + 1..end.max(close + 1)]);
            if !tag.starts_with('/') {
                hide(name, &mut content, "element");
            }
            content.0.into_iter().for_each(|piece| out.push(piece));
            from = end.max(close + 1);
        }
        out.push(Piece::Plain(plain[from..].to_owned()));
        out.0
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_name_secrets() {
        for (key, secret) in [
            ("password", true),
            ("user[password]", true),
            ("newPassword2", true),
            ("password_confirmation", true),
            ("passwordPolicy", false),
            ("access_token", true),
            ("next_token", false),
            ("pageToken", false),
            ("token_type", false),
            ("max_tokens", false),
            ("X-Api-Key", true),
            ("apikey", true),
            ("sort_key", false),
            ("Ocp-Apim-Subscription-Key", true),
            ("X-Amz-Signature", true),
            ("client_secret", true),
            ("grant_type", false),
            ("author", false),
            ("cardNumber", true),
            ("csrfmiddlewaretoken", true),
            ("keyboard", false),
        ] {
            assert_eq!(is_secret_key(key), secret, "{key}");
        }
    }

    #[test]
    fn markup_keeps_its_form() {
        let mut vault = Vault::default();
        let mut step = Step {
            body: Body::Text(Text::plain("<a><wsse:Password t='1'>pw</wsse:Password> x < y</a>")),
            ..Step::default()
        };
        fields(&mut step, &mut vault);
        let Body::Text(text) = step.body else { panic!() };
        assert_eq!(
            text.template(),
            "<a><wsse:Password t='1'>{{Password}}</wsse:Password> x < y</a>"
        );
    }
}
