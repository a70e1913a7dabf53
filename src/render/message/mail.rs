//! The headers by which mails of one incident are one conversation (RFC 5322, section 3.6.4).

use sha2::{Digest, Sha256};

use crate::model::Notice;

/// Which mail this is, and which it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// `Message-ID`: the same at each try of the same message.
    pub id: String,
    /// `In-Reply-To` and `References`: the root of the conversation. Never sent itself, so that every mail of it is an answer.
    pub root: String,
}

/// What stands in brackets before a subject: how grave it is, or how it ended.
pub fn tag(notice: &Notice) -> &'static str {
    if notice.firing { notice.gravity.as_str() } else { notice.happening.as_str() }
}

/// The conversation of a message, by its key, its incident and the domain of the sender.
pub fn thread(key: &str, incident: &str, domain: &str) -> Thread {
    let short = |text: &str| data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes())[..16]);
    Thread {
        id: format!("<{}.message@{domain}>", short(key)),
        root: format!("<{}.incident@{domain}>", short(incident)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_of_an_incident_have_one_root() {
        let (one, two) = (thread("r/c/1", "c", "x.org"), thread("r/c/2", "c", "x.org"));
        assert_eq!(one.root, two.root);
        assert_ne!(one.id, two.id);
        assert_eq!(one, thread("r/c/1", "c", "x.org"));
    }
}
