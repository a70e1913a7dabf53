//! The gate before a deployment: may anything be deployed here now?

use crate::model::{Gate, GateStatus, Obstacle};

/// What is known before a deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outlook {
    /// What stands in the way, each in words.
    pub obstacles: Vec<(Obstacle, String)>,
    /// How many journeys would feel it.
    pub journeys: usize,
    /// Those of them at which nobody has looked lately, each in words.
    pub unseen: Vec<String>,
    /// Whether it goes back to what was there before.
    pub goes_back: bool,
    /// What shall not stand in the way this time.
    pub ignored: Vec<Obstacle>,
}

/// May it be deployed? Going back is always allowed: nothing ends trouble sooner. Where nobody looks, nobody can say.
pub fn before(outlook: &Outlook) -> Gate {
    let (passed_over, left): (Vec<_>, Vec<_>) = outlook
        .obstacles
        .iter()
        .partition(|(what, _)| outlook.goes_back || outlook.ignored.contains(what));
    let words = |all: &[&(Obstacle, String)]| {
        all.iter().map(|(_, why)| why.as_str()).collect::<Vec<_>>().join("; ")
    };
    let gate = |status, reason| Gate { status, reason, verdict: None };
    if !left.is_empty() {
        return gate(GateStatus::Fail, words(&left));
    }
    if !passed_over.is_empty() {
        let why = if outlook.goes_back { "going back is always allowed" } else { "as asked" };
        return gate(GateStatus::Pass, format!("{why}, in spite of this: {}", words(&passed_over)));
    }
    if outlook.goes_back {
        return gate(GateStatus::Pass, "going back is always allowed".to_owned());
    }
    if outlook.journeys == 0 {
        let reason =
            "no freeze is in force, but no journey touches this: nobody would notice trouble";
        return gate(GateStatus::Inconclusive, reason.to_owned());
    }
    if !outlook.unseen.is_empty() {
        return gate(GateStatus::Inconclusive, outlook.unseen.join("; "));
    }
    let reason = format!(
        "no freeze is in force, no finding is open, no error budget is spent ({} {})",
        outlook.journeys,
        if outlook.journeys == 1 { "journey" } else { "journeys" }
    );
    gate(GateStatus::Pass, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_way_is_said() {
        use GateStatus::{Fail, Inconclusive, Pass};
        let freeze = (Obstacle::Freeze, "frozen".to_owned());
        let finding = (Obstacle::Finding, "checkout is broken".to_owned());
        let unseen = vec!["nobody has walked `home` for 3h".to_owned()];
        let base = Outlook { journeys: 2, ..Outlook::default() };
        for (outlook, status, words) in [
            (base.clone(), Pass, "2 journeys"),
            (Outlook { journeys: 0, ..base.clone() }, Inconclusive, "no journey touches this"),
            (Outlook { unseen: unseen.clone(), ..base.clone() }, Inconclusive, "for 3h"),
            (
                Outlook { obstacles: vec![freeze.clone(), finding.clone()], ..base.clone() },
                Fail,
                "frozen; checkout is broken",
            ),
            (Outlook { obstacles: vec![freeze.clone()], unseen, ..base.clone() }, Fail, "frozen"),
            (
                Outlook {
                    obstacles: vec![freeze.clone(), finding.clone()],
                    ignored: vec![Obstacle::Finding],
                    ..base.clone()
                },
                Fail,
                "frozen",
            ),
            (
                Outlook {
                    obstacles: vec![finding.clone()],
                    ignored: vec![Obstacle::Finding],
                    ..base.clone()
                },
                Pass,
                "as asked, in spite of this: checkout is broken",
            ),
            (
                Outlook { obstacles: vec![freeze, finding], goes_back: true, ..base.clone() },
                Pass,
                "going back is always allowed, in spite of this: frozen",
            ),
            (Outlook { journeys: 0, goes_back: true, ..base }, Pass, "going back"),
        ] {
            let gate = before(&outlook);
            assert_eq!(gate.status, status, "{outlook:?}");
            assert!(gate.reason.contains(words), "{}", gate.reason);
        }
    }
}
