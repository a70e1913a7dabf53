//! Probes come at uneven times; the baseline wants one value an interval. Here times become rows.

use super::{Direction, Point, Tuning, robust};

/// Seconds of a day: seasons are daily.
const DAY_S: f64 = 86_400.0;
/// Days back that a season is learnt from.
pub(super) const SEASON_DAYS: usize = 7;
/// How fast the expected time of the next row follows the times seen: jitter is smoothed, drift is followed.
const FOLLOW: f64 = 0.3;
/// After a hole of more rows than this the next probe sets the beat anew.
const HOLE: f64 = 3.0;
/// A measured cadence nearer to the nominal one than this share is the nominal one.
const NOMINAL: f64 = 0.002;
/// Rows kept at most: a hostile time stamp must not fill the memory.
const ROWS_MAX: usize = 200_000;

/// What happened in one base interval.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Log of its milliseconds, sign turned for [`Direction::Better`]; NaN for none.
    pub(super) level: f64,
    /// Whether `level` may stand in a baseline.
    pub(super) good: bool,
    /// Whether it succeeded, where known.
    pub(super) ok: Option<bool>,
    /// Whether there was a probe at all.
    pub(super) probed: bool,
}

const HOLLOW: Row = Row { level: f64::NAN, good: false, ok: None, probed: false };

/// The history of a series, one row a base interval, oldest first; the last row is the interval right before the change.
#[derive(Debug, Clone)]
pub(super) struct History {
    pub(super) rows: Vec<Row>,
    /// The base interval as measured, in seconds.
    pub(super) step_s: f64,
    /// When the newest probe before the change was made, and how many intervals before the first row after the change.
    pub(super) newest: Option<(f64, f64)>,
    /// Rows of a day, where a day is many rows.
    pub(super) day: Option<usize>,
}

impl History {
    /// Lays the probes made before the change on rows.
    ///
    /// Denser probing (while an earlier change was watched) is thinned to the probe nearest to its row's time; missing
    /// probes leave hollow rows; a cadence other than the nominal one is measured and used.
    pub(super) fn lay(
        before: &[Point],
        change_at_s: f64,
        interval_s: f64,
        direction: Direction,
        tuning: &Tuning,
    ) -> Self {
        let nominal = sane_interval(interval_s);
        let mut points: Vec<&Point> =
            before.iter().filter(|p| p.at_s.is_finite() && p.at_s < change_at_s).collect();
        points.sort_by(|a, b| b.at_s.total_cmp(&a.at_s));
        let Some(newest) = points.first() else {
            return Self { rows: Vec::new(), step_s: nominal, newest: None, day: None };
        };
        let rough = measured_step(&points, nominal);
        let lead = ((change_at_s - newest.at_s) / rough - 0.1).ceil().clamp(1.0, ROWS_MAX as f64);
        let placed = place(&points, rough, lead as usize, rows_wanted(rough, tuning));
        let step_s = refined_step(&placed, rough, nominal);
        let len = placed.last().map_or(0, |(back, _)| *back);
        let mut rows = vec![HOLLOW; len];
        for (back, point) in &placed {
            let row = Row {
                level: point.level(direction),
                good: point.is_good(),
                ok: point.ok,
                probed: true,
            };
            rows[len - back] = row;
        }
        let newest = Some((newest.at_s, lead));
        Self { rows, step_s, newest, day: rows_of_day(step_s, tuning) }
    }

    /// The levels that may stand in a baseline, NaN elsewhere, of the last `count` rows.
    pub(super) fn good_levels(&self, count: usize) -> Vec<f64> {
        let from = self.rows.len().saturating_sub(count);
        self.rows[from..].iter().map(|r| if r.good { r.level } else { f64::NAN }).collect()
    }

