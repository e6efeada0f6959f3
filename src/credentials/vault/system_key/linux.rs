//! The kernel's keyring of the user.

use linux_keyutils::{
    Key, KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission,
};
use zeroize::Zeroizing;

use super::KEY_LENGTH;

/// Reads a key, if there is one.
pub(super) fn read(label: &str) -> Result<Option<Zeroizing<[u8; KEY_LENGTH]>>, KeyError> {
    let Some(key) = search(label)? else {
        return Ok(None);
    };
    let mut bytes = Zeroizing::new([0; KEY_LENGTH]);
    // The kernel says how long the key is, whatever fitted.
    let length = key.read(&mut *bytes)?;
    Ok((length == KEY_LENGTH).then_some(bytes))
}

/// Writes a key, in place of an earlier one.
pub(super) fn write(label: &str, bytes: &[u8; KEY_LENGTH]) -> Result<(), KeyError> {
    let key = ring()?.add_key(label, bytes)?;
    // Without this only the login that made the key could read it, and not the user's others.
    key.set_perms(
        KeyPermissionsBuilder::builder()
            .posessor(Permission::ALL)
            .user(Permission::ALL)
            .build(),
    )
}

/// Deletes a key, if there is one.
pub(super) fn delete(label: &str) -> Result<(), KeyError> {
    match search(label)? {
        Some(key) => ring()?.unlink_key(key),
        None => Ok(()),
    }
}

fn search(label: &str) -> Result<Option<Key>, KeyError> {
    match ring()?.search(label) {
        Ok(key) => Ok(Some(key)),
        Err(KeyError::KeyDoesNotExist) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The user's, which lives longer than that of one login.
fn ring() -> Result<KeyRing, KeyError> {
    KeyRing::from_special_id(KeyRingIdentifier::User, true)
}
