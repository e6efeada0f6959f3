//! Which relative keys can be files below a folder, and which cannot.

use serde::{Deserialize, Serialize};

/// The longest name of one file or folder, in bytes; the limit of Linux and macOS.
const LONGEST_COMPONENT: usize = 255;

/// The longest key that S3 stores, in bytes and with the prefix.
#[cfg(feature = "aws")]
const LONGEST_KEY: usize = 1024;

/// Why a key cannot be the path of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum KeyFault {
    /// The key is the prefix itself.
    #[error("the object is the prefix itself and has content")]
    IsPrefix,
    /// The key ends with `/` and yet has content.
    #[error("the key ends with `/`, which would be a folder, and has content")]
    FolderWithContent,
    /// Two `/` follow each other, or the key begins with one.
    #[error("the key has an empty component")]
    EmptyComponent,
    /// A component is `.` or `..`, perhaps written with backslashes.
    #[error("the key has a `.` or `..` component")]
    DotComponent,
    /// The key has a NUL or another control character.
    #[error("the key has a control character")]
    ControlCharacter,
    /// A component is longer than a file name can be.
    #[error("a component of the key is longer than 255 bytes")]
    ComponentTooLong,
    /// With its prefix the key is longer than S3 can store.
    #[error("with its prefix the key is longer than 1024 bytes")]
    KeyTooLong,
}

/// Says whether a key, relative to its prefix, can be a file below a folder.
///
/// The same rule holds in both directions: what cannot come down does not go up.
///
/// # Errors
///
/// The first rule that the key breaks.
pub fn check_key(key: &str) -> Result<(), KeyFault> {
    if key.is_empty() {
        return Err(KeyFault::IsPrefix);
    }
    if key.chars().any(char::is_control) {
        return Err(KeyFault::ControlCharacter);
    }
    // A backslash is an ordinary character of a file name here, but a tool that
    // takes it for a separator must not be led upwards by what we leave behind.
    if key.split(['/', '\\']).any(|part| part == "..") || key.split('/').any(|part| part == ".") {
        return Err(KeyFault::DotComponent);
    }
    if let Some(folder) = key.strip_suffix('/') {
        let fault = if folder.split('/').any(str::is_empty) {
            KeyFault::EmptyComponent
        } else {
            KeyFault::FolderWithContent
        };
        return Err(fault);
    }
    if key.split('/').any(str::is_empty) {
        return Err(KeyFault::EmptyComponent);
    }
    if key.split('/').any(|part| part.len() > LONGEST_COMPONENT) {
        return Err(KeyFault::ComponentTooLong);
    }
    Ok(())
}

/// Says whether a key, relative to its prefix, can go from one bucket to another.
///
/// What only a file system could not hold can: empty components, a `/` at the end, long
/// names. What could be taken for another key on its way cannot.
#[cfg(feature = "aws")]
pub(super) fn check_object_key(key: &str) -> Result<(), KeyFault> {
    match check_key(key) {
        Ok(())
        | Err(
            KeyFault::EmptyComponent | KeyFault::FolderWithContent | KeyFault::ComponentTooLong,
        ) => Ok(()),
        Err(
            fault @ (KeyFault::IsPrefix
            | KeyFault::DotComponent
            | KeyFault::ControlCharacter
            | KeyFault::KeyTooLong),
        ) => Err(fault),
    }
}

/// Says whether a key stays within what S3 stores once it has its prefix.
#[cfg(feature = "aws")]
pub(super) fn check_length(prefix: &str, key: &str) -> Result<(), KeyFault> {
    if prefix.len() + key.len() > LONGEST_KEY {
        return Err(KeyFault::KeyTooLong);
    }
    Ok(())
}

/// The folders that a key is in, outermost first: `a` and `a/b` for `a/b/c`.
pub(super) fn folders_of(key: &str) -> impl Iterator<Item = &str> {
    key.match_indices('/').map(|(end, _)| &key[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_and_odd_names_are_files() {
        for key in [
            "a", "a/b", "a..b", "..a/b..", "...", "a b", " a ", "é/ü", "e\u{301}", "%2e%2e/a",
            "a\\b", "+&<>'\"", "😀",
        ] {
            assert_eq!(check_key(key), Ok(()), "{key:?}");
        }
        assert_eq!(check_key(&"n".repeat(255)), Ok(()));
    }

    #[test]
    fn what_leaves_the_folder_or_cannot_be_a_name_is_refused() {
        use KeyFault::{
            ComponentTooLong, ControlCharacter, DotComponent, EmptyComponent, FolderWithContent,
            IsPrefix,
        };
        let long = format!("a/{}", "n".repeat(256));
        for (key, fault) in [
            ("", IsPrefix),
            ("..", DotComponent),
            ("../a", DotComponent),
            ("a/../../b", DotComponent),
            ("x/../inside", DotComponent),
            ("a/..", DotComponent),
            ("a/../", DotComponent),
            ("./a", DotComponent),
            ("a/./b", DotComponent),
            ("..\\a", DotComponent),
            ("a\\..\\b", DotComponent),
            ("a/b\\..", DotComponent),
            ("/etc/passwd", EmptyComponent),
            ("x//y", EmptyComponent),
            ("x//", EmptyComponent),
            ("/", EmptyComponent),
            ("d/", FolderWithContent),
            ("a\0b", ControlCharacter),
            ("a\nb", ControlCharacter),
            ("a\u{1}", ControlCharacter),
            ("a\u{7f}", ControlCharacter),
            (long.as_str(), ComponentTooLong),
        ] {
            assert_eq!(check_key(key), Err(fault), "{key:?}");
        }
    }

    #[test]
    #[cfg(feature = "aws")]
    fn between_buckets_a_key_need_not_be_a_file() {
        let long = "n".repeat(256);
        for key in ["a", "x//y", "/a", "d/", "x//", long.as_str()] {
            assert_eq!(check_object_key(key), Ok(()), "{key:?}");
        }
        for (key, fault) in [
            ("", KeyFault::IsPrefix),
            ("a//../b", KeyFault::DotComponent),
            ("./", KeyFault::DotComponent),
            ("a/\n/", KeyFault::ControlCharacter),
        ] {
            assert_eq!(check_object_key(key), Err(fault), "{key:?}");
        }
    }

    #[test]
    fn folders_of_a_key_are_its_proper_ancestors() {
        assert_eq!(folders_of("a/b/c").collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!(folders_of("a").count(), 0);
    }
}
