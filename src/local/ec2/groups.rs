//! Security groups.

use super::filter::{Field, Filters, one};
use super::identifiers::{GROUP, NETWORK};
use super::page::Page;
use super::rules::{rules_xml, sources};
use super::{Call, tags};
use crate::local::state::{InstanceState, Region, SecurityGroup};
use crate::local::wire::{Node, Refusal, Reply, Xml};

/// The longest name and description, in characters.
const LONGEST: usize = 255;

/// The most groups of a network interface.
const MOST_OF_INTERFACE: usize = 5;

/// `CreateSecurityGroup`.
pub(super) fn create(call: &mut Call) -> Reply {
    let name = call.form.required("GroupName")?;
    let description = call.form.required("GroupDescription")?;
    let vpc = call.region.network.vpc.clone();
    if let Some(id) = call.form.text("VpcId") {
        NETWORK.check_all(&[id], |id| id == vpc)?;
    }
    if name.chars().count() > LONGEST || description.chars().count() > LONGEST {
        let message = format!("A name or description exceeds {LONGEST} characters");
        return Err(Refusal::value(message));
    }
    if name.starts_with("sg-") {
        return Err(Refusal::value(
            "Invalid value for parameter groupName. Group names may not be in the format sg-*.",
        ));
    }
    if call.region.groups.values().any(|group| group.name == name) {
        let message = format!("The security group '{name}' already exists for VPC '{vpc}'");
        return Err(Refusal::new("InvalidGroup.Duplicate", message));
    }
    let tags = tags::specifications(&call.form, &["security-group"])?;
    let id = call.region.mint("sg");
    let mut group = SecurityGroup::new(id.clone(), name, description, &vpc);
    group.created = Some(call.now);
    call.region.groups.insert(id.clone(), group);
    if let Some(tags) = tags.get("security-group") {
        call.region.tags.insert(id.clone(), tags.clone());
    }
    let mut xml = Xml::default();
    xml.text("return", true)
        .text("groupId", &id)
        .text("securityGroupArn", arn(call.region, &id))
        .tags(call.region.tags_of(&id));
    Ok(xml)
}

fn arn(region: &Region, id: &str) -> String {
    format!(
        "arn:aws:ec2:{}:{}:security-group/{id}",
        region.name, region.account
    )
}

/// Refuses more groups than a network interface may have (VPC quotas).
pub(super) fn check_count(groups: &[String]) -> Result<(), Refusal> {
    if groups.len() <= MOST_OF_INTERFACE {
        return Ok(());
    }
    Err(Refusal::new(
        "SecurityGroupsPerInterfaceLimitExceeded",
        format!(
            "You have exceeded the maximum number of security groups allowed per network \
             interface ({MOST_OF_INTERFACE})."
        ),
    ))
}

/// Finds the group that a call names by id or by name.
pub(super) fn named(call: &Call) -> Result<String, Refusal> {
    group_at(call, &call.form)
}

/// Finds the group that a place in the form names by id or by name.
pub(super) fn group_at(call: &Call, form: &Node) -> Result<String, Refusal> {
    if let Some(id) = form.text("GroupId") {
        GROUP.check_all(&[id], |id| call.region.groups.contains_key(id))?;
        return Ok(id.to_owned());
    }
    let name = form
        .text("GroupName")
        .ok_or_else(|| Refusal::missing("groupName or groupId"))?;
    let group = call.region.groups.values().find(|group| group.name == name);
    group.map(|group| group.id.clone()).ok_or_else(|| {
        let vpc = &call.region.network.vpc;
        let message = format!("The security group '{name}' does not exist in default VPC '{vpc}'");
        Refusal::new("InvalidGroup.NotFound", message)
    })
}

/// `DeleteSecurityGroup`: not the default one, and none that is in use.
pub(super) fn delete(call: &mut Call) -> Reply {
    let id = named(call)?;
    let region = &mut *call.region;
    if id == region.network.default_group {
        return Err(Refusal::new(
            "CannotDelete",
            format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user"),
        ));
    }
    let by_instance = region.instances.values().any(|instance| {
        instance.state() != InstanceState::Terminated && instance.groups.contains(&id)
    });
    let by_group = region.groups.values().any(|group| {
        let mut rules = group.ingress.iter().chain(&group.egress);
        group.id != id && rules.any(|rule| rule.source == id)
    });
    let by_interface = region
        .loose
        .values()
        .any(|interface| interface.groups.contains(&id));
    if by_instance || by_group || by_interface {
        let message = format!("resource {id} has a dependent object");
        return Err(Refusal::new("DependencyViolation", message));
    }
    region.groups.remove(&id);
    region.tags.remove(&id);
    let mut xml = Xml::default();
    xml.text("return", true).text("groupId", id);
    Ok(xml)
}

fn fields() -> [Field<SecurityGroup>; 8] {
    [
        ("group-id", |group| one(&group.id)),
        ("group-name", |group| one(&group.name)),
        ("description", |group| one(&group.description)),
        ("vpc-id", |group| one(&group.vpc)),
        ("ip-permission.cidr", |group| {
            sources(&group.ingress, |source| source.contains('.'))
        }),
        ("ip-permission.ipv6-cidr", |group| {
            sources(&group.ingress, |source| source.contains(':'))
        }),
        ("ip-permission.group-id", |group| {
            sources(&group.ingress, |source| source.starts_with("sg-"))
        }),
        ("ip-permission.protocol", |group| {
            group
                .ingress
                .iter()
                .map(|rule| rule.protocol.clone())
                .collect()
        }),
    ]
}

/// `DescribeSecurityGroups`.
pub(super) fn describe(call: &mut Call) -> Reply {
    let fields = fields();
    let filters = Filters::read(&call.form, &fields)?;
    let page = Page::read(call, &(5..=1000))?;
    let ids = call.form.values("GroupId");
    page.refuse_with_ids("groupIds", &ids)?;
    let region: &Region = call.region;
    let ids = GROUP.check_all(&ids, |id| region.groups.contains_key(id))?;
    let names = call.form.values("GroupName");
    for name in &names {
        if !region.groups.values().any(|group| group.name == *name) {
            let vpc = &region.network.vpc;
            let message =
                format!("The security group '{name}' does not exist in default VPC '{vpc}'");
            return Err(Refusal::new("InvalidGroup.NotFound", message));
        }
    }
    let (sight, by_tags) = (call.sight, filters.name_tags());
    let found = region
        .groups
        .iter()
        .filter(|(id, _)| ids.is_empty() || ids.contains(&id.as_str()))
        .filter(|(_, group)| names.is_empty() || names.contains(&group.name.as_str()))
        .filter(|(_, group)| !(by_tags && sight.misses_tags_of_group(group)))
        .filter(|(id, group)| filters.accept(*group, region.tags_of(id), &fields))
        .map(|(id, group)| (id.clone(), group))
        .collect();
    let (groups, next) = page.cut(found);
    let mut xml = Xml::default();
    xml.list("securityGroupInfo", groups, |xml, group| {
        xml.text("ownerId", &region.account)
            .text("groupId", &group.id)
            .text("groupName", &group.name)
            .text("groupDescription", &group.description)
            .text("vpcId", &group.vpc)
            .text("securityGroupArn", arn(region, &group.id));
        rules_xml(xml, "ipPermissions", region, &group.ingress);
        rules_xml(xml, "ipPermissionsEgress", region, &group.egress);
        xml.tags(region.tags_of(&group.id));
    });
    xml.maybe("nextToken", next);
    Ok(xml)
}
