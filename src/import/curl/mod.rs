//! `curl` command lines: as browsers copy them (for `bash` and for `cmd.exe`) and as documentation has them.

mod options;
mod request;
mod words;

use super::{
    draft::{Draft, MOST_STEPS},
    fault::ImportError,
    formats::Importer,
    imported::Options,
    text::Text,
};
use options::Said;
pub(super) use request::{pinned, proxy_url};

pub(super) const IMPORTER: Importer = Importer { name: "curl", detects, read };

fn detects(_: &str, head: &str) -> bool {
    let first = head.trim_start_matches(['$', '>', '%', ' ']);
    let word = first.split_whitespace().next().unwrap_or_default();
    let program = word.rsplit(['/', '\\']).next().unwrap_or_default();
    matches!(program, "curl" | "curl.exe")
}

fn read(text: &str, _: &Options) -> Result<Draft, ImportError> {
    let script = words::read(text);
    let mut draft = Draft { origin: "curl".to_owned(), ..Draft::default() };
    for ignored in script.ignored {
        draft.unsupported(ignored, "only `curl` itself is read, no shell is run");
    }
    let mut commands = 0;
    for command in &script.commands {
        let Some(arguments) = arguments(command) else {
            let program = command.first().map(Text::shown).unwrap_or_default();
            let program: String = program.chars().take(40).collect();
            if !program.contains('=') {
                draft.left_out(format!("`{program}`"), "is not curl");
            }
            continue;
        };
        commands += 1;
        for said in Said::read(arguments, &mut draft) {
            if draft.steps.len() >= MOST_STEPS {
                draft.left_out(format!("command {commands}"), "beyond the first 200 steps");
                continue;
            }
            request::steps(said, &mut draft);
        }
    }
    if commands == 0 {
        return Err(ImportError::Broken {
            format: "a curl command",
            reason: "no command begins with `curl`".to_owned(),
        });
    }
    Ok(draft)
}

/// The words behind `curl`, if that is the program.
fn arguments(command: &[Text]) -> Option<&[Text]> {
    let at = command.iter().position(|word| {
        let word = word.as_plain().unwrap_or_default();
        // Prompts, variables for the command alone, and programs that run another.
        let before =
            matches!(word, "$" | "%" | ">" | "sudo" | "time" | "env") || word.contains('=');
        !before
    })?;
    let program = command[at].as_plain()?.rsplit(['/', '\\']).next()?;
    matches!(program, "curl" | "curl.exe").then(|| &command[at + 1..])
}
