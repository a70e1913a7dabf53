//! What is measured, as the command line says.

use wayfarer::simulate::{self, Scenario};

/// What is measured.
pub(crate) struct Arguments {
    /// Cases of each scenario.
    pub(crate) seeds: usize,
    /// Which million of seeds. Those below 100 are for tuning; what is reported comes from others.
    pub(crate) salt: u64,
    /// Parts of the names of the scenarios wanted; all where there is none.
    only: Vec<String>,
    /// Tables in Markdown.
    pub(crate) markdown: bool,
}

const USAGE: &str =
    "cargo bench --bench detect -- [--seeds N] [--salt N] [--only PART,PART] [--markdown]";

impl Arguments {
    /// Reads the arguments of this process; none when it is not to measure at all.
    pub(crate) fn read() -> Result<Option<Self>, String> {
        let mut words = std::env::args().skip(1);
        let mut read = Self { seeds: 1000, salt: 1000, only: Vec::new(), markdown: false };
        let mut bench = false;
        while let Some(word) = words.next() {
            let mut number = || {
                let value = words.next().and_then(|v| v.parse::<u64>().ok());
                value.ok_or_else(|| format!("{word} wants a number\n{USAGE}"))
            };
            match word.as_str() {
                // `cargo test --all-targets` starts benches too, without this word.
                "--bench" => bench = true,
                "--seeds" => read.seeds = usize::try_from(number()?).unwrap_or(1000).max(1),
                "--salt" => read.salt = number()?,
                "--markdown" => read.markdown = true,
                "--only" => {
                    let parts =
                        words.next().ok_or_else(|| format!("--only wants names\n{USAGE}"))?;
                    read.only = parts.split(',').map(str::to_owned).collect();
                }
                other => return Err(format!("unknown argument `{other}`\n{USAGE}")),
            }
        }
        Ok(bench.then_some(read))
    }

    /// The scenarios wanted.
    pub(crate) fn scenarios(&self) -> Vec<&'static Scenario> {
        let wanted =
            |name: &str| self.only.is_empty() || self.only.iter().any(|p| name.contains(p));
        simulate::scenarios().filter(|s| wanted(s.name)).collect()
    }

    /// Whether everything is measured, and with it what is no scenario.
    pub(crate) fn whole(&self) -> bool {
        self.only.is_empty()
    }

    /// Whether the recorded histories are wanted.
    pub(crate) fn recorded(&self) -> bool {
        self.whole() || self.only.iter().any(|p| p == "recorded")
    }

    /// Whether the costs are wanted.
    pub(crate) fn cost(&self) -> bool {
        self.whole() || self.only.iter().any(|p| p == "cost")
    }
}
