//! Predicates that cannot hold together.

use serde_json::Value;

use crate::{
    check::{
        describe::predicate as in_words,
        hold::{holds, peel},
        node::{Node, read_number},
    },
    model::{Limit, Literal, Predicate, Type},
};

/// Why predicates cannot hold together. `whole` says that the value is a whole number; `any`, that there may be several values of which one
/// may do what the first predicate asks for and another what the second does.
pub(super) fn contradiction(predicates: &[Predicate], whole: bool, any: bool) -> Option<String> {
    use Predicate as P;
    let exists = |wanted| predicates.contains(&P::Exists(wanted));
    let empty = |wanted| predicates.contains(&P::IsEmpty(wanted));
    if exists(false) && predicates.iter().any(|p| !matches!(p, P::Exists(false) | P::IsEmpty(true)))
    {
        return Some("what does not exist has no value to compare".to_owned());
    }
    if empty(true) && empty(false) {
        return Some("nothing is both empty and not empty".to_owned());
    }
    if any {
        return None;
    }
    opposed(predicates).or_else(|| narrow(predicates, whole)).or_else(|| {
        let equal = predicates.iter().find_map(|predicate| match predicate {
            P::Equals(literal) => Some((predicate, literal)),
            _ => None,
        });
        let (equals, literal) = equal?;
        let other = predicates.iter().find(|other| *other != equals && excludes(literal, other))?;
        both(equals, other)
    })
}

fn both(a: &Predicate, b: &Predicate) -> Option<String> {
    Some(format!("nothing is both `{}` and `{}`", in_words(a), in_words(b)))
}

/// One predicate and its opposite, or two types that no value has.
fn opposed(predicates: &[Predicate]) -> Option<String> {
    use Predicate as P;
    for (at, first) in predicates.iter().enumerate() {
        for second in &predicates[at + 1..] {
            let opposite = match (first, second) {
                (P::Not(inner), other) | (other, P::Not(inner)) => **inner == *other,
                (P::Is(a), P::Is(b)) => !together(*a, *b),
                _ => false,
            };
            if opposite {
                return both(first, second);
            }
        }
    }
    None
}

/// Whether a value may have both types. Text without a type of its own may read as anything but a list, an object or null.
fn together(a: Type, b: Type) -> bool {
    let made = |kind| matches!(kind, Type::List | Type::Object | Type::Null);
    let number = |kind| matches!(kind, Type::Number | Type::Integer);
    let spelt = |kind| matches!(kind, Type::Boolean | Type::Date | Type::Uuid);
    a == b
        || !(made(a)
            || made(b)
            || (number(a) && spelt(b))
            || (number(b) && spelt(a))
            || (spelt(a) && spelt(b)))
}

/// Whether what is equal to a literal cannot satisfy another predicate. Only said where every value that is equal gives the same answer.
fn excludes(literal: &Literal, other: &Predicate) -> bool {
    use Predicate as P;
    let plain = |literal: &Literal| !matches!(literal, Literal::Text(text) if !text.is_plain());
    if !plain(literal) {
        return false;
    }
    let (positive, _) = peel(other);
    let told = match positive {
        P::Equals(other) => plain(other) && same_type(literal, other),
        P::OneOf(all) => all.iter().all(|other| plain(other) && same_type(literal, other)),
        P::Contains(text) | P::StartsWith(text) | P::EndsWith(text) => {
            text.is_plain() && matches!(literal, Literal::Text(_))
        }
        P::Matches(_) => matches!(literal, Literal::Text(_)),
        P::Above(l) | P::Below(l) | P::AtLeast(l) | P::AtMost(l) => is_number(l),
        P::Between(low, high) => is_number(low) && is_number(high),
        _ => false,
    };
    told && equals_of(literal).iter().all(|node| holds(other, node) == Ok(false))
}

fn is_number(limit: &Limit) -> bool {
    matches!(limit, Limit::Number(_))
}

