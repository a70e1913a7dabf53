//! What an object is here: service, environment, version, commit, and who rolled it out.

use super::{Around, object::Object, template::Template};
use crate::intake::text::is_hash;

/// Tags that say nothing of what is in the image.
const MOVING: &[&str] = &[
    "latest",
    "main",
    "master",
    "trunk",
    "dev",
    "develop",
    "stable",
    "edge",
    "nightly",
    "prod",
    "production",
    "staging",
];
/// The last parts of labels and annotations that say a commit.
const COMMITS: &[&str] = &[
    "org.opencontainers.image.revision",
    "commit",
    "commit-sha",
    "commit_sha",
    "commit-id",
    "git-commit",
    "git-sha",
    "git_commit",
    "git.commit.sha",
    "vcs-ref",
];
/// The last parts of those that say who.
const AUTHORS: &[&str] = &["author", "deployed-by", "deployer", "triggered-by"];
/// The last parts of those that say where to read more.
const LINKS: &[&str] = &["url", "run-url", "build-url", "pipeline-url"];
/// The last parts of those that say a version where the image does not.
const VERSIONS: &[&str] = &[
    "app.kubernetes.io/version",
    "tags.datadoghq.com/version",
    "org.opencontainers.image.version",
];

/// An image, taken apart: `registry:5000/acme/shop:2.4.1@sha256:…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Image<'a> {
    /// The last part of its name.
    pub(super) name: &'a str,
    pub(super) tag: Option<&'a str>,
    pub(super) digest: Option<&'a str>,
}

impl<'a> Image<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let last = rest.rsplit('/').next().unwrap_or(rest);
        let (name, tag) = match last.split_once(':') {
            Some((name, tag)) => (name, Some(tag).filter(|tag| !tag.is_empty())),
            None => (last, None),
        };
        Self { name, tag, digest }
    }
}

/// The object's own word for its service: by the table of the settings, by what is known here, else by its labels.
pub(super) fn service(around: &Around<'_>, object: Object<'_>) -> String {
    let (known, table) = (around.known(), &around.settings().defaults.services);
    let name = object.name();
    let whole = format!("{}/{name}", object.namespace());
    if table.contains_key(&whole) {
        return whole;
    }
    if table.contains_key(name) {
        return name.to_owned();
    }
    let marks: Vec<&str> = said(object, &around.settings().service_labels).collect();
    let ours = marks.iter().chain([&name]).find_map(|word| known.service_here(word));
    match ours.or_else(|| known.defaults.service.clone()) {
        Some(ours) => ours.as_str().to_owned(),
        None => marks.first().copied().unwrap_or(name).to_owned(),
    }
}

/// The object's own word for its environment: the one that its namespace stands for, else the one that a label says, else one that is part of
/// the namespace's name (`shop-staging`).
pub(super) fn environment(around: &Around<'_>, object: Object<'_>) -> Option<String> {
    let (known, table) = (around.known(), &around.settings().defaults.environments);
    let namespace = object.namespace();
    if table.contains_key(namespace) {
        return Some(namespace.to_owned());
    }
    if let Some(word) = said(object, &around.settings().environment_labels).next() {
        return Some(word.to_owned());
    }
    let parts = || namespace.split('-');
    [namespace]
        .into_iter()
        .chain(parts().next_back())
        .chain(parts().next())
        .find_map(|word| known.environment_here(word))
        .map(|environment| environment.as_str().to_owned())
}

/// The values of labels or annotations, in the order of the names.
fn said<'a>(object: Object<'a>, names: &[String]) -> impl Iterator<Item = &'a str> {
    names.iter().filter_map(move |name| object.mark(name))
}

/// The value of a label or annotation by the whole name or by what follows the slash in it.
fn by_last<'a>(object: Object<'a>, lasts: &[&str]) -> Option<&'a str> {
    lasts.iter().find_map(|last| {
        let fits = |key: &str| key == *last || key.rsplit('/').next() == Some(*last);
        object.marks().find(|(key, _)| fits(key)).map(|(_, value)| value)
    })
}

/// The image that a workload is about: that of the container or image called as it, else of the first container.
pub(super) fn image<'t>(
    object: Object<'_>,
    template: &'t Template,
    service: &str,
) -> Option<&'t str> {
    let images = || template.images.iter().filter(|(container, _)| !container.starts_with("init:"));
    let called = |name: &str| {
        images().find(|(container, image)| *container == name || Image::of(image).name == name)
    };
    let first = || {
        let first = object.body.at("spec.template.spec.containers").items().next()?;
        images().find(|(container, _)| Some(container.as_str()) == first.at("name").text())
    };
    let found = called(service.rsplit('/').next().unwrap_or(service))
        .or_else(|| called(object.name()))
        .or_else(first)
        .or_else(|| images().next());
    found.map(|(_, image)| &**image)
}

/// Version and commit: the image's tag, where it says anything, else a label, else the image's digest.
pub(super) fn version(object: Object<'_>, image: Option<&str>) -> (Option<String>, Option<String>) {
    let image = image.map(Image::of);
    let tag = image
        .and_then(|i| i.tag)
        .filter(|tag| !MOVING.contains(&tag.to_ascii_lowercase().as_str()));
    let label = VERSIONS.iter().find_map(|name| object.mark(name));
    let digest = image.and_then(|i| i.digest).map(|d| d.chars().take(19).collect::<String>());
    let version = tag.or(label).map(str::to_owned).or(digest);
    let commit = by_last(object, COMMITS).filter(|id| is_hash(id)).map(str::to_owned);
    (version, commit.or_else(|| tag.and_then(hash_of)))
}

/// The commit that a tag is or ends in: `3f9c2ab`, `main-3f9c2ab`, `v1.2-4-g3f9c2ab`.
fn hash_of(tag: &str) -> Option<String> {
    let last = tag.rsplit(['-', '_', '.']).next()?;
    let last = if last.len() < tag.len() { last.strip_prefix('g').unwrap_or(last) } else { last };
    let is_number = last.bytes().all(|b| b.is_ascii_digit());
    (is_hash(last) && (7..=40).contains(&last.len()) && !is_number).then(|| last.to_owned())
}

/// Who rolled it out, where it says so.
pub(super) fn author<'a>(object: Object<'a>) -> Option<&'a str> {
    by_last(object, AUTHORS)
}

/// Where to read more.
pub(super) fn link<'a>(object: Object<'a>) -> Option<&'a str> {
    by_last(object, LINKS)
}

/// What `kubectl annotate` and others write beside a change.
pub(super) fn cause<'a>(object: Object<'a>) -> Option<&'a str> {
    object.mark("kubernetes.io/change-cause")
}

/// The tools that own an object, as labels of the change.
pub(super) fn tools(object: Object<'_>) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let argocd = object
        .mark("argocd.argoproj.io/tracking-id")
        .and_then(|id| id.split(':').next())
        .or_else(|| object.mark("argocd.argoproj.io/instance"));
    let release = object.mark("meta.helm.sh/release-name").map(str::to_owned);
    let flux = |kind: &str, tool: &str| {
        let name = object.mark(&format!("{tool}.toolkit.fluxcd.io/name"))?;
        Some(format!("{kind}/{name}"))
    };
    found.extend(argocd.map(|app| ("argocd", app.to_owned())));
    found.extend(release.map(|name| ("helm", name)));
    found.extend(object.mark("helm.sh/chart").map(|chart| ("chart", chart.to_owned())));
    found.extend(
        flux("HelmRelease", "helm")
            .or_else(|| flux("Kustomization", "kustomize"))
            .map(|name| ("flux", name)),
    );
    found
}
