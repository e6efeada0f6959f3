//! The public half of an SSH key pair.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::ParseUnitError;

const FORM: &str = "write one line such as `ssh-ed25519 AAAA...`, as it stands in `id_ed25519.pub`";

/// What EC2 imports of the kinds of SSH keys (EC2 API, `ImportKeyPair`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// `ssh-ed25519`.
    Ed25519,
    /// `ssh-rsa`.
    Rsa,
}

impl KeyKind {
    /// The name that a key's line begins with (RFC 4253 and RFC 8709).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::Rsa => "ssh-rsa",
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A public key in the form of OpenSSH.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PublicKey {
    /// The kind and the key, without the comment, which may name a person and a machine.
    ///
    /// It holds nothing but the kind, a space and base64, and so needs no quoting.
    pub line: String,
    /// What kind of key it is.
    pub kind: KeyKind,
    /// `SHA256:...` as `ssh-keygen -l` shows it.
    pub fingerprint: String,
}

impl FromStr for PublicKey {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        refuse_private(text)?;
        let text = text.trim();
        if text.lines().count() > 1 {
            return Err(ParseUnitError::new(format!(
                "there are several lines, and one key is wanted: {FORM}"
            )));
        }
        let mut words = text.split_ascii_whitespace();
        let (Some(kind), Some(encoded)) = (words.next(), words.next()) else {
            return Err(ParseUnitError::new(format!(
                "there is no public key: {FORM}"
            )));
        };
        let kind = key_kind(kind)?;
        let blob = STANDARD.decode(encoded).map_err(|_| {
            ParseUnitError::new(format!("the key after `{kind}` is cut or altered: {FORM}"))
        })?;
        check(kind, &blob)?;
        let digest = STANDARD_NO_PAD.encode(Sha256::digest(&blob));
        Ok(Self {
            line: format!("{kind} {encoded}"),
            kind,
            fingerprint: format!("SHA256:{digest}"),
        })
    }
}

/// A private key that stands in a spec is in the repository's history for good.
fn refuse_private(text: &str) -> Result<(), ParseUnitError> {
    let private = text.contains("PRIVATE KEY-----") || text.contains("PuTTY-User-Key-File");
    if private {
        return Err(ParseUnitError::new(
            "this is a private key, which must never be pasted anywhere: make a new pair with \
             `ssh-keygen -t ed25519` if this one was shown to others, and write the public key, \
             the line in the file that ends in `.pub`",
        ));
    }
    if text.contains("BEGIN SSH2 PUBLIC KEY") || text.contains("BEGIN PUBLIC KEY") {
        return Err(ParseUnitError::new(format!(
            "the public key is in another form: turn it with `ssh-keygen -i`, and {FORM}"
        )));
    }
    Ok(())
}

fn key_kind(word: &str) -> Result<KeyKind, ParseUnitError> {
    let known = [KeyKind::Ed25519, KeyKind::Rsa];
    if let Some(kind) = known.into_iter().find(|kind| kind.as_str() == word) {
        return Ok(kind);
    }
    let key = ["ssh-", "ecdsa-", "sk-"]
        .iter()
        .any(|prefix| word.starts_with(prefix));
    Err(ParseUnitError::new(if key {
        format!(
            "EC2 takes no `{word}` keys: make one of the kind `ssh-ed25519` or `ssh-rsa`, \
             such as with `ssh-keygen -t ed25519`"
        )
    } else {
        format!("the line does not begin with a kind of key: {FORM}")
    }))
}

/// Whether the encoded bytes are a whole key of the kind (RFC 4253 section 6.6, RFC 8709 section 4).
fn check(kind: KeyKind, blob: &[u8]) -> Result<(), ParseUnitError> {
    let mut rest = blob;
    let name = field(&mut rest);
    if let Some(name) = name.filter(|name| *name != kind.as_str().as_bytes()) {
        return Err(ParseUnitError::new(format!(
            "the line says `{kind}`, and the key in it is of the kind `{}`: {FORM}",
            name.escape_ascii()
        )));
    }
    let whole = match kind {
        KeyKind::Ed25519 => field(&mut rest).is_some_and(|key| key.len() == 32),
        KeyKind::Rsa => {
            let exponent = field(&mut rest);
            let modulus = field(&mut rest);
            if let Some(modulus) = modulus.filter(|modulus| bits(modulus) < RSA_LEAST_BITS) {
                return Err(ParseUnitError::new(format!(
                    "an RSA key has at least {RSA_LEAST_BITS} bits, and this one has {}: \
                     make one with `ssh-keygen -t ed25519`",
                    bits(modulus)
                )));
            }
            exponent.is_some_and(|exponent| !exponent.is_empty()) && modulus.is_some()
        }
    };
    if name.is_some() && whole && rest.is_empty() {
        Ok(())
    } else {
        Err(ParseUnitError::new(format!(
            "the key after `{kind}` is cut or altered: {FORM}"
        )))
    }
}

/// The shortest RSA key that EC2 imports (Amazon EC2 User Guide, "Create a key
/// pair and import the public key": 1024, 2048 and 4096 bits).
const RSA_LEAST_BITS: usize = 1024;

/// Takes one field off the front: its length in four bytes, and so many bytes (RFC 4251, `string`).
fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (field, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(field)
}

/// How many bits a positive whole number has, leading zeros left out.
fn bits(number: &[u8]) -> usize {
    let digits = number.iter().skip_while(|byte| **byte == 0);
    let (first, count) = (digits.clone().next(), digits.count());
    first.map_or(0, |first| count * 8 - first.leading_zeros() as usize)
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.line)
    }
}

#[cfg(test)]
#[path = "public_key_tests.rs"]
mod tests;
