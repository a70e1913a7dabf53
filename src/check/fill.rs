//! Predicates whose templates are filled.

use super::{
    assert::{Miss, Wording},
    date::read_date,
    describe::predicate as in_words,
    node::read_number,
};
use crate::model::{Limit, Literal, Predicate, Text};

/// The predicate with its templates filled.
pub(super) fn fill(predicate: &Predicate, wording: &impl Wording) -> Result<Predicate, Miss> {
    let miss = |actual: String| Miss { expected: in_words(predicate), actual };
    let text = |text: &Text| {
        if text.is_plain() {
            return Ok(text.clone());
        }
        wording
            .fill(text)
            .map(Text)
            .map_err(|fault| miss(format!("its template cannot be filled: {fault}")))
    };
    let literal = |literal: &Literal| match literal {
        Literal::Text(t) => text(t).map(Literal::Text),
        other => Ok(other.clone()),
    };
    let limit = |limit: &Limit| match limit {
        Limit::Text(template) => {
            let filled = text(template)?.0;
            read_number(&filled)
                .map(Limit::Number)
                .or_else(|| read_date(&filled).map(Limit::Date))
                .ok_or_else(|| {
                    miss(format!("its template gives \"{filled}\", which is no number and no date"))
                })
        }
        other => Ok(other.clone()),
    };
    Ok(match predicate {
        Predicate::Equals(l) => Predicate::Equals(literal(l)?),
        Predicate::Contains(t) => Predicate::Contains(text(t)?),
        Predicate::StartsWith(t) => Predicate::StartsWith(text(t)?),
        Predicate::EndsWith(t) => Predicate::EndsWith(text(t)?),
        Predicate::Above(l) => Predicate::Above(limit(l)?),
        Predicate::Below(l) => Predicate::Below(limit(l)?),
        Predicate::AtLeast(l) => Predicate::AtLeast(limit(l)?),
        Predicate::AtMost(l) => Predicate::AtMost(limit(l)?),
        Predicate::Between(low, high) => Predicate::Between(limit(low)?, limit(high)?),
        Predicate::OneOf(all) => {
            Predicate::OneOf(all.iter().map(literal).collect::<Result<_, _>>()?)
        }
        Predicate::Not(inner) => Predicate::Not(Box::new(fill(inner, wording)?)),
        other => other.clone(),
    })
}
