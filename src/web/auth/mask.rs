//! What proves that a form is of a page of ours, as pages carry it: another text on each page.
//!
//! Pages are compressed, and say again what stands in their address. Whoever can make a browser ask for them and see how long the answers are could
//! find out, letter by letter, a text that is the same on all of them (Gluck, Harris and Prado, "BREACH: reviving the CRIME attack", 2013; masking is
//! the remedy of its section 3.4).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

/// The token that the forms of somebody carry; masked wherever it leaves.
#[derive(Clone, Default)]
pub(crate) struct FormToken(Option<[u8; 32]>);

impl std::fmt::Debug for FormToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FormToken(***)")
    }
}

impl FormToken {
    /// Of these bytes.
    pub(super) fn new(bytes: [u8; 32]) -> Self {
        Self(Some(bytes))
    }

    /// As a page carries it: what masks it, and it masked by that. Another text each time; empty for nobody.
    pub(in crate::web) fn masked(&self) -> String {
        let Some(bytes) = self.0 else { return String::new() };
        let mask: [u8; 32] = rand::random();
        let masked = mask.iter().chain(&xor(&mask, &bytes)).copied().collect::<Vec<u8>>();
        BASE64_URL_SAFE_NO_PAD.encode(masked)
    }

    /// Whether a form shows it.
    pub(super) fn is_shown_by(&self, given: &[u8]) -> bool {
        let Some(bytes) = self.0 else { return false };
        let Ok(given) = BASE64_URL_SAFE_NO_PAD.decode(given) else { return false };
        let Ok(given) = <[u8; 64]>::try_from(given) else { return false };
        let (mask, masked) = given.split_at(32);
        bool::from(xor(mask, masked).ct_eq(&bytes))
    }
}

fn xor(one: &[u8], other: &[u8]) -> [u8; 32] {
    let mut both = [0; 32];
    for ((sum, a), b) in both.iter_mut().zip(one).zip(other) {
        *sum = a ^ b;
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_carries_another_text_of_the_same_token() {
        let token = FormToken::new(rand::random());
        let (one, other) = (token.masked(), token.masked());
        assert_ne!(one, other);
        for shown in [&one, &other] {
            assert!(token.is_shown_by(shown.as_bytes()));
            assert!(!FormToken::new(rand::random()).is_shown_by(shown.as_bytes()));
            assert!(!FormToken::default().is_shown_by(shown.as_bytes()));
            assert!(!token.is_shown_by(&shown.as_bytes()[1..]));
        }
        for wrong in ["", "x", &"A".repeat(86), &"A".repeat(43)] {
            assert!(!token.is_shown_by(wrong.as_bytes()), "{wrong}");
        }
        assert_eq!(FormToken::default().masked(), "");
    }
}
