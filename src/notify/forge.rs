//! What GitHub and GitLab are told of a change: the status of its deployment, or of its commit.
//!
//! GitHub: <https://docs.github.com/en/rest/deployments/statuses>, <https://docs.github.com/en/rest/commits/statuses>; GitLab:
//! <https://docs.gitlab.com/api/commits/#set-commit-pipeline-status>. Both may be told the same twice.

use futures_util::future::BoxFuture;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Again, Channel, Http, HttpRequest, Message, Receipt, Refused};
use crate::model::{Forge, GateStatus, OUR_WORD, Parcel, Secret, StatusReport};

/// Longest description that GitHub takes, in characters.
const GITHUB_TEXT: usize = 140;
/// And GitLab.
const GITLAB_TEXT: usize = 255;

/// A forge.
#[derive(Debug)]
pub(super) struct Writeback {
    pub(super) http: Http,
    pub(super) forge: Forge,
    pub(super) url: String,
    pub(super) token: Secret,
}

impl Channel for Writeback {
    fn kind(&self) -> &'static str {
        match self.forge {
            Forge::Github => "github",
            Forge::Gitlab => "gitlab",
        }
    }

    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, Refused>> {
        Box::pin(async move {
            let Parcel::Status(report) = &message.parcel else {
                return Err(Refused::unknown_parcel(self.kind()));
            };
            let request = match self.forge {
                Forge::Github => github(report),
                Forge::Gitlab => gitlab(report),
            };
            let (path, body) = request.ok_or_else(|| {
                Refused::never("the change says neither a commit nor a deployment of this forge")
            })?;
            let url = format!("{}{path}", self.url);
            let mut request = HttpRequest::post_json(url, body.to_string().into_bytes());
            request = match self.forge {
                Forge::Github => request
                    .header("authorization", format!("Bearer {}", self.token.expose()))
                    .header("accept", "application/vnd.github+json")
                    .header("x-github-api-version", "2022-11-28"),
                Forge::Gitlab => request.header("private-token", self.token.expose()),
            };
            match self.http.send(request, message.now).await {
                Ok(_) => Ok(Receipt::default()),
                Err(refused) => self.meant(refused),
            }
        })
    }
}

impl Writeback {
    /// What a refusal means here.
    fn meant(&self, refused: Refused) -> Result<Receipt, Refused> {
        let text = refused.text.to_lowercase();
        match self.forge {
            // GitHub says 403 where it means 429.
            Forge::Github if text.contains("403") && text.contains("rate limit") => {
                Err(Refused { again: Again::BackOff, ..refused })
            }
            // GitLab says 400 where it has been told the same before.
            Forge::Gitlab if text.contains("400") && text.contains("cannot transition status") => {
                Ok(Receipt::default())
            }
            _ => Err(refused),
        }
    }
}

/// Path and body for GitHub: the deployment speaks for its own environment, so it comes before the commit. While nobody knows, a
/// deployment is left as it is: a status of ours would take back the one of whoever deployed.
fn github(report: &StatusReport) -> Option<(String, Value)> {
    let repository = repository(report);
    let text = cut(&report.text, GITHUB_TEXT);
    if let Some(deployment) = &report.deployment {
        let state = match report.gate {
            GateStatus::Pass => "success",
            GateStatus::Fail => "failure",
            GateStatus::Pending | GateStatus::Inconclusive => return None,
        };
        let mut body = json!({ "state": state, "description": text, "auto_inactive": false });
        if let Some(page) = &report.page {
            body["log_url"] = json!(page);
        }
        if let Some(environment) = &report.environment {
            body["environment"] = json!(environment);
        }
        return Some((
            format!("/repos/{repository}/deployments/{}/statuses", encoded(deployment)),
            body,
        ));
    }
    let state = match report.gate {
        GateStatus::Pass => "success",
        GateStatus::Fail => "failure",
        GateStatus::Pending => "pending",
        GateStatus::Inconclusive => "error",
    };
    let mut body = json!({ "state": state, "description": text, "context": context(report) });
    if let Some(page) = &report.page {
        body["target_url"] = json!(page);
    }
    let commit = report.commit.as_ref()?;
    Some((format!("/repos/{repository}/statuses/{}", encoded(commit)), body))
}

/// Path and body for GitLab.
fn gitlab(report: &StatusReport) -> Option<(String, Value)> {
    let state = match report.gate {
        GateStatus::Pass => "success",
        GateStatus::Fail => "failed",
        GateStatus::Pending => "running",
        GateStatus::Inconclusive => "canceled",
    };
    let text = cut(&report.text, GITLAB_TEXT);
    let mut body = json!({ "state": state, "description": text, "name": context(report) });
    if let Some(page) = &report.page {
        body["target_url"] = json!(page);
    }
    let (project, commit) = (encoded(&report.repository), encoded(report.commit.as_ref()?));
    Some((format!("/api/v4/projects/{project}/statuses/{commit}"), body))
}

/// The name of a status: one for each environment.
fn context(report: &StatusReport) -> String {
    match &report.environment {
        Some(environment) => format!("{OUR_WORD}/{environment}"),
        None => OUR_WORD.to_owned(),
    }
}

/// `owner/name` as a part of an address, its slash left.
fn repository(report: &StatusReport) -> String {
    report.repository.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

fn encoded(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(text, KEPT).to_string()
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(gate: GateStatus) -> StatusReport {
        StatusReport {
            change: "c".into(),
            repository: "acme/shop".into(),
            commit: Some("abc123".into()),
            deployment: Some("7".into()),
            environment: Some("production".into()),
            gate,
            text: format!("{OUR_WORD}: {}", "é".repeat(300)),
            page: Some("https://wayfarer.example/changes/c".into()),
            at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn github_is_told_of_the_deployment_or_of_the_commit() {
        let (path, body) = github(&report(GateStatus::Fail)).unwrap();
        assert_eq!(path, "/repos/acme/shop/deployments/7/statuses");
        assert_eq!((&body["state"], &body["auto_inactive"]), (&json!("failure"), &json!(false)));
        let text = body["description"].as_str().unwrap();
        assert!(text.chars().count() == 140 && text.starts_with("wayfarer: "));
        let commit = StatusReport { deployment: None, ..report(GateStatus::Pending) };
        let (path, body) = github(&commit).unwrap();
        assert_eq!(path, "/repos/acme/shop/statuses/abc123");
        assert_eq!(
            (&body["state"], &body["context"]),
            (&json!("pending"), &json!("wayfarer/production"))
        );
        assert!(github(&StatusReport { commit: None, ..commit }).is_none());
    }

    #[test]
    fn gitlab_is_told_of_the_commit() {
        let (path, body) = gitlab(&report(GateStatus::Inconclusive)).unwrap();
        assert_eq!(path, "/api/v4/projects/acme%2Fshop/statuses/abc123");
        assert_eq!(
            (&body["state"], &body["name"]),
            (&json!("canceled"), &json!("wayfarer/production"))
        );
        assert!(body["description"].as_str().unwrap().chars().count() <= 255);
    }
}
