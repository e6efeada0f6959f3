//! Who may come in by SSH.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use super::{Cidr, PublicKey};

/// The port of SSH.
pub const SSH_PORT: u16 = 22;

/// Who may come in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SshSource {
    /// Whoever runs the command, from the address that the world sees.
    Me,
    /// A block of addresses.
    Block(Cidr),
}

impl fmt::Display for SshSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Me => formatter.write_str("me"),
            Self::Block(block) => write!(formatter, "{block}"),
        }
    }
}

impl Serialize for SshSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where a public key comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PublicKeySource {
    /// A file; `~` is the caller's home.
    File(PathBuf),
    /// The key itself.
    Text(PublicKey),
}

/// Who may come in by SSH, and with which key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ssh {
    /// Who may come in; never empty.
    pub from: BTreeSet<SshSource>,
    /// The key that is imported, where one is named.
    pub public_key: Option<PublicKeySource>,
}
