//! `matrix`: one file, several journeys.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    config::{
        page::Note,
        reader::Reader,
        settings::variable_name,
        value::{At, Entry},
    },
    model::{JourneyName, Variant},
};

/// Most journeys that one file may become.
const MOST: usize = 100;

/// The variables of a matrix with their values, in the order of the file.
pub(super) type Matrix = Vec<(String, Vec<String>)>;

/// Lowers the table; its names join those of `vars`.
pub(super) fn lower(top: &Reader<'_>, vars: &mut BTreeSet<String>) -> Option<Matrix> {
    let entry = top.take("matrix")?;
    let mut matrix = Vec::new();
    for axis in entry.table("matrix")?.entries() {
        let name = variable_name(&axis);
        if !vars.insert(axis.key.to_owned()) {
            let message = format!("`{}` is both in `vars` and in `matrix`", axis.key);
            let note = Note::new(axis.key_span.clone(), message).label("also in `vars`");
            axis.page.note(note.help("remove it from `vars`"));
        }
        if let (Some(name), Some(values)) = (name, values(&axis)) {
            matrix.push((name, values));
        }
    }
    let several: usize =
        matrix.iter().fold(1, |product, (_, values)| product.saturating_mul(values.len()));
    if several > MOST {
        let message = format!("the matrix makes {several} journeys, more than {MOST}");
        return entry.refuse(entry.fault(message).label("too many"));
    }
    Some(matrix)
}

fn values(axis: &Entry<'_>) -> Option<Vec<String>> {
    let items = axis.elements("a list of values")?;
    if items.is_empty() {
        let note = axis.fault(format!("`{}` is empty: there would be no journey", axis.key));
        return axis.refuse(note.label("no values"));
    }
    let mut values: Vec<String> = Vec::new();
    for item in &items {
        let Some(value) = item.scalar() else { continue };
        if value.value.contains("{{") {
            let note = item.fault(format!("`{}` holds a template", axis.key));
            axis.page.note(note.label("would not be filled in").help("values are plain texts"));
        } else if values.iter().any(|known| short(known) == short(&value.value)) {
            let message =
                format!("two journeys of the matrix would be called alike: `{}`", value.value);
            axis.page.note(item.fault(message).label("again"));
        } else if short(&value.value).is_empty() {
            let note = item.fault(format!("`{}` gives a journey no name", value.value));
            axis.page.note(note.label("no letter or digit in it"));
        } else {
            values.push(value.value);
        }
    }
    Some(values)
}

/// The journeys of a matrix: the name of each, and its variables. One without a matrix is itself.
pub(super) fn variants(
    name: &At<String>,
    matrix: Option<&Matrix>,
) -> Vec<(String, Option<Variant>)> {
    let Some(matrix) = matrix.filter(|matrix| !matrix.is_empty()) else {
        return vec![(name.value.clone(), None)];
    };
    let mut all: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for (axis, values) in matrix {
        let longer = |before: &Vec<(String, String)>| {
            let before = before.clone();
            values.iter().map(move |value| {
                let mut row = before.clone();
                row.push((axis.clone(), value.clone()));
                row
            })
        };
        all = all.iter().flat_map(longer).collect();
    }
    let of = JourneyName::from(name.value.as_str());
    let variant = |values: Vec<(String, String)>| {
        let parts: Vec<String> = values.iter().map(|(_, value)| short(value)).collect();
        (format!("{}-{}", name.value, parts.join("-")), Some(Variant { of: of.clone(), values }))
    };
    all.into_iter().map(variant).collect()
}

/// The variables of one journey: those of the file and its own of the matrix.
pub(super) fn vars(
    vars: &BTreeMap<String, String>,
    variant: Option<&Variant>,
) -> BTreeMap<String, String> {
    let own = variant.map(|variant| variant.values.clone()).unwrap_or_default();
    vars.clone().into_iter().chain(own).collect()
}

/// A value as a piece of a name: whatever a name cannot have becomes `-`.
fn short(value: &str) -> String {
    let fit = |c: char| if c.is_alphanumeric() || "._".contains(c) { c } else { '-' };
    let text: String = value.chars().map(fit).take(40).collect();
    text.trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_is_a_journey() {
        let matrix = vec![
            ("country".to_owned(), vec!["de".to_owned(), "fr".to_owned()]),
            ("device".to_owned(), vec!["a phone".to_owned(), "x/1".to_owned()]),
        ];
        let name = At { value: "checkout".to_owned(), span: 0..0 };
        let names: Vec<String> =
            variants(&name, Some(&matrix)).into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            ["checkout-de-a-phone", "checkout-de-x-1", "checkout-fr-a-phone", "checkout-fr-x-1"]
        );
        assert_eq!(variants(&name, None), [("checkout".to_owned(), None)]);
    }
}
