//! Which service a text names: the name of a step, the host that was asked, the words of an error.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Destination, ServiceName, Signature};

use super::View;

/// Which hosts are whose, as the settings say.
pub(in crate::correlate) type Hosts = BTreeMap<ServiceName, Vec<Destination>>;

/// Letters a service's name has at least to be found in a text.
const LEAST: usize = 3;

/// Words that errors are full of: a service of that name is not meant by them, only by a host.
const COMMON: [&str; 40] = [
    "api",
    "app",
    "backend",
    "body",
    "cache",
    "client",
    "code",
    "config",
    "connection",
    "data",
    "database",
    "error",
    "errors",
    "gateway",
    "host",
    "html",
    "http",
    "https",
    "internal",
    "json",
    "message",
    "network",
    "page",
    "path",
    "proxy",
    "request",
    "response",
    "server",
    "service",
    "services",
    "session",
    "status",
    "system",
    "time",
    "timeout",
    "upstream",
    "url",
    "user",
    "web",
    "www",
];

/// The services that can be named, by their names in lower case with dashes.
pub(super) struct Naming<'v> {
    names: BTreeMap<String, &'v ServiceName>,
    hosts: &'v Hosts,
}

impl<'v> Naming<'v> {
    /// Of all services that are changed or known.
    pub(super) fn new(view: &View<'v>) -> Self {
        let changed = view.changes.iter().flat_map(|c| c.services.iter());
        let known = view.depends_on.iter().flat_map(|(s, calls)| std::iter::once(s).chain(calls));
        Self::of(changed.chain(known).chain(view.hosts.keys()), view.hosts)
    }

    fn of(services: impl Iterator<Item = &'v ServiceName>, hosts: &'v Hosts) -> Self {
        let named = services.filter(|s| s.as_str().len() >= LEAST);
        Self { names: named.map(|s| (dashed(s.as_str()), s)).collect(), hosts }
    }

    /// Whose host it is, as the settings say: of several the one said most exactly.
    pub(super) fn owner(&self, host: &str) -> Option<&'v ServiceName> {
        let own = |(service, of): (&'v ServiceName, &'v Vec<Destination>)| {
            let exact = of.iter().filter(|d| d.is(host)).map(|d| d.to_string().len()).max()?;
            Some((exact, service))
        };
        self.hosts.iter().filter_map(own).max_by_key(|(exact, _)| *exact).map(|(_, s)| s)
    }

    /// The service that the name of a step names, the longest of several.
    pub(super) fn within(&self, step: &str) -> Option<&'v ServiceName> {
        let step = dashed(step);
        let found = self.names.iter().filter(|(name, _)| step.contains(name.as_str()));
        found.max_by_key(|(name, _)| name.len()).map(|(_, s)| *s)
    }

    /// The services that host and words of a failure name. The host that was asked stands in most errors: it is not said twice.
    pub(super) fn told(&self, signature: &Signature) -> BTreeSet<&'v ServiceName> {
        let host = signature.host.as_deref();
        let words = signature.words.as_deref().into_iter().flat_map(|words| words.split(' '));
        let said = words.filter(|word| Some(*word) != host).filter_map(|word| self.word(word));
        said.chain(host.and_then(|host| self.host(host))).collect()
    }

    /// The service that a word means: its whole name, or a host of it.
    fn word(&self, word: &str) -> Option<&'v ServiceName> {
        if word.contains('.') {
            return self.host(word);
        }
        let word = dashed(word);
        self.names.get(&word).copied().filter(|_| !COMMON.contains(&word.as_str()))
    }

    /// Whose host it seems to be: as the settings say, or by its labels from the left: `payments.prod.example`, `payments-v2`.
    fn host(&self, host: &str) -> Option<&'v ServiceName> {
        let by_label = || host.split('.').find_map(|label| self.label(label));
        self.owner(host).or_else(by_label)
    }

    fn label(&self, label: &str) -> Option<&'v ServiceName> {
        let label = dashed(label);
        let mut part = label.as_str();
        loop {
            if let Some(service) = self.names.get(part) {
                return Some(service);
            }
            part = part.rsplit_once('-')?.0;
        }
    }
}

/// A name as it is compared: `Card_Payments` and `card payments` are `card-payments`.
fn dashed(text: &str) -> String {
    text.to_lowercase().replace(['_', ' '], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_words_name_services() {
        let names = ["payments", "payments-api", "cart", "api", "shop", "db", "Card_Vault"];
        let services: Vec<ServiceName> = names.iter().map(|n| ServiceName::new(*n)).collect();
        let owned = |rules: &[&str]| rules.iter().map(|r| Destination::read(r).unwrap()).collect();
        let hosts: Hosts = BTreeMap::from([
            ("cart".into(), owned(&["basket.example", "10.1.2.0/24"])),
            ("shop".into(), owned(&["*.example"])),
        ]);
        let naming = Naming::of(services.iter(), &hosts);
        for (host, text, named) in [
            (None, "", &[][..]),
            (None, "upstream payments refused", &["payments"]),
            (None, "payments-api: gone", &["payments-api"]),
            // A word within another is not meant.
            (None, "repayments cartography paymentsapi payments-x", &[]),
            (None, "cannot reach payments.prod.svc:8080", &["payments"]),
            (None, "com.shop.cart.OutOfStock", &["shop"]),
            (None, "the api did not answer", &[]),
            (None, "card_vault is sealed", &["Card_Vault"]),
            (None, "db db db", &[]),
            (Some("payments.internal"), "", &["payments"]),
            (Some("payments-v2.internal"), "payments-v2.internal: reset", &["payments"]),
            (Some("payments-api-7f9c.internal"), "", &["payments-api"]),
            (Some("api.internal"), "", &["api"]),
            (Some("basket.example"), "", &["cart"]),
            (Some("other.example"), "", &["shop"]),
            (Some("10.1.2.3"), "10.1.2.3", &["cart"]),
            (Some("www.elsewhere"), "basket.example and payments", &["cart", "payments"]),
        ] {
            let mut signature = Signature::new("s", None).saying(text);
            signature.host = host.map(Into::into);
            let found: Vec<&str> = naming.told(&signature).iter().map(|s| s.as_str()).collect();
            assert_eq!(found, named, "{host:?} {text}");
        }
        assert_eq!(naming.within("open payments api").unwrap().as_str(), "payments-api");
        assert_eq!(naming.owner("a.example").unwrap().as_str(), "shop");
        assert!(naming.owner("payments.internal").is_none());
    }
}
