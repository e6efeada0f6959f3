//! A cache of credentials on disk.
//!
//! Every entry is a file of its own in a folder that only its owner may enter. Files are
//! opened relative to a handle of that folder, through no link, and judged before a byte of
//! them is believed. They are encrypted with a key from the system's keyring, where there
//! is one.
//!
//! A cache that is lost costs one sign-in. So whatever is odd about a file makes it as good
//! as absent, with a warning, and the next write replaces it.

mod envelope;
mod error;
mod file;
mod folder;
mod lock;
mod system_key;
mod warnings;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

pub(crate) use error::VaultError;
pub(crate) use lock::Lock;

use envelope::Opened;
use error::Oddity;
use file::is_temporary;
use folder::Folder;
use lock::Patience;
use system_key::Key;
use warnings::Warnings;

/// The largest file that is written or believed, in bytes: a session token has about 2 KiB.
const LARGEST: usize = 64 * 1024;
/// The longest name, in bytes: a SHA-512 in hexadecimal.
const LONGEST_NAME: usize = 128;
/// What is locked while the system's key is made: no digest has this name.
const KEY: &str = "key";

/// Where the key that encrypts the entries is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// In the system's keyring; where there is none, entries are not encrypted.
    System,
    /// Nowhere: entries are not encrypted, and only the mode of their files protects them.
    Off,
}

/// What an entry turned out to be.
pub(crate) enum Found {
    /// What was written.
    Entry(Zeroizing<Vec<u8>>),
    /// Nothing that can be used.
    Nothing,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Entry(_) => "Entry(redacted)",
            Self::Nothing => "Nothing",
        })
    }
}

/// A folder of cached credentials.
///
/// It holds neither credentials nor keys. Its functions block.
#[derive(Debug)]
pub(crate) struct Vault {
    folder: PathBuf,
    keys: Keys,
    warnings: Warnings,
}

impl Vault {
    /// The vault in a folder, which is made by the first write; nothing is touched yet.
    pub(crate) fn open(folder: &Path, keys: Keys) -> Self {
        Self {
            // With a slash at the end of its path, a link to a folder would be followed.
            folder: folder.components().collect(),
            keys,
            warnings: Warnings::default(),
        }
    }

    /// Reads the entry of a name, a digest in lower-case hexadecimal.
    ///
    /// Whatever cannot be used is nothing, with a warning. An entry whose key is gone is
    /// nothing without one: the keyring forgets when the machine restarts.
    pub(crate) fn read(&self, name: &str) -> Found {
        match self.entry(name) {
            Ok(Some(content)) => Found::Entry(content),
            Ok(None) => Found::Nothing,
            Err(error) => {
                self.tolerate(&error);
                Found::Nothing
            }
        }
    }

