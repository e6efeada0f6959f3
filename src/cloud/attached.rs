//! What others attached to instances that are about to end: it stays, and nobody asked for that.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::connect::Clients;
use super::error::CloudError;
use super::observe::volumes_of;
use super::translate;
use crate::resource::{
    AccountId, Address, Attached, AttachedKind, InstanceId, LiveInstance, LiveVolume, tag,
    volume_claim,
};

/// How long instances that are to end are kept waiting for the names of what stays.
///
/// Each costs more in an hour than a volume; what is not told until then is named by its
/// device, or by the address itself.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many values one filter takes (EC2 API filtering).
const VALUES: usize = 200;

/// What stays when these instances end and is not ours, as far as it is known.
///
/// The listing of an instance says whether there is any, so EC2 is asked only then. That it
/// cannot be asked keeps nothing from being ended.
pub async fn attached_by_others(
    clients: &Clients,
    account: &AccountId,
    doomed: &[(&Address, &LiveInstance)],
) -> Vec<Attached> {
    let disks: Vec<Disk<'_>> = doomed
        .iter()
        .flat_map(|(address, live)| unclaimed(address, live, account))
        .collect();
    let addresses: Vec<(&Address, &LiveInstance, &String)> = doomed
        .iter()
        .flat_map(|(place, live)| live.elastic.iter().map(|one| (*place, *live, one)))
        .collect();
    let (volumes, allocations) = tokio::join!(
        listed_volumes(clients, &disks),
        allocations(clients, &addresses)
    );
    let volumes = disks
        .into_iter()
        .filter_map(|disk| disk.of_others(&volumes, account));
    let addresses = addresses.into_iter().map(|(place, live, public_address)| {
        let kind = AttachedKind::ElasticAddress {
            public_address: public_address.clone(),
            allocation: allocations.get(public_address).cloned(),
        };
        of(place, live, kind)
    });
    volumes.chain(addresses).collect()
}

fn of(address: &Address, live: &LiveInstance, what: AttachedKind) -> Attached {
    Attached {
        address: address.clone(),
        instance: live.id.clone(),
        what,
    }
}

/// A disk that outlives its instance, and that no listing of ours shows.
struct Disk<'a> {
    address: &'a Address,
    live: &'a LiveInstance,
    device: &'a String,
}

/// The disks of an instance that outlive it and are not known to be ours.
///
/// Tags come late: what the spec asked to be kept is ours without them.
fn unclaimed<'a>(
    address: &'a Address,
    live: &'a LiveInstance,
    account: &'a AccountId,
) -> impl Iterator<Item = Disk<'a>> {
    let kept = live.tags.get(tag::KEEP).map(String::as_str);
    let kept: BTreeSet<&str> = kept.unwrap_or_default().split(',').collect();
    let is_claimed = move |device: &String| {
        let is_root = live.root_device.as_ref() == Some(device);
        let is_asked_for = kept.contains(device.as_str()) || is_root && kept.contains("root");
        let volume = live.volumes.get(device);
        is_asked_for || volume.is_some_and(|volume| volume_claim(volume, account).is_some())
    };
    let disks = live.kept_devices.iter();
    disks
        .filter(move |device| !is_claimed(device))
        .map(move |device| Disk {
            address,
            live,
            device,
        })
}

type Volumes = BTreeMap<(InstanceId, String), LiveVolume>;

impl Disk<'_> {
    fn of_others(self, volumes: &Volumes, account: &AccountId) -> Option<Attached> {
        let Self {
            address,
            live,
            device,
        } = self;
        let volume = volumes.get(&(live.id.clone(), device.clone()));
        if volume.is_some_and(|volume| volume_claim(volume, account).is_some()) {
            return None;
        }
        let kind = AttachedKind::Volume {
            device: device.clone(),
            volume: volume.map(|volume| (volume.id.clone(), volume.gibibytes)),
        };
        Some(of(address, live, kind))
    }
}

/// The volumes of the instances that have such disks, whosever they are.
async fn listed_volumes(clients: &Clients, disks: &[Disk<'_>]) -> Volumes {
    let instances: BTreeSet<&InstanceId> = disks.iter().map(|disk| &disk.live.id).collect();
    let instances: Vec<InstanceId> = instances.into_iter().cloned().collect();
    if instances.is_empty() {
        return Volumes::new();
    }
    let listed = tokio::time::timeout(PATIENCE, volumes_of(clients, &instances));
    let volumes = match listed.await {
        Ok(Ok(volumes)) => volumes,
        Ok(Err(error)) => {
            tracing::warn!(%error, "volumes of others are named by their device");
            Vec::new()
        }
        Err(_) => Vec::new(),
    };
    let placed = volumes.into_iter().filter_map(|volume| {
        let place = (volume.attached_to.clone()?, volume.device.clone()?);
        Some((place, volume))
    });
    placed.collect()
}

/// The ids of elastic addresses.
async fn allocations(
    clients: &Clients,
    addresses: &[(&Address, &LiveInstance, &String)],
) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for chunk in addresses.chunks(VALUES) {
        let values = chunk.iter().map(|(_, _, public_address)| *public_address);
        let listed = clients
            .ec2
            .describe_addresses()
            .filters(translate::filter("public-ip", values))
            .send();
        match tokio::time::timeout(PATIENCE, listed).await {
            Ok(Ok(answer)) => found.extend(answer.addresses().iter().filter_map(|one| {
                let id = one.allocation_id()?.to_owned();
                Some((one.public_ip()?.to_owned(), id))
            })),
            Ok(Err(error)) => {
                let error = CloudError::from_sdk("list elastic addresses", &error);
                tracing::warn!(%error, "elastic addresses are named without their ids");
            }
            Err(_) => break,
        }
    }
    found
}
