//! HTTP messages as bytes: read whole, passed on as they are.

use std::io::{self, BufRead};

/// A request or an answer, byte for byte.
pub(super) struct Message {
    pub(super) bytes: Vec<u8>,
    /// Where the body begins.
    body: usize,
}

impl Message {
    /// The next message of a connection; nothing where it was closed between two.
    pub(super) fn read(connection: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            if connection.read_until(b'\n', &mut bytes)? == 0 {
                return if bytes.is_empty() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
        let mut message = Self {
            body: bytes.len(),
            bytes,
        };
        if let Some(length) = message.header("content-length") {
            let length = length.parse().map_err(io::Error::other)?;
            message.take(connection, length)?;
        } else if message.header("transfer-encoding").is_some() {
            message.take_chunks(connection)?;
        }
        Ok(Some(message))
    }

    fn take(&mut self, connection: &mut impl BufRead, length: usize) -> io::Result<()> {
        let begun = self.bytes.len();
        self.bytes.resize(begun + length, 0);
        connection.read_exact(&mut self.bytes[begun..])
    }

    fn take_chunks(&mut self, connection: &mut impl BufRead) -> io::Result<()> {
        loop {
            let begun = self.bytes.len();
            connection.read_until(b'\n', &mut self.bytes)?;
            let line = String::from_utf8_lossy(&self.bytes[begun..]);
            let length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            // The line end of a chunk, or of the whole body, goes with it.
            self.take(connection, length + 2)?;
            if length == 0 {
                return Ok(());
            }
        }
    }

    fn head(&self) -> String {
        String::from_utf8_lossy(&self.bytes[..self.body]).into_owned()
    }

    /// The body as it was sent.
    pub(super) fn body(&self) -> &[u8] {
        &self.bytes[self.body..]
    }

    fn header(&self, name: &str) -> Option<String> {
        let head = self.head();
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            (found.eq_ignore_ascii_case(name)).then(|| value.trim().to_owned())
        })
    }

    /// What a request asks for: an action of AWS, or else its method.
    pub(super) fn action(&self) -> String {
        if let Some(target) = self.header("x-amz-target") {
            let action = target.rsplit('.').next().unwrap_or_default();
            return action.to_owned();
        }
        let body = String::from_utf8_lossy(self.body()).into_owned();
        let action = body
            .split('&')
            .find_map(|field| field.strip_prefix("Action="));
        let method = || self.head().split(' ').next().unwrap_or_default().to_owned();
        action.map_or_else(method, str::to_owned)
    }

    /// The same message with something else in its body, under a head that tells its length.
    pub(super) fn rewritten(self, rewrites: &[(String, String)]) -> Self {
        let body = String::from_utf8_lossy(self.body()).into_owned();
        let other = rewrites
            .iter()
            .fold(body.clone(), |body, (from, to)| body.replace(from, to));
        if other == body {
            return self;
        }
        let lines: Vec<String> = self
            .head()
            .lines()
            .map(|line| match line.split_once(':') {
                Some((name, _)) if name.eq_ignore_ascii_case("content-length") => {
                    format!("{name}: {}\r\n", other.len())
                }
                Some(_) | None => format!("{line}\r\n"),
            })
            .collect();
        let head = lines.concat();
        Self {
            body: head.len(),
            bytes: [head.as_bytes(), other.as_bytes()].concat(),
        }
    }

    /// The same answer with half of its body, under a head that tells that length.
    pub(super) fn shorter(&self) -> Vec<u8> {
        let half = &self.body()[..self.body().len() / 2];
        answer("200 OK", "text/xml", half)
    }
}

/// A whole answer.
pub(super) fn answer(status: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}