    /// Writes the entry of a name, whole or not at all, in place of whatever was there.
    ///
    /// # Errors
    ///
    /// When the folder is refused or cannot be made, or the file cannot be written.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<(), VaultError> {
        check(name)?;
        let folder = Folder::make(&self.folder, &self.warnings)?;
        let bytes = match self.key_for_writing(&folder) {
            Some(key) => envelope::sealed(name, content, &key).ok_or(VaultError::Seal)?,
            None => envelope::plain(name, content),
        };
        if bytes.len() > LARGEST {
            return Err(VaultError::TooLarge(content.len()));
        }
        file::replace(&folder, name, &bytes).map_err(|source| VaultError::Write {
            path: self.folder.join(name),
            source,
        })
    }

    /// Removes the entry of a name, and says whether there was one.
    ///
    /// # Errors
    ///
    /// When the folder is refused or the file cannot be removed.
    #[cfg(test)]
    pub(crate) fn remove(&self, name: &str) -> Result<bool, VaultError> {
        check(name)?;
        match Folder::find(&self.folder, &self.warnings)? {
            Some(folder) => folder.remove(name).map_err(|source| self.stays(source)),
            None => Ok(false),
        }
    }

    /// Removes every entry and the key that encrypted them, and says how many there were.
    ///
    /// # Errors
    ///
    /// When the folder is refused or something cannot be removed; the rest is gone then.
    pub(crate) fn clear(&self) -> Result<usize, VaultError> {
        match self.keys {
            // Without the key, a copy of an entry that somebody kept is worth nothing.
            Keys::System => system_key::forget(&self.label()),
            Keys::Off => {}
        }
        let Some(folder) = Folder::find(&self.folder, &self.warnings)? else {
            return Ok(0);
        };
        let mut removed = 0;
        let mut failed = None;
        for entry in folder.names().map_err(|source| self.unlisted(source))? {
            let is_entry = entry.to_str().is_ok_and(is_name);
            if !is_entry && !is_temporary(&entry) {
                continue;
            }
            match folder.remove(&entry) {
                Ok(was_there) => removed += usize::from(was_there && is_entry),
                Err(source) => failed = Some(self.stays(source)),
            }
        }
        failed.map_or(Ok(removed), Err)
    }

    /// Lists the names that have an entry, in order.
    ///
    /// # Errors
    ///
    /// When the folder is refused or cannot be listed.
    #[cfg(test)]
    pub(crate) fn names(&self) -> Result<Vec<String>, VaultError> {
        let Some(folder) = Folder::find(&self.folder, &self.warnings)? else {
            return Ok(Vec::new());
        };
        let entries = folder.names().map_err(|source| self.unlisted(source))?;
        let text = entries
            .into_iter()
            .filter_map(|entry| entry.into_string().ok());
        let mut names: Vec<String> = text.filter(|name| is_name(name)).collect();
        names.sort();
        Ok(names)
    }

    /// Takes the lock of a name, or gives nothing where another holds it.
    ///
    /// The lock ends when it is dropped and with the process, however that ends.
    ///
    /// # Errors
    ///
    /// When the folder is refused, or its file system has no locks.
    pub(crate) fn try_lock(&self, name: &str) -> Result<Option<Lock>, VaultError> {
        self.locked(name, Patience::None)
    }

    /// Takes the lock of a name, after waiting for whoever holds it.
    ///
    /// # Errors
    ///
    /// When the folder is refused, or its file system has no locks.
    pub(crate) fn lock(&self, name: &str) -> Result<Lock, VaultError> {
        // Nobody who waits comes back without it.
        self.locked(name, Patience::Endless)?
            .ok_or_else(|| self.unlocked(std::io::ErrorKind::WouldBlock.into()))
    }

    /// Takes an error of this vault for a warning: credentials work without a cache too.
    pub(crate) fn tolerate(&self, error: &VaultError) {
        self.warnings.say(error.sentence());
    }

    /// Gives the warnings since the last call, each a short sentence; none is given twice.
    pub(crate) fn take_warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    fn entry(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        check(name)?;
        let Some(folder) = Folder::find(&self.folder, &self.warnings)? else {
            return Ok(None);
        };
        let odd = |why: Oddity| VaultError::Odd {
            path: self.folder.join(name),
            why,
        };
        let Some(bytes) = file::read(&folder, name).map_err(odd)? else {
            return Ok(None);
        };
        match envelope::open(name, &bytes, || self.key()) {
            Opened::Content(content) => Ok(Some(content)),
            Opened::NoKey => Ok(None),
            Opened::Damaged => Err(odd(Oddity::Damaged)),
        }
    }

    fn locked(&self, name: &str, patience: Patience) -> Result<Option<Lock>, VaultError> {
        check(name)?;
        let folder = Folder::make(&self.folder, &self.warnings)?;
        lock::take(&folder, name, patience).map_err(|source| self.unlocked(source))
    }

    /// The key in the system's keyring.
    fn key(&self) -> Option<Key> {
        match self.keys {
            Keys::System => system_key::find(&self.label()),
            Keys::Off => None,
        }
    }

    /// The key in the system's keyring, made where there is none yet.
    fn key_for_writing(&self, folder: &Folder) -> Option<Key> {
        match self.keys {
            Keys::Off => None,
            Keys::System => self.key().or_else(|| {
                // Of two processes that made one at once, one would lose what it sealed.
                let _lock = lock::take(folder, KEY, Patience::Endless).ok()?;
                self.key().or_else(|| system_key::make(&self.label()))
            }),
        }
    }

    /// What the key is called in the keyring: each folder has a key of its own.
    fn label(&self) -> String {
        // A path that has no absolute form is taken as it is.
        let path = std::path::absolute(&self.folder).unwrap_or_else(|_| self.folder.clone());
        let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
        let number = digest
            .iter()
            .take(16)
            .fold(0, |number: u128, byte| (number << 8) | u128::from(*byte));
        format!("trainyard:credentials:{number:032x}")
    }

    fn stays(&self, source: std::io::Error) -> VaultError {
        let folder = self.folder.clone();
        VaultError::Remove { folder, source }
    }

    fn unlisted(&self, source: std::io::Error) -> VaultError {
        let folder = self.folder.clone();
        VaultError::List { folder, source }
    }

    fn unlocked(&self, source: std::io::Error) -> VaultError {
        let folder = self.folder.clone();
        VaultError::Lock { folder, source }
    }
}

/// Whether this names an entry: nothing else has a path or a meaning in it.
fn is_name(name: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_digit)
}

fn check(name: &str) -> Result<(), VaultError> {
    if is_name(name) {
        Ok(())
    } else {
        Err(VaultError::Name(name.to_owned()))
    }
}
