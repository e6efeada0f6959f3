//! Archives as they are written: the same files give the same bytes.

use std::io::{self, Read, Write};

use jiff::Timestamp;
use tar::{EntryType, Header};
use zstd::stream::write::Encoder;

use super::kind::Archive;
use super::zip_write::ZipWriter;

/// The level of Zstandard: its own default.
const LEVEL: i32 = 3;

/// How far back Zstandard looks for repetitions, as a power of two: no further than what every
/// decoder takes without being told to (`zstd(1)`, `--long`), and no further than there are
/// files.
const WINDOW_LOGS: std::ops::RangeInclusive<u32> = 17..=27;

/// How the names of files end that are compressed already. (`.npz`, `.pt` and the like
/// are ZIP archives, others hold floats, which no general compression shrinks.)
const COMPRESSED: [&str; 37] = [
    "7z",
    "aac",
    "apk",
    "arrow",
    "avif",
    "br",
    "bz2",
    "ckpt",
    "docx",
    "flac",
    "gif",
    "gz",
    "heic",
    "jar",
    "jpeg",
    "jpg",
    "lz4",
    "m4a",
    "mkv",
    "mov",
    "mp3",
    "mp4",
    "npz",
    "ogg",
    "parquet",
    "pdf",
    "png",
    "pt",
    "pth",
    "rar",
    "safetensors",
    "tgz",
    "webm",
    "webp",
    "xz",
    "zip",
    "zst",
];

/// One file as an archive is told of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) path: &'a str,
    /// In bytes; so many are read and written.
    pub(super) bytes: u64,
    pub(super) modified: Timestamp,
    pub(super) executable: bool,
}

/// An archive that is being written.
pub(super) enum Writer<W: Write> {
    Zip(ZipWriter<W>),
    TarZst(Box<tar::Builder<Encoder<'static, W>>>),
}

impl<W: Write> Writer<W> {
    /// Begins an archive of files that have so many bytes together.
    pub(super) fn begin(kind: Archive, bytes: u64, output: W) -> io::Result<Self> {
        match kind {
            Archive::Zip => Ok(Self::Zip(ZipWriter::new(output))),
            Archive::TarZst => {
                let mut encoder = Encoder::new(output, LEVEL)?;
                encoder.include_checksum(true)?;
                encoder.long_distance_matching(true)?;
                encoder.window_log(window_log(bytes))?;
                Ok(Self::TarZst(Box::new(tar::Builder::new(encoder))))
            }
        }
    }

    /// Writes one file.
    pub(super) fn file(&mut self, head: Head<'_>, content: &mut dyn Read) -> io::Result<()> {
        let mut content = content.take(head.bytes);
        match self {
            Self::Zip(writer) => {
                let compress = !is_compressed(head.path);
                writer.file((head, mode(head)), compress, &mut content)
            }
            Self::TarZst(builder) => {
                let mut header = tar_header(head);
                builder.append_data(&mut header, head.path, content)
            }
        }
    }

    /// Writes the end and gives the output back.
    pub(super) fn end(self) -> io::Result<W> {
        match self {
            Self::Zip(writer) => writer.end(),
            Self::TarZst(builder) => builder.into_inner()?.finish(),
        }
    }
}

fn window_log(bytes: u64) -> u32 {
    let needed = u64::BITS - bytes.leading_zeros();
    needed.clamp(*WINDOW_LOGS.start(), *WINDOW_LOGS.end())
}

fn tar_header(head: Head<'_>) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(head.bytes);
    header.set_mode(mode(head));
    header.set_mtime(u64::try_from(head.modified.as_second()).unwrap_or_default());
    // Whose files they are is nobody's business, and would make the bytes differ.
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn mode(head: Head<'_>) -> u32 {
    if head.executable { 0o755 } else { 0o644 }
}

/// Whether compressing a file again would only cost time.
fn is_compressed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').is_some_and(|(_, end)| {
        COMPRESSED
            .iter()
            .any(|compressed| end.eq_ignore_ascii_case(compressed))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(kind: Archive) -> Vec<u8> {
        let mut writer = Writer::begin(kind, 3000, Vec::new()).unwrap();
        for path in ["a.txt", "b/c.png"] {
            let head = Head {
                path,
                bytes: 1500,
                modified: Timestamp::from_second(1_700_000_001).unwrap(),
                executable: path == "a.txt",
            };
            writer.file(head, &mut &[7; 1500][..]).unwrap();
        }
        writer.end().unwrap()
    }

    #[test]
    fn the_same_files_give_the_same_bytes() {
        for kind in [Archive::Zip, Archive::TarZst] {
            assert!(archive(kind) == archive(kind), "{kind}");
        }
    }

    #[test]
    fn what_is_compressed_is_known_by_its_name() {
        assert!(COMPRESSED.is_sorted());
        assert!(is_compressed("a/b.JPG") && !is_compressed("zip") && !is_compressed("a.zip/b"));
    }

    #[test]
    fn a_window_is_no_larger_than_what_goes_in() {
        for (bytes, log) in [(0, 17), (1 << 20, 21), (u64::MAX, 27)] {
            assert_eq!(window_log(bytes), log);
        }
    }
}
