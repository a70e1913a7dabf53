//! Our own JSON form of a change: `POST /api/v1/changes` and `wayfarer change record` (design, section 5).
//!
//! Fields: `id`, `kind`, `service` or `services`, `environment` or `environments`, `version`, `previous_version`, `build`,
//! `commit`, `commits`, `author`, `release`, `title`, `url`, `planned`, `labels`, `state`, `started_at`, `finished_at`. Only
//! a service or an environment must be said. Unknown fields are kept as labels.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    Delivery, Heard, IntakeFault, Proof, Said, Sender, Tidings,
    text::{LONGEST, LONGEST_ID, MOST, is_plain, shown},
};
use crate::model::{Change, ChangeId, ChangeKind, ChangeState, Commit, RunId};

/// Our own JSON, sent to `/hooks/wayfarer` or to a hook with `sender = "wayfarer"`.
pub(super) const SENDER: Sender = Sender {
    name: "wayfarer",
    proofs: &[Proof::StandardWebhooks, Proof::Authorization],
    read,
    answer: super::sender::plain,
};

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let mut change = parse(delivery.body, delivery.hook, delivery.received_at)?;
    let known = |name: &crate::model::ServiceName| delivery.known.service(name.as_str());
    change.services = change.services.iter().filter_map(known).collect();
    let known = |name: &crate::model::EnvironmentName| delivery.known.environment(name.as_str());
    change.environments = change.environments.iter().filter_map(known).collect();
    Ok(Heard::one(Said::Change(Box::new(Tidings::plain(change)))))
}

/// Reads a change from the bytes of a body.
///
/// # Errors
/// The body is not JSON, not an object, or a field is of the wrong type or missing; the fault names it.
pub fn parse(body: &[u8], source: &str, now: Timestamp) -> Result<Change, IntakeFault> {
    let value: Value = serde_json::from_slice(body).map_err(|e| {
        IntakeFault::new(
            format!(
                "the body is not JSON: line {}, column {}: {}",
                e.line(),
                e.column(),
                classify(&e)
            ),
            "send an object such as {\"service\": \"shop\", \"version\": \"1.2.3\"}",
        )
    })?;
    let Value::Object(fields) = value else {
        return Err(IntakeFault::new(
            format!("the body is {}, not an object", type_of(&value)),
            "send one change as an object such as {\"service\": \"shop\", \"version\": \"1.2.3\"}",
        ));
    };
    change(Fields(fields), source, now)
}

fn classify(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Syntax => "it is malformed there",
        _ => "it cannot be read there",
    }
}

fn change(mut fields: Fields, source: &str, now: Timestamp) -> Result<Change, IntakeFault> {
    let services = fields.names("service", "services")?;
    let mut environments = fields.names("environment", "environments")?;
    // As our own command and half of the world call it: taken for a label, the change would be one everywhere.
    for name in fields.names("env", "envs")? {
        if !environments.contains(&name) {
            environments.push(name);
        }
    }
    // The second call for a change that is known needs its id and its state only.
    let second = fields.0.contains_key("id") && fields.0.contains_key("state");
    if services.is_empty() && environments.is_empty() && !second {
        return Err(IntakeFault::new(
            "neither `service` nor `environment` is said",
            "say which service was changed, or name an environment when all of it was",
        ));
    }
    let kind = match fields.text("kind")? {
        None => ChangeKind::Deploy,
        Some(text) => text
            .parse()
            .map_err(|e| IntakeFault::new(format!("`kind`: {e}"), "leave it out for a deploy"))?,
    };
    let commits = fields.commits()?;
    let (state, started_at, finished_at) = fields.times(now)?;
    let id = match fields.text("id")? {
        Some(id) if !is_plain(&id) || matches!(id.as_str(), "." | "..") => {
            return Err(IntakeFault::new(
                "`id` has characters that cannot be shown, or is only dots",
                "use letters, digits and signs, such as the id of the pipeline run",
            ));
        }
        Some(id) if id.chars().count() > LONGEST_ID => {
            return Err(IntakeFault::new(
                format!("`id` is longer than {LONGEST_ID} characters"),
                "use a short id, such as the id of the pipeline run",
            ));
        }
        Some(id) => ChangeId::from(id),
        None => fresh_id(now),
    };
    Ok(Change {
        id,
        kind,
        services: services.into_iter().map(Into::into).collect(),
        environments: environments.into_iter().map(Into::into).collect(),
        version: fields.text("version")?,
        previous_version: fields.text("previous_version")?,
        build: fields.text("build")?,
        commits,
        author: fields.text("author")?,
        release: fields.text("release")?,
        title: fields.text("title")?,
        url: fields.url()?,
        planned: fields.truth("planned")?,
        state,
        started_at,
        finished_at,
        source: source.to_owned(),
        labels: fields.labels()?,
    })
}

