//! The options of `curl` (its manual page, version 8), sorted into what a step says.

use crate::import::{
    draft::Draft,
    text::{Piece, Text},
};

/// One request as the options say it.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) urls: Vec<Text>,
    /// Option and value, by long names, in order.
    pub(super) values: Vec<(&'static str, Text)>,
    pub(super) flags: Vec<&'static str>,
}

impl Said {
    /// Whether a flag was set.
    pub(super) fn has(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }

    /// The last value of an option.
    pub(super) fn value(&self, option: &str) -> Option<&Text> {
        self.values.iter().rev().find(|(name, _)| *name == option).map(|(_, value)| value)
    }

    /// All values of an option.
    pub(super) fn values<'s>(&'s self, option: &'s str) -> impl Iterator<Item = &'s Text> {
        self.values.iter().filter(move |(name, _)| *name == option).map(|(_, value)| value)
    }

    /// Reads arguments, one `Said` for each part between `--next`.
    pub(super) fn read(arguments: &[Text], draft: &mut Draft) -> Vec<Self> {
        let mut all = vec![Self::default()];
        let mut words = arguments.iter();
        let mut options = true;
        while let Some(word) = words.next() {
            let plain = match word.0.first() {
                Some(Piece::Plain(plain)) if options => plain.as_str(),
                _ => "",
            };
            let Some(said) = all.last_mut() else { break };
            if plain == "--" {
                options = false;
            } else if plain == "--next" || plain == "-:" {
                all.push(Self::default());
            } else if let Some(long) = plain.strip_prefix("--").filter(|long| !long.is_empty()) {
                said.long(long, word, &mut words, draft);
            } else if plain.len() > 1 && plain.starts_with('-') {
                said.short(word, &mut words, draft);
            } else {
                said.urls.push(word.clone());
            }
        }
        all
    }

    fn long<'w>(
        &mut self,
        long: &str,
        word: &Text,
        words: &mut impl Iterator<Item = &'w Text>,
        draft: &mut Draft,
    ) {
        let (name, attached) = match long.split_once('=') {
            Some((name, _)) => (name, true),
            None => (long, false),
        };
        let known = OPTIONS.iter().find(|option| option.long == name);
        match known {
            Some(option) if option.takes => {
                let mut value = word.clone();
                let prefix = format!("--{name}=");
                let value = match attached && value.strip_prefix(&prefix) {
                    true => value,
                    false => words.next().cloned().unwrap_or_default(),
                };
                self.take(option, value, draft);
            }
            Some(option) => self.set(option, draft),
            None => match name
                .strip_prefix("no-")
                .and_then(|n| OPTIONS.iter().find(|o| o.long == n))
            {
                Some(option) => self.flags.retain(|flag| *flag != option.long),
                None => {
                    let name: String = name.chars().take(40).collect();
                    draft.unsupported(format!("curl --{name}"), "not an option that is known here");
                }
            },
        }
    }

    fn short<'w>(
        &mut self,
        word: &Text,
        words: &mut impl Iterator<Item = &'w Text>,
        draft: &mut Draft,
    ) {
        let mut rest = word.clone();
        rest.strip_prefix("-");
        while let Some(Piece::Plain(plain)) = rest.0.first() {
            let Some(letter) = plain.chars().next() else { break };
            rest.strip_prefix(&letter.to_string());
            let Some(option) = OPTIONS.iter().find(|option| option.short == letter) else {
                draft.unsupported(format!("curl -{letter}"), "not an option that is known here");
                continue;
            };
            if option.takes {
                let value =
                    if rest.is_empty() { words.next().cloned().unwrap_or_default() } else { rest };
                return self.take(option, value, draft);
            }
            self.set(option, draft);
        }
    }

    fn take(&mut self, option: &'static Known, value: Text, draft: &mut Draft) {
        match option.why {
            Some("") => {}
            Some(why) => draft.unsupported(format!("curl --{}", option.long), why),
            None if option.long == "url" => self.urls.push(value),
            None => self.values.push((option.long, value)),
        }
    }

    fn set(&mut self, option: &'static Known, draft: &mut Draft) {
        match option.why {
            Some("") => {}
            Some(why) => draft.unsupported(format!("curl --{}", option.long), why),
            None => self.flags.push(option.long),
        }
    }
}

/// An option.
struct Known {
    long: &'static str,
    short: char,
    takes: bool,
    /// Why it is not imported: empty if it has no meaning for a journey (what is printed, where it is saved).
    why: Option<&'static str>,
}

const fn takes(long: &'static str, short: char) -> Known {
    Known { long, short, takes: true, why: None }
}

const fn flag(long: &'static str, short: char) -> Known {
    Known { long, short, takes: false, why: None }
}

const fn silent(long: &'static str, short: char, takes: bool) -> Known {
    Known { long, short, takes, why: Some("") }
}

const fn lacks(long: &'static str, short: char, takes: bool, why: &'static str) -> Known {
    Known { long, short, takes, why: Some(why) }
}

const TLS: &str = "versions and ciphers of TLS are the engine's own";
const NO_FILE: &str = "an importer reads no further file";
const OTHER: &str = "a journey has no such thing";

