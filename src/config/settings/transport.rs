//! How the hosts of an environment are reached: proxy, certificates, addresses, headers.

use std::{collections::BTreeMap, net::IpAddr};

use rustls::pki_types::{CertificateDer, pem::PemObject};
use url::Url;

use super::secret;
use crate::{
    config::{
        expressions, hint,
        journey::check_header,
        page::Note,
        reader::Reader,
        scope::{BUILT_INS, Place},
        value::{At, Entry},
    },
    model::{Attachment, Proxy, SecretSource, Text, Tracing, Transport},
};

/// Lowers the keys of one environment; its names are known already. The source of the client's key comes beside the rest.
pub(super) fn lower(reader: &Reader<'_>, place: &Place) -> (Transport, Option<SecretSource>) {
    let proxy = reader.take("proxy").and_then(|entry| proxy(&entry, place));
    let ca = reader.take("ca").and_then(|entry| certificates(&entry));
    let (client_certificate, client_key) = client_certificate(reader);
    let resolve = reader.table("resolve").map(|table| resolve(&table)).unwrap_or_default();
    let insecure = reader.boolean("insecure").is_some_and(|insecure| insecure.value);
    let mut headers = Vec::new();
    for entry in reader.table("headers").map(|table| table.entries()).unwrap_or_default() {
        let Some(text) = entry.template() else { continue };
        check_header(&entry, &text);
        check(&entry, &text.value, place);
        headers.push((entry.key.to_owned(), text.value));
    }
    let tracing = Tracing {
        traceparent: reader.boolean("traceparent").map(|said| said.value),
        url: reader.take("trace_url").and_then(|entry| super::trace_url(&entry)),
    };
    let transport =
        Transport { proxy, ca, client_certificate, resolve, insecure, headers, tracing };
    (transport, client_key)
}

/// Notes what is wrong with a template of an environment: it knows the environment's own names and the built-in ones.
fn check(entry: &Entry<'_>, text: &Text, place: &Place) {
    if text.is_plain() {
        return;
    }
    let names = match expressions::names_of(text) {
        Ok(names) => names,
        Err(fault) => {
            let note = entry.fault(format!("not a template: {}", fault.message));
            entry.page.note(note.help(expressions::template_advice(text)));
            return;
        }
    };
    let known = || {
        let own = place.vars.iter().chain(&place.secrets).map(String::as_str);
        own.chain(BUILT_INS.iter().copied())
    };
    for name in names.all.iter().filter(|name| !known().any(|k| k == name.as_str())) {
        let help = hint::nearest(name, known()).map_or_else(
            || "define it in `vars` or `secrets` of this environment".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let note = entry.fault(format!("`{name}` is not defined"));
        entry.page.note(note.label("nobody defines this here").help(help).derived());
    }
}

/// `http://user:{{password}}@host:port`, taken apart before anything is filled in.
fn proxy(entry: &Entry<'_>, place: &Place) -> Option<Proxy> {
    const WRITTEN: &str = "write `http://proxy:3128` or `http://user:{{password}}@proxy:3128`";
    let text = entry.text()?.value;
    if !text.contains("{{") && text.contains('@') {
        // Whatever stands before it may be a password.
        entry.page.hide(entry.span.clone());
    }
    let Some(rest) = text.strip_prefix("http://") else {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        let message = match scheme {
            Some(scheme) => {
                format!("`proxy`: `{}` proxies are not supported", scheme.escape_debug())
            }
            None => "`proxy` is not the address of a proxy".to_owned(),
        };
        return entry.refuse(
            entry
                .fault(message)
                .label("not http://")
                .help(format!("an HTTP proxy carries https through CONNECT; {WRITTEN}")),
        );
    };
    let rest = rest.trim_end_matches('/');
    let (credentials, host) = match rest.rsplit_once('@') {
        Some((credentials, host)) => (Some(credentials), host),
        None => (None, rest),
    };
    let address = format!("http://{host}");
    let sound = host.contains("{{")
        || Url::parse(&address).is_ok_and(|url| url.has_host() && url.path() == "/");
    if !sound {
        return entry.refuse(
            entry.fault("`proxy` is not the address of a proxy").label("no host").help(WRITTEN),
        );
    }
    let (user, password) = match credentials.map(|c| c.split_once(':').unwrap_or((c, ""))) {
        Some((user, password)) => (Some(user), Some(password).filter(|p| !p.is_empty())),
        None => (None, None),
    };
    if password.is_some_and(|password| !password.contains("{{")) {
        let note = entry.fault("`proxy` holds a password");
        return entry.refuse(
            note.label("a secret in the file")
                .help("refer to it: `http://user:{{password}}@proxy:3128`"),
        );
    }
    check(entry, &Text(text.clone()), place);
    let text = |text: &str| Text(text.to_owned());
    Some(Proxy { address: text(&address), user: user.map(text), password: password.map(text) })
}

/// A file with at least one certificate.
fn certificates(entry: &Entry<'_>) -> Option<Attachment> {
    let file = entry.attached()?.value;
    let file = Attachment::new(file.name, file.bytes);
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&file.bytes).collect();
    let why = match read {
        Ok(found) if !found.is_empty() => return Some(file),
        Ok(_) => "no PEM certificate is in it".to_owned(),
        Err(error) => format!("it is damaged: {error}"),
    };
    let note = entry.fault(format!("`{}`: {}: {why}", entry.key, file.path.escape_debug()));
    entry.refuse(
        note.label("not a certificate")
            .help("a PEM file begins with `-----BEGIN CERTIFICATE-----`"),
    )
}

fn client_certificate(reader: &Reader<'_>) -> (Option<Attachment>, Option<SecretSource>) {
    let Some(table) = reader.table("client_certificate") else { return (None, None) };
    table.require("certificate", "certificate = \"client.pem\"");
    table.require("key", "key = { file = \"/run/secrets/client.key\" }");
    let certificate = table.take("certificate").and_then(|entry| certificates(&entry));
    let name = table.below("key");
    let key = table.take("key").and_then(|entry| secret::source(&entry, &name));
    table.finish();
    (certificate, key)
}

fn resolve(table: &Reader<'_>) -> BTreeMap<String, IpAddr> {
    let mut pinned = BTreeMap::new();
    for entry in table.entries() {
        let name = entry.key.trim_end_matches('.').to_ascii_lowercase();
        let is_name = !name.is_empty()
            && name.parse::<IpAddr>().is_err()
            && Url::parse(&format!("http://{name}/"))
                .is_ok_and(|url| url.host_str() == Some(name.as_str()));
        if !is_name {
            let note = Note::new(
                entry.key_span.clone(),
                format!("`{}` is not the name of a host", entry.key.escape_debug()),
            );
            entry.page.note(
                note.label("not a host")
                    .help("only the name, such as `shop.example.com`: no scheme, no port"),
            );
        }
        let Some(At { value: text, .. }) = entry.text() else { continue };
        match text.parse() {
            Ok(address) => {
                pinned.insert(name, address);
            }
            Err(_) => {
                let note = entry.fault(format!("`{}` is not an address", text.escape_debug()));
                entry.page.note(
                    note.label("not an address")
                        .help("such as `10.0.0.7` or `2001:db8::7`, without a port"),
                );
            }
        }
    }
    pinned
}
