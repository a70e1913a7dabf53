//! The command: arguments, exit codes, tables, progress. The only reader of environment variables, the only writer to the
//! terminal. One file a verb; `args` names them all.

mod agent;
mod args;
mod attended;
pub mod backtest;
mod change;
mod check;
mod ci;
mod delivery;
mod demo;
mod exit;
mod files;
mod findings;
mod gate;
mod hooks;
mod import;
mod init;
mod logs;
mod notify;
mod outbox;
mod place;
mod report;
mod rollback;
mod run;
mod said;
mod schema;
mod show;
mod simulate;
mod slo;
mod verdicts;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use clap::{Parser, error::ErrorKind};

use args::{Arguments, ChangeVerb, Verb};
pub use exit::Exit;
use exit::Failed;

use crate::{
    engine::{EngineSettings, GuardedDriver},
    model::BrowserSettings,
};

/// What every verb is handed: where configuration is, and the environment variables.
#[derive(Debug)]
struct Context {
    config: std::path::PathBuf,
    variables: BTreeMap<String, String>,
    clock: crate::clock::Clock,
    /// Standard output is a terminal that shows colours.
    colour: bool,
    /// Columns of the terminal, 80 where there is none.
    width: usize,
}

impl Context {
    /// What an engine of this process is told.
    fn engine(&self, browser: &BrowserSettings) -> EngineSettings {
        EngineSettings {
            clock: self.clock,
            browser: browser.clone(),
            variables: self.variables.clone(),
            ..EngineSettings::default()
        }
    }
}

/// The name that is nearly the wanted one, as a question; nothing if none is near.
fn nearly<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
    let near = names
        .map(|name| (strsim::jaro_winkler(wanted, name), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    near.map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"))
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(e) => {
            // Writing to a closed pipe is nobody's fault.
            drop(e.print());
            return match e.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Good.into(),
                _ => Exit::Usage.into(),
            };
        }
    };
    if let Verb::GuardBrowser(guard) = arguments.verb {
        return guard_browser(guard);
    }
    let context = context(&arguments);
    if let Err(e) = logs::start(&arguments, &context.variables) {
        return end(Failed::new(Exit::Usage, e));
    }
    let verb = AssertUnwindSafe(|| {
        let runtime = runtime()?;
        runtime.block_on(dispatch(arguments.verb, &context))
    });
    match catch_unwind(verb) {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(failed)) => end(failed),
        // The panic has said what and where.
        Err(_) => Exit::Bug.into(),
    }
}

/// Guards a browser: without logs, threads and configuration, for it lives as long as each browser does.
fn guard_browser(arguments: args::GuardArguments) -> ExitCode {
    let mut words = arguments.driver.into_iter();
    let program = words.next().unwrap_or_default();
    let driver = GuardedDriver { folder: arguments.folder, program, arguments: words.collect() };
    match driver.guard() {
        Ok(()) => Exit::Good.into(),
        Err(e) => end(Failed::new(
            Exit::Trouble,
            format!("{} cannot be guarded: {e}", driver.program.display()),
        )),
    }
}

/// The runtime. Where the system refuses its few files, tokio panics instead of saying so.
fn runtime() -> Result<tokio::runtime::Runtime, Failed> {
    let trouble = |reason: &str| Failed::new(Exit::Trouble, format!("cannot start: {reason}"));
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let built = catch_unwind(|| tokio::runtime::Builder::new_multi_thread().enable_all().build());
    std::panic::set_hook(hook);
    match built {
        Ok(built) => built.map_err(|e| trouble(&e.to_string())),
        Err(_) => Err(trouble("the system allows too few open files (ulimit -n)")),
    }
}

