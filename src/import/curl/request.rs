//! From the options of one `curl` to a step.

use std::collections::BTreeSet;

use url::Url;

use super::options::Said;
use crate::import::{
    draft::{Auth, Body, Content, Draft, Part, Step},
    headers, secrets,
    text::{Piece, Text},
    tree::Tree,
    url_parts,
};

/// The steps of one set of options: one for each address.
pub(super) fn steps(said: Said, draft: &mut Draft) {
    if said.urls.is_empty() {
        draft.unsupported("a curl command", "it has no address");
        return;
    }
    environment(&said, draft);
    for url in &said.urls {
        let mut step = Step { method: method(&said), ..Step::default() };
        address(url, &mut step, draft);
        let sent = headers_of(&said, &mut step, draft);
        body(&said, sent.as_deref(), &mut step, draft);
        sign_in(&said, &mut step, draft);
        http(&said, &mut step);
        draft.steps.push(step);
    }
}

fn method(said: &Said) -> String {
    let explicit = said.value("request").and_then(Text::as_plain).map(str::to_owned);
    let sends = [
        "data",
        "data-raw",
        "data-ascii",
        "data-binary",
        "data-urlencode",
        "json",
        "form",
        "form-string",
    ];
    let implied = if said.has("head") {
        "HEAD"
    } else if said.value("upload-file").is_some() {
        "PUT"
    } else if !said.has("get") && sends.iter().any(|option| said.value(option).is_some()) {
        "POST"
    } else {
        "GET"
    };
    explicit.unwrap_or_else(|| implied.to_owned())
}

fn address(url: &Text, step: &mut Step, draft: &mut Draft) {
    if let Some(plain) = url.as_plain() {
        let whole =
            if plain.contains("://") { plain.to_owned() } else { format!("http://{plain}") };
        if let Ok(parsed) = Url::parse(&whole) {
            let address = url_parts::address(&parsed);
            (step.url, step.query) = (address.url, address.query);
            if let Some((user, password)) = address.user {
                step.auth = Some(secrets::basic(
                    "basic",
                    &user,
                    &password,
                    "the address",
                    &mut draft.vault,
                ));
            }
            if plain.contains(['{', '[']) && !plain.contains("[::") {
                draft.look("an address with brackets", "curl makes several of it; here it is one");
            }
            return;
        }
        draft.unsupported("an address", "it cannot be read as one");
    }
    let mut url = url.clone();
    let begins = matches!(url.0.first(), Some(Piece::Plain(first)) if !first.contains("://"));
    if begins {
        url.0.insert(0, Piece::Plain("http://".to_owned()));
    }
    (step.url, step.query) = url_parts::template(url);
}

/// Headers, cookies and the like; gives the media type that is sent.
fn headers_of(said: &Said, step: &mut Step, draft: &mut Draft) -> Option<String> {
    let browser = said.values("header").filter_map(Text::as_plain).any(|header| {
        let lower = header.to_ascii_lowercase();
        lower.starts_with("sec-") || lower.starts_with("user-agent: mozilla")
    });
    let mut named = BTreeSet::new();
    let mut media = None;
    for header in said.values("header") {
        let Some((name, value)) = split_header(header) else { continue };
        let plain = value.as_plain().unwrap_or_default();
        if name.eq_ignore_ascii_case("content-type") {
            media = value.as_plain().map(str::to_owned);
        }
        let own = |name: &str| {
            matches!(name, "content-length" | "host" | "connection" | "accept-encoding")
        };
        let why =
            headers::left_out(&name, plain).filter(|_| browser || own(&name.to_ascii_lowercase()));
        if let Some(why) = why {
            if named.insert(name.to_ascii_lowercase()) {
                draft.left_out(name.to_ascii_lowercase(), why);
            }
        } else if headers::is_idempotency_key(&name) {
            step.headers.push((name, Text::name("run_id")));
        } else if name.eq_ignore_ascii_case("cookie") {
            let trackers = plain.split(';').filter_map(|pair| pair.trim().split('=').next());
            for tracker in trackers.filter(|name| secrets::is_tracking_cookie(name)) {
                draft.left_out(format!("cookie `{tracker}`"), "counts visitors");
            }
            step.headers.push((name, value));
        } else if headers::is_sendable(&name, plain) {
            step.headers.push((name.to_ascii_lowercase(), value));
        } else {
            draft.unsupported("a header", "it has characters that no header can have");
        }
    }
    for (option, name) in [("user-agent", "user-agent"), ("referer", "referer")] {
        if let Some(value) = said.value(option).filter(|v| !v.shown().starts_with("Mozilla/")) {
            step.headers.push((name.to_owned(), value.clone()));
        }
    }
    for cookie in said.values("cookie") {
        if cookie.shown().contains('=') {
            step.headers.push(("cookie".to_owned(), cookie.clone()));
        } else {
            draft.unsupported(
                "curl --cookie",
                "a file of cookies is not read; the journey has a jar of its own",
            );
        }
    }
    media
}

