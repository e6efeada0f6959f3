//! Which image a selector means today.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{Filter, Image};

use super::connect::Clients;
use super::error::CloudError;
use super::lookup::{Finding, TypeFacts};
use super::translate::filter;
use crate::plan::Wanted;
use crate::resource::{ImageSelector, ResolvedImage};

/// How many parameters one request may name (SSM API, `GetParameters`).
const PARAMETERS: usize = 10;

/// Resolves every selector, and checks that each image runs on its types.
pub(super) async fn images(
    clients: &Clients,
    wanted: &Wanted,
    types: &BTreeMap<String, TypeFacts>,
    found: &mut Vec<Finding>,
) -> Result<BTreeMap<ImageSelector, ResolvedImage>, CloudError> {
    let mut resolved = by_name(clients, wanted, found).await?;
    let ids = ids(clients, wanted, found).await?;
    if !ids.is_empty() {
        let names: BTreeSet<&String> = ids.values().collect();
        let known = describe(clients, None, vec![filter("image-id", names)]).await?;
        for (selector, id) in ids {
            match known.iter().find(|image| image.id == id) {
                Some(image) => {
                    resolved.insert(selector, image.clone());
                }
                None => found.push(missing(wanted, &selector, &clients.region)),
            }
        }
    }
    for (selector, image) in &resolved {
        check_architecture(wanted, (selector, image), types, found);
        if let Some((asked, group)) = wanted.disks.get(selector)
            && *asked < image.root_gibibytes
        {
            let summary = format!("a disk of {asked} GiB does not hold the image {}", image.id);
            let mut finding = Finding::missing(group, &["disk", "size"], summary)
                .help(format!("the image needs {} GiB", image.root_gibibytes));
            finding.exists = true;
            found.push(finding);
        }
    }
    Ok(resolved)
}

fn missing(wanted: &Wanted, selector: &ImageSelector, region: &crate::resource::Region) -> Finding {
    let group = wanted
        .image_groups
        .get(selector)
        .map(String::as_str)
        .unwrap_or_default();
    let (key, summary, help) = match selector {
        ImageSelector::Id(id) => (
            "id",
            format!("{region} has no image `{id}` that this account may use"),
            "image ids differ from region to region, and images are withdrawn; name it by `name` or `ssm`",
        ),
        ImageSelector::Name { pattern, owner } => (
            "name",
            format!("no image of `{owner}` in {region} has a name like `{pattern}`"),
            "`*` stands for any characters; check the owner and the region",
        ),
        ImageSelector::Ssm(parameter) => (
            "ssm",
            format!("{region} has no public parameter `{parameter}` that holds an image"),
            "check the path and the region",
        ),
    };
    Finding::missing(group, &["image", key], summary).help(help)
}

fn check_architecture(
    wanted: &Wanted,
    (selector, image): (&ImageSelector, &ResolvedImage),
    types: &BTreeMap<String, TypeFacts>,
    found: &mut Vec<Finding>,
) {
    for name in wanted.images.get(selector).into_iter().flatten() {
        let Some(facts) = types.get(name) else {
            continue;
        };
        if facts.architectures.is_empty() || facts.architectures.contains(&image.architecture) {
            continue;
        }
        let group = wanted
            .image_groups
            .get(selector)
            .map(String::as_str)
            .unwrap_or_default();
        let summary = format!(
            "the image {} is built for {}, and `{name}` runs {}",
            image.id,
            image.architecture,
            facts.architectures.join(" and ")
        );
        let mut finding = Finding::missing(group, &["image"], summary)
            .help("choose an image and a type of one architecture");
        finding.exists = true;
        found.push(finding);
    }
}

/// The newest image for each name pattern; one request for each owner.
async fn by_name(
    clients: &Clients,
    wanted: &Wanted,
    found: &mut Vec<Finding>,
) -> Result<BTreeMap<ImageSelector, ResolvedImage>, CloudError> {
    let mut owners: BTreeMap<&str, Vec<(&ImageSelector, &str)>> = BTreeMap::new();
    for selector in wanted.images.keys() {
        if let ImageSelector::Name { pattern, owner } = selector {
            owners.entry(owner).or_default().push((selector, pattern));
        }
    }
    let mut resolved = BTreeMap::new();
    for (owner, selectors) in owners {
        // Here the wildcards are the user's own and meant as such.
        let names = selectors
            .iter()
            .map(|(_, pattern)| (*pattern).to_owned())
            .collect();
        let filters = vec![
            Filter::builder()
                .name("name")
                .set_values(Some(names))
                .build(),
            filter("state", ["available"]),
        ];
        let images = describe(clients, Some(owner), filters).await?;
        for (selector, pattern) in selectors {
            let newest = images
                .iter()
                .filter(|image| matches(pattern, &image.name))
                .max_by_key(|image| (&image.created, &image.id));
            match newest {
                Some(image) => {
                    resolved.insert(selector.clone(), image.clone());
                }
                None => found.push(missing(wanted, selector, &clients.region)),
            }
        }
    }
    Ok(resolved)
}

