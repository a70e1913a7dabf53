//! From a request of a collection to a step.

use serde_json::Value as Json;

use super::collection::{self, Auth as Given, Pair, Request, pairs, scalar};
use crate::import::{
    draft::{Auth, Body, Content, Draft, Part, Step},
    graphql, headers, names,
    text::{Piece, Text},
    tree::Tree,
    url_parts,
};

/// A text with Postman's `{{variables}}`; dynamic ones (`{{$guid}}`) become the run's id where that does, or a variable.
pub(super) fn text(text: &str, draft: &mut Draft) -> Text {
    let mut out = Text::default();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let Some(close) = rest[open..].find("}}").map(|at| open + at) else { break };
        out.push(Piece::Plain(rest[..open].to_owned()));
        let name = rest[open + 2..close].trim();
        match name.strip_prefix('$') {
            Some("guid" | "randomUUID") => out.push(Piece::Name("run_id".to_owned())),
            Some(dynamic) => {
                let dynamic: String = dynamic.chars().take(40).collect();
                draft.unsupported(
                    format!("`{{{{${dynamic}}}}}`"),
                    "values are not made up: it is a variable now",
                );
                out.push(Piece::Name(names::variable(&dynamic)));
            }
            None => out.push(Piece::Name(names::variable(name))),
        }
        rest = &rest[close + 2..];
    }
    out.push(Piece::Plain(rest.to_owned()));
    out
}

/// The step of one request; `inherited` is how its folders sign in.
pub(super) fn step(
    name: &str,
    request: Request,
    inherited: Option<&Given>,
    draft: &mut Draft,
) -> Step {
    let method = request.method.unwrap_or_else(|| "GET".to_owned());
    let mut step = Step { name: name.to_owned(), method, ..Step::default() };
    url(&request.url, &mut step, draft);
    for pair in pairs(&request.header) {
        let Some((key, value)) = pair.texts() else { continue };
        let value = text(&value, draft);
        let plain = value.as_plain().unwrap_or_default().to_owned();
        if let Some(why) = headers::left_out(&key, &plain) {
            draft.left_out(key.to_lowercase(), why);
        } else if headers::is_sendable(&key, &plain) {
            step.headers.push((key.to_lowercase(), value));
        } else {
            draft.unsupported(
                format!("a header of `{name}`"),
                "it has characters that no header can have",
            );
        }
    }
    if let Some(given) = request.body.filter(|body| !body.disabled) {
        body(given, &mut step, draft);
    }
    let auth = request.auth.as_ref().filter(|auth| auth.kind.is_some()).or(inherited);
    if let Some(given) = auth {
        sign_in(given, &mut step, draft);
    }
    step
}

fn url(json: &Json, step: &mut Step, draft: &mut Draft) {
    let raw = scalar(json).or_else(|| scalar(&json["raw"])).unwrap_or_default();
    let raw = if raw.contains("://") || raw.trim_start().starts_with("{{") || raw.is_empty() {
        raw.trim().to_owned()
    } else {
        format!("http://{}", raw.trim())
    };
    let bare = raw.split(['?', '#']).next().unwrap_or_default();
    let mut path = Text::default();
    let variables: Vec<(String, String)> =
        pairs(&json["variable"]).iter().filter_map(Pair::texts).collect();
    // `:id` in a path is a variable of the request.
    let start = bare.find("://").map_or(0, |at| at + 3);
    let mut first = true;
    for segment in bare[start..].split('/') {
        if !first {
            path.push(Piece::Plain("/".to_owned()));
        }
        let named = segment.strip_prefix(':').filter(|name| !first && !name.is_empty());
        let known = named.and_then(|name| variables.iter().find(|(key, _)| key == name));
        match (named, known) {
            (_, Some((_, value))) if !value.is_empty() => {
                text(value, draft).0.into_iter().for_each(|piece| path.push(piece));
            }
            (Some(name), _) => path.push(Piece::Encoded(names::variable(name))),
            _ => text(segment, draft).0.into_iter().for_each(|piece| path.push(piece)),
        }
        first = false;
    }
    if start > 0 {
        path.0.insert(0, Piece::Plain(bare[..start].to_owned()));
        let pieces = std::mem::take(&mut path.0);
        pieces.into_iter().for_each(|piece| path.push(piece));
    }
    step.url = path;
    if json["query"].is_array() {
        for pair in pairs(&json["query"]) {
            if let Some((key, value)) = pair.texts() {
                step.query.push((key, text(&value, draft)));
            }
        }
    } else if let Some((_, query)) = raw.split_once('?') {
        let query = text(query.split('#').next().unwrap_or_default(), draft);
        match url_parts::template_pairs(&query) {
            Some(pairs) => step.query = pairs,
            None => {
                step.url.push(Piece::Plain("?".to_owned()));
                query.0.into_iter().for_each(|piece| step.url.push(piece));
            }
        }
    }
}

