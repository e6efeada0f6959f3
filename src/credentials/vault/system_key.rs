//! The key that encrypts a cache, in the system's keyring.
//!
//! It never is on a disk of ours. On Linux it is in the kernel's keyring of the user, which
//! every login of that user has and a restart empties; on macOS in the login keychain. Many
//! containers forbid the kernel's: the files are then protected by their mode alone.

use std::fmt;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod nowhere;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "macos")]
use macos as system;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
use nowhere as system;

/// The length of a key, in bytes.
const KEY_LENGTH: usize = 32;
/// The length of what tells one key from another, in bytes.
pub(super) const KEY_ID_LENGTH: usize = 8;

/// A key, of which no copy stays in memory.
pub(super) struct Key(Zeroizing<[u8; KEY_LENGTH]>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(redacted)")
    }
}

impl Key {
    /// A key that was drawn before.
    pub(super) fn new(bytes: Zeroizing<[u8; KEY_LENGTH]>) -> Self {
        Self(bytes)
    }

    /// A key that nobody has; nothing where the system has no random numbers.
    pub(super) fn draw() -> Option<Self> {
        let mut bytes = Zeroizing::new([0; KEY_LENGTH]);
        aws_lc_rs::rand::fill(&mut *bytes).ok()?;
        Some(Self(bytes))
    }

    /// The key itself.
    pub(super) fn bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }

    /// What tells this key from others; nothing of the key follows from it.
    pub(super) fn id(&self) -> [u8; KEY_ID_LENGTH] {
        let hash = Sha256::new().chain_update("trainyard key\n");
        let hash: [u8; 32] = hash.chain_update(self.bytes()).finalize().into();
        let mut id = [0; KEY_ID_LENGTH];
        id.copy_from_slice(&hash[..KEY_ID_LENGTH]);
        id
    }
}

/// Finds the key of a label; nothing where there is none or no keyring.
pub(super) fn find(label: &str) -> Option<Key> {
    match system::read(label) {
        Ok(bytes) => bytes.map(Key::new),
        Err(error) => {
            tracing::debug!(%error, "the system's keyring cannot be read");
            None
        }
    }
}

/// Makes a key of a label; nothing where the keyring does not keep it.
pub(super) fn make(label: &str) -> Option<Key> {
    let key = Key::draw()?;
    let kept = system::write(label, key.bytes()).and_then(|()| system::read(label));
    match kept {
        Ok(Some(bytes)) if *bytes == *key.bytes() => return Some(key),
        Ok(_) => tracing::debug!("the system's keyring keeps no key"),
        Err(error) => tracing::debug!(%error, "the system's keyring keeps no key"),
    }
    // One that cannot be read would be in the way of the next.
    forget(label);
    None
}

/// Forgets the key of a label.
pub(super) fn forget(label: &str) {
    if let Err(error) = system::delete(label) {
        tracing::debug!(%error, "the system's keyring has no key to forget");
    }
}
