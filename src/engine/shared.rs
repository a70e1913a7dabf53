//! Sessions that many journeys share: opened by a part that is walked once for all journeys of an environment, kept until they expire.
//!
//! Who needs one that is being opened waits for it and shares what comes of it, good or bad: there is never more than one walk of a setup at
//! a time, and a site whose login is down is not asked once for each journey that waits. A session belongs to one environment, one set of
//! inputs and one revision of its part; nothing of it is ever handed to another.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{
    fault::Trouble,
    flow::Walker,
    http::{End, Jar, Session},
    limits::Limits,
    settings::Parts,
    ticket::Ticket,
    vars::{Output, Variables},
    walk::{mask_evidence, mask_failure, mask_step},
};
use crate::model::{
    Action, Environment, EnvironmentName, Evidence, Failure, Flow, JourneyName, Revision,
    SharedSetup, Step, StepRun,
};

/// The deadline of a setup.
const DEADLINE: Duration = Duration::from_secs(30);

/// A session is given up this long before it expires, or a tenth of its life before where that is less.
const BEFORE_ITS_END: Duration = Duration::from_secs(30);

/// For so long a journey does not ask for another renewal after one that was in vain: what it asks for may be forbidden to it for good.
const IN_VAIN: Duration = Duration::from_secs(300);

/// The output that says when a session ends.
const EXPIRES: &str = "expires";

/// Numbers from here on are seconds since 1970, smaller ones seconds from now: the year 2001 is over.
const A_DATE: f64 = 1e9;

/// All shared sessions of an engine.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<Key, Arc<Slot>>>);

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What they hold is secret.
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

/// Whose a session is.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    environment: EnvironmentName,
    part: String,
    inputs: Vec<(String, String)>,
    overrides: BTreeMap<String, String>,
}

/// The place of a session.
#[derive(Default)]
pub(super) struct Slot {
    /// How often its setup was walked to an end.
    walks: AtomicU64,
    /// Whoever holds it walks the setup.
    state: tokio::sync::Mutex<State>,
    /// Journeys for which a renewal was in vain, and when.
    in_vain: Mutex<HashMap<JourneyName, Instant>>,
}

#[derive(Default)]
struct State {
    opened: Option<Arc<Opened>>,
    refused: Option<Arc<Refused>>,
}

/// A session that was opened.
pub(super) struct Opened {
    number: u64,
    revision: Revision,
    environment: Arc<Environment>,
    jar: Jar,
    outputs: Vec<Output>,
    /// What else must be masked.
    secrets: Vec<String>,
    since: Instant,
    until: Option<Instant>,
}

/// Why a session could not be opened. All texts are masked.
#[derive(Clone)]
pub(super) struct Refused {
    /// The steps of the setup as they were walked.
    pub(super) steps: Vec<StepRun>,
    pub(super) how: HowRefused,
}

/// Whose trouble it was.
#[derive(Clone)]
pub(super) enum HowRefused {
    Failed(Box<Failure>, Option<Evidence>),
    Broken(String),
}

/// A shared session in use by a run.
pub(super) struct Held<'a> {
    ticket: &'a Ticket,
    setup: &'a SharedSetup,
    slot: Arc<Slot>,
    opened: Arc<Opened>,
    /// When the run began to use it.
    taken: Instant,
}

impl<'a> Walker<'a> {
    /// Begins with the shared session of a setup, which is opened if there is none.
    pub(super) async fn begin_shared(
        &mut self,
        setup: &'a SharedSetup,
        ticket: &'a Ticket,
    ) -> Result<(), Arc<Refused>> {
        let broken = |trouble| {
            let (Trouble::Ours(reason) | Trouble::Target(_, reason)) = trouble;
            let how = HowRefused::Broken(format!("setup {}: {reason}", setup.part.part));
            Arc::new(Refused { steps: Vec::new(), how })
        };
        let slot = self.parts.sessions.slot(&self.vars, setup, ticket).map_err(broken)?;
        let opened = slot.session(self.parts, (setup, ticket), None).await?;
        let taken = self.session.clock.instant();
        self.take(&opened).map_err(broken)?;
        self.held = Some(Held { ticket, setup, slot, opened, taken });
        Ok(())
    }

