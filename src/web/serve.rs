//! Listens and serves until told to stop, on threads of its own: whoever asks for pages must not make runs start late.

use std::{net::SocketAddr, sync::Arc, thread};

use axum::Router;
use thiserror::Error;
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    sync::oneshot,
};
use tokio_util::sync::CancellationToken;

use super::{Access, router};
use crate::{
    clock,
    daemon::Handle,
    render::page::{PageError, Pages},
};

/// A bound address that does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

/// Why nothing is served.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}; set `listen` in [agent] to another address")]
    Bind {
        /// Which address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// A page does not compile: our own bug.
    #[error("{0}")]
    Pages(PageError),
    /// The system gives no more threads or files.
    #[error("there are no threads to serve on: {0}")]
    Threads(std::io::Error),
    /// Serving ended by itself.
    #[error("the server ended: {0}")]
    Ended(std::io::Error),
}

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    /// Somebody else has it, or it is not ours.
    pub async fn bind(address: SocketAddr) -> Result<Self, ServeError> {
        let bind = |source| ServeError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        Ok(Self { listener, address })
    }

    /// The address as it was given: with port 0 the system has chosen one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`; questions under way are answered.
    ///
    /// # Errors
    /// The listener failed.
    pub async fn serve(self, handle: Handle, stop: CancellationToken) -> Result<(), ServeError> {
        // Whoever no longer waits for this wants it to end.
        let stop = stop.child_token();
        let _ends = stop.clone().drop_guard();
        let pages = Arc::new(Pages::new().map_err(ServeError::Pages)?);
        let access = Access::new(handle, self.address.ip().is_loopback());
        let router = router(access, pages, stop.clone());
        let runtime = threads().map_err(ServeError::Threads)?;
        let (ended, end) = oneshot::channel();
        let serving = move || {
            let done = runtime.block_on(serve(self.listener, router, stop));
            // Questions that nobody waits for any more would hold us up.
            runtime.shutdown_background();
            // Nobody may wait for the end either.
            drop(ended.send(done));
        };
        thread::Builder::new()
            .name("web".to_owned())
            .spawn(serving)
            .map_err(ServeError::Threads)?;
        end.await.unwrap_or(Ok(()))
    }
}

/// Threads that serve. A page takes tens of milliseconds of reckoning, and a timer of a run that is due in them must not wait for it: so these are
/// not the threads that walk, and they step back for those: to a tenth, where all want all of the processors.
fn threads() -> std::io::Result<Runtime> {
    let mut threads = Builder::new_multi_thread();
    threads.thread_name("web").on_thread_start(|| clock::step_back(10)).enable_all().build()
}

async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    // It is told of connections by the runtime that it belongs to.
    let listener =
        listener.into_std().and_then(TcpListener::from_std).map_err(ServeError::Ended)?;
    // Who asks too often is told by the address.
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .map_err(ServeError::Ended)
}
