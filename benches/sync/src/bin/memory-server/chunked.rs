//! Decodes bodies in the encoding `aws-chunked`.
//!
//! Each chunk is its length in hexadecimal, perhaps a signature, and its bytes; the
//! empty one is followed by trailers. It comes on top of HTTP's own chunks.

use crate::error::{INCOMPLETE_BODY, S3Error};

/// No line of the framing is longer: a signature and a checksum fit many times.
const LONGEST_LINE: usize = 4096;

enum State {
    /// In the line before a chunk.
    Head,
    /// In a chunk, with so many bytes to come.
    Chunk(usize),
    /// In the line break behind a chunk.
    Break,
    /// In the trailers.
    Trailers,
    /// Behind the empty line that ends all.
    End,
}

/// Takes an encoded body in pieces.
pub(crate) struct Decoder {
    state: State,
    line: Vec<u8>,
    trailers: Vec<(String, String)>,
}

impl Decoder {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Head,
            line: Vec::new(),
            trailers: Vec::new(),
        }
    }

    /// Decodes a piece, and gives the bytes in it to `take`.
    pub(crate) fn feed(
        &mut self,
        mut piece: &[u8],
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), S3Error> {
        while !piece.is_empty() {
            if let State::Chunk(left) = self.state {
                let (bytes, rest) = piece.split_at(left.min(piece.len()));
                take(bytes);
                piece = rest;
                self.state = match left - bytes.len() {
                    0 => State::Break,
                    left => State::Chunk(left),
                };
            } else {
                piece = self.feed_line(piece)?;
            }
        }
        Ok(())
    }

    /// The trailers, once the body is complete.
    pub(crate) fn finish(self) -> Result<Vec<(String, String)>, S3Error> {
        // Some clients leave the last line break out.
        match self.state {
            State::End | State::Trailers => Ok(self.trailers),
            State::Head | State::Chunk(_) | State::Break => Err(INCOMPLETE_BODY),
        }
    }

    fn feed_line<'a>(&mut self, piece: &'a [u8]) -> Result<&'a [u8], S3Error> {
        let Some(end) = piece.iter().position(|byte| *byte == b'\n') else {
            self.line.extend_from_slice(piece);
            return if self.line.len() > LONGEST_LINE {
                Err(INCOMPLETE_BODY)
            } else {
                Ok(&[])
            };
        };
        self.line.extend_from_slice(&piece[..end]);
        let line =
            String::from_utf8(std::mem::take(&mut self.line)).map_err(|_| INCOMPLETE_BODY)?;
        self.end_line(line.trim_end_matches('\r'))?;
        Ok(&piece[end + 1..])
    }

    fn end_line(&mut self, line: &str) -> Result<(), S3Error> {
        self.state = match self.state {
            State::Head => {
                let length = line.split(';').next().unwrap_or_default().trim();
                match usize::from_str_radix(length, 16) {
                    Ok(0) => State::Trailers,
                    Ok(length) => State::Chunk(length),
                    Err(_) => return Err(INCOMPLETE_BODY),
                }
            }
            State::Break if line.is_empty() => State::Head,
            State::Trailers | State::End if line.is_empty() => State::End,
            State::Trailers => {
                let (name, value) = line.split_once(':').ok_or(INCOMPLETE_BODY)?;
                let name = name.trim().to_ascii_lowercase();
                self.trailers.push((name, value.trim().to_owned()));
                State::Trailers
            }
            State::Break | State::Chunk(_) | State::End => return Err(INCOMPLETE_BODY),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Decoder;

    const BODY: &[u8] = b"5;chunk-signature=ab\r\nhello\r\n6\r\n world\r\n0\r\n\
        x-amz-checksum-crc32:AAAAAA==\r\n\r\n";

    #[test]
    fn any_split_decodes_to_the_same() {
        for size in 1..BODY.len() {
            let mut decoder = Decoder::new();
            let mut text = Vec::new();
            for piece in BODY.chunks(size) {
                decoder
                    .feed(piece, |bytes| text.extend_from_slice(bytes))
                    .unwrap();
            }
            assert_eq!(text, b"hello world");
            let trailers = decoder.finish().unwrap();
            assert_eq!(
                trailers,
                [("x-amz-checksum-crc32".into(), "AAAAAA==".into())]
            );
        }
    }

    #[test]
    fn a_cut_body_is_refused() {
        let mut decoder = Decoder::new();
        decoder.feed(&BODY[..30], |_| {}).unwrap();
        assert!(decoder.finish().is_err());
    }
}
