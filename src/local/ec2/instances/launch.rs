//! What a launch asks for, read and checked in full before anything is made.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::identifiers::IMAGE;
use super::super::placement_groups::unknown;
use super::super::{Call, profiles, tags};
use super::devices::{self, Device};
use super::metadata;
use super::placement::Placement;
use crate::local::catalogue::{Image, images, instance_type, parameter};
use crate::local::state::{MetadataOptions, PlacementGroup, Protection, ShutdownBehavior, Tags};
use crate::local::wire::{Node, Refusal};

/// The most instances of one call.
const MOST_INSTANCES: u32 = 1000;

/// The most bytes of user data, before base64.
const MOST_USER_DATA: usize = 16_384;

/// The least that the highest price of a spot instance may be, in dollars an hour.
const LEAST_PRICE: f64 = 0.001;

/// The parameters that a launch knows. Anything else is refused rather than
/// taken and forgotten.
const KNOWN: &[&str] = &[
    "Action",
    "Version",
    "BlockDeviceMapping",
    "ClientToken",
    "DisableApiStop",
    "DisableApiTermination",
    "DryRun",
    "EbsOptimized",
    "IamInstanceProfile",
    "ImageId",
    "InstanceInitiatedShutdownBehavior",
    "InstanceMarketOptions",
    "InstanceType",
    "KeyName",
    "MaxCount",
    "MetadataOptions",
    "MinCount",
    "Monitoring",
    "NetworkInterface",
    "Placement",
    "SecurityGroup",
    "SecurityGroupId",
    "SubnetId",
    "TagSpecification",
    "UserData",
];

/// What a launch asks for.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub(super) least: u32,
    pub(super) most: u32,
    pub(super) image: Image,
    pub(super) instance_type: String,
    pub(super) key: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) user_data: Option<String>,
    pub(super) devices: Vec<Device>,
    pub(super) tags: BTreeMap<String, Tags>,
    pub(super) metadata: MetadataOptions,
    pub(super) protection: Protection,
    pub(super) shutdown_behavior: ShutdownBehavior,
    pub(super) ebs_optimized: bool,
    pub(super) monitoring: bool,
    pub(super) market: Option<Market>,
    pub(super) placement: Placement,
    pub(super) group: Option<PlacementGroup>,
}

/// The terms of a spot launch.
#[derive(Clone, Debug)]
pub(super) struct Market {
    pub(super) max_price: Option<String>,
    pub(super) interruption: String,
    pub(super) persistent: bool,
}

/// Reads and checks a launch.
pub(super) fn read(call: &Call, placement: Placement) -> Result<Launch, Refusal> {
    let form = &call.form;
    refuse_unknown(call)?;
    let (least, most) = counts(form)?;
    let image = image(call)?;
    let instance_type = checked_type(form, &image)?;
    let group = group(call, &instance_type)?;
    let behavior = form
        .text("InstanceInitiatedShutdownBehavior")
        .unwrap_or("stop");
    let market = market(form)?;
    let tags = tags::specifications(
        form,
        &[
            "instance",
            "volume",
            "network-interface",
            "spot-instances-request",
        ],
    )?;
    let metadata = metadata::merge(MetadataOptions::default(), &form.node("MetadataOptions"))?;
    metadata::check_tags(&metadata, tags.get("instance"))?;
    Ok(Launch {
        least,
        most,
        devices: devices::read(form, &image)?,
        image,
        instance_type,
        key: key(call)?,
        profile: form
            .has("IamInstanceProfile")
            .then(|| profiles::read(call, &form.node("IamInstanceProfile")))
            .transpose()?,
        user_data: form.text("UserData").map(user_data).transpose()?,
        tags,
        metadata,
        protection: Protection {
            termination: form.flag("DisableApiTermination")?.unwrap_or(false),
            stop: form.flag("DisableApiStop")?.unwrap_or(false),
        },
        shutdown_behavior: shutdown_behavior(behavior)?,
        ebs_optimized: form.flag("EbsOptimized")?.unwrap_or(false),
        monitoring: form.node("Monitoring").flag("Enabled")?.unwrap_or(false),
        market,
        placement,
        group,
    })
}

