//! Bodies: content encodings undone under a cap, then bytes to text.

use async_compression::tokio::bufread::{
    BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder,
};
use encoding_rs::{Encoding, UTF_8};
use http::{HeaderMap, header};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};

use crate::{engine::fault::Trouble, model::FaultKind};

/// Undoes the content encodings (RFC 9110, section 8.4) in the reverse of the order they were applied in. What is decoded never takes more
/// than `cap` bytes, however much the encoded bytes would unfold to.
pub(super) async fn decode(
    headers: &HeaderMap,
    wire: Vec<u8>,
    cap: u64,
) -> Result<Vec<u8>, Trouble> {
    let mut body = wire;
    for encoding in encodings(headers).into_iter().rev() {
        if body.is_empty() {
            // An answer to HEAD, or a 304: it names the encoding of a body it does not have.
            return Ok(body);
        }
        body = decode_one(&encoding, &body, cap).await?;
    }
    Ok(body)
}

/// The encodings in the order they were applied, `identity` left out.
fn encodings(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::CONTENT_ENCODING);
    values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty() && name != "identity")
        .collect()
}

async fn decode_one(encoding: &str, encoded: &[u8], cap: u64) -> Result<Vec<u8>, Trouble> {
    let input = BufReader::new(encoded);
    match encoding {
        "gzip" | "x-gzip" => {
            let mut decoder = GzipDecoder::new(input);
            decoder.multiple_members(true);
            read(decoder, encoding, cap).await
        }
        // RFC 9110 means zlib; many servers send the bare deflate data, and every browser takes both.
        "deflate" if is_zlib(encoded) => read(ZlibDecoder::new(input), encoding, cap).await,
        "deflate" => read(DeflateDecoder::new(input), encoding, cap).await,
        "br" => read(BrotliDecoder::new(input), encoding, cap).await,
        "zstd" => read(ZstdDecoder::new(input), encoding, cap).await,
        other => Err(Trouble::target(
            FaultKind::Protocol,
            format!("the body has the content encoding `{other}`, which was not asked for"),
        )),
    }
}

/// The header of zlib (RFC 1950, section 2.2).
fn is_zlib(bytes: &[u8]) -> bool {
    match bytes {
        [cmf, flg, ..] => cmf & 0x0f == 8 && u16::from_be_bytes([*cmf, *flg]).is_multiple_of(31),
        _ => false,
    }
}

async fn read(
    decoder: impl AsyncRead + Unpin,
    encoding: &str,
    cap: u64,
) -> Result<Vec<u8>, Trouble> {
    let mut decoder = decoder.take(cap.saturating_add(1));
    let mut body = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match decoder.read(&mut chunk).await {
            Ok(0) => break,
            Ok(length) => body.extend_from_slice(&chunk[..length]),
            Err(error) => {
                return Err(Trouble::target(
                    FaultKind::Protocol,
                    format!("the body is not valid {encoding}: {error}"),
                ));
            }
        }
        // The input is in memory and never waits: let others run between chunks.
        tokio::task::yield_now().await;
    }
    if body.len() as u64 > cap { Err(too_large(cap)) } else { Ok(body) }
}

/// The trouble with a body over the cap.
pub(super) fn too_large(cap: u64) -> Trouble {
    Trouble::target(
        FaultKind::TooLarge,
        format!("the body is larger than the {cap} bytes of `max_body`"),
    )
}

/// The bytes as text: by byte-order mark, else the `charset` of the content type, else a `<meta>` in the first kilobyte, else UTF-8. What
/// cannot be read becomes U+FFFD.
pub(super) fn text(headers: &HeaderMap, body: &[u8]) -> String {
    let encoding = charset(headers).or_else(|| meta_charset(body)).unwrap_or(UTF_8);
    encoding.decode(body).0.into_owned()
}

fn charset(headers: &HeaderMap) -> Option<&'static Encoding> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| Encoding::for_label(value.trim().trim_matches('"').as_bytes()))?
    })
}

