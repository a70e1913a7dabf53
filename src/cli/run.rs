//! `wayfarer run`: walks journeys now and shows what happened.

use std::{collections::BTreeMap, fs::File, io::Write, path::Path, sync::Arc};

use serde_json::json;

use super::{
    Context, Exit, Failed,
    args::RunArguments,
    attended,
    files::Files,
    nearly, say,
    show::{self, Shown},
};
use crate::{
    config,
    daemon::{Scheduled, Setup},
    engine::{Engine, EngineSettings, Ticket},
    model::{Environment, EnvironmentName, Outcome, Run, RunId, Settings, Trigger},
    render::{self, Layout},
    source::{attached::Beside, files as sources},
};

/// Walks; exit 4 when a journey failed, 7 when we could not walk.
pub(super) async fn run(arguments: &RunArguments, context: &Context) -> Result<Exit, Failed> {
    let mut wanted = arguments.journeys.clone();
    if let Some(Some(word)) = &arguments.show {
        match word.parse::<RunId>() {
            Ok(id) => return show::stored(id, arguments, context).await,
            // `--show checkout`: a journey to walk and show.
            Err(_) => wanted.insert(0, word.clone()),
        }
    }
    let found = sources::find(&context.config).map_err(|e| Failed::new(Exit::Config, e))?;
    let mut config = config::load_with(&found.main, &found.journeys, &Beside)
        .map_err(|e| Failed::new(Exit::Config, e))?;
    let name = environment(&config.settings, arguments.environment.as_deref())?;
    // Only the secrets of where it walks are asked for: whoever walks staging need not have production's.
    config.settings.environments.retain(|other, _| *other == name);
    config.settings.forget_what_agents_need();
    let setup = Setup::resolve(found.root, config, &context.variables)?;
    let environment = setup.environments.get(&name).cloned();
    let environment =
        environment.ok_or_else(|| Failed::new(Exit::Bug, "the environment is gone"))?;
    let journeys = journeys(&setup, &environment.name, &wanted).map_err(|failed| {
        Failed::new(failed.exit, found.overlooked.iter().fold(failed.message, beside))
    })?;
    let (watched, mut pauses) = attended::watched(arguments);
    let engine =
        Engine::new(EngineSettings { watched, ..context.engine(&setup.settings.browser) })?;
    let vars = overrides(arguments, &environment, &journeys)?;
    let mut junit = arguments.junit.as_deref().map(report).transpose()?;
    let mut files = Files::new(arguments)?;
    let wanted = arguments.show.is_some() || files.wanted();
    let mut shown = wanted.then(|| Shown::new(&setup, arguments, context));
    let (mut runs, mut views) = (Vec::new(), Vec::new());
    for round in 0..arguments.repeat {
        for scheduled in &journeys {
            let now = context.clock.now();
            let ticket = Ticket {
                id: RunId::at(now),
                journey: attended::slowed(&scheduled.journey, arguments.slow_motion),
                environment: Arc::clone(&environment),
                location: setup.settings.agent.location.clone(),
                due: now,
                trigger: Trigger::Manual,
                deployed: Vec::new(),
                vars: vars.clone(),
            };
            let walk = engine.walk_traced(ticket);
            let (run, trace) = attended::walk(walk, &mut pauses).await;
            let kept = match &mut shown {
                Some(shown) => Some(shown.of(&run, trace.as_ref()).await),
                None => None,
            };
            let trace_url = setup.trace_of(&run);
            // What is only wanted as a file is not printed.
            let printed = kept.as_ref().filter(|_| arguments.show.is_some());
            if arguments.json {
                views.push(show::view(&run, printed, trace_url.clone()));
            } else {
                let gap = if round == 0 && runs.is_empty() { "" } else { "\n" };
                let layout = Layout { width: context.width, colour: context.colour };
                say(&format!("{gap}{}", render::waterfall(&run, layout)))?;
                if let Some(url) = &trace_url {
                    say(&format!("trace     {url}\n"))?;
                }
                if let Some(kept) = printed {
                    say(&kept.draw(layout))?;
                }
            }
            if files.wanted() {
                files.add(&show::view(&run, kept.as_ref(), trace_url), arguments.json)?;
            }
            runs.push(run);
        }
    }
    if arguments.json {
        say(&format!("{:#}\n", json!({ "runs": views })))?;
    }
    files.finish()?;
    if let Some(file) = &mut junit {
        file.write_all(render::junit(&runs).as_bytes()).map_err(|e| {
            Failed::new(Exit::Trouble, format!("the JUnit report cannot be written: {e}"))
        })?;
    }
    Ok(verdict(&runs))
}

