//! Servers that nobody here wrote (axum, hyper) on loopback.

use std::{net::SocketAddr, sync::Arc};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

/// A server that ends when it is dropped.
pub(crate) struct Served(JoinHandle<()>);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[expect(clippy::disallowed_methods, reason = "a server of a test ends with the test")]
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Served {
    Served(tokio::spawn(task))
}

/// Serves the routes over plain HTTP, version 1.1 or 2 with prior knowledge.
pub(crate) async fn serve(routes: Router) -> (SocketAddr, Served) {
    serve_with(None, routes).await
}

/// The same over TLS, if there is any.
pub(crate) async fn serve_with(tls: Option<TlsAcceptor>, routes: Router) -> (SocketAddr, Served) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = tls.map(Arc::new);
    let task = async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(routes.clone());
            let tls = tls.clone();
            connections.spawn(async move {
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                // A client that goes away is not the server's trouble.
                match tls {
                    None => builder.serve_connection(TokioIo::new(stream), service).await.ok(),
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => {
                            builder.serve_connection(TokioIo::new(stream), service).await.ok()
                        }
                        Err(_) => None,
                    },
                };
            });
        }
    };
    (address, spawn(task))
}
