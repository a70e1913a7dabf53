//! A small API server: it holds objects, answers lists and watches of them, and can be told to misbehave as real ones do.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// A line of a watch, by the resource it is of.
type Line = (String, Value);

#[derive(Debug, Default)]
struct Shelf {
    version: u64,
    /// Objects by resource, namespace and name.
    objects: BTreeMap<(String, String, String), Value>,
    /// Everything that watches have to tell, by version.
    lines: BTreeMap<u64, Line>,
    /// Versions up to this one are not known any more.
    oldest: u64,
    /// Resources that are refused.
    forbidden: BTreeSet<String>,
    /// Nobody answers.
    away: bool,
    /// Watches of an older round end.
    round: u64,
    /// Every request: path and query.
    asked: Vec<String>,
}

/// The server; its threads end with the test.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) port: u16,
    shelf: Arc<Mutex<Shelf>>,
}

/// `apps/v1` or `v1`, by resource.
fn group(resource: &str) -> &'static str {
    if matches!(resource, "configmaps" | "secrets") { "v1" } else { "apps/v1" }
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shelf = Shelf { version: 100, ..Shelf::default() };
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            shelf: Arc::new(Mutex::new(shelf)),
        };
        let mine = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mine = mine.clone();
                thread::spawn(move || mine.serve(stream));
            }
        });
        server
    }

    /// A file that says how it is reached.
    pub(crate) fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: eu\ncontexts:\n- name: eu\n  context: {{ cluster: eu, user: probe }}\n\
             clusters:\n- name: eu\n  cluster: {{ server: \"http://127.0.0.1:{}\" }}\nusers:\n- name: probe\n  user: {{ token: abc }}\n",
            self.port
        )
    }

    /// Puts an object there, or another state of it, and tells the watches.
    pub(crate) fn put(&self, resource: &str, object: &Value) {
        let mut shelf = self.shelf.lock().unwrap();
        shelf.version += 1;
        let mut object = object.clone();
        object["metadata"]["resourceVersion"] = json!(shelf.version.to_string());
        let key = key(resource, &object);
        let known = shelf.objects.insert(key, object.clone()).is_some();
        let word = if known { "MODIFIED" } else { "ADDED" };
        let version = shelf.version;
        shelf
            .lines
            .insert(version, (resource.to_owned(), json!({ "type": word, "object": object })));
    }

    /// Tells the watches how far they are, as servers do once a minute.
    pub(crate) fn bookmark(&self, resource: &str) {
        let mut shelf = self.shelf.lock().unwrap();
        shelf.version += 1;
        let version = shelf.version;
        let object = json!({
            "kind": "Object", "apiVersion": group(resource),
            "metadata": { "resourceVersion": version.to_string(), "creationTimestamp": null }
        });
        shelf.lines.insert(
            version,
            (resource.to_owned(), json!({ "type": "BOOKMARK", "object": object })),
        );
    }

    /// Forgets what was, as etcd does when it is compacted, and ends all watches.
    pub(crate) fn compact(&self) {
        let mut shelf = self.shelf.lock().unwrap();
        shelf.version += 1;
        shelf.oldest = shelf.version;
        shelf.round += 1;
    }

    /// Ends all watches, as servers do every few minutes.
    pub(crate) fn end_watches(&self) {
        self.shelf.lock().unwrap().round += 1;
    }

    pub(crate) fn forbid(&self, resource: &str, forbidden: bool) {
        let mut shelf = self.shelf.lock().unwrap();
        if forbidden {
            shelf.forbidden.insert(resource.to_owned());
        } else {
            shelf.forbidden.remove(resource);
        }
        shelf.round += 1;
    }

    pub(crate) fn away(&self, away: bool) {
        let mut shelf = self.shelf.lock().unwrap();
        shelf.away = away;
        shelf.round += 1;
    }

    /// How many requests had all these parts.
    pub(crate) fn asked(&self, parts: &[&str]) -> usize {
        let shelf = self.shelf.lock().unwrap();
        shelf.asked.iter().filter(|line| parts.iter().all(|part| line.contains(part))).count()
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        loop {
            let mut first = String::new();
            if reader.read_line(&mut first).unwrap_or(0) == 0 {
                return;
            }
            let mut length = 0;
            loop {
                let mut header = String::new();
                if reader.read_line(&mut header).unwrap_or(0) == 0 {
                    return;
                }
                if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
                if header.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_err() {
                return;
            }
            let target = first.split(' ').nth(1).unwrap_or_default().to_owned();
            let away = {
                let mut shelf = self.shelf.lock().unwrap();
                shelf.asked.push(target.clone());
                shelf.away
            };
            if away || self.answer(&mut stream, &target).is_none() {
                return;
            }
        }
    }

    fn answer(&self, stream: &mut TcpStream, target: &str) -> Option<()> {
        let url = url::Url::parse("http://x").unwrap().join(target).unwrap();
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let parts: Vec<&str> = url.path().split('/').filter(|part| !part.is_empty()).collect();
        let resource = parts.last().copied().unwrap_or_default().to_owned();
        let namespace =
            parts.iter().position(|part| *part == "namespaces").map(|at| parts[at + 1].to_owned());
        if self.shelf.lock().unwrap().forbidden.contains(&resource) {
            let message = format!(
                "{resource} is forbidden: User \"system:serviceaccount:monitoring:wayfarer\" cannot list resource \"{resource}\" at the cluster scope"
            );
            return whole(stream, 403, &status(403, "Forbidden", &message));
        }
        if query.get("watch").is_some_and(|watch| watch == "true" || watch == "1") {
            return self.watch(stream, &resource, namespace.as_deref(), &query);
        }
        let shelf = self.shelf.lock().unwrap();
        let of = |(key, object): (&(String, String, String), &Value)| {
            let here = namespace.as_ref().is_none_or(|namespace| *namespace == key.1);
            (key.0 == resource && here).then(|| object.clone())
        };
        let all: Vec<Value> = shelf.objects.iter().filter_map(of).collect();
        // Pages of two, so that there are pages.
        let from: usize = query.get("continue").map_or(0, |token| token.parse().unwrap());
        let page: Vec<Value> = all.iter().skip(from).take(2).cloned().collect();
        let more = if from + 2 < all.len() { (from + 2).to_string() } else { String::new() };
        let list = json!({
            "kind": "List", "apiVersion": group(&resource),
            "metadata": { "resourceVersion": shelf.version.to_string(), "continue": more }, "items": page
        });
        drop(shelf);
        whole(stream, 200, &list)
    }

    /// A watch: everything since a version, a line for each, until its round is over.
    fn watch(
        &self,
        stream: &mut TcpStream,
        resource: &str,
        namespace: Option<&str>,
        query: &BTreeMap<String, String>,
    ) -> Option<()> {
        assert_eq!(query.get("allowWatchBookmarks").map(String::as_str), Some("true"));
        let mut from: u64 = query["resourceVersion"].parse().unwrap();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).ok()?;
        let (round, oldest) = {
            let shelf = self.shelf.lock().unwrap();
            (shelf.round, shelf.oldest)
        };
        if from < oldest {
            let message = format!("too old resource version: {from} ({oldest})");
            chunk(stream, &json!({ "type": "ERROR", "object": status(410, "Expired", &message) }))?;
            return stream.write_all(b"0\r\n\r\n").ok();
        }
        loop {
            let (over, due) = {
                let shelf = self.shelf.lock().unwrap();
                let due: Vec<(u64, Line)> =
                    shelf.lines.range(from + 1..).map(|(v, line)| (*v, line.clone())).collect();
                (shelf.round != round, due)
            };
            for (version, (of, line)) in due {
                from = version;
                let there = line["object"]["metadata"]["namespace"].as_str();
                let here = line["type"] == "BOOKMARK" || namespace.is_none() || there == namespace;
                if of == resource && here {
                    chunk(stream, &line)?;
                }
            }
            if over {
                if self.shelf.lock().unwrap().away {
                    // Cut in the middle.
                    return None;
                }
                return stream.write_all(b"0\r\n\r\n").ok();
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn key(resource: &str, object: &Value) -> (String, String, String) {
    let of = |name: &str| object["metadata"][name].as_str().unwrap().to_owned();
    (resource.to_owned(), of("namespace"), of("name"))
}

/// What an API server says where it does not do as it is asked.
fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code
    })
}

fn whole(stream: &mut TcpStream, code: u16, body: &Value) -> Option<()> {
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).ok()
}

/// One line, cut in two as networks do.
fn chunk(stream: &mut TcpStream, line: &Value) -> Option<()> {
    let line = format!("{line}\n");
    let (first, second) = line.as_bytes().split_at(line.len() / 2);
    for part in [first, second] {
        stream.write_all(format!("{:x}\r\n", part.len()).as_bytes()).ok()?;
        stream.write_all(part).ok()?;
        stream.write_all(b"\r\n").ok()?;
    }
    stream.flush().ok()
}
