//! `ModifyInstanceAttribute`, one attribute a call, and
//! `ModifyNetworkInterfaceAttribute`.

use super::super::groups::check_count;
use super::super::identifiers::{GROUP, INTERFACE};
use super::super::{Call, done};
use super::launch::{shutdown_behavior, user_data};
use crate::local::catalogue::instance_type;
use crate::local::state::{Instance, InstanceState};
use crate::local::wire::{Node, Refusal, Reply};

/// The attributes that have a form of their own: the name of the form, and the
/// name that `Attribute` has for it.
const OWN_FORMS: [(&str, &str); 6] = [
    ("InstanceType", "instanceType"),
    ("UserData", "userData"),
    ("DisableApiTermination", "disableApiTermination"),
    ("DisableApiStop", "disableApiStop"),
    (
        "InstanceInitiatedShutdownBehavior",
        "instanceInitiatedShutdownBehavior",
    ),
    ("EbsOptimized", "ebsOptimized"),
];

/// `ModifyInstanceAttribute`.
pub(in super::super) fn modify_attribute(call: &mut Call) -> Reply {
    let form = call.form.clone();
    let id = form.required("InstanceId")?;
    let groups = checked_groups(call, "GroupId")?;
    let instance = call.known_instance(id)?;
    if instance.state().is_ending() {
        let message = format!("The instance '{id}' is not in a state that can be modified");
        return Err(Refusal::new("IncorrectInstanceState", message));
    }
    let values = values(&form)?;
    let devices = form.items("BlockDeviceMapping");
    let kinds = values.len() + usize::from(!devices.is_empty()) + usize::from(!groups.is_empty());
    match kinds {
        0 => return Err(Refusal::combination("No attributes specified.")),
        1 => {}
        _ => {
            return Err(Refusal::combination(
                "Fields for multiple attribute types specified",
            ));
        }
    }
    if let Some((attribute, value)) = values.first() {
        set(instance, attribute, value)?;
    }
    if !groups.is_empty() {
        if !instance.attached.is_empty() {
            let message = format!(
                "There are multiple interfaces attached to instance '{id}'. Please specify an \
                 interface ID for the operation instead."
            );
            return Err(Refusal::new("InvalidInstanceID", message));
        }
        instance.groups = groups;
    }
    if !devices.is_empty() {
        let id = id.to_owned();
        set_devices(call, &id, &devices)?;
    }
    Ok(done())
}

fn values<'q>(form: &Node<'q>) -> Result<Vec<(&'q str, &'q str)>, Refusal> {
    let mut values: Vec<(&str, &str)> = Vec::new();
    for (field, attribute) in OWN_FORMS {
        if let Some(value) = form.node(field).text("Value") {
            values.push((attribute, value));
        }
    }
    if let Some(attribute) = form.text("Attribute")
        && let Some(value) = form.text("Value")
    {
        let known = OWN_FORMS.iter().any(|(_, name)| *name == attribute);
        if !known {
            return Err(Refusal::value(format!(
                "Value ({attribute}) for parameter attribute is invalid. Unknown attribute."
            )));
        }
        values.push((attribute, value));
    }
    for field in [
        "SourceDestCheck",
        "Kernel",
        "Ramdisk",
        "EnaSupport",
        "SriovNetSupport",
    ] {
        if form.has(field) {
            let message = format!("{field} cannot be modified in the embedded cloud");
            return Err(Refusal::new("UnsupportedOperation", message));
        }
    }
    Ok(values)
}