fn refuse_unknown(call: &Call) -> Result<(), Refusal> {
    let unknown = call.query.fields().find(|(name, _)| {
        let top = name.split('.').next().unwrap_or(name);
        !KNOWN.contains(&top)
    });
    match unknown {
        None => Ok(()),
        Some((name, _)) => Err(Refusal::new(
            "UnsupportedOperation",
            format!("The parameter {name} is not known to the embedded cloud"),
        )),
    }
}

fn counts(form: &Node) -> Result<(u32, u32), Refusal> {
    let read = |name: &str| {
        form.required(name)?;
        let count = form.number::<u32>(name)?.unwrap_or(0);
        if count == 0 {
            return Err(Refusal::value(format!(
                "Value (0) for parameter {name} is invalid. Minimum value is 1."
            )));
        }
        Ok(count)
    };
    let (least, most) = (read("MinCount")?, read("MaxCount")?);
    if least > most {
        return Err(Refusal::combination(format!(
            "MinCount ({least}) must not exceed MaxCount ({most})"
        )));
    }
    if least > MOST_INSTANCES {
        return Err(Refusal::new(
            "InstanceLimitExceeded",
            format!("You have requested more instances ({least}) than {MOST_INSTANCES}."),
        ));
    }
    Ok((least, most.min(MOST_INSTANCES)))
}

fn image(call: &Call) -> Result<Image, Refusal> {
    let named = call.form.required("ImageId")?;
    let id = match named.strip_prefix("resolve:ssm:") {
        None => named.to_owned(),
        Some(path) => parameter(&call.region.name, path, call.stage)
            .ok_or_else(|| Refusal::value(format!("Parameter {path} could not be found")))?,
    };
    IMAGE.check(&id)?;
    let image = images(&call.region.account, &call.region.name, call.stage)
        .into_iter()
        .find(|image| image.id == id)
        .ok_or_else(|| super::super::images::missing(call, &id))?;
    if image.state == "available" {
        Ok(image)
    } else {
        Err(super::super::images::unavailable(&id))
    }
}

fn checked_type(form: &Node, image: &Image) -> Result<String, Refusal> {
    let name = form.text("InstanceType").unwrap_or("m5.large");
    let kind = instance_type(name)
        .ok_or_else(|| Refusal::value(format!("Invalid value '{name}' for InstanceType.")))?;
    if kind.architecture == image.architecture {
        return Ok(name.to_owned());
    }
    Err(Refusal::value(format!(
        "The architecture '{}' of the specified instance type does not match the architecture \
         '{}' of the specified AMI. Specify an instance type and an AMI that have matching \
         architectures, and try again.",
        kind.architecture, image.architecture
    )))
}

fn group(call: &Call, kind: &str) -> Result<Option<PlacementGroup>, Refusal> {
    let form = call.form.node("Placement");
    let mut groups = call.region.placement_groups.values();
    let group = match (form.text("GroupName"), form.text("GroupId")) {
        (None | Some(""), None) => return Ok(None),
        (Some(name), None) => groups
            .find(|group| group.name == name)
            .ok_or_else(|| unknown(name))?,
        (None, Some(id)) => groups
            .find(|group| group.id == id)
            .ok_or_else(|| unknown(id))?,
        (Some(_), Some(_)) => {
            return Err(Refusal::combination(
                "Specify the name or the id of a placement group, not both",
            ));
        }
    };
    let able =
        instance_type(kind).is_none_or(|kind| kind.strategies().contains(&group.strategy.name()));
    if able {
        return Ok(Some(group.clone()));
    }
    Err(Refusal::value(format!(
        "Cluster placement groups are not supported by the '{kind}' instance type. Specify a \
         supported instance type or change the placement group strategy, and try again."
    )))
}

