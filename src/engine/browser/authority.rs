//! The environment's private authorities, in Chromium.
//!
//! Chromium has no argument that names a file of authorities. On Linux it trusts what the user's NSS database holds, and a run's browser has a home of its
//! own: so the database is made there, by `certutil` of the NSS tools. What the alternatives would do (`--ignore-certificate-errors-spki-list`) is to
//! pass over names and dates as well, and only for certificates that the server sends, which its root is not.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustls::pki_types::{CertificateDer, pem::PemObject};
use tokio::process::Command;

use super::driver::program;

/// How long one call may take.
const CALL: Duration = Duration::from_secs(10);

/// Makes the database of a run's home and puts the certificates of a PEM file into it.
pub(super) async fn trust(pem: &[u8], folder: &Path, path: &[PathBuf]) -> Result<(), String> {
    let certutil = program("certutil", path).ok_or(
        "the environment's `ca` cannot be given to Chromium without `certutil` (Debian: libnss3-tools)",
    )?;
    let trouble = |e: std::io::Error| format!("the browser's certificates cannot be written: {e}");
    let database = folder.join("home/.pki/nssdb");
    std::fs::create_dir_all(&database).map_err(trouble)?;
    let place = format!("sql:{}", database.display());
    call(&certutil, &["-N", "-d", &place, "--empty-password"]).await?;
    for (nth, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
        let certificate = certificate.map_err(|e| format!("the environment's `ca`: {e}"))?;
        let file = folder.join("authority.der");
        std::fs::write(&file, &certificate).map_err(trouble)?;
        let (file, name) = (file.display().to_string(), format!("authority {nth}"));
        call(&certutil, &["-A", "-d", &place, "-n", &name, "-t", "C,,", "-i", &file]).await?;
    }
    Ok(())
}

async fn call(certutil: &Path, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(certutil);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(CALL, command.output()).await {
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("certutil: {}", said.lines().last().unwrap_or_default()))
        }
        Ok(Err(error)) => Err(format!("certutil cannot be started: {error}")),
        Err(_) => Err("certutil does not end".to_owned()),
    }
}
