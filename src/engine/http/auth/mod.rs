//! Who a step says it is: one file for each scheme.
//!
//! A [`Login`] belongs to the origin of the step's own URL: requests to that origin are signed one by one as they are sent (a redirect has
//! another path, and so another signature), requests to any other carry nothing of it. What is made here (signatures, digests, tokens) goes
//! to the run's mask before the request leaves.

mod aws;
mod digest;
mod oauth2;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderValue, header};
use url::Origin;

pub(super) use digest::Nonces;
pub(in crate::engine) use oauth2::Tokens;

use super::{
    hop::{Head, Walked},
    request::Request,
    session::Session,
};
use crate::{
    engine::{fault::Trouble, limits::Deadline, vars::Variables},
    model::{Auth, HttpStep, Text},
};

/// A step's credentials at work.
pub(super) struct Login {
    origin: Origin,
    scheme: Scheme,
}

enum Scheme {
    Basic(HeaderValue),
    Bearer(HeaderValue),
    Digest(digest::User),
    OAuth2(oauth2::Bearer),
    Aws(aws::Signer),
}

impl Login {
    /// Readies the credentials of a step, if it has any. A token that must be fetched first is; where that fails, the exchange is in `walked`.
    pub(super) async fn begin(
        step: &HttpStep,
        request: &Request,
        session: &Session,
        vars: &Variables,
        deadline: &mut Deadline,
        walked: &mut Vec<Walked>,
    ) -> Result<Option<Self>, Trouble> {
        let Some(auth) = &step.auth else { return Ok(None) };
        let scheme = match auth {
            Auth::Basic { user, password } => Scheme::Basic(basic(user, password, vars)?),
            Auth::Bearer(token) => Scheme::Bearer(header_value("Bearer", &kept(token, vars)?)?),
            Auth::Digest { user, password } => {
                Scheme::Digest(digest::User::new(vars.fill_to_send(user)?, kept(password, vars)?))
            }
            Auth::OAuth2(client) => {
                let asked = oauth2::Asked { session, vars, deadline };
                Scheme::OAuth2(oauth2::Bearer::begin(client, asked, walked).await?)
            }
            Auth::Aws(keys) => Scheme::Aws(aws::Signer::new(keys, vars)?),
        };
        Ok(Some(Self { origin: request.url.origin(), scheme }))
    }

    /// Puts the credentials on a request that is about to be sent, if it goes to where they belong.
    pub(super) fn sign(
        &mut self,
        request: &mut Request,
        session: &mut Session,
        vars: &Variables,
    ) -> Result<(), Trouble> {
        if request.url.origin() != self.origin {
            if let Scheme::Aws(_) = self.scheme {
                aws::leave(&mut request.headers);
            }
            return Ok(());
        }
        let value = match &mut self.scheme {
            Scheme::Basic(value) | Scheme::Bearer(value) => value.clone(),
            Scheme::OAuth2(bearer) => bearer.value()?,
            Scheme::Digest(user) => {
                match user.answer(request, &mut session.nonces) {
                    Some(answer) => {
                        vars.hide(&answer.response);
                        HeaderValue::from_str(&answer.header).map_err(|_| unwritable())?
                    }
                    // What to answer is only known once the server has asked.
                    None => return Ok(()),
                }
            }
            Scheme::Aws(signer) => {
                let signature = signer.sign(request, session.clock.now())?;
                vars.hide(&signature.hex);
                HeaderValue::from_str(&signature.header).map_err(|_| unwritable())?
            }
        };
        request.headers.insert(header::AUTHORIZATION, value);
        Ok(())
    }

    /// Whether the request is to be sent again with other credentials, after this answer to it.
    pub(super) async fn again(
        &mut self,
        head: &Head,
        request: &Request,
        session: &mut Session,
        vars: &Variables,
        deadline: &mut Deadline,
    ) -> Result<bool, Trouble> {
        if request.url.origin() != self.origin {
            return Ok(false);
        }
        match &mut self.scheme {
            Scheme::Digest(user) => Ok(user.challenged(head, request, &mut session.nonces)),
            Scheme::OAuth2(bearer) => {
                bearer.refused(head, oauth2::Asked { session, vars, deadline }).await
            }
            _ => Ok(false),
        }
    }
}

/// Fills a text that is a secret, whatever it was made of.
fn kept(text: &Text, vars: &Variables) -> Result<String, Trouble> {
    let filled = vars.fill_to_send(text)?;
    vars.hide(&filled);
    Ok(filled)
}

/// RFC 7617: UTF-8, as all servers of today take it.
fn basic(user: &Text, password: &Text, vars: &Variables) -> Result<HeaderValue, Trouble> {
    let user = vars.fill_to_send(user)?;
    if user.contains(':') {
        return Err(Trouble::ours("the user of `auth.basic` has a colon in it, which ends it"));
    }
    let pair = BASE64_STANDARD.encode(format!("{user}:{}", kept(password, vars)?));
    vars.hide(&pair);
    header_value("Basic", &pair)
}

fn header_value(scheme: &str, rest: &str) -> Result<HeaderValue, Trouble> {
    let rest = rest.trim();
    if rest.is_empty() {
        return Err(Trouble::ours(format!("the credentials of `auth` ({scheme}) are empty")));
    }
    HeaderValue::from_str(&format!("{scheme} {rest}")).map_err(|_| unwritable())
}

fn unwritable() -> Trouble {
    Trouble::ours("the credentials of `auth` have a character that no header can have")
}
