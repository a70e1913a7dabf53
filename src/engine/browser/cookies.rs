//! The run's cookies on their way to the browser and back.
//!
//! A run has one jar. Chromium takes and gives all cookies of all sites at once; of other browsers those of the page in front can be had, so
//! the others stay in the jar until their site is opened.

use http::Method;
use serde_json::{Value, json};
use url::Url;

use super::tab::Tab;
use crate::{
    engine::{
        fault::Trouble,
        http::{Crumb, Jar},
        vars::Variables,
    },
    model::{FaultKind, Text},
};

impl Tab<'_> {
    /// Gives the browser what came into the jar since `given`, and takes from it what left it.
    pub(super) async fn give_cookies(
        &mut self,
        jar: &Jar,
        given: &mut Vec<Crumb>,
    ) -> Result<(), Trouble> {
        let crumbs = jar.crumbs();
        if crumbs == *given || !self.browser.chromium {
            return Ok(());
        }
        let same =
            |a: &Crumb, b: &Crumb| (&a.name, &a.host, &a.path) == (&b.name, &b.host, &b.path);
        let refused = |tab: &Self, refused| tab.trouble(refused, "the browser takes no cookies");
        for gone in given.iter().filter(|old| !crumbs.iter().any(|new| same(old, new))) {
            let which = json!({ "name": gone.name, "domain": gone.host, "path": gone.path });
            let told = self.browser.cdp("Network.deleteCookies", which).await;
            told.map_err(|e| refused(self, e))?;
        }
        // One by one: a browser refuses all of them together for one that it does not like.
        for crumb in crumbs.iter().filter(|crumb| !given.contains(crumb)) {
            let told = self.browser.cdp("Network.setCookie", for_browser(crumb)).await;
            told.map_err(|e| refused(self, e))?;
        }
        *given = crumbs;
        Ok(())
    }

    /// Gives the page in front the cookies of its site; whether there were any. For browsers that take no others.
    pub(super) async fn give_site_cookies(
        &mut self,
        url: &Url,
        jar: &Jar,
    ) -> Result<bool, Trouble> {
        if self.browser.chromium {
            return Ok(false);
        }
        let host = url.host_str().unwrap_or_default();
        let is_of = |crumb: &&Crumb| {
            crumb.host == host || (crumb.wide && host.ends_with(&format!(".{}", crumb.host)))
        };
        let mut any = false;
        for crumb in jar.crumbs().iter().filter(is_of) {
            any |= self.post("cookie", json!({ "cookie": for_driver(crumb) })).await.is_ok();
        }
        Ok(any)
    }

    /// Takes the browser's cookies into the jar.
    pub(super) async fn take_cookies(
        &mut self,
        jar: &mut Jar,
        given: &mut Vec<Crumb>,
    ) -> Result<(), Trouble> {
        if self.browser.chromium {
            let told = self.browser.cdp("Network.getAllCookies", json!({})).await;
            let told = told.map_err(|e| self.trouble(e, "the browser gives no cookies"))?;
            jar.refill(&crumbs(&told["cookies"], "expires"));
            *given = jar.crumbs();
            return Ok(());
        }
        let told = self.command(Method::GET, "cookie", None).await;
        let told = told.map_err(|e| self.trouble(e, "the browser gives no cookies"))?;
        jar.add(&crumbs(&told, "expiry"));
        Ok(())
    }

    /// `cookie = { … }`: sets one.
    pub(super) async fn set_cookie(
        &mut self,
        [name, value]: [&Text; 2],
        [domain, path]: [Option<&Text>; 2],
        vars: &Variables,
    ) -> Result<(), Trouble> {
        let fill = |text: &Text| vars.fill_to_send(text);
        let (name, value) = (fill(name)?, fill(value)?);
        let path = path.map(fill).transpose()?.unwrap_or_else(|| "/".to_owned());
        let domain = domain.map(fill).transpose()?;
        let failed = |what: &str| {
            Err(Trouble::target(
                FaultKind::Page,
                format!("the cookie `{name}` cannot be set: {what}"),
            ))
        };
        let url = self.clock.last().url.clone();
        if domain.is_none() && !url.starts_with("http") {
            return failed("no page is open yet; say its `domain`");
        }
        let mut cookie = json!({ "name": name, "value": value, "path": path });
        if let Some(domain) = &domain {
            cookie["domain"] = json!(domain);
        }
        let told = if self.browser.chromium {
            if domain.is_none() {
                cookie["url"] = json!(url);
            }
            self.browser.cdp("Network.setCookie", cookie).await
        } else {
            self.post("cookie", json!({ "cookie": cookie })).await
        };
        match told {
            Ok(told) if told["success"] == false => failed("the browser refuses it"),
            Ok(_) => Ok(()),
            Err(refused) => {
                Err(self.trouble(refused, &format!("the cookie `{name}` cannot be set")))
            }
        }
    }
}

