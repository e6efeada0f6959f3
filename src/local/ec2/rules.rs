//! The rules of security groups.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::groups::{group_at, named};
use super::identifiers::GROUP;
use super::{Call, done};
use crate::local::state::{Region, Rule, SecurityGroup};
use crate::local::wire::{Node, Refusal, Reply, Xml};

/// The most rules of a group in one direction, for each family of addresses (VPC
/// quotas).
const MOST_RULES: usize = 60;

/// The rules of a group in one direction.
type Side = fn(&mut SecurityGroup) -> &mut Vec<Rule>;

/// `AuthorizeSecurityGroupIngress`.
pub(super) fn authorize(call: &mut Call) -> Reply {
    add(call, |group| &mut group.ingress)
}

/// `AuthorizeSecurityGroupEgress`.
pub(super) fn authorize_egress(call: &mut Call) -> Reply {
    add(call, |group| &mut group.egress)
}

/// `RevokeSecurityGroupIngress`.
pub(super) fn revoke(call: &mut Call) -> Reply {
    take(call, |group| &mut group.ingress)
}

/// `RevokeSecurityGroupEgress`.
pub(super) fn revoke_egress(call: &mut Call) -> Reply {
    take(call, |group| &mut group.egress)
}

/// `UpdateSecurityGroupRuleDescriptionsIngress`: says something else of rules
/// that are there.
pub(super) fn describe_anew(call: &mut Call) -> Reply {
    let (known_rules, rules) = both(call, |group| &mut group.ingress)?;
    if rules.iter().any(|rule| !known(known_rules, rule)) {
        return Err(missing());
    }
    for rule in known_rules {
        if let Some(new) = rules.iter().find(|new| new.allows_same(rule)) {
            rule.description.clone_from(&new.description);
        }
    }
    Ok(done())
}

/// Adds rules: every one is new, or none is added.
fn add(call: &mut Call, side: Side) -> Reply {
    let (present, rules) = both(call, side)?;
    if let Some(known) = rules.iter().find(|rule| known(present, rule)) {
        let message = format!(
            "the specified rule \"peer: {}, protocol: {}\" already exists",
            known.source, known.protocol
        );
        return Err(Refusal::new("InvalidPermission.Duplicate", message));
    }
    let mut all = present.clone();
    all.extend(rules);
    all.sort();
    all.dedup_by(|one, other| one.allows_same(other));
    limit(&all)?;
    *present = all;
    Ok(done())
}

/// A rule whose source is a group counts for both families.
fn limit(rules: &[Rule]) -> Result<(), Refusal> {
    for other_family in [".", ":"] {
        let counted = rules
            .iter()
            .filter(|rule| !rule.source.contains(other_family));
        if counted.count() > MOST_RULES {
            return Err(Refusal::new(
                "RulesPerSecurityGroupLimitExceeded",
                "The maximum number of rules per security group has been reached.",
            ));
        }
    }
    Ok(())
}

/// Takes rules away: every one is there, or none is taken.
fn take(call: &mut Call, side: Side) -> Reply {
    let (present, rules) = both(call, side)?;
    if rules.iter().any(|rule| !known(present, rule)) {
        return Err(missing());
    }
    present.retain(|rule| !known(&rules, rule));
    Ok(done())
}

/// The rules that a group has, and those of the call.
fn both<'c>(call: &'c mut Call, side: Side) -> Result<(&'c mut Vec<Rule>, Vec<Rule>), Refusal> {
    let id = named(call)?;
    let rules = read(call)?;
    let group = call.region.groups.get_mut(&id);
    let group = group.ok_or_else(|| GROUP.unknown(&[&id]))?;
    Ok((side(group), rules))
}

fn missing() -> Refusal {
    Refusal::new(
        "InvalidPermission.NotFound",
        "The specified rule does not exist in this security group.",
    )
}

fn known(rules: &[Rule], rule: &Rule) -> bool {
    rules.iter().any(|known| known.allows_same(rule))
}