fn set(instance: &mut Instance, attribute: &str, value: &str) -> Result<(), Refusal> {
    match attribute {
        "instanceType" => {
            stopped(instance)?;
            if instance.spot.is_some() {
                return Err(Refusal::new(
                    "UnsupportedOperation",
                    "The instance type of a spot instance cannot be changed",
                ));
            }
            let kind = instance_type(value).ok_or_else(|| {
                Refusal::value(format!("Invalid value '{value}' for InstanceType."))
            })?;
            if kind.architecture != instance.architecture {
                return Err(Refusal::value(format!(
                    "The instance type '{value}' is not of the architecture '{}'",
                    instance.architecture
                )));
            }
            value.clone_into(&mut instance.kind);
        }
        "userData" => {
            stopped(instance)?;
            let data = user_data(value)?;
            instance.user_data = Some(data).filter(|data| !data.is_empty());
        }
        "disableApiTermination" => {
            let on = flag(value)?;
            if on && instance.spot.is_some() {
                return Err(Refusal::new(
                    "UnsupportedOperation",
                    "A spot instance cannot be protected against termination",
                ));
            }
            instance.protection.termination = on;
        }
        "disableApiStop" => instance.protection.stop = flag(value)?,
        "ebsOptimized" => {
            stopped(instance)?;
            instance.ebs_optimized = flag(value)?;
        }
        _ => instance.shutdown_behavior = shutdown_behavior(value)?,
    }
    Ok(())
}

fn stopped(instance: &Instance) -> Result<(), Refusal> {
    if instance.state() == InstanceState::Stopped {
        return Ok(());
    }
    let message = format!(
        "The instance '{}' is not in the 'stopped' state.",
        instance.id
    );
    Err(Refusal::new("IncorrectInstanceState", message))
}

fn flag(value: &str) -> Result<bool, Refusal> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Refusal::value(format!(
            "Invalid value '{value}'. Expected a boolean."
        ))),
    }
}

/// `ModifyNetworkInterfaceAttribute`: the groups of an interface of an instance.
pub(in super::super) fn modify_interface(call: &mut Call) -> Reply {
    let id = call.form.required("NetworkInterfaceId")?;
    let groups = checked_groups(call, "SecurityGroupId")?;
    if groups.is_empty() {
        return Err(Refusal::combination("No attributes specified."));
    }
    for instance in call.region.instances.values_mut() {
        let ended = instance.state() == InstanceState::Terminated;
        let further = instance.attached.iter_mut();
        let of_further = further
            .filter(|one| one.id == id)
            .map(|one| &mut one.groups);
        let primary = (instance.interface.id == id).then_some(&mut instance.groups);
        let found = primary.into_iter().chain(of_further).next();
        if let Some(there) = found.filter(|_| !ended) {
            *there = groups;
            return Ok(done());
        }
    }
    Err(INTERFACE.unknown(&[id]))
}

fn checked_groups(call: &Call, field: &str) -> Result<Vec<String>, Refusal> {
    let ids = call.form.values(field);
    let ids = GROUP.check_all(&ids, |id| call.region.groups.contains_key(id))?;
    let groups: Vec<String> = ids.into_iter().map(str::to_owned).collect();
    check_count(&groups)?;
    Ok(groups)
}

/// Sets what becomes of attached volumes at termination. A mapping without the
/// value means that it is deleted, as on AWS.
fn set_devices(call: &mut Call, id: &str, mappings: &[Node]) -> Result<(), Refusal> {
    let instance = call.known_instance(id)?;
    let mut wanted = Vec::with_capacity(mappings.len());
    for mapping in mappings {
        let name = mapping.required("DeviceName")?;
        let delete = mapping
            .node("Ebs")
            .flag("DeleteOnTermination")?
            .unwrap_or(true);
        let place = instance
            .devices
            .iter()
            .position(|device| device.device == name);
        let place = place.ok_or_else(|| {
            let message = format!("No device is currently mapped at {name}");
            Refusal::new("InvalidInstanceAttributeValue", message)
        })?;
        wanted.push((place, delete));
    }
    for (place, delete) in wanted {
        let instance = call.known_instance(id)?;
        let Some(device) = instance.devices.get_mut(place) else {
            continue;
        };
        device.delete_on_termination = delete;
        let volume = device.volume.clone();
        if let Some(volume) = call.region.volumes.get_mut(&volume)
            && let Some(attachment) = &mut volume.attachment
        {
            attachment.delete_on_termination = delete;
        }
    }
    Ok(())
}
