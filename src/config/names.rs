//! What names may look like.

/// What a name is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameOf {
    /// Journey, environment, location, token: they stand in addresses, labels and files.
    Thing,
    /// A service, which may be written as in a repository: `shop/payments`.
    Service,
    /// A step: a few words.
    Step,
    /// A variable, secret or capture: what handlebars takes as one name.
    Variable,
}

/// Longest name, in characters.
pub(super) const LONGEST: usize = 100;

/// The rule as a pattern of ECMA-262 with Unicode properties, for editors: at least as wide as [`fault`], which decides.
pub(super) fn pattern(kind: NameOf) -> &'static str {
    match kind {
        NameOf::Thing => "^[\\p{L}\\p{M}\\p{N}\\p{So}][\\p{L}\\p{M}\\p{N}\\p{So}._-]*$",
        NameOf::Service => "^[\\p{L}\\p{M}\\p{N}\\p{So}][\\p{L}\\p{M}\\p{N}\\p{So}._/:@-]*$",
        NameOf::Step => "^\\S(.*\\S)?$",
        NameOf::Variable => "^[A-Za-z_][A-Za-z0-9_]*$",
    }
}

/// What is wrong with a name, if anything.
pub(super) fn fault(kind: NameOf, name: &str) -> Option<&'static str> {
    let first = name.chars().next()?;
    let all = |ok: &dyn Fn(char) -> bool| name.chars().all(ok);
    let good = match kind {
        NameOf::Thing => {
            first.is_alphanumeric() && all(&|c| c.is_alphanumeric() || "._-".contains(c))
        }
        NameOf::Service => {
            first.is_alphanumeric() && all(&|c| c.is_alphanumeric() || "._-/:@".contains(c))
        }
        NameOf::Step => all(&|c| !c.is_control()) && name.trim() == name,
        NameOf::Variable => {
            (first.is_ascii_alphabetic() || first == '_')
                && all(&|c| c.is_ascii_alphanumeric() || c == '_')
        }
    };
    if name.chars().count() > LONGEST {
        return Some("a name has at most 100 characters");
    }
    (!good).then_some(match kind {
        NameOf::Thing => "letters, digits, `.`, `_` and `-`, beginning with a letter or digit",
        NameOf::Service => {
            "letters, digits, `.`, `_`, `-`, `/`, `:` and `@`, beginning with a letter or digit"
        }
        NameOf::Step => "no control characters, no space at either end",
        NameOf::Variable => "letters, digits and `_`, not beginning with a digit",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (kind, name, good) in [
            (NameOf::Thing, "checkout", true),
            (NameOf::Thing, "check-out_2.x", true),
            (NameOf::Thing, "prüfung", true),
            (NameOf::Thing, "check out", false),
            (NameOf::Thing, "../x", false),
            (NameOf::Thing, "a\"b", false),
            (NameOf::Service, "shop/payments", true),
            (NameOf::Service, "/payments", false),
            (NameOf::Step, "open login page", true),
            (NameOf::Step, " open", false),
            (NameOf::Step, "a\nb", false),
            (NameOf::Variable, "base_url", true),
            (NameOf::Variable, "a-b", false),
            (NameOf::Variable, "2a", false),
        ] {
            assert_eq!(fault(kind, name).is_none(), good, "{kind:?} {name:?}");
            let pattern = regex::Regex::new(pattern(kind)).unwrap();
            assert!(!good || pattern.is_match(name), "{kind:?} {name:?}");
        }
        assert!(fault(NameOf::Step, &"x".repeat(101)).is_some());
    }
}
