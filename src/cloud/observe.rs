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
    AccountId, Claim, Desired, InstanceId, LiveInstance, LiveVolume, claim, tag,
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
    let (instances, volumes) = tokio::try_join!(instances(clients), volumes(clients))?;
    let mut observed = Observed {
        account: account.clone(),
        region: clients.region.clone(),
        instances,
        volumes,
        data: BTreeMap::new(),
    };
    attach_volumes(&mut observed);
    Ok(observed)
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
            return Ok(found.into_values().collect());
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
