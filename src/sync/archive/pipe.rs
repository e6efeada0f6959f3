//! Bytes from a thread that blocks to a task that does not.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc;

/// How much goes through at a time, in bytes.
const FRAME: usize = 256 * 1024;

/// How many frames wait at most: the writer waits for the reader.
const FRAMES_AHEAD: usize = 16;

/// The end that a thread writes into.
#[derive(Debug)]
pub(super) struct Writer {
    frames: mpsc::Sender<Option<Bytes>>,
    frame: BytesMut,
    /// Whether nobody reads any more.
    is_deserted: bool,
}

/// The end that a task reads from.
#[derive(Debug)]
pub(super) struct Reader {
    frames: mpsc::Receiver<Option<Bytes>>,
    frame: Bytes,
    is_ended: bool,
}

/// A pipe that holds four MiB at most.
pub(super) fn pipe() -> (Writer, Reader) {
    let (sender, receiver) = mpsc::channel(FRAMES_AHEAD);
    let writer = Writer {
        frames: sender,
        frame: BytesMut::with_capacity(FRAME),
        is_deserted: false,
    };
    let reader = Reader {
        frames: receiver,
        frame: Bytes::new(),
        is_ended: false,
    };
    (writer, reader)
}

impl Writer {
    /// Says that this was all. A writer that goes without a word has failed, and so does
    /// whoever reads.
    pub(super) fn end(mut self) -> io::Result<()> {
        self.send()?;
        self.pass_on(None)
    }

    fn send(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        let frame = self.frame.split().freeze();
        self.frame.reserve(FRAME);
        self.pass_on(Some(frame))
    }

    fn pass_on(&mut self, frame: Option<Bytes>) -> io::Result<()> {
        self.frames.blocking_send(frame).map_err(|_| {
            self.is_deserted = true;
            io::Error::from(io::ErrorKind::BrokenPipe)
        })
    }
}

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_deserted {
            // That was said once. A writer of archives that is dropped writes its end all
            // the same, and has nobody to complain to.
            return Ok(bytes.len());
        }
        let room = FRAME - self.frame.len();
        let taken = bytes.len().min(room);
        self.frame.extend_from_slice(&bytes[..taken]);
        if self.frame.len() == FRAME {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.frame.is_empty() && !self.is_ended {
            match ready!(self.frames.poll_recv(context)) {
                Some(Some(frame)) => self.frame = frame,
                Some(None) => self.is_ended = true,
                None => {
                    let problem = "whoever packs has ended without a word";
                    return Poll::Ready(Err(io::Error::other(problem)));
                }
            }
        }
        let taken = self.frame.len().min(buffer.remaining());
        buffer.put_slice(&self.frame[..taken]);
        self.frame.advance(taken);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tokio::io::AsyncReadExt as _;
    use tokio::task::spawn_blocking;

    use super::*;

    #[tokio::test]
    async fn everything_comes_out_in_order() {
        let (mut writer, mut reader) = pipe();
        let whole: Vec<u8> = (0..9_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let sent = whole.clone();
        let writing = spawn_blocking(move || {
            writer.write_all(&sent)?;
            writer.end()
        });
        let mut read = Vec::new();
        reader.read_to_end(&mut read).await.unwrap();
        writing.await.unwrap().unwrap();
        assert!(read == whole);
    }

    #[tokio::test]
    async fn a_writer_that_goes_without_a_word_is_no_end() {
        let (mut writer, mut reader) = pipe();
        let writing = spawn_blocking(move || writer.write_all(&vec![1; FRAME + 1]));
        let mut read = Vec::new();
        assert!(reader.read_to_end(&mut read).await.is_err());
        writing.await.unwrap().unwrap();
        assert_eq!(read.len(), FRAME);
    }

    #[tokio::test]
    async fn a_writer_hears_once_that_nobody_reads() {
        let (mut writer, reader) = pipe();
        drop(reader);
        let writing = spawn_blocking(move || {
            let first = writer.write_all(&vec![1; FRAME]).unwrap_err().kind();
            (first, writer.write_all(&vec![1; FRAME * 2]).is_ok())
        });
        let heard = writing.await.unwrap();
        assert_eq!(heard, (io::ErrorKind::BrokenPipe, true));
    }
}
