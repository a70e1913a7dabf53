//! Lets go of what is older than the retention, in small batches while the agent works.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::setup::Setup;
use crate::{clock::Clock, store::Store};

/// Rows let go at once: a few milliseconds of the writer's time.
const BATCH: usize = 2_000;
/// Between two batches.
const BREATH: Duration = Duration::from_millis(250);
/// Between two rounds.
const ROUND: Duration = Duration::from_secs(600);

/// Prunes every ten minutes until told to stop.
pub(super) async fn run(
    clock: Clock,
    store: Store,
    setup: watch::Receiver<Arc<Setup>>,
    stop: CancellationToken,
) {
    let mut pause = Duration::from_secs(60);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let retention = setup.borrow().settings.retention.clone();
        pause = match store.prune(clock.now(), &retention, BATCH).await {
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
        };
    }
}
