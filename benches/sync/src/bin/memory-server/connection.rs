//! A connection whose bandwidth can be held down, and that can be reset.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::service::Server;

/// Timers are exact to a millisecond or two; what was not used of this much time may
/// be caught up on, so that they do not slow a connection down.
const CATCH_UP: Duration = Duration::from_millis(20);

/// A held down connection writes this many bytes at a time at most.
const WRITE_PIECE: usize = 256 * 1024;

/// How fast bytes may go in one direction.
///
/// Bytes are charged after they have gone, so that one read or write may run into
/// debt; the next one waits until the debt is paid.
struct Pace {
    allowance: f64,
    counted_at: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    fn new() -> Self {
        Self {
            allowance: 0.0,
            counted_at: Instant::now(),
            sleep: None,
        }
    }

    /// Waits until bytes may go at `rate` bytes a second; 0 is no limit.
    fn poll_ready(&mut self, context: &mut Context<'_>, rate: f64) -> Poll<()> {
        if rate <= 0.0 {
            return Poll::Ready(());
        }
        loop {
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(context));
                self.sleep = None;
            }
            let now = Instant::now();
            let earned = now.duration_since(self.counted_at).as_secs_f64() * rate;
            let most = CATCH_UP.as_secs_f64() * rate;
            self.allowance = (self.allowance + earned).min(most);
            self.counted_at = now;
            if self.allowance >= 0.0 {
                return Poll::Ready(());
            }
            let wait = Duration::from_secs_f64(-self.allowance / rate);
            self.sleep = Some(Box::pin(sleep_until(now + wait)));
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "one read or write is far below 2^52 bytes"
    )]
    fn charge(&mut self, bytes: usize) {
        self.allowance -= bytes as f64;
    }
}

/// A connection to a client.
pub(crate) struct Connection {
    stream: TcpStream,
    server: Arc<Server>,
    reading: Pace,
    writing: Pace,
    reset: Arc<AtomicBool>,
}

impl Connection {
    /// A connection that goes as fast as the server's control says, at each moment.
    pub(crate) fn new(stream: TcpStream, server: Arc<Server>) -> Self {
        Self {
            stream,
            server,
            reading: Pace::new(),
            writing: Pace::new(),
            reset: Arc::default(),
        }
    }

    /// Once this is set, the connection ends with a reset instead of a farewell.
    pub(crate) fn reset_switch(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.reset)
    }

    fn rate(&self) -> f64 {
        self.server.control.bytes_per_second()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            let _already_gone = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let rate = self.rate();
        ready!(self.reading.poll_ready(context, rate));
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.reading.charge(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let rate = self.rate();
        ready!(self.writing.poll_ready(context, rate));
        let piece = if rate > 0.0 {
            &bytes[..bytes.len().min(WRITE_PIECE)]
        } else {
            bytes
        };
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, piece))?;
        self.writing.charge(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.rate() > 0.0 {
            let first = slices.iter().find(|slice| !slice.is_empty());
            return self.poll_write(context, first.map_or(&[], |slice| slice));
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
