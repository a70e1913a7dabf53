//! Secrets, fetched from where the settings say: never from the settings themselves, never into a message.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::Read,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};

use crate::model::{
    Attachment, Environment, EnvironmentName, EnvironmentSettings, Secret, SecretSource,
};

/// How long a command may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// How often a command is asked whether it has ended, once it has said everything.
const PATIENCE: Duration = Duration::from_millis(10);

/// Largest secret that is read, in bytes.
const LARGEST_BYTES: u64 = 64 * 1024;

/// Why a secret could not be had. It names the source, never what came from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFault {
    /// Which secret of which environment, if it is one of an environment.
    pub secret: Option<(EnvironmentName, String)>,
    /// Where it should have come from.
    pub source: SecretSource,
    /// What went wrong: fits after the name of the source.
    pub message: String,
}

impl fmt::Display for SecretFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((environment, name)) = &self.secret {
            write!(f, "secret `{name}` of environment `{environment}`: ")?;
        }
        write!(f, "{} {}", self.source, self.message)
    }
}

impl std::error::Error for SecretFault {}

impl SecretFault {
    /// What to do about it.
    pub fn way_out(&self) -> String {
        match &self.source {
            SecretSource::Env(name) => format!(
                "set it where wayfarer is started: `export {name}=…` in a shell, `Environment=` or `EnvironmentFile=` of a systemd unit"
            ),
            SecretSource::File(_) => {
                "it must be a text file that the user who starts wayfarer can read; a relative path begins at the folder of the settings"
                    .to_owned()
            }
            SecretSource::Command(_) => format!(
                "it is started without a shell in the folder of the settings, and must print the secret and end with 0 within {} s; what it says on standard error is not shown, for it may hold the secret: try it by hand",
                DEADLINE.as_secs()
            ),
        }
    }
}

/// Every secret of an environment that could not be had: never none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFaults(Vec<SecretFault>);

impl SecretFaults {
    /// The faults, by the names of the secrets.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &SecretFault> {
        self.0.iter()
    }
}

impl fmt::Display for SecretFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(SecretFault::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for SecretFaults {}

/// Makes an environment ready for use. `root` is the folder of the settings, `env` the agent's own environment variables.
///
/// Commands block for up to ten seconds each: call it where that hurts nobody.
///
/// # Errors
/// Every secret that could not be had.
pub fn resolve(
    name: &EnvironmentName,
    settings: &EnvironmentSettings,
    root: &Path,
    env: &BTreeMap<String, String>,
) -> Result<Environment, SecretFaults> {
    let mut secrets = BTreeMap::new();
    let mut faults = Vec::new();
    for (secret, source) in &settings.secrets {
        match value(source, root, env) {
            Ok(value) => {
                secrets.insert(secret.clone(), value);
            }
            Err(fault) => {
                faults.push(SecretFault { secret: Some((name.clone(), secret.clone())), ..fault });
            }
        }
    }
    let key = settings.client_key.as_ref().map(|source| value(source, root, env)).transpose();
    let fits = |key: Secret, source: &SecretSource| match &settings.transport.client_certificate {
        Some(certificate) => belongs(&key, certificate)
            .map(|()| key)
            .map_err(|message| SecretFault { secret: None, source: source.clone(), message }),
        None => Ok(key),
    };
    let key = match (key, &settings.client_key) {
        (Ok(Some(key)), Some(source)) => fits(key, source).map(Some),
        (key, _) => key,
    };
    let client_key = key.unwrap_or_else(|fault| {
        let secret = Some((name.clone(), "client_certificate.key".to_owned()));
        faults.push(SecretFault { secret, ..fault });
        None
    });
    if faults.is_empty() {
        Ok(Environment {
            name: name.clone(),
            vars: settings.vars.clone(),
            network: settings.network.clone(),
            secrets,
            transport: settings.transport.clone(),
            client_key,
        })
    } else {
        Err(SecretFaults(faults))
    }
}

/// Whether a private key (PEM) is the one of a certificate. What is said holds nothing of the key.
fn belongs(key: &Secret, certificate: &Attachment) -> Result<(), String> {
    let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
        .map_err(|_| "is not an unencrypted private key in PEM".to_owned())?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&certificate.bytes).collect();
    let chain = chain.map_err(|_| format!("has no certificate in {}", certificate.path))?;
    match CertifiedKey::from_der(chain, key, &ring::default_provider()) {
        Ok(_) => Ok(()),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(format!("is not the key of the certificate {}", certificate.path))
        }
        Err(error) => Err(format!("cannot be used with {}: {error}", certificate.path)),
    }
}

