//! `wayfarer gate`: may this change go on? Exits 0, 5 or 6.

use serde_json::json;

use super::{Context, Exit, Failed, args::GateArguments, change, place::Log, say};

/// Waits for the verdict and prints it.
pub(super) async fn run(arguments: &GateArguments, context: &Context) -> Result<Exit, Failed> {
    let log = Log::open(&arguments.place, context)?;
    let answer = log.judged(&arguments.id, arguments.wait, context).await?;
    if arguments.place.json {
        say(&format!("{answer:#}\n"))?;
    } else {
        say(&change::judged(&answer, context))?;
    }
    let status = &answer["gate"]["status"];
    Ok(if *status == json!("pass") {
        Exit::Good
    } else if *status == json!("fail") {
        Exit::Harmful
    } else {
        Exit::NoVerdict
    })
}
