//! Who asks, for handlers and for what stands around every page.

use axum::{extract::Request, middleware::Next, response::Response};

use super::mask::FormToken;
use crate::model::Scope;

/// Who asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    /// The name of their token, where they showed one or are logged in with one.
    pub(crate) name: Option<String>,
    /// What that allows.
    pub(crate) scope: Option<Scope>,
    /// What the forms of their pages carry.
    pub(crate) csrf: FormToken,
}

tokio::task_local! {
    /// Whose request this task answers. What stands around every page shows it, and pages need not hand it on.
    static PRESENT: Caller;
}

/// Whose request is answered now; nobody's where none is.
pub(in crate::web) fn present() -> Caller {
    PRESENT.try_with(Clone::clone).unwrap_or_default()
}

impl Caller {
    /// Answers their request.
    pub(super) async fn pass(self, mut request: Request, next: Next) -> Response {
        request.extensions_mut().insert(self.clone());
        let mut answer = PRESENT.scope(self.clone(), next.run(request)).await;
        // A page that says what went wrong is made after this.
        answer.extensions_mut().insert(self);
        answer
    }

    /// What they may do, in words.
    pub(in crate::web) fn may(&self) -> &'static str {
        match self.scope {
            Some(Scope::Read) => "see everything",
            Some(Scope::Write) => "see everything, log changes and write notes",
            Some(Scope::Admin) => "do everything",
            None => "do nothing",
        }
    }
}
