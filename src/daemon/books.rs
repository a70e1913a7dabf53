//! The books of all error budgets: read once from the roll-ups of a whole window, then only of the last hours, again and again. Pages, metrics
//! and alerts read what was worked out last, so that nobody who looks has anything counted.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{
    pipeline::Input,
    setup::{Scheduled, Setup},
};
use crate::{
    alert::Burning,
    clock::Clock,
    export::Exporter,
    model::{
        DismissalReason, Finding, FindingKind, FindingState, Maintenance, Schedule, SeriesKey, Slo,
    },
    schedule::Plan,
    slo::{
        Cause, Counted, Ledger, Signal, Spending, Standing, Trouble, Urgency, measure, signals,
        spent_by,
    },
    store::{FindingFilter, Store, StoreError, Tallied, ToTally},
};

/// How often they are written.
const EVERY: Duration = Duration::from_secs(15);
/// Runs that came late are looked for so far back.
const LATE: Duration = Duration::from_secs(3600);
/// What the store counts by.
const SLOT: Duration = Duration::from_secs(300);
/// Series that are read in one go: other readers wait meanwhile.
const WHOLE: usize = 8;
/// The same where only the last hours are read.
const TAILS: usize = 100;
/// Most findings that are asked what they spent.
const FINDINGS: usize = 1000;

/// How all objectives stood at a moment.
#[derive(Debug, Clone, Default)]
pub struct Budgets {
    /// When; none until they were first worked out.
    pub at: Option<Timestamp>,
    /// One for each journey with an objective in each of its environments, by name.
    pub rows: Vec<BudgetRow>,
}

/// How one objective stands.
#[derive(Debug, Clone)]
pub struct BudgetRow {
    /// Which series of runs.
    pub series: SeriesKey,
    /// What is promised.
    pub slo: Slo,
    /// The usual distance of two runs.
    pub interval: Duration,
    /// Since when there are runs in the window; none where there is none.
    pub since: Option<Timestamp>,
    /// How much of the window lies in maintenance, in whole five minutes: what was walked then is unknown.
    pub maintained: Duration,
    /// The figures.
    pub standing: Standing,
    /// What the pairs say, pages first.
    pub signals: [Signal; 2],
    /// What spent it.
    pub spending: Spending,
    /// The books themselves.
    pub ledger: Arc<Ledger>,
}

impl Budgets {
    /// The objective of a series, where it has one.
    pub fn of(&self, series: &SeriesKey) -> Option<&BudgetRow> {
        let at = self.rows.binary_search_by(|row| row.series.cmp(series)).ok()?;
        self.rows.get(at)
    }
}

/// Works everything out anew: for a command that has no agent to ask.
///
/// # Errors
/// The store could not be read.
pub async fn budgets(store: &Store, setup: &Setup, now: Timestamp) -> Result<Budgets, StoreError> {
    let mut books = Books::default();
    books.write(store, setup, now).await
}

/// The books of one series over the window of its objective.
///
/// # Errors
/// The store could not be read.
pub(super) async fn ledger(
    store: &Store,
    (setup, scheduled): (&Setup, &Scheduled),
    (slo, series): (&Slo, SeriesKey),
    now: Timestamp,
) -> Result<Ledger, StoreError> {
    let windows = setup.maintenance_of(&scheduled.journey, &series.environment);
    let book = Book::new(scheduled, *slo, series, windows, now);
    let read = store.tallies(vec![book.to_read(now)]).await?;
    let tallied = read.into_iter().next().unwrap_or_default();
    let written = tokio::task::spawn_blocking(move || {
        let mut book = book;
        book.renew(&tallied, now);
        book.ledger
    });
    match written.await {
        Ok(ledger) => Ok(Arc::unwrap_or_clone(ledger)),
        // Only a panic or the end of the runtime leads here.
        Err(_) => Err(StoreError::Closed { doing: "think of an error budget" }),
    }
}

