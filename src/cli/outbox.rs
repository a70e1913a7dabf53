//! `wayfarer outbox`: what waits for receivers, why, and what was given up.

use comfy_table::{ContentArrangement, Table, presets};
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
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(context.width).unwrap_or(80))
        .set_header(["id", "receiver", "what", "state", "tries", "next try", "why"]);
    for message in &messages {
        let text = |key: &str| shown(&message[key]);
        let next = if message["state"] == "pending" { text("next_try_at") } else { String::new() };
        let next = next.split('.').next().unwrap_or_default().to_owned();
        table.add_row([
            text("id"),
            text("receiver"),
            text("what"),
            text("state"),
            text("attempts"),
            next,
            text("last_error"),
        ]);
    }
    say(&format!("{table}\n"))?;
    Ok(Exit::Good)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
