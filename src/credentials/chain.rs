//! Which steps lead from the credentials that are at hand to those that are wanted; pure.
//!
//! | at hand | wanted | the chain |
//! |---|---|---|
//! | anything without `mfa_serial` | no role | none of ours: the SDK's own order |
//! | a profile with keys and `mfa_serial` | no role | keys, a session opened with a code |
//! | a profile with `role_arn`, and `mfa_serial` on the way | no role | keys, a session, its roles |
//! | a profile | a role | that profile's keys, a session where it has `mfa_serial`, the role |
//! | a profile with `role_arn` | another role | the same; by the profile's role where that is refused |
//! | a profile with `role_arn` | that role | the way of the profile |
//! | keys in the environment | a role | those keys, the role |
//!
//! The names of the keys are those of the AWS CLI (AWS SDKs and Tools Reference Guide,
//! "Assume a role"); `mfa_process` is a command that prints a code.

use aws_config::profile::{Profile, ProfileSet};
use aws_credential_types::Credentials;

use crate::resource::{AccountId, RoleArn, RoleName, SessionLength, SignIn};

/// The steps from the credentials at hand to those that are wanted.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub(crate) base: Base,
    /// What opens a session of the user before any role is taken on.
    pub(crate) device: Option<Device>,
    /// The roles, the first one first.
    pub(crate) hops: Vec<Hop>,
    /// The roles to go by where the only one of `hops` is refused.
    pub(crate) detour: Option<Vec<Hop>>,
}

impl Chain {
    /// Whether the SDK goes the whole way by itself.
    pub(crate) fn is_plain(&self) -> bool {
        self.device.is_none() && self.hops.is_empty()
    }
}

/// Where a chain begins.
#[derive(Debug, Clone)]
pub(crate) enum Base {
    /// What the SDK finds, in its own order.
    Sdk,
    /// The keys in the environment.
    Environment,
    /// What the SDK finds for this profile.
    Profile(String),
    /// The keys that a profile holds.
    Keys {
        profile: String,
        credentials: Credentials,
    },
}

/// A device that shows codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Device {
    /// Its serial number or ARN.
    pub(crate) serial: String,
    /// A command that prints the code.
    pub(crate) process: Option<String>,
}

impl Device {
    /// No device, for whoever is never asked for a code.
    pub(crate) const fn none() -> Self {
        Self {
            serial: String::new(),
            process: None,
        }
    }
}

/// A role to take on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) role: RoleArn,
    pub(crate) external_id: Option<String>,
    pub(crate) session_name: Option<String>,
    /// How long its session is to last, where somebody says it.
    pub(crate) length: Option<SessionLength>,
    /// Who names the role.
    pub(crate) named_by: String,
}

/// What a chain is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) account: Option<&'a AccountId>,
    pub(crate) region: &'a str,
    /// Whether there are keys in the environment, and nobody named a profile for this very command.
    pub(crate) environment_first: bool,
}

/// Why there is no chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChainError {
    #[error(
        "the role `{0}` is neither in `roles` of trainyard.yaml nor a profile, and without an account nobody knows where it is"
    )]
    Nowhere(String),
    #[error(
        "the profile `{0}` asks trainyard for credentials with its credential_process, and trainyard asks the profile"
    )]
    Itself(String),
    #[error("the profile `{profile}` names `{role}` as its role_arn, which is no ARN of a role")]
    BadArn { profile: String, role: String },
}

