//! "Did you mean": the nearest of the words that would have been right.

/// Keys that people look for in another table than the one they stand in.
const HOMES: &[(&str, &str)] = &[
    ("url", "[step.http]"),
    ("method", "[step.http]"),
    ("headers", "[step.http]"),
    ("form", "[step.http]"),
    ("json", "[step.http]"),
    ("redirects", "[step.http] or [step.expect]"),
    ("status", "[step.expect]"),
    ("objective", "[slo]"),
    ("location", "[agent]"),
    ("listen", "[agent]"),
    ("window", "[watch] or [slo]"),
    ("every", "the top of a journey file"),
    ("cron", "the top of a journey file"),
];

/// The nearest of `known` to `word`, if any is near enough to be meant.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| {
            (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate)
        })
        .filter(|(distance, candidate)| {
            let longest = word.chars().count().max(candidate.chars().count());
            // A third of the letters may be wrong, and one of a short word.
            *distance <= (longest / 3).max(1) && *distance < longest
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// Advice for an unknown word: the nearest, or else all that would be right.
pub(super) fn advice<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(near) = nearest(word, known.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let mut all: Vec<&str> = known.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    (!all.is_empty()).then(|| format!("known here: {}", all.join(", ")))
}

/// Advice for an unknown key: a near one, the table where it belongs, or all keys of this table.
pub(super) fn key_advice(key: &str, known: &[&str]) -> Option<String> {
    let home = HOMES.iter().find(|(word, _)| *word == key).map(|(_, home)| *home);
    match (nearest(key, known.iter().copied()), home) {
        (Some(near), _) => Some(format!("did you mean `{near}`?")),
        (None, Some(home)) => Some(format!("`{key}` belongs in {home}")),
        // A predicate and its negation need not both be told.
        (None, None) => {
            let doubled =
                |word: &str| word.strip_prefix("not_").is_some_and(|w| known.contains(&w));
            let mut all: Vec<&str> = known.iter().copied().filter(|word| !doubled(word)).collect();
            if all.len() < known.len() {
                all.push("not_…");
            }
            advice(key, all)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["timeout", "url", "name", "every"];
        for (word, meant) in [
            ("timeot", Some("timeout")),
            ("Name", Some("name")),
            ("evry", Some("every")),
            ("ulr", Some("url")),
            ("xyz", None),
            ("environment", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
        assert_eq!(nearest("a", ["b"]), None);
        assert_eq!(advice("zzzz", ["b", "a"]).unwrap(), "known here: a, b");
        assert_eq!(advice("zzzz", []), None);
    }
}
