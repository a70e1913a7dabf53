//! Who goes first where the processors are too few: what must happen on time.

/// Has the thread that calls this step back for the others by so many steps: those that walk journeys, whose timers must not wait for a page that
/// somebody looks at. A step is about a fifth less of the processors where all want all of them (`setpriority(2)`, `sched(7)`). Where the system does not
/// know of threads, or refuses it, all are as urgent.
pub fn step_back(steps: i32) {
    #[cfg(target_os = "linux")]
    if let Ok(now) = rustix::process::getpriority_process(None) {
        rustix::process::setpriority_process(None, now.saturating_add(steps).min(19)).ok();
    }
    #[cfg(not(target_os = "linux"))]
    let _ = steps;
}
