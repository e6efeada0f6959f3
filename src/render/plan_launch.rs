//! What a reviewer wants to know of a launch.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::words::plural;
use crate::plan::Launch;
use crate::resource::{
    Disk, ImageSelector, Instance, MachineSelector, Market, Metadata, Placement, Price, Rejected,
    Ssh, Tokens,
};

/// What a reviewer wants to know of a launch, as the spec names it.
pub(super) fn launch_facts(launch: &Launch) -> Vec<(&'static str, String)> {
    let Instance {
        group: _,
        image,
        machine,
        market,
        max_price,
        wait,
        placement,
        cluster,
        distributed,
        public_address,
        iam_profile,
        security_groups,
        key,
        ssh,
        disk,
        volumes,
        metadata,
        user_data,
        protect,
        tags,
        lease,
    } = launch.instance.as_ref();
    let mut facts = Facts(Vec::new());
    machine_facts(&mut facts, launch, machine);
    facts.push_if("market", market_words(*market, *max_price));
    facts.push_if("zone", zone_words(launch));
    facts.push("image", image_words(launch, image));
    place_facts(&mut facts, launch, (placement, *cluster));
    facts.push(
        "disk",
        disk_words(disk.as_ref(), launch.image.root_gibibytes),
    );
    for (device, disk) in volumes {
        facts.push("volume", format!("{device} {}", disk_words(Some(disk), 0)));
    }
    facts.push_if("iam_profile", iam_profile.clone());
    facts.push_if("security_groups", group_words(launch, security_groups));
    facts.push_if("key", key.clone().or_else(|| launch.key.clone()));
    facts.push_if("ssh", ssh.as_ref().map(ssh_words));
    let word = |public: bool| if public { "yes" } else { "no" };
    let public = public_address.map(|public| word(public).to_owned());
    facts.push_if("public_address", public);
    facts.push("metadata", metadata_words(*metadata));
    if *distributed {
        facts.push(
            "distributed",
            "the members learn one another's addresses".to_owned(),
        );
    }
    let lines = user_data.as_ref().map(|text| text.lines().count() as u64);
    facts.push_if("user_data", lines.map(|lines| plural(lines, "line")));
    facts.push_if("protect", protect.then(|| "true".to_owned()));
    let tags: Vec<String> = tags
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    facts.push("tags", tags.join(", "));
    let waited = wait.map_or_else(String::new, |wait| {
        format!("; waiting for capacity, at most {wait}, is taken off it")
    });
    facts.push(
        "lease",
        format!("{lease} from launch, then it powers itself off and is terminated{waited}"),
    );
    facts.0
}

/// Where they are launched, and whether close together.
fn place_facts(facts: &mut Facts, launch: &Launch, (placement, cluster): (&Placement, bool)) {
    let place = placement.place();
    facts.push_if("placement", (!place.is_empty()).then(|| place.to_owned()));
    if cluster {
        let name = launch.placement_group.as_deref();
        let name = name.unwrap_or("one of its own");
        facts.push("placement", format!("close together, in the group {name}"));
    }
}

fn group_words(launch: &Launch, asked: &BTreeSet<String>) -> Option<String> {
    let own = launch.instance.needs_own_security_group();
    let names: Vec<&str> = asked
        .iter()
        .map(String::as_str)
        .chain(own.then_some("one of its own"))
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn ssh_words(ssh: &Ssh) -> String {
    let from: Vec<String> = ssh.from.iter().map(ToString::to_string).collect();
    format!("from {}", from.join(", "))
}

struct Facts(Vec<(&'static str, String)>);

impl Facts {
    fn push(&mut self, name: &'static str, value: String) {
        self.0.push((name, value));
    }

    fn push_if(&mut self, name: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.push(name, value);
        }
    }
}

/// How many rejected types a plan for people names.
const MOST_REJECTED: usize = 5;

/// The types that are tried, in order, and those that are not, and why.
fn machine_facts(facts: &mut Facts, launch: &Launch, machine: &MachineSelector) {
    let mut types: Vec<&str> = Vec::new();
    for candidate in &launch.candidates {
        if !types.contains(&candidate.instance_type.as_str()) {
            types.push(&candidate.instance_type);
        }
    }
    let asked = match machine {
        MachineSelector::Types(_) => String::new(),
        MachineSelector::Need(need) => format!("  (for {need})"),
    };
    facts.push("type", format!("{}{asked}", types.join(", else ")));
    for rejected in launch.rejected.iter().take(MOST_REJECTED) {
        let Rejected { what, why } = rejected;
        let text = if why.contains(what.as_str()) {
            why.clone()
        } else {
            format!("{what}: {why}")
        };
        facts.push("not tried", text);
    }
    if launch.rejected.len() > MOST_REJECTED {
        let more = launch.rejected.len() - MOST_REJECTED;
        facts.push(
            "not tried",
            format!("and {more} more; `--format json` lists them all"),
        );
    }
    let all = launch.identity.ordinals.len();
    if launch.least as usize != all {
        facts.push("min", format!("{} of {all} will do", launch.least));
    }
}

/// How they are bought; on demand goes without saying.
fn market_words(market: Market, max_price: Option<Price>) -> Option<String> {
    if market == Market::OnDemand {
        return None;
    }
    let price = max_price.map_or_else(String::new, |price| format!(", at most {price} an hour"));
    Some(format!("{}{price}", market.word()))
}

/// Where the first type is asked for, in order.
fn zone_words(launch: &Launch) -> Option<String> {
    let first = launch.candidates.first()?;
    let same = launch
        .candidates
        .iter()
        .filter(|one| (&one.instance_type, one.purchase) == (&first.instance_type, first.purchase));
    let zones: Vec<&str> = same
        .map(|one| one.zone.as_deref().unwrap_or("wherever EC2 has room"))
        .collect();
    (zones.len() > 1).then(|| zones.join(", then "))
}

fn image_words(launch: &Launch, asked: &ImageSelector) -> String {
    let image = &launch.image;
    format!(
        "{} ({}, {}, made {}; asked for {asked})",
        image.id,
        image.name,
        image.architecture,
        image.day()
    )
}

fn metadata_words(metadata: Metadata) -> String {
    let Metadata {
        tokens,
        hop_limit,
        enabled,
    } = metadata;
    let tokens = match tokens {
        Tokens::Required => "IMDSv2 only",
        Tokens::Optional => "IMDSv1 answered too",
    };
    if enabled {
        format!("{tokens}, {}", plural(u64::from(hop_limit), "hop"))
    } else {
        "off".to_owned()
    }
}

fn disk_words(disk: Option<&Disk>, smallest: u32) -> String {
    let Some(Disk {
        size,
        kind,
        iops,
        throughput,
        encrypted,
        keep,
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
    if *keep {
        words.push_str(", kept when the instance ends");
    }
    words
}