fn key(call: &Call) -> Result<Option<String>, Refusal> {
    let Some(name) = call.form.text("KeyName") else {
        return Ok(None);
    };
    if call.region.keys.contains_key(name) {
        return Ok(Some(name.to_owned()));
    }
    let message = format!("The key pair '{name}' does not exist");
    Err(Refusal::new("InvalidKeyPair.NotFound", message))
}

fn market(form: &Node) -> Result<Option<Market>, Refusal> {
    let options = form.node("InstanceMarketOptions");
    match options.text("MarketType") {
        None => return Ok(None),
        Some("spot") => {}
        Some(other) => {
            return Err(Refusal::value(format!(
                "Invalid value '{other}' for MarketType."
            )));
        }
    }
    if form.flag("DisableApiTermination")? == Some(true) {
        return Err(Refusal::combination(
            "disableApiTermination is not supported for spot instances",
        ));
    }
    let spot = options.node("SpotOptions");
    let persistent = match spot.text("SpotInstanceType") {
        None | Some("one-time") => false,
        Some("persistent") => true,
        Some(other) => {
            return Err(Refusal::value(format!(
                "Invalid value '{other}' for SpotInstanceType."
            )));
        }
    };
    Ok(Some(Market {
        max_price: spot.text("MaxPrice").map(price).transpose()?,
        interruption: interruption(&spot, persistent)?,
        persistent,
    }))
}

/// Reads what becomes of an interrupted instance. A launch that persists may
/// not end with it (EC2 API reference, `SpotMarketOptions`).
fn interruption(spot: &Node, persistent: bool) -> Result<String, Refusal> {
    let behavior = spot
        .text("InstanceInterruptionBehavior")
        .unwrap_or("terminate");
    match (behavior, persistent) {
        ("terminate", false) | ("stop" | "hibernate", true) => Ok(behavior.to_owned()),
        ("terminate", true) => Err(Refusal::combination(
            "A persistent spot request supports the interruption behaviors stop and hibernate \
             only",
        )),
        ("stop" | "hibernate", false) => Err(Refusal::combination(
            "A one-time spot request supports the interruption behavior terminate only",
        )),
        (other, _) => Err(Refusal::value(format!(
            "Invalid value '{other}' for InstanceInterruptionBehavior."
        ))),
    }
}

/// Checks the highest price (EC2 API reference, `SpotMarketOptions`).
fn price(text: &str) -> Result<String, Refusal> {
    let enough = text
        .parse::<f64>()
        .is_ok_and(|price| price.is_finite() && price >= LEAST_PRICE);
    if enough {
        return Ok(text.to_owned());
    }
    Err(Refusal::value(format!(
        "Invalid value '{text}' for MaxPrice. Expecting a price of at least {LEAST_PRICE}."
    )))
}

/// Reads the name of a shutdown behaviour.
pub(super) fn shutdown_behavior(name: &str) -> Result<ShutdownBehavior, Refusal> {
    match name {
        "stop" => Ok(ShutdownBehavior::Stop),
        "terminate" => Ok(ShutdownBehavior::Terminate),
        other => Err(Refusal::value(format!(
            "Invalid value '{other}' for InstanceInitiatedShutdownBehavior."
        ))),
    }
}

/// Checks user data: base64, not too long. What is kept is what was sent.
pub(super) fn user_data(text: &str) -> Result<String, Refusal> {
    let packed: String = text.split_ascii_whitespace().collect();
    let raw = STANDARD
        .decode(packed)
        .map_err(|_| Refusal::value("Invalid BASE64 encoding of user data."))?;
    if raw.len() > MOST_USER_DATA {
        return Err(Refusal::value(format!(
            "User data is limited to {MOST_USER_DATA} bytes"
        )));
    }
    Ok(text.to_owned())
}