/// `charset=` within a `<meta …>` of the first 1024 bytes: the usual outcome of the prescan of the HTML standard, section 13.2.3.2.
fn meta_charset(body: &[u8]) -> Option<&'static Encoding> {
    let head = &body[..body.len().min(1024)];
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let meta = head.split("<meta").skip(1).find_map(|rest| {
        let tag = rest.split('>').next()?;
        tag.split_once("charset").map(|(_, value)| value.to_owned())
    })?;
    let value = meta.trim_start().strip_prefix('=')?;
    let label: String = value
        .trim_start_matches([' ', '"', '\''])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_:.".contains(*c))
        .collect();
    Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests {
    use async_compression::tokio::write::{
        BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder,
    };
    use http::HeaderValue;
    use tokio::io::AsyncWriteExt;

    use super::*;

    macro_rules! encode {
        ($encoder:ident, $data:expr) => {{
            let mut encoder = $encoder::new(Vec::new());
            encoder.write_all($data).await.unwrap();
            encoder.shutdown().await.unwrap();
            encoder.into_inner()
        }};
    }

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[tokio::test]
    async fn every_encoding_is_undone_and_broken_ones_are_told() {
        let plain = "kettle ".repeat(2000).into_bytes();
        for (name, bytes) in [
            ("gzip", encode!(GzipEncoder, &plain)),
            ("X-GZip", encode!(GzipEncoder, &plain)),
            ("deflate", encode!(ZlibEncoder, &plain)),
            ("deflate", encode!(DeflateEncoder, &plain)),
            ("br", encode!(BrotliEncoder, &plain)),
            ("zstd", encode!(ZstdEncoder, &plain)),
        ] {
            let headers = headers(header::CONTENT_ENCODING, name);
            let decoded = decode(&headers, bytes.clone(), 1 << 20).await.unwrap();
            assert!(decoded == plain, "{name}");
            let cut = bytes[..bytes.len() / 2].to_vec();
            let broken = decode(&headers, cut, 1 << 20).await;
            assert!(
                matches!(broken, Err(Trouble::Target(FaultKind::Protocol, _))),
                "{name} cut in half: {:?}",
                broken.map(|b| b.len())
            );
            let large = decode(&headers, bytes, 100).await;
            assert_eq!(large, Err(too_large(100)), "{name}");
        }
        let nonsense = headers(header::CONTENT_ENCODING, "gzip");
        assert!(decode(&nonsense, b"not gzip at all".to_vec(), 100).await.is_err());
        let unknown = headers(header::CONTENT_ENCODING, "rot13");
        assert!(decode(&unknown, b"x".to_vec(), 100).await.is_err());
        assert_eq!(decode(&unknown, Vec::new(), 100).await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn encodings_come_off_in_reverse() {
        let twice = encode!(BrotliEncoder, &encode!(GzipEncoder, b"tea"));
        let headers = headers(header::CONTENT_ENCODING, "gzip, identity, br");
        assert_eq!(decode(&headers, twice, 100).await, Ok(b"tea".to_vec()));
    }

    #[test]
    fn charsets() {
        let typed = |value: &str| headers(header::CONTENT_TYPE, value);
        for (content_type, bytes, expected) in [
            ("text/html", "ä".as_bytes(), "ä"),
            ("text/html; charset=ISO-8859-1", b"\xe4", "ä"),
            ("text/html; Charset=\"latin1\"", b"\xe4", "ä"),
            ("text/html; charset=nonsense", "ä".as_bytes(), "ä"),
            ("text/html", b"\xef\xbb\xbf\xc3\xa4", "ä"),
            ("text/html", b"<meta charset='windows-1252'>\xe4", "<meta charset='windows-1252'>ä"),
            ("text/html", b"\xff", "\u{fffd}"),
        ] {
            assert_eq!(text(&typed(content_type), bytes), expected, "{content_type}");
        }
    }
}