    /// Renews the session after a 401. Gives why that did not go, for the message of the failure.
    pub(super) async fn renew(&mut self) -> Option<String> {
        let held = self.held.as_ref()?;
        let now = self.session.clock.instant();
        let name = &held.setup.part.part;
        if held.opened.since >= held.taken || held.slot.was_in_vain(&held.ticket.journey.name, now)
        {
            return Some(format!("the session of setup `{name}` is new: it was not renewed"));
        }
        let (slot, what) = (Arc::clone(&held.slot), (held.setup, held.ticket));
        match slot.session(self.parts, what, Some(held.opened.number)).await {
            Ok(opened) => {
                let taken = self.take(&opened);
                if let Some(held) = &mut self.held {
                    held.opened = opened;
                    held.taken = now;
                }
                taken.err().map(|_| "what it is used for cannot be filled anew".to_owned())
            }
            Err(refused) => {
                let why = match &refused.how {
                    HowRefused::Failed(failure, _) => &failure.message,
                    HowRefused::Broken(reason) => reason,
                };
                Some(format!("the session of setup `{name}` could not be renewed: {why}"))
            }
        }
    }

    /// Notes whether the renewed session did any better.
    pub(super) fn renewal_helped(&self, helped: bool) {
        let Some(held) = &self.held else { return };
        let mut in_vain = held.slot.in_vain.lock().unwrap_or_else(PoisonError::into_inner);
        if helped {
            in_vain.remove(&held.ticket.journey.name);
        } else {
            in_vain.insert(held.ticket.journey.name.clone(), self.session.clock.instant());
        }
    }

    fn take(&mut self, opened: &Opened) -> Result<(), Trouble> {
        self.session.jar.absorb(&opened.jar);
        opened.secrets.iter().for_each(|secret| self.vars.hide(secret));
        self.vars.learn();
        self.vars.take_shared(&opened.outputs)
    }
}

impl Sessions {
    /// The place of the session that a journey needs.
    fn slot(
        &self,
        vars: &Variables,
        setup: &SharedSetup,
        ticket: &Ticket,
    ) -> Result<Arc<Slot>, Trouble> {
        let inputs = setup.part.with.iter();
        let inputs = inputs.map(|(name, text)| Ok((name.clone(), vars.fill_to_send(text)?)));
        let key = Key {
            environment: ticket.environment.name.clone(),
            part: setup.part.part.clone(),
            inputs: inputs.collect::<Result<_, Trouble>>()?,
            overrides: ticket.vars.clone(),
        };
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(slots.entry(key).or_default()))
    }
}

impl Slot {
    /// The session, opened anew if there is none that can be used. `stale` is the number of one that was answered with 401.
    async fn session(
        &self,
        parts: &Arc<Parts>,
        (setup, ticket): (&SharedSetup, &Ticket),
        stale: Option<u64>,
    ) -> Result<Arc<Opened>, Arc<Refused>> {
        let before = self.walks.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        let now = parts.clock.instant();
        let good = state.opened.as_ref().filter(|opened| {
            opened.revision == setup.revision
                && *opened.environment == *ticket.environment
                && opened.until.is_none_or(|until| now < until)
                && stale != Some(opened.number)
        });
        if let Some(opened) = good {
            return Ok(Arc::clone(opened));
        }
        let number = self.walks.load(Ordering::Acquire);
        if let Some(refused) = state.refused.as_ref().filter(|_| number != before) {
            return Err(Arc::clone(refused));
        }
        let walked = open(parts, setup, ticket, number + 1).await;
        self.walks.store(number + 1, Ordering::Release);
        *state = State::default();
        match walked {
            Ok(opened) => {
                let opened = Arc::new(opened);
                state.opened = Some(Arc::clone(&opened));
                Ok(opened)
            }
            Err(refused) => {
                let refused = Arc::new(refused);
                state.refused = Some(Arc::clone(&refused));
                Err(refused)
            }
        }
    }

