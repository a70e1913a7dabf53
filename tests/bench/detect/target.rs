//! What each row is to reach.

use wayfarer::model::Conclusion;

use crate::{
    figures::{Share, quantile},
    outcome::About,
    row::Row,
};

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
            // Four changes on average: what is promised is promised of each.
            ("null-overlap", _) => Self::False(4.0, 2.0),
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

    /// The target in words, and what of it is missed: for certain, or (with a question mark) as far as so few cases can say.
    pub(crate) fn held_against(self, row: &Row) -> String {
        let mut held = Held::default();
        let (s, r) = (row.suspected(), row.regressed());
        let words = match self {
            Self::Open => return String::new(),
            Self::False(most_s, most_r) => {
                held.at_most("S", s, most_s);
                held.at_most("R", r, most_r);
                format!("<={most_s}/{most_r}")
            }
            Self::Found(want_s, want_r) => {
                let s = held.found("S", s, &row.delays_s, want_s);
                format!(">={s}/{}", held.found("R", r, &row.delays_r, want_r))
            }
            Self::Within(least, seconds) => {
                let share = row.within(seconds);
                held.at_least(&share.short(), share, least);
                format!(">={least} in {:.0} h", seconds / 3600.0)
            }
            Self::Ends(least, most) => {
                let ended = row.ended(Conclusion::Transient);
                held.at_least(&ended.short(), ended, least);
                held.at_most("R", r, most);
                format!("end >={least}, R {most}")
            }
        };
        if held.missed.is_empty() {
            format!("{words} ok")
        } else {
            format!("{words} MISS {}", held.missed.join(", "))
        }
    }
}

/// What is missed.
#[derive(Default)]
struct Held {
    missed: Vec<String>,
}

impl Held {
    fn at_most(&mut self, name: &str, share: Share, most: f64) {
        self.check(name, 100.0 * share.value() <= most, 100.0 * share.bounds().0 > most);
    }

    fn at_least(&mut self, name: &str, share: Share, least: f64) {
        self.check(name, 100.0 * share.value() >= least, 100.0 * share.bounds().1 < least);
    }

    fn check(&mut self, name: &str, ok: bool, certain: bool) {
        if !ok {
            self.missed.push(format!("{name}{}", if certain { "" } else { "?" }));
        }
    }

    fn found(&mut self, name: &str, share: Share, delays: &[f64], want: Option<Power>) -> String {
        let Some((least, most)) = want else { return "-".to_owned() };
        self.at_least(name, share, least);
        let Some(most) = most else { return least.to_string() };
        let median = quantile(delays, 0.5).unwrap_or(f64::INFINITY);
        self.check(&format!("{name} delay"), median <= most, true);
        format!("{least}@{most}")
    }
}