fn body(given: collection::Body, step: &mut Step, draft: &mut Draft) {
    step.body = match given.mode.as_deref() {
        Some("raw") => {
            let raw = text(&given.raw.unwrap_or_default(), draft);
            if raw.is_empty() {
                return;
            }
            let said = step.headers.iter().any(|(name, value)| {
                name == "content-type" && value.as_plain().is_some_and(|v| v.contains("json"))
            });
            let language = given.options["raw"]["language"].as_str().unwrap_or_default().to_owned();
            let tree = (said || language == "json" || language.is_empty())
                .then(|| Tree::parse(&raw))
                .flatten();
            match tree {
                Some(tree) => graphql::of_json(tree),
                None => {
                    let media = match language.as_str() {
                        "json" => "application/json",
                        "xml" => "application/xml",
                        "html" => "text/html",
                        _ => "",
                    };
                    if !media.is_empty()
                        && !step.headers.iter().any(|(name, _)| name == "content-type")
                    {
                        step.headers.push(("content-type".to_owned(), Text::plain(media)));
                    }
                    Body::Text(raw)
                }
            }
        }
        Some("urlencoded") => {
            let pairs =
                given.urlencoded.unwrap_or_default().into_iter().filter(|pair| !pair.disabled);
            let pairs = pairs
                .filter_map(|pair| pair.texts())
                .map(|(key, value)| (key, text(&value, draft)));
            Body::Form(pairs.collect())
        }
        Some("formdata") => {
            let pairs =
                given.formdata.unwrap_or_default().into_iter().filter(|pair| !pair.disabled);
            Body::Multipart(pairs.filter_map(|pair| part(&pair, draft)).collect())
        }
        Some("graphql") => {
            let query = given.graphql["query"].as_str().unwrap_or_default();
            let variables = given.graphql["variables"].as_str().unwrap_or_default();
            let variables = Tree::parse(&text(variables, draft)).filter(Tree::is_toml);
            let variables = variables
                .filter(|tree| matches!(tree, Tree::Table(members) if !members.is_empty()));
            let operation = given.graphql["operationName"].as_str().map(str::to_owned);
            Body::GraphQl { query: text(query, draft), variables, operation }
        }
        Some("file") => {
            let file = given.file["src"].as_str().unwrap_or("file");
            let short = file.rsplit(['/', '\\']).next().unwrap_or("file").to_owned();
            draft.look(format!("the file {short}"), "put it beside the journey");
            Body::File(short)
        }
        _ => Body::None,
    };
}

fn part(pair: &Pair, draft: &mut Draft) -> Option<Part> {
    let (name, value) = pair.texts()?;
    let content = if pair.kind.as_deref() == Some("file") {
        let source = scalar(&pair.src).or_else(|| scalar(&pair.src[0])).unwrap_or_default();
        let short = source.rsplit(['/', '\\']).next().unwrap_or_default();
        let short = if short.is_empty() { "file".to_owned() } else { short.to_owned() };
        draft.look(format!("the file {short}"), "put it beside the journey");
        Content::File(short)
    } else {
        Content::Text(text(&value, draft))
    };
    Some(Part { name, content, media: pair.media.clone().filter(|media| !media.is_empty()) })
}

fn sign_in(given: &Given, step: &mut Step, draft: &mut Draft) {
    let kind = given.kind.as_deref().unwrap_or_default();
    let value = |name: &str, draft: &mut Draft| {
        let value = given.parameter(name).unwrap_or_default();
        text(&value, draft)
    };
    let fields = |names: &[(&str, &str)], draft: &mut Draft| -> Vec<(String, Text)> {
        let all = names.iter().map(|(theirs, ours)| ((*ours).to_owned(), value(theirs, draft)));
        all.collect::<Vec<_>>()
            .into_iter()
            .filter(|(key, text)| !text.is_empty() || key == "password")
            .collect()
    };
    let user = [("username", "user"), ("password", "password")];
    step.auth = match kind {
        "noauth" | "" => None,
        "basic" => Some(Auth("basic", fields(&user, draft))),
        "digest" => Some(Auth("digest", fields(&user, draft))),
        "bearer" => Some(Auth(
            "bearer",
            vec![(String::new(), text(&given.parameter("token").unwrap_or_default(), draft))],
        )),
        "awsv4" => {
            let names = [
                ("accessKey", "access_key"),
                ("secretKey", "secret_key"),
                ("sessionToken", "session_token"),
                ("region", "region"),
                ("service", "service"),
            ];
            Some(Auth("aws", fields(&names, draft)))
        }
        "oauth2" if given.parameter("grant_type").as_deref() == Some("client_credentials") => {
            let names = [
                ("accessTokenUrl", "token_url"),
                ("clientId", "client_id"),
                ("clientSecret", "client_secret"),
                ("scope", "scope"),
                ("audience", "audience"),
            ];
            Some(Auth("oauth2", fields(&names, draft)))
        }
        "oauth2" => {
            let token =
                given.parameter("accessToken").unwrap_or_else(|| "{{access_token}}".to_owned());
            draft.look(
                "OAuth2 with a person in it",
                "the token is a secret now: sign in by steps, or by `auth = { oauth2 = … }`",
            );
            Some(Auth("bearer", vec![(String::new(), text(&token, draft))]))
        }
        "apikey" => {
            let key = given.parameter("key").unwrap_or_else(|| "x-api-key".to_owned());
            let value = given.parameter("value").unwrap_or_default();
            let place = format!("auth of the collection, `{key}`");
            let value = if value.contains("{{") || value.is_empty() {
                text(&value, draft)
            } else {
                Text::name(draft.vault.keep(&value, "api_key", &place))
            };
            match given.parameter("in").as_deref() {
                Some("query") => step.query.push((key, value)),
                _ => step.headers.push((key.to_lowercase(), value)),
            }
            None
        }
        other => {
            draft.unsupported(
                format!("signing in by `{other}`"),
                "a journey knows basic, bearer, digest, oauth2 and aws",
            );
            None
        }
    };
    // An empty password or token stands for one that Postman keeps elsewhere.
    if let Some(Auth(kind, fields)) = &mut step.auth {
        for (key, text) in fields.iter_mut().filter(|(_, text)| text.is_empty()) {
            *text = Text::name(if *kind == "bearer" { "token" } else { key.as_str() });
        }
    }
}
