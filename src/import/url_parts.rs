//! Addresses taken apart into what a step says of them.

use percent_encoding::percent_decode_str;
use url::Url;

use super::text::{Piece, Text};

/// A query, pair by pair and decoded, if it is made of pairs.
pub(super) fn pairs(query: &str) -> Option<Vec<(String, String)>> {
    let parts: Vec<&str> = query.split('&').filter(|part| !part.is_empty()).collect();
    let pairs = parts.iter().all(|part| part.contains('=') && !part.starts_with('='));
    pairs.then(|| url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

/// A literal address: scheme to path, the query where it is made of pairs, user and password.
pub(super) struct Address {
    pub(super) url: Text,
    pub(super) query: Vec<(String, Text)>,
    pub(super) user: Option<(String, String)>,
}

/// Takes a whole address apart.
pub(super) fn address(url: &Url) -> Address {
    let mut bare = url.clone();
    bare.set_fragment(None);
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let user = (!url.username().is_empty() || url.password().is_some())
        .then(|| (decode(url.username()), decode(url.password().unwrap_or_default())));
    // Neither can fail for an http address; if one did, the address is not used.
    let stripped = bare.set_username("").and_then(|()| bare.set_password(None)).is_ok();
    let query = url.query().and_then(pairs);
    if query.is_some() || url.query() == Some("") {
        bare.set_query(None);
    }
    let query = query.unwrap_or_default();
    Address {
        url: if stripped { Text::plain(bare.as_str()) } else { Text::default() },
        query: query.into_iter().map(|(name, value)| (name, Text::plain(value))).collect(),
        user,
    }
}

/// Takes a text with holes apart: what stands behind `?` becomes pairs, where it is made of them.
pub(super) fn template(text: Text) -> (Text, Vec<(String, Text)>) {
    let mut url = Text::default();
    let mut query: Option<Text> = None;
    for piece in text.0 {
        match (&mut query, piece) {
            (None, Piece::Plain(plain)) => match plain.split_once('?') {
                Some((before, after)) => {
                    url.push(Piece::Plain(before.to_owned()));
                    query = Some(Text::plain(without_fragment(after)));
                }
                None => url.push(Piece::Plain(without_fragment(&plain).to_owned())),
            },
            (None, piece) => url.push(piece),
            (Some(query), Piece::Plain(plain)) => {
                query.push(Piece::Plain(without_fragment(&plain).to_owned()));
            }
            (Some(query), piece) => query.push(piece),
        }
    }
    let Some(query) = query else { return (url, Vec::new()) };
    match template_pairs(&query) {
        Some(pairs) => (url, pairs),
        None => {
            url.push(Piece::Plain("?".to_owned()));
            query.0.into_iter().for_each(|piece| url.push(piece));
            (url, Vec::new())
        }
    }
}

fn without_fragment(text: &str) -> &str {
    text.split_once('#').map_or(text, |(before, _)| before)
}

/// Pairs of a query or form with holes, decoded; none where a hole stands in a key or a part is no pair.
pub(super) fn template_pairs(query: &Text) -> Option<Vec<(String, Text)>> {
    let mut pairs: Vec<(String, Option<Text>)> = vec![(String::new(), None)];
    let decode =
        |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    for piece in &query.0 {
        let Piece::Plain(plain) = piece else {
            pairs.last_mut()?.1.as_mut()?.push(match piece {
                Piece::Encoded(name) => Piece::Name(name.clone()),
                piece => piece.clone(),
            });
            continue;
        };
        for (at, part) in plain.split('&').enumerate() {
            if at > 0 {
                pairs.push((String::new(), None));
            }
            let last = pairs.last_mut()?;
            match (&mut last.1, part.split_once('=')) {
                (Some(value), _) => value.push(Piece::Plain(decode(part))),
                (None, Some((key, value))) => {
                    last.0.push_str(&decode(key));
                    last.1 = Some(Text::plain(decode(value)));
                }
                (None, None) => last.0.push_str(&decode(part)),
            }
        }
    }
    pairs.retain(|(key, value)| !(key.is_empty() && value.is_none()));
    pairs.into_iter().map(|(key, value)| Some((key, value?))).collect()
}

/// The parts of a host that name its owner: `example.co.uk` of `www.shop.example.co.uk`. An address or a single word is itself.
pub(super) fn owner(host: &str) -> &str {
    let numeric = host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[');
    let dots: Vec<usize> = host.match_indices('.').map(|(at, _)| at).collect();
    if numeric || dots.len() < 2 {
        return host;
    }
    let (last, second) = (dots[dots.len() - 1], dots[dots.len() - 2]);
    let short = |label: &str| matches!(label, "co" | "com" | "net" | "org" | "ac" | "gov" | "edu");
    let country = host.len() - last - 1 == 2;
    let shared = matches!(
        &host[second + 1..],
        "github.io"
            | "vercel.app"
            | "netlify.app"
            | "herokuapp.com"
            | "azurewebsites.net"
            | "pages.dev"
            | "workers.dev"
            | "web.app"
    );
    if shared || (country && short(&host[second + 1..last])) {
        let from = dots.len().checked_sub(3).map_or(0, |third| dots[third] + 1);
        return &host[from..];
    }
    &host[second + 1..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners() {
        for (host, expected) in [
            ("www.example.com", "example.com"),
            ("a.b.example.co.uk", "example.co.uk"),
            ("example.co.uk", "example.co.uk"),
            ("127.0.0.1", "127.0.0.1"),
            ("localhost", "localhost"),
            ("me.github.io", "me.github.io"),
        ] {
            assert_eq!(owner(host), expected, "{host}");
        }
    }

    #[test]
    fn templates_fall_into_path_and_pairs() {
        let mut text = Text::plain("https://x/a?q=1%202&t=");
        text.push(Piece::Name("t".into()));
        text.push(Piece::Plain("&b=c+d#frag".into()));
        let (url, query) = template(text);
        assert_eq!(url.template(), "https://x/a");
        let shown: Vec<String> =
            query.iter().map(|(k, v)| format!("{k}={}", v.template())).collect();
        assert_eq!(shown, ["q=1 2", "t={{t}}", "b=c d"]);
        let (url, query) = template(Text::plain("https://x/a?flag"));
        assert_eq!((url.template().as_str(), query.len()), ("https://x/a?flag", 0));
    }

    #[test]
    fn credentials_leave_the_address() {
        let url = Url::parse("https://jo:p%40ss@x.example/a?b=c#d").unwrap();
        let address = address(&url);
        assert_eq!(address.url.template(), "https://x.example/a");
        assert_eq!(address.user, Some(("jo".into(), "p@ss".into())));
        assert_eq!(address.query.len(), 1);
    }
}
