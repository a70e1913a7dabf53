use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap()))
        .collect::<Vec<(header::HeaderName, _)>>()
        .into_iter()
        .collect()
}

#[test]
fn only_loopback_names_pass_as_host() {
    for (host, passes) in [
        ("localhost:9464", true),
        ("127.0.0.1:9464", true),
        ("[::1]:9464", true),
        ("LOCALHOST", true),
        ("evil.example", false),
        ("127.0.0.1.evil.example:9464", false),
        ("", false),
    ] {
        assert_eq!(origin::local_host(&headers(&[("host", host)])).is_ok(), passes, "{host}");
    }
}

#[test]
fn forms_of_other_sites_are_refused() {
    for (site, passes) in
        [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)]
    {
        let headers = headers(&[("sec-fetch-site", site)]);
        assert_eq!(origin::own_form(&headers).is_ok(), passes, "{site}");
    }
    assert!(origin::own_form(&headers(&[])).is_ok());
}

#[test]
fn what_a_person_decides_needs_an_admin() {
    for (method, path, scope) in [
        (Method::GET, "/api/v1/findings", Scope::Read),
        (Method::POST, "/api/v1/changes", Scope::Write),
        (Method::POST, "/api/v1/gate", Scope::Read),
        (Method::POST, "/api/v1/changes/c/notes", Scope::Write),
        (Method::POST, "/changes/c/notes", Scope::Write),
        (Method::POST, "/api/v1/findings/f/dismiss", Scope::Admin),
        (Method::POST, "/api/v1/changes/c/place", Scope::Admin),
        (Method::POST, "/api/v1/changes/c/rollback", Scope::Admin),
        (Method::POST, "/changes/c/rollback", Scope::Admin),
        (Method::GET, "/changes/c/rollback", Scope::Read),
    ] {
        assert_eq!(needed(&method, path), scope, "{path}");
    }
}

#[test]
fn tokens_come_as_bearer_or_as_password() {
    assert_eq!(token(&headers(&[("authorization", "Bearer abc")])).as_deref(), Some("abc"));
    assert_eq!(token(&headers(&[("authorization", "basic eDphYmM=")])).as_deref(), Some("abc"));
    assert_eq!(token(&headers(&[("authorization", "Digest abc")])), None);
}

#[test]
fn a_session_is_read_from_any_cookie_and_nothing_else_is() {
    let ticket = Ticket::new();
    let cookie = ticket.cookie("/way/", true);
    let cookie = cookie.to_str().unwrap();
    assert!(cookie.ends_with("; Path=/way/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure"));
    let pair = cookie.split(';').next().unwrap();
    let found = Ticket::of(&headers(&[("cookie", &format!("a=b; {pair}; c=d"))])).unwrap();
    let shown = found.csrf().masked();
    assert!(ticket.csrf().is_shown_by(shown.as_bytes()));
    assert!(!Ticket::new().csrf().is_shown_by(shown.as_bytes()));
    for bad in ["wayfarer_session=", "wayfarer_session=abc", "other=x", "wayfarer_session=%00"] {
        assert!(Ticket::of(&headers(&[("cookie", bad)])).is_none(), "{bad}");
    }
}
