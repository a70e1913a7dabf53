//! What people write where a form has no fields: tags and lines of text, read for service, version, commit, author and link.

use super::{Known, text};
use crate::model::ChangeKind;

/// How far a change is, by its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Started,
    Finished,
    Failed,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) kind: ChangeKind,
    pub(super) state: State,
    pub(super) service: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) version: Option<String>,
    pub(super) previous_version: Option<String>,
    pub(super) build: Option<String>,
    pub(super) commit: Option<String>,
    pub(super) author: Option<String>,
    pub(super) release: Option<String>,
    pub(super) url: Option<String>,
    pub(super) labels: Vec<(String, String)>,
}

/// Words that say what sort of change it is.
const KINDS: &[(&str, ChangeKind)] = &[
    ("deploy", ChangeKind::Deploy),
    ("deployment", ChangeKind::Deploy),
    ("deployed", ChangeKind::Deploy),
    ("deploying", ChangeKind::Deploy),
    ("release", ChangeKind::Deploy),
    ("released", ChangeKind::Deploy),
    ("releasing", ChangeKind::Deploy),
    ("rollback", ChangeKind::Rollback),
    ("rolled-back", ChangeKind::Rollback),
    ("revert", ChangeKind::Rollback),
    ("config", ChangeKind::Config),
    ("configuration", ChangeKind::Config),
    ("flag", ChangeKind::Flag),
    ("feature-flag", ChangeKind::Flag),
    ("infra", ChangeKind::Infra),
    ("infrastructure", ChangeKind::Infra),
    ("terraform", ChangeKind::Infra),
    ("schema", ChangeKind::Schema),
    ("migration", ChangeKind::Schema),
    ("experiment", ChangeKind::Experiment),
];

/// Words of no use as a name.
const EMPTY: &[&str] = &[
    "ci",
    "cd",
    "ci-cd",
    "cicd",
    "pipeline",
    "automated",
    "marker",
    "annotation",
    "github",
    "gitlab",
    "jenkins",
    "success",
    "succeeded",
    "finished",
    "started",
    "start",
    "end",
    "done",
    "failed",
    "failure",
    "of",
    "the",
    "to",
    "service",
];

/// A kind said by a word.
pub(super) fn kind(word: &str) -> Option<ChangeKind> {
    KINDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, kind)| *kind)
}

impl Words {
    /// Tags first, then lines such as `Commit: abc123`, then the first line.
    pub(super) fn of(tags: &[String], text: &str, known: &Known) -> Self {
        let mut words = Self {
            kind: ChangeKind::Deploy,
            state: State::Finished,
            service: None,
            environment: None,
            version: None,
            previous_version: None,
            build: None,
            commit: None,
            author: None,
            release: None,
            url: None,
            labels: Vec::new(),
        };
        let said = tags.iter().find_map(|tag| kind(tag));
        words.kind = said.unwrap_or(ChangeKind::Deploy);
        let mut left = Vec::new();
        for tag in tags {
            match pair(tag) {
                Some((key, value)) => words.field(&key, value, known),
                None => left.push(tag.as_str()),
            }
        }
        words.tags(&left, known);
        let clear = untagged(text);
        let mut lines = clear.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        if let Some((key, value)) = line(first) {
            words.field(&key, value, known);
        }
        for (key, value) in lines.filter_map(line) {
            words.field(&key, value, known);
        }
        words.first_line(first, said.is_none(), known);
        if words.url.is_none() {
            words.url = link_in(text);
        }
        let state = tags.iter().map(String::as_str).chain(first.split_whitespace());
        for word in state {
            match word.trim_end_matches(['.', ':', '!']).to_ascii_lowercase().as_str() {
                "failed" | "failure" | "aborted" => words.state = State::Failed,
                "started" | "starting" | "deploying" | "start" if words.state != State::Failed => {
                    words.state = State::Started;
                }
                _ => {}
            }
        }
        words
    }