async fn dispatch(verb: Verb, context: &Context) -> Result<Exit, Failed> {
    match verb {
        Verb::Demo(arguments) => demo::run(&arguments, context).await,
        Verb::Init(arguments) => init_verb(&arguments, context),
        Verb::Import(arguments) => import::run(&arguments, context),
        Verb::Check(arguments) => check::run(&arguments, context),
        Verb::Run(arguments) => run::run(&arguments, context).await,
        Verb::Agent(arguments) => agent::run(&arguments, context).await,
        Verb::Change(arguments) => match arguments.verb {
            ChangeVerb::Record(arguments) => change::record(&arguments, context).await,
            ChangeVerb::List(arguments) => change::list(&arguments, context).await,
            ChangeVerb::Show(arguments) => change::show(&arguments, context).await,
            ChangeVerb::Hooks(arguments) => hooks::list(&arguments, context).await,
            ChangeVerb::Place(arguments) => hooks::place(&arguments, context).await,
            ChangeVerb::Failed(arguments) => said::failed(&arguments, context).await,
            ChangeVerb::Note(arguments) => said::note(&arguments, context).await,
        },
        Verb::Slo(arguments) => slo::run(&arguments, context).await,
        Verb::Delivery(arguments) => delivery::run(&arguments, context).await,
        Verb::Gate(arguments) => gate::run(&arguments, context).await,
        Verb::Rollback(arguments) => rollback::run(&arguments, context).await,
        Verb::Report(arguments) => report::run(&arguments, context).await,
        Verb::Notify(arguments) => notify::run(&arguments, context).await,
        Verb::Findings(arguments) => findings::run(&arguments, context).await,
        Verb::Outbox(arguments) => outbox::run(&arguments, context).await,
        Verb::Backtest(arguments) => backtest::verb(&arguments, context).await,
        Verb::Schema(arguments) => schema::run(&arguments),
        Verb::Simulate(arguments) => simulate::run(&arguments, context),
        Verb::GuardBrowser(_) => Err(Failed::new(Exit::Bug, "the guard has no runtime of ours")),
    }
}

fn init_verb(arguments: &args::InitArguments, context: &Context) -> Result<Exit, Failed> {
    let dir = arguments.dir.as_deref().unwrap_or(&context.config);
    let written = init::run(dir).map_err(|e| {
        let exit = match &e {
            init::InitError::Exists(_) => Exit::Usage,
            init::InitError::Unwritable { .. } => Exit::Trouble,
        };
        Failed::new(exit, e)
    })?;
    for path in written {
        say(&format!("wrote {}\n", path.display()))?;
    }
    let dir = dir.display().to_string();
    let dir = if dir.contains(' ') { format!("'{dir}'") } else { dir };
    say(&format!(
        "\nNext:\n  wayfarer check -c {dir}\n  wayfarer agent -c {dir}\n  wayfarer run -c {dir}    (while the agent is up: the first journey asks it)\n"
    ))?;
    Ok(Exit::Good)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the command is the only reader of environment variables"
)]
fn context(arguments: &Arguments) -> Context {
    use std::io::IsTerminal;
    let variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
        .collect();
    let terminal = std::io::stdout().is_terminal();
    let plain = variables.get("NO_COLOR").is_some_and(|v| !v.is_empty())
        || variables.get("TERM").is_some_and(|v| v == "dumb");
    let width = console_width(terminal);
    Context {
        config: arguments.config.clone(),
        variables,
        clock: crate::clock::Clock,
        colour: terminal && !plain,
        width,
    }
}

fn console_width(terminal: bool) -> usize {
    let columns = rustix::termios::tcgetwinsize(std::io::stdout()).map_or(0, |size| size.ws_col);
    if terminal && columns > 0 { usize::from(columns) } else { 80 }
}

/// Writes to standard output. A reader that has gone away is nobody's fault; a full disk is trouble.
fn say(text: &str) -> Result<(), Failed> {
    use std::io::{ErrorKind as Io, Write};
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != Io::BrokenPipe => {
            Err(Failed::new(Exit::Trouble, format!("standard output cannot be written: {e}")))
        }
        _ => Ok(()),
    }
}

fn end(failed: Failed) -> ExitCode {
    use std::io::Write;
    if !failed.message.is_empty() {
        let text = failed.message.trim_end();
        drop(writeln!(std::io::stderr(), "{text}"));
    }
    failed.exit.into()
}
