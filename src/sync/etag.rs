//! The entity tag that S3 gives to the content of a file.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::Path;

use md5::{Digest, Md5};

use super::compare::{EtagShape, part_size};
use super::digits::{bytes_of, hexadecimal};
use super::source::open_to_read;

/// How much is read at a time, in bytes: large enough that the reads cost nothing
/// beside the hashing, small enough for a core's cache.
const READ_SIZE: usize = 256 * 1024;

/// Computes the entity tag of a file of `size` bytes, as our uploads get it.
///
/// Blocks for as long as reading and hashing take. A file that has another size
/// by now gets a tag that equals none, because it has changed anyway.
pub(super) fn of_file(path: &Path, size: u64, shape: EtagShape) -> io::Result<String> {
    let mut file = open_to_read(path)?;
    match shape {
        EtagShape::Whole => {
            let mut hash = Md5::new();
            let read = hash_up_to(&mut file, u64::MAX, &mut hash)?;
            Ok(if read == size {
                hexadecimal(&hash.finalize())
            } else {
                String::new()
            })
        }
        EtagShape::Parts(_) => of_parts(&mut file, size),
        EtagShape::Opaque => Ok(String::new()),
    }
}

/// The MD5 of all that a file has, from its beginning, in hexadecimal digits; blocks.
#[cfg(feature = "aws")]
pub(super) fn whole(mut file: &File) -> io::Result<String> {
    file.rewind()?;
    let mut hash = Md5::new();
    hash_up_to(&mut file, u64::MAX, &mut hash)?;
    Ok(hexadecimal(&hash.finalize()))
}

fn of_parts(file: &mut File, size: u64) -> io::Result<String> {
    let mut outer = Md5::new();
    let mut parts = 0_u64;
    let mut total = 0;
    loop {
        let mut inner = Md5::new();
        let read = hash_up_to(file, part_size(size), &mut inner)?;
        if read == 0 && parts > 0 {
            break;
        }
        outer.update(inner.finalize());
        parts += 1;
        total += read;
    }
    Ok(if total == size {
        format!("{}-{parts}", hexadecimal(&outer.finalize()))
    } else {
        String::new()
    })
}

/// The entity tag of an object that is joined from parts with these tags, in quotes or not;
/// `None` where one of them is no MD5.
pub(super) fn of_joined<'a>(tags: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut outer = Md5::new();
    let mut parts = 0_u64;
    for tag in tags {
        let digest = bytes_of(tag.trim_matches('"'))?;
        if digest.len() != 16 {
            return None;
        }
        outer.update(digest);
        parts += 1;
    }
    (parts > 0).then(|| format!("{}-{parts}", hexadecimal(&outer.finalize())))
}

/// Feeds at most `limit` bytes to a hash and says how many there were.
fn hash_up_to(file: &mut impl Read, limit: u64, hash: &mut Md5) -> io::Result<u64> {
    let mut buffer = vec![0; READ_SIZE];
    let mut source = file.take(limit);
    let mut total = 0;
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(count) => {
                hash.update(&buffer[..count]);
                total += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(content: &[u8], shape: EtagShape) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, content).unwrap();
        of_file(&path, content.len() as u64, shape).unwrap()
    }

    #[test]
    fn tags_are_those_of_s3() {
        assert_eq!(
            tag(b"abc", EtagShape::Whole),
            "900150983cd24fb0d6963f7d28e17f72"
        );
        // The MD5 of the sixteen bytes of the digest above.
        assert_eq!(
            tag(b"abc", EtagShape::Parts(1)),
            "af5da9f45af7a300e3aded972f8ff687-1"
        );
        let large = vec![b'x'; 20 * 1024 * 1024];
        assert!(tag(&large, EtagShape::Parts(3)).ends_with("-3"));
        let exact = vec![b'x'; 16 * 1024 * 1024];
        assert!(tag(&exact, EtagShape::Parts(2)).ends_with("-2"));
    }

    #[test]
    fn parts_that_have_tags_have_one_together() {
        let part = "\"900150983cd24fb0d6963f7d28e17f72\"";
        let one = of_joined([part]);
        assert_eq!(one.unwrap(), "af5da9f45af7a300e3aded972f8ff687-1");
        let large = vec![b'x'; 16 * 1024 * 1024];
        let half = tag(&large[..large.len() / 2], EtagShape::Whole);
        let both = of_joined([half.as_str(), &half]);
        assert_eq!(both.unwrap(), tag(&large, EtagShape::Parts(2)));
        for odd in ["", "00", "g0150983cd24fb0d6963f7d28e17f7200", "é"] {
            assert_eq!(of_joined([part, odd]), None);
        }
        assert_eq!(of_joined([]), None);
    }

    #[test]
    fn a_file_of_another_size_equals_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"abc").unwrap();
        assert_eq!(of_file(&path, 4, EtagShape::Whole).unwrap(), "");
        assert_eq!(of_file(&path, 4, EtagShape::Parts(1)).unwrap(), "");
    }
}
