//! The machine that we stand on: which processes there are, how much they hold, and whether there is anything left to work with.

use std::time::Duration;

use rustix::process::Pid;

/// What a browser needs to begin with: 400 MB were measured for an empty page, with all its processes.
const TO_BEGIN: u64 = 512 << 20;

/// Below this nothing on the machine can be relied on.
const TO_GO_ON: u64 = 96 << 20;

/// The share of the time that a browser may wait for a processor: beyond it, what was measured is our machine and not the page.
const WAITING: f64 = 0.5;

/// A browser that was there for less has waited for the processor while it started, which says nothing.
const LONG_ENOUGH: Duration = Duration::from_secs(3);

/// A process, as `/proc/PID/stat` has it (proc(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: Pid,
    pub(super) parent: Pid,
    pub(super) group: Pid,
    /// Ended, and waiting to be reaped.
    pub(super) zombie: bool,
}

/// What is left of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Machine {
    /// Bytes that could be had without swapping; none where it cannot be told.
    pub(super) available: Option<u64>,
}

/// What a browser with all its processes holds and has waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// Bytes that are theirs alone.
    pub(super) memory: u64,
    /// How long that process has waited for a processor, of all, that waited longest.
    pub(super) waited: Duration,
}

impl Machine {
    /// As it is now.
    pub(super) fn now() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        let host = read("/proc/meminfo").and_then(|text| kilobytes(&text, "MemAvailable:"));
        let own = read("/proc/self/cgroup").and_then(|text| {
            let group = text.lines().find_map(|line| line.strip_prefix("0::"))?.to_owned();
            let of = |name: &str| read(&format!("/sys/fs/cgroup{group}/{name}"));
            headroom(&of("memory.max")?, &of("memory.current")?, &of("memory.stat")?)
        });
        let available = host.into_iter().chain(own).min();
        Self { available }
    }

    /// Why no browser can begin, if it cannot.
    pub(super) fn cannot_begin(self) -> Option<String> {
        let left = self.available.filter(|left| *left < TO_BEGIN)?;
        Some(format!(
            "only {} MiB of our machine's memory are free, and a browser needs {}",
            left >> 20,
            TO_BEGIN >> 20
        ))
    }

    /// Why no browser can go on, if it cannot.
    pub(super) fn cannot_go_on(self) -> Option<String> {
        let left = self.available.filter(|left| *left < TO_GO_ON)?;
        Some(format!("our machine has only {} MiB of memory left", left >> 20))
    }
}

impl Load {
    /// Of the processes of a group, now.
    pub(super) fn of(group: Pid) -> Self {
        let mut load = Self::default();
        for process in processes().filter(|process| process.group == group) {
            let pid = process.pid.as_raw_nonzero();
            let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).ok();
            let memory = read("status").and_then(|text| kilobytes(&text, "RssAnon:"));
            load.memory = load.memory.saturating_add(memory.unwrap_or(0));
            let waited = read("schedstat").and_then(|text| waited(&text));
            load.waited = load.waited.max(waited.unwrap_or_default());
        }
        load
    }

    /// Why what was measured in so much time is our machine's, if it is.
    pub(super) fn starved(self, lived: Duration) -> Option<String> {
        let share = self.waited.as_secs_f64() / lived.as_secs_f64().max(f64::MIN_POSITIVE);
        (lived >= LONG_ENOUGH && share > WAITING).then(|| {
            format!(
                "the browser waited {:.0} % of its {:.1} s for a processor: our machine is too busy for what it measures to mean anything",
                share.min(1.0) * 100.0,
                lived.as_secs_f64()
            )
        })
    }
}

/// Every process that can be seen; none where there is no `/proc`.
pub(super) fn processes() -> impl Iterator<Item = Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let name = entry.file_name();
        let pid: i32 = name.to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        process(&stat)
    })
}

/// Reads a line of `/proc/PID/stat`. The name in it is in brackets and may hold anything, brackets and spaces too.
fn process(stat: &str) -> Option<Process> {
    let pid = stat.split_once(' ')?.0.parse().ok().and_then(Pid::from_raw)?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let mut id = || fields.next()?.parse::<i32>().ok();
    let (parent, group) = (id()?, id()?);
    // Process 1 and those of the kernel have none.
    let parent = Pid::from_raw(parent).unwrap_or(Pid::INIT);
    let group = Pid::from_raw(group).unwrap_or(Pid::INIT);
    Some(Process { pid, parent, group, zombie: matches!(state, "Z" | "X") })
}

/// The bytes of a line such as `MemAvailable:   1234 kB`.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

/// What a control group (version 2) may still take: its limit less what it holds, save for files that would be given back.
fn headroom(most: &str, current: &str, stat: &str) -> Option<u64> {
    let most: u64 = most.trim().parse().ok()?;
    let current: u64 = current.trim().parse().ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("inactive_file "));
    let files = line.and_then(|number| number.trim().parse().ok()).unwrap_or(0);
    Some(most.saturating_sub(current.saturating_sub(files)))
}

/// The second field of `/proc/PID/schedstat`: nanoseconds on the run queue.
fn waited(schedstat: &str) -> Option<Duration> {
    schedstat.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_it_is_called() {
        let pid = |raw| Pid::from_raw(raw).unwrap();
        let read = process("812 (a) R (b c) S 7 810 810 0 -1 4194560 1 2").unwrap();
        assert_eq!(read, Process { pid: pid(812), parent: pid(7), group: pid(810), zombie: false });
        assert!(process("9 (x) Z 1 9 9").unwrap().zombie);
        for broken in ["", "1", "1 (x", "1 (x) S", "x (x) S 1 1"] {
            assert_eq!(process(broken), None, "{broken}");
        }
        let own = rustix::process::getpid();
        assert!(processes().any(|process| process.pid == own));
    }

    #[test]
    fn a_starved_machine_is_told_by_its_readings() {
        let machine = |mib: u64| Machine { available: Some(mib << 20) };
        assert_eq!(machine(600).cannot_begin(), None);
        let reason = machine(300).cannot_begin().unwrap();
        assert_eq!(
            reason,
            "only 300 MiB of our machine's memory are free, and a browser needs 512"
        );
        assert_eq!(machine(300).cannot_go_on(), None);
        assert!(machine(50).cannot_go_on().unwrap().contains("50 MiB"));
        assert_eq!(Machine { available: None }.cannot_begin(), None);
        let second = Duration::from_secs(1);
        let load = |waited| Load { memory: 0, waited };
        assert_eq!(load(second * 4).starved(second * 10), None);
        assert!(load(second * 6).starved(second * 10).unwrap().contains("60 % of its 10.0 s"));
        // While it starts, it waits.
        assert_eq!(load(second).starved(second), None);
    }

    #[test]
    fn what_a_control_group_leaves_counts() {
        assert_eq!(headroom("1000\n", "900\n", "anon 1\ninactive_file 300\n"), Some(400));
        assert_eq!(headroom("1000\n", "1900\n", ""), Some(0));
        assert_eq!(headroom("max\n", "900\n", ""), None);
        let meminfo = "MemTotal: 9 kB\nMemAvailable:   2048 kB\n";
        assert_eq!(kilobytes(meminfo, "MemAvailable:"), Some(2 << 20));
        assert_eq!(waited("17 2500000 3\n"), Some(Duration::from_micros(2500)));
        let own = Load::of(rustix::process::getpgrp());
        assert!(own.memory > 0);
    }
}
