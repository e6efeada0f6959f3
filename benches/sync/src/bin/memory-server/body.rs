//! Reads the bodies of requests.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::Incoming;

use crate::chunked::Decoder;
use crate::content::Content;
use crate::error::{INCOMPLETE_BODY, S3Error};

/// What a declared length may make us reserve at once: S3's largest part would fit.
const MOST_RESERVED: usize = 64 * 1024 * 1024;

/// A body that was read.
pub(crate) struct Received {
    /// Its bytes, decoded.
    pub(crate) content: Content,
    /// What came behind an `aws-chunked` body.
    pub(crate) trailers: Vec<(String, String)>,
}

impl Received {
    /// The bytes in one piece; none of a body that was dropped.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Whole(bytes) => bytes,
            Content::Parts(_) | Content::Sunk(_) => &[],
        }
    }
}

/// Where bytes go: kept, or only counted.
struct Basin {
    kept: Vec<u8>,
    dropped: u64,
    sink: bool,
}

impl Basin {
    fn take(&mut self, bytes: &[u8]) {
        if self.sink {
            self.dropped += bytes.len() as u64;
        } else {
            // A copy of exact size; the piece itself would hold a whole read buffer.
            self.kept.extend_from_slice(bytes);
        }
    }

    fn into_content(mut self) -> Content {
        if self.sink {
            return Content::Sunk(self.dropped);
        }
        self.kept.shrink_to_fit();
        Content::Whole(Bytes::from(self.kept))
    }
}

/// Reads a body to its end; with `sink` its bytes are dropped.
pub(crate) async fn receive(
    headers: &HeaderMap,
    mut body: Incoming,
    sink: bool,
) -> Result<Received, S3Error> {
    let mut basin = Basin {
        kept: Vec::new(),
        dropped: 0,
        sink,
    };
    if !sink {
        basin.kept.reserve_exact(declared_length(headers));
    }
    let mut decoder = is_chunked(headers).then(Decoder::new);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| INCOMPLETE_BODY)?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        match &mut decoder {
            Some(decoder) => decoder.feed(&piece, |bytes| basin.take(bytes))?,
            None => basin.take(&piece),
        }
    }
    let trailers = decoder.map_or(Ok(Vec::new()), Decoder::finish)?;
    Ok(Received {
        content: basin.into_content(),
        trailers,
    })
}

/// Reads a body away, so that the connection can be used again.
pub(crate) async fn discard(mut body: Incoming) {
    while let Some(Ok(_frame)) = body.frame().await {}
}

fn is_chunked(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    text("content-encoding").is_some_and(|encoding| encoding.contains("aws-chunked"))
        || text("x-amz-content-sha256").is_some_and(|digest| digest.starts_with("STREAMING-"))
}

fn declared_length(headers: &HeaderMap) -> usize {
    ["x-amz-decoded-content-length", "content-length"]
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok()?.parse().ok())
        .map_or(0, |length: usize| length.min(MOST_RESERVED))
}
