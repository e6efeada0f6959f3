//! What is there: a number of requests that does not grow with the number of instances, pages aside.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::operation::describe_instances::DescribeInstancesError;
use aws_sdk_ec2::types::{InstanceAttributeName, Reservation};
use base64::Engine as _;

use super::connect::Clients;
use super::error::{CloudError, CloudErrorKind};
use super::translate;
use crate::lease::user_part;
use crate::plan::Observed;
use crate::resource::{
    AccountId, Claim, Desired, InstanceId, LiveInstance, LiveVolume, VolumeId, claim, tag,
};

/// The largest page that EC2 gives (EC2 API, `DescribeInstances`).
const PAGE: i32 = 1_000;
/// The most ids that one request may name; AWS advises fewer than the thousand it takes.
const IDS: usize = 200;

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
        instances: instances?,
        volumes,
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
            .extend(by_id(clients, &missing).await?.into_values());
    }
    Ok(())
}

/// Reads instances again that came without the tag that they were filtered by.
///
/// An answer can lack tags for a moment. Without them an instance would not be
/// ours, so an answer that contradicts its own filter is not believed.
async fn with_tags(
    clients: &Clients,
    mut found: BTreeMap<InstanceId, LiveInstance>,
) -> Result<Vec<LiveInstance>, CloudError> {
    let bare =
        |live: &LiveInstance| live.state.is_alive() && !live.tags.contains_key(tag::ENVIRONMENT);
    let ids: Vec<InstanceId> = found
        .values()
        .filter(|live| bare(live))
        .map(|live| live.id.clone())
        .collect();
    if !ids.is_empty() {
        found.extend(by_id(clients, &ids).await?);
    }
    match found.values().find(|live| bare(live)) {
        None => Ok(found.into_values().collect()),
        Some(live) => {
            let text = format!("{} is listed as ours and comes without its tags", live.id);
            Err(CloudError::of(
                "list instances",
                CloudErrorKind::Ambiguous,
                text,
            ))
        }
    }
}

/// Guards a listing against pages that lead in a circle.
struct Pages {
    seen: BTreeSet<String>,
}

impl Pages {
    fn next(&mut self, operation: &str, token: Option<&str>) -> Result<Option<String>, CloudError> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Ok(None);
        };
        if self.seen.insert(token.to_owned()) {
            return Ok(Some(token.to_owned()));
        }
        Err(CloudError::of(
            operation,
            CloudErrorKind::Rejected,
            "the pages of the listing lead in a circle",
        ))
    }
}

async fn instances(clients: &Clients) -> Result<Vec<LiveInstance>, CloudError> {
    const OPERATION: &str = "list instances";
    let mut pages = Pages {
        seen: BTreeSet::new(),
    };
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
            return with_tags(clients, found).await;
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
    const OPERATION: &str = "list volumes";
    let mut pages = Pages {
        seen: BTreeSet::new(),
    };
    let mut token = None;
    let mut found = BTreeMap::new();
    loop {
        let page = clients
            .ec2
            .describe_volumes()
            .filters(translate::filter("tag-key", [tag::ENVIRONMENT]))
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
) -> Result<BTreeMap<String, LiveVolume>, CloudError> {
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
        .filter_map(|volume| Some((volume.device.clone()?, volume)))
        .collect())
}

fn attach_volumes(observed: &mut Observed) {
    let mut by_instance: BTreeMap<InstanceId, BTreeMap<String, LiveVolume>> = BTreeMap::new();
    for volume in &observed.volumes {
        if let (Some(instance), Some(device)) = (&volume.attached_to, &volume.device) {
            by_instance
                .entry(instance.clone())
                .or_default()
                .insert(device.clone(), volume.clone());
        }
    }
    for instance in &mut observed.instances {
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
    Ok(found)
}

fn is_not_found(error: &DescribeInstancesError) -> bool {
    aws_sdk_ec2::error::ProvideErrorMetadata::code(error) == Some("InvalidInstanceID.NotFound")
}

/// Reads the user data of instances whose spec says something else, one of each kind.
///
/// Instances of a launch share their user data, so one request serves all of
/// them. What cannot be read stays unread; the plan says so.
pub async fn read_user_data(clients: &Clients, desired: &Desired, observed: &mut Observed) {
    let mut wanted: BTreeMap<String, InstanceId> = BTreeMap::new();
    let mut digests: BTreeMap<InstanceId, String> = BTreeMap::new();
    for live in observed
        .instances
        .iter()
        .filter(|live| live.state.is_alive())
    {
        let Claim::Ours(mark) = claim(live, &observed.account) else {
            continue;
        };
        let differs = desired.instances.values().any(|instance| {
            instance.group == mark.group && instance.user_data_digest() != mark.user_data
        });
        if mark.environment == desired.environment && differs && mark.user_data != "none" {
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
        live.user_data = digests
            .get(&live.id)
            .and_then(|digest| texts.get(digest))
            .cloned();
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