/// Where the JUnit report goes: opened before anything is walked, so that a mistake shows at once.
fn report(path: &Path) -> Result<Box<dyn Write>, Failed> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdout()));
    }
    let file = File::create(path)
        .map_err(|e| Failed::new(Exit::Trouble, format!("cannot write {}: {e}", path.display())))?;
    Ok(Box::new(file))
}

/// The variables of `--var`. Every name that a template may use is defined somewhere, so any other is a slip.
fn overrides(
    arguments: &RunArguments,
    environment: &Environment,
    journeys: &[Scheduled],
) -> Result<BTreeMap<String, String>, Failed> {
    let own = journeys.iter().flat_map(|s| s.journey.vars.keys());
    let known: Vec<&str> = environment
        .vars
        .keys()
        .chain(environment.secrets.keys())
        .chain(own)
        .map(String::as_str)
        .collect();
    for (name, _) in &arguments.vars {
        if !known.contains(&name.as_str()) {
            let near = nearly(name, known.iter().copied());
            return Err(Failed::new(
                Exit::Usage,
                format!(
                    "--var: no variable is called `{name}` in these journeys or in `{}`{near}",
                    environment.name
                ),
            ));
        }
    }
    Ok(arguments.vars.iter().cloned().collect())
}

fn verdict(runs: &[Run]) -> Exit {
    let any = |test: fn(&Outcome) -> bool| runs.iter().any(|run| test(&run.outcome));
    if any(|o| matches!(o, Outcome::Failed(_))) {
        Exit::JourneyFailed
    } else if any(|o| matches!(o, Outcome::Broken { .. })) {
        Exit::Trouble
    } else {
        Exit::Good
    }
}

fn environment(settings: &Settings, said: Option<&str>) -> Result<EnvironmentName, Failed> {
    let all = &settings.environments;
    let names = all.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match said {
        Some(name) => all.get_key_value(name).map(|(name, _)| name.clone()).ok_or_else(|| {
            let near = nearly(name, all.keys().map(|n| n.as_str()));
            Failed::new(
                Exit::Usage,
                format!("no environment is called `{name}`{near}; there are: {names}"),
            )
        }),
        None => {
            let mut keys = all.keys();
            match (keys.next(), keys.next()) {
                (Some(only), None) => Ok(only.clone()),
                _ => Err(Failed::new(
                    Exit::Usage,
                    format!("say where with --env; there are: {names}"),
                )),
            }
        }
    }
}

/// A message, and below it a reason that may be behind it.
fn beside(message: String, hint: &String) -> String {
    format!("{message}\n{hint}")
}

fn journeys(
    setup: &Setup,
    environment: &EnvironmentName,
    wanted: &[String],
) -> Result<Vec<Scheduled>, Failed> {
    let here: Vec<&Scheduled> = setup.journeys_in(environment).collect();
    if wanted.is_empty() {
        if here.is_empty() {
            return Err(Failed::new(Exit::Usage, format!("no journey runs in `{environment}`")));
        }
        return Ok(here.into_iter().cloned().collect());
    }
    let mut found = Vec::new();
    for name in wanted {
        // The name of a file with a matrix stands for all journeys that it makes.
        let is_meant = |s: &&&Scheduled| {
            let of = s.journey.variant.as_ref().map(|variant| variant.of.as_str());
            s.journey.name.as_str() == name || of == Some(name)
        };
        let meant: Vec<&&Scheduled> = here.iter().filter(is_meant).collect();
        match meant.is_empty() {
            false => found.extend(meant.into_iter().map(|scheduled| (*scheduled).clone())),
            true => {
                let names: Vec<_> = here.iter().map(|s| s.journey.name.as_str()).collect();
                let near = nearly(name, names.iter().copied());
                return Err(Failed::new(
                    Exit::Usage,
                    format!(
                        "no journey `{name}` runs in `{environment}`{near}; there are: {}",
                        names.join(", ")
                    ),
                ));
            }
        }
    }
    Ok(found)
}
