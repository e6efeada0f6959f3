//! Whether the ways in of a group can be made.

use super::diagnostic::{Code, Diagnostic, SpecPath};
use super::lower_group::is_key_text;
use super::model_group::GroupSpec;
use crate::resource::{Cidr, PublicKey};

/// The most security groups of a network interface.
///
/// An account has 5 to begin with and can have it raised so far (VPC quotas), so
/// what lies between is left to EC2.
const MOST_SECURITY_GROUPS: usize = 16;

/// Everything that is wrong with who may come in, and with which key.
pub(super) fn check_ways_in(group: &GroupSpec, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    ssh(group, path, found);
    security_groups(group, path, found);
}

/// A security group of ours counts like those that are named.
fn security_groups(group: &GroupSpec, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    let named = group.security_groups.len();
    let own = group.ssh.is_some() || group.distributed;
    if own && named + 1 > MOST_SECURITY_GROUPS {
        let key = if group.ssh.is_some() {
            "ssh"
        } else {
            "distributed"
        };
        found.push(
            Diagnostic::at(
                path.key("security_groups"),
                Code::OutOfRange,
                format!("{named} security groups and the one for `{key}` are more than the {MOST_SECURITY_GROUPS} that EC2 takes"),
            )
            .help(format!("name at most {}", MOST_SECURITY_GROUPS - 1)),
        );
    }
}

fn ssh(group: &GroupSpec, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    let Some(ssh) = &group.ssh else { return };
    let path = path.key("ssh");
    for text in &ssh.from.0 {
        let block = text.parse::<Cidr>().ok().filter(|block| block.is_anybody());
        if let Some(block) = block {
            let whom = if block.prefix() == 0 {
                "the whole world"
            } else {
                "a large part of the world"
            };
            found.push(
                Diagnostic::at(
                    path.key("from"),
                    Code::Combination,
                    format!("`{text}` lets {whom} in"),
                )
                .help("write `from: me`, or `from: anywhere` if that is what you mean"),
            );
        }
    }
    let Some(key) = &ssh.public_key else { return };
    if group.key.is_some() {
        found.push(
            Diagnostic::at(
                path.key("public_key"),
                Code::Combination,
                "`key` and `ssh.public_key` exclude each other",
            )
            .help("EC2 takes one key: name one that it has, or have one imported"),
        );
    }
    if is_key_text(key)
        && let Err(error) = key.parse::<PublicKey>()
    {
        found.push(
            Diagnostic::at(
                path.key("public_key"),
                Code::BadForm,
                "this is no public key that EC2 takes",
            )
            .help(error.to_string()),
        );
    }
}
