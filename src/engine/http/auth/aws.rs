//! AWS Signature Version 4, in the `Authorization` header (AWS, "Create a signed AWS API request").

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};
use url::Url;

use super::kept;
use crate::{
    engine::{fault::Trouble, http::request::Request, vars::Variables},
    model::Aws,
};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const CONTENT: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Keys, and what they are used for.
pub(super) struct Signer {
    access_key: String,
    secret_key: String,
    session_token: Option<String>,
    region: String,
    service: String,
}

/// A signature and the header that carries it.
pub(super) struct Signature {
    pub(super) header: String,
    pub(super) hex: String,
}

impl Signer {
    pub(super) fn new(aws: &Aws, vars: &Variables) -> Result<Self, Trouble> {
        let token = aws.session_token.as_ref();
        Ok(Self {
            access_key: vars.fill_to_send(&aws.access_key)?,
            secret_key: kept(&aws.secret_key, vars)?,
            session_token: token.map(|token| kept(token, vars)).transpose()?,
            region: vars.fill_to_send(&aws.region)?,
            service: vars.fill_to_send(&aws.service)?,
        })
    }

    /// Signs host, content type and every `x-amz-` header; a proxy on the way may alter the others.
    pub(super) fn sign(&self, request: &mut Request, now: Timestamp) -> Result<Signature, Trouble> {
        let unwritable = |_| super::unwritable();
        let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let body = hex(&Sha256::digest(request.body.as_deref().unwrap_or_default()));
        let headers = &mut request.headers;
        headers.insert(DATE, HeaderValue::from_str(&date).map_err(unwritable)?);
        if let Some(token) = &self.session_token {
            headers.insert(TOKEN, HeaderValue::from_str(token).map_err(unwritable)?);
        }
        if self.service == "s3" {
            headers.insert(CONTENT, HeaderValue::from_str(&body).map_err(unwritable)?);
        }
        let host = match headers.get(header::HOST) {
            Some(host) => String::from_utf8_lossy(host.as_bytes()).into_owned(),
            None => host(&request.url),
        };
        let mut signed = vec![("host".to_owned(), trimmed(&host))];
        for name in headers.keys() {
            if *name == header::CONTENT_TYPE || name.as_str().starts_with("x-amz-") {
                signed.push((name.as_str().to_owned(), values(headers, name)));
            }
        }
        signed.sort();
        Ok(self.signature(request, &signed, &body, &date))
    }

    /// The signature over these headers, which are sorted.
    fn signature(
        &self,
        request: &Request,
        signed: &[(String, String)],
        body: &str,
        date: &str,
    ) -> Signature {
        let names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let lines: String =
            signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let canonical = format!(
            "{}\n{}\n{}\n{lines}\n{names}\n{body}",
            request.method,
            path(&request.url, self.service != "s3"),
            query(&request.url),
        );
        let day = date.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let to_sign =
            format!("{ALGORITHM}\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
        let mut key = mac(format!("AWS4{}", self.secret_key).as_bytes(), day);
        for part in [self.region.as_str(), &self.service, "aws4_request"] {
            key = mac(&key, part);
        }
        let hex = hex(&mac(&key, &to_sign));
        let header = format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={hex}",
            self.access_key
        );
        Signature { header, hex }
    }
}

