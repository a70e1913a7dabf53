//! The machine that we stand on: which processes there are, how much they hold, and whether there is anything left to work with.

use rustix::process::Pid;

/// A process, as `/proc/PID/stat` has it (proc(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: Pid,
    pub(super) parent: Pid,
    pub(super) group: Pid,
    /// Ended, and waiting to be reaped.
    pub(super) zombie: bool,
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
}
