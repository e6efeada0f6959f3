//! The rules of a security group, between EC2's form and ours: one for each source.

use aws_sdk_ec2::types as sdk;

use super::translate;
use crate::resource::{OwnSecurityGroup, Rule, RuleSource};

/// What EC2 writes for all protocols.
const ALL: &str = "-1";

/// A security group with the ways in.
pub(super) fn security_group(from: &sdk::SecurityGroup) -> Option<OwnSecurityGroup> {
    let id = from.group_id()?;
    let rules = singles(from).map(|(rule, _)| rule).collect();
    Some(OwnSecurityGroup {
        id: id.to_owned(),
        name: from.group_name().unwrap_or_default().to_owned(),
        network: from.vpc_id().map(str::to_owned),
        rules,
        tags: translate::tags(from.tags()),
    })
}

/// The ways in of a group, each as ours and in the form in which EC2 takes it away.
///
/// Ours cannot say everything that EC2 can: a code of ICMP is lost in it. What is
/// taken away is therefore named as EC2 named it.
pub(super) fn singles(
    from: &sdk::SecurityGroup,
) -> impl Iterator<Item = (Rule, sdk::IpPermission)> + '_ {
    let own = from.group_id().unwrap_or_default();
    from.ip_permissions()
        .iter()
        .flat_map(move |permission| split(permission, own))
}

/// One permission of EC2 names several sources; each of them is a rule of its own.
fn split(permission: &sdk::IpPermission, own: &str) -> Vec<(Rule, sdk::IpPermission)> {
    let single = |source: RuleSource, description: Option<&str>, form: sdk::IpPermission| {
        let rule = Rule {
            protocol: permission.ip_protocol().unwrap_or(ALL).to_owned(),
            ports: ports(permission),
            source,
            description: description.unwrap_or_default().to_owned(),
        };
        (rule, form)
    };
    let bare = || {
        sdk::IpPermission::builder()
            .set_ip_protocol(permission.ip_protocol().map(str::to_owned))
            .set_from_port(permission.from_port())
            .set_to_port(permission.to_port())
    };
    let block = |text: Option<&str>| {
        let text = text.unwrap_or_default();
        text.parse()
            .map_or_else(|_| RuleSource::Other(text.to_owned()), RuleSource::Block)
    };
    let four = permission.ip_ranges().iter().map(|range| {
        let form = bare().ip_ranges(range.clone()).build();
        single(block(range.cidr_ip()), range.description(), form)
    });
    let six = permission.ipv6_ranges().iter().map(|range| {
        let form = bare().ipv6_ranges(range.clone()).build();
        single(block(range.cidr_ipv6()), range.description(), form)
    });
    let groups = permission.user_id_group_pairs().iter().map(|pair| {
        let form = bare().user_id_group_pairs(pair.clone()).build();
        single(group_source(pair, own), pair.description(), form)
    });
    let lists = permission.prefix_list_ids().iter().map(|list| {
        let form = bare().prefix_list_ids(list.clone()).build();
        let id = list.prefix_list_id().unwrap_or_default();
        single(RuleSource::Other(id.to_owned()), list.description(), form)
    });
    four.chain(six).chain(groups).chain(lists).collect()
}

fn group_source(pair: &sdk::UserIdGroupPair, own: &str) -> RuleSource {
    match pair.group_id().or(pair.group_name()) {
        Some(id) if id == own => RuleSource::Itself,
        Some(id) => RuleSource::Other(id.to_owned()),
        None => RuleSource::Other("another group".to_owned()),
    }
}

/// Without ports, and for all kinds of ICMP, EC2 writes nothing or -1 (EC2 API, `IpPermission`).
fn ports(permission: &sdk::IpPermission) -> Option<(u16, u16)> {
    let port = |port: Option<i32>| port.and_then(|port| u16::try_from(port).ok());
    port(permission.from_port()).zip(port(permission.to_port()))
}

/// A rule of ours in EC2's form, for the group with this id.
///
/// `None` for a source that is never written by us.
pub(super) fn permission(rule: &Rule, own: &str) -> Option<sdk::IpPermission> {
    let Rule {
        protocol,
        ports,
        source,
        description,
    } = rule;
    let described = Some(description.clone()).filter(|text| !text.is_empty());
    let form = sdk::IpPermission::builder()
        .ip_protocol(protocol)
        .set_from_port(ports.map(|(first, _)| i32::from(first)))
        .set_to_port(ports.map(|(_, last)| i32::from(last)));
    let form = match source {
        RuleSource::Block(block) if block.is_ipv6() => form.ipv6_ranges(
            sdk::Ipv6Range::builder()
                .cidr_ipv6(block.to_string())
                .set_description(described)
                .build(),
        ),
        RuleSource::Block(block) => form.ip_ranges(
            sdk::IpRange::builder()
                .cidr_ip(block.to_string())
                .set_description(described)
                .build(),
        ),
        RuleSource::Itself => form.user_id_group_pairs(
            sdk::UserIdGroupPair::builder()
                .group_id(own)
                .set_description(described)
                .build(),
        ),
        RuleSource::Other(_) => return None,
    };
    Some(form.build())
}