    /// How many rows back the baseline reaches: `probes` probed rows, or all there are, but not over holes of days.
    pub(super) fn reach(&self, probes: usize) -> usize {
        let mut seen = 0;
        let mut reach = 0;
        for (back, row) in self.rows.iter().rev().take(4 * probes).enumerate() {
            if row.probed {
                seen += 1;
                reach = back + 1;
            }
            if seen == probes {
                break;
            }
        }
        reach
    }
}

/// An interval one can divide by.
pub(super) fn sane_interval(interval_s: f64) -> f64 {
    if interval_s.is_finite() && interval_s > 0.0 { interval_s.clamp(1e-3, 1e8) } else { 60.0 }
}

/// The usual gap of the series, leaving out gaps clearly shorter than the nominal interval (denser probing in watches): the
/// mean of those near the median, since the median alone leans to one side where jitter does.
fn measured_step(newest_first: &[&Point], nominal: f64) -> f64 {
    let gaps = newest_first.windows(2).map(|w| w[0].at_s - w[1].at_s);
    let gaps: Vec<f64> = gaps.filter(|gap| *gap >= 0.75 * nominal).collect();
    let middle = robust::median(&gaps);
    let near = |gap: &f64| (middle / 1.5..=middle * 1.5).contains(gap);
    let (usual, _) = robust::moments(&gaps.into_iter().filter(near).collect::<Vec<_>>());
    if middle.is_finite() && usual > 0.0 { sane_interval(usual) } else { nominal }
}

/// Rows that anything looks at.
fn rows_wanted(step_s: f64, tuning: &Tuning) -> usize {
    let days = SEASON_DAYS.max(7 * tuning.season_weeks);
    let season = days as f64 * DAY_S / step_s;
    let most = tuning.history.max(tuning.success_history) + tuning.success_pre;
    let reach =
        4 * tuning.baseline + tuning.season_half_widths.iter().max().copied().unwrap_or(0) + 1;
    (season as usize).min(ROWS_MAX).saturating_add(reach).max(most).min(ROWS_MAX)
}

/// Gives each probe its row, counted back from the change (1 is the row right before it), nearest first. Of several
/// probes in a row the one nearest to the row's time is kept.
fn place<'p>(
    newest_first: &[&'p Point],
    step_s: f64,
    lead: usize,
    most: usize,
) -> Vec<(usize, &'p Point)> {
    let Some((newest, older)) = newest_first.split_first() else { return Vec::new() };
    if lead > most {
        return Vec::new();
    }
    let mut placed = vec![(lead, *newest)];
    let (mut beat, mut back) = (newest.at_s, lead);
    let mut held: Option<(f64, f64, &Point)> = None;
    for &point in older {
        let mut distance = (beat - point.at_s) / step_s;
        if let Some((rows, _, kept)) = held.filter(|(rows, ..)| distance.round() > *rows) {
            let due = beat - rows * step_s;
            let follow = if rows > HOLE { 1.0 } else { FOLLOW };
            beat = due + follow * (kept.at_s - due);
            back += rows as usize;
            placed.push((back, kept));
            held = None;
            distance = (beat - point.at_s) / step_s;
        }
        let rows = distance.round();
        if rows > (most - back) as f64 {
            break;
        }
        let off = (distance - rows).abs();
        if rows >= 1.0 && held.is_none_or(|(_, least, _)| off < least) {
            held = Some((rows, off, point));
        }
    }
    if let Some((rows, _, kept)) = held {
        placed.push((back + rows as usize, kept));
    }
    placed
}

/// The cadence over the whole history: total time by total rows.
fn refined_step(placed: &[(usize, &Point)], rough: f64, nominal: f64) -> f64 {
    let (Some((near, newest)), Some((far, oldest))) = (placed.first(), placed.last()) else {
        return rough;
    };
    let rows = (far - near) as f64;
    let step = if rows >= 20.0 { (newest.at_s - oldest.at_s) / rows } else { rough };
    if (step / nominal - 1.0).abs() < NOMINAL { nominal } else { sane_interval(step) }
}