fn same_type(a: &Literal, b: &Literal) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

/// Values that are equal to a literal, one of each type.
fn equals_of(literal: &Literal) -> Vec<Node> {
    match literal {
        Literal::Number(number) => vec![Node::Number(*number)],
        Literal::Bool(truth) => vec![Node::Json(Value::Bool(*truth))],
        Literal::Text(text) => {
            let mut all = vec![Node::Text(text.0.clone())];
            all.extend(read_number(&text.0).map(Node::Number));
            let json = serde_json::from_str::<Value>(&text.0).ok();
            all.extend(json.filter(|v| v.is_array() || v.is_object()).map(Node::Json));
            all
        }
    }
}

/// A limit as (value, whether the value itself is excluded, the predicate).
type Bound<'a> = (f64, bool, &'a Predicate);

/// A limit and whether it is itself excluded.
type Edge<'a> = Option<(&'a Limit, bool)>;

/// Limits with nothing between them.
fn narrow(predicates: &[Predicate], whole: bool) -> Option<String> {
    use Predicate as P;
    let (mut low, mut high): (Option<Bound<'_>>, Option<Bound<'_>>) = (None, None);
    let mut kinds = Vec::new();
    for predicate in predicates {
        let (positive, negated) = peel(predicate);
        let (from, to): (Edge<'_>, Edge<'_>) = match (positive, negated) {
            (P::Above(l), false) | (P::AtMost(l), true) => (Some((l, true)), None),
            (P::AtLeast(l), false) | (P::Below(l), true) => (Some((l, false)), None),
            (P::Below(l), false) | (P::AtLeast(l), true) => (None, Some((l, true))),
            (P::AtMost(l), false) | (P::Above(l), true) => (None, Some((l, false))),
            (P::Between(a, b), false) => (Some((a, false)), Some((b, false))),
            (P::Equals(Literal::Number(n)), false) => {
                tighten(&mut low, (*n, false, predicate), false);
                tighten(&mut high, (*n, false, predicate), true);
                continue;
            }
            _ => continue,
        };
        for ((limit, strict), upper) in
            from.map(|f| (f, false)).into_iter().chain(to.map(|t| (t, true)))
        {
            let Some((kind, value)) = value_of(limit) else { continue };
            kinds.push(kind);
            let slot = if upper { &mut high } else { &mut low };
            tighten(slot, (value, strict, predicate), upper);
        }
    }
    // A number and a date are not on one line.
    if kinds.windows(2).any(|pair| pair[0] != pair[1]) {
        return None;
    }
    let ((l, l_strict, a), (h, h_strict, b)) = (low?, high?);
    let between = if whole {
        let first = if l_strict { l.floor() + 1.0 } else { l.ceil() };
        let last = if h_strict { h.ceil() - 1.0 } else { h.floor() };
        first <= last
    } else {
        l < h || (l <= h && !l_strict && !h_strict)
    };
    if between { None } else { both(a, b) }
}

fn tighten<'a>(slot: &mut Option<Bound<'a>>, bound: Bound<'a>, upper: bool) {
    let tighter = slot.is_none_or(|(old, old_strict, _)| {
        let further = if upper { bound.0 < old } else { bound.0 > old };
        #[expect(clippy::float_cmp, reason = "limits as written")]
        let same = bound.0 == old;
        further || (same && bound.1 && !old_strict)
    });
    if tighter {
        *slot = Some(bound);
    }
}

/// A limit on the line of its kind.
#[expect(clippy::cast_precision_loss, reason = "microseconds of any year that is written fit")]
fn value_of(limit: &Limit) -> Option<(u8, f64)> {
    match limit {
        Limit::Number(number) => Some((0, *number)),
        Limit::Time(time) => Some((1, time.as_secs_f64())),
        Limit::Date(date) => Some((2, date.as_microsecond() as f64)),
        Limit::Text(_) => None,
    }
}