/// Whether EC2 takes both for the same rule: what they say of themselves does not count
/// (EC2 API, `AuthorizeSecurityGroupIngress`).
pub(super) fn same_way(one: &Rule, other: &Rule) -> bool {
    let way = |rule: &Rule| (rule.protocol.clone(), rule.ports, rule.source.clone());
    way(one) == way(other)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const OWN: &str = "sg-0123456789abcdef0";

    fn rule(protocol: &str, ports: Option<(u16, u16)>, source: RuleSource, text: &str) -> Rule {
        Rule {
            protocol: protocol.to_owned(),
            ports,
            source,
            description: text.to_owned(),
        }
    }

    fn block(text: &str) -> RuleSource {
        RuleSource::Block(text.parse().unwrap())
    }

    fn group(permissions: Vec<sdk::IpPermission>) -> sdk::SecurityGroup {
        sdk::SecurityGroup::builder()
            .group_id(OWN)
            .set_ip_permissions(Some(permissions))
            .build()
    }

    #[test]
    fn what_we_write_is_read_back_as_it_was() {
        let rules = BTreeSet::from([
            rule("tcp", Some((22, 22)), block("203.0.113.0/24"), "ssh"),
            rule("tcp", Some((22, 22)), block("2001:db8::/32"), "ssh"),
            rule("-1", None, RuleSource::Itself, "members of the group"),
            rule("udp", Some((1, 65_535)), block("0.0.0.0/0"), ""),
        ]);
        let written = rules.iter().map(|rule| permission(rule, OWN).unwrap());
        let read = security_group(&group(written.collect())).unwrap();
        assert_eq!(read.rules, rules);
    }

    #[test]
    fn every_source_of_a_permission_is_a_rule_of_its_own() {
        let many = sdk::IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(22)
            .to_port(22)
            .ip_ranges(sdk::IpRange::builder().cidr_ip("203.0.113.7/32").build())
            .ip_ranges(
                sdk::IpRange::builder()
                    .cidr_ip("198.51.100.0/24")
                    .description("office")
                    .build(),
            )
            .ipv6_ranges(sdk::Ipv6Range::builder().cidr_ipv6("::/0").build())
            .user_id_group_pairs(sdk::UserIdGroupPair::builder().group_id(OWN).build())
            .user_id_group_pairs(sdk::UserIdGroupPair::builder().group_id("sg-2").build())
            .prefix_list_ids(sdk::PrefixListId::builder().prefix_list_id("pl-1").build())
            .build();
        let ssh = |source, text| rule("tcp", Some((22, 22)), source, text);
        let group = group(vec![many]);
        let found: Vec<Rule> = singles(&group).map(|(rule, _)| rule).collect();
        let wanted = [
            ssh(block("203.0.113.7/32"), ""),
            ssh(block("198.51.100.0/24"), "office"),
            ssh(block("::/0"), ""),
            ssh(RuleSource::Itself, ""),
            ssh(RuleSource::Other("sg-2".to_owned()), ""),
            ssh(RuleSource::Other("pl-1".to_owned()), ""),
        ];
        assert_eq!(found, wanted);
        // Each is taken away alone.
        for (_, form) in singles(&group) {
            let sources = form.ip_ranges().len()
                + form.ipv6_ranges().len()
                + form.user_id_group_pairs().len()
                + form.prefix_list_ids().len();
            assert_eq!(sources, 1);
        }
    }

    #[test]
    fn a_code_of_icmp_is_kept_in_what_is_taken_away() {
        let echo = sdk::IpPermission::builder()
            .ip_protocol("icmp")
            .from_port(8)
            .to_port(-1)
            .ip_ranges(sdk::IpRange::builder().cidr_ip("0.0.0.0/0").build())
            .build();
        let group = group(vec![echo.clone()]);
        let found: Vec<_> = singles(&group).collect();
        assert_eq!(found[0].0, rule("icmp", None, block("0.0.0.0/0"), ""));
        assert_eq!(found[0].1, echo);
    }

    #[test]
    fn a_source_that_is_not_ours_cannot_be_written() {
        let other = rule("tcp", None, RuleSource::Other("pl-1".to_owned()), "");
        assert_eq!(permission(&other, OWN), None);
    }

    #[test]
    fn what_rules_say_of_themselves_does_not_make_them_two() {
        let one = rule(
            "tcp",
            Some((22, 22)),
            block("203.0.113.7/32"),
            "ssh for alex",
        );
        let other = rule(
            "tcp",
            Some((22, 22)),
            block("203.0.113.7/32"),
            "ssh for kim",
        );
        assert!(same_way(&one, &other));
        assert!(!same_way(&one, &rule("tcp", None, one.source.clone(), "")));
    }
}
