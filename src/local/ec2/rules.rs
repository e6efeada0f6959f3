//! The rules of security groups.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::groups::named;
use super::identifiers::GROUP;
use super::{Call, done};
use crate::local::state::{Region, Rule};
use crate::local::wire::{Node, Refusal, Reply, Xml};

/// `AuthorizeSecurityGroupIngress`: every rule is new, or none is added.
pub(super) fn authorize(call: &mut Call) -> Reply {
    let id = named(call)?;
    let rules = read(call)?;
    let Some(group) = call.region.groups.get_mut(&id) else {
        return Err(GROUP.unknown(&[&id]));
    };
    if let Some(known) = rules.iter().find(|rule| known(&group.ingress, rule)) {
        let message = format!(
            "the specified rule \"peer: {}, protocol: {}\" already exists",
            known.source, known.protocol
        );
        return Err(Refusal::new("InvalidPermission.Duplicate", message));
    }
    group.ingress.extend(rules);
    group.ingress.sort();
    group.ingress.dedup_by(|one, other| one.allows_same(other));
    Ok(done())
}

/// `RevokeSecurityGroupIngress`: every rule is there, or none is taken away.
pub(super) fn revoke(call: &mut Call) -> Reply {
    let id = named(call)?;
    let rules = read(call)?;
    let Some(group) = call.region.groups.get_mut(&id) else {
        return Err(GROUP.unknown(&[&id]));
    };
    if rules.iter().any(|rule| !known(&group.ingress, rule)) {
        return Err(Refusal::new(
            "InvalidPermission.NotFound",
            "The specified rule does not exist in this security group.",
        ));
    }
    group.ingress.retain(|rule| !known(&rules, rule));
    Ok(done())
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
        let id = group.required("GroupId")?;
        GROUP.check_all(&[id], |id| call.region.groups.contains_key(id))?;
        sources.push((id.to_owned(), described(&group)));
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