/// The image id of each selector by id or by parameter.
async fn ids(
    clients: &Clients,
    wanted: &Wanted,
    found: &mut Vec<Finding>,
) -> Result<BTreeMap<ImageSelector, String>, CloudError> {
    let mut ids = BTreeMap::new();
    let mut parameters = Vec::new();
    for selector in wanted.images.keys() {
        match selector {
            ImageSelector::Id(id) => {
                ids.insert(selector.clone(), id.clone());
            }
            ImageSelector::Ssm(parameter) => parameters.push((selector, parameter)),
            ImageSelector::Name { .. } => {}
        }
    }
    for chunk in parameters.chunks(PARAMETERS) {
        let names = chunk.iter().map(|(_, name)| (*name).clone()).collect();
        let answer = clients
            .ssm
            .get_parameters()
            .set_names(Some(names))
            .send()
            .await
            .map_err(|error| CloudError::from_sdk("read public parameters", &error))?;
        for (selector, name) in chunk {
            let parameter = answer
                .parameters()
                .iter()
                .find(|one| one.name() == Some(name));
            match parameter.and_then(|one| one.value()) {
                Some(id) => {
                    ids.insert((*selector).clone(), id.to_owned());
                }
                None => found.push(missing(wanted, selector, &clients.region)),
            }
        }
    }
    Ok(ids)
}

async fn describe(
    clients: &Clients,
    owner: Option<&str>,
    filters: Vec<Filter>,
) -> Result<Vec<ResolvedImage>, CloudError> {
    let mut images = Vec::new();
    let mut token = None;
    loop {
        let page = clients
            .ec2
            .describe_images()
            .set_owners(owner.map(|owner| vec![owner.to_owned()]))
            .set_filters(Some(filters.clone()))
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| CloudError::from_sdk("look up images", &error))?;
        images.extend(page.images().iter().filter_map(image));
        token = page
            .next_token()
            .filter(|token| !token.is_empty())
            .map(str::to_owned);
        if token.is_none() {
            return Ok(images);
        }
    }
}

fn image(from: &Image) -> Option<ResolvedImage> {
    let root_device = from.root_device_name().unwrap_or("/dev/xvda");
    let root = from
        .block_device_mappings()
        .iter()
        .find(|mapping| mapping.device_name() == Some(root_device))
        .and_then(|mapping| mapping.ebs()?.volume_size());
    Some(ResolvedImage {
        id: from.image_id()?.to_owned(),
        name: from.name().unwrap_or_default().to_owned(),
        architecture: from
            .architecture()
            .map_or_else(String::new, |one| one.as_str().to_owned()),
        root_device: root_device.to_owned(),
        root_gibibytes: root.and_then(|size| u32::try_from(size).ok()).unwrap_or(0),
        other_disks: from
            .block_device_mappings()
            .iter()
            .filter(|mapping| mapping.ebs().is_some())
            .filter_map(|mapping| mapping.device_name())
            .filter(|device| *device != root_device)
            .map(str::to_owned)
            .collect(),
        created: from.creation_date().unwrap_or_default().to_owned(),
    })
}

/// Whether a name matches a pattern with `*` and `?`, as EC2's filters do.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // `reached[i]`: the pattern so far matches the first i characters of the name.
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for part in pattern {
        let mut next = vec![false; name.len() + 1];
        for index in 0..=name.len() {
            next[index] = match part {
                '*' => reached[..=index].contains(&true),
                '?' => index > 0 && reached[index - 1],
                letter => index > 0 && reached[index - 1] && name[index - 1] == letter,
            };
        }
        reached = next;
    }
    reached[name.len()]
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_filters_do() {
        for (pattern, name, good) in [
            (
                "Deep Learning AMI (Amazon Linux)*",
                "Deep Learning AMI (Amazon Linux) Version 61.3",
                true,
            ),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b", "abc", false),
            ("A", "a", false),
        ] {
            assert_eq!(matches(pattern, name), good, "{pattern} {name}");
        }
    }
}
