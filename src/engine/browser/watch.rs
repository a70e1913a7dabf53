//! Looks at a browser and at our machine while a run is under way, and ends what goes on beyond all measure.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};

use super::host::{Load, Machine};

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(400);

/// Why a browser was ended by us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// The page took too much memory.
    Ate(String),
    /// Our machine has nothing left.
    Starved(String),
}

/// What is looked at.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Watch {
    pub(super) group: Option<Pid>,
    pub(super) memory_max: u64,
    /// Where it is said why the browser was ended.
    pub(super) ended: Arc<OnceLock<Ended>>,
}

impl Watch {
    /// Looks until it is dropped. Never comes back.
    pub(in crate::engine) async fn look(self) -> std::convert::Infallible {
        if let Some(group) = self.group {
            loop {
                tokio::time::sleep(EVERY).await;
                if let Some(why) = verdict(Machine::now(), Load::of(group), self.memory_max) {
                    self.ended.set(why).ok();
                    kill_process_group(group, Signal::KILL).ok();
                    break;
                }
            }
        }
        std::future::pending().await
    }
}

/// Whether a browser must be ended: for what its page does first, for that may be what our machine suffers from.
fn verdict(machine: Machine, load: Load, memory_max: u64) -> Option<Ended> {
    if load.memory > memory_max {
        return Some(Ended::Ate(format!(
            "the page made the browser take {} MiB of memory; `memory_max` is {} MiB",
            load.memory >> 20,
            memory_max >> 20
        )));
    }
    machine.cannot_go_on().map(Ended::Starved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_eats_is_told_from_a_machine_that_starves() {
        let machine = |mib: u64| Machine { available: Some(mib << 20) };
        let load = |mib: u64| Load { memory: mib << 20, waited: Duration::ZERO };
        assert_eq!(verdict(machine(9000), load(1000), 2 << 30), None);
        assert!(matches!(verdict(machine(9000), load(3000), 2 << 30), Some(Ended::Ate(_))));
        assert!(matches!(verdict(machine(10), load(3000), 2 << 30), Some(Ended::Ate(_))));
        assert!(matches!(verdict(machine(10), load(1000), 2 << 30), Some(Ended::Starved(_))));
        let Some(Ended::Ate(why)) = verdict(Machine { available: None }, load(3000), 2 << 30)
        else {
            panic!("it ate");
        };
        assert_eq!(
            why,
            "the page made the browser take 3000 MiB of memory; `memory_max` is 2048 MiB"
        );
    }
}
