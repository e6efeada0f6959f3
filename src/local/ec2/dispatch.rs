//! The actions of EC2, and what they have in common.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::accesses::accesses;
use super::identifiers::INSTANCE;
use super::sight::Sight;
use super::{
    addresses, groups, images, instances, interfaces, keys, network, placement_groups, profiles,
    rules, spot, tags, throttle, types, volumes,
};
use crate::local::access::session_allows;
use crate::local::cloud::{Outcome, Turn};
use crate::local::identity::{Caller, Lacking, Standing, unauthorized};
use crate::local::state::{Instance, Region, Stage};
use crate::local::wire::{Node, Query, Refusal, Reply, Xml};

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// One call of an action.
pub(crate) struct Call<'a> {
    pub(crate) action: &'static str,
    pub(crate) query: &'a Query,
    /// The root of the form.
    pub(crate) form: Node<'a>,
    pub(crate) region: &'a mut Region,
    /// The names of the instance profiles.
    pub(crate) profiles: &'a BTreeSet<String>,
    /// What a test has set.
    pub(crate) stage: &'a mut Stage,
    pub(crate) sight: Sight<'a>,
    pub(crate) now: Timestamp,
}

struct Action {
    name: &'static str,
    mutates: bool,
    run: fn(&mut Call) -> Reply,
}

const fn reads(name: &'static str, run: fn(&mut Call) -> Reply) -> Action {
    Action {
        name,
        mutates: false,
        run,
    }
}

const fn changes(name: &'static str, run: fn(&mut Call) -> Reply) -> Action {
    Action {
        name,
        mutates: true,
        run,
    }
}

const ACTIONS: &[Action] = &[
    changes("RunInstances", instances::run),
    reads("DescribeInstances", instances::describe),
    reads("DescribeInstanceStatus", instances::describe_status),
    reads("DescribeInstanceAttribute", instances::describe_attribute),
    changes("TerminateInstances", instances::terminate),
    changes("StopInstances", instances::stop),
    changes("StartInstances", instances::start),
    changes("ModifyInstanceAttribute", instances::modify_attribute),
    changes(
        "ModifyNetworkInterfaceAttribute",
        instances::modify_interface,
    ),
    changes("ModifyInstanceMetadataOptions", instances::modify_metadata),
    reads("DescribeVolumes", volumes::describe),
    changes("CreateVolume", volumes::create),
    changes("AttachVolume", volumes::attach),
    changes("DetachVolume", volumes::detach),
    changes("DeleteVolume", volumes::delete),
    changes("ModifyVolume", volumes::modify),
    reads(
        "DescribeVolumesModifications",
        volumes::describe_modifications,
    ),
    changes("CreateTags", tags::create),
    changes("DeleteTags", tags::delete),
    reads("DescribeTags", tags::describe),
    reads("DescribeImages", images::describe),
    reads("DescribeInstanceTypes", types::describe),
    reads("DescribeInstanceTypeOfferings", types::describe_offerings),
    reads("DescribeSubnets", network::describe_subnets),
    reads("DescribeVpcs", network::describe_vpcs),
    reads("DescribeAvailabilityZones", network::describe_zones),
    reads("DescribeNetworkInterfaces", interfaces::describe),
    reads("DescribeSecurityGroups", groups::describe),
    changes("CreateSecurityGroup", groups::create),
    changes("DeleteSecurityGroup", groups::delete),
    changes("AuthorizeSecurityGroupIngress", rules::authorize),
    changes("RevokeSecurityGroupIngress", rules::revoke),
    changes("AuthorizeSecurityGroupEgress", rules::authorize_egress),
    changes("RevokeSecurityGroupEgress", rules::revoke_egress),
    changes(
        "UpdateSecurityGroupRuleDescriptionsIngress",
        rules::describe_anew,
    ),
    reads("DescribePlacementGroups", placement_groups::describe),
    changes("CreatePlacementGroup", placement_groups::create),
    changes("DeletePlacementGroup", placement_groups::delete),
    reads("DescribeAddresses", addresses::describe),
    changes("AllocateAddress", addresses::allocate),
    changes("AssociateAddress", addresses::associate),
    changes("ReleaseAddress", addresses::release),
    reads("DescribeKeyPairs", keys::describe),
    changes("ImportKeyPair", keys::import),
    changes("DeleteKeyPair", keys::delete),
    reads("DescribeSpotInstanceRequests", spot::describe),
    changes("CancelSpotInstanceRequests", spot::cancel),
    reads("DescribeIamInstanceProfileAssociations", profiles::describe),
    changes("AssociateIamInstanceProfile", profiles::associate),
    changes("ReplaceIamInstanceProfileAssociation", profiles::replace),
    changes("DisassociateIamInstanceProfile", profiles::disassociate),
];