    fn was_in_vain(&self, journey: &JourneyName, now: Instant) -> bool {
        let in_vain = self.in_vain.lock().unwrap_or_else(PoisonError::into_inner);
        in_vain.get(journey).is_some_and(|at| now.saturating_duration_since(*at) < IN_VAIN)
    }
}

/// Walks the part of a setup over connections of its own, in nobody's time.
async fn open(
    parts: &Arc<Parts>,
    setup: &SharedSetup,
    ticket: &Ticket,
    number: u64,
) -> Result<Opened, Refused> {
    let broken = |reason: String| Refused { steps: Vec::new(), how: HowRefused::Broken(reason) };
    let watch = parts.clock.start();
    let vars = Variables::new(parts, ticket);
    let session = Session::new(parts, &vars, watch).map_err(|trouble| {
        let (Trouble::Ours(reason) | Trouble::Target(_, reason)) = trouble;
        broken(reason)
    })?;
    let mut walker = Walker::new(parts, session, vars);
    let limits = Limits::new(watch.origin(), DEADLINE, "the setup's");
    let step = around(setup);
    let end = walker.part(&step, &setup.part, &limits, false).await;
    let Walker { session, mut vars, mut steps, .. } = walker;
    vars.learn();
    let mask = vars.mask();
    if let Some(end) = end {
        steps.iter_mut().for_each(|step| mask_step(step, mask));
        let how = match end {
            End::Broken(reason, step) => {
                HowRefused::Broken(mask.apply(&format!("step {step}: {reason}")))
            }
            End::Failed(mut failure, mut evidence) => {
                mask_failure(&mut failure, mask);
                evidence.iter_mut().for_each(|evidence| mask_evidence(evidence, mask));
                HowRefused::Failed(failure, evidence)
            }
        };
        return Err(Refused { steps, how });
    }
    let outputs = vars.outputs(&setup.part.outputs);
    let since = parts.clock.instant();
    let said = outputs.iter().find(|output| output.name == EXPIRES);
    let said = said.and_then(|output| life_of(&output.value, parts.clock.now()));
    let life = [setup.expires_after, said].into_iter().flatten().min();
    let until = life
        .and_then(|life| since.checked_add(life.saturating_sub((life / 10).min(BEFORE_ITS_END))));
    let (revision, environment) = (setup.revision.clone(), Arc::clone(&ticket.environment));
    let secrets = vars.secrets().to_vec();
    Ok(Opened { number, revision, environment, jar: session.jar, outputs, secrets, since, until })
}

/// The step that a setup would be in a journey.
fn around(setup: &SharedSetup) -> Step {
    Step {
        name: setup.part.part.as_str().into(),
        service: None,
        timeout: None,
        effect: false,
        action: Action::Part(setup.part.clone()),
        captures: Vec::new(),
        assertions: Vec::new(),
        measures: Vec::new(),
        flow: Flow::default(),
    }
}

/// How long a session lives from now on, by what its output `expires` says: seconds from now, seconds or milliseconds since 1970, a date of
/// RFC 3339 or one of HTTP (RFC 9110, section 5.6.7). None where it cannot be read.
fn life_of(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let until = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or_default();
    if let Ok(number) = text.parse::<f64>() {
        if !number.is_finite() || number < 0.0 {
            return None;
        }
        let now = now.as_microsecond() as f64 / 1e6;
        let seconds = match number {
            n if n < A_DATE => n,
            n if n < 100.0 * A_DATE => n - now,
            n => n / 1000.0 - now,
        };
        return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(until(at));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(until(at.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_session_is_read_in_every_usual_form() {
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let hour = Some(Duration::from_secs(3600));
        let unix = now.as_second() + 3600;
        for (text, life) in [
            ("3600", hour),
            (" 3600.0 ", hour),
            ("2030-01-01T01:00:00Z", hour),
            ("2030-01-01T02:00:00+01:00", hour),
            ("Tue, 01 Jan 2030 01:00:00 GMT", hour),
            (&unix.to_string(), hour),
            (&(unix * 1000).to_string(), hour),
            ("2029-01-01T00:00:00Z", Some(Duration::ZERO)),
            ("0", Some(Duration::ZERO)),
            ("-1", None),
            ("inf", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(life_of(text, now), life, "{text}");
        }
    }
}
