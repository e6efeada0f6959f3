//! What is there: a number of requests that does not grow with the number of instances, pages aside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ec2::operation::describe_instances::DescribeInstancesError;
use aws_sdk_ec2::types::{Filter, InstanceAttributeName, Reservation};
use base64::Engine as _;

use super::adopt::attributes;
use super::connect::Clients;
use super::error::CloudError;
use super::pages::{PAGE, Pages, untagged};
use super::translate;
use crate::lease::user_part;
use crate::plan::Observed;
use crate::resource::{
    AccountId, Claim, Desired, InstanceId, LiveInstance, LiveVolume, VolumeId, claim, tag,
};

/// The most ids that one request may name; AWS advises fewer than the thousand it takes.
const IDS: usize = 200;
/// The code of an instance that EC2 does not know, or not yet.
const NOT_FOUND: &str = "InvalidInstanceID.NotFound";
/// How often instances are listed before an answer without tags is an error.
const LISTINGS: usize = 3;
/// The pause between two such listings.
const LISTING_PAUSE: Duration = Duration::from_millis(500);

/// Lists everything that names an environment of ours.
///
/// # Errors
///
/// When a listing cannot be read to its end: a part is never taken for the whole.
pub async fn observe(clients: &Clients, account: &AccountId) -> Result<Observed, CloudError> {
    let (observed, blind) = observe_instances_first(clients, account).await?;
    match blind {
        None => Ok(observed),
        Some(error) => Err(error),
    }
}

/// The same for whoever ends instances: a listing of volumes that fails must not keep them alive.
///
/// The second value says why the volumes are unknown, if they are.
///
/// # Errors
///
/// When the listing of instances cannot be read to its end.
pub async fn observe_instances_first(
    clients: &Clients,
    account: &AccountId,
) -> Result<(Observed, Option<CloudError>), CloudError> {
    let (instances, volumes) = tokio::join!(instances(clients), volumes(clients));
    let (volumes, blind) = match volumes {
        Ok(volumes) => (volumes, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let mut observed = Observed {
        account: account.clone(),
        region: clients.region.clone(),
        instances: instances?.into_iter().map(Arc::new).collect(),
        volumes: volumes.into_iter().map(Arc::new).collect(),
        network: None,
        spot_requests: Vec::new(),
        data: BTreeMap::new(),
    };
    follow_volumes(clients, &mut observed).await?;
    attach_volumes(&mut observed);
    Ok((observed, blind))
}

/// Reads the instances that a volume of ours is attached to and that the listing left out.
///
/// Tags of a fresh instance are found late; its volumes may be seen before it is.
async fn follow_volumes(clients: &Clients, observed: &mut Observed) -> Result<(), CloudError> {
    let listed: BTreeSet<&InstanceId> = observed.instances.iter().map(|live| &live.id).collect();
    let missing: BTreeSet<InstanceId> = observed
        .volumes
        .iter()
        .filter_map(|volume| volume.attached_to.clone())
        .filter(|id| !listed.contains(id))
        .collect();
    if !missing.is_empty() {
        let missing: Vec<InstanceId> = missing.into_iter().collect();
        observed
            .instances
            .extend(by_id(clients, &missing).await?.into_values().map(Arc::new));
    }
    Ok(())
}

/// Lists the instances of ours, each with its tags.
///
/// An answer can lack tags for a moment, and an instance can be released between a
/// listing and a second look. Without its tags an instance would not be ours, so an
/// answer that contradicts its own filter is not believed: what is listed and stays bare
/// is listed again, and only what the listing insists on is an error.
async fn instances(clients: &Clients) -> Result<Vec<LiveInstance>, CloudError> {
    let mut listings = 0;
    loop {
        listings += 1;
        let mut found = list_instances(clients).await?;
        let bare: Vec<InstanceId> = bare_of(&found).map(|live| live.id.clone()).collect();
        if !bare.is_empty() {
            found.extend(by_id(clients, &bare).await?);
        }
        let insisted = bare_of(&found).next().map(|live| live.id.clone());
        match insisted {
            None => return Ok(found.into_values().collect()),
            Some(_) if listings < LISTINGS => tokio::time::sleep(LISTING_PAUSE).await,
            Some(id) => return Err(untagged("list instances", id.as_str())),
        }
    }
}

/// The instances that live and came without the tag that they were filtered by.
fn bare_of(found: &BTreeMap<InstanceId, LiveInstance>) -> impl Iterator<Item = &LiveInstance> {
    found
        .values()
        .filter(|live| live.state.is_alive() && !live.tags.contains_key(tag::ENVIRONMENT))
}

async fn list_instances(
    clients: &Clients,
) -> Result<BTreeMap<InstanceId, LiveInstance>, CloudError> {
    const OPERATION: &str = "list instances";
    let mut pages = Pages::default();
    let mut token = None;
    let mut found = BTreeMap::new();
    loop {
        let page = clients
            .ec2
            .describe_instances()
            .filters(translate::filter("tag-key", [tag::ENVIRONMENT]))
            .max_results(PAGE)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| CloudError::from_sdk(OPERATION, &error))?;
        collect(page.reservations(), &mut found);
        token = pages.next(OPERATION, page.next_token())?;
        if token.is_none() {
            return Ok(found);
        }
    }
}

/// Pages can overlap; the last word on an instance is kept.
fn collect(reservations: &[Reservation], found: &mut BTreeMap<InstanceId, LiveInstance>) {
    for live in reservations
        .iter()
        .flat_map(Reservation::instances)
        .filter_map(translate::instance)
    {
        found.insert(live.id.clone(), live);
    }
}

async fn volumes(clients: &Clients) -> Result<Vec<LiveVolume>, CloudError> {
    list_volumes(clients, translate::filter("tag-key", [tag::ENVIRONMENT])).await
}

async fn list_volumes(clients: &Clients, filter: Filter) -> Result<Vec<LiveVolume>, CloudError> {
    const OPERATION: &str = "list volumes";
    let mut pages = Pages::default();
    let mut token = None;
    let mut found = BTreeMap::new();
    loop {
        let page = clients
            .ec2
            .describe_volumes()
            .filters(filter.clone())
            .max_results(PAGE)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| CloudError::from_sdk(OPERATION, &error))?;
        for live in page.volumes().iter().filter_map(translate::volume) {
            found.insert(live.id.clone(), live);
        }
        token = pages.next(OPERATION, page.next_token())?;
        if token.is_none() {
            return Ok(found.into_values().collect());
        }
    }
}

