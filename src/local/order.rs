//! The orders of a test that change the world: what AWS or somebody else would do.
//!
//! - `POST profiles`: `{"name": "late"}`.
//! - `POST capacity`: `[{"type": "p3.2xlarge", "zone": "us-east-1a", "market": "spot",
//!   "code": "InsufficientInstanceCapacity", "left": 2, "unpinned": true}]`, where
//!   every key may be left out; `DELETE capacity` takes all of them back.
//! - `POST images`: `{"name": "n", "created": "2026-01-01T00:00:00.000Z"}`, and
//!   `state`, `deprecated`, `owner`, `architecture`; or `{"deregister": "ami-1"}`.
//! - `POST parameters`: `{"name": "/aws/service/n", "value": "ami-1"}`.
//! - `POST interfaces`: `{"group": "sg-1", "description": "AWS Lambda VPC ENI"}`;
//!   `DELETE interfaces` takes all of them away.
//! - `POST attachments`: `{"instance": "i-1", "group": "sg-1"}`, one more interface.
//! - `POST outages`: `[{"zone": "us-east-1a"}]`: while a zone is impaired, instances and
//!   volumes of its region are told by id only, and nothing is launched in it;
//!   `DELETE outages` repairs all of them.
//! - `POST protections`: `{"instance": "i-1", "termination": true, "stop": false}`.
//! - `POST ends`: `{"instance": "i-1"}`: AWS takes it back if it is a spot instance, and
//!   somebody terminates it otherwise.
//! - `POST fails`: `{"code": "Client.VolumeLimitExceeded", "left": 2}`: so many of the
//!   next instances never run and end with that reason; `DELETE fails` spares the rest.
//! - `POST devices`: `{"serial": "arn:aws:iam::123456789012:mfa/alex", "seed":
//!   "JBSWY3DPEHPK3PXP"}`: the codes of this MFA device follow RFC 6238 (SHA-1, 30 s, six
//!   digits), one step off either way is forgiven, and each works once. Any code but
//!   `000000` works, once, for a device that nobody registered.
//! - `POST users`: `{"key": "AKIAALEX0000000000000", "name": "alex", "session_tokens":
//!   false}`: whose the access key is, and whether it may call `GetSessionToken`, as it
//!   may when that is left out.
//! - `POST roles`: `{"arn": "arn:aws:iam::123456789012:role/team/play", "longest": 3600,
//!   "mfa": true, "mfa_age": 3600, "external_id": "x", "trusts":
//!   ["arn:aws:iam::123456789012:user/alex"]}`, where every key but `arn` may be left
//!   out: the longest session in seconds (12 h), whether a code of an MFA device must
//!   have been given, at most how many seconds ago, the external id, and the principals
//!   that may assume it (everybody): ARNs of users, roles and sessions,
//!   `arn:aws:iam::123456789012:root` for an account, or `*`. A role that nobody
//!   registered lets everybody in.
//! - `POST retag`: `{"resource": "i-1", "set": {"key": "value"}, "remove": ["other"]}`.

use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::meddling::{End, Protect, Retag};
use super::registration::{NewDevice, NewRole, NewUser};
use super::state::{AttachedInterface, Failing, Published, Region, Shortage, Stage, World};

/// An order, as the control endpoint takes it.
#[derive(Debug)]
pub(super) enum Order {
    /// Makes an instance profile known, as IAM would.
    Profile(String),
    /// Adds to what cannot be launched.
    Capacity(Vec<Shortage>),
    /// Makes everything launchable again.
    AllCapacity,
    /// Publishes an image.
    Publish(Published),
    /// Takes an image away.
    Deregister(String),
    /// Sets a public parameter.
    Parameter(Parameter),
    /// Makes an interface of a service.
    Interface(Interface),
    /// Gives an instance one more network interface.
    Attachment(Attachment),
    /// Takes the interfaces of services away.
    NoInterfaces,
    /// Impairs zones.
    Outages(Vec<Outage>),
    /// Repairs every zone.
    NoOutages,
    /// Protects an instance.
    Protect(Protect),
    /// Ends an instance.
    End(End),
    /// Lets launches fail on their way.
    Fail(Failing),
    /// Lets no launch fail any more.
    NoFailures,
    /// Edits tags.
    Retag(Retag),
    /// Registers an MFA device.
    Device(NewDevice),
    /// Gives an access key to a user.
    User(NewUser),
    /// Registers a role.
    Role(NewRole),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    name: String,
}

/// A zone that is impaired.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outage {
    zone: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attachment {
    instance: String,
    group: String,
}

/// What is to become of an image.
#[derive(Deserialize)]
#[serde(untagged)]
enum ImageOrder {
    Deregister(Deregister),
    Publish(Published),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deregister {
    deregister: String,
}

/// A public parameter of SSM and the image that it names from now on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameter {
    name: String,
    value: String,
}

