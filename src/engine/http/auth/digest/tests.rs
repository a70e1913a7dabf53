use http::{HeaderValue, Method};
use proptest::prelude::*;

use super::*;
use crate::engine::http::body::Sent;

fn headers(challenges: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for challenge in challenges {
        headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_str(challenge).unwrap());
    }
    headers
}

fn known(challenge: &str, cnonce: &str) -> Known {
    let challenge = super::challenge(&headers(&[challenge])).unwrap();
    Known { challenge, cnonce: cnonce.to_owned(), count: 1 }
}

/// RFC 7616, section 3.9.1.
#[test]
fn the_vectors_of_the_standard() {
    let user = User::new("Mufasa".to_owned(), "Circle of Life".to_owned());
    for (algorithm, response) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let challenge = format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        );
        let known = known(&challenge, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
        let answer = user.respond(&known, "GET", "/dir/index.html");
        assert_eq!(answer.response, response);
        for part in [
            "Digest username=\"Mufasa\"",
            "uri=\"/dir/index.html\"",
            "qop=auth",
            "nc=00000001",
            "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
        ] {
            assert!(answer.header.contains(part), "{part} in {}", answer.header);
        }
        assert!(answer.header.contains(&format!("algorithm={algorithm}")));
    }
}

/// RFC 2617, section 3.5.
#[test]
fn the_vector_of_the_older_standard() {
    let user = User::new("Mufasa".to_owned(), "Circle Of Life".to_owned());
    let challenge = "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"";
    let known = known(challenge, "0a4f113b");
    let answer = user.respond(&known, "GET", "/dir/index.html");
    assert_eq!(answer.response, "6629fae49393a05397450978507c4ef1");
    assert!(!answer.header.contains("algorithm"));
}

#[test]
fn session_variants_and_servers_without_qop() {
    let user = User::new("u".to_owned(), "p".to_owned());
    let h = |text: &str| Algorithm::Md5.hash(text);
    let known_session = known("Digest realm=r, nonce=n, algorithm=MD5-sess, qop=auth", "c");
    let ha1 = h(&format!("{}:n:c", h("u:r:p")));
    let expected = h(&format!("{ha1}:n:00000001:c:auth:{}", h("GET:/")));
    assert_eq!(user.respond(&known_session, "GET", "/").response, expected);
    let bare = known("Digest realm=r, nonce=n", "c");
    let answer = user.respond(&bare, "GET", "/");
    assert_eq!(answer.response, h(&format!("{}:n:{}", h("u:r:p"), h("GET:/"))));
    assert!(!answer.header.contains("cnonce") && !answer.header.contains("nc="));
}

#[test]
fn names_that_are_hidden_or_not_ascii() {
    let user = User::new("Jäsøn Doe".to_owned(), "p".to_owned());
    let plain = known("Digest realm=r, nonce=n, qop=auth, charset=UTF-8", "c");
    assert!(
        user.respond(&plain, "GET", "/").header.contains("username*=UTF-8''J%C3%A4s%C3%B8n%20Doe")
    );
    let hidden = known("Digest realm=r, nonce=n, qop=auth, userhash=true, algorithm=SHA-256", "c");
    let header = user.respond(&hidden, "GET", "/").header;
    let hash = Algorithm::Sha256.hash("Jäsøn Doe:r");
    assert!(header.contains(&format!("username=\"{hash}\"")) && header.contains("userhash=true"));
}

#[test]
fn the_first_challenge_that_can_be_met() {
    let find = |all: &[&str]| challenge(&headers(all)).map(|c| (c.algorithm, c.session, c.realm));
    assert_eq!(
        find(&[
            "Negotiate, Basic realm=\"a, b\", Digest realm=\"x \\\"y\\\", z\", nonce=\"n\", algorithm=SHA-256-sess"
        ]),
        Some((Algorithm::Sha256, true, "x \"y\", z".to_owned()))
    );
    assert_eq!(
        find(&[
            "Digest realm=a, nonce=n, algorithm=SHA-1024",
            "digest realm=b, nonce=n, qop=\"auth-int\"",
            "Digest realm = c , nonce = \"n\" , algorithm = \"SHA-512-256\"",
            "Digest realm=d, nonce=n",
        ]),
        Some((Algorithm::Sha512_256, false, "c".to_owned()))
    );
    for none in ["", "Basic realm=x", "Digest", "Digest realm=x", ",,", "Digest nonce=\"x"] {
        assert_eq!(find(&[none]), None, "{none}");
    }
}

#[test]
fn a_nonce_is_used_again_until_it_is_stale() {
    let request = Request {
        method: Method::GET,
        url: Url::parse("https://x.example/a?b=c").unwrap(),
        headers: HeaderMap::new(),
        body: None,
        sent: Sent::Text,
        traced: false,
    };
    let head = |status: u16, challenge: &str| Head {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers(&[challenge]),
    };
    let mut nonces = Nonces::default();
    let user = || User::new("u".to_owned(), "p".to_owned());
    let mut first = user();
    assert!(first.answer(&request, &mut nonces).is_none());
    assert!(first.challenged(
        &head(401, "Digest realm=r, nonce=n1, qop=auth"),
        &request,
        &mut nonces
    ));
    let header = first.answer(&request, &mut nonces).unwrap().header;
    assert!(header.contains("nonce=\"n1\"") && header.contains("nc=00000001"), "{header}");
    assert!(header.contains("uri=\"/a?b=c\""));
    assert!(!first.challenged(&head(200, "Digest realm=r"), &request, &mut nonces));
    let mut second = user();
    let header = second.answer(&request, &mut nonces).unwrap().header;
    assert!(header.contains("nonce=\"n1\"") && header.contains("nc=00000002"), "{header}");
    let stale = "Digest realm=r, nonce=n2, qop=auth, stale=true";
    assert!(second.challenged(&head(401, stale), &request, &mut nonces));
    assert!(second.answer(&request, &mut nonces).unwrap().header.contains("nonce=\"n2\""));
    // The password is wrong: it is not tried again.
    let wrong = "Digest realm=r, nonce=n3, qop=auth";
    assert!(!second.challenged(&head(401, wrong), &request, &mut nonces));
    assert!(user().answer(&request, &mut nonces).is_none(), "what was refused is forgotten");
}

#[test]
fn a_server_may_say_what_comes_next() {
    let mut headers = HeaderMap::new();
    headers.insert(INFO, HeaderValue::from_static("qop=auth, nextnonce=\"n9\", nc=00000001"));
    assert_eq!(next_nonce(&headers).unwrap(), "n9");
}

proptest! {
    #[test]
    fn any_header_is_read(text in "[ -~]{0,60}") {
        let found = challenges(&text);
        prop_assert!(found.len() <= text.len() + 1);
        let _read = found.iter().filter_map(|(_, parameters)| read(parameters)).count();
    }
}
