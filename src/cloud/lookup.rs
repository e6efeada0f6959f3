//! Looking up what a spec names, all at once and before anything is changed.

use std::collections::BTreeMap;

use super::connect::Clients;
use super::error::CloudError;
use super::lookup_image;
use super::translate::filter;
use crate::plan::{Resolution, Wanted};

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

/// What EC2 says of an instance type.
#[derive(Debug, Clone, Default)]
pub(super) struct TypeFacts {
    /// Such as `x86_64`.
    pub(super) architectures: Vec<String>,
}

/// Looks up everything that is wanted.
///
/// The requests do not grow with the number of instances: one for each sort of
/// thing that is named at all.
///
/// # Errors
///
/// When AWS cannot be asked. What it does not have is a finding, not an error.
pub async fn look_up(
    clients: &Clients,
    wanted: &Wanted,
) -> Result<(Resolution, Vec<Finding>), CloudError> {
    let mut found = Vec::new();
    let types = types(clients, &wanted.types, &mut found).await?;
    let images = lookup_image::images(clients, wanted, &types, &mut found).await?;
    let security_groups = security_groups(clients, wanted, &mut found).await?;
    subnets(clients, &wanted.subnets, &mut found).await?;
    keys(clients, &wanted.keys, &mut found).await?;
    Ok((
        Resolution {
            images,
            security_groups,
        },
        found,
    ))
}

async fn types(
    clients: &Clients,
    wanted: &BTreeMap<String, String>,
    found: &mut Vec<Finding>,
) -> Result<BTreeMap<String, TypeFacts>, CloudError> {
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut known = BTreeMap::new();
    let mut token = None;
    loop {
        let page = clients
            .ec2
            .describe_instance_types()
            .filters(filter("instance-type", wanted.keys()))
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| CloudError::from_sdk("look up instance types", &error))?;
        for facts in page.instance_types() {
            let Some(name) = facts.instance_type() else {
                continue;
            };
            let architectures = facts
                .processor_info()
                .map(aws_sdk_ec2::types::ProcessorInfo::supported_architectures)
                .unwrap_or_default()
                .iter()
                .map(|architecture| architecture.as_str().to_owned())
                .collect();
            known.insert(name.as_str().to_owned(), TypeFacts { architectures });
        }
        token = page
            .next_token()
            .filter(|token| !token.is_empty())
            .map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    for (name, group) in wanted.iter().filter(|(name, _)| !known.contains_key(*name)) {
        let summary = format!("{} offers no instance type `{name}`", clients.region);
        found.push(
            Finding::missing(group, &["type"], summary)
                .help("check the spelling, or choose a type that this region offers"),
        );
    }
    Ok(known)
}

async fn security_groups(
    clients: &Clients,
    wanted: &Wanted,
    found: &mut Vec<Finding>,
) -> Result<BTreeMap<String, String>, CloudError> {
    let (ids, names): (Vec<&String>, Vec<&String>) = wanted
        .security_groups
        .keys()
        .partition(|name| name.starts_with("sg-"));
    let mut matches: BTreeMap<String, Vec<String>> = BTreeMap::new();
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
            matches
                .entry(name.to_owned())
                .or_default()
                .push(id.to_owned());
        }
    }
    let mut resolved = BTreeMap::new();
    for (name, group) in &wanted.security_groups {
        match matches.get(name).map(Vec::as_slice) {
            Some([id]) => {
                resolved.insert(name.clone(), id.clone());
            }
            Some([_, _, ..]) => {
                let summary = format!("several networks have a security group named `{name}`");
                let mut finding = Finding::missing(group, &["security_groups"], summary)
                    .help("name it by its id, such as `sg-0123456789abcdef0`");
                finding.exists = true;
                found.push(finding);
            }
            Some([]) | None => {
                let summary = format!("{} has no security group `{name}`", clients.region);
                found.push(
                    Finding::missing(group, &["security_groups"], summary)
                        .help("check the name and the region, or create the group first"),
                );
            }
        }
    }
    Ok(resolved)
}

async fn subnets(
    clients: &Clients,
    wanted: &BTreeMap<String, String>,
    found: &mut Vec<Finding>,
) -> Result<(), CloudError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let answer = clients
        .ec2
        .describe_subnets()
        .filters(filter("subnet-id", wanted.keys()))
        .send()
        .await
        .map_err(|error| CloudError::from_sdk("look up subnets", &error))?;
    for (id, group) in wanted {
        if !answer
            .subnets()
            .iter()
            .any(|subnet| subnet.subnet_id() == Some(id))
        {
            let summary = format!("{} has no subnet `{id}`", clients.region);
            found.push(
                Finding::missing(group, &["subnet"], summary).help("check the id and the region"),
            );
        }
    }
    Ok(())
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
