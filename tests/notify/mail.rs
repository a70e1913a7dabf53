//! E-mail: a small mail server, plain, with STARTTLS and with TLS from the first byte.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, rustls};
use wayfarer::{
    model::{MailTls, SecretSource, Way},
    notify::Again,
    render::message::sample,
};

use super::{
    channels::{channel_with, message, notice},
    folder, secrets, wayfarer,
};

/// What the server was handed.
#[derive(Debug, Clone, Default)]
struct Mails {
    mails: Arc<Mutex<Vec<String>>>,
    /// What it was told before a mail, such as who it is for.
    said: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Protection {
    None,
    StartTls,
    Implicit,
}

/// How it answers: to recipients, and to a mail.
#[derive(Clone, Copy)]
struct Manners {
    protection: Protection,
    recipient: &'static str,
    mail: &'static str,
}

const GOOD: Manners =
    Manners { protection: Protection::None, recipient: "250 fine", mail: "250 taken" };

/// Serves until the test is over.
async fn server(manners: Manners, tls: Option<TlsAcceptor>) -> (u16, Mails) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mails = Mails::default();
    let mine = mails.clone();
    let mut all = tokio::task::JoinSet::new();
    #[expect(clippy::disallowed_methods, reason = "a server of a test")]
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (mine, tls) = (mine.clone(), tls.clone());
            all.spawn(async move { serve(stream, manners, tls, mine).await });
        }
    });
    (port, mails)
}

async fn serve(stream: TcpStream, manners: Manners, tls: Option<TlsAcceptor>, mails: Mails) {
    match (manners.protection, tls) {
        (Protection::Implicit, Some(tls)) => {
            if let Ok(stream) = tls.accept(stream).await {
                talk(&mut BufReader::new(stream), manners, false, true, &mails).await.ok();
            }
        }
        (Protection::StartTls, Some(tls)) => {
            let mut reader = BufReader::new(stream);
            if talk(&mut reader, manners, true, true, &mails).await == Ok(true)
                && let Ok(stream) = tls.accept(reader.into_inner()).await
            {
                talk(&mut BufReader::new(stream), manners, false, false, &mails).await.ok();
            }
        }
        _ => {
            talk(&mut BufReader::new(stream), manners, false, true, &mails).await.ok();
        }
    }
}

/// One conversation; true where it goes on encrypted.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    manners: Manners,
    offers_tls: bool,
    greets: bool,
    mails: &Mails,
) -> Result<bool, ()> {
    async fn say<S: AsyncWrite + Unpin>(stream: &mut S, line: &str) -> Result<(), ()> {
        stream.write_all(format!("{line}\r\n").as_bytes()).await.map_err(drop)?;
        stream.flush().await.map_err(drop)
    }
    if greets {
        say(stream, "220 mail.example").await?;
    }
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.map_err(drop)? == 0 {
            return Ok(false);
        }
        let line = line.trim_end().to_owned();
        mails.said.lock().unwrap().push(line.clone());
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        match verb.as_str() {
            "EHLO" => {
                if offers_tls {
                    say(stream, "250-STARTTLS").await?;
                }
                say(stream, "250 AUTH PLAIN").await?;
            }
            "STARTTLS" => {
                say(stream, "220 go").await?;
                return Ok(true);
            }
            "AUTH" => say(stream, "235 welcome").await?,
            "RCPT" => say(stream, manners.recipient).await?,
            "DATA" => {
                say(stream, "354 go").await?;
                let mut mail = String::new();
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).await.map_err(drop)?;
                    if line.trim_end() == "." {
                        break;
                    }
                    // A dot at the beginning was doubled on its way (RFC 5321, section 4.5.2).
                    mail.push_str(line.strip_prefix('.').unwrap_or(&line));
                }
                mails.mails.lock().unwrap().push(mail);
                say(stream, manners.mail).await?;
            }
            "QUIT" => {
                say(stream, "221 bye").await?;
                return Ok(false);
            }
            _ => say(stream, "250 ok").await?,
        }
    }
}

fn way(port: u16, tls: MailTls, password: bool) -> Way {
    Way::Email {
        host: "127.0.0.1".into(),
        port,
        tls,
        login: password.then(|| ("w".to_owned(), SecretSource::Env("P".into()))),
        from: "Wayfarer <wayfarer@example.com>".into(),
        to: vec!["ops@example.com".into(), "Jö <jo@example.com>".into()],
    }
}

/// A header of a mail, unfolded.
fn header(mail: &str, name: &str) -> String {
    let head = mail.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
    let line = head.lines().find(|line| line.starts_with(&format!("{name}: ")));
    line.unwrap_or_default().split_once(": ").unwrap_or_default().1.to_owned()
}

