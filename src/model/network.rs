//! Which addresses and hosts the steps of an environment may reach.

use std::{fmt, net::IpAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::Serialize;

/// What no step reaches unless it is allowed by a range as narrow: what only the machine that we stand on should ask. Link-local addresses
/// (RFC 3927, RFC 4291 section 2.5.6), and where clouds answer with credentials: AWS (also its containers) and most others at
/// 169.254.x.y, AWS by IPv6, Alibaba, Azure's wire server, Oracle.
const NEVER: [(&str, &str); 6] = [
    ("169.254.0.0/16", "a link-local address, where clouds keep their metadata"),
    ("fe80::/10", "a link-local address"),
    ("fd00:ec2::/32", "an address of AWS's instance metadata"),
    ("100.100.100.200/32", "the address of Alibaba Cloud's instance metadata"),
    ("168.63.129.16/32", "the address of Azure's wire server"),
    ("192.0.0.192/32", "the address of Oracle Cloud's instance metadata"),
];

/// Names of metadata services, refused like [`NEVER`] before they are looked up.
const NEVER_HOSTS: [&str; 4] =
    ["metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"];

/// `[environments.NAME.network]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Network {
    /// If there is any, nothing else is reached. A range as narrow as one of those never reached, or narrower, opens that one.
    pub allow: Vec<Destination>,
    /// Never reached, whatever is allowed.
    pub deny: Vec<Destination>,
}

/// A network or a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// `10.0.0.0/8`, `2001:db8::/32`, or a single address.
    Net(IpNet),
    /// `shop.internal`; `*.shop.internal` is every name below it. Lower case.
    Host(String),
}

impl Destination {
    /// Reads a range, an address or a name.
    ///
    /// # Errors
    /// What it should have been.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        if let Ok(net) = text.parse::<IpNet>() {
            return Ok(Self::Net(net.trunc()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Net(address.into()));
        }
        if text.contains("://") {
            return Err("not a host: write it alone, without scheme and path");
        }
        if text.contains('/') {
            return Err("not a network: write it as 10.0.0.0/8 or 2001:db8::/32");
        }
        let name = text.to_ascii_lowercase();
        let name = name.trim_end_matches('.');
        let labels = name.strip_prefix("*.").unwrap_or(name);
        let label = |l: &str| {
            let byte = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            !l.is_empty() && l.len() <= 63 && l.bytes().all(byte)
        };
        if !labels.split('.').all(label) {
            return Err(
                "neither a network nor a host: write 10.0.0.0/8, 10.1.2.3, shop.internal or *.shop.internal",
            );
        }
        if labels.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err("not an address: it needs four numbers up to 255");
        }
        Ok(Self::Host(name.to_owned()))
    }

    /// Whether a host of a URL, in lower case, is meant.
    pub fn is(&self, host: &str) -> bool {
        self.names(host) || host.parse().is_ok_and(|address| self.holds(address))
    }

    fn holds(&self, address: IpAddr) -> bool {
        matches!(self, Self::Net(net) if net.contains(&address))
    }

    fn names(&self, host: &str) -> bool {
        match self {
            Self::Net(_) => false,
            Self::Host(name) => match name.strip_prefix("*.") {
                Some(parent) => host.strip_suffix(parent).is_some_and(|head| head.ends_with('.')),
                None => host == name,
            },
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Net(net) if net.prefix_len() == net.max_prefix_len() => net.addr().fmt(f),
            Self::Net(net) => net.fmt(f),
            Self::Host(name) => f.write_str(name),
        }
    }
}

impl Serialize for Destination {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Network {
    /// Whether a host may be asked for, before it is looked up; an address it turns out to have is asked about by
    /// [`Network::refuses`].
    ///
    /// # Errors
    /// Why not: fits after its name.
    pub fn refuses_host(&self, host: &str) -> Result<(), String> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        if let Some(rule) = self.deny.iter().find(|rule| rule.names(&host)) {
            return Err(format!("is denied by `{rule}`"));
        }
        let never = NEVER_HOSTS.contains(&host.as_str());
        if never && !self.allow.contains(&Destination::Host(host)) {
            return Err("is the name of a cloud's metadata service".to_owned());
        }
        Ok(())
    }

    /// Whether an address may be connected to, for a host by this name; none where the address itself was asked for.
    ///
    /// # Errors
    /// Why not: fits after the address.
    pub fn refuses(&self, host: Option<&str>, address: IpAddr) -> Result<(), String> {
        let host = host.map(|host| host.trim_end_matches('.').to_ascii_lowercase());
        let mut told = false;
        for address in readings(address) {
            if let Some(rule) = self.deny.iter().find(|rule| rule.holds(address)) {
                return Err(format!("is denied by `{rule}`"));
            }
            for (range, what) in NEVER {
                let Ok(range) = range.parse::<IpNet>() else { continue };
                if range.contains(&address) && !self.opens(&range, address) {
                    return Err(format!("is {what}; `network.allow` can name it"));
                }
            }
            told |= self.allow.iter().any(|rule| rule.holds(address));
        }
        told |= host.is_some_and(|host| self.allow.iter().any(|rule| rule.names(&host)));
        if self.allow.is_empty() || told {
            Ok(())
        } else {
            Err("is not among what `network.allow` names".to_owned())
        }
    }

