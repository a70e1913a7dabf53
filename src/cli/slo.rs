//! `wayfarer slo`: how much of what may fail has failed, as a table; the same objectives as rules for Prometheus and as `OpenSLO` documents, and
//! such documents as `[slo]` tables.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use comfy_table::CellAlignment;
use serde_json::{Value, json};

use super::{
    Context, Exit, Failed,
    args::{RuleForm, SloArguments},
    change,
    place::{Log, encoded},
    say,
};
use crate::{
    config,
    daemon::budgets,
    import::openslo as reader,
    slo::{Promise, openslo, rules},
    source::{attached::Beside, files},
    web::views::SloView,
};

/// Largest document that is read, in bytes.
const LARGEST: u64 = 16 << 20;

/// Prints what is asked for.
pub(super) async fn run(arguments: &SloArguments, context: &Context) -> Result<Exit, Failed> {
    if let Some(path) = &arguments.import {
        return import(path);
    }
    if arguments.rules.is_some() || arguments.openslo {
        let promises = promises(arguments, context)?;
        let version = env!("CARGO_PKG_VERSION");
        if arguments.openslo {
            return give(arguments.output.as_deref(), &openslo::documents(&promises));
        }
        let Some(RuleForm::Prometheus) = arguments.rules else { return Ok(Exit::Good) };
        give(arguments.output.as_deref(), &rules::prometheus(&promises, version))?;
        if let Some(path) = &arguments.output {
            let file = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let proof = rules::proof(&promises, &file.unwrap_or_default(), version);
            give(Some(&beside(path)), &proof)?;
        }
        return Ok(Exit::Good);
    }
    let log = Log::open(&arguments.place, context)?;
    let answer = log.slo(arguments, context).await?;
    if arguments.place.json {
        say(&format!("{answer:#}\n"))?;
    } else {
        say(&table(&answer, context))?;
    }
    Ok(Exit::Good)
}

/// What is promised, by the configuration.
fn promises(arguments: &SloArguments, context: &Context) -> Result<Vec<Promise>, Failed> {
    let found = files::find(&context.config).map_err(|e| Failed::new(Exit::Config, e))?;
    let config = config::load_with(&found.main, &found.journeys, &Beside)
        .map_err(|e| Failed::new(Exit::Config, e))?;
    let mut promises: Vec<Promise> = config.journeys.iter().flat_map(Promise::of).collect();
    promises.retain(|promise| {
        wanted(arguments, promise.journey.as_str(), promise.environment.as_str())
    });
    promises.sort_by(|a, b| (&a.journey, &a.environment).cmp(&(&b.journey, &b.environment)));
    if promises.is_empty() {
        let message = "no journey promises anything there: write `[slo]` with `objective = 99.9` into its file";
        return Err(Failed::new(Exit::Usage, message));
    }
    Ok(promises)
}

fn wanted(arguments: &SloArguments, journey: &str, environment: &str) -> bool {
    let journeys = &arguments.journeys;
    (journeys.is_empty() || journeys.iter().any(|name| name == journey))
        && arguments.environment.as_deref().is_none_or(|name| name == environment)
}

/// The file of the test, beside that of the rules: `slo.yml` and `slo_test.yml`.
fn beside(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let end = path.extension().map_or_else(|| "yml".into(), |end| end.to_string_lossy());
    path.with_file_name(format!("{stem}_test.{end}"))
}

/// Writes into a file, or prints.
fn give(path: Option<&Path>, text: &str) -> Result<Exit, Failed> {
    match path {
        None => say(text)?,
        Some(path) => {
            fs::write(path, text).map_err(|e| {
                Failed::new(Exit::Trouble, format!("{} cannot be written: {e}", path.display()))
            })?;
            say(&format!("wrote {}\n", path.display()))?;
        }
    }
    Ok(Exit::Good)
}

/// Documents of `OpenSLO` as `[slo]` tables.
fn import(path: &Path) -> Result<Exit, Failed> {
    let unreadable = |e: std::io::Error| {
        Failed::new(Exit::Usage, format!("cannot read {}: {e}", path.display()))
    };
    let input: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(fs::File::open(path).map_err(unreadable)?)
    };
    let mut text = String::new();
    input.take(LARGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST {
        return Err(Failed::new(Exit::Usage, format!("{} is larger than 16 MiB", path.display())));
    }
    let found = reader::read(&text)
        .map_err(|e| Failed::new(Exit::Config, format!("{}: {e}", path.display())))?;
    let mut out = String::new();
    for one in &found.all {
        let of = match (&one.journey, &one.service) {
            (Some(journey), _) => format!(", for the journey {journey}"),
            (None, Some(service)) => {
                format!(", of the service {service}: for the file of its journey")
            }
            (None, None) => String::new(),
        };
        out += &format!("# {}{of}\n", one.name);
        for left in &one.left_out {
            out += &format!("# left out: {left}\n");
        }
        out += one.toml.as_deref().unwrap_or("# nothing of it can be promised\n");
        out.push('\n');
    }
    for note in &found.notes {
        out += &format!("# {note}\n");
    }
    say(&out)?;
    let nothing = found.all.iter().all(|one| one.toml.is_none());
    Ok(if nothing { Exit::Config } else { Exit::Good })
}

