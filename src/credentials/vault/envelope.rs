//! What the bytes of a file mean.
//!
//! A file begins with a line that says whether it is encrypted. Encrypted content has the
//! id of its key, a nonce, and the ciphertext, to which the line and the name of the entry
//! are bound. Other content has a digest of the same three before it, so that one that is
//! half-written or has got another entry's name is noticed.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::system_key::{KEY_ID_LENGTH, Key};

/// What an encrypted file begins with; another number is another format.
const SEALED: &[u8] = b"trainyard-credentials 1 sealed\n";
/// What a file begins with that is not encrypted.
const PLAIN: &[u8] = b"trainyard-credentials 1 plain\n";
/// The length of a SHA-256, in bytes.
const DIGEST_LENGTH: usize = 32;

/// What an envelope held.
pub(super) enum Opened {
    /// What was put in.
    Content(Zeroizing<Vec<u8>>),
    /// It is encrypted, and its key is gone.
    NoKey,
    /// It is not what was written under this name.
    Damaged,
}

/// Encrypts content; nothing where the cipher fails.
pub(super) fn sealed(name: &str, content: &[u8], key: &Key) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = cipher(key)?;
    // As large as it gets, for a vector that grows leaves copies behind.
    let mut body = Zeroizing::new(Vec::with_capacity(content.len() + AES_256_GCM.tag_len()));
    body.extend_from_slice(content);
    let nonce = cipher
        .seal_in_place_append_tag(Aad::from(bound(SEALED, name)), &mut *body)
        .ok()?;
    let nonce: &[u8; NONCE_LEN] = nonce.as_ref();
    let parts = [SEALED, &key.id(), nonce, &body];
    Some(Zeroizing::new(parts.concat()))
}

/// Wraps content as it is.
pub(super) fn plain(name: &str, content: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([PLAIN, &digest(name, content), content].concat())
}

/// Takes content out; the key is only asked for where it is needed.
pub(super) fn open(name: &str, file: &[u8], key: impl FnOnce() -> Option<Key>) -> Opened {
    if let Some(body) = file.strip_prefix(PLAIN) {
        match body.split_first_chunk::<DIGEST_LENGTH>() {
            Some((hash, content)) if *hash == digest(name, content) => {
                Opened::Content(Zeroizing::new(content.to_vec()))
            }
            Some(_) | None => Opened::Damaged,
        }
    } else if let Some(body) = file.strip_prefix(SEALED) {
        let Some((id, body)) = body.split_first_chunk::<KEY_ID_LENGTH>() else {
            return Opened::Damaged;
        };
        match key().filter(|key| key.id() == *id) {
            Some(key) => unseal(name, body, &key).map_or(Opened::Damaged, Opened::Content),
            None => Opened::NoKey,
        }
    } else {
        Opened::Damaged
    }
}

fn unseal(name: &str, body: &[u8], key: &Key) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, ciphertext) = body.split_first_chunk::<NONCE_LEN>()?;
    let mut content = Zeroizing::new(ciphertext.to_vec());
    let length = cipher(key)?
        .open_in_place(
            Nonce::from(nonce),
            Aad::from(bound(SEALED, name)),
            &mut content,
        )
        .ok()?
        .len();
    content.truncate(length);
    Some(content)
}

fn cipher(key: &Key) -> Option<RandomizedNonceKey> {
    RandomizedNonceKey::new(&AES_256_GCM, key.bytes()).ok()
}

/// What a file is bound to besides its content.
fn bound(magic: &[u8], name: &str) -> Vec<u8> {
    [magic, name.as_bytes(), b"\n"].concat()
}

fn digest(name: &str, content: &[u8]) -> [u8; DIGEST_LENGTH] {
    let hash = Sha256::new().chain_update(bound(PLAIN, name));
    hash.chain_update(content).finalize().into()
}
