//! E-mail by a mail server, one mail a message, those of one incident in one conversation.

use std::time::Duration;

use futures_util::future::BoxFuture;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        Error as SmtpError,
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};

use super::{Channel, Message, Receipt, Refused};
use crate::{
    model::{MailTls, Notice, Parcel, Secret},
    render::{
        Mask,
        message::{Words, clip, mail},
    },
};

/// Longest subject, in characters.
const SUBJECT: usize = 200;

/// One mail server and its recipients.
pub(super) struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    words: Words,
    mask: Mask,
    source: String,
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email")
    }
}

impl Email {
    /// A way to these recipients.
    ///
    /// # Errors
    /// An address that is none, or TLS that cannot be set up.
    pub(super) fn new(
        (host, port, protection): (&str, u16, MailTls),
        login: Option<(String, Secret)>,
        from: &str,
        to: &[String],
        words: Words,
        source: String,
        timeout: Duration,
    ) -> Result<Self, String> {
        let mailbox = |text: &str| {
            text.parse::<Mailbox>().map_err(|e| format!("`{text}` is not an e-mail address: {e}"))
        };
        let tls = || TlsParameters::new(host.to_owned()).map_err(|e| format!("TLS: {e}"));
        let tls = match protection {
            MailTls::StartTls => Tls::Required(tls()?),
            MailTls::Implicit => Tls::Wrapper(tls()?),
            MailTls::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .tls(tls)
            .timeout(Some(timeout));
        let mask = Mask::new(login.iter().map(|(_, password)| password.expose()));
        if let Some((user, password)) = login {
            builder = builder.credentials(Credentials::new(user, password.expose().to_owned()));
        }
        let to = to.iter().map(|text| mailbox(text)).collect::<Result<_, _>>()?;
        Ok(Self { transport: builder.build(), from: mailbox(from)?, to, words, mask, source })
    }

    /// The mail of a notice.
    fn mail(&self, notice: &Notice, message: &Message) -> Result<Mail, String> {
        let domain = self.from.email.domain();
        // Another agent may write to the same people of the same change.
        let of = |text: &str| format!("{}\n{text}", self.source);
        let thread = mail::thread(&of(&message.key), &of(&notice.incident), domain);
        let title = self.words.title(notice).map_err(|e| e.to_string())?;
        let text = self.words.text(notice).map_err(|e| e.to_string())?;
        let raw = |name: &'static str, value: String| {
            HeaderName::new_from_ascii(name.to_owned()).map(|name| HeaderValue::new(name, value))
        };
        let mut mail = Mail::builder()
            .from(self.from.clone())
            .subject(clip(&format!("[{}] {title}", mail::tag(notice)), SUBJECT))
            .message_id(Some(thread.id))
            .in_reply_to(thread.root.clone())
            .references(thread.root);
        for (name, value) in [
            ("Auto-Submitted", "auto-generated".to_owned()),
            ("X-Wayfarer-Event", notice.happening.as_str().to_owned()),
        ] {
            mail = mail.raw_header(raw(name, value).map_err(|e| e.to_string())?);
        }
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        let plain = format!("{title}\n\n{text}\n");
        // The plain part first: of several forms the last one is the richest (RFC 2046, section 5.1.4).
        let done = match self.words.html(notice).map_err(|e| e.to_string())? {
            Some(page) => mail.multipart(MultiPart::alternative_plain_html(plain, page)),
            None => mail.header(ContentType::TEXT_PLAIN).body(plain),
        };
        done.map_err(|e| e.to_string())
    }

    fn refused(&self, error: &SmtpError) -> Refused {
        let text = self.mask.apply(&clip(&error.to_string(), 300));
        if error.is_permanent() || error.is_client() {
            return Refused::never(format!("the mail server refused: {text}"));
        }
        Refused::back_off(format!("the mail could not be handed over: {text}"))
    }
}

impl Channel for Email {
    fn kind(&self) -> &'static str {
        "email"
    }

    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, Refused>> {
        Box::pin(async move {
            let Parcel::Notice(notice) = &message.parcel else {
                return Err(Refused::unknown_parcel(self.kind()));
            };
            let mail = self.mail(notice, message).map_err(Refused::never)?;
            match self.transport.send(mail).await {
                Ok(_) => Ok(Receipt::default()),
                Err(error) => Err(self.refused(&error)),
            }
        })
    }
}
