//! Which image a selector means today.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_sdk_ec2::types::{Filter, Image};

use super::connect::Clients;
use super::error::CloudError;
use super::lookup::Finding;
use super::translate::filter;
use crate::plan::{Wanted, WantedImage};
use crate::resource::{ImageSelector, ResolvedImage};

/// How many parameters one request may name (SSM API, `GetParameters`).
const PARAMETERS: usize = 10;

/// What selectors mean, looked up once for all specs that are planned together.
#[derive(Debug, Default)]
pub struct Images(Mutex<Known>);

/// What has been looked up so far.
#[derive(Debug, Default)]
struct Known {
    /// The ids that parameters hold and selectors name.
    ids: BTreeMap<ImageSelector, String>,
    /// The images; nothing where there is no such image.
    images: BTreeMap<ImageSelector, Option<ResolvedImage>>,
}

impl Images {
    /// What these selectors mean; nothing where there is no such image.
    ///
    /// An image that all members of a group run already is left out: it is no news.
    async fn of(
        &self,
        clients: &Clients,
        wanted: &BTreeMap<ImageSelector, WantedImage>,
    ) -> Result<BTreeMap<ImageSelector, Option<ResolvedImage>>, CloudError> {
        let (mut meant, unknown) = self.known(wanted.keys());
        if unknown.is_empty() {
            return Ok(meant);
        }
        let mut resolved = by_name(clients, &unknown).await?;
        let mut ids = self.ids(clients, &unknown).await?;
        let is_news = |selector: &ImageSelector, id: &String| {
            let asked = wanted.get(selector);
            asked.is_none_or(|asked| asked.needed || asked.runs.iter().any(|runs| runs != id))
        };
        let no_news: BTreeSet<ImageSelector> = ids
            .iter()
            .filter(|(selector, id)| !is_news(selector, id))
            .map(|(selector, _)| selector.clone())
            .collect();
        ids.retain(|selector, _| !no_news.contains(selector));
        if !ids.is_empty() {
            let names: BTreeSet<&String> = ids.values().collect();
            let known = describe(clients, None, vec![filter("image-id", names)]).await?;
            for (selector, id) in ids {
                let image = known.iter().find(|image| image.id == id);
                resolved.extend(image.map(|image| (selector, image.clone())));
            }
        }
        for selector in unknown {
            if !no_news.contains(&selector) {
                let image = resolved.remove(&selector);
                meant.insert(selector, image);
            }
        }
        self.lock().images.extend(meant.clone());
        Ok(meant)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of these selectors, and those of which nothing is.
    fn known<'s>(
        &self,
        selectors: impl Iterator<Item = &'s ImageSelector>,
    ) -> (
        BTreeMap<ImageSelector, Option<ResolvedImage>>,
        Vec<ImageSelector>,
    ) {
        let all = self.lock();
        let (mut known, mut unknown) = (BTreeMap::new(), Vec::new());
        for selector in selectors {
            match all.images.get(selector) {
                Some(image) => {
                    known.insert(selector.clone(), image.clone());
                }
                None => unknown.push(selector.clone()),
            }
        }
        (known, unknown)
    }

    /// The image id of each selector by id or by parameter, each asked for once.
    async fn ids(
        &self,
        clients: &Clients,
        selectors: &[ImageSelector],
    ) -> Result<BTreeMap<ImageSelector, String>, CloudError> {
        let mut found = BTreeMap::new();
        let mut unknown = Vec::new();
        {
            let known = self.lock();
            for selector in selectors {
                match known.ids.get(selector) {
                    Some(id) => {
                        found.insert(selector.clone(), id.clone());
                    }
                    None => unknown.push(selector.clone()),
                }
            }
        }
        let more = ids(clients, &unknown).await?;
        self.lock().ids.extend(more.clone());
        found.extend(more);
        Ok(found)
    }
}

/// Resolves every selector, and checks that each image fits on its disk.
pub(super) async fn images(
    clients: &Clients,
    wanted: &Wanted,
    known: &Images,
    found: &mut Vec<Finding>,
) -> Result<BTreeMap<ImageSelector, ResolvedImage>, CloudError> {
    let mut resolved = BTreeMap::new();
    for (selector, image) in known.of(clients, &wanted.images).await? {
        match image {
            Some(image) => {
                resolved.insert(selector, image);
            }
            None => found.extend(missing(wanted, &selector, &clients.region)),
        }
    }
    for (selector, image) in &resolved {
        let wanted = wanted.images.get(selector);
        if let Some((asked, group)) = wanted.and_then(|wanted| wanted.disk.as_ref())
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

/// An image that nothing is launched from need not be there any more.
fn missing(
    wanted: &Wanted,
    selector: &ImageSelector,
    region: &crate::resource::Region,
) -> Option<Finding> {
    let asked = wanted.images.get(selector).filter(|asked| asked.needed)?;
    if let (ImageSelector::Id(id), true) = (selector, asked.pinned) {
        let group = &asked.group;
        let summary =
            format!("{group} runs the image {id}, and {region} does not have it any more");
        let finding = Finding::missing(group, &["image"], summary);
        return Some(finding.help(
            "a group runs one image: `--upgrade-image` replaces what runs with the newest; without a launch it goes on as it is",
        ));
    }
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
    Some(Finding::missing(&asked.group, &["image", key], summary).help(help))
}

/// The newest image for each name pattern; one request for each owner.
async fn by_name(
    clients: &Clients,
    selectors: &[ImageSelector],
) -> Result<BTreeMap<ImageSelector, ResolvedImage>, CloudError> {
    let mut owners: BTreeMap<&str, Vec<(&ImageSelector, &str)>> = BTreeMap::new();
    for selector in selectors {
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
            // One that its publisher has given up is taken only where there is no other.
            let newest = images
                .iter()
                .filter(|image| matches(pattern, &image.name))
                .max_by_key(|image| (image.deprecated.is_none(), &image.created, &image.id));
            resolved.extend(newest.map(|image| (selector.clone(), image.clone())));
        }
    }
    Ok(resolved)
}

/// The image id of each selector by id or by parameter.
async fn ids(
    clients: &Clients,
    selectors: &[ImageSelector],
) -> Result<BTreeMap<ImageSelector, String>, CloudError> {
    let mut ids = BTreeMap::new();
    let mut parameters = Vec::new();
    for selector in selectors {
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
            let id = parameter.and_then(|one| one.value());
            ids.extend(id.map(|id| ((*selector).clone(), id.to_owned())));
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
            .include_deprecated(true)
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
        deprecated: from
            .deprecation_time()
            .filter(|at| !at.is_empty())
            .map(str::to_owned),
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
