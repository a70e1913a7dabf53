//! Where a change belongs that does not say so itself.

use super::{Known, text::fits};
use crate::model::{Change, PlaceRule};

/// What came of placing a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placing {
    /// It says where it belongs.
    Placed,
    /// Nobody knows where: neither it, nor the hook, nor a rule.
    Unplaced,
    /// A rule says that it is none of ours.
    Dropped,
}

/// Fills in what a change lacks: rules that replace first, then the defaults of its hook, then the other rules, then the only
/// environment there is. Without an environment it would be watched everywhere, so it is not placed.
pub fn place(change: &mut Change, known: &Known, rules: &[PlaceRule]) -> Placing {
    let fitting: Vec<&PlaceRule> = rules.iter().filter(|rule| holds(rule, change)).collect();
    if fitting.iter().any(|rule| rule.ignore) {
        return Placing::Dropped;
    }
    for rule in fitting.iter().filter(|rule| rule.replace) {
        if let Some(service) = &rule.service {
            change.services = vec![service.clone()];
        }
        if let Some(environment) = &rule.environment {
            change.environments = vec![environment.clone()];
        }
    }
    if change.services.is_empty() {
        change.services.extend(known.defaults.service.clone());
    }
    if change.environments.is_empty() {
        change.environments.extend(known.defaults.environment.clone());
    }
    for rule in fitting {
        if change.services.is_empty() {
            change.services.extend(rule.service.clone());
        }
        if change.environments.is_empty() {
            change.environments.extend(rule.environment.clone());
        }
    }
    if change.environments.is_empty() {
        change.environments.extend(known.only_environment().cloned());
    }
    if change.environments.is_empty() { Placing::Unplaced } else { Placing::Placed }
}

/// Whether everything that a rule asks for is so.
fn holds(rule: &PlaceRule, change: &Change) -> bool {
    rule.when.iter().all(|(field, pattern)| {
        let one = |value: Option<&str>| fits(pattern, value.unwrap_or_default());
        match field.as_str() {
            // A hook may have another name than its sender, with which ids begin.
            "sender" => {
                let sender = change.id.as_str().split(':').next().unwrap_or_default();
                fits(pattern, &change.source) || fits(pattern, sender)
            }
            "hook" | "source" => one(Some(&change.source)),
            "kind" => one(Some(change.kind.as_str())),
            "service" => any(pattern, change.services.iter().map(|s| s.as_str())),
            "environment" => any(pattern, change.environments.iter().map(|e| e.as_str())),
            "version" => one(change.version.as_deref()),
            "commit" => any(pattern, change.commits.iter().map(|c| c.id.as_str())),
            "author" => one(change.author.as_deref()),
            "title" => one(change.title.as_deref()),
            "url" => one(change.url.as_deref()),
            "release" => one(change.release.as_deref()),
            "id" => one(Some(change.id.as_str())),
            label => one(change.labels.get(label).map(String::as_str)),
        }
    })
}

/// Whether one of several fits; with none of them, whether nothing at all does.
fn any<'t>(pattern: &str, texts: impl Iterator<Item = &'t str>) -> bool {
    let mut texts = texts.peekable();
    if texts.peek().is_none() {
        return fits(pattern, "");
    }
    texts.any(|text| fits(pattern, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ChangeKind, HookDefaults};

    fn change() -> Change {
        let mut change = Change::new("c".into(), ChangeKind::Flag, jiff::Timestamp::UNIX_EPOCH);
        change.source = "gitlab".to_owned();
        change.labels.insert("flag".to_owned(), "checkout-v2".to_owned());
        change
    }

    fn known(environments: &[&str], service: Option<&str>) -> Known {
        Known {
            defaults: HookDefaults { service: service.map(Into::into), ..HookDefaults::default() },
            environments: environments.iter().map(|e| (*e).into()).collect(),
            ..Known::default()
        }
    }

    fn rule(when: &[(&str, &str)]) -> PlaceRule {
        PlaceRule {
            when: when.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..PlaceRule::default()
        }
    }

    #[test]
    fn the_only_environment_is_meant() {
        let mut one = change();
        assert_eq!(place(&mut one, &known(&["production"], None), &[]), Placing::Placed);
        assert_eq!(one.environments, ["production".into()]);
        let two = known(&["production", "staging"], Some("shop"));
        let mut lost = change();
        assert_eq!(place(&mut lost, &two, &[]), Placing::Unplaced);
        assert_eq!(lost.services, ["shop".into()]);
    }

    #[test]
    fn rules_fill_replace_and_drop() {
        let two = known(&["production", "staging"], None);
        let flag = PlaceRule {
            service: Some("checkout".into()),
            environment: Some("production".into()),
            ..rule(&[("sender", "gitlab"), ("flag", "checkout-*")])
        };
        let mut one = change();
        assert_eq!(place(&mut one, &two, std::slice::from_ref(&flag)), Placing::Placed);
        assert_eq!(one.services, ["checkout".into()]);
        let mut said = change();
        said.environments = vec!["eu-1".into()];
        place(&mut said, &two, std::slice::from_ref(&flag));
        assert_eq!(said.environments, ["eu-1".into()]);
        place(&mut said, &two, &[PlaceRule { replace: true, ..flag.clone() }]);
        assert_eq!(said.environments, ["production".into()]);
        let drop = PlaceRule { ignore: true, ..rule(&[("kind", "flag")]) };
        assert_eq!(place(&mut change(), &two, &[drop]), Placing::Dropped);
        let other = PlaceRule { environment: Some("staging".into()), ..rule(&[("flag", "x*")]) };
        assert_eq!(place(&mut change(), &two, &[other]), Placing::Unplaced);
    }
}
