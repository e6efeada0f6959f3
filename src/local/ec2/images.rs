//! `DescribeImages`.

use super::Call;
use super::filter::{Field, Filters, maybe, one};
use super::identifiers::IMAGE;
use super::page::Page;
use crate::local::catalogue::{Image, images};
use crate::local::wire::{Refusal, Reply, Xml};

fn fields() -> [Field<Image>; 15] {
    [
        ("image-id", |image| one(&image.id)),
        ("name", |image| one(&image.name)),
        ("description", |image| one(&image.name)),
        ("owner-id", |image| one(&image.owner)),
        ("owner-alias", |image| maybe(image.owner_alias)),
        ("state", |image| one(&image.state)),
        ("architecture", |image| one(&image.architecture)),
        ("is-public", |image| one(image.is_public())),
        ("image-type", |_| one("machine")),
        ("creation-date", |image| one(&image.created)),
        ("root-device-type", |_| one("ebs")),
        ("root-device-name", |image| one(image.root_device)),
        ("virtualization-type", |_| one("hvm")),
        ("hypervisor", |_| one("xen")),
        ("ena-support", |_| one(true)),
    ]
}

/// `DescribeImages`: a deprecated image of somebody else is shown by id, or
/// when deprecated ones are asked for.
pub(super) fn describe(call: &mut Call) -> Reply {
    let fields = fields();
    let filters = Filters::read(&call.form, &fields)?;
    let page = Page::read(call, &(1..=1000))?;
    let ids = call.form.values("ImageId");
    page.refuse_with_ids("imageSet", &ids)?;
    let (account, region) = (call.region.account.clone(), call.region.name.clone());
    let all = images(&account, &region, call.stage);
    for id in &ids {
        IMAGE.check(id)?;
        if !all.iter().any(|image| image.id == *id) {
            return Err(missing(call, id));
        }
    }
    let owners = call.form.values("Owner");
    let deprecated = call.form.flag("IncludeDeprecated")?.unwrap_or(false);
    let found = all
        .iter()
        .filter(|image| ids.is_empty() || ids.contains(&image.id.as_str()))
        .filter(|image| {
            owners.is_empty() || owners.iter().any(|owner| owns(image, owner, &account))
        })
        .filter(|image| {
            image.deprecated.is_none() || deprecated || !ids.is_empty() || image.owner == account
        })
        .filter(|image| filters.accept(*image, call.region.tags_of(&image.id), &fields))
        .map(|image| (image.id.clone(), image))
        .collect();
    let (images, next) = page.cut(found);
    let mut xml = Xml::default();
    xml.list("imagesSet", images, |xml, image| {
        image_xml(xml, image);
        xml.tags(call.region.tags_of(&image.id));
    });
    xml.maybe("nextToken", next);
    Ok(xml)
}

/// The refusal for an image that is not there, or not any more.
pub(super) fn missing(call: &Call, id: &str) -> Refusal {
    if call.stage.deregistered.contains(id) {
        return unavailable(id);
    }
    let message = format!("The image id '[{id}]' does not exist");
    Refusal::new(IMAGE.missing, message)
}

/// The refusal for an image that cannot be launched.
pub(super) fn unavailable(id: &str) -> Refusal {
    let message = format!("The image ID '{id}' is no longer available");
    Refusal::new("InvalidAMIID.Unavailable", message)
}

fn owns(image: &Image, owner: &str, account: &str) -> bool {
    match owner {
        "self" => image.owner == account,
        other => image.owner == other || image.owner_alias == Some(other),
    }
}

fn image_xml(xml: &mut Xml, image: &Image) {
    let alias = image.owner_alias.unwrap_or(&image.owner);
    xml.text("imageId", &image.id)
        .text("imageLocation", format_args!("{alias}/{}", image.name))
        .text("imageState", &image.state)
        .text("imageOwnerId", &image.owner)
        .maybe("imageOwnerAlias", image.owner_alias)
        .text("creationDate", &image.created)
        .maybe("deprecationTime", image.deprecated.as_ref())
        .text("isPublic", image.is_public())
        .text("architecture", &image.architecture)
        .text("imageType", "machine")
        .text("name", &image.name)
        .text("description", &image.name)
        .text("platformDetails", "Linux/UNIX")
        .text("usageOperation", "RunInstances")
        .text("rootDeviceType", "ebs")
        .text("rootDeviceName", image.root_device)
        .text("virtualizationType", "hvm")
        .text("hypervisor", "xen")
        .text("enaSupport", true)
        .text("bootMode", "uefi-preferred")
        .list("blockDeviceMapping", [image], |xml, image| {
            xml.text("deviceName", image.root_device)
                .node("ebs", |xml| {
                    xml.text("snapshotId", &image.snapshot)
                        .text("volumeSize", image.root_size)
                        .text("volumeType", "gp3")
                        .text("deleteOnTermination", true)
                        .text("encrypted", false);
                });
        });
}