/// Reads the rules of a call, one for every source.
fn read(call: &Call) -> Result<Vec<Rule>, Refusal> {
    let mut rules = Vec::new();
    for item in call.form.items("IpPermissions") {
        let found = sources_of(call, &item)?;
        if found.is_empty() {
            return Err(Refusal::missing("ipRanges, ipv6Ranges or groups"));
        }
        for (source, description) in found {
            rules.push(Rule {
                description,
                ..rule(&item, source)?
            });
        }
    }
    if let Some(range) = call.form.text("CidrIp") {
        rules.push(rule(&call.form, checked_range(range)?)?);
    }
    if rules.is_empty() {
        return Err(Refusal::missing("ipPermissions"));
    }
    Ok(rules)
}

/// Reads where a rule lets in from, and what is said about it.
fn sources_of(call: &Call, item: &Node) -> Result<Vec<(String, Option<String>)>, Refusal> {
    let described = |node: &Node| node.text("Description").map(str::to_owned);
    let mut sources = Vec::new();
    for (list, field) in [("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6")] {
        for range in item.items(list) {
            let source = checked_range(range.required(field)?)?;
            sources.push((source, described(&range)));
        }
    }
    for group in item.items("Groups") {
        sources.push((group_at(call, &group)?, described(&group)));
    }
    Ok(sources)
}

fn rule(node: &Node, source: String) -> Result<Rule, Refusal> {
    let protocol = match node.required("IpProtocol")? {
        "6" => "tcp",
        "17" => "udp",
        "1" => "icmp",
        known @ ("tcp" | "udp" | "icmp" | "icmpv6" | "-1") => known,
        other => {
            return Err(Refusal::value(format!(
                "Invalid value '{other}' for IpProtocol."
            )));
        }
    };
    let mut ports = (node.number("FromPort")?, node.number("ToPort")?);
    match (protocol, ports) {
        ("-1", _) => ports = (None, None),
        ("tcp" | "udp", (Some(from), Some(to)))
            if !(0..=65_535).contains(&from) || from > to || to > 65_535 =>
        {
            return Err(Refusal::value(format!(
                "Invalid range of ports: {from} to {to}"
            )));
        }
        ("tcp" | "udp", (None, _) | (_, None)) => {
            return Err(Refusal::missing("fromPort and toPort"));
        }
        _ => {}
    }
    Ok(Rule {
        protocol: protocol.to_owned(),
        from_port: ports.0,
        to_port: ports.1,
        source,
        description: None,
    })
}

fn checked_range(range: &str) -> Result<String, Refusal> {
    let good = range.split_once('/').is_some_and(|(address, bits)| {
        let most = match address.parse() {
            Ok(IpAddr::V4(_)) => 32,
            Ok(IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        bits.parse::<u8>().is_ok_and(|bits| bits <= most)
    });
    if good {
        return Ok(range.to_owned());
    }
    Err(Refusal::value(format!("CIDR block {range} is malformed")))
}

/// The sources of rules that are of some kind.
pub(super) fn sources(rules: &[Rule], of_kind: fn(&str) -> bool) -> Vec<String> {
    let sources = rules.iter().map(|rule| &rule.source);
    sources.filter(|source| of_kind(source)).cloned().collect()
}

/// Writes rules as EC2 does: those of one protocol and range of ports together.
pub(super) fn rules_xml(xml: &mut Xml, name: &str, region: &Region, rules: &[Rule]) {
    let mut permissions: BTreeMap<_, Vec<&Rule>> = BTreeMap::new();
    for rule in rules {
        let ports = (&rule.protocol, rule.from_port, rule.to_port);
        permissions.entry(ports).or_default().push(rule);
    }
    xml.list(name, permissions, |xml, ((protocol, from, to), rules)| {
        xml.text("ipProtocol", protocol)
            .maybe("fromPort", from)
            .maybe("toPort", to);
        let mut list = |name: &str, field: &str, mark: &str| {
            let rules = rules.iter().filter(|rule| rule.source.contains(mark));
            xml.list(name, rules, |xml, rule| {
                if field == "groupId" {
                    xml.text("userId", &region.account);
                }
                xml.text(field, &rule.source)
                    .maybe("description", rule.description.as_ref());
            });
        };
        list("groups", "groupId", "sg-");
        list("ipRanges", "cidrIp", ".");
        list("ipv6Ranges", "cidrIpv6", ":");
        xml.node("prefixListIds", |_| {});
    });
}