/// `Name: value`; `Name;` sends an empty one, `Name:` none at all.
fn split_header(header: &Text) -> Option<(String, Text)> {
    let Some(Piece::Plain(first)) = header.0.first() else { return None };
    if header.0.len() == 1
        && let Some(name) = first.trim().strip_suffix(';')
    {
        return Some((name.to_owned(), Text::default()));
    }
    let (name, rest) = first.split_once(':')?;
    let mut value = Text::plain(rest.trim_start());
    header.0[1..].iter().for_each(|piece| value.push(piece.clone()));
    if let Some(Piece::Plain(last)) = value.0.last_mut() {
        last.truncate(last.trim_end().len());
    }
    (!value.is_empty()).then(|| (name.trim().to_owned(), value))
}

fn body(said: &Said, media: Option<&str>, step: &mut Step, draft: &mut Draft) {
    if let Some(file) = said.value("upload-file") {
        step.body = file_of(file, draft);
        return;
    }
    let parts: Vec<Part> = said
        .values
        .iter()
        .filter(|(option, _)| matches!(*option, "form" | "form-string"))
        .filter_map(|(option, value)| part(value, *option == "form", draft))
        .collect();
    if !parts.is_empty() {
        step.body = Body::Multipart(parts);
        return;
    }
    let mut data: Option<Text> = None;
    for (option, value) in &said.values {
        let value = match *option {
            "data-raw" => value.clone(),
            "data-urlencode" => encoded(value),
            "data" | "data-ascii" | "data-binary" | "json" => {
                if value.shown().starts_with('@') {
                    let mut file = value.clone();
                    file.strip_prefix("@");
                    step.body = file_of(&file, draft);
                    return;
                }
                value.clone()
            }
            _ => continue,
        };
        match &mut data {
            None => data = Some(value),
            Some(data) => {
                let between = if *option == "json" { "" } else { "&" };
                data.push(Piece::Plain(between.to_owned()));
                value.0.into_iter().for_each(|piece| data.push(piece));
            }
        }
    }
    let json = said.value("json").is_some();
    for query in said.values("url-query") {
        step.query.extend(url_parts::template_pairs(&encoded(query)).unwrap_or_default());
    }
    let Some(data) = data else { return };
    if said.has("get") || said.has("head") {
        match url_parts::template_pairs(&data) {
            Some(pairs) => step.query.extend(pairs),
            None => draft.unsupported("curl --get with data", "the data is not made of pairs"),
        }
        return;
    }
    step.body = typed(data, if json { Some("application/json") } else { media }, draft);
}

