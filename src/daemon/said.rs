//! What people say of a change beside its findings: notes, and whether they call it failed.

use super::handle::{Handle, HandleError};
use crate::model::{Change, ChangeId, Note, Touch, Word};

impl Handle {
    /// Keeps what a person wrote of a change; none where it has as many notes as it may.
    ///
    /// # Errors
    /// No such change, or the store failed.
    pub async fn note(
        &self,
        id: &ChangeId,
        author: Option<String>,
        text: String,
    ) -> Result<Option<Note>, HandleError> {
        let change = self.known_change(id).await?;
        Ok(self.store.add_note(change.id, self.now(), author, text).await?)
    }

    /// A note as it stands; a removed one is none any more.
    ///
    /// # Errors
    /// No such change or note, or the store failed.
    pub async fn noted(&self, id: &ChangeId, note: i64) -> Result<Note, HandleError> {
        let change = self.known_change(id).await?;
        let notes = self.store.notes(&change.id).await?;
        let found = notes.into_iter().find(|known| known.id == note && known.removed.is_none());
        found.ok_or(HandleError::UnknownNote(change.id, note))
    }

    /// Writes a note anew, or removes it where there is no text; who did it and when is kept with it.
    ///
    /// # Errors
    /// No such change or note, or the store failed.
    pub async fn alter_note(
        &self,
        id: &ChangeId,
        note: i64,
        text: Option<String>,
        by: Option<String>,
    ) -> Result<Note, HandleError> {
        let change = self.known_change(id).await?;
        let touch = Touch { at: self.now(), by };
        let altered = self.store.alter_note(&change.id, note, text, touch).await?;
        altered.ok_or(HandleError::UnknownNote(change.id, note))
    }

    /// Keeps that a person calls a change failed, or not failed, or takes that back. It counts in the figures of delivery; no verdict and no gate
    /// knows of it.
    ///
    /// # Errors
    /// No such change, or the store failed.
    pub async fn say(
        &self,
        id: &ChangeId,
        failed: Option<bool>,
        author: Option<String>,
        why: Option<String>,
    ) -> Result<Word, HandleError> {
        let change = self.known_change(id).await?;
        let word = Word { at: self.now(), author, failed, why };
        self.store.say(&change.id, word.clone()).await?;
        Ok(word)
    }

    async fn known_change(&self, id: &ChangeId) -> Result<Change, HandleError> {
        let change = self.store.change(id).await?;
        change.ok_or_else(|| HandleError::UnknownChange(id.clone()))
    }
}
