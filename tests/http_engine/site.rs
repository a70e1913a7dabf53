//! A scripted server on loopback: real sockets, real TLS, one closure that decides what comes back.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
    /// The number of the connection it came over, from 1.
    pub(crate) connection: usize,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (n, value) = line.split_once(':')?;
            n.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// What the server does.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Writes this and waits for the next request.
    Bytes(Vec<u8>),
    /// The same after a while.
    Later(Duration, Vec<u8>),
    /// Writes this and closes.
    Close(Vec<u8>),
    /// Writes this and then nothing for ever.
    Hang(Vec<u8>),
    /// Writes the first, then the second again and again.
    Endless(Vec<u8>, Vec<u8>),
    /// Resets the connection.
    Reset,
}

/// The server; it ends when it is dropped.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) asked: Arc<Mutex<Vec<Asked>>>,
    pub(crate) written: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Site {
    pub(crate) async fn start(
        tls: Option<TlsAcceptor>,
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Script {
            answer: Box::new(answer),
            asked: Arc::default(),
            written: Arc::default(),
        });
        let connections = Arc::new(AtomicUsize::new(0));
        let (asked, written) = (Arc::clone(&script.asked), Arc::clone(&script.written));
        let counter = Arc::clone(&connections);
        let task = spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
                let (script, tls) = (Arc::clone(&script), tls.clone());
                spawn(async move {
                    stream.set_nodelay(true).unwrap();
                    match tls {
                        None => {
                            serve(stream, number, &script, |s| s.set_zero_linger().unwrap()).await
                        }
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, number, &script, |_| {}).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, connections, asked, written, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

#[expect(clippy::disallowed_methods, reason = "a server of a test ends with the test")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(task)
}

struct Script {
    answer: Box<dyn Fn(&Asked) -> Reply + Send + Sync>,
    asked: Arc<Mutex<Vec<Asked>>>,
    written: Arc<AtomicUsize>,
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    connection: usize,
    script: &Script,
    reset: impl Fn(&S),
) {
    while let Some(asked) = read(&mut stream, connection).await {
        let reply = (script.answer)(&asked);
        script.asked.lock().unwrap().push(asked);
        let done = match reply {
            Reply::Bytes(bytes) => stream.write_all(&bytes).await.is_err(),
            Reply::Later(pause, bytes) => {
                tokio::time::sleep(pause).await;
                stream.write_all(&bytes).await.is_err()
            }
            Reply::Close(bytes) => {
                stream.write_all(&bytes).await.ok();
                stream.shutdown().await.ok();
                true
            }
            Reply::Hang(bytes) => {
                stream.write_all(&bytes).await.ok();
                std::future::pending().await
            }
            Reply::Endless(head, again) => {
                stream.write_all(&head).await.ok();
                while stream.write_all(&again).await.is_ok() {
                    script.written.fetch_add(again.len(), Ordering::SeqCst);
                }
                true
            }
            Reply::Reset => {
                reset(&stream);
                true
            }
        };
        if done {
            return;
        }
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin), connection: usize) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(n) if n > 0 => bytes.extend_from_slice(&chunk[..n]),
            _ => return None,
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut words = head.split_whitespace();
    let mut asked = Asked {
        method: words.next()?.to_owned(),
        path: words.next()?.to_owned(),
        head,
        body: String::new(),
        connection,
    };
    let length: usize = asked.header("content-length").map_or(0, |v| v.parse().unwrap());
    let mut body = bytes[end..].to_vec();
    while body.len() < length {
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        body.extend_from_slice(&chunk[..n]);
    }
    asked.body = String::from_utf8_lossy(&body).into_owned();
    Some(asked)
}

/// An answer with a `Content-Length`. `headers` are whole lines without their ends.
pub(crate) fn answer(status: u16, headers: &[&str], body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let mut bytes = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
    for line in headers {
        bytes.push_str(line);
        bytes.push_str("\r\n");
    }
    bytes.push_str("\r\n");
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(body);
    Reply::Bytes(bytes)
}

/// A `200` with a chunked body.
pub(crate) fn chunked(body: &str) -> Reply {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    Reply::Bytes(format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).into_bytes())
}

/// A connection that never speaks: for servers that hang before TLS.
pub(crate) async fn silent() -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = spawn(async move {
        let mut kept: Vec<TcpStream> = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            kept.push(stream);
        }
    });
    (address, task)
}
