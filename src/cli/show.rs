//! `wayfarer run --show`: what was sent and got, of a failure beside the last good run.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde_json::{Value, json};

use super::{Context, Exit, Failed, args::RunArguments, files::Files, say};
use crate::{
    config,
    daemon::Setup,
    engine::Trace,
    model::{Run, RunId, Secret, SeriesKey, Witness},
    render::{self, Layout},
    source::{
        agent::{AgentClient, AgentError},
        attached::Beside,
        files,
    },
    store::{Store, StoreOptions},
    web::views,
};

/// What is shown of a run that was walked just now.
pub(super) enum Kept {
    /// It passed.
    Good(Witness),
    /// It did not; the good one is none where none is known.
    Failed(Witness, Option<Witness>),
    /// It sent nothing.
    Nothing,
}

impl Kept {
    /// As text for a terminal.
    pub(super) fn draw(&self, layout: Layout) -> String {
        match self {
            Self::Good(own) => format!("\n{}", render::exchanges(&own.evidence, layout)),
            Self::Failed(own, good) => {
                format!("\n{}", render::side_by_side(own, good.as_ref(), layout))
            }
            Self::Nothing => String::new(),
        }
    }
}

/// The run as JSON with what is shown of it.
pub(super) fn view(run: &Run, kept: Option<&Kept>, trace_url: Option<String>) -> Value {
    let mut view = views::run_with_evidence(run, None, trace_url);
    match kept {
        Some(Kept::Good(own)) => view["evidence"] = json!(own.evidence),
        Some(Kept::Failed(_, Some(good))) => view["last_good"] = json!(good),
        _ => {}
    }
    view
}

/// Knows good runs: those of this command, and those of an agent.
pub(super) struct Shown {
    walked: BTreeMap<SeriesKey, Witness>,
    places: Vec<Place>,
}

/// Where stored runs are asked for.
enum Place {
    Agent(AgentClient),
    File(PathBuf),
}

impl Shown {
    pub(super) fn new(setup: &Setup, arguments: &RunArguments, context: &Context) -> Self {
        let mut places = Vec::new();
        match said(arguments, context) {
            Ok(Some(place)) => places.push(place),
            // An address that is none: said where it is the point, not here.
            Err(_) => {}
            Ok(None) => {
                // The agent of this very folder, if it is up, knows good runs that are not on disk.
                let listen = setup.settings.agent.listen;
                if listen.ip().is_loopback()
                    && let Ok(agent) = AgentClient::new(&format!("http://{listen}"), token(context))
                {
                    places.push(Place::Agent(agent));
                }
                places.push(Place::File(setup.data_file()));
            }
        }
        Self { walked: BTreeMap::new(), places }
    }

    /// What is to be shown of a run.
    pub(super) async fn of(&mut self, run: &Run, trace: Option<&Trace>) -> Kept {
        let witness = |evidence| Witness { run: run.id, started_at: run.started_at, evidence };
        if let Some(trace) = trace {
            let own = witness(trace.evidence());
            self.walked.insert(run.series(), own.clone());
            return Kept::Good(own);
        }
        let Some(evidence) = run.evidence.clone() else { return Kept::Nothing };
        let good = match self.walked.get(&run.series()) {
            Some(good) => Some(good.clone()),
            None => self.ask(&run.series()).await,
        };
        Kept::Failed(witness(evidence), good)
    }

    /// The last good run that is known elsewhere. Whoever does not answer knows none.
    async fn ask(&self, series: &SeriesKey) -> Option<Witness> {
        for place in &self.places {
            let good = match place {
                Place::Agent(agent) => {
                    let path = format!(
                        "api/v1/journeys/{}/last-good?environment={}&location={}",
                        encoded(series.journey.as_str()),
                        encoded(series.environment.as_str()),
                        encoded(series.location.as_str()),
                    );
                    let answer = agent.get(&path, Duration::ZERO).await.ok();
                    answer.and_then(|answer| serde_json::from_value(answer).ok())
                }
                Place::File(path) => match Store::open_read_only(path, &StoreOptions::default()) {
                    Ok(store) => store.last_good(series, jiff::Timestamp::MAX).await.ok().flatten(),
                    Err(_) => None,
                },
            };
            if good.is_some() {
                return good;
            }
        }
        None
    }
}

/// Prints a stored run with its evidence.
pub(super) async fn stored(
    id: RunId,
    arguments: &RunArguments,
    context: &Context,
) -> Result<Exit, Failed> {
    let mut outline = None;
    let place = match said(arguments, context)? {
        Some(place) => place,
        None => {
            let found = files::find(&context.config)
                .map_err(|e| Failed::new(Exit::Config, format!("{e}; or say --url or --data")))?;
            let config = config::load_with(&found.main, &found.journeys, &Beside)
                .map_err(|e| Failed::new(Exit::Config, e))?;
            let setup = outline.insert(Setup::outline(found.root, config));
            Place::File(setup.data_file())
        }
    };
    let unknown =
        || Failed::new(Exit::Usage, format!("no run has the id {id}; it may be older than kept"));
    let run = match place {
        Place::Agent(agent) => {
            match agent.get(&format!("api/v1/runs/{id}"), Duration::ZERO).await {
                Err(AgentError::Refused { status: 404, .. }) => return Err(unknown()),
                answer => answer?,
            }
        }
        Place::File(path) => {
            let store = Store::open_read_only(&path, &StoreOptions::default())?;
            let run = store.run(&id).await?.ok_or_else(unknown)?;
            let trace = outline.and_then(|setup| setup.trace_of(&run));
            views::run_with_evidence(&run, store.evidence(&id).await?.as_ref(), trace)
        }
    };
    let mut files = Files::new(arguments)?;
    if files.wanted() {
        files.add(&run, arguments.json)?;
        files.finish()?;
    }
    if arguments.json {
        say(&format!("{run:#}\n"))?;
    } else {
        let layout = Layout { width: context.width, colour: context.colour };
        say(&render::stored_run(&run, layout))?;
    }
    Ok(Exit::Good)
}

/// The place that the command line or the environment names.
fn said(arguments: &RunArguments, context: &Context) -> Result<Option<Place>, Failed> {
    let url = arguments.url.clone().or_else(|| {
        // A data file that is named wins over an address that is only in the air.
        let named = arguments.data.is_none();
        named.then(|| context.variables.get("WAYFARER_URL").cloned()).flatten()
    });
    if let Some(url) = url.filter(|url| !url.is_empty()) {
        return Ok(Some(Place::Agent(AgentClient::new(&url, token(context))?)));
    }
    Ok(arguments.data.clone().map(Place::File))
}

fn token(context: &Context) -> Option<Secret> {
    context.variables.get("WAYFARER_TOKEN").filter(|t| !t.is_empty()).map(Secret::new)
}

fn encoded(text: &str) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