/// All books.
#[derive(Default)]
struct Books(BTreeMap<SeriesKey, Book>);

/// The books of one series.
#[derive(Clone)]
struct Book {
    series: SeriesKey,
    slo: Slo,
    schedule: Schedule,
    plan: Arc<Plan>,
    interval: Duration,
    ledger: Arc<Ledger>,
    /// Whether the whole window was read.
    begun: bool,
    /// The windows of maintenance that are about it.
    maintenance: Vec<Maintenance>,
    /// The five minutes that lie in one of them, by their number since 1970.
    maintained: BTreeSet<i64>,
}

impl Book {
    fn new(
        scheduled: &Scheduled,
        slo: Slo,
        series: SeriesKey,
        maintenance: Vec<Maintenance>,
        now: Timestamp,
    ) -> Self {
        Self {
            maintenance,
            maintained: BTreeSet::new(),
            series,
            slo,
            schedule: scheduled.journey.schedule.clone(),
            plan: Arc::clone(&scheduled.plan),
            interval: scheduled.plan.interval(now),
            ledger: Arc::default(),
            begun: false,
        }
    }

    /// Since when it is to be written anew.
    fn from(&self, now: Timestamp) -> Timestamp {
        let span =
            if self.begun { LATE.max(self.interval.saturating_mul(2)) } else { self.slo.window };
        Ledger::beginning(self.interval, back(now, span))
    }

    fn to_read(&self, now: Timestamp) -> ToTally {
        let series = self.series.clone();
        ToTally { series, limit: self.slo.latency, from: self.from(now) }
    }

    fn renew(&mut self, tallied: &[Tallied], now: Timestamp) {
        let from = self.from(now);
        let key = spread_key(&self.series);
        let due = due(&self.plan, &self.schedule, &key, from, now);
        self.maintain(from, now);
        let counted: Vec<Counted> = tallied
            .iter()
            .map(|one| {
                let slot = one.at.as_microsecond().div_euclid(micros(SLOT));
                if self.maintained.contains(&slot) { left_out(one) } else { counted(one) }
            })
            .collect();
        let since = self.ledger.first_run();
        let newer = Ledger::new(self.interval, &due, &counted, since, now);
        Arc::make_mut(&mut self.ledger).renew(newer, back(now, self.slo.window));
        self.begun = true;
    }

    /// Notes which five minutes from `from` on lie in maintenance, and forgets those before the window of the objective.
    fn maintain(&mut self, from: Timestamp, now: Timestamp) {
        if self.maintenance.is_empty() {
            return;
        }
        let slot = micros(SLOT);
        let number = |at: Timestamp| at.as_microsecond().div_euclid(slot);
        let begin = number(back(now, self.slo.window));
        self.maintained.retain(|n| (begin..number(from)).contains(n));
        let met = (number(from)..=number(now)).filter(|n| {
            let [at, end] = [*n, n + 1].map(|n| Timestamp::from_microsecond(n * slot));
            matches!((at, end), (Ok(at), Ok(end)) if self.maintenance.iter().any(|m| m.meets(at, end)))
        });
        self.maintained.extend(met);
    }

    fn row(&self, findings: &[Finding], now: Timestamp) -> BudgetRow {
        let own: Vec<&Finding> = findings
            .iter()
            .filter(|f| {
                (&f.journey, &f.environment, &f.location)
                    == (&self.series.journey, &self.series.environment, &self.series.location)
            })
            .collect();
        let standing = measure(&self.slo, &self.ledger, now);
        let pages = own.iter().filter(|f| f.kind == FindingKind::BudgetFast);
        let paged_until = pages.map(|f| f.closed_at.unwrap_or(now)).max();
        let signals = signals(&self.slo, &self.ledger, &standing, paged_until, now);
        let troubles: Vec<Trouble> = own.iter().filter_map(|f| trouble(f, now)).collect();
        let span = (back(now, self.slo.window), now);
        let spending = spent_by(self.ledger.slices(), &troubles, span, standing.budget.allowed);
        BudgetRow {
            series: self.series.clone(),
            slo: self.slo,
            interval: self.interval,
            since: self.ledger.first_run(),
            maintained: SLOT.saturating_mul(u32::try_from(self.maintained.len()).unwrap_or(0)),
            standing,
            signals,
            spending,
            ledger: Arc::clone(&self.ledger),
        }
    }
}

