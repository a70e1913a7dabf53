//! From an operation to a step.

use serde_json::Value as Json;

use super::{
    document::{Document, Operation},
    schema,
};
use crate::import::{
    draft::{Auth, Body, Content, Draft, Expect, Part, Query, Step},
    names,
    text::{Piece, Text},
    tree::Tree,
};

/// Largest schema that an assertion repeats, in bytes of its JSON.
const LARGEST_SHAPE: usize = 1500;

/// The step of an operation, and the required values that only a person knows: they are variables.
pub(super) fn step(
    document: &Document,
    operation: &Operation<'_>,
    site: &str,
    draft: &mut Draft,
) -> (Step, Vec<String>) {
    let mut step = Step { method: operation.method.to_owned(), ..Step::default() };
    let mut unknown = Vec::new();
    let title = operation.said["summary"].as_str().or(operation.said["operationId"].as_str());
    step.name = names::step(title.unwrap_or_default().trim_end_matches('.'));
    let parameters = document.parameters(operation);
    step.url = url(document, operation, site, &parameters, &mut unknown);
    let mut cookies = Text::default();
    for parameter in &parameters {
        let Some(name) = parameter["name"].as_str() else { continue };
        if parameter["required"] != Json::Bool(true) {
            continue;
        }
        let value = schema::example(document, parameter).and_then(|value| texts(&value));
        let values = value.unwrap_or_else(|| {
            unknown.push(names::variable(name));
            vec![Text::name(names::variable(name))]
        });
        match parameter["in"].as_str() {
            Some("query") => {
                step.query.extend(values.into_iter().map(|value| (name.to_owned(), value)));
            }
            Some("header") => {
                let own = ["accept", "content-type", "authorization"];
                if !own.contains(&name.to_lowercase().as_str()) {
                    step.headers.extend(values.into_iter().map(|v| (name.to_lowercase(), v)));
                }
            }
            Some("cookie") => {
                let between = if cookies.is_empty() { "" } else { "; " };
                cookies.push(Piece::Plain(format!("{between}{name}=")));
                values.into_iter().take(1).flat_map(|v| v.0).for_each(|piece| cookies.push(piece));
            }
            _ => {}
        }
    }
    if !cookies.is_empty() {
        step.headers.push(("cookie".to_owned(), cookies));
    }
    body(document, operation, &mut step, &mut unknown, draft);
    sign_in(document, operation, &mut step, draft);
    expects(document, operation, &mut step);
    (step, unknown)
}

/// The path with its parameters filled in.
fn url(
    document: &Document,
    operation: &Operation<'_>,
    site: &str,
    parameters: &[&Json],
    unknown: &mut Vec<String>,
) -> Text {
    let mut url = Text::plain(site);
    let mut rest = operation.path;
    while let Some(open) = rest.find('{') {
        let Some(close) = rest[open..].find('}').map(|at| open + at) else { break };
        url.push(Piece::Plain(rest[..open].to_owned()));
        let name = &rest[open + 1..close];
        let parameter = parameters.iter().find(|p| p["in"] == "path" && p["name"] == name);
        let value = parameter.and_then(|parameter| schema::example(document, parameter));
        match value.as_ref().and_then(scalar) {
            Some(value) => {
                let encoded = percent_encoding::utf8_percent_encode(
                    &value,
                    percent_encoding::NON_ALPHANUMERIC,
                );
                let safe = value.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c));
                url.push(Piece::Plain(if safe { value.clone() } else { encoded.to_string() }));
            }
            None => {
                unknown.push(names::variable(name));
                url.push(Piece::Encoded(names::variable(name)));
            }
        }
        rest = &rest[close + 1..];
    }
    url.push(Piece::Plain(rest.to_owned()));
    url
}

fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// A value of a query or header: lists are repeated.
fn texts(value: &Json) -> Option<Vec<Text>> {
    match value {
        Json::Array(all) if !all.is_empty() => {
            all.iter().map(|one| scalar(one).map(Text::plain)).collect()
        }
        one => scalar(one).map(|text| vec![Text::plain(text)]),
    }
}

fn body(
    document: &Document,
    operation: &Operation<'_>,
    step: &mut Step,
    unknown: &mut Vec<String>,
    draft: &mut Draft,
) {
    let Some(body) = operation.said.get("requestBody").and_then(|b| document.follow(b)) else {
        return;
    };
    let content = body["content"].as_object();
    let find = |ends: &str| {
        content
            .into_iter()
            .flatten()
            .find(|(media, _)| media.split(';').next().unwrap_or_default().trim().ends_with(ends))
    };
    let form = |value: Option<Json>| -> Vec<(String, Text)> {
        let members = value.and_then(|value| value.as_object().cloned()).unwrap_or_default();
        members
            .into_iter()
            .filter_map(|(key, value)| Some((key, Text::plain(scalar(&value)?))))
            .collect()
    };
    if let Some((media, holder)) = find("json") {
        match schema::example(document, holder) {
            Some(value) => step.body = Body::Json(Tree::of_json(&value)),
            None => unknown.push(body_name(step, draft)),
        }
        if media != "application/json" {
            step.headers.push(("content-type".to_owned(), Text::plain(media.clone())));
        }
    } else if let Some((_, holder)) = find("x-www-form-urlencoded") {
        step.body = Body::Form(form(schema::example(document, holder)));
    } else if let Some((_, holder)) = find("form-data") {
        let fields = form(schema::example(document, holder));
        let parts = fields.into_iter().map(|(name, text)| Part {
            name,
            content: Content::Text(text),
            media: None,
        });
        step.body = Body::Multipart(parts.collect());
    } else if let Some((media, holder)) = content.and_then(|all| all.iter().next()) {
        if let Some(Json::String(text)) = schema::example(document, holder) {
            step.headers.push(("content-type".to_owned(), Text::plain(media.clone())));
            step.body = Body::Text(Text::plain(text));
        } else if body["required"] == Json::Bool(true) {
            draft.unsupported(
                format!("the body of {}", operation.label()),
                format!("there is no example of {media}"),
            );
        }
    }
}