    /// One named value; the first of a name holds.
    fn field(&mut self, key: &str, value: &str, known: &Known) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        let first = value.split_whitespace().next().unwrap_or(value);
        let set = |slot: &mut Option<String>, value: &str| {
            slot.get_or_insert_with(|| value.to_owned());
        };
        match key {
            "service" | "app" | "application" | "component" | "project" => {
                set(&mut self.service, value)
            }
            "repository" | "repo" => {
                self.labels.push(("repository".to_owned(), value.to_owned()));
                if self.service.is_none() {
                    self.service = Some(value.to_owned());
                }
            }
            "env" | "environment" | "stage" | "deployment.environment" | "target" => {
                set(&mut self.environment, value)
            }
            "version" | "tag" | "image" | "release version" => {
                set(&mut self.version, last_of(first))
            }
            "previous version" | "previous_version" | "from" => {
                set(&mut self.previous_version, first)
            }
            "release" => {
                set(&mut self.release, value);
                if self.version.is_none() && is_version(first) {
                    set(&mut self.version, first);
                }
            }
            "build" | "build number" | "build_number" => set(&mut self.build, first),
            "commit" | "sha" | "revision" | "git commit" | "git_sha" | "commit sha"
            | "commit_sha" | "hash" => {
                let id = first.trim_end_matches('/').rsplit('/').next().unwrap_or(first);
                set(&mut self.commit, id.trim_matches(['(', ')', '`', '[', ']']));
            }
            "author" | "user" | "by" | "triggered by" | "triggered_by" | "deployed by"
            | "deployer" | "actor" | "owner" | "who" | "committer" => set(&mut self.author, value),
            "run" | "url" | "link" | "pipeline" | "job" | "build url" | "run url" | "details"
            | "workflow" | "pipeline url"
                if link_in(value).is_some() =>
            {
                self.url = self.url.take().or_else(|| link_in(value));
            }
            "kind" | "type" => self.kind = kind(value).unwrap_or(self.kind),
            _ => {
                if self.environment.is_none()
                    && matches!(key, "cluster" | "region" | "namespace")
                    && known.environments.iter().any(|e| e.as_str() == value)
                {
                    self.environment = Some(value.to_owned());
                }
                if self.labels.len() < text::MOST && self.labels.iter().all(|(k, _)| k != key) {
                    self.labels.push((key.to_owned(), value.to_owned()));
                }
            }
        }
    }

    /// Plain tags: what is neither kind, environment, version nor commit is a name, a known one before others.
    fn tags(&mut self, tags: &[&str], known: &Known) {
        let mut names = Vec::new();
        for tag in tags {
            let taken =
                kind(tag).is_some() || EMPTY.iter().any(|word| word.eq_ignore_ascii_case(tag));
            if taken {
                continue;
            }
            if let Some(environment) = known.environment_here(tag)
                && self.environment.is_none()
            {
                self.environment = Some(environment.as_str().to_owned());
            } else if is_commit(tag) && self.commit.is_none() {
                self.commit = Some((*tag).to_owned());
            } else if is_version(tag) && self.version.is_none() {
                self.version = Some((*tag).to_owned());
            } else {
                names.push(*tag);
            }
        }
        let here = |name: &&str| {
            let last = name.rsplit('/').next().unwrap_or(name);
            known.services.iter().any(|s| s.as_str() == *name || s.as_str() == last)
                || known.defaults.services.contains_key(*name)
        };
        let service = names.iter().copied().find(here).or_else(|| {
            names.iter().copied().find(|name| text::fits("*/*", name)).or(names.first().copied())
        });
        if let Some(service) = service {
            if service.contains('/') {
                self.labels.push(("repository".to_owned(), service.to_owned()));
            }
            self.service.get_or_insert_with(|| service.to_owned());
        }
        let others: Vec<&str> = names.into_iter().filter(|name| Some(*name) != service).collect();
        if !others.is_empty() {
            self.labels.push(("tags".to_owned(), others.join(", ")));
        }
    }

    /// `Deployed order-service v2.4.1 to production`, `Deploy acme/shop@f95f852`.
    fn first_line(&mut self, line: &str, sort: bool, known: &Known) {
        let clean = |word: &str| {
            word.trim_matches(['.', ',', ':', ';', '!', '(', ')', '"', '`', '\'']).to_owned()
        };
        let words: Vec<String> =
            line.split_whitespace().map(clean).filter(|w| !w.is_empty()).collect();
        let Some(verb) = words.iter().position(|word| kind(word).is_some()) else { return };
        if sort && let Some(said) = kind(&words[verb]) {
            self.kind = said;
        }
        let mut before = "";
        for word in words.iter().skip(verb + 1).take(8) {
            if before == "by" {
                self.author.get_or_insert_with(|| word.clone());
            } else if matches!(before, "to" | "in" | "on") && known.environment_here(word).is_some()
            {
                self.environment.get_or_insert_with(|| word.clone());
            } else if let Some((name, version)) =
                word.split_once('@').filter(|(n, v)| !n.is_empty() && !v.is_empty())
            {
                self.service.get_or_insert_with(|| name.to_owned());
                let slot = if is_commit(version) { &mut self.commit } else { &mut self.version };
                slot.get_or_insert_with(|| version.to_owned());
            } else if is_commit(word) {
                self.commit.get_or_insert_with(|| word.clone());
            } else if is_version(word) {
                self.version.get_or_insert_with(|| word.clone());
            } else if before.is_empty()
                && self.service.is_none()
                && !EMPTY.contains(&word.to_ascii_lowercase().as_str())
            {
                self.service = Some(word.clone());
            }
            before = word;
        }
    }
}

/// `v2.4.1`, `2024.11.3`, `17`, `1.0.0-rc.1`.
fn is_version(word: &str) -> bool {
    let rest = word.strip_prefix(['v', 'V']).unwrap_or(word);
    rest.starts_with(|c: char| c.is_ascii_digit())
        && !rest.contains('/')
        && (rest.contains('.')
            || rest.len() < word.len()
            || rest.bytes().all(|b| b.is_ascii_digit()))
}

