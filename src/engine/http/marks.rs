//! When a connect attempt came to which point.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use hyper_util::client::legacy::connect::{Connection, HttpInfo};
use tower::{BoxError, Layer, Service};

use crate::{clock::Clock, model::Phases};

tokio::task_local! {
    /// The attempt whose connector is being polled.
    static ATTEMPT: Arc<Attempt>;
}

/// How long we look again and again for a connection that is expected back: a timer is too coarse for what mostly takes some ten microseconds.
const AT_ONCE: Duration = Duration::from_micros(200);

/// How often we look after that, each time after twice as long, beginning with 1 ms: all of it only where the server closed the connection
/// without a word, or our own machine is overloaded. Looks and not time decide: in an overloaded process a look takes its turn like all else.
const LATER: u32 = 4;

/// The two ends of a TCP connection: local and remote.
pub(super) type Ends = (SocketAddr, SocketAddr);

/// One try of the connector to make a connection.
#[derive(Debug, Default)]
pub(super) struct Attempt(Mutex<Marks>);

/// What is known of an attempt.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    /// When we began, after having waited for a connection that was expected back; none where we did not wait.
    pub(super) waited_until: Option<Instant>,
    pub(super) resolve_started: Option<Instant>,
    pub(super) resolved: Option<Instant>,
    pub(super) tls_started: Option<Instant>,
    pub(super) connected: Option<Instant>,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) ends: Option<Ends>,
    /// The certificates the server sent (DER), its own first.
    pub(super) chain: Vec<Vec<u8>>,
}

impl Attempt {
    fn change(&self, change: impl FnOnce(&mut Marks)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn marks(&self) -> Marks {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Changes the marks of the attempt that is being polled; does nothing outside of one.
pub(super) fn mark(change: impl FnOnce(&mut Marks)) {
    // There is no attempt when a connector is used without our layer, as in a test of a part.
    ATTEMPT.try_with(|attempt| attempt.change(change)).unwrap_or_default();
}

/// The attempts begun in the present hop.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts {
    list: Arc<Mutex<Vec<Arc<Attempt>>>>,
    /// Whether a connection that can serve this hop is expected back.
    returning: Arc<AtomicBool>,
}

impl Attempts {
    /// Forgets the attempts of the hop before. `returning` says that one of them left a connection that can serve this hop.
    pub(super) fn begin_hop(&self, returning: bool) {
        self.list().clear();
        self.returning.store(returning, Ordering::Relaxed);
    }

    /// The attempt that made the connection with these ends, if it was begun in this hop.
    pub(super) fn that_made(&self, ends: Ends) -> Option<Marks> {
        self.list().iter().map(|a| a.marks()).find(|marks| marks.ends == Some(ends))
    }

    /// The latest attempt of this hop.
    pub(super) fn latest(&self) -> Option<Marks> {
        self.list().last().map(|attempt| attempt.marks())
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Attempt>>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The layer around reqwest's connector.
#[derive(Debug, Clone)]
pub(super) struct Marking {
    pub(super) attempts: Attempts,
    pub(super) clock: Clock,
}

impl<S> Layer<S> for Marking {
    type Service = Marked<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Marked { inner, marking: self.clone() }
    }
}

/// A connector that marks its attempts.
#[derive(Debug, Clone)]
pub(super) struct Marked<S> {
    inner: S,
    marking: Marking,
}

impl<S, R> Service<R> for Marked<S>
where
    S: Service<R> + Clone + Send + 'static,
    S::Response: Connection + Send,
    S::Error: Into<BoxError> + Send,
    S::Future: Send + 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let Marking { attempts, clock } = self.marking.clone();
        let clone = self.inner.clone();
        // The one that is ready, not its clone.
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let attempt = Arc::new(Attempt::default());
            if attempts.returning.load(Ordering::Relaxed) {
                if came_back(clock).await {
                    return Err("the connection before this one came back".into());
                }
                attempt.change(|marks| marks.waited_until = Some(clock.instant()));
            }
            attempts.list().push(Arc::clone(&attempt));
            let connecting = ATTEMPT.sync_scope(Arc::clone(&attempt), || inner.call(request));
            let connection = ATTEMPT.scope(Arc::clone(&attempt), connecting).await;
            let connection = connection.map_err(Into::into)?;
            let now = clock.instant();
            let mut facts = http::Extensions::new();
            connection.connected().get_extras(&mut facts);
            let ends = facts.get::<HttpInfo>().map(|info| (info.local_addr(), info.remote_addr()));
            attempt.change(|marks| {
                marks.connected = Some(now);
                marks.ends = ends;
            });
            Ok(connection)
        })
    }
}

