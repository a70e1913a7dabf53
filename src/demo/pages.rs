//! The shop's HTML.

/// The login page with its CSRF token.
pub(super) fn login(csrf: &str) -> String {
    format!(
        "<!doctype html><title>Sign in</title><h1>Sign in</h1><form method=\"post\" action=\"/login\">\
         <input type=\"hidden\" name=\"csrf\" value=\"{csrf}\"><label>Mail <input name=\"user\"></label>\
         <label>Password <input name=\"password\" type=\"password\"></label><button>Sign in</button></form>"
    )
}

/// The account of a signed-in user; the name is escaped.
pub(super) fn account(user: &str) -> String {
    let user = user.replace('&', "&amp;").replace('<', "&lt;");
    format!("<!doctype html><title>Account</title><h1>Hello {user}</h1><p>Two orders.</p>")
}
