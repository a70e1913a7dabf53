//! The five figures of software delivery as DORA defines them (<https://dora.dev/guides/dora-metrics/>): deployment frequency, lead time for
//! changes, change failure rate, failed deployment recovery time, deployment rework rate.
//!
//! A deployment is a change of kind `deploy` that finished, of one service in one environment; a rollback is one as well where rework is
//! counted. It failed when our verdict is `regressed`, when it was rolled back, or when a person or another system says so; what people
//! dismissed is no failure. It is over when the journeys say so, or else the rollback or whoever kept the incident. What nobody could see is
//! never counted as good: it is left out and told.

mod commits;
mod deployed;
mod fate;
mod figures;
mod lengthy;
mod week;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::Serialize;

pub use commits::Commits;
pub use deployed::{Deployed, deployments};
pub use fate::{Failure, Fate, Record, Records, Standing, Unseen, Why};
pub use figures::{Figures, Frequency, figures};
pub use lengthy::Lengthy;
pub use week::{Week, weeks};

use crate::model::{EnvironmentName, ServiceName};

/// The figures of a span, of all that was chosen and of each service in each environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dora {
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// Of everything chosen.
    pub all: Figures,
    /// Of each service in each environment.
    pub services: Vec<OfService>,
    /// By the week.
    pub weeks: Vec<Week>,
    /// The failed ones, newest first.
    pub failed: Vec<Deployed>,
    /// Those that took unusually long, newest first.
    pub lengthy: Vec<Lengthy>,
}

/// The figures of a service in an environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfService {
    /// The service; empty for changes of a whole environment.
    pub service: ServiceName,
    /// The environment; empty where no change said one and none is configured.
    pub environment: EnvironmentName,
    /// Its figures.
    pub figures: Figures,
}

/// Which deployments; what is none takes all.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Of this service.
    pub service: Option<ServiceName>,
    /// In this environment.
    pub environment: Option<EnvironmentName>,
}

impl Choice {
    fn takes(&self, one: &Deployed) -> bool {
        self.service.as_ref().is_none_or(|s| *s == one.service)
            && self.environment.as_ref().is_none_or(|e| *e == one.environment)
    }
}

impl Dora {
    /// The figures of what was finished in `[from, to)`. `records` may reach further back: that is the history by which rollbacks find what they
    /// undid and lengths are compared.
    pub fn of(records: &Records, choice: &Choice, (from, to): (Timestamp, Timestamp)) -> Self {
        let all = deployments(records);
        let chosen: Vec<&Deployed> = all.iter().filter(|d| choice.takes(d)).collect();
        let inside = |d: &&&Deployed| d.at >= from && d.at < to;
        let now: Vec<&Deployed> = chosen.iter().filter(inside).copied().collect();
        let mut pairs: Vec<(&ServiceName, &EnvironmentName)> =
            now.iter().map(|d| (&d.service, &d.environment)).collect();
        pairs.sort();
        pairs.dedup();
        let services = pairs.into_iter().map(|(service, environment)| {
            let own = now.iter().filter(|d| d.service == *service && d.environment == *environment);
            OfService {
                service: service.clone(),
                environment: environment.clone(),
                figures: figures(&own.copied().collect::<Vec<_>>(), (from, to)),
            }
        });
        let mut failed: Vec<Deployed> =
            now.iter().filter(|d| d.failure().is_some()).map(|d| (*d).clone()).collect();
        failed.sort_by_key(|d| std::cmp::Reverse(d.at));
        Self {
            from,
            to,
            all: figures(&now, (from, to)),
            services: services.collect(),
            weeks: weeks(&now, (from, to)),
            failed,
            lengthy: lengthy::lengthy(&chosen, (from, to)),
        }
    }
}
