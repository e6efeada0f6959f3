//! The options of the instance metadata service.

use super::super::Call;
use crate::local::state::{InstanceState, MetadataOptions};
use crate::local::wire::{Node, Refusal, Reply, Xml};

/// `ModifyInstanceMetadataOptions`: what the call does not name stays.
pub(in super::super) fn modify_metadata(call: &mut Call) -> Reply {
    let id = call.form.required("InstanceId")?;
    let form = call.form.clone();
    let instance = call.known_instance(id)?;
    if instance.state().is_ending() {
        let message = format!("The instance '{id}' is not in a state that can be modified");
        return Err(Refusal::new("IncorrectInstanceState", message));
    }
    instance.metadata = merge(instance.metadata.clone(), &form)?;
    let mut xml = Xml::default();
    xml.text("instanceId", id)
        .node("instanceMetadataOptions", |xml| {
            render(xml, &instance.metadata, instance.state());
        });
    Ok(xml)
}

/// Lays what a call names over what there was.
pub(super) fn merge(mut options: MetadataOptions, form: &Node) -> Result<MetadataOptions, Refusal> {
    let choices: [(&str, &mut String, [&str; 2]); 4] = [
        ("HttpTokens", &mut options.tokens, ["optional", "required"]),
        (
            "HttpEndpoint",
            &mut options.endpoint,
            ["enabled", "disabled"],
        ),
        (
            "HttpProtocolIpv6",
            &mut options.protocol_ipv6,
            ["enabled", "disabled"],
        ),
        (
            "InstanceMetadataTags",
            &mut options.instance_tags,
            ["enabled", "disabled"],
        ),
    ];
    for (name, place, allowed) in choices {
        if let Some(value) = form.text(name) {
            if !allowed.contains(&value) {
                return Err(Refusal::value(format!(
                    "Invalid value '{value}' for {name}."
                )));
            }
            value.clone_into(place);
        }
    }
    if let Some(limit) = form.number::<u8>("HttpPutResponseHopLimit")? {
        if !(1..=64).contains(&limit) {
            return Err(Refusal::value(format!(
                "Value ({limit}) for parameter HttpPutResponseHopLimit is invalid. Expecting a \
                 value between 1 and 64."
            )));
        }
        options.hop_limit = limit;
    }
    Ok(options)
}

/// Writes the options.
pub(super) fn render(xml: &mut Xml, options: &MetadataOptions, state: InstanceState) {
    let applied = if state == InstanceState::Pending {
        "pending"
    } else {
        "applied"
    };
    xml.text("state", applied)
        .text("httpTokens", &options.tokens)
        .text("httpPutResponseHopLimit", options.hop_limit)
        .text("httpEndpoint", &options.endpoint)
        .text("httpProtocolIpv6", &options.protocol_ipv6)
        .text("instanceMetadataTags", &options.instance_tags);
}