/// An id for a change whose sender gave none: sorts by time.
pub fn fresh_id(now: Timestamp) -> ChangeId {
    let run: Uuid = RunId::at(now).0;
    ChangeId::from(format!("chg-{}", run.simple()))
}

/// The fields of the body that have not been read yet.
struct Fields(Map<String, Value>);

impl Fields {
    fn take(&mut self, key: &str) -> Option<Value> {
        self.0.shift_remove(key).filter(|v| !v.is_null())
    }

    fn text(&mut self, key: &str) -> Result<Option<String>, IntakeFault> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
            Value::Number(number)
                if key != "id" && number.as_f64().is_some_and(|n| n.abs() < 1e15) =>
            {
                number.to_string()
            }
            other => return Err(wrong(key, &other, "a text")),
        };
        if text.chars().count() > LONGEST {
            return Err(IntakeFault::new(
                format!("`{key}` is longer than {LONGEST} characters"),
                "shorten it, or link to it with `url`",
            ));
        }
        let text = if key == "id" { text } else { shown(&text) };
        let text = text.trim();
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    fn truth(&mut self, key: &str) -> Result<Option<bool>, IntakeFault> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(truth)),
            Some(other) => Err(wrong(key, &other, "true or false")),
        }
    }

    fn url(&mut self) -> Result<Option<String>, IntakeFault> {
        let Some(text) = self.text("url")? else { return Ok(None) };
        match url::Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Some(text)),
            _ => Err(IntakeFault::new(
                "`url` is not an http or https address",
                "send a whole address, https://…",
            )),
        }
    }

    /// One name or a list of names, under a singular and a plural key; both add up.
    fn names(&mut self, one: &str, many: &str) -> Result<Vec<String>, IntakeFault> {
        let mut names = Vec::new();
        for key in [one, many] {
            match self.take(key) {
                None => {}
                Some(Value::String(name)) => names.push(name),
                Some(Value::Array(items)) => {
                    for item in items {
                        match item {
                            Value::String(name) => names.push(name),
                            other => return Err(wrong(key, &other, "a list of names")),
                        }
                    }
                }
                Some(other) => return Err(wrong(key, &other, "a name or a list of names")),
            }
        }
        let mut seen = Vec::new();
        for name in names {
            let name = name.trim().to_owned();
            if !is_plain(&name) {
                return Err(IntakeFault::new(
                    format!("a name in `{one}` has characters that cannot be shown"),
                    "use the name that journeys say in `services`",
                ));
            }
            if name.chars().count() > LONGEST_ID {
                return Err(IntakeFault::new(
                    format!("a name in `{one}` is longer than {LONGEST_ID} characters"),
                    "use the name that journeys say in `services`",
                ));
            }
            if !name.is_empty() && !seen.contains(&name) {
                seen.push(name);
            }
        }
        at_most(many, seen.len())?;
        Ok(seen)
    }

    fn commits(&mut self) -> Result<Vec<Commit>, IntakeFault> {
        let mut commits = Vec::new();
        if let Some(value) = self.take("commits") {
            let Value::Array(items) = value else {
                return Err(wrong("commits", &value, "a list of commits"));
            };
            at_most("commits", items.len())?;
            for item in items {
                commits.push(commit(item)?);
            }
        }
        if let Some(id) = self.text("commit")?
            && commits.iter().all(|c| c.id != id)
        {
            commits.push(Commit { id, at: None, author: None, message: None });
        }
        Ok(commits)
    }

    fn time(&mut self, key: &str) -> Result<Option<Timestamp>, IntakeFault> {
        self.take(key).map(|value| time(key, &value)).transpose()
    }

    /// State, start and finish; what is not said follows from the rest.
    fn times(
        &mut self,
        now: Timestamp,
    ) -> Result<(ChangeState, Timestamp, Option<Timestamp>), IntakeFault> {
        let started = self.time("started_at")?;
        let finished = self.time("finished_at")?;
        let said = self.text("state")?;
        let state = match said.as_deref() {
            None | Some("finished") => ChangeState::Finished,
            Some("started") => ChangeState::Started,
            Some("failed") => ChangeState::Failed,
            Some(other) => {
                return Err(IntakeFault::new(
                    format!("`state` is `{other}`"),
                    "one of started, finished, failed; leave it out for finished",
                ));
            }
        };
        // Who says only when it began, and nothing of a state, means a change of one moment, perhaps logged late.
        let moment = started.filter(|&started| said.is_none() || started > now);
        let finished = match state {
            ChangeState::Started => finished,
            ChangeState::Finished | ChangeState::Failed => finished.or(moment).or(Some(now)),
        };
        let started = started.or(finished).unwrap_or(now);
        if let Some(finished) = finished
            && finished < started
        {
            return Err(IntakeFault::new(
                format!("`finished_at` ({finished}) is before `started_at` ({started})"),
                "check both, and their time zone",
            ));
        }
        Ok((state, started, finished))
    }

    /// `labels`, and every field that nobody has read.
    fn labels(&mut self) -> Result<BTreeMap<String, String>, IntakeFault> {
        let mut labels = BTreeMap::new();
        if let Some(value) = self.take("labels") {
            let Value::Object(map) = value else {
                return Err(wrong("labels", &value, "an object of texts"));
            };
            labels.extend(map.into_iter().map(|(k, v)| (k, plain(v))));
        }
        labels.extend(std::mem::take(&mut self.0).into_iter().map(|(k, v)| (k, plain(v))));
        at_most("labels", labels.len())?;
        for (key, value) in &mut labels {
            *value = shown(value);
            if key.chars().count() > LONGEST_ID || !is_plain(key) {
                return Err(IntakeFault::new(
                    format!(
                        "a label's name has characters that cannot be shown, or is longer than {LONGEST_ID} characters"
                    ),
                    "use short names",
                ));
            }
            if value.chars().count() > LONGEST {
                *value = value.chars().take(LONGEST).chain(['…']).collect();
            }
        }
        Ok(labels)
    }
}

