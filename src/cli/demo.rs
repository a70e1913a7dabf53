//! `wayfarer demo`: the whole story in about a minute, by the agent's own parts, on loopback.

mod stage;
mod story;

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{Context, Exit, Failed, args::DemoArguments, say, verdicts};
use crate::web::views::JudgedView;
use stage::Stage;
use story::{Chapter, Told};

/// Tells the story; exit 0 only when every verdict is the right one.
pub(super) async fn run(arguments: &DemoArguments, context: &Context) -> Result<Exit, Failed> {
    let seed = arguments.seed.unwrap_or_else(rand::random);
    let stage = Stage::build(seed, arguments.keep, context).await?;
    if !arguments.json {
        say(&format!(
            "A shop of four services on loopback, three journeys walked every 125 ms (seed {seed}).\n\
             Dashboard: http://{}\n\n",
            stage.address
        ))?;
    }
    let told = tell(&stage, context).await;
    let told = match told {
        Ok(told) => told,
        Err(failed) => {
            stage.leave().await;
            return Err(failed);
        }
    };
    let open = stage.open_findings().await?;
    let right = told.iter().all(Told::is_right) && open.is_empty();
    if arguments.json {
        say(&format!("{:#}\n", as_json(seed, &told, &open, right)))?;
    } else {
        for told in &told {
            say(&section(context, told))?;
        }
        for line in told.iter().flat_map(Told::faults) {
            say(&format!("WRONG: {line}\n"))?;
        }
        for finding in &open {
            say(&format!("WRONG: still open: {finding}\n"))?;
        }
        if right {
            say("Every verdict is the right one, and every finding has recovered.\n")?;
        }
    }
    if arguments.keep {
        say(&format!("\nThe shop goes on at http://{} until Ctrl-C.\n", stage.address))?;
        drop(tokio::signal::ctrl_c().await);
    }
    stage.leave().await;
    Ok(if right { Exit::Good } else { Exit::Bug })
}

async fn tell(stage: &Stage, context: &Context) -> Result<Vec<Told>, Failed> {
    let bar = progress();
    let mut told = Vec::new();
    phase(&bar, "learning what is usual", stage.warm_up(Duration::from_secs(16))).await?;
    for chapter in Chapter::all() {
        let change = chapter.begin(stage, context.clock.now());
        let title = chapter.title;
        let result = phase(&bar, title, stage.watch(change)).await?;
        let after = phase(&bar, "waiting for findings to recover", async {
            if chapter.heals { stage.recovery(Duration::from_secs(12)).await } else { Ok(()) }
        });
        after.await?;
        let line = Told::new(chapter, result);
        bar.suspend(|| say_progress(&line));
        told.push(line);
    }
    bar.finish_and_clear();
    Ok(told)
}

fn say_progress(told: &Told) {
    use std::io::Write;
    let mark = if told.is_right() { "ok" } else { "WRONG" };
    drop(writeln!(std::io::stderr(), "  {mark:5} {}: {}", told.chapter.title, told.overall()));
}

async fn phase<T>(
    bar: &ProgressBar,
    title: &str,
    work: impl Future<Output = Result<T, Failed>>,
) -> Result<T, Failed> {
    bar.set_message(title.to_owned());
    work.await
}

fn progress() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>3} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn section(context: &Context, told: &Told) -> String {
    let judged = &told.judged;
    let table = verdicts::table(context, &judged.verdicts);
    let head = format!("{}: {}", judged.change.id, told.chapter.title);
    let verdict = verdicts::badge(context, &told.overall());
    let reason = verdicts::paragraph(context, &judged.gate.reason);
    let gate = judged.gate.status.as_str();
    format!("\n{head}\nverdict {verdict}, gate {gate}\n{reason}\n{table}\n")
}

fn as_json(seed: u64, told: &[Told], open: &[String], right: bool) -> Value {
    let changes: Vec<Value> = told
        .iter()
        .map(|t| {
            json!({ "title": t.chapter.title, "right": t.is_right(), "faults": t.faults(),
                    "judged": JudgedView::from(&t.judged) })
        })
        .collect();
    json!({ "seed": seed.to_string(), "right": right, "changes": changes, "open_findings": open })
}