/// One secret, without a line break at its end.
///
/// A command is run without a shell, with nothing on its standard input, in the folder `root` and with the variables `env`; what
/// it says on its standard error is thrown away, for it may hold the secret.
///
/// # Errors
/// The source does not exist, cannot be read, is empty, or is a command that fails or takes longer than ten seconds.
pub fn value(
    source: &SecretSource,
    root: &Path,
    env: &BTreeMap<String, String>,
) -> Result<Secret, SecretFault> {
    let text = match source {
        SecretSource::Env(name) => env.get(name).cloned().ok_or_else(|| "is not set".to_owned()),
        SecretSource::File(path) => from_file(&root.join(path)),
        SecretSource::Command(words) => from_command(words, root, env, DEADLINE),
    };
    let fault = |message: String| SecretFault { secret: None, source: source.clone(), message };
    let text = text.map_err(fault)?;
    let line = text.strip_suffix('\n').map_or(text.as_str(), |t| t.strip_suffix('\r').unwrap_or(t));
    if line.is_empty() {
        return Err(fault("is empty".to_owned()));
    }
    Ok(Secret::new(line))
}

fn from_file(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let file = fs::File::open(path).map_err(unreadable)?;
    read_text(file)
}

/// Reads to the end, but not more than a secret can be long.
fn read_text(source: impl Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    source
        .take(LARGEST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > LARGEST_BYTES {
        return Err("is longer than 64 KiB".to_owned());
    }
    // The error of the conversion holds the bytes: it must not be shown.
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}

fn from_command(
    words: &[String],
    root: &Path,
    env: &BTreeMap<String, String>,
    deadline: Duration,
) -> Result<String, String> {
    let (program, arguments) = words.split_first().ok_or("has no program")?;
    // A path with a folder in it starts from the settings, like every other path; a bare name is looked for in PATH.
    let path = if program.contains('/') { root.join(program) } else { program.into() };
    let mut child = Command::new(path)
        .args(arguments)
        .current_dir(root)
        .env_clear()
        .envs(env)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A group of its own, so that what it started ends with it.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let said = read_within(&mut child, deadline);
    if said.is_err() {
        // It may have ended by itself in the meantime; either way it is reaped.
        end_group(&child);
        child.kill().ok();
        child.wait().ok();
    }
    said
}

/// Ends the command and all it has started.
fn end_group(child: &Child) {
    let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
    }
}

