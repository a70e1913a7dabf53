//! What each row is to reach.

use crate::{figures::quantile, outcome::About, row::Row};

/// Least share found in percent, and most runs until half of that.
type Power = (f64, Option<f64>);

/// What a row is to reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// At most so many percent false: suspected, regressed.
    False(f64, f64),
    /// So much found: suspected, regressed.
    Found(Option<Power>, Option<Power>),
    /// So many percent suspected within so many seconds of the harm's begin.
    Within(f64, f64),
    /// At least so many percent end as `transient`, at most so many are ever regressed.
    Ends(f64, f64),
    /// Nothing was promised.
    Open,
}

impl Target {
    pub(crate) fn of(scenario: &str, about: About) -> Self {
        match (scenario, about) {
            ("null-short-memory9" | "null-short-bursts", _) => Self::False(1.0, 1.0),
            (_, About::Nothing) => Self::False(1.0, 0.5),
            (_, About::Transient) => Self::Ends(90.0, 0.0),
            ("step100", _) => Self::Found(Some((99.5, Some(5.0))), Some((99.5, Some(5.0)))),
            ("step50", _) => Self::Found(Some((99.5, Some(8.0))), Some((99.0, Some(10.0)))),
            ("step20", _) => Self::Found(Some((60.0, None)), Some((42.0, None))),
            ("step20-week", _) => Self::Found(Some((70.0, None)), Some((50.0, None))),
            ("success50", _) => Self::Found(Some((100.0, Some(3.0))), None),
            ("success90", _) => Self::Found(Some((94.0, Some(18.0))), None),
            ("success95", _) => Self::Found(Some((75.0, None)), Some((60.0, None))),
            ("slow-path", _) => Self::Within(95.0, 86_400.0),
            ("leak", _) => Self::Within(95.0, 3600.0),
            _ => Self::Open,
        }
    }

    /// The target in words, and what of it is missed.
    pub(crate) fn held_against(self, row: &Row) -> String {
        let mut missed = Vec::new();
        let mut check = |ok: bool, what: &str| {
            if !ok {
                missed.push(what.to_owned());
            }
        };
        let (s, r) = (100.0 * row.suspected().value(), 100.0 * row.regressed().value());
        let words = match self {
            Self::Open => return String::new(),
            Self::False(most_s, most_r) => {
                check(s <= most_s, "S");
                check(r <= most_r, "R");
                format!("<={most_s}/{most_r}")
            }
            Self::Found(want_s, want_r) => {
                let mut words = Vec::new();
                let pairs = [(want_s, s, &row.delays_s, "S"), (want_r, r, &row.delays_r, "R")];
                for (want, share, delays, name) in pairs {
                    let Some((least, most)) = want else {
                        words.push("-".to_owned());
                        continue;
                    };
                    check(share >= least, name);
                    let median = quantile(delays, 0.5).unwrap_or(f64::INFINITY);
                    check(most.is_none_or(|most| median <= most), &format!("{name} delay"));
                    words.push(match most {
                        Some(most) => format!("{least}@{most}"),
                        None => format!("{least}"),
                    });
                }
                format!(">={}", words.join("/"))
            }
            Self::Within(least, seconds) => {
                let share = 100.0 * row.within(seconds).value();
                check(share >= least, &format!("{share:.1}"));
                format!(">={least} in {:.0} h", seconds / 3600.0)
            }
            Self::Ends(least, most) => {
                let ended = 100.0 * row.ended(wayfarer::model::Conclusion::Transient).value();
                check(ended >= least, &format!("{ended:.1}"));
                check(r <= most, "R");
                format!("end >={least}, R {most}")
            }
        };
        if missed.is_empty() {
            format!("{words} ok")
        } else {
            format!("{words} MISS {}", missed.join(", "))
        }
    }
}
