//! One-time codes from a shared secret and the time (RFC 6238).

use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::BASE32_NOPAD;
use handlebars::{
    Context, Handlebars, Helper, HelperDef, RenderContext, RenderError, RenderErrorReason,
    ScopedJson,
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// The codes that were made while a template was filled.
pub(super) type Codes = Arc<Mutex<Vec<String>>>;

/// The helper `totp` at one moment: `{{totp secret digits=6 period=30 algorithm="sha1"}}`.
pub(super) struct Totp {
    /// Seconds since the epoch.
    pub(super) now: u64,
    pub(super) codes: Codes,
}

impl HelperDef for Totp {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let secret = super::template::argument("totp", helper)?;
        let code = Settings::of(helper)
            .and_then(|settings| settings.code(&secret, self.now))
            .map_err(|message| RenderErrorReason::Other(format!("totp: {message}")))?;
        self.codes.lock().unwrap_or_else(PoisonError::into_inner).push(code.clone());
        Ok(ScopedJson::Derived(code.into()))
    }
}

#[derive(Clone, Copy)]
enum Algorithm {
    Sha1,
    Sha256,
    Sha512,
}

struct Settings {
    digits: u32,
    period: u64,
    algorithm: Algorithm,
}

impl Settings {
    fn of(helper: &Helper<'_>) -> Result<Self, String> {
        let mut settings = Self { digits: 6, period: 30, algorithm: Algorithm::Sha1 };
        for (name, value) in helper.hash() {
            let value = value.value();
            let number = |limits: std::ops::RangeInclusive<u64>| {
                let read = value.as_u64().filter(|n| limits.contains(n));
                read.ok_or_else(|| {
                    format!("{name} must be from {} to {}", limits.start(), limits.end())
                })
            };
            match *name {
                "digits" => settings.digits = u32::try_from(number(6..=8)?).unwrap_or(6),
                "period" => settings.period = number(1..=3600)?,
                "algorithm" => settings.algorithm = algorithm(value)?,
                other => return Err(format!("there is no option {other}")),
            }
        }
        Ok(settings)
    }

    /// The code for a moment. The secret is base32 (RFC 4648) as apps show it: small letters, spaces, dashes and padding do not matter.
    fn code(&self, secret: &str, now: u64) -> Result<String, String> {
        let letters: Vec<u8> = secret
            .bytes()
            .filter(|b| !b.is_ascii_whitespace() && !matches!(b, b'-' | b'='))
            .map(|b| b.to_ascii_uppercase())
            .collect();
        let mut strict = data_encoding::Specification::new();
        strict.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
        // Some servers hand out secrets whose last letter has bits of no byte.
        strict.check_trailing_bits = false;
        let encoding = strict.encoding().unwrap_or(BASE32_NOPAD);
        let key = encoding.decode(&letters).map_err(|_| "the secret is not base32".to_owned())?;
        if key.is_empty() {
            return Err("the secret is empty".to_owned());
        }
        let counter = (now / self.period).to_be_bytes();
        let mac = match self.algorithm {
            Algorithm::Sha1 => mac::<Hmac<Sha1>>(&key, &counter),
            Algorithm::Sha256 => mac::<Hmac<Sha256>>(&key, &counter),
            Algorithm::Sha512 => mac::<Hmac<Sha512>>(&key, &counter),
        };
        // Dynamic truncation: RFC 4226, section 5.3.
        let at = usize::from(mac.last().copied().unwrap_or_default() & 0xf);
        let four: [u8; 4] = mac.get(at..at + 4).and_then(|b| b.try_into().ok()).unwrap_or_default();
        let number = (u32::from_be_bytes(four) & 0x7fff_ffff) % 10_u32.pow(self.digits);
        Ok(format!("{number:0width$}", width = self.digits as usize))
    }
}

fn algorithm(value: &Value) -> Result<Algorithm, String> {
    let text = value.as_str().unwrap_or_default().to_ascii_lowercase().replace('-', "");
    match text.as_str() {
        "sha1" => Ok(Algorithm::Sha1),
        "sha256" => Ok(Algorithm::Sha256),
        "sha512" => Ok(Algorithm::Sha512),
        _ => Err("algorithm must be sha1, sha256 or sha512".to_owned()),
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    // An HMAC takes a key of any length.
    <M as KeyInit>::new_from_slice(key)
        .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE32;

    use super::*;

    /// RFC 6238, appendix B. Its keys are the digits 1 to 0 again and again, as long as the hash.
    #[test]
    fn the_vectors_of_the_standard() {
        let key = |length: usize| {
            let bytes: Vec<u8> = b"1234567890".iter().copied().cycle().take(length).collect();
            BASE32.encode(&bytes)
        };
        for (now, sha1, sha256, sha512) in [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ] {
            for (algorithm, length, code) in [
                (Algorithm::Sha1, 20, sha1),
                (Algorithm::Sha256, 32, sha256),
                (Algorithm::Sha512, 64, sha512),
            ] {
                let settings = Settings { digits: 8, period: 30, algorithm };
                assert_eq!(settings.code(&key(length), now).unwrap(), code, "{now}");
            }
        }
    }

    #[test]
    fn secrets_as_people_are_shown_them() {
        let settings = Settings { digits: 6, period: 30, algorithm: Algorithm::Sha1 };
        let code = settings.code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 59).unwrap();
        assert_eq!(code, "287082");
        for secret in
            ["gezd gnbv gy3t qojq gezd gnbv gy3t qojq", "GEZDGNBV-GY3TQOJQ-GEZDGNBV-GY3TQOJQ===="]
        {
            assert_eq!(settings.code(secret, 59).unwrap(), code);
        }
        assert!(settings.code("not base32!", 59).unwrap_err().contains("not base32"));
        assert!(settings.code("  ", 59).is_err());
    }
}
