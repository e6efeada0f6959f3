//! The list of what is in an archive.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::kind::Archive;
use crate::sync::key::{check_key, folders_of};
use crate::sync::plan::Totals;

/// The format that is written, and the only one that is read.
const FORMAT: u32 = 1;

/// The largest manifest that is read, in bytes: it is held in memory, and this one has
/// more than a million files.
pub(super) const LARGEST_MANIFEST: u64 = 512 * 1024 * 1024;

/// How many digits a SHA-256 has.
const DIGITS: usize = 64;

/// What is in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    pub(super) archive: Identity,
    /// How many files there are, and how many bytes they have unpacked.
    total: Totals,
    /// In byte order of their paths.
    files: Vec<Entry>,
}

/// The revision of an archive that a manifest is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) kind: Archive,
    /// Size of the object, in bytes.
    pub(super) bytes: u64,
    /// Without quotes; `None` where the store told none.
    pub(super) etag: Option<String>,
    /// In base64, as S3 tells it; `None` where nobody has computed it.
    pub(super) crc64nvme: Option<String>,
}

/// One file of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) path: String,
    /// Size unpacked, in bytes.
    pub(super) bytes: u64,
    /// In lower-case hexadecimal digits.
    pub(super) sha256: String,
    pub(super) modified: Timestamp,
    /// Whether its owner may execute it.
    pub(super) executable: bool,
}

impl Manifest {
    /// A manifest of files that are in byte order of their paths.
    pub(super) fn new(archive: Identity, files: Vec<Entry>) -> Self {
        Self {
            format: FORMAT,
            archive,
            total: files.iter().map(|file| file.bytes).sum(),
            files,
        }
    }

    /// Reads a manifest and believes nothing of it that it can check.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as the end of a sentence.
    pub(super) fn parse(text: &[u8], kind: Archive) -> Result<Self, String> {
        let manifest: Self =
            serde_json::from_slice(text).map_err(|error| format!("it is no manifest: {error}"))?;
        if manifest.format != FORMAT {
            return Err(format!(
                "its format is {} and not {FORMAT}",
                manifest.format
            ));
        }
        if manifest.archive.kind != kind {
            return Err(format!("it is about a {}", manifest.archive.kind));
        }
        manifest.check_paths()?;
        manifest.check_files()?;
        let total: Totals = manifest.files.iter().map(|file| file.bytes).sum();
        if total != manifest.total {
            return Err("its total is not that of its files".to_owned());
        }
        Ok(manifest)
    }

    /// Says whether the paths can be those of files, in order and each there once.
    pub(super) fn check_paths(&self) -> Result<(), String> {
        let mut last: Option<&str> = None;
        for file in &self.files {
            let path = &file.path;
            if let Err(fault) = check_key(path) {
                return Err(format!("{path:?} cannot be a file: {fault}"));
            }
            if last.is_some_and(|last| last >= path.as_str()) {
                return Err(format!("{path:?} is out of order or there twice"));
            }
            last = Some(path);
        }
        Ok(())
    }

    fn check_files(&self) -> Result<(), String> {
        for file in &self.files {
            let path = &file.path;
            if let Some(folder) = folders_of(path).find(|folder| self.entry(folder).is_some()) {
                return Err(format!("{folder:?} is both a file and a folder"));
            }
            let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            if file.sha256.len() != DIGITS || !file.sha256.bytes().all(is_digit) {
                return Err(format!("{path:?} has no SHA-256"));
            }
        }
        Ok(())
    }

    /// The file of a path. What is out of order is perhaps not found.
    pub(super) fn entry(&self, path: &str) -> Option<&Entry> {
        let found = self
            .files
            .binary_search_by(|entry| entry.path.as_str().cmp(path));
        self.files.get(found.ok()?)
    }

    pub(super) fn files(&self) -> &[Entry] {
        &self.files
    }

    /// The manifest as it is stored.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn good() -> Value {
        let file = |path: &str| {
            json!({"path": path, "bytes": 2, "sha256": "0".repeat(64),
                "modified": "2026-01-02T03:04:05.000000006Z", "executable": false})
        };
        json!({
            "format": 1,
            "archive": {"kind": "zip", "bytes": 9, "etag": "e", "crc64nvme": null},
            "total": {"files": 2, "bytes": 4},
            "files": [file("a"), file("b/c")],
        })
    }

    fn parse(value: &Value) -> Result<Manifest, String> {
        Manifest::parse(value.to_string().as_bytes(), Archive::Zip)
    }

    #[test]
    fn what_is_written_is_read() {
        let manifest = parse(&good()).unwrap();
        let text = manifest.to_json().unwrap();
        assert_eq!(Manifest::parse(&text, Archive::Zip), Ok(manifest.clone()));
        assert_eq!(manifest.entry("b/c").map(|entry| entry.bytes), Some(2));
        assert_eq!(manifest.entry("b"), None);
    }

    #[test]
    fn nothing_hostile_is_believed() {
        let cases: [(&str, Value); 16] = [
            ("/format", json!(2)),
            ("/format", json!("1")),
            ("/archive/kind", json!("tar.zst")),
            ("/archive/kind", json!("rar")),
            ("/archive/bytes", json!(-1)),
            ("/total/bytes", json!(5)),
            ("/total/files", json!(1)),
            ("/files/0/path", json!("../a")),
            ("/files/0/path", json!("/a")),
            ("/files/0/path", json!("")),
            ("/files/0/path", json!("b/c")),
            ("/files/0/path", json!("b")),
            ("/files/0/path", json!("c")),
            ("/files/0/bytes", json!(u64::MAX)),
            ("/files/0/sha256", json!("0".repeat(63))),
            ("/files/0/modified", json!("yesterday")),
        ];
        for (pointer, value) in cases {
            let mut manifest = good();
            *manifest.pointer_mut(pointer).unwrap() = value.clone();
            assert!(parse(&manifest).is_err(), "{pointer} {value}");
        }
        for text in ["", "null", "[]", "{}", "{\"format\":1}", "\u{feff}{}"] {
            assert!(Manifest::parse(text.as_bytes(), Archive::Zip).is_err());
        }
        let deep = "[".repeat(100_000);
        assert!(Manifest::parse(deep.as_bytes(), Archive::Zip).is_err());
    }
}
