//! What is wrong with a certificate, for people: whose it is, what it is for, when it ends, and what to do.

use std::net::IpAddr;

use jiff::Timestamp;
use rustls::CertificateError;
use url::Url;
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer, X509Certificate},
    time::ASN1Time,
};

use super::tls::earliest_expiry;
use crate::check::Certificate;

/// How many names of a certificate are told.
const NAMES: usize = 4;

/// The way out where an issuer is not trusted. `rustls-native-certs`, which reads the system's authorities, honours the variable.
const TRUST: &str = "to trust it, name a PEM file that holds it in SSL_CERT_FILE, which replaces the system's list of authorities";

/// Why the certificate was refused. `chain` is what the server sent (DER), its own first.
pub(super) fn refusal(error: &CertificateError, chain: &[Vec<u8>], url: &Url) -> String {
    use CertificateError as C;
    let own = chain.first().and_then(|der| X509Certificate::from_der(der).ok()).map(|(_, c)| c);
    let on = |at: Option<Timestamp>| at.map_or_else(String::new, |at| format!(" (on {at})"));
    match error {
        C::Expired | C::ExpiredContext { .. } => {
            format!("the certificate has expired{}", on(earliest_expiry(chain)))
        }
        C::NotValidYet | C::NotValidYetContext { .. } => {
            let from =
                own.and_then(|c| Timestamp::from_second(c.validity().not_before.timestamp()).ok());
            let from = from.map_or_else(String::new, |at| format!(": it begins on {at}"));
            format!("the certificate is not valid yet{from}")
        }
        C::NotValidForName | C::NotValidForNameContext { .. } => wrong_name(own.as_ref(), url),
        C::Revoked => "the certificate was revoked".to_owned(),
        other => untrusted(other, own.as_ref()),
    }
}

fn wrong_name(own: Option<&X509Certificate<'_>>, url: &Url) -> String {
    let wanted = url.host_str().unwrap_or_default();
    let names = own.map(names).unwrap_or_default();
    let more = names.len().saturating_sub(NAMES);
    let mut list = names.into_iter().take(NAMES).collect::<Vec<_>>().join(", ");
    if list.is_empty() {
        "no name".clone_into(&mut list);
    }
    if more > 0 {
        list += &format!(" and {more} more");
    }
    format!("the certificate has the wrong name: it is for {list}, not {wanted}")
}

/// What a certificate says, for queries. `chain` is what the server sent (DER), its own first.
pub(super) fn facts(chain: &[Vec<u8>]) -> Option<Certificate> {
    let (_, own) = X509Certificate::from_der(chain.first()?).ok()?;
    let at = |time: ASN1Time| Timestamp::from_second(time.timestamp()).ok();
    let serial: String = own.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect();
    Some(Certificate {
        subject: own.subject().to_string(),
        issuer: own.issuer().to_string(),
        serial,
        names: names(&own),
        not_before: at(own.validity().not_before)?,
        not_after: at(own.validity().not_after)?,
        chain_ends: earliest_expiry(chain)?,
        chain_length: u32::try_from(chain.len()).unwrap_or(u32::MAX),
    })
}

/// The subject's alternative names (RFC 5280, section 4.2.1.6): the only ones that count.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(alternatives)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match **bytes {
            [a, b, c, d] => Some(IpAddr::from([a, b, c, d]).to_string()),
            ref all => <[u8; 16]>::try_from(all).ok().map(|all| IpAddr::from(all).to_string()),
        },
        _ => None,
    };
    alternatives.value.general_names.iter().filter_map(name).collect()
}