/// Answers a call.
pub(crate) fn answer(turn: &mut Turn, caller: &Caller, name: &str, query: &Query) -> Outcome {
    let Some(action) = ACTIONS.iter().find(|action| action.name == name) else {
        let message = format!("The action {name} is not valid for this web service.");
        return Outcome {
            document: Err(Refusal::new("InvalidAction", message)),
            changed: false,
        };
    };
    let may = count(turn, caller, action, query).and_then(|()| permit(turn, caller, action, query));
    if let Err(refusal) = may {
        return Outcome {
            document: Err(refusal),
            changed: false,
        };
    }
    let (region, profiles, stage) = turn.world.region(&caller.account, &caller.region);
    region.settle(turn.now, turn.settings);
    let reply = (action.run)(&mut Call {
        action: action.name,
        query,
        form: query.root(),
        region,
        profiles,
        stage,
        sight: Sight {
            delays: &turn.settings.delays,
            weather: &turn.settings.weather,
            now: turn.now,
            number: turn.number,
        },
        now: turn.now,
    });
    let document = reply.map(|content| {
        let mut xml = Xml::default();
        xml.text("requestId", turn.request);
        xml.extend(&content);
        xml.document(&format!("{name}Response"), Some(NAMESPACE))
    });
    Outcome {
        document,
        // A call that is refused may still have done a part: a termination
        // spares the zones where an instance is protected, and no others.
        changed: action.mutates,
    }
}

/// Counts the call, where the weather has limits. A call that changes nothing because
/// it is refused or dry counts too.
fn count(turn: &mut Turn, caller: &Caller, action: &Action, query: &Query) -> Result<(), Refusal> {
    if !turn.settings.weather.buckets {
        return Ok(());
    }
    let (region, ..) = turn.world.region(&caller.account, &caller.region);
    let kind = (action.name, action.mutates);
    throttle::take(&mut region.buckets, kind, &query.root(), turn.now)
}

/// Checks what may be checked before anything is done.
fn permit(turn: &mut Turn, caller: &Caller, action: &Action, query: &Query) -> Result<(), Refusal> {
    if action.mutates && caller.standing == Standing::Denied {
        return Err(unauthorized(caller, action.name, Lacking::Identity));
    }
    let (region, ..) = turn.world.region(&caller.account, &caller.region);
    if !session_allows(caller, || accesses(region, action.name, query)) {
        return Err(unauthorized(caller, action.name, Lacking::Session));
    }
    if query.root().flag("DryRun")? == Some(true) {
        return Err(Refusal::new(
            "DryRunOperation",
            "Request would have succeeded, but DryRun flag is set.",
        ));
    }
    Ok(())
}

/// The answer of the calls that only say that it is done.
pub(super) fn done() -> Xml {
    let mut xml = Xml::default();
    xml.text("return", true);
    xml
}

impl Call<'_> {
    /// The instances that are known yet.
    pub(super) fn instances(&self) -> impl Iterator<Item = &Instance> {
        let instances = self.region.instances.values();
        instances.filter(|instance| self.sight.knows(instance))
    }

    /// An instance by id, if it is known yet.
    pub(super) fn instance(&self, id: &str) -> Option<&Instance> {
        let instance = self.region.instances.get(id);
        instance.filter(|instance| self.sight.knows(instance))
    }

    /// Refuses a listing that names no ids while a zone of the region is impaired (EC2
    /// API reference, `DescribeInstances`).
    pub(super) fn refuse_while_impaired(&self, ids: &[&str]) -> Result<(), Refusal> {
        let mut zones = self.stage.impaired.iter();
        if ids.is_empty() && zones.any(|zone| self.region.network.in_zone(zone).is_some()) {
            return Err(Refusal::new(
                "Unavailable",
                "The service is unavailable. Please try again shortly.",
            ));
        }
        Ok(())
    }

    /// An instance by id, or the refusal of EC2 for one that is not there.
    pub(super) fn known_instance(&mut self, id: &str) -> Result<&mut Instance, Refusal> {
        INSTANCE.check(id)?;
        let sight = self.sight;
        self.region
            .instances
            .get_mut(id)
            .filter(|instance| sight.knows(instance))
            .ok_or_else(|| INSTANCE.unknown(&[id]))
    }
}
