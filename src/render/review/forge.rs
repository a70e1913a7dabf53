//! Where a commit is shown: by what a change says of its repository.

use url::Url;

use crate::model::Change;

/// The address of a commit: by the template of the settings or of the label `commit_url` (`{commit}` stands for the hash, and so does `{{commit}}`, as places are written elsewhere), by the label
/// `repository`, or by the change's own address where that is one of a forge. Only http(s) is ever given.
pub fn commit_url(change: &Change, template: Option<&str>, commit: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if commit.is_empty() || commit.contains("..") || !commit.chars().all(plain) {
        return None;
    }
    let label = change.labels.get("commit_url").map(String::as_str);
    if let Some(template) = template.or(label) {
        return web(&template.replace("{{commit}}", commit).replace("{commit}", commit))
            .map(|url| url.to_string());
    }
    let repository = change.labels.get("repository").map(|text| text.trim());
    let home = repository.and_then(|text| web(text).or_else(|| over_ssh(text)));
    let home = home
        .or_else(|| repository.and_then(|text| named(text, change)))
        .or_else(|| change.url.as_deref().and_then(web).and_then(|url| project(&url)))?;
    let (host, path) = (home.host_str()?, home.path().trim_end_matches('/'));
    let path = path.strip_suffix(".git").unwrap_or(path);
    let between = match host {
        host if host.contains("gitlab") => "/-/commit/",
        host if host.contains("bitbucket") => "/commits/",
        _ => "/commit/",
    };
    let mut url = home.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.set_path(&format!("{path}{between}{commit}"));
    // Whoever wrote a name into the address of a repository did not mean it for a page.
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url.to_string())
}

fn web(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// `git@host:owner/name.git`, as git writes it.
fn over_ssh(text: &str) -> Option<Url> {
    let rest = text.strip_prefix("ssh://").unwrap_or(text);
    let (_, rest) = rest.split_once('@')?;
    let at = rest.find([':', '/'])?;
    let (host, path) = (&rest[..at], &rest[at + 1..]);
    web(&format!("https://{host}/{path}"))
}

/// `owner/name` alone: of the forge that told it, or that the change's address is of.
fn named(text: &str, change: &Change) -> Option<Url> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if !text.contains('/') || !text.chars().all(plain) || text.contains("..") {
        return None;
    }
    let of = change.url.as_deref().and_then(web);
    let host = match (&of, change.source.as_str()) {
        (Some(url), _) if url.path().trim_start_matches('/').starts_with(text) => {
            url.host_str()?.to_owned()
        }
        (_, source) if source.contains("github") => "github.com".to_owned(),
        (_, source) if source.contains("gitlab") => "gitlab.com".to_owned(),
        _ => return None,
    };
    web(&format!("https://{host}/{text}"))
}

/// The project that an address at a forge is of.
fn project(url: &Url) -> Option<Url> {
    let host = url.host_str()?;
    let path = url.path().trim_start_matches('/');
    let project = if let Some((project, _)) = path.split_once("/-/") {
        project.to_owned()
    } else if host == "github.com" || host.starts_with("github.") {
        path.split('/').take(2).collect::<Vec<_>>().join("/")
    } else {
        return None;
    };
    if !project.contains('/') {
        return None;
    }
    let mut home = url.clone();
    home.set_path(&project);
    Some(home)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Change, ChangeKind};

    fn change(source: &str, repository: &str, url: &str) -> Change {
        let mut change = Change::new("c".into(), ChangeKind::Deploy, jiff::Timestamp::UNIX_EPOCH);
        change.source = source.to_owned();
        if !repository.is_empty() {
            change.labels.insert("repository".to_owned(), repository.to_owned());
        }
        change.url = (!url.is_empty()).then(|| url.to_owned());
        change
    }

    #[test]
    fn commits_are_found_at_their_forge() {
        for (source, repository, url, found) in [
            ("github", "acme/shop", "", "https://github.com/acme/shop/commit/abc"),
            ("gitlab", "acme/shop", "", "https://gitlab.com/acme/shop/-/commit/abc"),
            (
                "api",
                "https://u:p@git.test/acme/shop.git",
                "",
                "https://git.test/acme/shop/commit/abc",
            ),
            (
                "api",
                "git@gitlab.test:acme/shop.git",
                "",
                "https://gitlab.test/acme/shop/-/commit/abc",
            ),
            (
                "api",
                "",
                "https://github.com/acme/shop/actions/runs/7?x=1",
                "https://github.com/acme/shop/commit/abc",
            ),
            ("api", "", "https://gl.test/a/b/c/-/pipelines/9", "https://gl.test/a/b/c/commit/abc"),
            (
                "api",
                "acme/shop",
                "https://gitlab.test/acme/shop/-/jobs/1",
                "https://gitlab.test/acme/shop/-/commit/abc",
            ),
            ("api", "acme/shop", "", ""),
            ("api", "javascript:alert(1)//a/b", "", ""),
            ("api", "", "https://ci.test/job/7", ""),
        ] {
            let given = commit_url(&change(source, repository, url), None, "abc");
            assert_eq!(given.unwrap_or_default(), found, "{source} {repository} {url}");
        }
    }

    #[test]
    fn a_template_wins_and_a_commit_is_no_path() {
        let change = change("github", "acme/shop", "");
        let template = Some("https://git.test/r/{commit}?x");
        assert_eq!(commit_url(&change, template, "abc").unwrap(), "https://git.test/r/abc?x");
        assert_eq!(commit_url(&change, Some("javascript:{commit}"), "abc"), None);
        for bad in ["../../x", "a b", "", "\"><"] {
            assert_eq!(commit_url(&change, None, bad), None, "{bad}");
        }
    }
}
