//! The two kinds of archives, and what their objects are called.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the files of a set are packed into one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Archive {
    /// ZIP: every machine can open it, and a file can be read without the others.
    #[serde(rename = "zip")]
    Zip,
    /// A tar, compressed with Zstandard as a whole: smaller, and read from the beginning.
    #[serde(rename = "tar.zst")]
    TarZst,
}

impl Archive {
    /// How the key of such an archive ends, without the dot.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::TarZst => "tar.zst",
        }
    }

    /// The key of the archive that stands for a prefix: `data/` is kept as `data.zip`.
    ///
    /// A prefix that ends so already keeps its name. The empty prefix has none: `None`.
    pub fn key(self, prefix: &str) -> Option<String> {
        let stem = prefix.strip_suffix('/').unwrap_or(prefix);
        let suffix = self.suffix();
        if stem.is_empty() || stem.ends_with('/') {
            return None;
        }
        let is_named = stem
            .strip_suffix(suffix)
            .and_then(|rest| rest.strip_suffix('.'))
            .is_some_and(|name| !name.is_empty() && !name.ends_with('/'));
        Some(if is_named {
            stem.to_owned()
        } else {
            format!("{stem}.{suffix}")
        })
    }
}

impl fmt::Display for Archive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.suffix())
    }
}

/// The key of the manifest that lies beside an archive.
#[cfg(feature = "aws")]
pub(super) fn manifest_key(archive: &str) -> String {
    format!("{archive}.manifest.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_the_name_of_its_prefix() {
        for (kind, prefix, key) in [
            (Archive::Zip, "data/", Some("data.zip")),
            (Archive::Zip, "a/b", Some("a/b.zip")),
            (Archive::Zip, "a/b.zip/", Some("a/b.zip")),
            (Archive::Zip, "a/b.tar.zst/", Some("a/b.tar.zst.zip")),
            (Archive::TarZst, "data/", Some("data.tar.zst")),
            (Archive::TarZst, "data.tar.zst", Some("data.tar.zst")),
            (Archive::Zip, "a/.zip/", Some("a/.zip.zip")),
            (Archive::Zip, "", None),
            (Archive::Zip, "/", None),
            (Archive::Zip, "a//", None),
        ] {
            assert_eq!(kind.key(prefix).as_deref(), key, "{kind} {prefix}");
        }
    }
}
