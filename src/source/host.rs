//! What the host says of itself: processor time that it gave to others.

use std::fs;

/// Processor time since the start of the machine, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuTimes {
    /// All of it.
    pub total: u64,
    /// What a hypervisor gave to other guests while we wanted it.
    pub steal: u64,
}

impl CpuTimes {
    /// As the kernel says; none where it does not say so (proc(5), `/proc/stat`).
    pub fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// The share of the time since `earlier` that was stolen, 0 to 1.
    pub fn stolen_since(&self, earlier: &Self) -> Option<f64> {
        let total = self.total.checked_sub(earlier.total).filter(|t| *t > 0)?;
        let steal = self.steal.checked_sub(earlier.steal)?.min(total);
        Some(steal as f64 / total as f64)
    }

    /// The line of all processors: user, nice, system, idle, iowait, irq, softirq, steal; what follows is within these.
    fn parse(stat: &str) -> Option<Self> {
        let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let ticks: Vec<u64> =
            line.split_whitespace().take(8).map_while(|t| t.parse().ok()).collect();
        let steal = *ticks.get(7)?;
        let total = ticks.iter().try_fold(0_u64, |sum, t| sum.checked_add(*t))?;
        Some(Self { total, steal })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_all_processors_is_read() {
        let stat = "cpu  10 1 5 80 2 1 1 0 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        let before = CpuTimes::parse(stat).unwrap();
        assert_eq!(before, CpuTimes { total: 100, steal: 0 });
        let after = CpuTimes::parse("intr 5\ncpu  50 1 5 120 2 1 1 20 9 9\n").unwrap();
        assert_eq!(after.stolen_since(&before), Some(0.2));
        assert_eq!(before.stolen_since(&after), None);
        assert_eq!(before.stolen_since(&before), None);
        for odd in ["", "cpu", "cpu  1 2 3", "cpu  a b c d e f g h", "cpu0 1 1 1 1 1 1 1 1"] {
            assert_eq!(CpuTimes::parse(odd), None, "{odd}");
        }
    }
}
