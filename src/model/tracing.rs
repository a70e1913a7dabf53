//! How a run is found in the target's own tracing.
//!
//! Where an environment wants it, every HTTP request of a run carries a `traceparent` of version 00 (W3C Trace Context,
//! <https://www.w3.org/TR/trace-context/#traceparent-header>): one trace id for the run, another parent id for each request, and the flag that asks
//! for the trace to be kept. The trace id is the id of the run: both have sixteen bytes, and the last eight of ours are random, as samplers expect.

use jiff::{SignedDuration, Timestamp};

use super::{Run, RunId};

/// What is left around a run where a link takes a span of time: clocks differ, and servers may go on after they have answered.
const AROUND: SignedDuration = SignedDuration::from_secs(60);

/// What an environment says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tracing {
    /// Whether requests carry the header; where nothing is said, they do if there is a place to look at traces.
    pub traceparent: Option<bool>,
    /// Where a trace is looked at, with a place for [`TRACE_ID`].
    pub url: Option<String>,
}

/// What stands for the trace id in the address of a trace.
pub const TRACE_ID: &str = "{trace_id}";

impl Tracing {
    /// Whether requests carry the header.
    pub fn is_on(&self) -> bool {
        self.traceparent.unwrap_or(self.url.is_some())
    }

    /// Where the trace of a run is looked at; none where no request of it carried the header, or nobody said where.
    pub fn link(&self, run: &Run) -> Option<String> {
        let url = self.url.as_deref().filter(|_| run.traced)?;
        Some(filled(url, run))
    }
}

impl RunId {
    /// The id of its trace: 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        self.0.simple().to_string()
    }
}

/// `{trace_id}`, and for places that want to know where to look `{from_ms}` and `{to_ms}`, in milliseconds since 1970.
fn filled(url: &str, run: &Run) -> String {
    let length = SignedDuration::try_from(run.duration).unwrap_or(SignedDuration::ZERO);
    let end = run.started_at.checked_add(length).unwrap_or(run.started_at);
    let from = run.started_at.checked_sub(AROUND).unwrap_or(Timestamp::MIN);
    let to = end.checked_add(AROUND).unwrap_or(Timestamp::MAX);
    url.replace(TRACE_ID, &run.id.trace_id())
        .replace("{from_ms}", &from.as_millisecond().to_string())
        .replace("{to_ms}", &to.as_millisecond().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_sent_where_traces_can_be_looked_at_or_somebody_says_so() {
        let of = |traceparent, url: Option<&str>| {
            Tracing { traceparent, url: url.map(str::to_owned) }.is_on()
        };
        for (said, url, on) in [
            (None, None, false),
            (None, Some("x"), true),
            (Some(true), None, true),
            (Some(false), Some("x"), false),
        ] {
            assert_eq!(of(said, url), on, "{said:?} {url:?}");
        }
    }

    #[test]
    fn a_trace_id_is_the_run_id_without_its_dashes() {
        let id: RunId = "019a3c5e-7b1f-7c2a-9d4e-1f2a3b4c5d6e".parse().unwrap();
        assert_eq!(id.trace_id(), "019a3c5e7b1f7c2a9d4e1f2a3b4c5d6e");
    }
}