/// As `Network.setCookie` takes it.
fn for_browser(crumb: &Crumb) -> Value {
    let mut cookie = json!({
        "name": crumb.name, "value": crumb.value, "path": crumb.path,
        "secure": crumb.secure, "httpOnly": crumb.http_only,
    });
    if crumb.wide {
        cookie["domain"] = json!(crumb.host);
    } else {
        cookie["url"] = json!(crumb.url());
    }
    if let Some(at) = crumb.expires {
        cookie["expires"] = json!(at);
    }
    if let Some(site) = &crumb.same_site {
        cookie["sameSite"] = json!(site);
    }
    cookie
}

/// As WebDriver takes it (section 14).
fn for_driver(crumb: &Crumb) -> Value {
    let mut cookie = json!({
        "name": crumb.name, "value": crumb.value, "path": crumb.path,
        "secure": crumb.secure, "httpOnly": crumb.http_only,
    });
    if crumb.wide {
        cookie["domain"] = json!(crumb.host);
    }
    if let Some(at) = crumb.expires {
        cookie["expiry"] = json!(at);
    }
    if let Some(site) = &crumb.same_site {
        cookie["sameSite"] = json!(site);
    }
    cookie
}

/// What a browser tells of its cookies; `expires` is what it calls their end.
fn crumbs(told: &Value, expires: &str) -> Vec<Crumb> {
    let text = |cookie: &Value, name: &str| cookie[name].as_str().unwrap_or_default().to_owned();
    let crumb = |cookie: &Value| {
        let domain = text(cookie, "domain");
        let host = domain.trim_start_matches('.').to_owned();
        #[expect(clippy::cast_possible_truncation, reason = "what is no date is none")]
        let expires = cookie[expires].as_f64().filter(|at| *at > 0.0).map(|at| at as i64);
        let same_site = cookie["sameSite"].as_str().map(ToOwned::to_owned);
        Crumb {
            name: text(cookie, "name"),
            value: text(cookie, "value"),
            wide: host != domain,
            host,
            path: text(cookie, "path"),
            expires,
            secure: cookie["secure"] == true,
            http_only: cookie["httpOnly"] == true,
            same_site,
        }
    };
    told.as_array().into_iter().flatten().map(crumb).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browsers_cookies_are_read_and_given_back() {
        let told = json!([
            { "name": "sid", "value": "a", "domain": "shop.test", "path": "/", "expires": -1, "httpOnly": true, "secure": false },
            { "name": "w", "value": "b", "domain": ".shop.test", "path": "/x", "expires": 4_000_000_000.5, "secure": true, "sameSite": "Lax" },
        ]);
        let read = crumbs(&told, "expires");
        assert_eq!(
            (read[0].host.as_str(), read[0].wide, read[0].expires),
            ("shop.test", false, None)
        );
        assert_eq!((read[1].wide, read[1].expires), (true, Some(4_000_000_000)));
        let given = for_browser(&read[0]);
        assert_eq!((given["url"].as_str(), given.get("domain")), (Some("http://shop.test/"), None));
        let given = for_browser(&read[1]);
        assert_eq!(
            (given["domain"].as_str(), given["expires"].as_i64()),
            (Some("shop.test"), Some(4_000_000_000))
        );
        assert_eq!(for_driver(&read[1])["expiry"], 4_000_000_000_i64);
    }
}