impl Books {
    /// Brings all books up to date.
    async fn write(
        &mut self,
        store: &Store,
        setup: &Setup,
        now: Timestamp,
    ) -> Result<Budgets, StoreError> {
        self.open(setup, now);
        for begun in [false, true] {
            let keys: Vec<SeriesKey> =
                self.0.values().filter(|b| b.begun == begun).map(|b| b.series.clone()).collect();
            for some in keys.chunks(if begun { TAILS } else { WHOLE }) {
                self.renew(store, some, now).await?;
            }
        }
        let filter = FindingFilter { limit: FINDINGS, ..FindingFilter::default() };
        let findings = if self.0.is_empty() { Vec::new() } else { store.findings(filter).await? };
        let books: Vec<Book> = self.0.values().cloned().collect();
        let worked_out = tokio::task::spawn_blocking(move || {
            books.iter().map(|book| book.row(&findings, now)).collect()
        });
        let rows = worked_out.await.map_err(|_| closed())?;
        Ok(Budgets { at: Some(now), rows })
    }

    /// Books for all journeys with an objective; those that promise something else now are begun anew.
    fn open(&mut self, setup: &Setup, now: Timestamp) {
        let location = &setup.settings.agent.location;
        let mut wanted = BTreeMap::new();
        for scheduled in setup.journeys.values() {
            let journey = &scheduled.journey;
            let Some(slo) = journey.slo else { continue };
            for environment in &journey.environments {
                let series = SeriesKey {
                    journey: journey.name.clone(),
                    environment: environment.clone(),
                    location: location.clone(),
                };
                let windows = setup.maintenance_of(journey, environment);
                let fits = |b: &Book| {
                    b.slo == slo && b.schedule == journey.schedule && b.maintenance == windows
                };
                let book = self.0.remove(&series).filter(fits);
                let book =
                    book.unwrap_or_else(|| Book::new(scheduled, slo, series.clone(), windows, now));
                wanted.insert(series, book);
            }
        }
        self.0 = wanted;
    }

    async fn renew(
        &mut self,
        store: &Store,
        keys: &[SeriesKey],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut books: Vec<Book> = keys.iter().filter_map(|key| self.0.remove(key)).collect();
        let wanted = books.iter().map(|book| book.to_read(now)).collect();
        let read = store.tallies(wanted).await;
        let written = tokio::task::spawn_blocking(move || {
            if let Ok(read) = &read {
                books.iter_mut().zip(read).for_each(|(book, tallied)| book.renew(tallied, now));
            }
            (books, read.map(drop))
        });
        let (books, read) = written.await.map_err(|_| closed())?;
        self.0.extend(books.into_iter().map(|book| (book.series.clone(), book)));
        read
    }
}

fn closed() -> StoreError {
    // Only a panic or the end of the runtime leads here.
    StoreError::Closed { doing: "think of error budgets" }
}

/// The time in which a finding holds a change, or nobody, to have done harm.
fn trouble(finding: &Finding, now: Timestamp) -> Option<Trouble> {
    let false_alarm =
        finding.dismissal.as_ref().is_some_and(|d| d.reason == DismissalReason::FalseAlarm);
    // What was explained is in the finding of its change.
    let elsewhere = finding.state == FindingState::Explained;
    if finding.kind.is_budget() || false_alarm || elsewhere {
        return None;
    }
    let cause = finding.change.clone().map_or(Cause::Unexplained, Cause::Change);
    let from = finding.onset_at.unwrap_or(finding.opened_at);
    Some(Trouble { cause, from, to: finding.closed_at.unwrap_or(now) })
}

