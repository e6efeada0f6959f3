//! Memory for what is sent, used again instead of being asked for anew.
//!
//! A fresh buffer of several MiB costs a page fault for every 4 KiB of it, which together
//! take longer than reading the file does.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::compare::SINGLE_REQUEST_LIMIT;

/// Up to this many bytes nothing is kept: the allocator does that as well.
const SMALL: u64 = 128 * 1024;

/// Buffers that nobody uses at the moment.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<Vec<Vec<u8>>>);

/// A buffer that goes back to its pool when the last who reads it is done.
struct Buffer {
    content: Vec<u8>,
    length: usize,
    pool: Arc<Pool>,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.content[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let content = std::mem::take(&mut self.content);
        let mut free = self.pool.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(content);
    }
}

impl Pool {
    fn take(&self) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Reads exactly so many bytes of a file; blocks. Where the file is shorter, that is an
    /// error of kind [`io::ErrorKind::UnexpectedEof`].
    pub(super) fn read(
        self: &Arc<Self>,
        file: &File,
        (offset, length): (u64, u64),
    ) -> io::Result<Bytes> {
        let size = usize::try_from(length).map_err(io::Error::other)?;
        if length <= SMALL || length > SINGLE_REQUEST_LIMIT {
            let mut content = vec![0; size];
            file.read_exact_at(&mut content, offset)?;
            return Ok(content.into());
        }
        let mut content = self.take().unwrap_or_default();
        if content.len() < size {
            // No more than is needed: what is never touched takes no memory.
            content.reserve_exact(size - content.len());
            content.resize(size, 0);
        }
        let mut buffer = Buffer {
            content,
            length: size,
            pool: Arc::clone(self),
        };
        file.read_exact_at(&mut buffer.content[..size], offset)?;
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
        assert_eq!(pool.0.lock().unwrap().len(), 1);
        let short = pool.read(&file, (0, 600_001)).unwrap_err();
        assert_eq!(short.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(pool.0.lock().unwrap().len(), 1, "it came back");
    }
}
