//! `auth` of `[step.http]`: one function for each form.

use serde_json::{Value, json};

use crate::{
    config::{
        page::Note,
        reader::Reader,
        schema::words::{address, default, limited, one_key, table, template, text, word},
        value::{At, Entry},
    },
    model::{Auth, Aws, OAuth2, SecretStyle, Text},
};

type Lower = fn(&Entry<'_>, &mut Vec<At<Text>>) -> Option<Auth>;

/// A form: its key, how it is read, and what editors are told of it.
type Form = (&'static str, Lower, fn() -> Value);

/// The forms.
const FORMS: &[Form] = &[
    ("basic", basic, basic_schema),
    ("bearer", bearer, bearer_schema),
    ("digest", digest, digest_schema),
    ("oauth2", oauth2, oauth2_schema),
    ("aws", aws, aws_schema),
];

/// Where a client's secret is sent.
const STYLES: [(&str, SecretStyle); 2] =
    [("basic", SecretStyle::Basic), ("body", SecretStyle::Body)];

/// How they are written.
const WRITTEN: &str = "write `auth = { basic = { user = \"…\", password = \"{{password}}\" } }`, or one of bearer, digest, oauth2, aws";

/// Lowers `auth`; a step that also writes the header itself says two things.
pub(super) fn lower(table: &Reader<'_>, templates: &mut Vec<At<Text>>) -> Option<Auth> {
    let auth = table.table("auth")?;
    let mut found = Vec::new();
    for (key, lower, _) in FORMS {
        if let Some(entry) = auth.take(key) {
            found.push((entry, lower));
        }
    }
    auth.finish();
    match found.as_slice() {
        // A key that nobody knows is told already.
        [] if !auth.entries().is_empty() => None,
        [] => {
            let note = auth.fault("`auth` does not say how").label("no form of credentials");
            auth.note(note.help(WRITTEN).derived());
            None
        }
        [(entry, lower)] => lower(entry, templates),
        [.., (entry, _)] => {
            let note = Note::new(entry.key_span.clone(), "a request has only one `auth`");
            let first = found.first().map_or("", |(first, _)| first.key);
            auth.note(note.label(format!("besides `{first}`")).help("keep one of them"));
            None
        }
    }
}

fn basic(entry: &Entry<'_>, templates: &mut Vec<At<Text>>) -> Option<Auth> {
    let (user, password) = user_and_password(entry, "step.http.auth.basic", templates)?;
    Some(Auth::Basic { user, password })
}

fn digest(entry: &Entry<'_>, templates: &mut Vec<At<Text>>) -> Option<Auth> {
    let (user, password) = user_and_password(entry, "step.http.auth.digest", templates)?;
    Some(Auth::Digest { user, password })
}

fn basic_schema() -> Value {
    login("Basic credentials (RFC 7617).")
}

fn digest_schema() -> Value {
    login("Digest credentials (RFC 7616): the first request goes without them, as browsers do.")
}

fn login(about: &str) -> Value {
    let keys = vec![
        ("user", text("The user, perhaps a template.")),
        ("password", kept_schema("The password.")),
    ];
    table(about, &["user", "password"], keys)
}

fn user_and_password(
    entry: &Entry<'_>,
    name: &str,
    templates: &mut Vec<At<Text>>,
) -> Option<(Text, Text)> {
    let table = entry.table(name)?;
    table.require("user", "user = \"{{user}}\"");
    table.require("password", "password = \"{{password}}\"");
    let user = plain(&table, "user", templates);
    let password = secret(&table, "password", templates);
    table.finish();
    Some((user?, password?))
}

fn bearer(entry: &Entry<'_>, templates: &mut Vec<At<Text>>) -> Option<Auth> {
    kept(entry, templates).map(Auth::Bearer)
}

fn bearer_schema() -> Value {
    kept_schema("A token, sent as it is.")
}

fn oauth2(entry: &Entry<'_>, templates: &mut Vec<At<Text>>) -> Option<Auth> {
    let table = entry.table("step.http.auth.oauth2")?;
    table.require("token_url", "token_url = \"{{base_url}}/oauth/token\"");
    table.require("client_id", "client_id = \"probe\"");
    let token_url = table.take("token_url").and_then(|entry| super::http::url(&entry));
    templates.extend(token_url.clone());
    let client_id = plain(&table, "client_id", templates);
    let client_secret = secret(&table, "client_secret", templates);
    let scope = plain(&table, "scope", templates);
    let audience = plain(&table, "audience", templates);
    let refresh_token = secret(&table, "refresh_token", templates);
    let style = table.take("style").and_then(|entry| {
        let text = entry.text()?;
        if let Some((_, style)) = STYLES.iter().find(|(word, _)| *word == text.value) {
            return Some(*style);
        }
        let note = entry.fault(format!("there is no style `{}`", text.value.escape_debug()));
        entry.refuse(
            note.label("not a style")
                .help("`basic` sends the client's secret in a header, `body` in the form"),
        )
    });
    if !table.has("client_secret") && !table.has("refresh_token") {
        let note = table.fault("`oauth2` needs `client_secret` or `refresh_token`");
        table.note(
            note.label("nothing proves who asks")
                .help("add `client_secret = \"{{client_secret}}\"`")
                .derived(),
        );
    }
    table.finish();
    Some(Auth::OAuth2(Box::new(OAuth2 {
        token_url: token_url?.value,
        client_id: client_id?,
        client_secret,
        scope,
        audience,
        refresh_token,
        style: style.unwrap_or_default(),
    })))
}

fn oauth2_schema() -> Value {
    let keys = vec![
        ("token_url", address("Where tokens are given out: `\"{{base_url}}/oauth/token\"`.")),
        ("client_id", text("Who asks.")),
        ("client_secret", kept_schema("What proves it.")),
        ("scope", text("What the token is for; words with spaces between them.")),
        ("audience", text("Whom the token is for, where the server wants to know.")),
        ("refresh_token", kept_schema("Asks by this token instead of `client_credentials`.")),
        (
            "style",
            default(
                word(
                    "Where the client's secret is sent: in a header (`basic`) or in the form (`body`).",
                    &STYLES.map(|(word, _)| word),
                ),
                json!("basic"),
            ),
        ),
    ];
    let about = "A token of OAuth 2.0 (RFC 6749), fetched outside of the step's time and kept until shortly before it expires.";
    let whole = table(about, &["token_url", "client_id"], keys);
    let proof = json!([{ "required": ["client_secret"] }, { "required": ["refresh_token"] }]);
    limited(whole, json!({ "anyOf": proof }))
}

fn aws(entry: &Entry<'_>, templates: &mut Vec<At<Text>>) -> Option<Auth> {
    let table = entry.table("step.http.auth.aws")?;
    for (key, example) in [
        ("access_key", "access_key = \"{{aws_access_key}}\""),
        ("secret_key", "secret_key = \"{{aws_secret_key}}\""),
        ("region", "region = \"eu-central-1\""),
        ("service", "service = \"execute-api\""),
    ] {
        table.require(key, example);
    }
    let access_key = plain(&table, "access_key", templates);
    let secret_key = secret(&table, "secret_key", templates);
    let session_token = secret(&table, "session_token", templates);
    let region = plain(&table, "region", templates);
    let service = plain(&table, "service", templates);
    table.finish();
    Some(Auth::Aws(Box::new(Aws {
        access_key: access_key?,
        secret_key: secret_key?,
        session_token,
        region: region?,
        service: service?,
    })))
}

fn aws_schema() -> Value {
    let keys = vec![
        ("access_key", text("The id of the access key.")),
        ("secret_key", kept_schema("The access key's secret.")),
        ("session_token", kept_schema("The token of a temporary session.")),
        ("region", text("The region, such as `eu-central-1`.")),
        ("service", text("The service, such as `execute-api` or `s3`.")),
    ];
    table(
        "Signs each request for AWS (Signature Version 4).",
        &["access_key", "secret_key", "region", "service"],
        keys,
    )
}

/// What editors are told of `auth`.
pub(in crate::config) fn schema() -> Value {
    let keys = FORMS.iter().map(|(key, _, schema)| (*key, schema())).collect();
    let about =
        "Who the request says it is: one of these, only for the host of the step's own URL.";
    one_key(table(about, &[], keys))
}

/// A template that stands for a secret.
fn kept_schema(about: &str) -> Value {
    limited(template(about), json!({ "type": "string", "pattern": "\\{\\{" }))
}

/// A template that may be a plain text.
fn plain(table: &Reader<'_>, key: &'static str, templates: &mut Vec<At<Text>>) -> Option<Text> {
    let text = table.take(key)?.text()?;
    let text = At { value: Text(text.value), span: text.span };
    templates.push(text.clone());
    Some(text.value)
}

fn secret(table: &Reader<'_>, key: &'static str, templates: &mut Vec<At<Text>>) -> Option<Text> {
    kept(&table.take(key)?, templates)
}

/// A template that may not be a plain text: that would be the secret itself.
fn kept(entry: &Entry<'_>, templates: &mut Vec<At<Text>>) -> Option<Text> {
    let text = entry.text()?;
    if !text.value.contains("{{") {
        entry.page.hide(entry.span.clone());
        let note = entry.fault(format!("`{}` stands in the file itself", entry.key));
        return entry.refuse(note.label("a secret in the file").help(format!(
            "refer to one of the environment's `secrets`: `{} = \"{{{{name}}}}\"`",
            entry.key
        )));
    }
    let text = At { value: Text(text.value), span: text.span };
    templates.push(text.clone());
    Some(text.value)
}