/// Finds the chain.
///
/// What is wrong with profiles otherwise is left to the SDK, which says it with the first call.
///
/// # Errors
///
/// When the role that is wanted cannot be told.
pub(crate) fn chain(
    profiles: &ProfileSet,
    wish: &SignIn,
    place: Place<'_>,
) -> Result<Chain, ChainError> {
    let wanted = wish
        .role
        .as_ref()
        .map(|role| wanted(profiles, (role, wish), place))
        .transpose()?;
    let (hop, by) = match wanted {
        Some(Wanted { hop, by }) => (Some(hop), by),
        None => (None, None),
    };
    let own = by.and_then(device);
    if place.environment_first {
        return Ok(Chain {
            base: Base::Environment,
            device: own,
            hops: hop.into_iter().collect(),
            detour: None,
        });
    }
    // A profile that names the role may name where it is reached from as well.
    let source = by.and_then(|profile| profile.get("source_profile").map(|_| profile.name()));
    let selected = wish.profile.as_deref().or(source);
    let name = selected.unwrap_or_else(|| profiles.selected_profile());
    let walk = match profiles.get_profile(name) {
        Some(profile) => walk(profiles, profile, wish)?,
        None => Walk::from(whole(name)),
    };
    Ok(joined(walk.unless_named(selected.is_some()), hop, own))
}

/// Puts the role that is wanted where a profile's way ends.
fn joined(walk: Walk, hop: Option<Hop>, own: Option<Device>) -> Chain {
    let Walk { base, device, hops } = walk;
    let device = own.or(device);
    let Some(hop) = hop else {
        // Where no code is needed, the SDK knows the way and what it needs on it.
        let (base, hops) = match device {
            None => (Base::Sdk, Vec::new()),
            Some(_) => (base, hops),
        };
        return Chain {
            base,
            device,
            hops,
            detour: None,
        };
    };
    let mut around = hops;
    if let Some(last) = around.pop_if(|last| last.role == hop.role) {
        // The profile ends with the very role, and says how it is reached.
        around.push(Hop {
            external_id: hop.external_id.or(last.external_id),
            session_name: hop.session_name.or(last.session_name),
            length: hop.length.or(last.length),
            ..hop
        });
        return Chain {
            base,
            device,
            hops: around,
            detour: None,
        };
    }
    let is_detour = around.iter().all(|one| one.role != hop.role) && !around.is_empty();
    around.push(hop.clone());
    Chain {
        base,
        device,
        hops: vec![hop],
        detour: is_detour.then_some(around),
    }
}

fn whole(profile: &str) -> Base {
    Base::Profile(profile.to_owned())
}

/// A role that somebody wants, and the profile that names it.
struct Wanted<'a> {
    hop: Hop,
    by: Option<&'a Profile>,
}

fn wanted<'a>(
    profiles: &'a ProfileSet,
    (role, wish): (&RoleName, &SignIn),
    place: Place<'_>,
) -> Result<Wanted<'a>, ChainError> {
    let plain = |role: RoleArn, named_by: String| Hop {
        role,
        external_id: wish.external_id.clone(),
        session_name: None,
        length: wish.duration,
        named_by,
    };
    match role {
        RoleName::Arn(arn) => Ok(Wanted {
            hop: plain(arn.clone(), "`role`".to_owned()),
            by: None,
        }),
        RoleName::Short(name) => {
            let profile = profiles.get_profile(name);
            if let Some(profile) = profile
                && let Some(mut hop) = hop(profile)?
            {
                hop.length = wish.duration.or(hop.length);
                hop.external_id = wish.external_id.clone().or(hop.external_id);
                return Ok(Wanted {
                    hop,
                    by: Some(profile),
                });
            }
            let account = place
                .account
                .ok_or_else(|| ChainError::Nowhere(name.clone()))?;
            let arn = RoleArn::of_account(account, place.region, name);
            let named_by = format!("`role`, taken for one of the account {account}");
            Ok(Wanted {
                hop: plain(arn, named_by),
                by: None,
            })
        }
    }
}

/// Where the way of a profile begins, and the roles that it goes by.
struct Walk {
    base: Base,
    device: Option<Device>,
    hops: Vec<Hop>,
}

impl From<Base> for Walk {
    fn from(base: Base) -> Self {
        Self {
            base,
            device: None,
            hops: Vec::new(),
        }
    }
}

impl Walk {
    /// Where nobody named a profile, one that holds no keys and names no role may have nothing
    /// but a region in it: the SDK asks it, and then the machine.
    fn unless_named(self, is_named: bool) -> Self {
        let is_bare = self.device.is_none() && self.hops.is_empty();
        match self.base {
            Base::Profile(_) if is_bare && !is_named => Self::from(Base::Sdk),
            Base::Profile(_) | Base::Sdk | Base::Environment | Base::Keys { .. } => self,
        }
    }
}