fn read_within(child: &mut Child, deadline: Duration) -> Result<String, String> {
    let too_slow = || format!("did not end within {} s", deadline.as_secs_f64());
    let output = child.stdout.take().ok_or("has no output")?;
    let (sender, receiver) = mpsc::channel();
    // A grandchild may keep the pipe open after the kill: the thread then ends when that does, and nobody waits for it.
    thread::spawn(move || sender.send(read_text(output)).ok());
    let text = receiver.recv_timeout(deadline).map_err(|_| too_slow())??;
    let rounds = deadline.as_millis() / PATIENCE.as_millis();
    for _ in 0..=rounds {
        match child.try_wait().map_err(|error| format!("cannot be waited for: {error}"))? {
            Some(status) if status.success() => return Ok(text),
            Some(status) => {
                return Err(match status.code() {
                    Some(code) => format!("ended with exit code {code}"),
                    None => "was killed".to_owned(),
                });
            }
            None => thread::sleep(PATIENCE),
        }
    }
    Err(too_slow())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Transport;

    fn env() -> BTreeMap<String, String> {
        [("SHOP_PASSWORD", "hunter2"), ("EMPTY", ""), ("PATH", "/usr/bin:/bin")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into()
    }

    fn words(all: &[&str]) -> SecretSource {
        SecretSource::Command(all.iter().map(|&word| word.to_owned()).collect())
    }

    fn get(source: &SecretSource, root: &Path) -> Result<String, String> {
        value(source, root, &env()).map(|s| s.expose().to_owned()).map_err(|f| f.to_string())
    }

    #[test]
    fn one_line_break_at_the_end_is_not_part_of_it() {
        let root = tempfile::tempdir().unwrap();
        for (text, secret) in [("a b\n", "a b"), ("x\r\n", "x"), ("x\n\n", "x\n"), (" x", " x")] {
            fs::write(root.path().join("s"), text).unwrap();
            assert_eq!(get(&SecretSource::File("s".into()), root.path()), Ok(secret.to_owned()));
        }
    }

    #[test]
    fn every_source_and_what_can_be_wrong_with_it() {
        let root = tempfile::tempdir().unwrap();
        let at = root.path();
        fs::write(at.join("bad"), b"\xff\xfe").unwrap();
        fs::write(at.join("empty"), b"\n").unwrap();
        fs::write(at.join("long"), vec![b'x'; 70_000]).unwrap();
        let file = |name: &str| SecretSource::File(name.into());
        let variable = |name: &str| SecretSource::Env(name.into());
        assert_eq!(get(&variable("SHOP_PASSWORD"), at), Ok("hunter2".into()));
        assert_eq!(get(&variable("NONE"), at), Err("environment variable NONE is not set".into()));
        assert_eq!(get(&variable("EMPTY"), at), Err("environment variable EMPTY is empty".into()));
        assert_eq!(get(&file("empty"), at), Err("file empty is empty".into()));
        assert_eq!(get(&file("bad"), at), Err("file bad is not UTF-8 text".into()));
        assert_eq!(get(&file("long"), at), Err("file long is longer than 64 KiB".into()));
        assert!(get(&file("none"), at).unwrap_err().starts_with("file none cannot be read: "));
        assert_eq!(get(&words(&["printf", "%s", "a b"]), at), Ok("a b".into()));
        assert_eq!(get(&words(&["sh", "-c", "echo $SHOP_PASSWORD"]), at), Ok("hunter2".into()));
        assert_eq!(get(&words(&["true"]), at), Err("command true is empty".into()));
        assert_eq!(
            get(&words(&["sh", "-c", "echo hunter2 >&2; exit 3"]), at),
            Err("command sh ended with exit code 3".into())
        );
        assert!(
            get(&words(&["no-such-program"]), at)
                .unwrap_err()
                .starts_with("command no-such-program cannot be started: ")
        );
    }

    #[test]
    fn a_command_has_a_deadline() {
        let root = tempfile::tempdir().unwrap();
        let slow = ["sleep".to_owned(), "600".to_owned()];
        let fault =
            from_command(&slow, root.path(), &env(), Duration::from_millis(50)).unwrap_err();
        assert_eq!(fault, "did not end within 0.05 s");
        // Its output is closed, but it stays.
        let lingering = ["sh".to_owned(), "-c".to_owned(), "exec >&-; exec sleep 600".to_owned()];
        let fault =
            from_command(&lingering, root.path(), &env(), Duration::from_millis(50)).unwrap_err();
        assert_eq!(fault, "did not end within 0.05 s");
    }

    #[test]
    fn all_faults_at_once_and_no_values() {
        let settings = EnvironmentSettings {
            vars: BTreeMap::new(),
            network: crate::model::Network::default(),
            secrets: [
                ("a", SecretSource::Env("NONE".into())),
                ("b", SecretSource::Env("SHOP_PASSWORD".into())),
                ("c", SecretSource::File("none".into())),
            ]
            .map(|(k, v)| (k.to_owned(), v))
            .into(),
            max_rate: 5.0,
            transport: Transport::default(),
            client_key: None,
        };
        let faults =
            resolve(&"production".into(), &settings, Path::new("/nowhere"), &env()).unwrap_err();
        assert_eq!(faults.iter().len(), 2);
        let text = format!("{faults} {faults:?}");
        assert!(
            text.starts_with(
                "secret `a` of environment `production`: environment variable NONE is not set\n"
            ),
            "{text}"
        );
        assert!(!text.contains("hunter2"));
    }

    #[test]
    fn a_key_must_belong_to_its_certificate() {
        let pair = || {
            let key = rcgen::KeyPair::generate().unwrap();
            let params = rcgen::CertificateParams::new(Vec::new()).unwrap();
            let pem = params.self_signed(&key).unwrap().pem();
            (Attachment::new("client.pem", pem.into_bytes()), Secret::new(key.serialize_pem()))
        };
        let ((certificate, key), (_, other)) = (pair(), pair());
        assert_eq!(belongs(&key, &certificate), Ok(()));
        let fault = belongs(&other, &certificate).unwrap_err();
        assert_eq!(fault, "is not the key of the certificate client.pem");
        let fault = belongs(&Secret::new("hunter2"), &certificate).unwrap_err();
        assert_eq!(fault, "is not an unencrypted private key in PEM");
    }
}