    /// Whether an address of a range that is never reached is allowed by a rule as narrow as the range.
    fn opens(&self, range: &IpNet, address: IpAddr) -> bool {
        self.allow.iter().any(|rule| {
            matches!(rule, Destination::Net(net) if range.contains(net) && net.contains(&address))
        })
    }
}

/// What an address may mean: itself, and the IPv4 address inside one of IPv6 that maps it (RFC 4291 section 2.5.5), translates to it
/// (RFC 6052, `64:ff9b::/96`) or tunnels to it (RFC 3056, `2002::/16`).
fn readings(address: IpAddr) -> Vec<IpAddr> {
    let mut all = vec![address];
    if let IpAddr::V6(six) = address {
        let bytes = six.octets();
        let four = |at: usize| -> Option<IpAddr> {
            let quad: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
            Some(IpAddr::from(quad))
        };
        let within = |net: &str| net.parse::<Ipv6Net>().is_ok_and(|net| net.contains(&six));
        if within("::ffff:0:0/96") || within("::/96") || within("64:ff9b::/96") {
            all.extend(four(12));
        } else if within("2002::/16") {
            all.extend(four(2));
        }
        // `::1` and `::` read as 0.0.0.1 and 0.0.0.0, which are nobody's.
        let nobody = |a: &IpAddr| matches!(a, IpAddr::V4(v4) if Ipv4Net::new(*v4, 32).is_ok() && v4.octets()[0] == 0);
        all.retain(|a| !nobody(a));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(allow: &[&str], deny: &[&str]) -> Network {
        let read = |texts: &[&str]| texts.iter().map(|t| Destination::read(t).unwrap()).collect();
        Network { allow: read(allow), deny: read(deny) }
    }

    fn reached(network: &Network, host: Option<&str>, address: &str) -> bool {
        network.refuses(host, address.parse().unwrap()).is_ok()
    }

    #[test]
    fn metadata_is_never_reached_in_any_spelling() {
        let plain = Network::default();
        for address in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.0.1",
            "fe80::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::",
        ] {
            assert!(!reached(&plain, None, address), "{address}");
            assert!(!reached(&plain, Some("shop.example"), address), "{address}");
            assert!(
                !reached(
                    &network(&["0.0.0.0/0", "::/0", "shop.example"], &[]),
                    Some("shop.example"),
                    address
                ),
                "{address}"
            );
        }
        for address in [
            "127.0.0.1",
            "::1",
            "10.0.0.1",
            "192.168.1.1",
            "93.184.216.34",
            "2606:2800::1",
            "fd00::1",
        ] {
            assert!(reached(&plain, None, address), "{address}");
        }
        for host in ["metadata.google.internal", "Metadata.Google.Internal."] {
            assert!(plain.refuses_host(host).is_err());
            assert!(network(&["metadata.google.internal"], &[]).refuses_host(host).is_ok());
        }
    }

    #[test]
    fn a_narrow_rule_opens_what_is_closed() {
        assert!(reached(&network(&["169.254.7.0/24"], &[]), None, "169.254.7.9"));
        assert!(!reached(&network(&["169.254.7.0/24"], &[]), None, "169.254.8.9"));
        assert!(reached(&network(&["169.254.0.0/16"], &[]), None, "169.254.169.254"));
        assert!(!reached(
            &network(&["169.254.0.0/16"], &["169.254.169.254"]),
            None,
            "169.254.169.254"
        ));
    }

    #[test]
    fn allowed_is_all_that_is_reached_and_denied_is_never() {
        let some = network(
            &["10.0.0.0/8", "shop.example", "*.cdn.example"],
            &["10.9.0.0/16", "bad.cdn.example"],
        );
        for (host, address, good) in [
            (None, "10.1.2.3", true),
            (None, "10.9.2.3", false),
            (None, "11.1.2.3", false),
            (Some("shop.example"), "11.1.2.3", true),
            (Some("SHOP.example."), "11.1.2.3", true),
            (Some("shop.example"), "10.9.0.1", false),
            (Some("other.example"), "11.1.2.3", false),
            (Some("a.b.cdn.example"), "11.1.2.3", true),
            (Some("cdn.example"), "11.1.2.3", false),
            (Some("xcdn.example"), "11.1.2.3", false),
        ] {
            assert_eq!(reached(&some, host, address), good, "{host:?} {address}");
        }
        assert!(some.refuses_host("bad.cdn.example").is_err());
        assert!(some.refuses_host("good.cdn.example").is_ok());
    }

    #[test]
    fn what_is_neither_is_told() {
        for (text, shown) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3"),
            ("Shop.Example.", "shop.example"),
            ("2001:db8::/32", "2001:db8::/32"),
        ] {
            assert_eq!(Destination::read(text).unwrap().to_string(), shown);
        }
        for text in ["", "10.0.0.0/33", "10.0.0", "a b", "https://x", "*", "a..b", "1.2.3.4.5"] {
            assert!(Destination::read(text).is_err(), "{text}");
        }
    }
}