/// The refusals that end at an issuer: unknown, or not the one that signed; and what has no words of its own.
fn untrusted(error: &CertificateError, own: Option<&X509Certificate<'_>>) -> String {
    use CertificateError as C;
    let self_signed = own.is_some_and(|c| c.subject().as_raw() == c.issuer().as_raw());
    match error {
        // As `openssl req -x509` makes them. No list of authorities helps: RFC 5280 keeps such a certificate from being a server's.
        C::Other(_) if self_signed && own.is_some_and(|c| c.is_ca()) => {
            "the certificate is self-signed and marked as an authority's (CA:TRUE), which no server's may be: \
             make one without that mark or signed by an authority, and name the file that holds the signer in SSL_CERT_FILE"
                .to_owned()
        }
        C::UnknownIssuer | C::BadSignature | C::Other(_) if self_signed => {
            format!("the certificate is self-signed: no authority vouches for it; {TRUST}")
        }
        C::UnknownIssuer => {
            let issuer = own.map(|c| c.issuer().to_string()).unwrap_or_default();
            let issuer = if issuer.is_empty() { String::new() } else { format!(" ({issuer})") };
            format!("the certificate's issuer{issuer} is not trusted here; {TRUST}")
        }
        C::BadSignature => "the certificate's signature is not that of its issuer".to_owned(),
        C::Other(reason) => {
            format!("the certificate cannot be accepted: {}", words(&reason.0.to_string()))
        }
        other => format!("the certificate cannot be accepted: {}", words(&other.to_string())),
    }
}

/// The first word of a text, such as the name of a variant, as words: `UnsupportedCertVersion` is `unsupported cert version`.
pub(super) fn words(text: &str) -> String {
    let name = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    if !name.starts_with(char::is_uppercase) {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push(' ');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
    use rustls::OtherError;

    use super::*;

    fn own(names: &[&str], authority: bool) -> Vec<Vec<u8>> {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        if authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let key = KeyPair::generate().unwrap();
        vec![params.self_signed(&key).unwrap().der().to_vec()]
    }

    /// As the library tells what it has no variant for.
    fn other(text: &str) -> CertificateError {
        CertificateError::Other(OtherError(Arc::new(std::io::Error::other(text.to_owned()))))
    }

    #[test]
    fn refusals_in_plain_words() {
        use CertificateError as C;
        let url = Url::parse("https://localhost:8443/").unwrap();
        for (error, chain, expected) in [
            (other("CaUsedAsEndEntity"), own(&["x.example"], true), "is self-signed and marked"),
            (C::UnknownIssuer, own(&["x.example"], false), "is self-signed: no authority"),
            (C::BadSignature, own(&["x.example"], false), "SSL_CERT_FILE"),
            (C::UnknownIssuer, vec![], "issuer is not trusted here; to trust it"),
            (other("UnsupportedCertVersion"), vec![], "accepted: unsupported cert version"),
            (
                C::NotValidForName,
                own(&["wrong.example", "10.0.0.1"], false),
                "wrong name: it is for wrong.example, 10.0.0.1, not localhost",
            ),
            (C::NotValidForName, own(&["a", "b", "c", "d", "e"], false), "a, b, c, d and 1 more"),
            (C::NotValidForName, vec![vec![1, 2]], "it is for no name, not localhost"),
            (C::NotValidYet, own(&["x.example"], false), "not valid yet: it begins on 1975"),
            (C::Expired, own(&["x.example"], false), "has expired (on 4096-"),
        ] {
            let said = refusal(&error, &chain, &url);
            assert!(said.contains(expected), "{said}");
            assert!(!said.contains(['{', '"']), "{said}");
        }
    }

    #[test]
    fn facts_for_queries() {
        let mut params = CertificateParams::new(vec!["x.example".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::OrganizationName, "Shop");
        params.serial_number = Some(vec![1, 0xab].into());
        let key = KeyPair::generate().unwrap();
        let chain = vec![params.self_signed(&key).unwrap().der().to_vec(); 2];
        let told = facts(&chain).unwrap();
        assert!(told.subject.contains("O=Shop"), "{}", told.subject);
        assert_eq!(told.issuer, told.subject);
        assert_eq!((told.serial.as_str(), told.chain_length), ("01ab", 2));
        assert_eq!(told.names, ["x.example"]);
        assert!(told.not_before < told.not_after && told.chain_ends == told.not_after);
        assert!(facts(&[]).is_none() && facts(&[vec![1, 2]]).is_none());
    }
}