fn commit(item: Value) -> Result<Commit, IntakeFault> {
    match item {
        Value::String(id) if !id.is_empty() => {
            Ok(Commit { id, at: None, author: None, message: None })
        }
        Value::Object(map) => {
            let mut fields = Fields(map);
            let Some(id) = fields.text("id")? else {
                return Err(IntakeFault::new("a commit has no `id`", "send its hash as `id`"));
            };
            let at = match fields.time("at")? {
                None => fields.time("time")?,
                at => at,
            };
            Ok(Commit { id, at, author: fields.text("author")?, message: fields.text("message")? })
        }
        other => Err(wrong("commits", &other, "a hash or an object with `id`")),
    }
}

/// RFC 3339, or the time since 1970 in seconds or, from 10^11 on, in milliseconds.
fn time(key: &str, value: &Value) -> Result<Timestamp, IntakeFault> {
    let bad = || {
        IntakeFault::new(
            format!("`{key}` is not a time"),
            "RFC 3339 such as 2026-11-20T14:03:00Z, or seconds or milliseconds since 1970",
        )
    };
    let number = match value {
        Value::Number(number) => number.as_f64().ok_or_else(bad)?,
        Value::String(text) => match text.trim().parse::<f64>() {
            Ok(number) => number,
            Err(_) => return text.trim().parse().map_err(|_| bad()),
        },
        _ => return Err(bad()),
    };
    if !number.is_finite() || number < 0.0 {
        return Err(bad());
    }
    let ms = if number >= 1e11 { number } else { number * 1000.0 };
    if ms > 4e12 {
        return Err(bad());
    }
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and 4e12")]
    Timestamp::from_millisecond(ms.round() as i64).map_err(|_| bad())
}

fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn at_most(key: &str, count: usize) -> Result<(), IntakeFault> {
    if count > MOST {
        return Err(IntakeFault::new(
            format!("`{key}` has {count} entries"),
            format!("send at most {MOST}"),
        ));
    }
    Ok(())
}

