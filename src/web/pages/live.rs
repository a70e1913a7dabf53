//! `GET /live`: what happens, as server-sent events (HTML Living Standard, section 9.2): small hints, by which a page asks again for what it shows.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event as Sent, KeepAlive, Sse},
    },
};
use futures_util::stream;
use serde_json::json;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

use crate::{daemon::Event, web::router::Face};

/// The stream.
pub(in crate::web) async fn live(State(face): State<Face>) -> Response {
    let listening = (face.handle.live().listen(), face.stop.clone());
    let events = stream::unfold(listening, |(mut events, stop)| async move {
        let hint = next(&mut events, &stop).await?;
        Some((Ok::<_, Infallible>(hint), (events, stop)))
    });
    let alive = KeepAlive::new().interval(Duration::from_secs(15));
    Sse::new(events).keep_alive(alive).into_response()
}

/// The next hint; none when the agent ends.
async fn next(events: &mut Receiver<Event>, stop: &CancellationToken) -> Option<Sent> {
    let event = tokio::select! {
        () = stop.cancelled() => return None,
        event = events.recv() => event,
    };
    let (name, told) = match event {
        Ok(Event::Run(run)) => (
            "run",
            json!({ "row": format!("{}|{}|{}", run.journey, run.environment, run.location) }),
        ),
        Ok(Event::Change(change)) => ("change", json!({ "change": change.id })),
        Ok(Event::Verdict(verdict)) => ("verdict", json!({ "change": verdict.change })),
        Ok(Event::Finding(finding)) => {
            ("finding", json!({ "finding": finding.id, "state": finding.state.as_str() }))
        }
        // Whoever was too slow asks for everything anew.
        Err(RecvError::Lagged(_)) => ("change", json!({})),
        Err(RecvError::Closed) => return None,
    };
    Some(Sent::default().event(name).data(told.to_string()))
}
