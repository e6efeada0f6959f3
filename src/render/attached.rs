//! What somebody attached by hand, in words.

use super::words::gibibytes_words;
use crate::resource::{Attached, AttachedKind, Region};

/// What it is, whose it is not, what it costs, and how to be rid of it.
pub fn attached_words(attached: &Attached, region: &Region) -> String {
    let Attached {
        address,
        instance,
        what,
    } = attached;
    let (name, remedy) = match what {
        AttachedKind::Volume {
            device,
            volume: Some((id, size)),
        } => (
            format!(
                "{id} ({}, {device} of {address}, {instance})",
                gibibytes_words(u64::from(*size))
            ),
            format!("`aws ec2 delete-volume --region {region} --volume-id {id}` deletes it"),
        ),
        AttachedKind::Volume {
            device,
            volume: None,
        } => (
            format!("the volume that is {device} of {address} ({instance})"),
            "look for it among the volumes that are attached to nothing".to_owned(),
        ),
        AttachedKind::ElasticAddress {
            public_address,
            allocation,
        } => (
            format!(
                "the elastic address {public_address}{} (of {address}, {instance})",
                allocation
                    .as_deref()
                    .map_or_else(String::new, |id| format!(" {id}"))
            ),
            match allocation {
                Some(id) => format!(
                    "`aws ec2 release-address --region {region} --allocation-id {id}` gives it up"
                ),
                None => format!(
                    "`aws ec2 describe-addresses --region {region} --public-ips {public_address}` tells the id that `aws ec2 release-address` takes"
                ),
            },
        ),
    };
    format!(
        "{name} is not Trainyard's: it stays when the instance ends, and goes on costing money; {remedy}"
    )
}
