//! The login keychain.

use security_framework::base::Error;
use security_framework::passwords::{
    delete_generic_password, get_generic_password, set_generic_password,
};
use zeroize::Zeroizing;

use super::KEY_LENGTH;

/// The name that people see in the keychain.
const SERVICE: &str = "trainyard";
/// What the keychain says where there is no such key (`errSecItemNotFound`).
const NOT_FOUND: i32 = -25300;

/// Reads a key, if there is one.
pub(super) fn read(label: &str) -> Result<Option<Zeroizing<[u8; KEY_LENGTH]>>, Error> {
    match get_generic_password(SERVICE, label) {
        Ok(bytes) => {
            let bytes = Zeroizing::new(bytes);
            let bytes: Option<[u8; KEY_LENGTH]> = bytes.as_slice().try_into().ok();
            Ok(bytes.map(Zeroizing::new))
        }
        Err(error) if error.code() == NOT_FOUND => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a key, in place of an earlier one.
pub(super) fn write(label: &str, bytes: &[u8; KEY_LENGTH]) -> Result<(), Error> {
    set_generic_password(SERVICE, label, bytes)
}

/// Deletes a key, if there is one.
pub(super) fn delete(label: &str) -> Result<(), Error> {
    match delete_generic_password(SERVICE, label) {
        Err(error) if error.code() != NOT_FOUND => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
