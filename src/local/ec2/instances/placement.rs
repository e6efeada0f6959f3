//! Where a launch goes: subnet, zone and security groups.

use super::super::Call;
use super::super::groups::check_count;
use super::super::identifiers::{GROUP, SUBNET};
use super::token::ScopeOfToken;
use crate::local::state::{Subnet, derived_hex};
use crate::local::wire::{Node, Refusal};

/// Where a launch goes.
#[derive(Clone, Debug)]
pub(super) struct Placement {
    pub(super) subnet: Subnet,
    /// Where it may go instead, as it names no zone.
    others: Vec<Subnet>,
    pub(super) scope: ScopeOfToken,
    pub(super) groups: Vec<String>,
    pub(super) public_address: bool,
    pub(super) interface_kept: bool,
}

impl Placement {
    /// The subnets that the launch may go to, the preferred one first.
    pub(super) fn candidates(&self) -> impl Iterator<Item = &Subnet> {
        std::iter::once(&self.subnet).chain(&self.others)
    }

    /// Whether the launch names its zone.
    pub(super) fn is_pinned(&self) -> bool {
        match self.scope {
            ScopeOfToken::Zone(_) => true,
            ScopeOfToken::Region => false,
        }
    }
}

/// Finds the place that a call asks for.
pub(super) fn read(call: &Call) -> Result<Placement, Refusal> {
    let interface = interface(&call.form)?;
    // The primary interface, when the call describes it, names subnet and groups.
    let source = interface.as_ref().unwrap_or(&call.form);
    let (subnet, scope) = subnet(call, source)?;
    let mut others = Vec::new();
    if scope == ScopeOfToken::Region {
        let subnets = call.region.network.subnets.iter();
        others.extend(subnets.filter(|other| other.id != subnet.id).cloned());
    }
    let groups = groups(call, source)?;
    let (mut public_address, mut interface_kept) = (true, false);
    if let Some(interface) = &interface {
        public_address = interface.flag("AssociatePublicIpAddress")?.unwrap_or(true);
        interface_kept = interface.flag("DeleteOnTermination")? == Some(false);
    }
    Ok(Placement {
        subnet,
        others,
        scope,
        groups,
        public_address,
        interface_kept,
    })
}

fn interface<'q>(form: &Node<'q>) -> Result<Option<Node<'q>>, Refusal> {
    let mut interfaces = form.items("NetworkInterface");
    if interfaces.len() > 1 {
        return Err(Refusal::new(
            "UnsupportedOperation",
            "This cloud gives an instance one network interface",
        ));
    }
    let Some(interface) = interfaces.pop() else {
        return Ok(None);
    };
    if form.has("SubnetId") {
        return Err(Refusal::combination(
            "Network interfaces and an instance-level subnet ID may not be specified on the same \
             request",
        ));
    }
    if form.has("SecurityGroupId") || form.has("SecurityGroup") {
        return Err(Refusal::combination(
            "Network interfaces and an instance-level security groups may not be specified on \
             the same request",
        ));
    }
    if interface.number::<u32>("DeviceIndex")? != Some(0) {
        return Err(Refusal::value(
            "The primary network interface must have the device index 0",
        ));
    }
    Ok(Some(interface))
}

fn subnet(call: &Call, source: &Node) -> Result<(Subnet, ScopeOfToken), Refusal> {
    let network = &call.region.network;
    let zone = call.form.node("Placement").text("AvailabilityZone");
    if let Some(id) = source.text("SubnetId") {
        let subnet = network.subnet(id).ok_or_else(|| SUBNET.unknown(&[id]))?;
        if zone.is_some_and(|zone| zone != subnet.zone) {
            return Err(Refusal::value(format!(
                "The subnet '{id}' is not in the availability zone '{}'",
                zone.unwrap_or_default()
            )));
        }
        return Ok((subnet.clone(), ScopeOfToken::Zone(subnet.zone.clone())));
    }
    if let Some(zone) = zone {
        let subnet = network
            .in_zone(zone)
            .ok_or_else(|| Refusal::value(format!("Invalid availability zone: [{zone}]")))?;
        return Ok((subnet.clone(), ScopeOfToken::Zone(zone.to_owned())));
    }
    // AWS picks a zone as it likes, but the same one for the same token.
    let token = call.form.text("ClientToken").unwrap_or_default();
    let count = call.region.minted.to_string();
    let seed = if token.is_empty() { &count } else { token };
    let choice = derived_hex(&["zone", seed], 4);
    let choice = usize::from_str_radix(&choice, 16).unwrap_or(0);
    network
        .subnets
        .get(choice % network.subnets.len().max(1))
        .map(|subnet| (subnet.clone(), ScopeOfToken::Region))
        .ok_or_else(|| Refusal::new("InternalError", "the region has no subnet"))
}

fn groups(call: &Call, source: &Node) -> Result<Vec<String>, Refusal> {
    let region = &call.region;
    let ids = source.values("SecurityGroupId");
    let mut groups: Vec<String> = GROUP
        .check_all(&ids, |id| region.groups.contains_key(id))?
        .into_iter()
        .map(str::to_owned)
        .collect();
    let names = call.form.values("SecurityGroup");
    if !names.is_empty() && call.form.has("SubnetId") {
        return Err(Refusal::combination(
            "The parameter groupName cannot be used with the parameter subnet",
        ));
    }
    for name in names {
        let group = region.groups.values().find(|group| group.name == name);
        let group = group.ok_or_else(|| {
            let vpc = &region.network.vpc;
            let message =
                format!("The security group '{name}' does not exist in default VPC '{vpc}'");
            Refusal::new("InvalidGroup.NotFound", message)
        })?;
        if !groups.contains(&group.id) {
            groups.push(group.id.clone());
        }
    }
    if groups.is_empty() {
        groups.push(region.network.default_group.clone());
    }
    check_count(&groups)?;
    Ok(groups)
}
