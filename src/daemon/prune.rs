//! Lets go of what is older than the retention, in small batches while the agent works.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::setup::Setup;
use crate::{clock::Clock, model::Retention, store::Store};

/// Rows let go at once: a few milliseconds of the writer's time.
const BATCH: usize = 2_000;
/// Between two batches.
const BREATH: Duration = Duration::from_millis(250);
/// Between two rounds.
const ROUND: Duration = Duration::from_secs(600);
/// Between two looks at how much room evidence takes.
const LOOK: Duration = Duration::from_secs(30);
/// Evidence let go at once: a row is up to 64 KiB.
const EVIDENCE: usize = 200;

/// Prunes every ten minutes, and keeps evidence within its budget every half minute, until told to stop.
pub(super) async fn run(
    clock: Clock,
    store: Store,
    setup: watch::Receiver<Arc<Setup>>,
    stop: CancellationToken,
) {
    let retention = || setup.borrow().settings.retention.clone();
    let old = async {
        let mut pause = Duration::from_secs(60);
        loop {
            tokio::time::sleep(pause).await;
            pause = let_go(clock, &store, &retention()).await;
        }
    };
    let large = async {
        let mut pause = LOOK;
        loop {
            tokio::time::sleep(pause).await;
            pause = fit(&store, &retention()).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = old => {}
        () = large => {}
    }
}

/// Lets go of a batch of what is too old; gives how long to wait for the next.
async fn let_go(clock: Clock, store: &Store, retention: &Retention) -> Duration {
    match store.prune(clock.now(), retention, BATCH).await {
        Ok(pruned) => {
            if pruned.runs + pruned.evidence + pruned.rollups > 0 {
                info!(
                    runs = pruned.runs,
                    evidence = pruned.evidence,
                    rollups = pruned.rollups,
                    "store.pruned"
                );
            }
            if pruned.more { BREATH } else { ROUND }
        }
        Err(e) => {
            error!(error = %e, "store.prune: old rows could not be let go");
            ROUND
        }
    }
}

/// Lets go of a batch of evidence that is too much; gives how long to wait for the next look.
async fn fit(store: &Store, retention: &Retention) -> Duration {
    match store.fit_evidence(retention.evidence_max, EVIDENCE).await {
        Ok((evidence, more)) => {
            if evidence > 0 {
                info!(evidence, "store.fitted: the oldest evidence made room");
            }
            if more { BREATH } else { LOOK }
        }
        Err(e) => {
            error!(error = %e, "store.fit: evidence could not be brought within its budget");
            ROUND
        }
    }
}
