//! Whether runs start later while pages are hammered: quiet and hammered stretches in turns, of the same agent.

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
    clock::let_others_go_first,
    store::{RunFilter, Store, StoreOptions},
};

use crate::{
    house::{House, browse},
    made::BEATS,
    times::pages,
};

/// Pairs of stretches, and how long each is.
const PAIRS: usize = 4;
const STRETCH: Duration = Duration::from_secs(20);
/// Askers at once.
const HAMMERS: usize = 4;

pub(crate) async fn lateness(house: &House, folder: &Path) {
    let pages = pages(house).await;
    let mut askers = tokio::runtime::Builder::new_multi_thread();
    let askers = askers.on_thread_start(let_others_go_first).enable_all().build();
    let askers = askers.expect("a runtime");
    let (mut quiet, mut hammered, mut asked) = (Vec::new(), Vec::new(), 0);
    for _ in 0..PAIRS {
        let from = Timestamp::now();
        tokio::time::sleep(STRETCH).await;
        quiet.push((from, Timestamp::now()));
        let from = Timestamp::now();
        asked += hammer(house, &pages, askers.handle()).await;
        hammered.push((from, Timestamp::now()));
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    askers.shutdown_background();
    let store = Store::open_read_only(&folder.join("wayfarer.db"), &StoreOptions::default());
    let store = store.expect("the data file");
    let (quiet, hammered) = (late(&store, &quiet).await, late(&store, &hammered).await);
    store.close().await;
    let rate = asked as f64 / (STRETCH.as_secs_f64() * PAIRS as f64);
    println!("\nstart lateness of runs, {HAMMERS} askers, {rate:.0} pages a second");
    println!("{:<16} {:>12} {:>12} {:>12}", "", "quiet", "hammered", "ratio");
    println!("{:<16} {:>12} {:>12}", "runs", quiet.len(), hammered.len());
    for (name, share) in [("median", 0.5), ("p95", 0.95), ("p99", 0.99), ("longest", 1.0)] {
        let of = |times: &[f64]| times[((times.len() - 1) as f64 * share) as usize];
        let (a, b) = (of(&quiet), of(&hammered));
        println!("{name:<16} {a:>9.2} ms {b:>9.2} ms {:>12.2}", b / a);
    }
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
