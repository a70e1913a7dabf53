//! Redirects: a browser records every hop, a journey follows them within one step.

use std::collections::{BTreeMap, VecDeque};

use url::Url;

use super::recording::Exchange;

/// Most hops of one chain: what a step follows by itself.
const LONGEST: u32 = 10;

/// Puts every chain together: the request of its head, the response of its end, the cookies of all.
pub(super) fn fold(exchanges: Vec<Exchange>) -> Vec<Exchange> {
    // Where each address is asked for, so that a chain is found without searching.
    let mut asked: BTreeMap<String, VecDeque<usize>> = BTreeMap::new();
    for (at, exchange) in exchanges.iter().enumerate() {
        if let Some(url) = &exchange.url {
            asked.entry(key(url)).or_default().push_back(at);
        }
    }
    let mut slots: Vec<Option<Exchange>> = exchanges.into_iter().map(Some).collect();
    let mut folded = Vec::new();
    for at in 0..slots.len() {
        let Some(mut head) = slots[at].take() else { continue };
        let mut last = at;
        while let Some(target) = target(&head) {
            let Some(places) = asked.get_mut(&key(&target)) else { break };
            while places.front().is_some_and(|place| *place <= last || slots[*place].is_none()) {
                places.pop_front();
            }
            let Some(next) = places.front().copied() else { break };
            if !follows(&head, slots[next].as_ref()) {
                break;
            }
            let Some(hop) = slots[next].take() else { break };
            last = next;
            take_over(&mut head, hop, target);
        }
        folded.push(head);
    }
    folded
}

/// An address without its fragment, which is never sent.
fn key(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    url.into()
}

/// Where a response sends its client.
fn target(exchange: &Exchange) -> Option<Url> {
    let redirect = matches!(exchange.status, 301 | 302 | 303 | 307 | 308);
    exchange.location.clone().filter(|_| redirect && exchange.redirects < LONGEST)
}

/// Whether a request can be the one that a redirect made: its method tells.
fn follows(head: &Exchange, next: Option<&Exchange>) -> bool {
    let Some(next) = next else { return false };
    let kept = matches!(head.status, 307 | 308);
    if kept { next.method == head.method } else { matches!(next.method.as_str(), "GET" | "HEAD") }
}

fn take_over(head: &mut Exchange, hop: Exchange, target: Url) {
    head.status = hop.status;
    head.received = hop.received;
    head.media = hop.media;
    head.text = hop.text;
    head.location = hop.location;
    head.redirects += 1;
    head.landed = Some(target);
    for (name, value) in hop.set_cookies {
        head.set_cookies.retain(|(known, _)| *known != name);
        head.set_cookies.push((name, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(method: &str, url: &str, status: u16, to: &str) -> Exchange {
        let url = Url::parse(url).ok();
        let location = url.as_ref().and_then(|url| url.join(to).ok()).filter(|_| !to.is_empty());
        Exchange { method: method.into(), url, status, location, ..Exchange::default() }
    }

    #[test]
    fn hops_become_one_exchange() {
        let folded = fold(vec![
            hop("POST", "http://x/login", 302, "/a#top"),
            hop("GET", "http://x/logo.png", 200, ""),
            hop("GET", "http://x/a", 302, "/b"),
            hop("GET", "http://x/b", 200, ""),
            hop("GET", "http://x/b", 200, ""),
            hop("GET", "http://x/gone", 302, "/nowhere"),
            hop("GET", "http://x/loop", 302, "/loop"),
        ]);
        let seen: Vec<_> = folded
            .iter()
            .map(|e| (e.url.as_ref().unwrap().path().to_owned(), e.status, e.redirects))
            .collect();
        let expected = [
            ("/login", 200, 2),
            ("/logo.png", 200, 0),
            ("/b", 200, 0),
            ("/gone", 302, 0),
            ("/loop", 302, 0),
        ];
        assert_eq!(seen, expected.map(|(path, status, n)| (path.to_owned(), status, n)));
    }
}
