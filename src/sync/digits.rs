//! Hexadecimal digits, in lower case.

use std::fmt::Write as _;

/// Writes bytes as digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _infallible = write!(text, "{byte:02x}");
            text
        })
}

/// The bytes that a text has the digits of, and nothing else; `None` where it has not.
pub(super) fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let bytes = pairs
        .iter()
        .map(|[high, low]| Some(value(*high)? << 4 | value(*low)?));
    bytes.collect()
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_digits_and_digits_bytes() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(hexadecimal(&[0, 10, 255]), "000aff");
        assert_eq!(bytes_of(&hexadecimal(&all)), Some(all));
        assert_eq!(bytes_of(""), Some(Vec::new()));
        for odd in ["0", "0g", "AA", "ä", " 0"] {
            assert_eq!(bytes_of(odd), None, "{odd}");
        }
    }
}
