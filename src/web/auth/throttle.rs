//! Slows down those who guess.
//!
//! Five wrong tokens are free; after that whoever asks from the same place waits one second, two, four and so on, up to a minute, whatever token is
//! shown. A token that was right from there before is never held up: a pipeline goes on while somebody beside it guesses.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

/// Wrong tokens that are free.
const FREE: u32 = 5;
/// Longest time to wait.
const LONGEST: i64 = 60;
/// After so long without a wrong one all is forgotten.
const FORGIVEN: SignedDuration = SignedDuration::from_mins(15);
/// Most places that are remembered.
const PLACES: usize = 4096;
/// Most right tokens that are remembered.
const RIGHT: usize = 4096;

/// Wrong tokens by where they came from.
#[derive(Debug)]
pub(super) struct Throttle {
    /// So that what is remembered of a right token says nothing of it.
    salt: [u8; 32],
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    wrong: HashMap<IpAddr, Wrong>,
    right: HashSet<[u8; 32]>,
}

#[derive(Debug, Clone, Copy)]
struct Wrong {
    count: u32,
    last: Timestamp,
}

impl Throttle {
    pub(super) fn new() -> Self {
        Self { salt: rand::random(), held: Mutex::default() }
    }

    /// How long whoever shows this token from there must wait.
    ///
    /// # Errors
    /// That long.
    pub(super) fn admit(&self, from: IpAddr, token: &str, now: Timestamp) -> Result<(), Duration> {
        let held = self.held();
        let Some(wrong) = held.wrong.get(&network(from)) else { return Ok(()) };
        let wait = wrong.wait();
        let gone = now.duration_since(wrong.last);
        if gone >= wait || held.right.contains(&self.mark(from, token)) {
            return Ok(());
        }
        Err(Duration::try_from(wait - gone).unwrap_or(Duration::from_secs(1)))
    }

    /// A token was wrong.
    pub(super) fn wrong(&self, from: IpAddr, now: Timestamp) {
        let mut held = self.held();
        if held.wrong.len() >= PLACES {
            held.wrong.retain(|_, wrong| now.duration_since(wrong.last) < FORGIVEN);
            if held.wrong.len() >= PLACES {
                // So many at once are one who has many addresses: whoever waits least is forgotten.
                let mildest = held.wrong.iter().min_by_key(|(_, wrong)| wrong.count);
                if let Some(place) = mildest.map(|(place, _)| *place) {
                    held.wrong.remove(&place);
                }
            }
        }
        let known = held.wrong.entry(network(from)).or_insert(Wrong { count: 0, last: now });
        if now.duration_since(known.last) >= FORGIVEN {
            known.count = 0;
        }
        *known = Wrong { count: known.count.saturating_add(1), last: now };
    }

    /// A token was right.
    pub(super) fn right(&self, from: IpAddr, token: &str) {
        let mark = self.mark(from, token);
        let mut held = self.held();
        if held.right.len() >= RIGHT {
            held.right.clear();
        }
        held.right.insert(mark);
    }

    fn mark(&self, from: IpAddr, token: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.salt);
        hash.update(network(from).to_string());
        hash.update([0]);
        hash.update(token);
        hash.finalize().into()
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wrong {
    fn wait(self) -> SignedDuration {
        let over = self.count.saturating_sub(FREE);
        if over == 0 && self.count < FREE {
            return SignedDuration::ZERO;
        }
        SignedDuration::from_secs(1_i64.checked_shl(over).unwrap_or(LONGEST).clamp(1, LONGEST))
    }
}

/// Whoever has one address of version 6 has a whole network of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6([a, b, c, d, 0, 0, 0, 0].into())
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + second).unwrap()
    }

    #[test]
    fn guessing_gets_slow_and_is_forgiven() {
        let throttle = Throttle::new();
        let (bad, good): (IpAddr, IpAddr) =
            ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        throttle.right(bad, "known");
        for n in 0..i64::from(FREE) {
            assert_eq!(throttle.admit(bad, "x", at(n)), Ok(()), "{n}");
            throttle.wrong(bad, at(n));
        }
        assert!(throttle.admit(bad, "x", at(4)).is_err());
        assert_eq!(throttle.admit(bad, "known", at(4)), Ok(()), "it was right before");
        assert_eq!(throttle.admit(good, "x", at(4)), Ok(()), "somebody else");
        assert_eq!(throttle.admit(bad, "x", at(5)), Ok(()), "a second is over");
        for _ in 0..40 {
            throttle.wrong(bad, at(10));
        }
        assert_eq!(throttle.admit(bad, "x", at(11)), Err(Duration::from_secs(59)));
        assert_eq!(throttle.admit(bad, "x", at(70)), Ok(()));
        throttle.wrong(bad, at(10 + 16 * 60));
        assert_eq!(throttle.admit(bad, "x", at(10 + 16 * 60)), Ok(()), "all is forgotten");
    }

    #[test]
    fn a_network_is_one_place_and_places_are_few() {
        let throttle = Throttle::new();
        for n in 0..FREE {
            throttle.wrong(format!("2001:db8::{n}").parse().unwrap(), at(0));
        }
        assert!(throttle.admit("2001:db8::ffff".parse().unwrap(), "x", at(0)).is_err());
        assert_eq!(throttle.admit("2001:db8:0:1::1".parse().unwrap(), "x", at(0)), Ok(()));
        for n in 0..10_000_u32 {
            throttle.wrong(std::net::Ipv4Addr::from(n).into(), at(0));
        }
        assert!(throttle.held().wrong.len() <= PLACES);
        assert!(throttle.admit("2001:db8::1".parse().unwrap(), "x", at(0)).is_err());
    }
}
