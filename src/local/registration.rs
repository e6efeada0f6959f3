//! Users, roles and MFA devices of IAM, as an order registers them.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde_json::{Value, json};

use super::identity::{SESSION_PREFIX, is_plain};
use super::state::{Device, Role, User, World};
use super::sts::{decode_seed, split_role};

/// How long the longest session of a role may be, in seconds (IAM API reference,
/// `CreateRole`).
const LONGEST: RangeInclusive<u64> = 3600..=43_200;

/// An MFA device and the seed of its codes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDevice {
    serial: String,
    seed: String,
}

/// A user and an access key of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    key: String,
    name: String,
    #[serde(default = "yes")]
    session_tokens: bool,
}

/// A role; what is not said is as with one that nobody registered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRole {
    arn: String,
    #[serde(default)]
    longest: Option<u64>,
    #[serde(default)]
    mfa: bool,
    #[serde(default)]
    mfa_age: Option<u64>,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    trusts: Option<BTreeSet<String>>,
}

fn yes() -> bool {
    true
}

impl NewDevice {
    /// Registers the device. One that was there before is a new one: none of its codes
    /// is used.
    pub(super) fn carry_out(self, world: &mut World) -> Result<Value, String> {
        let Self { serial, seed } = self;
        let seed =
            decode_seed(&seed).ok_or_else(|| format!("the seed of {serial} is no base32"))?;
        world
            .iam
            .devices
            .insert(serial, Device { seed, spent: None });
        Ok(json!({}))
    }
}

impl NewUser {
    /// Gives the key to the user.
    pub(super) fn carry_out(self, world: &mut World) -> Result<Value, String> {
        let Self {
            key,
            name,
            session_tokens,
        } = self;
        if !is_plain(&key, 128) || key.starts_with(SESSION_PREFIX) {
            return Err(format!("{key:?} is no access key id of a user"));
        }
        let fits =
            |character: char| character.is_ascii_alphanumeric() || "_+=,.@-".contains(character);
        if !(1..=64).contains(&name.len()) || !name.chars().all(fits) {
            return Err(format!("{name:?} is no name of a user"));
        }
        let user = User {
            name,
            session_tokens,
        };
        world.iam.users.insert(key, user);
        Ok(json!({}))
    }
}

impl NewRole {
    /// Registers the role, in place of what was said of it before.
    pub(super) fn carry_out(self, world: &mut World) -> Result<Value, String> {
        let Self {
            arn,
            longest,
            mfa,
            mfa_age,
            external_id,
            trusts,
        } = self;
        if split_role(&arn).is_none() {
            return Err(format!("{arn:?} is no ARN of a role"));
        }
        let longest = longest.unwrap_or(Role::default().longest);
        if !LONGEST.contains(&longest) {
            return Err(format!("a role lasts from 3600 to 43200 s, not {longest}"));
        }
        let role = Role {
            longest,
            mfa,
            mfa_age,
            external_id,
            trusts,
        };
        world.iam.roles.insert(arn, role);
        Ok(json!({}))
    }
}
