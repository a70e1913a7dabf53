//! The header by which servers put what they did for a request into the trace of its run: `traceparent` of W3C Trace Context, version 00
//! (<https://www.w3.org/TR/trace-context/#traceparent-header>).

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::model::RunId;

/// Its name.
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The trace of one run.
#[derive(Debug, Clone)]
pub(super) struct TraceContext {
    /// Version and trace id: how every header of ours begins.
    begins: String,
}

impl TraceContext {
    /// The trace that a run is.
    pub(super) fn of(run: RunId) -> Self {
        Self { begins: format!("00-{}-", run.trace_id()) }
    }

    /// Whether a request carries a header of ours.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        headers.get(TRACEPARENT).is_some_and(|v| v.as_bytes().starts_with(self.begins.as_bytes()))
    }

    /// Gives a request its own parent id. One that a step or the environment writes itself stays; one of ours from before a redirect does not.
    pub(super) fn add(&self, headers: &mut HeaderMap) {
        if headers.contains_key(TRACEPARENT) && !self.is_in(headers) {
            return;
        }
        // All zeros would be none.
        let parent = rand::random::<u64>().max(1);
        let text = format!("{}{parent:016x}-01", self.begins);
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(TRACEPARENT, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_a_parent_id_of_its_own_and_one_that_is_written_wins() {
        let run: RunId = "019a3c5e-7b1f-7c2a-9d4e-1f2a3b4c5d6e".parse().unwrap();
        let context = TraceContext::of(run);
        let mut headers = HeaderMap::new();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..100 {
            context.add(&mut headers);
            let value = headers[TRACEPARENT].to_str().unwrap().to_owned();
            let parts: Vec<&str> = value.split('-').collect();
            assert_eq!(parts[..2], ["00", "019a3c5e7b1f7c2a9d4e1f2a3b4c5d6e"]);
            assert!(parts[2].len() == 16 && parts[2].bytes().all(|b| b.is_ascii_hexdigit()));
            assert_eq!(parts[3..], ["01"]);
            seen.insert(value);
        }
        assert_eq!(seen.len(), 100);
        let own =
            HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
        headers.insert(TRACEPARENT, own.clone());
        context.add(&mut headers);
        assert_eq!(headers[TRACEPARENT], own);
        assert!(!context.is_in(&headers));
    }
}
