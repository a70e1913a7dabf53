//! `wayfarer outbox`: what waits for receivers, why, and what was given up.

use serde_json::Value;

use super::{
    Context, Exit, Failed,
    args::{OutboxArguments, OutboxVerb},
    place::Log,
    say,
};

/// Lists messages, or has one tried again.
pub(super) async fn run(arguments: &OutboxArguments, context: &Context) -> Result<Exit, Failed> {
    if let Some(OutboxVerb::Retry(retry)) = &arguments.verb {
        let log = Log::open(&retry.place, context)?;
        let answer = log.outbox_again(retry.id, context).await?;
        if retry.place.json {
            say(&format!("{answer:#}\n"))?;
        } else {
            say(&format!("message {} is tried again\n", retry.id))?;
        }
        return Ok(Exit::Good);
    }
    let log = Log::open(&arguments.place, context)?;
    let state = if arguments.all { None } else { arguments.state.as_deref().or(Some("waiting")) };
    let answer = log.outbox(state, arguments.limit).await?;
    if arguments.place.json {
        say(&format!("{answer:#}\n"))?;
        return Ok(Exit::Good);
    }
    let messages = answer["messages"].as_array().cloned().unwrap_or_default();
    if messages.is_empty() {
        say("nothing waits\n")?;
        return Ok(Exit::Good);
    }
    for message in &messages {
        say(&lines(message))?;
    }
    Ok(Exit::Good)
}

/// What it is, and below it why it waits.
fn lines(message: &Value) -> String {
    let text = |key: &str| shown(&message[key]);
    let (id, receiver, state, what) = (text("id"), text("receiver"), text("state"), text("what"));
    let mut out = format!("{id:>6}  {receiver:<16} {state:<10} {what}\n");
    let tries = message["attempts"].as_u64().unwrap_or_default();
    let mut why = Vec::new();
    if tries > 1 || state != "delivered" {
        why.push(format!("{tries} {}", if tries == 1 { "try" } else { "tries" }));
    }
    if state == "pending" {
        let next = text("next_try_at");
        why.push(format!("next at {}", next.split('.').next().unwrap_or_default()));
    }
    if !message["last_error"].is_null() {
        why.push(text("last_error"));
    }
    if !why.is_empty() {
        out.push_str(&format!("        {}\n", why.join("; ")));
    }
    out
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
