//! From burn rates to findings: opened while a budget burns, closed once it no longer does.

use jiff::{SignedDuration, Timestamp};

use super::decide::{Decision, Reason, fresh_id, recovered, renewed};
use crate::model::{Finding, FindingKind, FindingState, Metric, Part, SeriesKey};

/// The text of an open finding is not renewed more often.
const RENEWED: SignedDuration = SignedDuration::from_mins(15);

/// What is known of one budget at one urgency.
#[derive(Debug, Clone, PartialEq)]
pub struct Burning {
    /// Whose budget.
    pub series: SeriesKey,
    /// How soon it is gone.
    pub kind: FindingKind,
    /// It burns fast enough to tell people.
    pub fires: bool,
    /// It no longer does.
    pub over: bool,
    /// When it began, as far as is known.
    pub began_at: Option<Timestamp>,
    /// A sentence for people.
    pub summary: String,
}

/// What that means for the finding of its series and kind; `open` is that finding, if one is open.
pub fn burning(open: Option<&Finding>, burning: &Burning, now: Timestamp) -> Option<Decision> {
    match open {
        None => burning.fires.then(|| opened(burning, now)),
        Some(finding) if burning.over => {
            let summary = format!("it no longer burns; {}", burning.summary);
            Some(recovered(finding, &summary, now))
        }
        Some(finding) => {
            let old = now.duration_since(finding.updated_at) >= RENEWED;
            let newer = burning.fires && finding.summary != burning.summary;
            (old && newer).then(|| renewed(finding, &burning.summary, now))
        }
    }
}

/// The finding of a slow leak that has become a fast one: it is the same trouble.
pub fn burns_faster(slow: &Finding, burning: &Burning, now: Timestamp) -> Decision {
    let mut next = slow.clone();
    next.kind = burning.kind;
    next.summary.clone_from(&burning.summary);
    next.updated_at = now;
    // Whoever took on a leak has not taken on this.
    next.acknowledged = None;
    Decision { finding: next, reason: Reason::Worsened }
}

fn opened(burning: &Burning, now: Timestamp) -> Decision {
    let finding = Finding {
        id: fresh_id(now),
        kind: burning.kind,
        state: FindingState::Open,
        change: None,
        journey: burning.series.journey.clone(),
        environment: burning.series.environment.clone(),
        location: burning.series.location.clone(),
        metric: Metric::Success,
        part: Part::Whole,
        summary: burning.summary.clone(),
        onset_at: burning.began_at,
        opened_at: now,
        updated_at: now,
        closed_at: None,
        dismissal: None,
        acknowledged: None,
        pipeline: None,
    };
    Decision { finding, reason: Reason::Opened }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn of(fires: bool, over: bool, summary: &str) -> Burning {
        let (journey, environment, location) = ("a".into(), "e".into(), "l".into());
        Burning {
            series: SeriesKey { journey, environment, location },
            kind: FindingKind::BudgetFast,
            fires,
            over,
            began_at: Some(at(-9)),
            summary: summary.to_owned(),
        }
    }

    #[test]
    fn it_opens_once_is_renewed_now_and_then_and_ends_when_it_is_over() {
        assert_eq!(burning(None, &of(false, true, ""), at(0)), None);
        assert_eq!(burning(None, &of(false, false, ""), at(0)), None);
        let opened = burning(None, &of(true, false, "12 of 60"), at(0)).unwrap();
        assert_eq!((opened.reason, opened.finding.onset_at), (Reason::Opened, Some(at(-9))));
        let open = Some(&opened.finding);
        assert_eq!(burning(open, &of(true, false, "13 of 60"), at(14)), None);
        assert_eq!(burning(open, &of(false, false, "9 of 60"), at(20)), None);
        let renewed = burning(open, &of(true, false, "13 of 60"), at(15)).unwrap();
        assert_eq!((renewed.reason, &*renewed.finding.summary), (Reason::Updated, "13 of 60"));
        let over = burning(open, &of(false, true, "0 of 60"), at(60)).unwrap();
        assert_eq!((over.reason, over.finding.state), (Reason::Recovered, FindingState::Recovered));
        assert_eq!(over.finding.closed_at, Some(at(60)));
    }
}