/// A network interface of a service that holds a security group.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Interface {
    group: String,
    #[serde(default)]
    description: String,
}

impl Order {
    /// Reads an order; nothing when there is none of this kind.
    pub(super) fn read(path: &str, method: &Method, body: &[u8]) -> Option<Result<Self, String>> {
        let order = match (path, method.as_str()) {
            ("profiles", "POST") => parse(body, |Profile { name }| Self::Profile(name)),
            ("capacity", "POST") => parse(body, Self::Capacity),
            ("capacity", "DELETE") => Ok(Self::AllCapacity),
            ("images", "POST") => parse(body, |order| match order {
                ImageOrder::Deregister(Deregister { deregister }) => Self::Deregister(deregister),
                ImageOrder::Publish(image) => Self::Publish(image),
            }),
            ("parameters", "POST") => parse(body, Self::Parameter),
            ("interfaces", "POST") => parse(body, Self::Interface),
            ("attachments", "POST") => parse(body, Self::Attachment),
            ("interfaces", "DELETE") => Ok(Self::NoInterfaces),
            ("outages", "POST") => parse(body, Self::Outages),
            ("outages", "DELETE") => Ok(Self::NoOutages),
            ("protections", "POST") => parse(body, Self::Protect),
            ("ends", "POST") => parse(body, Self::End),
            ("fails", "POST") => parse(body, Self::Fail),
            ("fails", "DELETE") => Ok(Self::NoFailures),
            ("retag", "POST") => parse(body, Self::Retag),
            ("devices", "POST") => parse(body, Self::Device),
            ("users", "POST") => parse(body, Self::User),
            ("roles", "POST") => parse(body, Self::Role),
            _ => return None,
        };
        Some(order)
    }

    /// Carries the order out, and gives its answer.
    pub(super) fn carry_out(self, world: &mut World, now: Timestamp) -> Result<Value, String> {
        match self {
            Self::Profile(name) => {
                world.profiles.insert(name);
            }
            Self::Capacity(shortages) => world.stage.capacity.extend(shortages),
            Self::AllCapacity => world.stage.capacity.clear(),
            Self::Publish(image) => return publish(&mut world.stage, image),
            Self::Deregister(id) => {
                world.stage.deregistered.insert(id);
            }
            Self::Parameter(Parameter { name, value }) => {
                world.stage.parameters.insert(name, value);
            }
            Self::Interface(interface) => return hold(world, &interface),
            Self::Attachment(attachment) => return attach(world, attachment),
            Self::NoInterfaces => world
                .all_regions()
                .for_each(Region::remove_managed_interfaces),
            Self::Outages(outages) => {
                let zones = outages.into_iter().map(|Outage { zone }| zone);
                world.stage.impaired.extend(zones);
            }
            Self::NoOutages => world.stage.impaired.clear(),
            Self::Protect(protect) => return protect.carry_out(world),
            Self::End(end) => return end.carry_out(world, now),
            Self::Fail(failing) => world.stage.failing.push(failing),
            Self::NoFailures => world.stage.failing.clear(),
            Self::Retag(retag) => return retag.carry_out(world),
            Self::Device(device) => return device.carry_out(world),
            Self::User(user) => return user.carry_out(world),
            Self::Role(role) => return role.carry_out(world),
        }
        Ok(json!({}))
    }
}

fn hold(world: &mut World, interface: &Interface) -> Result<Value, String> {
    let Interface { group, description } = interface;
    let id = world
        .all_regions()
        .find(|region| region.groups.contains_key(group))
        .and_then(|region| region.add_managed_interface(group, description));
    let id = id.ok_or_else(|| format!("there is no security group {group}"))?;
    Ok(json!({"id": id}))
}

fn attach(world: &mut World, attachment: Attachment) -> Result<Value, String> {
    let Attachment { instance, group } = attachment;
    let region = world
        .all_regions()
        .find(|region| region.instances.contains_key(&instance));
    let id = region.and_then(|region| {
        let id = region.mint("eni");
        let instance = region.instances.get_mut(&instance)?;
        instance.attached.push(AttachedInterface {
            id: id.clone(),
            groups: vec![group],
        });
        Some(id)
    });
    let id = id.ok_or_else(|| format!("there is no instance {instance}"))?;
    Ok(json!({"id": id}))
}

fn publish(stage: &mut Stage, image: Published) -> Result<Value, String> {
    let id = image.id();
    if stage.images.iter().any(|known| known.id() == id) {
        return Err(format!("an image {:?} was published already", image.name));
    }
    stage.images.push(image);
    Ok(json!({"id": id}))
}

fn parse<T: DeserializeOwned>(
    body: &[u8],
    order: impl FnOnce(T) -> Order,
) -> Result<Order, String> {
    let read = serde_json::from_slice(body);
    read.map(order).map_err(|error| error.to_string())
}