/// A hash of at least seven digits that is no plain number.
fn is_commit(word: &str) -> bool {
    let number = word.bytes().all(|b| b.is_ascii_digit()) && word.len() < 40;
    word.len() >= 7 && text::is_hash(word) && !number
}

/// What stands behind the last colon of an image.
fn last_of(word: &str) -> &str {
    let image =
        word.contains('/') && word.rsplit('/').next().is_some_and(|last| last.contains(':'));
    if image { word.rsplit(':').next().unwrap_or(word) } else { word }
}

/// `name:value`, `name=value`, `name: value`; not an address.
fn pair(tag: &str) -> Option<(String, &str)> {
    let at = tag.find([':', '='])?;
    let (key, value) = (tag[..at].trim(), tag[at + 1..].trim());
    let good = !key.is_empty() && !value.is_empty() && !value.starts_with("//") && key.len() <= 60;
    good.then(|| (key.to_ascii_lowercase(), value))
}

/// `Commit: abc123`; the name has at most three words.
fn line(line: &str) -> Option<(String, &str)> {
    let line = line.trim_start_matches(['-', '*', '•', ' ']);
    let (key, value) = line.split_once(':')?;
    let key = key.trim().trim_matches('*');
    let good = (1..=3).contains(&key.split_whitespace().count())
        && key.chars().all(|c| c.is_alphanumeric() || " _.-".contains(c))
        && !value.trim().is_empty()
        && !value.starts_with("//");
    good.then(|| (key.to_ascii_lowercase(), value.trim().trim_matches('*').trim()))
}

/// The first http or https address in a text.
fn link_in(text: &str) -> Option<String> {
    let at = text.find("https://").into_iter().chain(text.find("http://")).min()?;
    let rest = &text[at..];
    let end =
        rest.find(|c: char| c.is_whitespace() || "\"'<>)]|".contains(c)).unwrap_or(rest.len());
    text::link(rest[..end].trim_end_matches(['.', ',']))
}

/// A text without HTML: Grafana shows it, so pipelines write it; a break is a line.
pub(super) fn untagged(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        let name = tail[1..].trim_start_matches('/');
        let closing =
            tail.find('>').filter(|_| name.starts_with(|c: char| c.is_ascii_alphabetic()));
        match closing {
            Some(end) => {
                let name = name.to_ascii_lowercase();
                if ["br", "p", "div", "li"].iter().any(|tag| name.starts_with(tag)) {
                    out.push('\n');
                }
                rest = &tail[end + 1..];
            }
            None => {
                out.push('<');
                rest = &tail[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tags: &[&str], text: &str) -> Words {
        let tags: Vec<String> = tags.iter().map(|t| (*t).to_owned()).collect();
        let known = Known {
            services: ["shop".into(), "payments".into()].into(),
            environments: ["production".into(), "staging".into()].into(),
            ..Known::default()
        };
        Words::of(&tags, text, &known)
    }

    #[test]
    fn texts_alone() {
        let words = of(&[], "Deployed payments v1.2.3 to production by jo");
        assert_eq!(words.service.as_deref(), Some("payments"));
        assert_eq!(words.version.as_deref(), Some("v1.2.3"));
        assert_eq!(words.environment.as_deref(), Some("production"));
        assert_eq!(words.author.as_deref(), Some("jo"));
        let words = of(
            &["deploy"],
            "<b>Deploying</b> acme/shop@f95f852<br/>Run: <a href=\"https://ci.example.com/1\">1</a>",
        );
        assert_eq!(words.service.as_deref(), Some("acme/shop"));
        assert_eq!(words.commit.as_deref(), Some("f95f852"));
        assert_eq!(words.url.as_deref(), Some("https://ci.example.com/1"));
        assert_eq!(words.state, State::Started);
        assert_eq!(of(&["rollback", "shop"], "Rollback failed").state, State::Failed);
    }

    #[test]
    fn tags_of_every_form() {
        let words =
            of(&["deploy", "team-a", "shop", "prod", "version=2", "author: jo", "region:eu"], "x");
        assert_eq!(words.service.as_deref(), Some("shop"));
        assert_eq!(words.environment.as_deref(), Some("production"));
        assert_eq!(words.version.as_deref(), Some("2"));
        assert_eq!(words.author.as_deref(), Some("jo"));
        assert!(words.labels.contains(&("region".to_owned(), "eu".to_owned())));
        assert!(words.labels.contains(&("tags".to_owned(), "team-a".to_owned())));
    }

    #[test]
    fn versions_and_commits() {
        for (word, version, commit) in [
            ("v2.4.1", true, false),
            ("17", true, false),
            ("20261120", true, false),
            ("f95f852", false, true),
            ("shop", false, false),
            ("2fa", false, false),
            ("v2", true, false),
        ] {
            assert_eq!((is_version(word), is_commit(word)), (version, commit), "{word}");
        }
    }
}
