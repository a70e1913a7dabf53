//! Lengths of time as people say them.

/// A length of time in its two largest units: `45 s`, `12 min`, `3 h 20 min`, `5 d 4 h`.
pub fn length(seconds: f64) -> String {
    let seconds = if seconds.is_finite() { seconds.abs() } else { return "–".to_owned() };
    if seconds < 10.0 {
        return format!("{seconds:.1} s");
    }
    if seconds < 90.0 {
        return format!("{seconds:.0} s");
    }
    let pair = |large: f64, small: f64, (one, two): (&str, &str)| {
        let all = (seconds / small).round();
        let (whole, rest) = ((all * small / large).floor(), (all % (large / small)).round());
        if rest < 1.0 {
            format!("{whole:.0} {one}")
        } else {
            format!("{whole:.0} {one} {rest:.0} {two}")
        }
    };
    if seconds < 600.0 {
        pair(60.0, 1.0, ("min", "s"))
    } else if seconds < 5400.0 {
        format!("{:.0} min", seconds / 60.0)
    } else if seconds < 172_800.0 {
        pair(3600.0, 60.0, ("h", "min"))
    } else if seconds < 60.0 * 86_400.0 {
        pair(86_400.0, 3600.0, ("d", "h"))
    } else {
        format!("{:.0} d", seconds / 86_400.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_two_units_at_most() {
        for (seconds, text) in [
            (0.0, "0.0 s"),
            (4.25, "4.2 s"),
            (45.4, "45 s"),
            (90.0, "1 min 30 s"),
            (120.0, "2 min"),
            (1500.0, "25 min"),
            (7200.0, "2 h"),
            (12_000.0, "3 h 20 min"),
            (86_399.9, "24 h"),
            (446_400.0, "5 d 4 h"),
            (9e6, "104 d"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(length(seconds), text, "{seconds}");
        }
    }
}
