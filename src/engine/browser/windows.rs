//! Windows and dialogs.

use http::Method;
use serde_json::{Value, json};

use super::{
    clock::Cause,
    session::Refused,
    tab::{PAGE, Tab},
};
use crate::{
    engine::{fault::Trouble, vars::Variables},
    model::{FaultKind, Text, WindowChoice},
};

/// How long is waited before a driver is asked again for a window or a dialog.
const ROUND: std::time::Duration = std::time::Duration::from_millis(25);

impl Tab<'_> {
    /// Takes a note of the first window, where that was not done, and has the script be in each new document.
    pub(super) async fn begin(&mut self) -> Result<(), Trouble> {
        if self.windows.first.is_empty() {
            let told = self.command(Method::GET, "window", None).await;
            let told = told.map_err(|refused| self.trouble(refused, "there is no window"))?;
            let handle = told.as_str().unwrap_or_default().to_owned();
            self.windows.known = vec![handle.clone()];
            self.windows.first = handle;
        }
        let first = self.windows.first.clone();
        self.install(&first).await
    }

    /// Has the script be in each new document of the window in front before any other.
    async fn install(&mut self, handle: &str) -> Result<(), Trouble> {
        if !self.browser.chromium || self.windows.installed.contains(handle) {
            return Ok(());
        }
        let told = self
            .browser
            .cdp("Page.addScriptToEvaluateOnNewDocument", json!({ "source": PAGE }))
            .await;
        told.map_err(|refused| self.trouble(refused, "the browser takes no script"))?;
        if handle != self.windows.first {
            // A new window is not yet the device that is asked for, and nobody watches its documents.
            let dressed = self.browser.dress().await;
            dressed.map_err(|refused| self.trouble(refused, "the window is no such device"))?;
            let watched = self.seen.install(self.browser).await;
            watched.map_err(|refused| self.trouble(refused, "the window cannot be watched"))?;
        }
        self.windows.installed.insert(handle.to_owned());
        Ok(())
    }

    pub(super) async fn window(&mut self, choice: WindowChoice) -> Result<(), Trouble> {
        match choice {
            WindowChoice::Newest => {
                let handle = self.newest().await?;
                self.front(&handle).await
            }
            WindowChoice::First => {
                let first = self.windows.first.clone();
                self.front(&first).await
            }
            WindowChoice::Close => {
                let here = self.command(Method::GET, "window", None).await;
                let here = here.ok().and_then(|told| told.as_str().map(ToOwned::to_owned));
                if here.as_ref() == Some(&self.windows.first) {
                    let message = "the window that the run began with is not closed";
                    return Err(Trouble::target(FaultKind::Page, message));
                }
                // One that has closed itself is closed.
                match self.command(Method::DELETE, "window", None).await {
                    Ok(_) => {}
                    Err(Refused::Page { code, .. }) if code == "no such window" => {}
                    Err(refused) => {
                        return Err(self.trouble(refused, "the window cannot be closed"));
                    }
                }
                self.windows.known.retain(|handle| Some(handle) != here.as_ref());
                let first = self.windows.first.clone();
                self.front(&first).await
            }
        }
    }

    /// Waits for a window that was not seen before; where none comes, the latest one of those known.
    async fn newest(&mut self) -> Result<String, Trouble> {
        let limit = self.limit(self.patience);
        loop {
            let told = self.command(Method::GET, "window/handles", None).await;
            let told =
                told.map_err(|refused| self.trouble(refused, "the windows cannot be told"))?;
            let open: Vec<String> = serde_json::from_value(told).unwrap_or_default();
            self.windows.known.retain(|handle| open.contains(handle));
            let new: Vec<String> =
                open.into_iter().filter(|h| !self.windows.known.contains(h)).collect();
            if let Some(newest) = new.last().cloned() {
                self.windows.known.extend(new);
                return Ok(newest);
            }
            if self.left(&limit).is_zero() {
                let later = self.windows.known.last().filter(|last| **last != self.windows.first);
                return later.cloned().ok_or_else(|| {
                    Trouble::target(
                        FaultKind::Page,
                        format!("no new window was opened {}", limit.said),
                    )
                });
            }
            tokio::time::sleep(ROUND).await;
        }
    }

    /// Puts a window in front.
    async fn front(&mut self, handle: &str) -> Result<(), Trouble> {
        let told = self.post("window", json!({ "handle": handle })).await;
        told.map_err(|refused| self.trouble(refused, "there is no such window"))?;
        self.windows.in_frame = false;
        self.install(handle).await?;
        let limit = self.limit(self.patience);
        // The window began with a click, so its page's time goes on from there.
        self.cause = Cause::Page;
        self.ask("loaded", json!({}), &limit).await.map(drop)
    }

    /// Answers the dialog that is open, or the one that is about to open.
    pub(super) async fn dialog(
        &mut self,
        accept: bool,
        answer: Option<&Text>,
        vars: &Variables,
    ) -> Result<(), Trouble> {
        let answer = answer.map(|text| vars.fill_to_send(text)).transpose()?;
        let limit = self.limit(self.patience);
        loop {
            match self.command(Method::GET, "alert/text", None).await {
                Ok(_) => break,
                Err(Refused::Page { code, .. }) if code == "no such alert" => {}
                Err(refused) => return Err(self.trouble(refused, "the dialog cannot be read")),
            }
            if self.left(&limit).is_zero() {
                return Err(Trouble::target(
                    FaultKind::Page,
                    format!("no dialog opened {}", limit.said),
                ));
            }
            tokio::time::sleep(ROUND).await;
        }
        if let Some(text) = answer {
            let told = self.post("alert/text", json!({ "text": text })).await;
            told.map_err(|refused| self.trouble(refused, "the dialog takes no text"))?;
        }
        let path = if accept { "alert/accept" } else { "alert/dismiss" };
        let told = self.post(path, json!({})).await;
        told.map_err(|refused| self.trouble(refused, "the dialog cannot be answered"))?;
        // While it was open the page stood still for us; that is nobody's time.
        let limit = self.limit(self.patience);
        let held = self.clock.hold();
        let told = self.ask("now", json!({}), &limit).await;
        self.clock.release(held);
        told.map(drop)
    }

    /// Closes a dialog that nobody wanted, so that the page can be looked at.
    pub(super) async fn dismiss(&mut self) {
        drop(
            self.command(
                Method::POST,
                "alert/dismiss",
                Some(Value::Object(serde_json::Map::new())),
            )
            .await,
        );
    }
}
