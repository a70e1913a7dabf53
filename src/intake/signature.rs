//! How a webhook proves who sent it: signatures over the raw body, and shared words; compared in constant time.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

use super::delivery::Headers;

/// How far the clock of a signer may be off, in seconds (Standard Webhooks 1.0.0 leaves it to the receiver; its libraries take five
/// minutes).
const TOLERANCE_S: i64 = 5 * 60;

/// A way to prove who sent a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The header holds `sha256=` and the HMAC of the body in hexadecimal digits (GitHub, Flux; Flux names other hashes, too).
    Named(&'static str),
    /// The header holds the HMAC-SHA256 of the body in hexadecimal digits (LaunchDarkly, Flagsmith, Sentry).
    Hex256(&'static str),
    /// The header holds the HMAC-SHA512 of the body in hexadecimal digits (HCP Terraform).
    Hex512(&'static str),
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature` as Standard Webhooks 1.0.0 says (GitLab's newer ones).
    StandardWebhooks,
    /// The header holds the secret itself (GitLab's older ones, Datadog, Honeycomb).
    Plain(&'static str),
    /// `Authorization: Bearer`, or the password of `Basic`.
    Authorization,
}

impl Proof {
    /// Whether the request proves that its sender knows the secret.
    pub fn holds(self, secret: &str, headers: &Headers, body: &[u8], now: Timestamp) -> bool {
        match self {
            Self::Named(header) => headers.get(header).is_some_and(|given| {
                let Some((name, digits)) = given.trim().split_once('=') else { return false };
                match name.to_ascii_lowercase().as_str() {
                    "sha256" => hex_equal(&mac::<Hmac<Sha256>>(secret.as_bytes(), &[body]), digits),
                    "sha512" => hex_equal(&mac::<Hmac<Sha512>>(secret.as_bytes(), &[body]), digits),
                    "sha224" => {
                        hex_equal(&mac::<Hmac<sha2::Sha224>>(secret.as_bytes(), &[body]), digits)
                    }
                    "sha384" => {
                        hex_equal(&mac::<Hmac<sha2::Sha384>>(secret.as_bytes(), &[body]), digits)
                    }
                    _ => false,
                }
            }),
            Self::Hex256(header) => headers.get(header).is_some_and(|given| {
                let given = given.trim();
                let digits = given.strip_prefix("sha256=").unwrap_or(given);
                hex_equal(&mac::<Hmac<Sha256>>(secret.as_bytes(), &[body]), digits)
            }),
            Self::Hex512(header) => headers.get(header).is_some_and(|given| {
                hex_equal(&mac::<Hmac<Sha512>>(secret.as_bytes(), &[body]), given.trim())
            }),
            Self::StandardWebhooks => standard(secret, headers, body, now),
            Self::Plain(header) => headers
                .get(header)
                .is_some_and(|given| same(secret.as_bytes(), given.trim().as_bytes())),
            Self::Authorization => {
                bearer(headers).is_some_and(|given| same(secret.as_bytes(), given.as_bytes()))
            }
        }
    }
}

/// Whether two texts are the same, in a time that says nothing of where they differ.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    bool::from(a.ct_eq(b))
}

/// The token of `Authorization: Bearer` or the password of `Basic` (RFC 6750 section 2.1, RFC 7617).
fn bearer(headers: &Headers) -> Option<String> {
    let value = headers.get("authorization")?;
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        return decoded.split_once(':').map(|(_, password)| password.to_owned());
    }
    let words = ["bearer", "token", "api-key", "apikey"];
    words.iter().any(|word| scheme.eq_ignore_ascii_case(word)).then(|| rest.trim().to_owned())
}

/// Standard Webhooks 1.0.0: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, several after each other while a secret is
/// changed. The key is the base64 after `whsec_`; a secret written otherwise is taken as it stands.
fn standard(secret: &str, headers: &Headers, body: &[u8], now: Timestamp) -> bool {
    let (Some(id), Some(at), Some(given)) = (
        headers.get("webhook-id"),
        headers.get("webhook-timestamp"),
        headers.get("webhook-signature"),
    ) else {
        return false;
    };
    let Ok(seconds) = at.trim().parse::<i64>() else { return false };
    if now.as_second().abs_diff(seconds) > TOLERANCE_S.unsigned_abs() {
        return false;
    }
    let key = match secret.strip_prefix("whsec_") {
        Some(coded) => match STANDARD.decode(coded) {
            Ok(key) => key,
            Err(_) => return false,
        },
        None => secret.as_bytes().to_vec(),
    };
    let at = at.trim();
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", at.as_bytes(), b".", body];
    let expected = STANDARD.encode(mac::<Hmac<Sha256>>(&key, &parts));
    let mut good = false;
    for one in given.split_ascii_whitespace() {
        if let Some(coded) = one.strip_prefix("v1,") {
            good |= same(expected.as_bytes(), coded.as_bytes());
        }
    }
    good
}

fn mac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // HMAC takes a key of any length (RFC 2104).
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Vec::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

fn hex_equal(expected: &[u8], digits: &str) -> bool {
    let expected = data_encoding::HEXLOWER.encode(expected);
    !expected.is_empty() && same(expected.as_bytes(), digits.to_ascii_lowercase().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    /// The example of GitHub's documentation on validating deliveries.
    #[test]
    fn the_vector_of_github() {
        let digest = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let headers = Headers::from(vec![("X-Hub-Signature-256".to_owned(), digest.to_owned())]);
        let proof = Proof::Named("X-Hub-Signature-256");
        let secret = "It's a Secret to Everybody";
        assert!(proof.holds(secret, &headers, b"Hello, World!", now()));
        assert!(!proof.holds(secret, &headers, b"Hello, World", now()));
        assert!(!proof.holds("", &headers, b"Hello, World!", now()));
        for bad in ["", "sha256=", "sha1=757107ea", "757107ea", "sha256"] {
            let headers = Headers::from(vec![("x-hub-signature-256".to_owned(), bad.to_owned())]);
            assert!(!proof.holds(secret, &headers, b"Hello, World!", now()), "{bad}");
        }
        assert!(!proof.holds(secret, &Headers::default(), b"Hello, World!", now()));
    }

    /// Computed with another tool: `printf 'hello' | openssl dgst -sha512 -hmac key`.
    #[test]
    fn bare_digits() {
        let headers = Headers::from(vec![(
            "X-Sig".to_owned(),
            "ff06ab36757777815c008d32c8e14a705b4e7bf310351a06a23b612dc4c7433e7757d20525a5593b71020ea2ee162d2311b247e9855862b270122419652c0c92".to_owned(),
        )]);
        assert!(Proof::Hex512("x-sig").holds("key", &headers, b"hello", now()));
        let headers = Headers::from(vec![(
            "X-Sig".to_owned(),
            "9307B3B915EFB5171FF14D8CB55FBCC798C6C0EF1456D66DED1A6AA723A58B7B".to_owned(),
        )]);
        assert!(Proof::Hex256("x-sig").holds("key", &headers, b"hello", now()));
    }

    #[test]
    fn shared_words() {
        let headers =
            |name: &str, value: &str| Headers::from(vec![(name.to_owned(), value.to_owned())]);
        assert!(Proof::Plain("X-Gitlab-Token").holds(
            "abc",
            &headers("x-gitlab-token", "abc"),
            b"",
            now()
        ));
        assert!(!Proof::Plain("X-Gitlab-Token").holds(
            "abc",
            &headers("x-gitlab-token", "abcd"),
            b"",
            now()
        ));
        for (value, good) in [
            ("Bearer abc", true),
            ("bearer abc", true),
            ("Basic eDphYmM=", true),
            ("Basic eDphYmQ=", false),
            ("abc", false),
            ("Digest abc", false),
        ] {
            let holds =
                Proof::Authorization.holds("abc", &headers("Authorization", value), b"", now());
            assert_eq!(holds, good, "{value}");
        }
    }

    /// A vector of our own making: `printf 'msg_1.1700000000.{}' | openssl dgst -sha256 -hmac key -binary | base64`.
    #[test]
    fn standard_webhooks() {
        let headers = |at: i64, signature: &str| {
            Headers::from(vec![
                ("webhook-id".to_owned(), "msg_1".to_owned()),
                ("webhook-timestamp".to_owned(), at.to_string()),
                ("webhook-signature".to_owned(), signature.to_owned()),
            ])
        };
        let now = Timestamp::from_second(1_700_000_100).unwrap();
        let good = "XaXLFEFQ69Q4+demDWPEv5ydXczDW2mM5crCUEFcFBA=";
        let two = format!("v1a,xyz v1,AAAA v1,{good}");
        for secret in ["key", "whsec_a2V5"] {
            let holds = |at, text: &str, body: &[u8]| {
                Proof::StandardWebhooks.holds(secret, &headers(at, text), body, now)
            };
            assert!(holds(1_700_000_000, &two, b"{}"));
            assert!(!holds(1_700_000_000, &two, b"{ }"));
            assert!(!holds(1_700_000_001, &two, b"{}"));
            assert!(!holds(1_700_000_000, "v1,AAAA", b"{}"));
        }
        let late = Timestamp::from_second(1_700_000_301).unwrap();
        let headers = headers(1_700_000_000, &two);
        assert!(!Proof::StandardWebhooks.holds("key", &headers, b"{}", late));
    }
}