/// Rows of a day: only where the smoother is short against a day, and where rounding to whole rows is small against the
/// smoother even a week back.
fn rows_of_day(step_s: f64, tuning: &Tuning) -> Option<usize> {
    let exact = DAY_S / step_s;
    let half_width = tuning.season_half_widths[0] as f64;
    let drift = (exact - exact.round()).abs() * SEASON_DAYS as f64;
    let fits = exact >= 2.0 * (2.0 * half_width + 1.0) && drift <= half_width / 4.0;
    (fits && exact < ROWS_MAX as f64).then(|| exact.round() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(times: &[f64], change: f64, interval: f64) -> History {
        let points: Vec<_> = times
            .iter()
            .enumerate()
            .map(|(i, t)| Point::measured(*t, Some((i + 1) as f64), Some(true)))
            .collect();
        History::lay(&points, change, interval, Direction::Worse, &Tuning::default())
    }

    fn probed(history: &History) -> Vec<bool> {
        history.rows.iter().map(|r| r.probed).collect()
    }

    #[test]
    fn an_even_series_has_a_row_a_probe() {
        let times: Vec<f64> = (0..50).map(|i| f64::from(i) * 60.0).collect();
        for late in [1e-3, 30.0, 60.0] {
            let history = history(&times, 49.0 * 60.0 + late, 60.0);
            assert_eq!(probed(&history), [true; 50], "{late}");
            assert_eq!((history.step_s, history.day), (60.0, Some(1440)));
        }
    }

    #[test]
    fn a_drifting_jittered_series_has_a_row_a_probe() {
        // 30.9 s at a nominal 30 s, whole seconds, jittered.
        let times: Vec<f64> = (0..2000)
            .map(|i| (f64::from(i) * 30.9 + f64::from(i * 37 % 11) - 5.0).floor())
            .collect();
        let history = history(&times, 2000.0 * 30.9, 30.0);
        assert_eq!(probed(&history), [true; 2000]);
        assert!((history.step_s - 30.9).abs() < 0.02, "{}", history.step_s);
    }

    #[test]
    fn holes_are_hollow_and_bursts_are_thinned() {
        let mut times: Vec<f64> = (0..40).map(|i| f64::from(i) * 60.0).collect();
        times.retain(|t| !(600.0..=900.0).contains(t)); // rows 10 to 15 are missing
        times.extend((0..60).map(|i| 1200.0 + f64::from(i) * 10.0)); // 10 min of a probe each 10 s
        let history = history(&times, 2390.0, 60.0);
        let expected: Vec<bool> = (0..40).map(|i| !(10..=15).contains(&i)).collect();
        assert_eq!(probed(&history), expected);
        assert_eq!(history.reach(180), 40);
        assert_eq!(history.reach(5), 5);
    }

    #[test]
    fn a_series_sparser_than_said_keeps_its_own_rows() {
        let times: Vec<f64> = (0..30).map(|i| f64::from(i) * 300.0).collect();
        let history = history(&times, 29.0 * 300.0 + 10.0, 60.0);
        assert_eq!(probed(&history), [true; 30]);
    }

    #[test]
    fn a_day_counts_only_when_it_is_many_rows() {
        let day = |step| rows_of_day(step, &Tuning::default());
        assert_eq!(day(60.0), Some(1440));
        assert_eq!(day(30.9), Some(2796));
        assert_eq!(day(3600.0), None);
        assert_eq!(day(1e-3), None);
    }

    #[test]
    fn hostile_times_fill_nothing() {
        let times = [f64::NAN, f64::INFINITY, -1e300, 0.0, 0.0, 0.0, 1e9, 1e300];
        for (change, interval) in
            [(1e9 + 1.0, 60.0), (f64::MAX, 0.0), (f64::NAN, -5.0), (1.0, 1e-300)]
        {
            assert!(history(&times, change, interval).rows.len() <= ROWS_MAX);
        }
    }
}
