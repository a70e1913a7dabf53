//! Looking up names, and telling "this name has no address" from "our resolver is down".

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{guard::Guard, marks::mark};
use crate::{clock::Clock, model::IpFamily};

/// Why a look-up gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum LookupError {
    #[error("the name {0} has no address")]
    NoAddress(String),
    #[error("the name {0} has no {1} address")]
    NoneOfFamily(String, &'static str),
    #[error("names cannot be looked up: {0}")]
    ResolverDown(String),
    #[error("{0}")]
    Guarded(String),
}

/// The system's resolver (`getaddrinfo`), with our own list of hosts before it.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    pub(super) hosts: Arc<BTreeMap<String, IpAddr>>,
    pub(super) guard: Guard,
    pub(super) clock: Clock,
    /// Which addresses are wanted; either if it is not said.
    pub(super) family: Option<IpFamily>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (hosts, guard) = (Arc::clone(&self.hosts), self.guard.clone());
        let (clock, family) = (self.clock, self.family);
        Box::pin(async move {
            let started = clock.instant();
            mark(|marks| marks.resolve_started = Some(started));
            let addresses = lookup(&hosts, name.as_str(), family).await?;
            let addresses = guarded(&guard, name.as_str(), addresses)?;
            let now = clock.instant();
            mark(|marks| {
                marks.resolved = Some(now);
                marks.addresses.clone_from(&addresses);
            });
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

async fn lookup(
    hosts: &BTreeMap<String, IpAddr>,
    name: &str,
    family: Option<IpFamily>,
) -> Result<Vec<SocketAddr>, LookupError> {
    let name = name.to_ascii_lowercase();
    let plain = name.trim_end_matches('.');
    if let Some(address) = hosts.get(plain) {
        return Ok(vec![SocketAddr::new(*address, 0)]);
    }
    // RFC 6761, section 6.4: nothing below `invalid` ever exists, whatever state the resolver is in.
    if plain == "invalid" || plain.ends_with(".invalid") {
        return Err(LookupError::NoAddress(name));
    }
    let looked_up = tokio::net::lookup_host((name.as_str(), 0)).await;
    match looked_up.map(Iterator::collect::<Vec<SocketAddr>>) {
        Ok(found) if found.is_empty() => Err(LookupError::NoAddress(name)),
        Ok(mut found) => {
            found.retain(|address| match family {
                None => true,
                Some(IpFamily::V4) => address.is_ipv4(),
                Some(IpFamily::V6) => address.is_ipv6(),
            });
            if found.is_empty() {
                let wanted = if family == Some(IpFamily::V6) { "IPv6" } else { "IPv4" };
                return Err(LookupError::NoneOfFamily(name, wanted));
            }
            Ok(routable(found))
        }
        Err(error) => Err(judge(&name, &error)),
    }
}

/// The addresses that may be connected to.
fn guarded(
    guard: &Guard,
    name: &str,
    addresses: Vec<SocketAddr>,
) -> Result<Vec<SocketAddr>, LookupError> {
    let mut refused = None;
    let mut open = addresses;
    open.retain(|address| match guard.connects(name, address.ip()) {
        Ok(()) => true,
        Err(why) => {
            refused.get_or_insert(why);
            false
        }
    });
    match refused {
        Some(why) if open.is_empty() => Err(LookupError::Guarded(why)),
        _ => Ok(open),
    }
}

/// `getaddrinfo` gives its reason only as text, and the standard library hands on no more than that. The texts are those of glibc, musl and
/// the BSDs for `EAI_NONAME` and `EAI_NODATA`; everything else (`EAI_AGAIN`, `EAI_FAIL`, `EAI_SYSTEM`, …) is trouble on our side.
fn judge(name: &str, error: &io::Error) -> LookupError {
    const NO_SUCH_NAME: [&str; 6] = [
        "name or service not known",
        "no address associated with",
        "name does not resolve",
        "name has no usable address",
        "nodename nor servname provided",
        "no such host",
    ];
    let text = error.to_string();
    let lower = text.to_lowercase();
    let said = NO_SUCH_NAME.iter().any(|part| lower.contains(part));
    // With no file descriptor left glibc cannot ask anybody, and says that the name is not known.
    if let Err(error) = can_open_sockets() {
        LookupError::ResolverDown(format!("no socket can be opened: {error}"))
    } else if said {
        LookupError::NoAddress(name.to_owned())
    } else {
        let reason = text.trim_start_matches("failed to lookup address information: ");
        LookupError::ResolverDown(reason.to_owned())
    }
}

/// Of addresses of both families, those that we have a way to: a prober without IPv6 would else report the refusal of the one address it
/// can reach as its own lack of the other.
fn routable(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let both = found.iter().any(SocketAddr::is_ipv4) && found.iter().any(SocketAddr::is_ipv6);
    if !both {
        return found;
    }
    let reachable: Vec<SocketAddr> = found.iter().copied().filter(|a| has_route(a.ip())).collect();
    if reachable.is_empty() { found } else { reachable }
}

/// Whether the routing table has a way to the address. Connecting a UDP socket sends nothing.
pub(super) fn has_route(address: IpAddr) -> bool {
    let local: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    UdpSocket::bind((local, 0)).and_then(|socket| socket.connect((address, 9))).is_ok()
}

/// Whether we can open a socket at all.
pub(super) fn can_open_sockets() -> io::Result<()> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        .or_else(|_| UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)))
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_name_is_not_a_resolver_that_is_down() {
        let no = |text: &str| judge("x", &io::Error::other(text.to_owned()));
        for text in [
            "failed to lookup address information: Name or service not known",
            "failed to lookup address information: No address associated with hostname",
            "failed to lookup address information: Name does not resolve",
            "failed to lookup address information: nodename nor servname provided, or not known",
        ] {
            assert_eq!(no(text), LookupError::NoAddress("x".to_owned()), "{text}");
        }
        for (text, reason) in [
            (
                "failed to lookup address information: Temporary failure in name resolution",
                "Temporary failure in name resolution",
            ),
            ("failed to lookup address information: Try again", "Try again"),
            ("Too many open files (os error 24)", "Too many open files (os error 24)"),
        ] {
            assert_eq!(no(text), LookupError::ResolverDown(reason.to_owned()), "{text}");
        }
    }

    #[tokio::test]
    async fn hosts_come_first_and_invalid_never_exists() {
        let hosts = BTreeMap::from([("shop.test".to_owned(), IpAddr::from([127, 0, 0, 1]))]);
        let found = lookup(&hosts, "Shop.test.", None).await.unwrap();
        assert_eq!(found, vec![SocketAddr::from(([127, 0, 0, 1], 0))]);
        let missing = lookup(&hosts, "nowhere.invalid", None).await.unwrap_err();
        assert_eq!(missing, LookupError::NoAddress("nowhere.invalid".to_owned()));
    }

    #[test]
    fn loopback_has_a_route() {
        assert!(has_route(IpAddr::from([127, 0, 0, 1])));
    }
}