/// Volumes by id, each under the device that it is attached as.
pub(super) async fn volumes_by_id(
    clients: &Clients,
    ids: &[VolumeId],
) -> Result<BTreeMap<String, Arc<LiveVolume>>, CloudError> {
    // An empty list of ids asks for every volume there is (EC2 API pagination).
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let answer = clients
        .ec2
        .describe_volumes()
        .set_volume_ids(Some(ids.iter().map(ToString::to_string).collect()))
        .send()
        .await
        .map_err(|error| CloudError::from_sdk("read disks", &error))?;
    let volumes = answer.volumes().iter().filter_map(translate::volume);
    Ok(volumes
        .filter_map(|volume| Some((volume.device.clone()?, Arc::new(volume))))
        .collect())
}

fn attach_volumes(observed: &mut Observed) {
    let mut by_instance: BTreeMap<InstanceId, BTreeMap<String, Arc<LiveVolume>>> = BTreeMap::new();
    for volume in &observed.volumes {
        if let (Some(instance), Some(device)) = (&volume.attached_to, &volume.device) {
            by_instance
                .entry(instance.clone())
                .or_default()
                .insert(device.clone(), volume.clone());
        }
    }
    for instance in observed.instances.iter_mut().map(Arc::make_mut) {
        instance.volumes = by_instance.remove(&instance.id).unwrap_or_default();
    }
}

/// The instances with these ids that EC2 knows; the others are unknown, not gone.
///
/// # Errors
///
/// When EC2 cannot be asked.
pub(super) async fn by_id(
    clients: &Clients,
    ids: &[InstanceId],
) -> Result<BTreeMap<InstanceId, LiveInstance>, CloudError> {
    let mut found = BTreeMap::new();
    for chunk in ids.chunks(IDS) {
        let names: Vec<String> = chunk.iter().map(ToString::to_string).collect();
        // A listing by id is answered even while a zone is impaired; one that is
        // filtered is not (EC2 API, `DescribeInstances`).
        let answer = clients
            .ec2
            .describe_instances()
            .set_instance_ids(Some(names.clone()))
            .send()
            .await;
        match answer {
            Ok(page) => collect(page.reservations(), &mut found),
            Err(error) if error.as_service_error().is_some_and(is_not_found) => {
                // One id that is not visible yet hides all the others; a filter does not.
                let page = clients
                    .ec2
                    .describe_instances()
                    .filters(translate::filter("instance-id", &names))
                    .send()
                    .await
                    .map_err(|error| CloudError::from_sdk("read instances", &error))?;
                collect(page.reservations(), &mut found);
            }
            Err(error) => return Err(CloudError::from_sdk("read instances", &error)),
        }
    }
    // An answer that names others says nothing about them: whoever asks counts what comes back.
    let asked: BTreeSet<&InstanceId> = ids.iter().collect();
    found.retain(|id, _| asked.contains(id));
    Ok(found)
}

/// Reads what was launched with a token of ours, what has ended among it for as long as it is listed.
///
/// # Errors
///
/// When EC2 cannot be asked.
pub(super) async fn by_token(
    clients: &Clients,
    token: &str,
) -> Result<Vec<LiveInstance>, CloudError> {
    let page = clients
        .ec2
        .describe_instances()
        .filters(translate::filter("client-token", [token]))
        .send()
        .await
        .map_err(|error| CloudError::from_sdk("read instances", &error))?;
    let mut found = BTreeMap::new();
    collect(page.reservations(), &mut found);
    Ok(found.into_values().collect())
}

fn is_not_found(error: &DescribeInstancesError) -> bool {
    aws_sdk_ec2::error::ProvideErrorMetadata::code(error) == Some(NOT_FOUND)
}

