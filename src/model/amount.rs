//! Numbers of measures for people.

/// Values in one unit as text, all with the same decimals: as many as three digits of the largest need, and two for money.
pub fn amounts<const N: usize>(values: [f64; N], unit: Option<&str>) -> [String; N] {
    let largest = values.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
    let whole = values.iter().all(|v| v.fract() == 0.0);
    // ISO 4217 has three capital letters.
    let money = unit.is_some_and(|u| {
        ["€", "$", "£"].contains(&u) || (u.len() == 3 && u.bytes().all(|b| b.is_ascii_uppercase()))
    });
    let digits = if largest > 0.0 && largest.is_finite() { largest.log10().floor() } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 12")]
    let needed = (2.0 - digits).clamp(0.0, 12.0) as usize;
    let decimals = match (money, whole) {
        (true, _) if largest >= 0.01 || whole => 2,
        (_, true) => 0,
        _ => needed,
    };
    // The largest numbers would fill a line with zeros.
    values.map(|v| if largest < 1e15 { format!("{v:.decimals$}") } else { format!("{v:e}") })
}

#[cfg(test)]
mod tests {
    use super::amounts;

    #[test]
    fn numbers_are_as_long_as_they_must_be() {
        for (values, unit, expected) in [
            ([12.0, 0.0], Some("EUR"), ["12.00", "0.00"]),
            ([12.0, 0.0], Some("rows"), ["12", "0"]),
            ([12.344, 0.5], None, ["12.3", "0.5"]),
            ([0.00321, 0.0], None, ["0.00321", "0.00000"]),
            ([1234.5, -7.0], None, ["1234", "-7"]),
            ([1e300, 1.0], None, ["1e300", "1e0"]),
            ([f64::NAN, f64::INFINITY], None, ["NaN", "inf"]),
        ] {
            assert_eq!(amounts(values, unit), expected.map(str::to_owned), "{values:?}");
        }
    }
}
