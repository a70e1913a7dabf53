//! The watchers of Kubernetes clusters: what `source::kubernetes` brings, `intake::kubernetes` understands, and the change log takes in.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use super::{handle::Handle, hear};
use crate::{
    intake::{
        Heard, Known,
        kubernetes::{Cluster, News, Place, SOURCE},
    },
    model::KubernetesSettings,
    source::kubernetes::{Connection, Subject, Word},
};

/// Between two tries to reach what is not there yet: a file, a store that refuses.
const AGAIN: Duration = Duration::from_secs(10);

/// Watches the clusters of the settings, whatever these become, until told to stop.
pub(super) async fn run(handle: Handle, stop: CancellationToken) {
    let mut setup = handle.setup.clone();
    loop {
        let (clusters, root) = {
            let setup = setup.borrow_and_update();
            (setup.settings.kubernetes.clone(), setup.root.clone())
        };
        handle.exporter.kubernetes_forget();
        let round = stop.child_token();
        let tasks = TaskTracker::new();
        for (name, settings) in &clusters {
            let watcher = Watcher {
                handle: handle.clone(),
                name: name.clone(),
                settings: settings.clone(),
                root: root.clone(),
            };
            let round = round.clone();
            tasks.spawn(async move {
                tokio::select! {
                    () = round.cancelled() => {}
                    () = watcher.run(&round) => {}
                }
            });
        }
        tasks.close();
        let over = loop {
            tokio::select! {
                () = stop.cancelled() => break true,
                changed = setup.changed() => {
                    if changed.is_err() {
                        break true;
                    }
                    if setup.borrow_and_update().settings.kubernetes != clusters {
                        break false;
                    }
                }
            }
        };
        round.cancel();
        tasks.wait().await;
        if over {
            return;
        }
    }
}

/// One cluster.
struct Watcher {
    handle: Handle,
    name: String,
    settings: KubernetesSettings,
    root: PathBuf,
}

impl Watcher {
    async fn run(self, round: &CancellationToken) {
        let mut cluster = self.remembered().await;
        let connection = self.connection().await;
        let (to, mut words) = mpsc::channel(256);
        let watches = TaskTracker::new();
        let subjects = self.subjects();
        info!(cluster = %self.name, watches = subjects.len(), "kubernetes.watching");
        for subject in subjects {
            let (round, to) = (round.clone(), to.clone());
            let watch = connection.clone().watch(subject, cluster.key().to_vec(), to);
            watches.spawn(async move {
                tokio::select! {
                    () = round.cancelled() => {}
                    () = watch => {}
                }
            });
        }
        drop(to);
        loop {
            let pause = cluster.due().map(|due| self.until(due));
            let news = tokio::select! {
                word = words.recv() => match word {
                    Some(Word::Seen(seen)) => self.with(|place| cluster.hear(place, &seen)),
                    Some(Word::Standing(subject, standing)) => {
                        self.standing(&subject, standing);
                        continue;
                    }
                    None => return,
                },
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {
                    self.with(|place| cluster.tick(place))
                }
            };
            self.tell(news).await;
        }
    }

    /// Each kind in each namespace, or in all of them.
    fn subjects(&self) -> Vec<Subject> {
        let named: Vec<Option<String>> =
            self.settings.namespaces.iter().cloned().map(Some).collect();
        let namespaces = if named.is_empty() { vec![None] } else { named };
        let of = |kind| namespaces.iter().map(move |n| Subject { kind, namespace: n.clone() });
        self.settings.watch.iter().flat_map(|kind| of(*kind)).collect()
    }

    fn until(&self, due: Timestamp) -> Duration {
        let left = due.duration_since(self.handle.now());
        Duration::try_from(left).unwrap_or_default()
    }

    fn with(&self, act: impl FnOnce(Place<'_>) -> News) -> News {
        let known = self.known();
        act(Place { settings: &self.settings, known: &known, now: self.handle.now() })
    }

    fn known(&self) -> Known {
        hear::known(&self.handle.setup(), self.settings.defaults.clone(), &BTreeMap::new())
    }

    fn watcher(&self) -> String {
        format!("{SOURCE}:{}", self.name)
    }

    /// The cluster as it was known.
    async fn remembered(&self) -> Cluster {
        loop {
            match self.handle.store.remembered(&self.watcher()).await {
                Ok(rows) => {
                    let fresh: [u8; 32] = rand::random();
                    let (cluster, news) = Cluster::remembered(&self.name, &rows, &fresh);
                    self.tell(news).await;
                    return cluster;
                }
                Err(e) => warn!(cluster = %self.name, error = %e, "kubernetes.unread"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// The way to its API server, as soon as there is one.
    async fn connection(&self) -> Connection {
        let mut said = None;
        loop {
            match Connection::open(&self.settings, &self.root).await {
                Ok(connection) => return connection,
                Err(why) => {
                    if said.as_ref() != Some(&why) {
                        warn!(
                            cluster = %self.name,
                            "kubernetes.unreachable: {why}; set `kubeconfig` and `context` in [kubernetes.{}], or run in a pod with a service account",
                            self.name,
                        );
                        said = Some(why);
                    }
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    fn standing(&self, subject: &Subject, standing: Result<(), String>) {
        let place = subject.namespace.as_deref().unwrap_or("*");
        let up = standing.is_ok();
        self.handle.exporter.kubernetes_watch(&self.name, subject.kind.plural(), place, up);
        match standing {
            Ok(()) => info!(
                cluster = %self.name, kind = %subject.kind, namespace = place, "kubernetes.watched"
            ),
            Err(why) => warn!(
                cluster = %self.name, kind = %subject.kind, namespace = place,
                "kubernetes.unwatched: {why}"
            ),
        }
    }

    /// Brings news into the change log, and remembers then that they were told: the other way round a crash between both would lose them.
    async fn tell(&self, news: News) {
        if news.said.is_empty() && news.rows.is_empty() {
            return;
        }
        let known = self.known();
        let mut said = news.said;
        while !said.is_empty() {
            match self.handle.take_in(Heard::from(said.clone()), &known, SOURCE).await {
                Ok(hearing) => {
                    let (outcome, note) = hearing.outcome();
                    self.handle.exporter.hook_delivery(SOURCE, outcome);
                    info!(cluster = %self.name, "kubernetes.{outcome}: {note}");
                    said.clear();
                }
                Err(e) => {
                    warn!(cluster = %self.name, error = %e, "kubernetes.untold: tried again");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
        while let Err(e) = self.handle.store.remember(&self.watcher(), news.rows.clone()).await {
            warn!(cluster = %self.name, error = %e, "kubernetes.unremembered: tried again");
            tokio::time::sleep(AGAIN).await;
        }
    }
}
