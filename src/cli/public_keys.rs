//! The public keys that specs name: read here, because only the command knows whose home `~` is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::environment;
use crate::resource::{Desired, GroupName, PublicKey, PublicKeySource};
use crate::spec::{Code, Diagnostic, SpecPath};

/// The largest file that is read for a public key, in bytes.
const LARGEST: u64 = 64 * 1024;

/// Public keys by group.
type Keys = BTreeMap<GroupName, PublicKey>;
/// Keys that could not be read, each with what to say of it.
type Unread = Vec<(GroupName, Diagnostic)>;

/// Every public key that the spec names, and those that cannot be read.
pub(super) fn read(desired: &Desired) -> (Keys, Unread) {
    let mut keys = Keys::new();
    let mut unread = Unread::new();
    for (name, group) in &desired.groups {
        let ssh = group.instance.ssh.as_ref();
        match ssh.and_then(|ssh| ssh.public_key.as_ref()) {
            None => {}
            Some(PublicKeySource::Text(key)) => {
                keys.insert(name.clone(), key.clone());
            }
            Some(PublicKeySource::File(path)) => match read_one(path) {
                Ok(key) => {
                    keys.insert(name.clone(), key);
                }
                Err(text) => unread.push((name.clone(), diagnostic(name, &text))),
            },
        }
    }
    (keys, unread)
}

fn read_one(path: &Path) -> Result<PublicKey, String> {
    let path = at_home(path);
    let shown = path.display();
    let about =
        std::fs::metadata(&path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    if !about.is_file() || about.len() > LARGEST {
        return Err(format!("{shown} is no file with a public key"));
    }
    let text =
        std::fs::read_to_string(&path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    text.trim()
        .parse()
        .map_err(|error| format!("{shown}: {error}"))
}

fn at_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), environment::home()) {
        (Ok(rest), Some(home)) => home.join(rest),
        (Ok(_), None) | (Err(_), _) => path.to_owned(),
    }
}

fn diagnostic(group: &GroupName, text: &str) -> Diagnostic {
    let path = SpecPath::of_keys(&["instances", group.as_str(), "ssh", "public_key"]);
    Diagnostic::at(path, Code::NotFound, text.to_owned())
        .help("make a key with `ssh-keygen -t ed25519`, or name the file or the key that you have")
}
