//! The cookies of one run (RFC 6265).

use cookie_store::CookieStore;
use http::{HeaderMap, header};
use jiff::Timestamp;
use url::Url;

use crate::check::Cookie;

/// A browser's jar, empty at the beginning of each run.
#[derive(Debug, Default, Clone)]
pub(in crate::engine) struct Jar(CookieStore);

impl Jar {
    /// Takes all cookies of another jar; where both have one, the other's is kept.
    pub(in crate::engine) fn absorb(&mut self, other: &Self) {
        let all = self.0.iter_any().chain(other.0.iter_any()).cloned();
        let Ok(merged) =
            CookieStore::from_cookies(all.map(Ok::<_, std::convert::Infallible>), false);
        self.0 = merged;
    }

    /// Takes the cookies of an answer. One that cannot be read, or that the host may not set, is passed over as a browser does.
    pub(super) fn take(&mut self, headers: &HeaderMap, url: &Url) {
        for value in headers.get_all(header::SET_COOKIE) {
            let text = String::from_utf8_lossy(value.as_bytes());
            // A refused cookie is not a fault of the step; an assertion on the cookie tells.
            self.0.parse(&text, url).map(drop).unwrap_or_default();
        }
    }

    /// Every cookie that has not expired.
    pub(in crate::engine) fn crumbs(&self) -> Vec<Crumb> {
        let mut all: Vec<Crumb> = self.0.iter_unexpired().filter_map(Crumb::of).collect();
        all.sort();
        all
    }

    /// Holds these cookies and no others.
    pub(in crate::engine) fn refill(&mut self, crumbs: &[Crumb]) {
        self.0.clear();
        self.add(crumbs);
    }

    /// Takes these cookies; one that cannot be kept is passed over.
    pub(in crate::engine) fn add(&mut self, crumbs: &[Crumb]) {
        for crumb in crumbs {
            let Ok(url) = Url::parse(&crumb.url()) else { continue };
            self.0.parse(&crumb.header(), &url).map(drop).unwrap_or_default();
        }
    }

    /// The `Cookie` header for a request, if there are any.
    pub(super) fn header(&self, url: &Url) -> Option<String> {
        let mut pairs: Vec<String> =
            self.0.get_request_values(url).map(|(name, value)| format!("{name}={value}")).collect();
        // The store has no order of its own; a stable one keeps requests comparable.
        pairs.sort();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// All cookies that have not expired, with their attributes: first those that would be sent to `url`.
    pub(in crate::engine) fn cookies(&self, url: &Url) -> Vec<Cookie> {
        let ordered = |mut cookies: Vec<Cookie>| {
            // The store has no order of its own.
            cookies.sort_by(|a, b| (&a.name, &a.value).cmp(&(&b.name, &b.value)));
            cookies
        };
        let mut all = ordered(self.0.matches(url).into_iter().map(seen).collect());
        all.extend(ordered(self.0.iter_unexpired().map(seen).collect()));
        all
    }
}

/// A cookie on its way between a jar and a browser.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) struct Crumb {
    pub(in crate::engine) name: String,
    pub(in crate::engine) value: String,
    /// The host it stays with; with `wide` the ones below it, too.
    pub(in crate::engine) host: String,
    pub(in crate::engine) wide: bool,
    pub(in crate::engine) path: String,
    /// When it ends, in seconds since 1970; none with its session.
    pub(in crate::engine) expires: Option<i64>,
    pub(in crate::engine) secure: bool,
    pub(in crate::engine) http_only: bool,
    /// `Strict`, `Lax` or `None`.
    pub(in crate::engine) same_site: Option<String>,
}

impl Crumb {
    fn of(cookie: &cookie_store::Cookie<'_>) -> Option<Self> {
        use cookie_store::{CookieDomain as D, CookieExpiration as E};
        let (host, wide) = match &cookie.domain {
            D::HostOnly(host) => (host.clone(), false),
            D::Suffix(host) => (host.clone(), true),
            D::NotPresent | D::Empty => return None,
        };
        let expires = match &cookie.expires {
            E::AtUtc(at) => Some(at.unix_timestamp()),
            E::SessionEnd => None,
        };
        Some(Self {
            name: cookie.name().to_owned(),
            value: cookie.value().to_owned(),
            host,
            wide,
            path: String::from(&cookie.path),
            expires,
            secure: cookie.secure() == Some(true),
            http_only: cookie.http_only() == Some(true),
            same_site: cookie.same_site().map(|site| site.to_string()),
        })
    }

