//! What holds a security group that cannot be deleted.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{IpPermission, NetworkInterface, SecurityGroup};

use super::connect::Clients;
use super::error::CloudError;
use super::security_rule::singles;
use super::translate;
use crate::resource::{AccountId, EnvironmentName, RuleSource, object_claim};

/// How many groups one filter names (EC2 API filtering).
const VALUES: usize = 200;

/// Takes rules away that refer to one of these groups and stand in another group of the same
/// environment; gives how many groups were changed.
///
/// Such rules were written by hand, as ours name no group but their own. A group of
/// somebody else is left as it is: it will be named as what holds ours. What fails here
/// shows in the deletion, so it is only logged.
pub(super) async fn give_up_references(clients: &Clients, groups: &[String]) -> usize {
    let mut changed = 0;
    for chunk in groups.chunks(VALUES) {
        match references(clients, chunk).await {
            Ok(references) => {
                for (group, forms) in references {
                    match revoke(clients, &group, forms).await {
                        Ok(()) => changed += 1,
                        Err(error) => tracing::warn!(%group, %error, "a rule stays"),
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "rules that refer to a group stay"),
        }
    }
    changed
}

/// The rules that refer to these groups, by the group of ours that they stand in.
async fn references(
    clients: &Clients,
    groups: &[String],
) -> Result<BTreeMap<String, Vec<IpPermission>>, CloudError> {
    let doomed = by_filter(clients, "group-id", groups).await?;
    let environments: BTreeSet<EnvironmentName> = doomed.iter().filter_map(environment).collect();
    let referring = by_filter(clients, "ip-permission.group-id", groups).await?;
    let mut found = BTreeMap::new();
    for group in referring {
        let ours = environment(&group).is_some_and(|name| environments.contains(&name));
        let Some(id) = group.group_id().filter(|_| ours) else {
            continue;
        };
        // A group may always refer to itself.
        let forms: Vec<IpPermission> = singles(&group)
            .filter(|(rule, _)| match &rule.source {
                RuleSource::Other(source) => groups.contains(source),
                RuleSource::Block(_) | RuleSource::Itself => false,
            })
            .map(|(_, form)| form)
            .collect();
        if !forms.is_empty() {
            found.insert(id.to_owned(), forms);
        }
    }
    Ok(found)
}

/// The environment that a group provably belongs to.
fn environment(group: &SecurityGroup) -> Option<EnvironmentName> {
    let account = AccountId::new(group.owner_id()?);
    let (environment, _) = object_claim(&translate::tags(group.tags()), &account)?;
    Some(environment)
}

async fn by_filter(
    clients: &Clients,
    filter: &str,
    groups: &[String],
) -> Result<Vec<SecurityGroup>, CloudError> {
    let answer = clients
        .ec2
        .describe_security_groups()
        .filters(translate::filter(filter, groups))
        .send()
        .await
        .map_err(|error| CloudError::from_sdk("read security groups", &error))?;
    Ok(answer.security_groups().to_vec())
}

async fn revoke(
    clients: &Clients,
    group: &str,
    forms: Vec<IpPermission>,
) -> Result<(), CloudError> {
    clients
        .ec2
        .revoke_security_group_ingress()
        .group_id(group)
        .set_ip_permissions(Some(forms))
        .send()
        .await
        .map(drop)
        .map_err(|error| CloudError::from_sdk("take a rule away", &error))
}

/// What holds a security group, in words; `None` where EC2 does not say.
pub(super) async fn holder(clients: &Clients, group: &str) -> Option<String> {
    let interfaces = clients
        .ec2
        .describe_network_interfaces()
        .filters(translate::filter("group-id", [group]))
        .send()
        .await
        .inspect_err(|error| {
            let error = CloudError::from_sdk("read network interfaces", error);
            tracing::warn!(%group, %error, "what holds a group stays unknown");
        });
    if let Ok(answer) = &interfaces
        && let Some(words) = several(answer.network_interfaces(), interface_words)
    {
        return Some(words);
    }
    let groups = [group.to_owned()];
    let referring = by_filter(clients, "ip-permission.group-id", &groups).await;
    let others: Vec<SecurityGroup> = referring
        .ok()?
        .into_iter()
        .filter(|other| other.group_id() != Some(group))
        .collect();
    several(&others, |other| {
        let id = other.group_id().unwrap_or("another group");
        let name = other.group_name().unwrap_or_default();
        let ours = environment(other).map_or_else(
            || "which is not ours".to_owned(),
            |environment| format!("which belongs to {environment}"),
        );
        format!("a rule of {id} ({name}), {ours}")
    })
}

/// The first of several, and how many more there are.
fn several<T>(holders: &[T], words: impl Fn(&T) -> String) -> Option<String> {
    let (first, more) = holders.split_first()?;
    let first = words(first);
    Some(match more.len() {
        0 => first,
        more => format!("{first}, and {more} more"),
    })
}

/// Such as `eni-0123456789abcdef0 (AWS Lambda VPC ENI), which is not ours`.
fn interface_words(from: &NetworkInterface) -> String {
    let id = from.network_interface_id().unwrap_or("an interface");
    let instance = from
        .attachment()
        .and_then(|attachment| attachment.instance_id());
    let description = from.description().unwrap_or_default();
    let what = match (description, instance) {
        ("", None) => id.to_owned(),
        ("", Some(instance)) => format!("{id} of {instance}"),
        (description, None) => format!("{id} ({description})"),
        (description, Some(instance)) => format!("{id} of {instance} ({description})"),
    };
    let account = AccountId::new(from.owner_id().unwrap_or_default());
    match object_claim(&translate::tags(from.tag_set()), &account) {
        Some((environment, _)) => format!("{what}, which belongs to {environment}"),
        None => format!("{what}, which is not ours"),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::NetworkInterfaceAttachment;

    use super::*;
    use crate::resource::{GroupName, object_tags};

    #[test]
    fn what_holds_a_group_is_named_with_whose_it_is() {
        let lambda = NetworkInterface::builder()
            .network_interface_id("eni-1")
            .owner_id("123456789012")
            .description("AWS Lambda VPC ENI")
            .build();
        let words = several(std::slice::from_ref(&lambda), interface_words);
        let text = "eni-1 (AWS Lambda VPC ENI), which is not ours";
        assert_eq!(words.as_deref(), Some(text));
        let tags = object_tags(
            &EnvironmentName::new("demo"),
            &AccountId::new("123456789012"),
            &GroupName::new("trainer"),
        );
        let ours = NetworkInterface::builder()
            .network_interface_id("eni-2")
            .owner_id("123456789012")
            .attachment(
                NetworkInterfaceAttachment::builder()
                    .instance_id("i-1")
                    .build(),
            )
            .set_tag_set(Some(translate::sdk_tags(&tags)))
            .build();
        let words = several(&[ours, lambda], interface_words);
        let text = "eni-2 of i-1, which belongs to demo, and 1 more";
        assert_eq!(words.as_deref(), Some(text));
        assert_eq!(several::<NetworkInterface>(&[], interface_words), None);
    }
}
