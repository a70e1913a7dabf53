//! The evidence of a failed run as bytes, small enough to be kept by the thousand.

use super::{
    error::Fault,
    session::{from_json, to_json},
};
use crate::model::{Evidence, Exchange};

/// Most bytes of one run's evidence.
pub(super) const EVIDENCE_BYTES: usize = 64 << 10;

/// How long a text may be in the exchanges before the last one, and in the last one, which tells most: tried in this order until all fits.
const LENGTHS: &[(usize, usize)] = &[
    (16 << 10, 32 << 10),
    (4 << 10, 32 << 10),
    (4 << 10, 16 << 10),
    (1 << 10, 16 << 10),
    (1 << 10, 4 << 10),
    (256, 4 << 10),
    (256, 1 << 10),
    (256, 256),
];

/// Evidence as JSON of at most [`EVIDENCE_BYTES`]. What is too long is cut: texts shorter and shorter, those of the exchanges before
/// the last one first; then exchanges are left out, the earliest first.
pub(super) fn encode(evidence: &Evidence) -> Result<String, Fault> {
    let text = to_json("evidence", evidence)?;
    if text.len() <= EVIDENCE_BYTES {
        return Ok(text);
    }
    let all = evidence.exchanges.len();
    let (least, mut last) = ((256, 256), all);
    let tries = LENGTHS.iter().map(|lengths| (*lengths, all)).chain(std::iter::from_fn(|| {
        last = last.checked_div(2).filter(|n| *n > 0)?;
        Some((least, last))
    }));
    for (lengths, last) in tries {
        let text = to_json("evidence", &cut(evidence, lengths, last))?;
        if text.len() <= EVIDENCE_BYTES {
            return Ok(text);
        }
    }
    to_json("evidence", &cut(evidence, least, 0))
}

/// Evidence as it was kept.
pub(super) fn decode(text: &str) -> Result<Evidence, Fault> {
    from_json("evidence", text)
}

fn cut(evidence: &Evidence, (early, late): (usize, usize), last: usize) -> Evidence {
    let skipped = evidence.exchanges.len().saturating_sub(last);
    let end = evidence.exchanges.len().saturating_sub(1);
    let kept = evidence.exchanges.iter().enumerate().skip(skipped);
    let more = u32::try_from(skipped).unwrap_or(u32::MAX);
    Evidence {
        exchanges: kept
            .map(|(at, exchange)| cut_exchange(exchange, if at == end { late } else { early }))
            .collect(),
        curl: shorten(&evidence.curl, late.max(1024)),
        left_out: evidence.left_out.saturating_add(more),
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
        step: exchange.step.clone(),
        version: exchange.version.clone(),
        timing: exchange.timing,
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
            ..Exchange::default()
        }
    }

    #[test]
    fn small_evidence_is_kept_whole() {
        let evidence =
            Evidence { exchanges: vec![exchange("oops")], curl: "curl".to_owned(), left_out: 0 };
        assert_eq!(decode(&encode(&evidence).unwrap()).unwrap(), evidence);
    }

    #[test]
    fn large_evidence_is_cut_and_says_so() {
        // Every character of these is longer as JSON.
        for body in ["ü\u{1}\"".repeat(30_000), "a".repeat(70_000)] {
            let evidence = Evidence {
                exchanges: vec![exchange(&body); 12],
                curl: "c".repeat(100_000),
                left_out: 0,
            };
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
        let evidence =
            Evidence { exchanges: vec![odd; 20], curl: "\u{1}".repeat(100_000), left_out: 0 };
        assert!(encode(&evidence).unwrap().len() <= EVIDENCE_BYTES);
    }
}
