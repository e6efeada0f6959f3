//! Where what arrives is written: on the thread that received it, or on one that may wait.
//!
//! A chunk that has just arrived is in the cache of the core that received it. Summed up
//! and written there it costs half of what it costs when another thread has to fetch it
//! first. But a disk that lets its writers wait must not hold up the threads that serve
//! everybody. So writing is timed, and while a disk is slow, others do it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::arrival::Sums;
use super::download::blocking;
use super::report::{FailureReason, local};

/// A write that takes longer has waited for the disk.
const SLOW: Duration = Duration::from_millis(10);
/// How many writes others do after one was slow.
const ELSEWHERE: u32 = 256;
/// How much is gathered for others to write, in bytes.
const FRAME: usize = 512 * 1024;

/// How the disk has been of late.
#[derive(Debug, Default)]
pub(super) struct Disk {
    /// How many more writes others are to do.
    elsewhere: AtomicU32,
}

impl Disk {
    fn is_slow(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        self.elsewhere
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }
}

/// Writes one body, chunk behind chunk.
pub(super) struct Writer<'a> {
    disk: &'a Disk,
    file: &'a Arc<File>,
    offset: u64,
    /// What others are to write.
    gathered: Vec<Bytes>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(disk: &'a Disk, file: &'a Arc<File>, offset: u64) -> Self {
        Self {
            disk,
            file,
            offset,
            gathered: Vec::new(),
        }
    }

    /// Sums up and writes a chunk, now or with those that come after it.
    pub(super) async fn write(
        &mut self,
        chunk: Bytes,
        sums: &mut Sums,
    ) -> Result<(), FailureReason> {
        if self.gathered.is_empty() && !self.disk.is_slow() {
            let begun = Instant::now();
            sums.update(&chunk);
            self.offset = put(self.file, self.offset, &chunk)?;
            if begun.elapsed() > SLOW {
                self.disk.elsewhere.store(ELSEWHERE, Ordering::Relaxed);
            }
            return Ok(());
        }
        self.gathered.push(chunk);
        let held: usize = self.gathered.iter().map(Bytes::len).sum();
        if held < FRAME {
            return Ok(());
        }
        self.finish(sums).await
    }

    /// Writes what has been gathered.
    pub(super) async fn finish(&mut self, sums: &mut Sums) -> Result<(), FailureReason> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let (file, chunks) = (Arc::clone(self.file), std::mem::take(&mut self.gathered));
        let (mut offset, mut taken) = (self.offset, std::mem::take(sums));
        (self.offset, *sums) = blocking(move || {
            for chunk in &chunks {
                taken.update(chunk);
                offset = put(&file, offset, chunk)?;
            }
            Ok((offset, taken))
        })
        .await?;
        Ok(())
    }
}

/// Writes a chunk, and says where the next one goes.
fn put(file: &File, offset: u64, chunk: &[u8]) -> Result<u64, FailureReason> {
    file.write_all_at(chunk, offset)
        .map_err(|error| local("write the file", &error))?;
    Ok(offset + chunk.len() as u64)
}

#[cfg(test)]
mod tests {
    use crc_fast::CrcAlgorithm;

    use super::*;

    #[tokio::test]
    async fn a_slow_disk_gets_the_same_content_in_the_same_order() {
        for slow in [0, 3, u32::MAX] {
            let disk = Disk {
                elsewhere: AtomicU32::new(slow),
            };
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            let file = Arc::new(File::create(&path).unwrap());
            let mut sums = Sums::of_part(CrcAlgorithm::Crc64Nvme);
            let mut writer = Writer::new(&disk, &file, 7);
            let mut expected = vec![0; 7];
            for number in 0..40_u8 {
                let chunk = vec![number; 30_000];
                expected.extend(&chunk);
                writer.write(chunk.into(), &mut sums).await.unwrap();
            }
            writer.finish(&mut sums).await.unwrap();
            assert!(std::fs::read(&path).unwrap() == expected, "{slow}");
            let mut whole = Sums::of_part(CrcAlgorithm::Crc64Nvme);
            whole.update(&expected[7..]);
            assert_eq!(sums.of_this_part(), whole.of_this_part());
        }
    }
}
