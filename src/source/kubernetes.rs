//! The API servers of Kubernetes clusters: lists and watches, by kube-rs. Only with the Cargo feature `kubernetes`.
//!
//! What comes is reduced before it goes any further (`intake::kubernetes::reduced`): of a ConfigMap or Secret nothing but a hash is passed on.

use std::{path::Path, time::Duration};

use futures_util::StreamExt as _;
use k8s_openapi::api::{
    apps::v1::{DaemonSet, Deployment, StatefulSet},
    core::v1::{ConfigMap, Secret},
};
use kube::{
    Api, Client, Config,
    api::{ApiResource, DynamicObject},
    config::{KubeConfigOptions, Kubeconfig},
    runtime::{
        utils::Backoff as _,
        watcher::{self, DefaultBackoff, Event},
    },
};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::{
    intake::kubernetes::{Seen, reduced},
    model::{KubernetesSettings, ObjectKind},
};

/// A watch is ended by its server after this time (290 s are asked for); a connection that is silent for longer is dead.
const SILENT: Duration = Duration::from_secs(300);
/// A watch that was started anew and is not refused within this time stands.
const STANDS: Duration = Duration::from_secs(5);
/// Helm's records and tokens of service accounts are many and large, and nobody's settings.
const NOT_OF_MACHINES: &str = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token";

/// What a watch tells.
#[derive(Debug)]
pub enum Word {
    /// What the API server says.
    Seen(Seen),
    /// A watch stands, or none can be had, and why.
    Standing(Subject, Result<(), String>),
}

/// What one watch is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The kind.
    pub kind: ObjectKind,
    /// The namespace; none for all.
    pub namespace: Option<String>,
}

/// A way to a cluster's API server.
#[derive(Clone)]
pub struct Connection {
    client: Client,
    selector: Option<String>,
}

impl Connection {
    /// The way that the settings say: their file; else, in a pod, its service account; else what `kubectl` would take.
    ///
    /// # Errors
    /// There is no such file or context, or it says nothing that can be used.
    pub async fn open(settings: &KubernetesSettings, root: &Path) -> Result<Self, String> {
        let options = KubeConfigOptions { context: settings.context.clone(), ..Default::default() };
        let mut config = match &settings.kubeconfig {
            Some(path) => {
                let path = root.join(path);
                let shown = path.display().to_string();
                let read = Kubeconfig::read_from(path).map_err(|e| format!("{shown}: {e}"))?;
                let made = Config::from_custom_kubeconfig(read, &options).await;
                made.map_err(|e| format!("{shown}: {e}"))?
            }
            None => {
                let pod = Config::incluster();
                match pod {
                    Ok(config) if settings.context.is_none() => config,
                    pod => Config::from_kubeconfig(&options).await.map_err(|e| match pod {
                        Ok(_) => e.to_string(),
                        Err(pod) => format!("no kubeconfig ({e}), and this is no pod ({pod})"),
                    })?,
                }
            }
        };
        config.read_timeout = Some(SILENT);
        let client = Client::try_from(config).map_err(|e| e.to_string())?;
        Ok(Self { client, selector: settings.selector.clone() })
    }

    /// Lists and watches until nobody listens any more.
    pub async fn watch(self, subject: Subject, key: Vec<u8>, to: mpsc::Sender<Word>) {
        let resource = resource(subject.kind);
        let api: Api<DynamicObject> = match &subject.namespace {
            Some(namespace) => Api::namespaced_with(self.client, namespace, &resource),
            None => Api::all_with(self.client, &resource),
        };
        let mut config = watcher::Config::default();
        if subject.kind.is_workload() {
            config.label_selector = self.selector;
        }
        if subject.kind == ObjectKind::Secret {
            config = config.fields(NOT_OF_MACHINES);
        }
        let mut backoff = DefaultBackoff::default();
        let watch = Watch { subject, key, to };
        // From the beginning each time that the place where a watch should go on is not known any more.
        while watch.follow(&api, &config, &mut backoff).await.is_some() {}
    }
}

/// One watch.
struct Watch {
    subject: Subject,
    key: Vec<u8>,
    to: mpsc::Sender<Word>,
}