/// The budgets for a terminal.
fn table(answer: &Value, context: &Context) -> String {
    let rows = answer["objectives"].as_array().map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        let counting = answer["counted_at"].is_null();
        let why = if counting {
            "the runs are being counted: ask again in a few seconds"
        } else {
            "no journey promises anything there: write `[slo]` with `objective = 99.9` into its file"
        };
        return format!("{why}\n");
    }
    let header = ["journey", "env", "objective", "left", "bad", "burns", "ends in", "state"];
    let mut table = change::table(context, &header);
    for (n, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if (2..7).contains(&n) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for row in rows {
        let now = answer["counted_at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let end = row["ends_at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let gone = match (now, end) {
            _ if row["is_spent"] == true => "spent".to_owned(),
            (Some(now), Some(end)) => span(end.duration_since(now).unsigned_abs()),
            _ => "–".to_owned(),
        };
        let number = |key: &str| row[key].as_f64();
        let waiting = row["state"] == "waiting";
        let percent = |share: f64| format!("{:.1}%", (share * 1000.0).floor() / 10.0);
        table.add_row([
            change::text(&row["journey"]),
            change::text(&row["environment"]),
            format!("{}% {}", row["objective_percent"], window(&row["window_seconds"])),
            match number("left") {
                _ if waiting => "–".to_owned(),
                Some(left) => percent(left),
                None => "none".to_owned(),
            },
            format!("{}/{}", short(number("bad")), short(number("allowed"))),
            number("burn_rate")
                .map_or_else(|| "–".to_owned(), |rate| format!("{}x", short(Some(rate)))),
            gone,
            change::text(&row["state"]),
        ]);
    }
    let mut out = format!("{table}\n");
    for row in rows {
        let causes = row["spent_by"].as_array().map(Vec::as_slice).unwrap_or_default();
        if let Some(seconds) = row["maintenance_seconds"].as_u64().filter(|s| *s > 0) {
            out += &format!(
                "{} in {}: {} of it lay in maintenance and is not counted\n",
                change::text(&row["journey"]),
                change::text(&row["environment"]),
                span(Duration::from_secs(seconds)),
            );
        }
        let harm = causes.iter().filter(|cause| cause["change"].is_string()).take(3);
        for cause in harm {
            out += &format!(
                "{} in {}: change {} spent {:.0}% of it ({} bad runs)\n",
                change::text(&row["journey"]),
                change::text(&row["environment"]),
                change::text(&cause["change"]),
                cause["share"].as_f64().unwrap_or_default() * 100.0,
                short(cause["bad"].as_f64()),
            );
        }
    }
    out
}

fn short(value: Option<f64>) -> String {
    let value = value.unwrap_or_default();
    let text = if value >= 20.0 { format!("{value:.0}") } else { format!("{value:.1}") };
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn window(seconds: &Value) -> String {
    span(Duration::from_secs(seconds.as_u64().unwrap_or_default()))
}

fn span(span: Duration) -> String {
    match span.as_secs() {
        s if s < 5400 => format!("{}min", s / 60),
        s if s < 48 * 3600 => format!("{}h", s / 3600),
        s => format!("{}d", s / 86_400),
    }
}

impl Log {
    /// How all objectives stand.
    async fn slo(&self, arguments: &SloArguments, context: &Context) -> Result<Value, Failed> {
        let mut answer = match self {
            Self::Agent(agent) => {
                let path = match &arguments.environment {
                    Some(name) => format!("api/v1/slo?environment={}", encoded(name)),
                    None => "api/v1/slo".to_owned(),
                };
                agent.get(&path, Duration::ZERO).await?
            }
            Self::File(_, None) => {
                let message =
                    "objectives stand in the settings: say --config or --url instead of --data";
                return Err(Failed::new(Exit::Usage, message));
            }
            Self::File(store, Some(setup)) => {
                let all = budgets(store, setup, context.clock.now()).await?;
                json!(SloView::from(&all))
            }
        };
        if let Some(rows) = answer["objectives"].as_array_mut() {
            let text = change::text;
            rows.retain(|row| {
                wanted(arguments, &text(&row["journey"]), &text(&row["environment"]))
            });
        }
        Ok(answer)
    }
}
