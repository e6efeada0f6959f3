//! What is sent, in frames, so that it shows whether anything moves.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// How much is handed over at a time, in bytes.
const FRAME: usize = 64 * 1024;

/// Content that counts what is taken of it.
#[derive(Debug)]
pub(super) struct Frames {
    rest: Bytes,
    moved: Arc<AtomicU64>,
}

impl Frames {
    pub(super) fn new(content: Bytes, moved: &Arc<AtomicU64>) -> Self {
        Self {
            rest: content,
            moved: Arc::clone(moved),
        }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(FRAME);
        let frame = self.rest.split_to(length);
        self.moved.fetch_add(length as u64, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
