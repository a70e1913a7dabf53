//! The evidence of a failed run as bytes, small enough to be kept by the thousand.

use super::{
    error::Fault,
    session::{from_json, to_json},
};
use crate::model::{Evidence, Exchange};

/// Most bytes of one run's evidence.
pub(super) const EVIDENCE_BYTES: usize = 64 << 10;
/// The shortest a text is cut to before whole exchanges are left out.
const SHORTEST: usize = 256;

/// Evidence as JSON of at most [`EVIDENCE_BYTES`]. What is too long is cut: first bodies, headers and the rest to the same
/// length, shorter and shorter; then the exchanges before the last ones.
pub(super) fn encode(evidence: &Evidence) -> Result<String, Fault> {
    let text = to_json("evidence", evidence)?;
    if text.len() <= EVIDENCE_BYTES {
        return Ok(text);
    }
    let mut longest = EVIDENCE_BYTES / 2;
    let mut last = evidence.exchanges.len();
    loop {
        let text = to_json("evidence", &cut(evidence, longest, last))?;
        if text.len() <= EVIDENCE_BYTES {
            return Ok(text);
        }
        if longest > SHORTEST {
            longest /= 2;
        } else if last > 0 {
            last /= 2;
        } else {
            let nothing = Evidence { exchanges: Vec::new(), curl: shorten(&evidence.curl, 1024) };
            return to_json("evidence", &nothing);
        }
    }
}

/// Evidence as it was kept.
pub(super) fn decode(text: &str) -> Result<Evidence, Fault> {
    from_json("evidence", text)
}

fn cut(evidence: &Evidence, longest: usize, last: usize) -> Evidence {
    let skipped = evidence.exchanges.len().saturating_sub(last);
    let kept = evidence.exchanges.iter().skip(skipped);
    Evidence {
        exchanges: kept.map(|exchange| cut_exchange(exchange, longest)).collect(),
        curl: shorten(&evidence.curl, longest.max(1024)),
    }
}

fn cut_exchange(exchange: &Exchange, longest: usize) -> Exchange {
    let body = |text: &Option<String>| text.as_deref().map(|t| shorten(t, longest));
    let headers = |all: &[(String, String)]| -> Vec<_> {
        let mut room = longest;
        all.iter()
            .map(|(name, value)| (shorten(name, 256), shorten(value, longest / 4)))
            .take_while(|(name, value)| {
                room = room.saturating_sub(name.len() + value.len());
                room > 0
            })
            .collect()
    };
    let response_body = body(&exchange.response_body);
    Exchange {
        request_line: shorten(&exchange.request_line, longest),
        request_headers: headers(&exchange.request_headers),
        request_body: body(&exchange.request_body),
        status: exchange.status,
        response_headers: headers(&exchange.response_headers),
        truncated: exchange.truncated || response_body != exchange.response_body,
        response_body,
    }
}

fn shorten(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(body: &str) -> Exchange {
        Exchange {
            request_line: "GET https://shop.test/".to_owned(),
            request_headers: vec![("accept".to_owned(), "*/*".to_owned())],
            request_body: None,
            status: Some(500),
            response_headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
            response_body: Some(body.to_owned()),
            truncated: false,
        }
    }

    #[test]
    fn small_evidence_is_kept_whole() {
        let evidence = Evidence { exchanges: vec![exchange("oops")], curl: "curl".to_owned() };
        assert_eq!(decode(&encode(&evidence).unwrap()).unwrap(), evidence);
    }

    #[test]
    fn large_evidence_is_cut_and_says_so() {
        // Every character of these is longer as JSON.
        for body in ["ü\u{1}\"".repeat(30_000), "a".repeat(70_000)] {
            let evidence =
                Evidence { exchanges: vec![exchange(&body); 12], curl: "c".repeat(100_000) };
            let text = encode(&evidence).unwrap();
            assert!(text.len() <= EVIDENCE_BYTES, "{}", text.len());
            let back = decode(&text).unwrap();
            assert!(!back.exchanges.is_empty() && back.exchanges.iter().all(|e| e.truncated));
        }
    }

    #[test]
    fn absurd_evidence_still_fits() {
        let mut odd = exchange("");
        odd.request_headers = vec![("\u{1}".repeat(500), "\u{1}".repeat(500)); 200];
        odd.request_line = "\u{1}".repeat(100_000);
        let evidence = Evidence { exchanges: vec![odd; 20], curl: "\u{1}".repeat(100_000) };
        assert!(encode(&evidence).unwrap().len() <= EVIDENCE_BYTES);
    }
}
