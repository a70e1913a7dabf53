//! Every metric there is, whether it has a series just now or not: what dashboards and rules may ask for.

use super::{
    agent, browser, changes, delivery,
    family::{Family, Kind},
    hooks, kubernetes, pipelines, runs, slo,
};

/// A metric as it is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    /// Its name; the series of a histogram have `_bucket`, `_sum` and `_count` behind it.
    pub name: &'static str,
    /// What it is, for people.
    pub help: &'static str,
    /// The names of its labels, without `le`.
    pub labels: &'static [&'static str],
    /// Whether it is a histogram.
    pub histogram: bool,
}

/// All of them, by name.
pub fn declared() -> Vec<Declared> {
    let lists: [&[&Family]; 9] = [
        &agent::FAMILIES,
        &browser::FAMILIES,
        &changes::FAMILIES,
        &delivery::FAMILIES,
        &hooks::FAMILIES,
        &kubernetes::FAMILIES,
        &pipelines::FAMILIES,
        runs::OF_A_JOURNEY,
        &slo::FAMILIES,
    ];
    let declared = |family: &&Family| Declared {
        name: family.name,
        help: family.help,
        labels: family.labels,
        histogram: matches!(family.kind, Kind::Histogram(_)),
    };
    let mut all: Vec<Declared> = lists.into_iter().flatten().map(declared).collect();
    all.sort_by_key(|one| one.name);
    all
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn no_metric_is_forgotten() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/export");
        let mut written = BTreeSet::new();
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|end| end != "rs") {
                continue;
            }
            let code = fs::read_to_string(path).unwrap();
            let names = code.split("name: \"").skip(1).filter_map(|rest| rest.split('"').next());
            let ours = |name: &&str| name.starts_with("wayfarer_") || name.starts_with("probe_");
            written.extend(names.filter(ours).map(str::to_owned));
        }
        let known: BTreeSet<String> = declared().iter().map(|one| one.name.to_owned()).collect();
        assert_eq!(known, written, "a family stands in no list of `declared`");
    }
}
