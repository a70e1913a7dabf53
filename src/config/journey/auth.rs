//! `auth` of `[step.http]`: one function for each form.

use crate::{
    config::{
        page::Note,
        reader::Reader,
        value::{At, Entry},
    },
    model::{Auth, Aws, OAuth2, SecretStyle, Text},
};

type Lower = fn(&Entry<'_>, &mut Vec<At<Text>>) -> Option<Auth>;

/// The forms, by their keys.
const FORMS: &[(&str, Lower)] =
    &[("basic", basic), ("bearer", bearer), ("digest", digest), ("oauth2", oauth2), ("aws", aws)];

/// How they are written.
const WRITTEN: &str = "write `auth = { basic = { user = \"…\", password = \"{{password}}\" } }`, or one of bearer, digest, oauth2, aws";

/// Lowers `auth`; a step that also writes the header itself says two things.
pub(super) fn lower(table: &Reader<'_>, templates: &mut Vec<At<Text>>) -> Option<Auth> {
    let auth = table.table("auth")?;
    let mut found = Vec::new();
    for (key, lower) in FORMS {
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
        match text.value.as_str() {
            "basic" => Some(SecretStyle::Basic),
            "body" => Some(SecretStyle::Body),
            _ => entry.refuse(
                entry
                    .fault(format!("there is no style `{}`", text.value.escape_debug()))
                    .label("not a style")
                    .help("`basic` sends the client's secret in a header, `body` in the form"),
            ),
        }
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