impl Watch {
    /// One list and the watch after it. None when nobody listens any more.
    async fn follow(
        &self,
        api: &Api<DynamicObject>,
        config: &watcher::Config,
        backoff: &mut DefaultBackoff,
    ) -> Option<()> {
        let mut stream = Box::pin(watcher::watcher(api.clone(), config.clone()));
        let mut listed: Vec<Value> = Vec::new();
        let mut trouble: Option<String> = None;
        loop {
            let next = match tokio::time::timeout(STANDS, stream.next()).await {
                Ok(next) => next?,
                Err(_) => {
                    if trouble.take().is_some() {
                        backoff.reset();
                        self.say(Word::Standing(self.subject.clone(), Ok(()))).await?;
                    }
                    if self.to.is_closed() {
                        return None;
                    }
                    continue;
                }
            };
            let kind = self.subject.kind;
            let seen = match next {
                Ok(Event::Init) => {
                    listed.clear();
                    continue;
                }
                Ok(Event::InitApply(object)) => {
                    listed.extend(self.reduced(object));
                    continue;
                }
                Ok(Event::InitDone) => {
                    backoff.reset();
                    trouble = None;
                    self.say(Word::Standing(self.subject.clone(), Ok(()))).await?;
                    Some(Seen::Listed {
                        kind,
                        namespace: self.subject.namespace.clone(),
                        objects: std::mem::take(&mut listed),
                    })
                }
                Ok(Event::Apply(object)) => {
                    self.reduced(object).map(|object| Seen::Altered(kind, object))
                }
                Ok(Event::Delete(object)) => {
                    self.reduced(object).map(|object| Seen::Gone(kind, object))
                }
                Err(error) => {
                    let lost = lost_its_place(&error);
                    if let Some(why) = self.subject.why(&error)
                        && trouble.as_ref() != Some(&why)
                    {
                        self.say(Word::Standing(self.subject.clone(), Err(why.clone()))).await?;
                        trouble = Some(why);
                    }
                    tokio::time::sleep(backoff.next().unwrap_or(STANDS)).await;
                    if lost {
                        return Some(());
                    }
                    continue;
                }
            };
            if let Some(seen) = seen {
                self.say(Word::Seen(seen)).await?;
            }
        }
    }

    fn reduced(&self, object: DynamicObject) -> Option<Value> {
        let object = serde_json::to_value(object).ok()?;
        Some(reduced(self.subject.kind, object, &self.key))
    }

    async fn say(&self, word: Word) -> Option<()> {
        self.to.send(word).await.ok()
    }
}

impl Subject {
    /// What stands in the way and the way out; none for what is nothing but the ordinary end of a watch.
    fn why(&self, error: &watcher::Error) -> Option<String> {
        use watcher::Error;
        let (resource, kind) = (self.resource(), self.kind);
        let place = match &self.namespace {
            Some(namespace) => format!("namespace `{namespace}`"),
            None => "all namespaces".to_owned(),
        };
        let (status, verb) = match error {
            Error::WatchError(status) => (Some(&**status), "watch"),
            Error::InitialListFailed(kube::Error::Api(status)) => (Some(&**status), "list"),
            Error::WatchStartFailed(kube::Error::Api(status))
            | Error::WatchFailed(kube::Error::Api(status)) => (Some(&**status), "watch"),
            _ => (None, ""),
        };
        Some(match status.map(|status| status.code) {
            Some(410) => return None,
            Some(403) => {
                let role = if self.namespace.is_some() { "Role" } else { "ClusterRole" };
                format!(
                    "may not {verb} {resource} in {place}: give our service account a {role} with get, list and watch on it (deploy/kubernetes/rbac.yaml), name its namespaces in `namespaces`, or leave `{}` out of `watch`",
                    kind.plural()
                )
            }
            Some(401) => format!(
                "the API server does not take our credentials for {resource}: they are wrong or have expired"
            ),
            Some(404) => {
                format!("the API server knows no {resource}: is that the address of a cluster?")
            }
            Some(code) => {
                let message = status.map(|s| s.message.as_str()).unwrap_or_default();
                format!("{verb} {resource} in {place}: {code}: {message}")
            }
            None => format!("{resource} in {place}: {}", whole(error)),
        })
    }

    /// The resource with its group: `deployments.apps`.
    fn resource(&self) -> String {
        match self.kind.group() {
            "" => self.kind.plural().to_owned(),
            group => format!("{}.{group}", self.kind.plural()),
        }
    }
}

/// Whether a watch cannot go on where it was, which is not always said inside the stream.
fn lost_its_place(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if status.code == 410)
}

/// An error with all that led to it.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text
}

fn resource(kind: ObjectKind) -> ApiResource {
    match kind {
        ObjectKind::Deployment => ApiResource::erase::<Deployment>(&()),
        ObjectKind::StatefulSet => ApiResource::erase::<StatefulSet>(&()),
        ObjectKind::DaemonSet => ApiResource::erase::<DaemonSet>(&()),
        ObjectKind::ConfigMap => ApiResource::erase::<ConfigMap>(&()),
        ObjectKind::Secret => ApiResource::erase::<Secret>(&()),
    }
}