/// Takes out what a signature needed.
pub(super) fn leave(headers: &mut HeaderMap) {
    for name in [DATE, TOKEN, CONTENT] {
        headers.remove(name);
    }
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    // An HMAC takes a key of any length.
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The `Host` header that will be sent.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// All values of a header, spaces in a row made one.
fn values(headers: &HeaderMap, name: &HeaderName) -> String {
    let all: Vec<String> = headers
        .get_all(name)
        .iter()
        .map(|value| trimmed(&String::from_utf8_lossy(value.as_bytes())))
        .collect();
    all.join(",")
}

fn trimmed(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The path, encoded; every service but S3 wants it encoded once more than it is sent.
fn path(url: &Url, twice: bool) -> String {
    let segments: Vec<String> = url
        .path()
        .split('/')
        .map(|segment| {
            let plain: Vec<u8> = percent_decode_str(segment).collect();
            let once = percent_encoding::percent_encode(&plain, RESERVED).to_string();
            if twice { utf8_percent_encode(&once, RESERVED).to_string() } else { once }
        })
        .collect();
    segments.join("/")
}

/// The query, encoded and sorted. A plus is a space, as it is to those who read it.
fn query(url: &Url) -> String {
    let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let mut pairs: Vec<(String, String)> =
        url.query_pairs().map(|(name, value)| (encode(&name), encode(&value))).collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::engine::http::body::Sent;

    const SESSION: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

    fn signer(service: &str) -> Signer {
        Signer {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
            region: "us-east-1".to_owned(),
            service: service.to_owned(),
        }
    }

    fn request(method: Method, url: &str) -> Request {
        Request {
            method,
            url: Url::parse(url).unwrap(),
            headers: HeaderMap::new(),
            body: None,
            sent: Sent::Text,
            traced: false,
        }
    }

    fn signed(signer: &Signer, request: &mut Request) -> (String, String) {
        let now: Timestamp = "2015-08-30T12:36:00Z".parse().unwrap();
        let signature = signer.sign(request, now).unwrap();
        let names = signature.header.split("SignedHeaders=").nth(1).unwrap();
        (names.split(',').next().unwrap().to_owned(), signature.hex)
    }

    /// AWS's published test suite for this version of the signature.
    #[test]
    fn the_published_vectors() {
        let site = "https://example.amazonaws.com";
        for (name, method, rest, signature) in [
            (
                "get-vanilla",
                Method::GET,
                "/",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "get-vanilla-query-order-key-case",
                Method::GET,
                "/?Param2=value2&Param1=value1",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "get-unreserved",
                Method::GET,
                "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
            ),
            (
                "get-vanilla-utf8-query",
                Method::GET,
                "/?ሴ=bar",
                "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
            ),
            (
                "get-relative",
                Method::GET,
                "/example/..",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "post-vanilla",
                Method::POST,
                "/",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
        ] {
            let mut request = request(method, &format!("{site}{rest}"));
            let (names, hex) = signed(&signer("service"), &mut request);
            assert_eq!((names.as_str(), hex.as_str()), ("host;x-amz-date", signature), "{name}");
        }
        let mut form = request(Method::POST, site);
        form.body = Some("Param1=value1".into());
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        form.headers.insert(header::CONTENT_TYPE, kind);
        let (names, hex) = signed(&signer("service"), &mut form);
        assert_eq!(names, "content-type;host;x-amz-date", "post-x-www-form-urlencoded");
        assert_eq!(hex, "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
        let temporary = Signer { session_token: Some(SESSION.to_owned()), ..signer("service") };
        let (names, hex) = signed(&temporary, &mut request(Method::POST, site));
        assert_eq!(names, "host;x-amz-date;x-amz-security-token", "post-sts-header-before");
        assert_eq!(hex, "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
    }

    /// The suite's paths that need encoding are signed as S3 does it: once. Its header `x-amz-content-sha256` is not in the suite.
    #[test]
    fn the_published_vectors_of_paths() {
        for (name, rest, signature) in [
            ("get-utf8", "/ሴ", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
            (
                "get-space-unnormalized",
                "/example%20space/",
                "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
            ),
        ] {
            let url = Url::parse(&format!("https://example.amazonaws.com{rest}")).unwrap();
            assert_eq!(path(&url, true), path(&url, false).replace('%', "%25"), "{name}");
            let canonical = format!(
                "GET\n{}\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n{}",
                path(&url, false),
                hex(&Sha256::digest(b""))
            );
            let to_sign = format!(
                "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n{}",
                hex(&Sha256::digest(canonical.as_bytes()))
            );
            let mut key = mac(b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830");
            for part in ["us-east-1", "service", "aws4_request"] {
                key = mac(&key, part);
            }
            assert_eq!(hex(&mac(&key, &to_sign)), signature, "{name}");
        }
    }

    /// The example of AWS's own documentation.
    #[test]
    fn the_documented_example() {
        let url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08";
        let mut request = request(Method::GET, url);
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        request.headers.insert(header::CONTENT_TYPE, kind);
        let (_, hex) = signed(&signer("iam"), &mut request);
        assert_eq!(hex, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    }

    #[test]
    fn s3_is_told_the_digest_of_the_body() {
        let mut request = request(Method::GET, "https://b.s3.amazonaws.com:8443/a%20b");
        let (names, _) = signed(&signer("s3"), &mut request);
        assert_eq!(names, "host;x-amz-content-sha256;x-amz-date");
        assert_eq!(host(&request.url), "b.s3.amazonaws.com:8443");
        leave(&mut request.headers);
        assert!(request.headers.is_empty());
    }
}
