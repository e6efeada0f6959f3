//! Decoding of `aws-chunked` bodies, the form in which SDKs send a checksum
//! after the bytes that it covers.
//!
//! A chunk is its size in hexadecimal, perhaps `;chunk-signature=...`, a line
//! end, the bytes and a line end. A chunk of size zero ends the body; after it
//! come the trailers, one on a line, and an empty line. Signatures are skipped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use s3s::{Body, StdError};

/// The longest line of a chunk header or a trailer, in bytes.
const MAX_LINE: usize = 16 * 1024;

/// The trailers of a request, which are there once its body has been read.
#[derive(Debug, Clone, Default)]
pub(super) struct Trailers(Arc<Mutex<BTreeMap<String, String>>>);

impl Trailers {
    /// Returns the value of the trailer `name`, which is in lower case.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    fn insert(&self, name: String, value: String) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, value);
    }
}

/// Says how a body is not what its form promises.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChunkedError {
    /// The body ended in the middle.
    #[error("the body ends before its last chunk")]
    Truncated,
    /// A line is not a chunk header or trailer.
    #[error("the body is not in the aws-chunked form")]
    Malformed,
    /// The chunks add up to another length than the header promised.
    #[error("the chunks hold {found} bytes, not the {expected} that were promised")]
    Length {
        /// The length in bytes that was promised.
        expected: u64,
        /// The length in bytes that was found.
        found: u64,
    },
}

/// Decodes `body`, which promises `expected` bytes, and fills `trailers` at its end.
pub(super) fn decode(
    body: Body,
    expected: u64,
    trailers: Trailers,
) -> impl Stream<Item = Result<Bytes, StdError>> + Send + Sync {
    let decoder = Decoder {
        body,
        buffer: BytesMut::new(),
        chunk: 0,
        found: 0,
        expected,
        trailers,
    };
    futures_util::stream::try_unfold(decoder, |mut decoder| async move {
        let bytes = decoder.next().await?;
        Ok(bytes.map(|bytes| (bytes, decoder)))
    })
}

struct Decoder {
    body: Body,
    buffer: BytesMut,
    /// How many bytes of the current chunk are still to come.
    chunk: u64,
    found: u64,
    expected: u64,
    trailers: Trailers,
}

impl Decoder {
    async fn next(&mut self) -> Result<Option<Bytes>, StdError> {
        if self.chunk == 0 {
            self.chunk = chunk_size(&self.line().await?)?;
            if self.chunk == 0 {
                return self.finish().await;
            }
        }
        if self.buffer.is_empty() {
            self.fill().await?;
        }
        let length = usize::try_from(self.chunk)
            .map_or(self.buffer.len(), |chunk| chunk.min(self.buffer.len()));
        let bytes = self.buffer.split_to(length).freeze();
        self.chunk -= length as u64;
        self.found += length as u64;
        if self.chunk == 0 && !self.line().await?.is_empty() {
            return Err(ChunkedError::Malformed.into());
        }
        Ok(Some(bytes))
    }

    /// Reads the trailers. Some clients leave out the last empty line.
    async fn finish(&mut self) -> Result<Option<Bytes>, StdError> {
        while let Some(line) = self.line_or_end().await? {
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or(ChunkedError::Malformed)?;
            self.trailers
                .insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
        if self.found != self.expected {
            return Err(ChunkedError::Length {
                expected: self.expected,
                found: self.found,
            }
            .into());
        }
        // What remains is read so that the connection can be used again.
        while let Some(rest) = self.body.next().await {
            rest?;
        }
        Ok(None)
    }

    async fn line(&mut self) -> Result<String, StdError> {
        Ok(self.line_or_end().await?.ok_or(ChunkedError::Truncated)?)
    }

    async fn line_or_end(&mut self) -> Result<Option<String>, StdError> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(end);
                self.buffer.advance(1);
                let line = line.strip_suffix(b"\r").unwrap_or(&line);
                return Ok(Some(
                    String::from_utf8(line.to_vec()).map_err(|_| ChunkedError::Malformed)?,
                ));
            }
            if self.buffer.len() > MAX_LINE {
                return Err(ChunkedError::Malformed.into());
            }
            match self.body.next().await {
                Some(bytes) => self.buffer.extend_from_slice(&bytes?),
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(ChunkedError::Truncated.into()),
            }
        }
    }

    async fn fill(&mut self) -> Result<(), StdError> {
        while self.buffer.is_empty() {
            let bytes = self.body.next().await.ok_or(ChunkedError::Truncated)??;
            self.buffer.extend_from_slice(&bytes);
        }
        Ok(())
    }
}

fn chunk_size(line: &str) -> Result<u64, ChunkedError> {
    let size = line.split(';').next().unwrap_or_default().trim();
    u64::from_str_radix(size, 16).map_err(|_| ChunkedError::Malformed)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    /// Cuts the text into pieces of `size` bytes, as a network may.
    fn body(text: &'static str, size: usize) -> Body {
        let pieces: Vec<Result<Bytes, std::io::Error>> = text
            .as_bytes()
            .chunks(size)
            .map(|piece| Ok(Bytes::from_static(piece)))
            .collect();
        s3s::dto::StreamingBlob::wrap(futures_util::stream::iter(pieces)).into()
    }

    async fn decoded(
        text: &'static str,
        size: usize,
        expected: u64,
    ) -> Result<(String, Trailers), String> {
        let trailers = Trailers::default();
        let mut stream = pin!(decode(body(text, size), expected, trailers.clone()));
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| error.to_string())?);
        }
        Ok((String::from_utf8(bytes).unwrap(), trailers))
    }

    #[tokio::test]
    async fn chunks_and_trailers_in_any_pieces() {
        let text = "5\r\nhello\r\n6;chunk-signature=ab\r\n world\r\n0\r\nX-Amz-Checksum-CRC32: DUoRhQ==\r\n\r\n";
        for size in 1..=text.len() {
            let (bytes, trailers) = decoded(text, size, 11).await.unwrap();
            assert_eq!(bytes, "hello world");
            assert_eq!(
                trailers.get("x-amz-checksum-crc32").as_deref(),
                Some("DUoRhQ==")
            );
        }
    }

    #[tokio::test]
    async fn broken_bodies_are_errors() {
        for (text, message) in [
            ("5\r\nhel", "the body ends before its last chunk"),
            ("5\r\nhello\r\n", "the body ends before its last chunk"),
            (
                "zz\r\nhello\r\n0\r\n\r\n",
                "the body is not in the aws-chunked form",
            ),
            (
                "4\r\nhello\r\n0\r\n\r\n",
                "the body is not in the aws-chunked form",
            ),
            (
                "2\r\nhe\r\n0\r\n\r\n",
                "the chunks hold 2 bytes, not the 5 that were promised",
            ),
        ] {
            assert_eq!(decoded(text, 3, 5).await.unwrap_err(), message, "{text:?}");
        }
    }

    #[tokio::test]
    async fn an_empty_body() {
        assert_eq!(decoded("0\r\n\r\n", 2, 0).await.unwrap().0, "");
        assert_eq!(decoded("0\r\n", 2, 0).await.unwrap().0, "");
    }
}
