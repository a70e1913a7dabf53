//! A small HTTP server that keeps what it was sent and answers as it is told.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) method: String,
    pub(crate) path: String,
    /// By lower-case names.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Got {
    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What is answered: a status, more headers, a body.
#[derive(Debug, Clone)]
pub(crate) struct Answer(pub(crate) u16, pub(crate) &'static str, pub(crate) &'static str);

#[derive(Debug, Default)]
struct Shelf {
    got: Vec<Got>,
    answers: VecDeque<Answer>,
    usual: Option<Answer>,
    silent: bool,
}

/// The server. Its thread ends with the test.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) port: u16,
    shelf: Arc<Mutex<Shelf>>,
}

impl Server {
    /// Listens; answers 200 unless told otherwise.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), shelf: Arc::default() };
        let mine = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mine = mine.clone();
                thread::spawn(move || mine.serve(stream));
            }
        });
        server
    }

    /// Where it is.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What it answers next, once each.
    pub(crate) fn next(&self, answers: &[Answer]) {
        self.shelf.lock().unwrap().answers.extend(answers.iter().cloned());
    }

    /// What it answers otherwise.
    pub(crate) fn usually(&self, answer: Answer) {
        self.shelf.lock().unwrap().usual = Some(answer);
    }

    /// It takes requests and never answers.
    pub(crate) fn silent(&self) {
        self.shelf.lock().unwrap().silent = true;
    }

    /// Everything it was sent so far.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.shelf.lock().unwrap().got.clone()
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap_or(0);
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok();
        let body = String::from_utf8_lossy(&body).into_owned();
        let (answer, silent) = {
            let mut shelf = self.shelf.lock().unwrap();
            shelf.got.push(Got { method, path, headers, body });
            let answer = shelf.answers.pop_front().or_else(|| shelf.usual.clone());
            (answer.unwrap_or(Answer(200, "", "{}")), shelf.silent)
        };
        if silent {
            thread::sleep(std::time::Duration::from_secs(60));
            return;
        }
        let Answer(status, more, body) = answer;
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status} X\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        reader.into_inner().write_all(text.as_bytes()).ok();
    }
}