fn wrong(key: &str, value: &Value, expected: &str) -> IntakeFault {
    IntakeFault::new(
        format!("`{key}` is {}, not {expected}", type_of(value)),
        format!("send {expected}, or leave `{key}` out"),
    )
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn read(json: &str) -> Result<Change, IntakeFault> {
        parse(json.as_bytes(), "api", now())
    }

    #[test]
    fn the_least_is_a_service() {
        let change = read(r#"{"service":"shop"}"#).unwrap();
        assert_eq!(change.kind, ChangeKind::Deploy);
        assert_eq!(change.state, ChangeState::Finished);
        assert_eq!((change.started_at, change.finished_at), (now(), Some(now())));
        assert!(change.id.as_str().starts_with("chg-"));
        let change = read(r#"{"service":"shop","env":"production","environment":"production"}"#);
        let change = change.unwrap();
        assert_eq!(change.environments, ["production".into()]);
        assert!(change.labels.is_empty());
    }

    #[test]
    fn everything_is_kept() {
        let change = read(
            r#"{"id":"42","kind":"flag","services":["a","b"],"service":"a","environment":"production","version":7,
                "commit":"abc","commits":[{"id":"def","at":"2026-11-20T10:00:00Z","author":"jo","message":"m"}],
                "planned":true,"labels":{"team":"x"},"cluster":{"n":1},"state":"started","started_at":1795000000}"#,
        )
        .unwrap();
        assert_eq!(change.services.len(), 2);
        assert_eq!(change.version.as_deref(), Some("7"));
        assert_eq!(change.commits.len(), 2);
        assert_eq!(change.labels["cluster"], r#"{"n":1}"#);
        assert_eq!(change.finished_at, None);
        assert_eq!(change.started_at.as_second(), 1_795_000_000);
    }

    #[test]
    fn seconds_and_milliseconds_are_the_same_time() {
        let times: Vec<_> =
            [r"1795000000", r"1795000000000", r#""1795000000""#, r#""2026-11-18T11:06:40Z""#]
                .iter()
                .map(|t| {
                    read(&format!(r#"{{"service":"s","started_at":{t}}}"#)).unwrap().started_at
                })
                .collect();
        assert!(times.windows(2).all(|w| w[0] == w[1]), "{times:?}");
    }

    #[test]
    fn a_finish_in_the_future_and_a_start_in_the_future_are_taken() {
        let change = read(
            r#"{"service":"s","finished_at":"2026-11-20T13:00:00Z","started_at":"2026-11-20T11:00:00Z"}"#,
        );
        assert_eq!(change.unwrap().finished_at.unwrap().to_string(), "2026-11-20T13:00:00Z");
        let change = read(r#"{"service":"s","started_at":"2026-11-20T13:00:00Z"}"#).unwrap();
        assert_eq!(change.finished_at, Some(change.started_at));
        let late = read(r#"{"service":"s","started_at":"2026-11-20T11:00:00Z"}"#).unwrap();
        assert_eq!(late.finished_at, Some(late.started_at));
        let done =
            read(r#"{"service":"s","started_at":"2026-11-20T11:00:00Z","state":"finished"}"#);
        assert_eq!(done.unwrap().finished_at, Some(now()));
    }

    #[test]
    fn the_second_call_needs_only_id_and_state() {
        assert!(read(r#"{"id":"42","state":"finished"}"#).unwrap().services.is_empty());
        assert!(read(r#"{"id":"42"}"#).is_err());
    }

    #[test]
    fn titles_lose_what_cannot_be_shown() {
        let change = read("{\"service\":\"s\",\"title\":\"a\\u001b[31mb\\u0000\"}").unwrap();
        assert_eq!(change.title.as_deref(), Some("a [31mb"));
    }

    #[test]
    fn faults_name_the_field_and_the_way_out() {
        for (json, expected) in [
            ("{", "the body is not JSON: line 1, column 1: it ends too early"),
            ("[]", "the body is a list, not an object"),
            ("{}", "neither `service` nor `environment` is said"),
            (r#"{"service":5}"#, "`service` is a number, not a name or a list of names"),
            (
                r#"{"service":"s","kind":"boom"}"#,
                "`kind`: unknown kind `boom`, expected one of deploy, rollback, config, flag, infra, schema, experiment, drift",
            ),
            (r#"{"service":"s","state":"done"}"#, "`state` is `done`"),
            (r#"{"service":"s","started_at":"yesterday"}"#, "`started_at` is not a time"),
            (r#"{"service":"s","started_at":1e300}"#, "`started_at` is not a time"),
            (
                r#"{"service":"s","url":"javascript:alert(1)"}"#,
                "`url` is not an http or https address",
            ),
            (
                r#"{"service":"s","started_at":1795000000,"finished_at":1794000000}"#,
                "`finished_at` (2026-11-06T21:20:00Z) is before `started_at` (2026-11-18T11:06:40Z)",
            ),
            (r#"{"service":"s","commits":[{}]}"#, "a commit has no `id`"),
            (
                r#"{"service":"s\u001b[2J"}"#,
                "a name in `service` has characters that cannot be shown",
            ),
            (
                r#"{"service":"s","id":".."}"#,
                "`id` has characters that cannot be shown, or is only dots",
            ),
            (
                r#"{"service":"s","id":"a\u202eb"}"#,
                "`id` has characters that cannot be shown, or is only dots",
            ),
            (r#"{"service":"s","id":12345678901234567890123}"#, "`id` is a number, not a text"),
        ] {
            assert_eq!(read(json).unwrap_err().message, expected, "{json}");
        }
    }
}
