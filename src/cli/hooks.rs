//! `wayfarer change hooks` and `wayfarer change place`.

use serde_json::Value;

use super::{
    Context, Exit, Failed,
    args::{HooksArguments, PlaceArguments},
    change::{table, text},
    place::Log,
    say,
};

/// What came to the hooks lately.
pub(super) async fn list(arguments: &HooksArguments, context: &Context) -> Result<Exit, Failed> {
    let log = Log::open(&arguments.place, context)?;
    let answer = log.deliveries(arguments.hook.as_deref(), arguments.limit).await?;
    if arguments.place.json {
        say(&format!("{answer:#}\n"))?;
        return Ok(Exit::Good);
    }
    let rows = answer["deliveries"].as_array().cloned().unwrap_or_default();
    if rows.is_empty() {
        say("nothing came to the hooks lately\n")?;
        return Ok(Exit::Good);
    }
    let mut table = table(context, &["at", "hook", "event", "became", "note"]);
    for row in &rows {
        let at = text(&row["at"]);
        table.add_row([
            at.get(..19).unwrap_or(&at).replace('T', " "),
            text(&row["hook"]),
            text(&row["event"]),
            text(&row["outcome"]),
            text(&row["note"]),
        ]);
    }
    say(&format!("{table}\n"))?;
    if arguments.bodies {
        for row in &rows {
            say(&format!("{} {}\n", text(&row["id"]), text(&row["body"])))?;
        }
    }
    Ok(Exit::Good)
}

/// Gives a change its place.
pub(super) async fn place(arguments: &PlaceArguments, context: &Context) -> Result<Exit, Failed> {
    if arguments.service.is_none() && arguments.environment.is_none() {
        return Err(Failed::new(Exit::Usage, "say where it belongs: --env, --service"));
    }
    let log = Log::open_to_write(&arguments.place, context)?;
    let (service, environment) = (arguments.service.as_deref(), arguments.environment.as_deref());
    let answer: Value = log.place(&arguments.id, service, environment).await?;
    if arguments.place.json {
        say(&format!("{answer:#}\n"))?;
    } else {
        say(&format!("{}\n", text(&answer["change"]["id"])))?;
    }
    Ok(Exit::Good)
}