#[tokio::test]
async fn mails_of_an_incident_are_one_conversation() {
    let (port, mails) = server(GOOD, None).await;
    let channel = channel_with(way(port, MailTls::None, false), "");
    let mut first = sample::regressed();
    first.title = "production: checkout\r\nBcc: evil@example.com".into();
    first.findings[0].summary = ".a line that begins with a dot".into();
    channel.deliver(&message(notice(first))).await.unwrap();
    let mut later = message(notice(sample::recovered()));
    later.key.push('2');
    channel.deliver(&later).await.unwrap();
    let mails = mails.mails.lock().unwrap().clone();
    assert_eq!(mails.len(), 2);
    assert_eq!(header(&mails[0], "References"), header(&mails[1], "References"));
    assert_eq!(header(&mails[0], "In-Reply-To"), header(&mails[1], "In-Reply-To"));
    assert_ne!(header(&mails[0], "Message-ID"), header(&mails[1], "Message-ID"));
    assert_eq!(header(&mails[0], "Auto-Submitted"), "auto-generated");
    assert_eq!(header(&mails[0], "Bcc"), "", "a line break in a title makes no header");
    assert!(header(&mails[0], "To").contains("ops@example.com"));
    assert!(mails[1].contains("[recovered]"), "{}", mails[1]);
}

#[tokio::test]
async fn a_mail_server_that_refuses_is_believed() {
    for (recipient, mail, again) in [
        ("550 no such user", "250 taken", Again::Never),
        ("450 later", "250 taken", Again::BackOff),
        ("250 fine", "552 too large", Again::Never),
        ("250 fine", "451 later", Again::BackOff),
    ] {
        let (port, _) = server(Manners { recipient, mail, ..GOOD }, None).await;
        let channel = channel_with(way(port, MailTls::None, false), "");
        let refused = channel.deliver(&message(notice(sample::regressed()))).await.unwrap_err();
        assert_eq!(refused.again, again, "{recipient} {mail}: {}", refused.text);
    }
    let nobody = channel_with(way(super::free_port(), MailTls::None, false), "");
    let refused = nobody.deliver(&message(notice(sample::regressed()))).await.unwrap_err();
    assert_eq!(refused.again, Again::BackOff);
}

#[tokio::test]
async fn nothing_goes_to_a_server_that_does_not_encrypt_as_it_should() {
    let (port, mails) = server(GOOD, None).await;
    let channel = channel_with(way(port, MailTls::StartTls, true), "mail-pa55word");
    let refused = channel.deliver(&message(notice(sample::regressed()))).await.unwrap_err();
    assert!(!refused.text.contains("pa55word"), "{}", refused.text);
    assert!(mails.mails.lock().unwrap().is_empty());
    let said = mails.said.lock().unwrap().join("\n");
    assert!(!said.contains("AUTH"), "{said}");
}

/// An authority and a server's certificate of it, for 127.0.0.1.
fn certificates() -> (String, TlsAcceptor) {
    let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let ca = params.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(params, key);
    let own = rcgen::KeyPair::generate().unwrap();
    let server = rcgen::CertificateParams::new(vec!["127.0.0.1".into()]).unwrap();
    let server = server.signed_by(&own, &issuer).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(own.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![server.der().clone()], key)
        .unwrap();
    (ca.pem(), TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_command_sends_mail_over_tls() {
    let (ca, acceptor) = certificates();
    for (protection, word) in
        [(Protection::StartTls, "starttls"), (Protection::Implicit, "implicit")]
    {
        let manners = Manners { protection, ..GOOD };
        let (port, mails) = server(manners, Some(acceptor.clone())).await;
        let receiver = format!(
            "[[receiver]]\nname = \"mail\"\nkind = \"email\"\nserver = \"127.0.0.1:{port}\"\ntls = \"{word}\"\n\
             user = \"w\"\npassword = {{ env = \"MAIL\" }}\nfrom = \"w@example.com\"\nto = \"ops@example.com\"\n"
        );
        let dir = folder(super::free_port(), &receiver);
        fs::write(dir.path().join("ca.pem"), &ca).unwrap();
        let mut variables = secrets();
        variables.insert("MAIL", "mail-pa55word".to_owned());
        // An authority that nobody trusts: nothing is sent.
        for (trusted, taken) in [(false, false), (true, true)] {
            let mut command = wayfarer(dir.path(), &variables, &["notify", "--test", "mail"]);
            if trusted {
                command.env("SSL_CERT_FILE", dir.path().join("ca.pem"));
            }
            let output = tokio::task::spawn_blocking(move || command.output().unwrap());
            let output =
                tokio::time::timeout(Duration::from_secs(30), output).await.unwrap().unwrap();
            let said = format!("{output:?}");
            assert_eq!(output.status.success(), taken, "{word}: {said}");
            assert!(!said.contains("pa55word"), "{said}");
            assert_eq!(mails.mails.lock().unwrap().len(), usize::from(taken), "{word}");
        }
        assert!(mails.said.lock().unwrap().iter().any(|line| line.starts_with("AUTH")), "{word}");
    }
}
