//! Filters between spellings of the same text.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use scraper::Html;

use super::{Refusal, text_of};
use crate::{check::node::Node, model::Argument};

/// All but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Both alphabets of RFC 4648, padded or not: what is text becomes text, the rest stays bytes.
pub(super) fn decode_base64(_: &Argument, node: &Node, _: Timestamp) -> Result<Vec<Node>, Refusal> {
    const EITHER: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let text = text_of(node)?;
    let compact: String = text
        .chars()
        .filter(|c| !c.is_ascii_whitespace())
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    let bytes = GeneralPurpose::new(&alphabet::STANDARD, EITHER)
        .decode(compact)
        .map_err(|_| "text in base64".to_owned())?;
    Ok(vec![match String::from_utf8(bytes) {
        Ok(text) => Node::Text(text),
        Err(error) => Node::Bytes(error.into_bytes()),
    }])
}

/// RFC 4648, section 4.
pub(super) fn encode_base64(_: &Argument, node: &Node, _: Timestamp) -> Result<Vec<Node>, Refusal> {
    let text = match node {
        Node::Bytes(bytes) => BASE64_STANDARD.encode(bytes),
        other => BASE64_STANDARD.encode(text_of(other)?),
    };
    Ok(vec![Node::Text(text)])
}

/// RFC 3986: a plus stays a plus.
pub(super) fn decode_url(_: &Argument, node: &Node, _: Timestamp) -> Result<Vec<Node>, Refusal> {
    let text = text_of(node)?;
    let decoded = percent_decode_str(&text)
        .decode_utf8()
        .map_err(|_| "text whose percent-encoding is UTF-8".to_owned())?;
    Ok(vec![Node::Text(decoded.into_owned())])
}

/// RFC 3986.
pub(super) fn encode_url(_: &Argument, node: &Node, _: Timestamp) -> Result<Vec<Node>, Refusal> {
    Ok(vec![Node::Text(utf8_percent_encode(&text_of(node)?, RESERVED).to_string())])
}

/// Character references of the HTML standard, by its own parser.
pub(super) fn decode_html(_: &Argument, node: &Node, _: Timestamp) -> Result<Vec<Node>, Refusal> {
    // Only references are undone: without this a tag would vanish.
    let text = text_of(node)?.replace('<', "&lt;");
    let parsed = Html::parse_fragment(&text);
    Ok(vec![Node::Text(parsed.root_element().text().collect())])
}

/// The five characters that mean something in HTML.
pub(super) fn encode_html(_: &Argument, node: &Node, _: Timestamp) -> Result<Vec<Node>, Refusal> {
    let mut encoded = String::new();
    for c in text_of(node)?.chars() {
        match c {
            '&' => encoded.push_str("&amp;"),
            '<' => encoded.push_str("&lt;"),
            '>' => encoded.push_str("&gt;"),
            '"' => encoded.push_str("&quot;"),
            '\'' => encoded.push_str("&#x27;"),
            other => encoded.push(other),
        }
    }
    Ok(vec![Node::Text(encoded)])
}
