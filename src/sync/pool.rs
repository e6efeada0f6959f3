//! Memory for what is sent, used again instead of being asked for anew.
//!
//! A fresh buffer of several MiB costs a page fault for every 4 KiB of it, which together
//! take longer than reading the file does.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::compare::SINGLE_REQUEST_LIMIT;

/// Up to this many bytes a buffer is kept apart from the larger ones, so that no small file
/// has the buffer that a large one needs.
pub(super) const SMALL: u64 = 128 * 1024;

/// Buffers that nobody uses at the moment: small ones, and others.
#[derive(Debug, Default)]
pub(super) struct Pool([Mutex<Vec<Vec<u8>>>; 2]);

/// A buffer that goes back to its pool when the last who reads it is done.
pub(super) struct Buffer {
    content: Vec<u8>,
    length: usize,
    pool: Arc<Pool>,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.content[..self.length]
    }
}

impl AsMut<[u8]> for Buffer {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.content[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let size = self.content.len() as u64;
        if size <= SINGLE_REQUEST_LIMIT {
            let content = std::mem::take(&mut self.content);
            self.pool.shelf(size).push(content);
        }
    }
}

impl Pool {
    /// The buffers of about this size.
    fn shelf(&self, size: u64) -> MutexGuard<'_, Vec<Vec<u8>>> {
        let buffers = &self.0[usize::from(size > SMALL)];
        buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A buffer of exactly so many bytes, in which anything may be.
    pub(super) fn take(self: &Arc<Self>, length: u64) -> io::Result<Buffer> {
        let size = usize::try_from(length).map_err(io::Error::other)?;
        let mut content = if length > SINGLE_REQUEST_LIMIT {
            Vec::new()
        } else {
            self.shelf(length).pop().unwrap_or_default()
        };
        if content.len() < size {
            // No more than is needed: what is never touched takes no memory.
            content.reserve_exact(size - content.len());
            content.resize(size, 0);
        }
        Ok(Buffer {
            content,
            length: size,
            pool: Arc::clone(self),
        })
    }

    /// Reads exactly so many bytes of a file; blocks. Where the file is shorter, that is an
    /// error of kind [`io::ErrorKind::UnexpectedEof`].
    pub(super) fn read(
        self: &Arc<Self>,
        file: &File,
        (offset, length): (u64, u64),
    ) -> io::Result<Bytes> {
        let mut buffer = self.take(length)?;
        file.read_exact_at(buffer.as_mut(), offset)?;
        Ok(Bytes::from_owner(buffer))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_buffer_is_used_again_and_never_shows_what_it_held() {
        let mut file = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..600_000_u32)
            .map(|number| number.to_le_bytes()[0])
            .collect();
        file.write_all(&content).unwrap();
        let pool = Arc::new(Pool::default());
        for (offset, length) in [(0, 600_000), (1, 200_000), (599_999, 1), (0, 0)] {
            let bytes = pool.read(&file, (offset, length)).unwrap();
            let [from, to] = [offset, offset + length].map(|at| usize::try_from(at).unwrap());
            assert!(bytes == content[from..to], "{offset} {length}");
        }
        let held = || pool.0.each_ref().map(|shelf| shelf.lock().unwrap().len());
        assert_eq!(held(), [1, 1]);
        let short = pool.read(&file, (0, 600_001)).unwrap_err();
        assert_eq!(short.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(held(), [1, 1], "it came back");
    }

    #[test]
    fn what_is_too_large_to_be_sent_in_one_request_is_not_kept() {
        let pool = Arc::new(Pool::default());
        drop(pool.take(SINGLE_REQUEST_LIMIT + 1).unwrap());
        drop(pool.take(SMALL).unwrap());
        assert_eq!(pool.shelf(SMALL).len(), 1);
        assert_eq!(pool.shelf(SMALL + 1).len(), 0);
    }
}
