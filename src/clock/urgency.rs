//! Who goes first where the processors are too few: what must happen on time.

/// How much less of the processors a thread gets that lets others go first, where all want all of them: a tenth (`setpriority(2)`, `sched(7)`).
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Has the thread that calls this let the others go first: those that walk journeys, whose timers must not wait for a page that somebody looks at.
/// Where the system does not know of threads, or refuses it, all are as urgent.
pub fn let_others_go_first() {
    #[cfg(target_os = "linux")]
    rustix::process::setpriority_process(None, NICE).ok();
}
