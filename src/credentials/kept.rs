//! What is known from one command to the next: sessions, and how long roles allow them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use aws_credential_types::Credentials;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::vault::{Found, Lock, Vault};
use crate::resource::SessionLength;

/// Sessions are used up to this long before they end, and renewed from then on.
pub(crate) const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// For so long it is remembered how long a role allows its sessions.
const LENGTH_IS_KNOWN: SignedDuration = SignedDuration::from_hours(72);

/// What is known, on disk where that can be trusted, and else for as long as the process lives.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    vault: Option<Arc<Vault>>,
    memory: Mutex<BTreeMap<String, Zeroizing<Vec<u8>>>>,
}

/// What something is kept under: all that it depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subject(String);

impl Subject {
    pub(super) fn of(parts: &[&str]) -> Self {
        // Each part with its length: no two lists of parts read the same.
        let parts = parts.iter().map(|part| format!("{}:{part}\n", part.len()));
        Self(parts.collect())
    }

    /// Something that belongs to it.
    pub(super) fn part(&self, part: &str) -> Self {
        Self(format!("{}{part}\n", self.0))
    }

    fn name(&self) -> String {
        let digest = Sha256::digest(self.0.as_bytes());
        digest.iter().fold(String::new(), |mut name, byte| {
            // Writing to a text cannot fail.
            write!(name, "{byte:02x}").unwrap_or_default();
            name
        })
    }
}

/// A session, as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptSession {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expires: Timestamp,
}

/// The longest session that a role was found to allow.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptLength {
    seconds: u32,
    found: Timestamp,
}

/// When a code of a device was used last; not which one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptUse {
    at: Timestamp,
}

impl Kept {
    pub(crate) fn new(vault: Option<Arc<Vault>>) -> Self {
        Self {
            vault,
            memory: Mutex::default(),
        }
    }

    /// A session that lasts for a while yet.
    pub(super) fn session(&self, subject: &Subject, now: Timestamp) -> Option<Credentials> {
        let KeptSession {
            access_key_id,
            secret_access_key,
            session_token,
            expires,
        } = self.read(subject)?;
        if expires.duration_since(now) <= AHEAD {
            return None;
        }
        Some(Credentials::new(
            access_key_id,
            secret_access_key,
            Some(session_token),
            Some(expires.try_into().ok()?),
            "trainyard",
        ))
    }

    pub(super) fn keep_session(&self, subject: &Subject, session: &Credentials) {
        let (Some(token), Some(expires)) = (session.session_token(), session.expiry()) else {
            return;
        };
        let Ok(expires) = Timestamp::try_from(expires) else {
            return;
        };
        let kept = KeptSession {
            access_key_id: session.access_key_id().to_owned(),
            secret_access_key: session.secret_access_key().to_owned(),
            session_token: token.to_owned(),
            expires,
        };
        self.write(subject, &kept);
    }

    /// How long a role allows its sessions, as of a few days ago at most.
    pub(super) fn longest(&self, subject: &Subject, now: Timestamp) -> Option<SessionLength> {
        let KeptLength { seconds, found } = self.read(subject)?;
        // Somebody may have allowed more since.
        (now.duration_since(found) < LENGTH_IS_KNOWN).then(|| SessionLength::nearest(seconds))
    }

    pub(super) fn keep_longest(&self, subject: &Subject, longest: SessionLength, found: Timestamp) {
        let seconds = longest.seconds();
        self.write(subject, &KeptLength { seconds, found });
    }

    pub(super) fn last_use(&self, subject: &Subject) -> Option<Timestamp> {
        self.read::<KeptUse>(subject).map(|kept| kept.at)
    }

    pub(super) fn keep_use(&self, subject: &Subject, at: Timestamp) {
        self.write(subject, &KeptUse { at });
    }

    /// Waits until nobody else signs in as the same: whoever did so leaves a session for us.
    pub(super) async fn lock(&self, subject: &Subject, wait: impl FnOnce()) -> Option<Lock> {
        let vault = Arc::clone(self.vault.as_ref()?);
        let name = subject.name();
        // Where no lock can be had, two may be asked for a code each: nothing worse.
        match vault.try_lock(&name) {
            Ok(Some(lock)) => return Some(lock),
            Ok(None) => wait(),
            Err(_) => return None,
        }
        let waiting = tokio::task::spawn_blocking(move || vault.lock(&name).ok());
        waiting.await.ok().flatten()
    }

    fn read<T: DeserializeOwned>(&self, subject: &Subject) -> Option<T> {
        let name = subject.name();
        if let Some(found) = self.memory().get(&name) {
            return serde_json::from_slice(found).ok();
        }
        match self.vault.as_ref()?.read(&name) {
            // What somebody else wrote there is as good as nothing.
            Found::Entry(found) => serde_json::from_slice(&found).ok(),
            Found::Nothing => None,
        }
    }

    fn write<T: Serialize>(&self, subject: &Subject, value: &T) {
        let Ok(text) = serde_json::to_vec(value) else {
            return;
        };
        let text = Zeroizing::new(text);
        let name = subject.name();
        let is_stored = self.vault.as_ref().is_some_and(|vault| {
            let written = vault.write(&name, &text);
            written.inspect_err(|error| vault.tolerate(error)).is_ok()
        });
        if is_stored {
            // Another process may renew it.
            self.memory().remove(&name);
        } else {
            self.memory().insert(name, text);
        }
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Zeroizing<Vec<u8>>>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
