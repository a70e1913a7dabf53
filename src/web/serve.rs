//! Listens and serves until told to stop.

use std::{net::SocketAddr, sync::Arc};

use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Access, router};
use crate::{
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
        let pages = Arc::new(Pages::new().map_err(ServeError::Pages)?);
        let access = Access::new(handle, self.address.ip().is_loopback());
        let router = router(access, pages, stop.clone());
        // Who asks too often is told by the address.
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(self.listener, router)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await
            .map_err(ServeError::Ended)
    }
}