/// The options; ` ` where there is no short one.
const OPTIONS: &[Known] = &[
    takes("request", 'X'),
    takes("header", 'H'),
    takes("data", 'd'),
    takes("data-raw", ' '),
    takes("data-ascii", ' '),
    takes("data-binary", ' '),
    takes("data-urlencode", ' '),
    takes("json", ' '),
    takes("form", 'F'),
    takes("form-string", ' '),
    takes("user", 'u'),
    takes("cookie", 'b'),
    takes("user-agent", 'A'),
    takes("referer", 'e'),
    takes("url", ' '),
    takes("url-query", ' '),
    takes("max-redirs", ' '),
    takes("max-time", 'm'),
    takes("proxy", 'x'),
    takes("cacert", ' '),
    takes("cert", 'E'),
    takes("key", ' '),
    takes("resolve", ' '),
    takes("retry", ' '),
    takes("retry-delay", ' '),
    takes("oauth2-bearer", ' '),
    takes("aws-sigv4", ' '),
    takes("upload-file", 'T'),
    takes("max-filesize", ' '),
    flag("get", 'G'),
    flag("head", 'I'),
    flag("location", 'L'),
    flag("location-trusted", ' '),
    flag("insecure", 'k'),
    flag("http1.1", ' '),
    flag("http2", ' '),
    flag("http1.0", '0'),
    flag("ipv4", '4'),
    flag("ipv6", '6'),
    flag("digest", ' '),
    flag("basic", ' '),
    silent("compressed", ' ', false),
    silent("silent", 's', false),
    silent("show-error", 'S', false),
    silent("verbose", 'v', false),
    silent("include", 'i', false),
    silent("show-headers", ' ', false),
    silent("fail", 'f', false),
    silent("fail-with-body", ' ', false),
    silent("globoff", 'g', false),
    silent("no-buffer", 'N', false),
    silent("progress-bar", '#', false),
    silent("output", 'o', true),
    silent("remote-name", 'O', false),
    silent("remote-header-name", 'J', false),
    silent("write-out", 'w', true),
    silent("cookie-jar", 'c', true),
    silent("trace", ' ', true),
    silent("trace-ascii", ' ', true),
    silent("dump-header", 'D', true),
    silent("stderr", ' ', true),
    silent("path-as-is", ' ', false),
    silent("styled-output", ' ', false),
    silent("parallel", 'Z', false),
    silent("connect-timeout", ' ', true),
    silent("keepalive-time", ' ', true),
    silent("disable", 'q', false),
    silent("junk-session-cookies", 'j', false),
    silent("output-dir", ' ', true),
    silent("create-dirs", ' ', false),
    silent("progress-meter", ' ', false),
    silent("retry-all-errors", ' ', false),
    silent("retry-max-time", ' ', true),
    silent("retry-connrefused", ' ', false),
    silent("tcp-nodelay", ' ', false),
    silent("keepalive", ' ', false),
    silent("http2-prior-knowledge", ' ', false),
    silent("alpn", ' ', false),
    silent("anyauth", ' ', false),
    silent("raw", ' ', false),
    silent("post301", ' ', false),
    silent("post302", ' ', false),
    silent("post303", ' ', false),
    silent("tr-encoding", ' ', false),
    silent("xattr", ' ', false),
    silent("expect100-timeout", ' ', true),
    silent("limit-rate", ' ', true),
    silent("user-agent-default", ' ', false),
    lacks("config", 'K', true, NO_FILE),
    lacks("netrc", 'n', false, NO_FILE),
    lacks("netrc-file", ' ', true, NO_FILE),
    lacks("unix-socket", ' ', true, OTHER),
    lacks("connect-to", ' ', true, "write `resolve` in the environment"),
    lacks("interface", ' ', true, OTHER),
    lacks("ntlm", ' ', false, OTHER),
    lacks("negotiate", ' ', false, OTHER),
    lacks("range", 'r', true, "write the header `range`"),
    lacks("http3", ' ', false, "HTTP/3 is not spoken"),
    lacks("http3-only", ' ', false, "HTTP/3 is not spoken"),
    lacks("tlsv1.2", ' ', false, TLS),
    lacks("tlsv1.3", ' ', false, TLS),
    lacks("tlsv1.0", ' ', false, TLS),
    lacks("tlsv1.1", ' ', false, TLS),
    lacks("tlsv1", '1', false, TLS),
    lacks("tls-max", ' ', true, TLS),
    lacks("ciphers", ' ', true, TLS),
    lacks("tls13-ciphers", ' ', true, TLS),
    lacks("capath", ' ', true, TLS),
    lacks("pinnedpubkey", ' ', true, TLS),
    lacks("cert-type", ' ', true, TLS),
    lacks("key-type", ' ', true, TLS),
    lacks("pass", ' ', true, "a client's key must be without a passphrase"),
    lacks("sslv3", '3', false, TLS),
    lacks("socks5", ' ', true, "write `proxy` in the environment"),
    lacks("socks5-hostname", ' ', true, "write `proxy` in the environment"),
    lacks("socks4", ' ', true, OTHER),
    lacks("proxy-user", 'U', true, "write user and password into `proxy` of the environment"),
    lacks("proxy-header", ' ', true, OTHER),
    lacks("proxy-insecure", ' ', false, OTHER),
    lacks("noproxy", ' ', true, OTHER),
    lacks("proxytunnel", 'p', false, "a proxy is always tunnelled through for https"),
    lacks("preproxy", ' ', true, OTHER),
    lacks("time-cond", 'z', true, OTHER),
    lacks("etag-save", ' ', true, OTHER),
    lacks("etag-compare", ' ', true, OTHER),
    lacks("dns-servers", ' ', true, OTHER),
    lacks("doh-url", ' ', true, OTHER),
    lacks("haproxy-protocol", ' ', false, OTHER),
    lacks("request-target", ' ', true, OTHER),
    lacks("continue-at", 'C', true, OTHER),
    lacks("proto", ' ', true, OTHER),
    lacks("speed-limit", 'Y', true, OTHER),
    lacks("speed-time", 'y', true, OTHER),
    lacks("variable", ' ', true, OTHER),
];
