//! Ids that look random and are the same in every run.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Hashes the parts to lower-case hexadecimal digits, at most 64.
pub(crate) fn derived_hex(parts: &[&str], digits: usize) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // The length keeps ("ab", "c") apart from ("a", "bc").
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut hex = hash.finalize().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _written = write!(hex, "{byte:02x}");
        hex
    });
    hex.truncate(digits);
    hex
}

/// Tells whether `id` is `prefix-` and eight or seventeen hexadecimal digits.
pub(crate) fn is_well_formed(prefix: &str, id: &str) -> bool {
    id.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|digits| {
            matches!(digits.len(), 8 | 17)
                && digits
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
}
