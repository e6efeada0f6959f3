//! `DescribeInstanceAttribute`.

use super::super::Call;
use crate::local::wire::{Refusal, Reply, Xml, aws_time};

/// `DescribeInstanceAttribute`.
pub(in super::super) fn describe_attribute(call: &mut Call) -> Reply {
    let id = call.form.required("InstanceId")?;
    let attribute = call.form.required("Attribute")?;
    call.known_instance(id)?;
    let Some(instance) = call.instance(id) else {
        return Err(super::super::identifiers::INSTANCE.unknown(&[id]));
    };
    let mut xml = Xml::default();
    xml.text("instanceId", id);
    let mut value = |name: &str, value: String| {
        xml.node(name, |xml| {
            xml.text("value", value);
        });
    };
    match attribute {
        "userData" => match &instance.user_data {
            Some(data) => value(attribute, data.clone()),
            None => {
                xml.node(attribute, |_| {});
            }
        },
        "disableApiTermination" => value(attribute, instance.protection.termination.to_string()),
        "disableApiStop" => value(attribute, instance.protection.stop.to_string()),
        "instanceInitiatedShutdownBehavior" => {
            value(attribute, instance.shutdown_behavior.name().to_owned());
        }
        "instanceType" => value(attribute, instance.kind.clone()),
        "ebsOptimized" => value(attribute, instance.ebs_optimized.to_string()),
        "sourceDestCheck" => value(attribute, true.to_string()),
        "rootDeviceName" => value(attribute, instance.root_device.clone()),
        "groupSet" => {
            xml.list("groupSet", &instance.groups, |xml, group| {
                xml.text("groupId", group)
                    .text("groupName", call.region.group_name(group));
            });
        }
        "blockDeviceMapping" => {
            xml.list("blockDeviceMapping", &instance.devices, |xml, device| {
                xml.text("deviceName", &device.device).node("ebs", |xml| {
                    xml.text("volumeId", &device.volume)
                        .text("status", "attached")
                        .text("attachTime", aws_time(device.attached))
                        .text("deleteOnTermination", device.delete_on_termination);
                });
            });
        }
        other => {
            let message =
                format!("Value ({other}) for parameter attribute is invalid. Unknown attribute.");
            return Err(Refusal::value(message));
        }
    }
    Ok(xml)
}
