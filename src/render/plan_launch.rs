//! What a reviewer wants to know of a launch.

use std::fmt::Write as _;

use super::words::plural;
use crate::plan::Launch;
use crate::resource::{Disk, Instance, Tokens};

/// What a reviewer wants to know of a launch, as the spec names it.
pub(super) fn launch_facts(launch: &Launch) -> Vec<(&'static str, String)> {
    let Instance {
        group: _,
        image,
        instance_type,
        placement,
        iam_profile,
        security_groups,
        key,
        disk,
        volumes,
        metadata,
        user_data,
        protect,
        tags,
        lease,
    } = launch.instance.as_ref();
    let date = launch.image.created.get(..10).unwrap_or("an unknown day");
    let mut facts = vec![
        ("type", instance_type.clone()),
        (
            "image",
            format!(
                "{} ({}, made {date}; asked for {image})",
                launch.image.id, launch.image.name
            ),
        ),
    ];
    if !placement.place().is_empty() {
        facts.push(("placement", placement.place().to_owned()));
    }
    facts.push((
        "disk",
        disk_words(disk.as_ref(), launch.image.root_gibibytes),
    ));
    for (device, disk) in volumes {
        facts.push(("volume", format!("{device} {}", disk_words(Some(disk), 0))));
    }
    if let Some(profile) = iam_profile {
        facts.push(("iam_profile", profile.clone()));
    }
    if !security_groups.is_empty() {
        let names: Vec<&str> = security_groups.iter().map(String::as_str).collect();
        facts.push(("security_groups", names.join(", ")));
    }
    if let Some(key) = key {
        facts.push(("key", key.clone()));
    }
    let tokens = match metadata.tokens {
        Tokens::Required => "IMDSv2 only",
        Tokens::Optional => "IMDSv1 answered too",
    };
    let hops = plural(u64::from(metadata.hop_limit), "hop");
    let metadata = if metadata.enabled {
        format!("{tokens}, {hops}")
    } else {
        "off".to_owned()
    };
    facts.push(("metadata", metadata));
    if let Some(user_data) = user_data {
        facts.push((
            "user_data",
            plural(user_data.lines().count() as u64, "line"),
        ));
    }
    if *protect {
        facts.push(("protect", "true".to_owned()));
    }
    let tags: Vec<String> = tags
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    facts.push(("tags", tags.join(", ")));
    facts.push((
        "lease",
        format!("{lease} from launch, then it powers itself off and is terminated"),
    ));
    facts
}

fn disk_words(disk: Option<&Disk>, smallest: u32) -> String {
    let Some(Disk {
        size,
        kind,
        iops,
        throughput,
        encrypted,
    }) = disk
    else {
        return format!("{smallest} GiB, as the image has it");
    };
    let size = size.map_or_else(|| format!("{smallest} GiB"), |size| size.to_string());
    let mut words = format!("{size} {}", kind.as_str());
    if let Some(iops) = iops {
        write!(words, ", {iops} IOPS").unwrap_or_default();
    }
    if let Some(throughput) = throughput {
        write!(words, ", {throughput}").unwrap_or_default();
    }
    if *encrypted == Some(true) {
        words.push_str(", encrypted");
    }
    words
}