/// Waits for the connection of the request before, and says whether it came back.
///
/// The end of an answer reaches us before the connection is idle again: a request that is sent at once would open a new connection in a third
/// of all cases, and a step's time would depend on a race within our own process. hyper asks the pool and the connector side by side. Where
/// the pool wins, hyper lets the connector go on in a task of its own, for later use: that is how we know. Waiting here and not before each
/// request costs nothing where the connection is idle already, which is nearly always.
async fn came_back(clock: Clock) -> bool {
    let task = tokio::task::try_id();
    let elsewhere = || tokio::task::try_id() != task;
    let begun = clock.instant();
    while clock.instant().saturating_duration_since(begun) < AT_ONCE {
        tokio::task::yield_now().await;
        if elsewhere() {
            return true;
        }
    }
    for look in 0..LATER {
        tokio::time::sleep(Duration::from_millis(1 << look)).await;
        if elsewhere() {
            return true;
        }
    }
    false
}

/// Divides the time from `start` to `end` into phases without a gap, so that they add up to it. Each is a whole number of microseconds, so
/// that what is written in microseconds still adds up; one that took any time at all is at least one. `marks` are those of the attempt that made
/// the connection, if it was made in this hop; `head` is when the answer's head came. The phase in which a hop ended early takes the rest.
pub(super) fn phases(
    start: Instant,
    end: Instant,
    marks: Option<&Marks>,
    head: Option<Instant>,
) -> Phases {
    let mut phases = Phases::default();
    let (mut at, mut elapsed) = (start, Duration::ZERO);
    let mut until = |mark: Option<Instant>| {
        let to = mark.unwrap_or(end).clamp(at, end.max(at));
        let least = if to > at { elapsed + Duration::from_micros(1) } else { elapsed };
        let reached = whole_micros(to.saturating_duration_since(start)).max(least);
        let length = reached - elapsed;
        (at, elapsed) = (to, reached);
        length
    };
    if let Some(marks) = marks {
        if marks.resolve_started.is_some() {
            phases.resolve = until(marks.resolved);
        }
        phases.connect = until(marks.tls_started.or(marks.connected));
        if marks.tls_started.is_some() {
            phases.tls = until(marks.connected);
        }
    }
    phases.processing = until(head);
    phases.transfer = until(None);
    phases
}

/// The time without what is less than a microsecond.
pub(in crate::engine) fn whole_micros(time: Duration) -> Duration {
    Duration::new(time.as_secs(), time.subsec_micros() * 1000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn phases_add_up_whatever_the_marks(
            times in proptest::collection::vec(proptest::option::of(0u64..1000), 5),
            length in 0u64..1000,
            attempt: bool,
        ) {
            let start = Clock.instant();
            let at = |i: usize| times[i].map(|ms: u64| start + Duration::from_millis(ms));
            let marks = Marks {
                resolve_started: at(0),
                resolved: at(1),
                tls_started: at(2),
                connected: at(3),
                ..Marks::default()
            };
            let end = start + Duration::from_millis(length);
            let phases = phases(start, end, attempt.then_some(&marks), at(4));
            prop_assert_eq!(phases.total(), Duration::from_millis(length));
        }
    }

    proptest! {
        #[test]
        fn phases_are_whole_microseconds(
            times in proptest::collection::vec(1u64..1_000_000, 4),
            length in 1u64..1_000_000,
        ) {
            let start = Clock.instant();
            let at = |ns: u64| Some(start + Duration::from_nanos(ns));
            let marks = Marks {
                resolve_started: Some(start),
                resolved: at(times[0]),
                tls_started: at(times[1]),
                connected: at(times[2]),
                ..Marks::default()
            };
            let end = start + Duration::from_nanos(length);
            let phases = phases(start, end, Some(&marks), at(times[3]));
            prop_assert!(phases.named().iter().all(|(_, d)| d.subsec_nanos() % 1000 == 0));
            prop_assert!(!phases.resolve.is_zero());
            let (total, length) = (phases.total(), Duration::from_nanos(length));
            prop_assert!(total + Duration::from_micros(1) > length);
            prop_assert!(total <= length + Duration::from_micros(5));
        }
    }

    #[test]
    fn each_phase_ends_where_the_next_begins() {
        let start = Clock.instant();
        let at = |ms| start + Duration::from_millis(ms);
        let marks = Marks {
            resolve_started: Some(at(0)),
            resolved: Some(at(10)),
            tls_started: Some(at(30)),
            connected: Some(at(60)),
            ..Marks::default()
        };
        let ms = |p: Phases| p.named().map(|(_, d)| d.as_millis());
        assert_eq!(ms(phases(start, at(200), Some(&marks), Some(at(160)))), [10, 20, 30, 100, 40]);
        assert_eq!(ms(phases(start, at(200), None, Some(at(160)))), [0, 0, 0, 160, 40]);
        let failed = Marks { connected: None, ..marks.clone() };
        assert_eq!(ms(phases(start, at(200), Some(&failed), None)), [10, 20, 170, 0, 0]);
        let literal = Marks { resolve_started: None, resolved: None, tls_started: None, ..marks };
        assert_eq!(ms(phases(start, at(200), Some(&literal), None)), [0, 60, 0, 140, 0]);
    }
}
