//! LaunchDarkly: the raw webhook is an entry of the audit log; its integration framework sends the same with more around it
//! (<https://launchdarkly.com/docs/home/infrastructure/webhooks>). Entries may come in any order; `date` is in milliseconds.

use super::{
    Delivery, Heard, IntakeFault, Proof, Sender, document::Document, heard::Draft, sender::plain,
    text,
};
use crate::model::ChangeKind;

pub(super) const SENDER: Sender = Sender {
    name: "launchdarkly",
    proofs: &[Proof::Hex256("X-LD-Signature")],
    read,
    answer: plain,
};

/// Words in an action that alters nothing for anybody.
const HARMLESS: &[&str] = &[
    "Name",
    "Description",
    "Tags",
    "Maintainer",
    "CustomProperties",
    "Comment",
    "FlagLink",
    "createFlag",
    "createSegment",
    "Temporary",
    "Snippet",
    "Sidecar",
    "archive",
    "Deprecated",
];

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let body = delivery.object()?;
    let body = Document(&body);
    let id = body.need("_id")?;
    let kind = body.need("kind")?;
    if !matches!(kind.as_str(), "flag" | "segment") {
        return Ok(Heard::ignored(format!("a {} is no flag", text::shown(&kind))).of(&kind));
    }
    let actions: Vec<&str> = body
        .at("accesses")
        .items()
        .filter_map(|access| access.at("action").text())
        .chain(body.at("verbKind").text())
        .collect();
    let harmless = |action: &&str| HARMLESS.iter().any(|word| action.contains(word));
    if !actions.is_empty() && actions.iter().all(harmless) {
        let what = text::shown(actions[0]);
        return Ok(Heard::ignored(format!("`{what}` alters nothing for anybody")).of(&what));
    }
    let resources: Vec<&str> = body
        .at("accesses")
        .items()
        .filter_map(|access| access.at("resource").text())
        .chain(body.at("target.resources").items().filter_map(Document::text))
        .collect();
    // `proj/default:env/production:flag/checkout`, with tags after a semicolon.
    let parts = |name: &'static str| {
        resources.iter().filter_map(move |resource| {
            let part = resource.split(':').find_map(|part| part.strip_prefix(name))?;
            Some(part.split(';').next().unwrap_or(part)).filter(|part| *part != "*")
        })
    };
    let part = |name: &'static str| parts(name).next();
    let flag = part("flag/").or_else(|| body.at("key").text());
    let project = part("proj/").or_else(|| body.at("project.key").text());
    let segment = part("segment/");
    let mut places: Vec<&str> = parts("env/").collect();
    places.extend(body.at("project.environment.key").text().filter(|_| places.is_empty()));
    let plain = body.at("title.plainText").text().map(str::to_owned);
    let title = plain.or_else(|| body.at("title").text().map(unlinked));
    let at = body.at("date").time().or_else(|| body.at("timestamp.milliseconds").time());
    let here = |name: Option<&str>| name.and_then(|name| delivery.known.service_here(name));
    let service = here(flag).or_else(|| here(project));
    let link = body.at("_links.site.href").text();
    let site = link
        .filter(|link| link.starts_with('/'))
        .map(|path| format!("https://app.launchdarkly.com{path}"));
    let draft = Draft::new(delivery, &format!("launchdarkly:{id}"), ChangeKind::Flag);
    let draft = places.into_iter().fold(draft, |draft, place| draft.environment(Some(place)));
    Ok(Heard::one(
        draft
            .service(service.as_ref().map(|s| s.as_str()))
            .title(title.as_deref().or_else(|| body.at("name").text()))
            .author(body.at("member.email").text())
            .url(site.as_deref().or(link))
            .label("flag", flag.filter(|_| segment.is_none()))
            .label("segment", segment)
            .label("project", project)
            .label("action", actions.first().copied())
            .label("comment", body.at("comment").text())
            .finished(at, at),
    )
    .of(actions.first().copied().unwrap_or("flag")))
}

/// A title without the addresses of its links: `[Jo](mailto:jo@example.com) turned on …`.
fn unlinked(title: &str) -> String {
    let mut out = String::with_capacity(title.len());
    let mut rest = title;
    while let Some((before, link)) = rest.split_once('[') {
        out.push_str(before);
        match link.split_once("](").and_then(|(words, more)| Some((words, more.split_once(')')?))) {
            Some((words, (_, after))) if !words.contains('[') => {
                out.push_str(words);
                rest = after;
            }
            _ => {
                out.push('[');
                rest = link;
            }
        }
    }
    out.push_str(rest);
    out
}