/// A body by its media type; curl's own is a form's.
fn typed(data: Text, media: Option<&str>, draft: &mut Draft) -> Body {
    let media =
        media.map(|media| media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let is_json = media.as_deref().is_some_and(|media| media.ends_with("json"));
    if is_json || media.is_none() {
        match Tree::parse(&data) {
            Some(tree @ (Tree::Table(_) | Tree::List(_))) => {
                if media.is_none() {
                    draft.look(
                        "the body",
                        "it is sent as JSON here; curl would have called it a form",
                    );
                }
                return super::super::graphql::of_json(tree);
            }
            Some(tree) if is_json => return Body::Json(tree),
            _ => {}
        }
    }
    let form = media.as_deref().is_none_or(|media| media == "application/x-www-form-urlencoded");
    if form && let Some(pairs) = url_parts::template_pairs(&data) {
        return Body::Form(pairs);
    }
    Body::Text(data)
}

/// `--data-urlencode`: `content`, `=content` or `name=content`, encoded.
fn encoded(value: &Text) -> Text {
    let encode =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let mut out = Text::default();
    for (at, piece) in value.0.iter().enumerate() {
        match piece {
            Piece::Plain(plain) if at == 0 => match plain.split_once('=') {
                Some(("", content)) => out.push(Piece::Plain(encode(content))),
                Some((name, content)) => {
                    out.push(Piece::Plain(format!("{name}={}", encode(content))))
                }
                None => out.push(Piece::Plain(encode(plain))),
            },
            Piece::Plain(plain) => out.push(Piece::Plain(encode(plain))),
            Piece::Name(name) => out.push(Piece::Encoded(name.clone())),
            piece => out.push(piece.clone()),
        }
    }
    out
}

fn file_of(file: &Text, draft: &mut Draft) -> Body {
    let name = file.shown();
    let short = name.rsplit(['/', '\\']).next().unwrap_or_default();
    if short.is_empty() || short == "-" || short == "." || file.names().next().is_some() {
        draft.unsupported(
            "a body from standard input or a computed file",
            "name a file with `body_file`",
        );
        return Body::None;
    }
    draft.look(format!("the file {short}"), "put it beside the journey");
    Body::File(short.to_owned())
}

/// `-F`: `name=content`, `name=@file;type=media`, `name=<file`.
fn part(value: &Text, forms: bool, draft: &mut Draft) -> Option<Part> {
    let mut content = value.clone();
    let first = match value.0.first() {
        Some(Piece::Plain(first)) => first.as_str(),
        _ => "",
    };
    let Some((name, rest)) = first.split_once('=') else {
        draft.unsupported("curl --form", "a part has no name");
        return None;
    };
    content.strip_prefix(&format!("{name}="));
    let file = forms && rest.starts_with(['@', '<']);
    let (mut media, mut text) = (None, content);
    if forms && let Some(Piece::Plain(last)) = text.0.last_mut() {
        let whole = last.clone();
        let mut fields = whole.split(';');
        let kept = fields.next().unwrap_or_default().to_owned();
        let attributes: Vec<&str> = fields.collect();
        let known = |a: &&str| a.trim().starts_with("type=") || a.trim().starts_with("filename=");
        if !attributes.is_empty() && attributes.iter().all(known) {
            media =
                attributes.iter().find_map(|a| a.trim().strip_prefix("type=")).map(str::to_owned);
            *last = kept;
        }
    }
    if !file {
        return Some(Part { name: name.to_owned(), content: Content::Text(text), media });
    }
    let path = text.shown();
    let short = path.trim_start_matches(['@', '<']).trim_matches('"').rsplit(['/', '\\']).next();
    let short = short.filter(|short| !short.is_empty()).unwrap_or("file").to_owned();
    draft.look(format!("the file {short}"), "put it beside the journey");
    Some(Part { name: name.to_owned(), content: Content::File(short), media })
}

fn sign_in(said: &Said, step: &mut Step, draft: &mut Draft) {
    if let Some(token) = said.value("oauth2-bearer") {
        step.auth = Some(Auth("bearer", vec![(String::new(), token.clone())]));
    }
    let Some(user) = said.value("user") else { return };
    let kind = if said.has("digest") { "digest" } else { "basic" };
    let aws = said.value("aws-sigv4").and_then(Text::as_plain).map(str::to_owned);
    let (user, password) = user.split_user();
    if let Some(scope) = aws {
        let parts: Vec<&str> = scope.split(':').collect();
        let part = |at: usize| {
            Text::plain(parts.get(at).copied().filter(|p| !p.is_empty()).unwrap_or("?"))
        };
        if parts.len() < 4 {
            draft.look(
                "curl --aws-sigv4",
                "it names no region or service: write them in the place of `?`",
            );
        }
        let secret = |text: Text, name: &str, draft: &mut Draft| match text.as_plain() {
            Some(plain) if !plain.is_empty() => {
                Text::name(draft.vault.keep(plain, name, "curl --user"))
            }
            _ => text,
        };
        let fields = vec![
            ("access_key".to_owned(), secret(user, "access_key", draft)),
            ("secret_key".to_owned(), secret(password, "secret_key", draft)),
            ("region".to_owned(), part(2)),
            ("service".to_owned(), part(3)),
        ];
        step.auth = Some(Auth("aws", fields));
        return;
    }
    step.auth = Some(match (user.as_plain(), password.as_plain()) {
        (Some(user), Some(password)) => {
            secrets::basic(kind, user, password, "curl --user", &mut draft.vault)
        }
        (_, Some(plain)) if !plain.is_empty() => {
            let password = Text::name(draft.vault.keep(plain, "password", "curl --user"));
            Auth(kind, vec![("user".to_owned(), user), ("password".to_owned(), password)])
        }
        _ => Auth(kind, vec![("user".to_owned(), user), ("password".to_owned(), password)]),
    });
}

/// Keys of `[step.http]` and `[[step]]`.
fn http(said: &Said, step: &mut Step) {
    let number =
        |option: &str| said.value(option).and_then(Text::as_plain)?.trim().parse::<f64>().ok();
    if let Some(redirects) = number("max-redirs").filter(|n| (0.0..=50.0).contains(n)) {
        step.http.push(("redirects".to_owned(), Tree::number(redirects.trunc())));
    }
    if said.has("http1.1") {
        step.http.push(("http".to_owned(), Tree::text("1.1")));
    } else if said.has("http2") {
        step.http.push(("http".to_owned(), Tree::text("2")));
    }
    if said.has("ipv4") || said.has("ipv6") {
        let version = if said.has("ipv4") { "4" } else { "6" };
        step.http.push(("ip".to_owned(), Tree::text(version)));
    }
    if let Some(seconds) = number("max-time").filter(|s| *s >= 0.001 && *s <= 30.0) {
        step.keys.push(("timeout".to_owned(), Tree::text(time(seconds))));
    }
    if let Some(count) = number("retry").filter(|n| *n >= 1.0 && *n <= 100.0) {
        let delay = number("retry-delay").unwrap_or(1.0).clamp(0.0, 3600.0);
        let retry = vec![
            ("count".to_owned(), Tree::number(count.trunc())),
            ("delay".to_owned(), Tree::text(format!("{}s", delay.max(1.0).trunc()))),
        ];
        step.keys.push(("retry".to_owned(), Tree::Table(retry)));
    }
}

/// A time as people write it.
fn time(seconds: f64) -> String {
    let ms = (seconds * 1000.0).round();
    if ms % 1000.0 == 0.0 { format!("{}s", ms / 1000.0) } else { format!("{ms}ms") }
}

/// Keys of the environment.
fn environment(said: &Said, draft: &mut Draft) {
    let mut settings: Vec<(String, Tree)> = Vec::new();
    if said.has("insecure") {
        draft.look(
            "curl --insecure",
            "the environment would not check certificates: better give it the `ca`",
        );
        settings.push(("insecure".to_owned(), Tree::Bool(true)));
    }
    if let Some(proxy) = said.value("proxy") {
        settings.extend(proxy_url(proxy, draft).map(|url| ("proxy".to_owned(), Tree::Text(url))));
    }
    if let Some(ca) = said.value("cacert") {
        settings.push(("ca".to_owned(), Tree::text(ca.shown())));
    }
    if let Some(certificate) = said.value("cert") {
        let key = said.value("key").unwrap_or(certificate).shown();
        let members = vec![
            ("certificate".to_owned(), Tree::text(certificate.shown())),
            ("key".to_owned(), Tree::one("file", Tree::text(key))),
        ];
        settings.push(("client_certificate".to_owned(), Tree::Table(members)));
    }
    let pinned: Vec<(String, Tree)> =
        said.values("resolve").filter_map(|text| pinned(text.as_plain()?)).collect();
    if !pinned.is_empty() {
        settings.push(("resolve".to_owned(), Tree::Table(pinned)));
    }
    for setting in settings {
        if !draft.settings.iter().any(|(key, _)| *key == setting.0) {
            draft.settings.push(setting);
        }
    }
}

/// A proxy's address, its password by reference; none where it is no HTTP proxy.
pub(in crate::import) fn proxy_url(proxy: &Text, draft: &mut Draft) -> Option<Text> {
    let whole = match proxy.as_plain() {
        None => return Some(proxy.clone()),
        Some(plain) if plain.contains("://") => plain.to_owned(),
        Some(plain) => format!("http://{plain}"),
    };
    let url = Url::parse(&whole).ok().filter(|url| url.scheme() == "http" && url.has_host());
    let Some(url) = url else {
        draft.unsupported("a proxy", "only proxies at http:// are spoken to");
        return None;
    };
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    let host = format!("{}{port}", url.host_str().unwrap_or_default());
    let decode =
        |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let Some(password) = url.password().map(decode).filter(|password| !password.is_empty()) else {
        return Some(Text::plain(format!("http://{host}")));
    };
    let mut text = Text::plain(format!("http://{}:", decode(url.username())));
    text.push(Piece::Name(draft.vault.keep(&password, "proxy_password", "the proxy's address")));
    text.push(Piece::Plain(format!("@{host}")));
    Some(text)
}

/// `host:port:address[,address]` as a host and its address.
pub(in crate::import) fn pinned(resolve: &str) -> Option<(String, Tree)> {
    let mut parts = resolve.trim_start_matches(['+', '-']).splitn(3, ':');
    let (host, _, address) = (parts.next()?, parts.next()?, parts.next()?);
    let first = address.split(',').next()?.trim_matches(['[', ']']);
    first.parse::<std::net::IpAddr>().ok()?;
    (!host.is_empty() && host != "*").then(|| (host.to_owned(), Tree::text(first)))
}