/// Reads the instances that a spec takes over, with their disks and attributes.
///
/// They carry no tags of ours yet, so no listing shows them; one that carries a copy
/// of some is listed, and without its disks.
///
/// # Errors
///
/// When EC2 cannot be asked; an id that it does not know is no error.
pub async fn read_adoptions(
    clients: &Clients,
    desired: &Desired,
    observed: &mut Observed,
) -> Result<(), CloudError> {
    let is_ours = |live: &LiveInstance| matches!(claim(live, &observed.account), Claim::Ours(_));
    let ours = observed.instances.iter().filter(|live| is_ours(live));
    let ours: BTreeSet<&InstanceId> = ours.map(|live| &live.id).collect();
    let wanted: Vec<InstanceId> = desired
        .groups
        .values()
        .flat_map(|group| &group.adopt)
        .filter(|id| !ours.contains(id))
        .cloned()
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let mut lives = with_volumes(clients, &wanted).await?;
    for live in lives.iter_mut().filter(|live| live.state.is_alive()) {
        read_attributes(clients, live).await?;
    }
    let read: BTreeSet<InstanceId> = lives.iter().map(|live| live.id.clone()).collect();
    observed.instances.retain(|live| !read.contains(&live.id));
    observed.instances.extend(lives.into_iter().map(Arc::new));
    Ok(())
}

/// Reads the attributes of an instance; where EC2 says that there is none, they stay unknown.
async fn read_attributes(clients: &Clients, live: &mut LiveInstance) -> Result<(), CloudError> {
    match attributes(clients, &live.id).await {
        Ok(attributes) => live.attributes = Some(attributes),
        Err(error) if error.code.as_deref() == Some(NOT_FOUND) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Instances by id with their disks, whoever they belong to.
///
/// # Errors
///
/// When EC2 cannot be asked; an id that it does not know is no error.
pub async fn with_volumes(
    clients: &Clients,
    ids: &[InstanceId],
) -> Result<Vec<LiveInstance>, CloudError> {
    let mut found = by_id(clients, ids).await?;
    for volume in volumes_of(clients, ids).await? {
        let place = volume.attached_to.clone().zip(volume.device.clone());
        if let Some((instance, device)) = place
            && let Some(live) = found.get_mut(&instance)
        {
            live.volumes.insert(device, Arc::new(volume));
        }
    }
    Ok(found.into_values().collect())
}

/// The volumes that are attached to instances, whoever they belong to.
pub(super) async fn volumes_of(
    clients: &Clients,
    instances: &[InstanceId],
) -> Result<Vec<LiveVolume>, CloudError> {
    let mut found = Vec::new();
    for chunk in instances.chunks(IDS) {
        let names: Vec<&str> = chunk.iter().map(InstanceId::as_str).collect();
        let filter = translate::filter("attachment.instance-id", names);
        found.extend(list_volumes(clients, filter).await?);
    }
    Ok(found)
}

/// Reads the user data of instances whose spec says something else, one of each kind.
///
/// Instances of a launch share their user data, so one request serves all of
/// them. What cannot be read stays unread; the plan says so.
pub async fn read_user_data(clients: &Clients, desired: &Desired, observed: &mut Observed) {
    let mut wanted: BTreeMap<String, InstanceId> = BTreeMap::new();
    let mut digests: BTreeMap<InstanceId, String> = BTreeMap::new();
    let digests_wanted: BTreeMap<_, String> = desired
        .groups
        .iter()
        .map(|(name, group)| (name.clone(), group.instance.user_data_digest()))
        .collect();
    for live in observed
        .instances
        .iter()
        .filter(|live| live.state.is_alive())
    {
        let Claim::Ours(mark) = claim(live, &observed.account) else {
            continue;
        };
        let wanted_digest = digests_wanted.get(&mark.group);
        let differs = wanted_digest.is_some_and(|wanted| *wanted != mark.user_data);
        let none = mark.user_data.starts_with("none");
        if mark.environment == desired.environment && differs && !none {
            wanted
                .entry(mark.user_data.clone())
                .or_insert_with(|| live.id.clone());
            digests.insert(live.id.clone(), mark.user_data);
        }
    }
    let mut texts = BTreeMap::new();
    for (digest, id) in wanted {
        if let Some(text) = one_user_data(clients, &id).await {
            texts.insert(digest, text);
        }
    }
    for live in &mut observed.instances {
        let text = digests.get(&live.id).and_then(|digest| texts.get(digest));
        if let Some(text) = text {
            Arc::make_mut(live).user_data = Some(text.clone());
        }
    }
}

async fn one_user_data(clients: &Clients, id: &InstanceId) -> Option<String> {
    let answer = clients
        .ec2
        .describe_instance_attribute()
        .instance_id(id.as_str())
        .attribute(InstanceAttributeName::UserData)
        .send()
        .await
        .inspect_err(|error| {
            tracing::warn!(%id, error = %CloudError::from_sdk("read user data", error), "user data stays unread");
        })
        .ok()?;
    let encoded = answer.user_data()?.value()?.to_owned();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .ok()?;
    user_part(&String::from_utf8(bytes).ok()?)
}
