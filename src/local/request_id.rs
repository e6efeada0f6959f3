//! The id that every answer bears.

use super::state::derived_hex;

/// The id of a request: how many came before it, and that in the shape of a UUID.
pub(super) struct RequestId {
    pub(super) number: u64,
    pub(super) text: String,
}

impl RequestId {
    /// Makes the id of the request that so many came before.
    pub(super) fn of(number: u64) -> Self {
        let hex = derived_hex(&["request", &number.to_string()], 32);
        let mut text = String::with_capacity(36);
        for (place, digit) in hex.chars().enumerate() {
            if matches!(place, 8 | 12 | 16 | 20) {
                text.push('-');
            }
            text.push(digit);
        }
        Self { number, text }
    }
}
