//! The options of the instance metadata service.

use super::super::Call;
use crate::local::state::{InstanceState, MetadataOptions, Tags};
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
    let options = merge(instance.metadata.clone(), &form)?;
    check_tags(&options, call.region.tags_of(id))?;
    let instance = call.known_instance(id)?;
    instance.metadata = options;
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

/// Refuses tags that the metadata service would have to serve and cannot, as
/// their keys are parts of paths (EC2 user guide, view tags using instance
/// metadata).
pub(in super::super) fn check_tags(
    options: &MetadataOptions,
    tags: Option<&Tags>,
) -> Result<(), Refusal> {
    if options.instance_tags != "enabled" {
        return Ok(());
    }
    let bad = tags.into_iter().flat_map(Tags::keys).find(|key| {
        let plain =
            |character: char| character.is_ascii_alphanumeric() || "-_+=,.@:".contains(character);
        !key.chars().all(plain) || matches!(key.as_str(), "." | ".." | "_index")
    });
    bad.map_or(Ok(()), |key| {
        Err(Refusal::value(format!(
            "'{key}' is not a valid tag key. Tag keys must match pattern \
             ([0-9a-zA-Z\\-_+=,.@:]{{1,255}}), and must not be a reserved name ('.', '..', \
             '_index')"
        )))
    })
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