/// Follows `source_profile` to where credentials are, as the AWS CLI and the SDKs do.
fn walk(profiles: &ProfileSet, first: &Profile, wish: &SignIn) -> Result<Walk, ChainError> {
    let mut profile = first;
    let mut seen = vec![first.name()];
    let mut devices = Vec::new();
    let mut hops = Vec::new();
    let base = loop {
        let is_first = seen.len() == 1;
        devices.extend(device(profile));
        let keys = keys(profile);
        if let (Some(credentials), false) = (&keys, is_first) {
            break of_keys(profile, credentials.clone());
        }
        if asks_us(profile) {
            return Err(ChainError::Itself(profile.name().to_owned()));
        }
        let Some(hop) = hop(profile)? else {
            break match keys {
                Some(credentials) => of_keys(profile, credentials),
                None => whole(profile.name()),
            };
        };
        hops.push(hop);
        match profile.get("source_profile") {
            Some(name) if name == profile.name() => match keys {
                Some(credentials) => break of_keys(profile, credentials),
                None => return Ok(Walk::from(whole(first.name()))),
            },
            Some(name) => match profiles.get_profile(name) {
                Some(next) if !seen.contains(&name) => {
                    seen.push(name);
                    profile = next;
                }
                // A profile that is missing, or a ring: the SDK has words for it.
                Some(_) | None => return Ok(Walk::from(whole(first.name()))),
            },
            // The SDK knows each of the sources; none of them takes a code.
            None => return Ok(Walk::from(whole(first.name()))),
        }
    };
    hops.reverse();
    if let Some(last) = hops.last_mut() {
        last.length = wish.duration.or(last.length);
    }
    Ok(Walk {
        base,
        // The device belongs to the user, who stands at the beginning of the way.
        device: devices.pop(),
        hops,
    })
}

/// Whether a profile runs this very program to be told what this program asks it for.
fn asks_us(profile: &Profile) -> bool {
    let command = profile.get("credential_process").unwrap_or_default();
    let words: Vec<&str> = command.split([' ', '=', '\t']).collect();
    let is_ours = |word: &&str| word.rsplit('/').next() == Some("trainyard");
    let mut named = words
        .iter()
        .skip_while(|word| **word != "--profile")
        .skip(1);
    words.iter().any(is_ours)
        && words.contains(&"login")
        && named.next().is_none_or(|name| *name == profile.name())
}

fn of_keys(profile: &Profile, credentials: Credentials) -> Base {
    Base::Keys {
        profile: profile.name().to_owned(),
        credentials,
    }
}

fn device(profile: &Profile) -> Option<Device> {
    Some(Device {
        serial: profile.get("mfa_serial")?.to_owned(),
        process: profile.get("mfa_process").map(str::to_owned),
    })
}

fn keys(profile: &Profile) -> Option<Credentials> {
    let id = profile.get("aws_access_key_id")?;
    let secret = profile.get("aws_secret_access_key")?;
    let token = profile.get("aws_session_token").map(str::to_owned);
    Some(Credentials::new(id, secret, token, None, "profile"))
}

/// The role that a profile names; one for a web identity is no step, but where a way begins.
fn hop(profile: &Profile) -> Result<Option<Hop>, ChainError> {
    let Some(role) = profile.get("role_arn") else {
        return Ok(None);
    };
    if profile.get("web_identity_token_file").is_some() {
        return Ok(None);
    }
    let seconds = profile.get("duration_seconds");
    let seconds = seconds.and_then(|seconds| seconds.parse().ok());
    Ok(Some(Hop {
        role: role.parse().map_err(|_| ChainError::BadArn {
            profile: profile.name().to_owned(),
            role: role.to_owned(),
        })?,
        external_id: profile.get("external_id").map(str::to_owned),
        session_name: profile.get("role_session_name").map(str::to_owned),
        length: seconds.map(SessionLength::nearest),
        named_by: format!("the profile `{}`", profile.name()),
    }))
}