    /// A place that it belongs to.
    pub(in crate::engine) fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}{}", self.host, self.path)
    }

    /// As a server would set it (RFC 6265, section 4.1).
    fn header(&self) -> String {
        let mut said = format!("{}={}; Path={}", self.name, self.value, self.path);
        let expires = self.expires.and_then(|at| Timestamp::from_second(at).ok());
        let date = expires.and_then(|at| {
            jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()
        });
        let date = date.map(|date| format!("; Expires={date}"));
        let domain = self.wide.then(|| format!("; Domain={}", self.host));
        let same_site = self.same_site.as_ref().map(|site| format!("; SameSite={site}"));
        said.extend([date, domain, same_site].into_iter().flatten());
        if self.secure {
            said.push_str("; Secure");
        }
        if self.http_only {
            said.push_str("; HttpOnly");
        }
        said
    }
}

/// A cookie as queries see it.
fn seen(cookie: &cookie_store::Cookie<'_>) -> Cookie {
    let same_site = cookie.same_site().map(|site| site.to_string());
    let expires = cookie.expires_datetime();
    Cookie {
        name: cookie.name().to_owned(),
        value: cookie.value().to_owned(),
        path: Some(String::from(&cookie.path)),
        domain: cookie.domain().map(ToOwned::to_owned),
        expires: expires.and_then(|at| Timestamp::from_second(at.unix_timestamp()).ok()),
        max_age_s: cookie.max_age().map(|age| age.whole_seconds()),
        secure: cookie.secure() == Some(true),
        http_only: cookie.http_only() == Some(true),
        same_site,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn cookies_go_back_to_where_they_came_from() {
        let here = Url::parse("https://shop.example/account/").unwrap();
        let mut headers = HeaderMap::new();
        for cookie in [
            "sid=abc; Path=/; HttpOnly; Secure",
            "b=2",
            "other=1; Domain=elsewhere.example",
            "old=1; Max-Age=0",
            ";;;",
        ] {
            headers.append(header::SET_COOKIE, HeaderValue::from_bytes(cookie.as_bytes()).unwrap());
        }
        let mut jar = Jar::default();
        jar.take(&headers, &here);
        assert_eq!(jar.header(&here).as_deref(), Some("b=2; sid=abc"));
        for elsewhere in ["https://elsewhere.example/", "http://shop.example/"] {
            assert_eq!(jar.header(&Url::parse(elsewhere).unwrap()), None, "{elsewhere}");
        }
        assert_eq!(jar.cookies(&here)[0].name, "b");
        let sid = jar.cookies(&here).into_iter().find(|cookie| cookie.name == "sid").unwrap();
        assert_eq!((sid.value.as_str(), sid.path.as_deref(), sid.domain), ("abc", Some("/"), None));
        assert!(sid.secure && sid.http_only && sid.same_site.is_none());
    }

    #[test]
    fn cookies_go_to_a_browser_and_come_back() {
        let here = Url::parse("https://shop.example/account/").unwrap();
        let mut headers = HeaderMap::new();
        for cookie in [
            "sid=abc; Path=/; HttpOnly; Secure",
            "wide=1; Domain=shop.example; SameSite=Lax; Expires=Wed, 01 Jan 2098 00:00:00 GMT",
            "session=2",
        ] {
            headers.append(header::SET_COOKIE, HeaderValue::from_static(cookie));
        }
        let mut jar = Jar::default();
        jar.take(&headers, &here);
        let crumbs = jar.crumbs();
        let wide = crumbs.iter().find(|crumb| crumb.name == "wide").unwrap();
        assert_eq!(
            (wide.wide, wide.expires, wide.path.as_str()),
            (true, Some(4_039_372_800), "/account")
        );
        let mut other = Jar::default();
        other.refill(&crumbs);
        assert_eq!(other.crumbs(), crumbs);
        assert_eq!(other.header(&here), jar.header(&here));
        let below = Url::parse("https://www.shop.example/account/").unwrap();
        assert_eq!(other.header(&below).as_deref(), Some("wide=1"));
        other.refill(&crumbs[..1]);
        assert_eq!(other.crumbs().len(), 1);
    }
}