/// A body that only a person knows is a variable.
fn body_name(step: &mut Step, draft: &mut Draft) -> String {
    draft.look(
        format!("the body of `{}`", step.name),
        "the description gives no example: `{{body}}` stands for it",
    );
    step.headers.push(("content-type".to_owned(), Text::plain("application/json")));
    step.body = Body::Text(Text::name("body"));
    "body".to_owned()
}

/// The first of the ways to sign in that the description allows.
fn sign_in(document: &Document, operation: &Operation<'_>, step: &mut Step, draft: &mut Draft) {
    let security = operation.said.get("security").or_else(|| document.root().get("security"));
    let Some(all) = security.and_then(Json::as_array) else { return };
    // An empty alternative means that nobody need sign in.
    if all.iter().any(|one| one.as_object().is_some_and(serde_json::Map::is_empty)) {
        return;
    }
    let Some(first) = all.first().and_then(Json::as_object) else { return };
    for name in first.keys() {
        let scheme =
            document.root().pointer("/components/securitySchemes").and_then(|all| all.get(name));
        let Some(scheme) = scheme.and_then(|scheme| document.follow(scheme)) else { continue };
        let place = format!("security scheme `{}`", names::step(name));
        let secret = |wanted: &str, draft: &mut Draft| {
            draft.vault.refer(wanted, &place);
            Text::name(wanted)
        };
        let kind = (
            scheme["type"].as_str().unwrap_or_default(),
            scheme["scheme"].as_str().unwrap_or_default().to_lowercase(),
        );
        match (kind.0, kind.1.as_str()) {
            ("http", "basic" | "digest") => {
                let kind = if kind.1 == "basic" { "basic" } else { "digest" };
                let fields = vec![
                    ("user".to_owned(), Text::name("user")),
                    ("password".to_owned(), secret("password", draft)),
                ];
                step.auth = Some(Auth(kind, fields));
            }
            ("http", "bearer") | ("openIdConnect", _) => {
                step.auth = Some(Auth("bearer", vec![(String::new(), secret("token", draft))]));
            }
            ("apiKey", _) => {
                let key = scheme["name"].as_str().unwrap_or("x-api-key").to_owned();
                let value = secret("api_key", draft);
                match scheme["in"].as_str() {
                    Some("query") => step.query.push((key, value)),
                    Some("cookie") => {
                        let mut text = Text::plain(format!("{key}="));
                        text.push(Piece::Name("api_key".to_owned()));
                        step.headers.push(("cookie".to_owned(), text));
                    }
                    _ => step.headers.push((key.to_lowercase(), value)),
                }
            }
            ("oauth2", _) => {
                match scheme.pointer("/flows/clientCredentials/tokenUrl").and_then(Json::as_str) {
                    Some(url) => {
                        let mut fields = vec![
                            ("token_url".to_owned(), Text::plain(url)),
                            ("client_id".to_owned(), Text::name("client_id")),
                            ("client_secret".to_owned(), secret("client_secret", draft)),
                        ];
                        let scopes: Vec<&str> = first[name]
                            .as_array()
                            .into_iter()
                            .flatten()
                            .filter_map(Json::as_str)
                            .collect();
                        if !scopes.is_empty() {
                            fields.push(("scope".to_owned(), Text::plain(scopes.join(" "))));
                        }
                        step.auth = Some(Auth("oauth2", fields));
                    }
                    None => {
                        step.auth =
                            Some(Auth("bearer", vec![(String::new(), secret("token", draft))]))
                    }
                }
            }
            ("mutualTLS", _) => {
                draft.look(place.clone(), "give the environment a `client_certificate`")
            }
            (other, _) => {
                draft.unsupported(place.clone(), format!("its type is `{}`", names::step(other)))
            }
        }
    }
}

/// The first good answer: its status, its media type, the shape of its JSON.
fn expects(document: &Document, operation: &Operation<'_>, step: &mut Step) {
    let responses = operation.said["responses"].as_object();
    let good = responses.into_iter().flatten().find(|(status, _)| status.starts_with('2'));
    let Some((status, response)) = good else { return };
    if status.parse::<u16>().is_ok() {
        step.expects.push(Expect::new(Query::plain("status"), "equals", Tree::number(status)));
    }
    let Some(content) = document.follow(response).and_then(|r| r["content"].as_object()) else {
        return;
    };
    let json = content
        .iter()
        .find(|(media, _)| media.split(';').next().unwrap_or_default().trim().ends_with("json"));
    let Some((media, holder)) = json else { return };
    let media = media.split(';').next().unwrap_or_default().trim();
    let query = Query::named("header", "content-type");
    step.expects.push(Expect::new(query, "starts_with", Tree::text(media)));
    let shape = holder.get("schema").and_then(|schema| schema::shape(document, schema));
    let shape = shape.filter(|shape| shape.to_string().len() <= LARGEST_SHAPE);
    if let Some(shape) = shape.map(|shape| Tree::of_json(&shape)).filter(Tree::is_toml) {
        step.expects.push(Expect::new(Query::named("jsonpath", "$"), "schema", shape));
    }
}
