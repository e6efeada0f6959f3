//! Looking up what a spec names, all at once and before anything is changed.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::VolumeModificationState;

use super::connect::Clients;
use super::error::{CloudError, CloudErrorKind};
use super::lookup_image::Images;
use super::translate::filter;
use super::{lookup_image, lookup_machine};
use crate::plan::{FoundSecurityGroup, Resolution, Subnet, Wanted, Whereabouts};

/// Something that a spec names and AWS does not have, or that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The keys that lead to it in the spec.
    pub path: Vec<String>,
    /// Whether it exists but does not fit.
    pub exists: bool,
    /// What is wrong.
    pub summary: String,
    /// What to do.
    pub help: Option<String>,
}

impl Finding {
    /// Something in a group that AWS does not have.
    pub(super) fn missing(group: &str, keys: &[&str], summary: String) -> Self {
        let path = ["instances", group]
            .iter()
            .chain(keys)
            .map(|key| (*key).to_owned())
            .collect();
        Self {
            path,
            exists: false,
            summary,
            help: None,
        }
    }

    /// The same with a remedy.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Looks up everything that is wanted.
///
/// The requests do not grow with the number of instances: one for each sort of
/// thing that is named at all. An image that is known is not asked for again.
///
/// # Errors
///
/// When AWS cannot be asked. What it does not have is a finding, not an error.
pub async fn look_up(
    clients: &Clients,
    wanted: &Wanted,
    known: &Images,
) -> Result<(Resolution, Vec<Finding>), CloudError> {
    let mut found = Vec::new();
    let mut untold = Vec::new();
    let machines = lookup_machine::machines(clients, wanted, &mut untold).await?;
    let images = lookup_image::images(clients, wanted, known, &mut found).await?;
    let subnets = subnets(clients, &wanted.subnets, &mut found).await?;
    keys(clients, &wanted.keys, &mut found).await?;
    let resolution = Resolution {
        images,
        security_groups: security_groups(clients, wanted).await?,
        machines,
        subnets,
        default_network: default_network(clients, wanted).await?,
        fixed_volumes: fixed_volumes(clients, wanted, &mut untold).await?,
        untold,
    };
    for ((name, place), group) in &wanted.security_groups {
        let wrong = unusable(clients, &resolution, (name, place));
        found.extend(wrong.map(|(exists, summary, help)| {
            let finding = Finding::missing(group, &["security_groups"], summary).help(help);
            Finding { exists, ..finding }
        }));
    }
    Ok((resolution, found))
}

/// The default network, where it matters; an account can be without one.
async fn default_network(clients: &Clients, wanted: &Wanted) -> Result<Option<String>, CloudError> {
    let mut places = wanted.security_groups.keys().map(|(_, place)| place);
    if !wanted.default_network && !places.any(|place| *place == Whereabouts::Default) {
        return Ok(None);
    }
    let answer = clients
        .ec2
        .describe_vpcs()
        .filters(filter("is-default", ["true"]))
        .send()
        .await
        .map_err(|error| CloudError::from_sdk("look up the default network", &error));
    let answer = match answer {
        // Groups that somebody else made are only checked against it.
        Err(error) if error.kind == CloudErrorKind::Denied && !wanted.default_network => {
            return Ok(None);
        }
        answer => answer?,
    };
    let network = answer.vpcs().first();
    Ok(network.and_then(|network| network.vpc_id().map(str::to_owned)))
}

/// Volumes that are still being changed: EC2 takes the next change when that is done
/// (EC2 API, `ModifyVolume`).
async fn fixed_volumes(
    clients: &Clients,
    wanted: &Wanted,
    untold: &mut Vec<String>,
) -> Result<BTreeMap<String, String>, CloudError> {
    const AT_ONCE: usize = 200;
    let ids: Vec<&String> = wanted.changed_volumes.iter().collect();
    let mut fixed = BTreeMap::new();
    for chunk in ids.chunks(AT_ONCE) {
        let answer = clients
            .ec2
            .describe_volumes_modifications()
            .filters(filter("volume-id", chunk))
            .send()
            .await
            .map_err(|error| CloudError::from_sdk("look up changes of disks", &error));
        let answer = match answer {
            // EC2 refuses a change that comes too early, and nothing is lost by it.
            Err(error) if error.kind == CloudErrorKind::Denied => {
                untold.push(format!("{error}; a disk may not take a change yet"));
                return Ok(fixed);
            }
            answer => answer?,
        };
        for change in answer.volumes_modifications() {
            let state = change
                .modification_state()
                .map(VolumeModificationState::as_str);
            let open = matches!(state, Some("modifying" | "optimizing"));
            if let (Some(id), true) = (change.volume_id(), open) {
                let done = change.progress().unwrap_or(0);
                let why = format!(
                    "an earlier change of {id} to be done ({}, {done} %)",
                    state.unwrap_or_default()
                );
                fixed.insert(id.to_owned(), why);
            }
        }
    }
    Ok(fixed)
}

async fn security_groups(
    clients: &Clients,
    wanted: &Wanted,
) -> Result<BTreeMap<String, Vec<FoundSecurityGroup>>, CloudError> {
    let wished: BTreeSet<&String> = wanted
        .security_groups
        .keys()
        .map(|(name, _)| name)
        .collect();
    let (ids, names): (Vec<&String>, Vec<&String>) =
        wished.into_iter().partition(|name| name.starts_with("sg-"));
    let mut found: BTreeMap<String, Vec<FoundSecurityGroup>> = BTreeMap::new();
    for (key, values) in [("group-id", ids), ("group-name", names)] {
        if values.is_empty() {
            continue;
        }
        let answer = clients
            .ec2
            .describe_security_groups()
            .filters(filter(key, values))
            .send()
            .await
            .map_err(|error| CloudError::from_sdk("look up security groups", &error))?;
        for group in answer.security_groups() {
            let Some(id) = group.group_id() else { continue };
            let name = if key == "group-id" {
                id
            } else {
                group.group_name().unwrap_or_default()
            };
            let groups = found.entry(name.to_owned()).or_default();
            groups.push(FoundSecurityGroup {
                id: id.to_owned(),
                network: group.vpc_id().map(str::to_owned),
            });
        }
    }
    Ok(found)
}

/// Why a security group cannot be worn where it is to be, with what to do; and whether it exists.
///
/// EC2 would say so at the launch, when what the launch replaces is gone.
fn unusable(
    clients: &Clients,
    resolution: &Resolution,
    (name, place): (&str, &Whereabouts),
) -> Option<(bool, String, String)> {
    let network = resolution.network_of(place);
    if resolution.security_group(name, network).is_some() {
        return None;
    }
    let all = resolution.security_groups.get(name);
    let all = all.map(Vec::as_slice).unwrap_or_default();
    if all.is_empty() {
        let summary = format!("{} has no security group `{name}`", clients.region);
        let help = "check the name and the region, or create the group first";
        return Some((false, summary, help.to_owned()));
    }
    if let Some(network) = network.filter(|network| !all.iter().any(|one| one.fits(Some(network))))
    {
        let others: BTreeSet<&str> = all
            .iter()
            .filter_map(|one| one.network.as_deref())
            .collect();
        let others: Vec<&str> = others.into_iter().collect();
        let summary = format!(
            "the security group `{name}` is in {}, and the instances are in {network}",
            others.join(" and ")
        );
        let help = format!("name a group of {network}, or a subnet of the group's network");
        return Some((true, summary, help));
    }
    let summary = format!("several networks have a security group named `{name}`");
    let help = "name it by its id, such as `sg-0123456789abcdef0`";
    Some((true, summary, help.to_owned()))
}

async fn subnets(
    clients: &Clients,
    wanted: &BTreeMap<String, String>,
    found: &mut Vec<Finding>,
) -> Result<BTreeMap<String, Subnet>, CloudError> {
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let answer = clients
        .ec2
        .describe_subnets()
        .filters(filter("subnet-id", wanted.keys()))
        .send()
        .await
        .map_err(|error| CloudError::from_sdk("look up subnets", &error))?;
    let known: BTreeMap<String, Subnet> = answer
        .subnets()
        .iter()
        .filter_map(|subnet| {
            let place = Subnet {
                network: subnet.vpc_id()?.to_owned(),
                zone: subnet.availability_zone()?.to_owned(),
            };
            Some((subnet.subnet_id()?.to_owned(), place))
        })
        .collect();
    for (id, group) in wanted.iter().filter(|(id, _)| !known.contains_key(*id)) {
        let summary = format!("{} has no subnet `{id}`", clients.region);
        found.push(
            Finding::missing(group, &["subnet"], summary).help("check the id and the region"),
        );
    }
    Ok(known)
}

/// The ids of the default subnets, one for each zone.
///
/// # Errors
///
/// When EC2 cannot be asked.
pub async fn default_subnets(clients: &Clients) -> Result<BTreeSet<String>, CloudError> {
    let answer = clients
        .ec2
        .describe_subnets()
        .filters(filter("default-for-az", ["true"]))
        .send()
        .await
        .map_err(|error| CloudError::from_sdk("look up the default subnets", &error))?;
    let subnets = answer.subnets().iter();
    Ok(subnets
        .filter_map(|subnet| subnet.subnet_id().map(str::to_owned))
        .collect())
}

async fn keys(
    clients: &Clients,
    wanted: &BTreeMap<String, String>,
    found: &mut Vec<Finding>,
) -> Result<(), CloudError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let answer = clients
        .ec2
        .describe_key_pairs()
        .filters(filter("key-name", wanted.keys()))
        .send()
        .await
        .map_err(|error| CloudError::from_sdk("look up key pairs", &error))?;
    for (name, group) in wanted {
        if !answer
            .key_pairs()
            .iter()
            .any(|pair| pair.key_name() == Some(name))
        {
            let summary = format!("{} has no key pair `{name}`", clients.region);
            found.push(
                Finding::missing(group, &["key"], summary)
                    .help("import the public key under that name, or remove `key`"),
            );
        }
    }
    Ok(())
}
