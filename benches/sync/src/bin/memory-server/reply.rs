//! Replies, and what may be done to them on the way.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use hyper::{HeaderMap, Response, StatusCode, http::HeaderValue};

use crate::control::Fault;
use crate::error::S3Error;
use crate::service::Server;
use crate::xml::Document;

/// Bodies are given to hyper in frames of at most this size: it takes whatever it is
/// given at once, and a request would no longer count as in flight while most of its
/// reply waits to be sent.
const FRAME: usize = 128 * 1024;

/// The connection was ended on purpose.
#[derive(Debug)]
pub(crate) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ended on purpose")
    }
}

impl std::error::Error for Broken {}

/// A reply before it is sent.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    status: StatusCode,
    pub(crate) headers: HeaderMap,
    pieces: Vec<Bytes>,
}

impl Reply {
    /// A reply without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    /// A reply with these bytes.
    pub(crate) fn bytes(status: StatusCode, pieces: Vec<Bytes>) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            pieces,
        }
    }

    /// A reply with a document.
    pub(crate) fn document(document: Document) -> Self {
        Self::text(StatusCode::OK, "application/xml", document.finish())
    }

    /// A reply with a text of this type.
    pub(crate) fn text(status: StatusCode, kind: &'static str, text: String) -> Self {
        let mut reply = Self::bytes(status, vec![Bytes::from(text)]);
        reply
            .headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        reply
    }

    /// The reply that an error is told with.
    pub(crate) fn error(error: S3Error) -> Self {
        if error.status == StatusCode::NOT_MODIFIED {
            return Self::empty(error.status);
        }
        let mut document = Document::new("Error");
        document.add("Code", error.code);
        document.add("Message", error.code);
        document.add("RequestId", "0");
        Self::text(error.status, "application/xml", document.finish())
    }

    /// Sets a header; a value that no header can have is left out.
    pub(crate) fn set(&mut self, name: impl Into<HeaderName>, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name.into(), value);
        }
    }

    /// Gives the reply to hyper, with what is to befall it.
    pub(crate) fn send(
        mut self,
        server: Arc<Server>,
        is_head: bool,
        fault: Option<Fault>,
    ) -> Response<ReplyBody> {
        let length: u64 = self.pieces.iter().map(|piece| piece.len() as u64).sum();
        let bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&self.status);
        let is_told = is_head && self.headers.contains_key(CONTENT_LENGTH);
        if !bodiless && !is_told {
            self.headers.insert(CONTENT_LENGTH, length.into());
        }
        let mut breaks = false;
        match fault {
            Some(Fault::Truncate) if length > 0 => {
                keep_half(&mut self.pieces, length);
                breaks = true;
            }
            Some(Fault::Flip) => flip_one(&mut self.pieces),
            Some(Fault::Error(_) | Fault::Reset | Fault::Truncate) | None => {}
        }
        if is_head {
            self.pieces.clear();
        }
        let left = self.pieces.iter().map(|piece| piece.len() as u64).sum();
        server.statistics.sent(left);
        let mut response = Response::new(ReplyBody {
            pieces: self.pieces.into(),
            left,
            breaks,
            paused: false,
            server,
        });
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

fn keep_half(pieces: &mut Vec<Bytes>, length: u64) {
    let mut left = usize::try_from(length / 2).unwrap_or(usize::MAX);
    for piece in pieces.iter_mut() {
        piece.truncate(left);
        left -= piece.len();
    }
    pieces.retain(|piece| !piece.is_empty());
}

fn flip_one(pieces: &mut [Bytes]) {
    if let Some(piece) = pieces.last_mut() {
        let mut bytes = piece.to_vec();
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 0xFF;
        }
        *piece = bytes.into();
    }
}

/// The body of a reply. The request is in flight until it is dropped.
pub(crate) struct ReplyBody {
    pieces: VecDeque<Bytes>,
    left: u64,
    breaks: bool,
    paused: bool,
    server: Arc<Server>,
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        self.server.statistics.leave();
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(mut piece) = self.pieces.pop_front() {
            if piece.len() > FRAME {
                let rest = piece.split_off(FRAME);
                self.pieces.push_front(rest);
            }
            self.left -= piece.len() as u64;
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if self.breaks && !self.paused {
            // What was given so far is only sent when there is nothing more at once.
            self.paused = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.breaks.then_some(Err(Broken)))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && !self.breaks
    }

    fn size_hint(&self) -> SizeHint {
        if self.breaks {
            SizeHint::default()
        } else {
            SizeHint::with_exact(self.left)
        }
    }
}
