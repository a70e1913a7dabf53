//! Whether runs start later while pages are hammered: quiet, busy and hammered stretches in turns, of the same agent. In a busy one the processors
//! are taken by loops that step back as the agent's pages do, and do nothing else: what a run is late by then is the system's, and a page can cost no less.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::runtime::Handle;
use wayfarer::{
    clock::step_back,
    store::{RunFilter, Store, StoreOptions},
};

use crate::{
    house::{House, browse},
    made::BEATS,
    times::pages,
};

/// Rounds of stretches, and how long each is.
const ROUNDS: usize = 4;
const STRETCH: Duration = Duration::from_secs(20);
/// Askers at once.
const HAMMERS: usize = 4;

pub(crate) async fn lateness(house: &House, folder: &Path) {
    let mut pages = pages(house).await;
    pages.push("/metrics".to_owned());
    let mut askers = tokio::runtime::Builder::new_multi_thread();
    let askers = askers.on_thread_start(|| step_back(10)).enable_all().build();
    let askers = askers.expect("a runtime");
    let (mut quiet, mut busy, mut hammered, mut asked) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        let from = Timestamp::now();
        tokio::time::sleep(STRETCH).await;
        quiet.push((from, Timestamp::now()));
        let from = Timestamp::now();
        spin().await;
        busy.push((from, Timestamp::now()));
        tokio::time::sleep(Duration::from_secs(2)).await;
        let from = Timestamp::now();
        asked += hammer(house, &pages, askers.handle()).await;
        hammered.push((from, Timestamp::now()));
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    askers.shutdown_background();
    let store = Store::open_read_only(&folder.join("wayfarer.db"), &StoreOptions::default());
    let store = store.expect("the data file");
    let quiet = late(&store, &quiet).await;
    let busy = late(&store, &busy).await;
    let hammered = late(&store, &hammered).await;
    store.close().await;
    let rate = asked as f64 / (STRETCH.as_secs_f64() * ROUNDS as f64);
    println!("\nstart lateness of runs, {HAMMERS} askers, {rate:.0} pages a second");
    println!("{:<10} {:>12} {:>12} {:>12} {:>10}", "", "quiet", "busy", "hammered", "ratio");
    println!("{:<10} {:>12} {:>12} {:>12}", "runs", quiet.len(), busy.len(), hammered.len());
    for (name, share) in [("median", 0.5), ("p95", 0.95), ("p99", 0.99), ("longest", 1.0)] {
        let of = |times: &[f64]| times[((times.len() - 1) as f64 * share) as usize];
        let [quiet, busy, hammered] = [&quiet, &busy, &hammered].map(|times| of(times));
        let ratio = hammered / busy;
        println!("{name:<10} {quiet:>9.2} ms {busy:>9.2} ms {hammered:>9.2} ms {ratio:>10.2}");
    }
    println!("(ratio: hammered by busy)");
}

/// Asks for all pages in turns, by several at once; gives how many came. Who asks would sit elsewhere: it is done on threads that take nothing from
/// those that walk.
async fn hammer(house: &House, pages: &[String], askers: &Handle) -> usize {
    let (over, came) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let asking = (0..HAMMERS).map(|n| {
        let (over, came) = (Arc::clone(&over), Arc::clone(&came));
        let (address, pages) = (house.address.clone(), pages.to_vec());
        askers.spawn(async move {
            for path in pages.iter().cycle().skip(n * pages.len() / HAMMERS) {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                browse(&address, path).await;
                came.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let asking: Vec<_> = asking.collect();
    tokio::time::sleep(STRETCH).await;
    over.store(true, Ordering::Relaxed);
    for asker in asking {
        asker.await.expect("pages came");
    }
    came.load(Ordering::Relaxed)
}

/// Takes all processors for a stretch, stepping back for whoever wants them.
async fn spin() {
    let over = Arc::new(AtomicBool::new(false));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let spinners: Vec<_> = (0..threads)
        .map(|_| {
            let over = Arc::clone(&over);
            std::thread::spawn(move || {
                step_back(10);
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        })
        .collect();
    tokio::time::sleep(STRETCH).await;
    over.store(true, Ordering::Relaxed);
    for spinner in spinners {
        spinner.join().expect("it ends");
    }
}

/// How late the runs of these stretches began, in ms, sorted.
async fn late(store: &Store, stretches: &[(Timestamp, Timestamp)]) -> Vec<f64> {
    let mut times = Vec::new();
    for (from, to) in stretches {
        for n in 0..BEATS {
            let filter = RunFilter {
                journey: Some(format!("beat-{n:02}").as_str().into()),
                from: Some(*from),
                to: Some(*to),
                limit: 1000,
                ..RunFilter::default()
            };
            let runs = store.runs(filter).await.expect("runs");
            times.extend(runs.iter().map(|run| run.late_by.as_secs_f64() * 1000.0));
        }
    }
    times.sort_by(f64::total_cmp);
    times
}