fn counted(tallied: &Tallied) -> Counted {
    let Tallied { at, good, slow, failed, broken } = *tallied;
    Counted { at, good, bad: failed.saturating_add(slow), slow, broken }
}

/// The same in maintenance: nobody is held to what was walked then.
fn left_out(tallied: &Tallied) -> Counted {
    let Tallied { at, good, slow, failed, broken } = *tallied;
    let walked = good.saturating_add(slow).saturating_add(failed);
    Counted { at, broken: broken.saturating_add(walked), ..Counted::default() }
}

/// How many times of a schedule lie in each slot up to `to`, or the times themselves where they are rare.
fn due(
    plan: &Plan,
    schedule: &Schedule,
    key: &str,
    from: Timestamp,
    to: Timestamp,
) -> Vec<(Timestamp, u64)> {
    if let Schedule::Every(every) = schedule
        && *every <= SLOT
    {
        let (slot, every, end) = (micros(SLOT), micros(*every).max(1), to.as_microsecond());
        let (first, last) = (from.as_microsecond().div_euclid(slot), end.div_euclid(slot));
        let times = |n: i64| (((n + 1) * slot).min(end) / every - n * slot / every).max(0);
        let slots = (first..=last).filter_map(|n| {
            Some((Timestamp::from_microsecond(n * slot).ok()?, times(n).unsigned_abs()))
        });
        return slots.collect();
    }
    let next = |at: &Timestamp| plan.next_after(key, *at).filter(|at| *at <= to);
    std::iter::successors(next(&from), next).map(|at| (at, 1)).collect()
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

fn back(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_sub(by).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// As the dispatcher spreads its walks.
pub(super) fn spread_key(series: &SeriesKey) -> String {
    format!("{}/{}", series.journey, series.environment)
}

/// Keeps the books while an agent runs.
pub(super) struct Bookkeeper {
    /// The time.
    pub(super) clock: Clock,
    /// Where runs are counted.
    pub(super) store: Store,
    /// What counts.
    pub(super) exporter: Exporter,
    /// The configuration that holds.
    pub(super) setup: watch::Receiver<Arc<Setup>>,
    /// Whoever opens findings.
    pub(super) inputs: mpsc::WeakSender<Input>,
    /// Whoever looks.
    pub(super) shown: watch::Sender<Arc<Budgets>>,
}

impl Bookkeeper {
    /// Writes again and again, until told to stop.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut books = Books::default();
        loop {
            let (setup, now) = (Arc::clone(&self.setup.borrow_and_update()), self.clock.now());
            let writing = books.write(&self.store, &setup, now);
            let written = tokio::select! {
                () = stop.cancelled() => return,
                written = writing => written,
            };
            match written {
                Ok(budgets) => self.show(budgets).await,
                Err(e) => {
                    self.exporter.store_error();
                    tracing::error!(error = %e, "store.failed: the error budgets could not be counted");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
                changed = self.setup.changed() => if changed.is_err() { return },
            }
        }
    }

    async fn show(&self, budgets: Budgets) {
        self.exporter.slo(budgets.rows.iter().map(|r| (&r.series, &r.slo, &r.standing)));
        let burning = budgets.rows.iter().flat_map(burning).collect();
        self.shown.send_replace(Arc::new(budgets));
        if let Some(inputs) = self.inputs.upgrade() {
            // Gone only when the agent stops.
            drop(inputs.send(Input::Burning(burning)).await);
        }
    }
}

fn burning(row: &BudgetRow) -> impl Iterator<Item = Burning> {
    row.signals.iter().map(|signal| Burning {
        series: row.series.clone(),
        kind: match signal.urgency {
            Urgency::Page => FindingKind::BudgetFast,
            Urgency::Ticket => FindingKind::BudgetSlow,
        },
        fires: signal.fires,
        over: signal.over,
        began_at: signal.began_at,
        summary: signal.summary.clone(),
    })
}
