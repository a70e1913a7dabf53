//! `wayfarer notify`: what receivers would get, and whether they get it.

use serde_json::json;

use super::{Context, Exit, Failed, args::NotifyArguments, nearly, say};
use crate::{
    config,
    daemon::Setup,
    model::{Happening, Notice, Parcel, ReceiverSettings, RunId},
    notify::Message,
    render::message::{self, preview, preview_change, sample},
    source::{attached::Beside, files},
};

/// Shows, or sends, a message that never happened.
pub(super) async fn run(arguments: &NotifyArguments, context: &Context) -> Result<Exit, Failed> {
    match &arguments.test {
        Some(name) => test(arguments, name, context).await,
        None => show(arguments, context),
    }
}

/// What would be sent: needs no secrets.
fn show(arguments: &NotifyArguments, context: &Context) -> Result<Exit, Failed> {
    let found = files::find(&context.config).map_err(|e| Failed::new(Exit::Config, e))?;
    let config = config::load_with(&found.main, &found.journeys, &Beside)
        .map_err(|e| Failed::new(Exit::Config, e))?;
    let all = &config.settings.receivers;
    let wanted = arguments.preview.as_ref().and_then(Option::as_deref);
    let receivers: Vec<&ReceiverSettings> = match wanted {
        Some(name) => vec![by_name(all, name)?],
        None => all.iter().collect(),
    };
    if receivers.is_empty() {
        let message = "there is no `[[receiver]]` in wayfarer.toml: nobody is told of anything";
        return Err(Failed::new(Exit::Config, message));
    }
    let notice = notice(arguments);
    if arguments.json {
        say(&format!("{:#}\n", message::context(&notice)))?;
        return Ok(Exit::Good);
    }
    for receiver in receivers {
        let body = preview(receiver, &notice, context.clock.now())
            .map_err(|e| Failed::new(Exit::Config, format!("receiver `{}`: {e}", receiver.name)))?;
        let (name, kind) = (&receiver.name, receiver.way.kind());
        say(&format!("# {name} ({kind})\n{body}\n\n"))?;
        let change = preview_change(receiver)
            .map_err(|e| Failed::new(Exit::Config, format!("receiver `{name}`: {e}")))?;
        if let Some(body) = change {
            say(&format!("# {name} ({kind}), of a change\n{body}\n\n"))?;
        }
    }
    Ok(Exit::Good)
}

fn by_name<'a>(all: &'a [ReceiverSettings], name: &str) -> Result<&'a ReceiverSettings, Failed> {
    all.iter().find(|receiver| receiver.name == name).ok_or_else(|| {
        let near = nearly(name, all.iter().map(|receiver| receiver.name.as_str()));
        Failed::new(Exit::Usage, format!("no receiver is called `{name}`{near}"))
    })
}

/// The sample that was asked for.
fn notice(arguments: &NotifyArguments) -> Notice {
    match arguments.event.as_deref().unwrap_or("regressed") {
        "recovered" => sample::recovered(),
        "dismissed" => sample::dismissed(),
        "unexplained" => sample::unexplained(),
        "failed" => sample::failed(),
        _ => sample::regressed(),
    }
}

/// Sends a sample; a receiver that keeps what it was told is told of its end as well.
async fn test(arguments: &NotifyArguments, name: &str, context: &Context) -> Result<Exit, Failed> {
    let found = files::find(&context.config).map_err(|e| Failed::new(Exit::Config, e))?;
    let mut config = config::load_with(&found.main, &found.journeys, &Beside)
        .map_err(|e| Failed::new(Exit::Config, e))?;
    // Only the secrets of this receiver are asked for.
    let receiver = by_name(&config.settings.receivers, name)?.clone();
    config.settings.forget_what_agents_need();
    config.settings.environments.clear();
    config.settings.receivers.push(receiver);
    let setup = Setup::resolve(found.root, config, &context.variables)?;
    let receiver = by_name(&setup.settings.receivers, name)?;
    let Some(channel) = setup.channels.get(name) else {
        return Err(Failed::new(Exit::Bug, format!("receiver `{name}` has no channel")));
    };
    let mut parcels = Vec::new();
    if receiver.way.tells_incidents() {
        let first = tested(notice(arguments), context);
        if receiver.policy.keeps_state && first.firing {
            let mut last = first.clone();
            last.happening = Happening::Recovered;
            last.firing = false;
            last.ended_at = Some(first.at);
            parcels.push(Parcel::Notice(Box::new(first)));
            parcels.push(Parcel::Notice(Box::new(last)));
        } else {
            parcels.push(Parcel::Notice(Box::new(first)));
        }
    } else {
        let mut news = sample::news();
        news.change.words = format!("test: {}", news.change.words);
        news.at = context.clock.now();
        news.change.started_at = news.at;
        news.change.finished_at = Some(news.at);
        parcels.push(Parcel::ChangeNews(Box::new(news)));
    }
    for (nth, parcel) in parcels.into_iter().enumerate() {
        let now = context.clock.now();
        let message = Message {
            key: format!("test/{}/{nth}", RunId::at(now).0.simple()),
            receiver: name.to_owned(),
            thread: None,
            parcel,
            attempt: 1,
            created_at: now,
            now,
            earlier: None,
        };
        if let Err(refused) = channel.deliver(&message).await {
            let message =
                format!("`{name}` ({}) did not take it: it {}", channel.kind(), refused.text);
            return Err(Failed::new(Exit::Trouble, message));
        }
    }
    let answer = json!({ "receiver": name, "kind": channel.kind(), "delivered": true });
    say(&if arguments.json {
        format!("{answer:#}\n")
    } else {
        format!("`{name}` ({}) took it\n", channel.kind())
    })?;
    Ok(Exit::Good)
}

/// A sample that says that it is one, happening now.
fn tested(mut notice: Notice, context: &Context) -> Notice {
    let now = context.clock.now();
    notice.title = format!("test: {}", notice.title);
    notice.incident = format!("test:{}", RunId::at(now).0.simple());
    notice.labels.insert("incident".to_owned(), notice.incident.clone());
    notice.labels.insert("test".to_owned(), "true".to_owned());
    notice.started_at = now;
    notice.at = now;
    notice.ended_at = (!notice.firing).then_some(now);
    notice
}
