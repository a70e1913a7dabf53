//! What an HTTP step sends, and how.

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer, ser::SerializeStruct};
use sha2::{Digest, Sha256};

use super::Text;

/// `[step.http]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HttpStep {
    /// The method in capitals; `GET` by default.
    pub method: String,
    /// Absolute once rendered.
    pub url: Text,
    /// Added to the URL's query, in order.
    pub query: Vec<(String, Text)>,
    /// Sent headers, in order.
    pub headers: Vec<(String, Text)>,
    /// What is sent.
    pub body: Option<Body>,
    /// How many redirects are followed: 10 by default, none where a 3xx status is expected.
    pub redirects: u32,
    /// Largest decoded body that is read, in bytes; a larger one fails the step. 10 MiB by default.
    pub max_body_bytes: u64,
    // What follows came later: it is left out of the revision where it is not said, so that old journeys keep theirs.
    /// Who the step says it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// Which version of HTTP is spoken.
    #[serde(skip_serializing_if = "HttpVersion::is_auto")]
    pub version: HttpVersion,
    /// Which family of addresses is used; either by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpFamily>,
    /// Whether connections of earlier steps are used; they are by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<Connection>,
}

impl HttpStep {
    /// A GET with all defaults.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: "GET".to_owned(),
            url: Text(url.into()),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            redirects: 10,
            max_body_bytes: 10 * 1024 * 1024,
            auth: None,
            version: HttpVersion::Auto,
            ip: None,
            connection: None,
        }
    }
}

/// What an HTTP step sends.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Body {
    /// `form = { … }`: `application/x-www-form-urlencoded`, in order.
    Form(Vec<(String, Text)>),
    /// `json = { … }`: every string in it is a template; a string that is one expression alone stays a string.
    Json(serde_json::Value),
    /// `json = "…"`: JSON as written, a template as a whole.
    RawJson(Text),
    /// `body = "…"`.
    Text(Text),
    /// `multipart = [ … ]`: `multipart/form-data` (RFC 7578), in order.
    Multipart(Vec<Field>),
    /// `body_file = "…"`: a file as it is, no template.
    File(Attachment),
    /// `graphql = { … }`: a request after "GraphQL over HTTP", as JSON.
    GraphQl {
        /// The document.
        query: Text,
        /// `variables`, whose strings are templates.
        variables: Option<serde_json::Value>,
        /// `operationName`.
        operation: Option<String>,
    },
}

/// One part of a multipart body.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Field {
    /// The name of the form's field.
    pub name: String,
    /// What is in it.
    pub content: FieldContent,
    /// Its media type; by default none for texts, and what the name's ending says for files.
    pub media_type: Option<String>,
    /// The file name that is told; by default the last part of the path for files, and none for texts.
    pub file_name: Option<String>,
}

/// What is in a part of a multipart body.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum FieldContent {
    /// A template.
    Text(Text),
    /// A file as it is.
    File(Attachment),
}

/// A file beside the file that names it, read when that was read. Serialised (and so hashed into a revision) by path and digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The path as written.
    pub path: String,
    /// What was in it.
    pub bytes: Arc<[u8]>,
}

impl Attachment {
    /// A file with its content.
    pub fn new(path: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { path: path.into(), bytes: bytes.into() }
    }

    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attachment({:?}, {} bytes)", self.path, self.bytes.len())
    }
}

impl Serialize for Attachment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digest = Sha256::digest(&self.bytes);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut shown = serializer.serialize_struct("Attachment", 2)?;
        shown.serialize_field("path", &self.path)?;
        shown.serialize_field("sha256", &digest)?;
        shown.end()
    }
}

/// `auth = { … }`: credentials for the origin of the step's own URL; they go to no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Auth {
    /// RFC 7617.
    Basic {
        /// The user's name.
        user: Text,
        /// Their password.
        password: Text,
    },
    /// RFC 6750: a token as it is.
    Bearer(Text),
    /// RFC 7616, and RFC 2069 for servers that ask for no `qop`.
    Digest {
        /// The user's name.
        user: Text,
        /// Their password.
        password: Text,
    },
    /// RFC 6749: a token that is fetched and kept until it expires.
    OAuth2(Box<OAuth2>),
    /// AWS Signature Version 4.
    Aws(Box<Aws>),
}

/// `auth = { oauth2 = { … } }`. The grant is `refresh_token` where there is one, `client_credentials` where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OAuth2 {
    /// The token endpoint.
    pub token_url: Text,
    /// Who the client is.
    pub client_id: Text,
    /// What proves it; public clients with a refresh token have none.
    pub client_secret: Option<Text>,
    /// `scope`.
    pub scope: Option<Text>,
    /// `audience`, which some servers need.
    pub audience: Option<Text>,
    /// The token of the `refresh_token` grant.
    pub refresh_token: Option<Text>,
    /// Where the client's credentials stand.
    pub style: SecretStyle,
}

/// Where an OAuth2 client's credentials stand (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub enum SecretStyle {
    /// In an `Authorization: Basic` header.
    #[default]
    Basic,
    /// In the body.
    Body,
}

/// `auth = { aws = { … } }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Aws {
    /// The id of the access key.
    pub access_key: Text,
    /// The secret access key.
    pub secret_key: Text,
    /// The token of temporary credentials.
    pub session_token: Option<Text>,
    /// Such as `eu-central-1`.
    pub region: Text,
    /// Such as `execute-api` or `s3`.
    pub service: Text,
}

/// `http = "…"`: which version of HTTP is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
pub enum HttpVersion {
    /// What ALPN (RFC 7301) agrees on; 1.1 without TLS.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only: alone in ALPN, and with prior knowledge (RFC 9113, section 3.3) where there is no TLS.
    Http2,
}

impl HttpVersion {
    /// Whether nothing is fixed.
    pub fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// `ip = "…"`: which addresses of a name are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum IpFamily {
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

/// `connection = "…"`: which connections a step may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Connection {
    /// Those of earlier steps of the run, as a browser does.
    Journey,
    /// Only its own: name look-up, TCP and a full TLS handshake are paid again.
    Fresh,
}
