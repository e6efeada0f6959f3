//! No keyring.

use std::io;

use zeroize::Zeroizing;

use super::KEY_LENGTH;

/// Reads no key.
pub(super) fn read(_label: &str) -> io::Result<Option<Zeroizing<[u8; KEY_LENGTH]>>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Writes no key.
pub(super) fn write(_label: &str, _bytes: &[u8; KEY_LENGTH]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Deletes no key.
pub(super) fn delete(_label: &str) -> io::Result<()> {
    Ok(())
}
