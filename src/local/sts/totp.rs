//! Time-based one-time passwords: RFC 6238 over RFC 4226, as the MFA devices of AWS
//! show them.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// How long a code is shown, in seconds.
pub(super) const STEP: u64 = 30;

/// One more than the largest code: six digits.
const CODES: u32 = 1_000_000;

/// The code of a time step.
pub(super) fn code(seed: &[u8], step: u64) -> Option<String> {
    // A key of any length will do; only the type says otherwise.
    let mut mac = Hmac::<Sha1>::new_from_slice(seed).ok()?;
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let start = usize::from(digest.last()? & 0xf);
    let chosen: [u8; 4] = digest.get(start..start + 4)?.try_into().ok()?;
    let number = u32::from_be_bytes(chosen) & 0x7fff_ffff;
    Some(format!("{:06}", number % CODES))
}

/// Decodes a seed as AWS shows it, in base32 (RFC 4648). Case, spaces and padding do not
/// matter: people type it.
pub(in crate::local) fn decode_seed(text: &str) -> Option<Vec<u8>> {
    let (mut seed, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let digit = match byte.to_ascii_uppercase() {
            b' ' => continue,
            letter @ b'A'..=b'Z' => letter - b'A',
            number @ b'2'..=b'7' => number - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u32::from(digit);
        count += 5;
        if count >= 8 {
            count -= 8;
            let [_, _, _, whole] = (bits >> count).to_be_bytes();
            seed.push(whole);
        }
    }
    (!seed.is_empty()).then_some(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seed of the test vectors of RFC 6238 for SHA-1.
    const SEED: &[u8] = b"12345678901234567890";

    #[test]
    fn the_vectors_of_the_standard_hold() {
        // RFC 6238, appendix B, which has eight digits: the last six are ours.
        for (time, expected) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let shown = code(SEED, time / STEP);
            assert_eq!(shown.as_deref(), expected.get(2..), "{time}");
        }
    }

    #[test]
    fn a_seed_is_read_as_people_type_it() {
        let expected = Some(SEED.to_vec());
        for text in [
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "gezd gnbv gy3t qojq gezd gnbv gy3t qojq",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ====",
        ] {
            assert_eq!(decode_seed(text), expected, "{text}");
        }
        // RFC 4648, section 10: the end of a seed may fill a digit in part only.
        for (text, expected) in [("MY======", "f"), ("MZXW6===", "foo"), ("MZXW6YQ=", "foob")] {
            assert_eq!(decode_seed(text), Some(expected.as_bytes().to_vec()));
        }
    }

    #[test]
    fn what_is_no_seed_is_none() {
        for text in ["", "A", "====", "MZXW0===", "MZ=XW6", "GEZDGNBV\u{e9}"] {
            assert_eq!(decode_seed(text), None, "{text}");
        }
    }
}
