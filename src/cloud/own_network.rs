//! What of ours there is besides instances and volumes, and whose it is.

use std::collections::BTreeMap;

use aws_sdk_ec2::config::Builder;
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::types::{Filter, ResourceType, TagSpecification};

use super::connect::Clients;
use super::error::CloudError;
pub(super) use super::own_network_delete::delete;
use super::pages::{PAGE, Pages, must_be_tagged};
use super::security_rule::security_group;
use super::translate;
use crate::resource::{
    AccountId, OwnKeyPair, OwnNetwork, OwnPlacementGroup, OwnSecurityGroup, object_claim, tag,
};

/// How often a listing is tried where something else must not wait for it.
const FEW_ATTEMPTS: u32 = 2;

/// How often a listing is tried.
#[derive(Debug, Clone, Copy)]
enum Patience {
    /// As every control call.
    Usual,
    /// [`FEW_ATTEMPTS`].
    Short,
}

impl Patience {
    fn config(self) -> Builder {
        match self {
            Self::Usual => Builder::new(),
            Self::Short => {
                let few = RetryConfig::standard().with_max_attempts(FEW_ATTEMPTS);
                Builder::new().retry_config(few)
            }
        }
    }
}

/// Lists the security groups, the key pairs and, if asked, the placement groups that name an
/// environment of ours.
///
/// # Errors
///
/// When a listing cannot be read to its end: a part is never taken for the whole.
pub async fn observe_network(
    clients: &Clients,
    placement_groups: bool,
) -> Result<OwnNetwork, CloudError> {
    let patience = Patience::Usual;
    let placed = async {
        if placement_groups {
            list_placement_groups(clients, patience).await
        } else {
            Ok(Vec::new())
        }
    };
    let (security_groups, key_pairs, placement_groups) = tokio::join!(
        list_security_groups(clients, patience),
        list_key_pairs(clients, patience),
        placed,
    );
    Ok(OwnNetwork {
        security_groups: security_groups?,
        key_pairs: key_pairs?,
        placement_groups: placement_groups?,
    })
}

/// The same for whoever ends instances: no listing here may keep them alive.
///
/// The second value says what could not be listed. None of it costs anything.
pub async fn network_for_destroy(clients: &Clients) -> (OwnNetwork, Vec<CloudError>) {
    let patience = Patience::Short;
    let (security_groups, key_pairs, placement_groups) = tokio::join!(
        list_security_groups(clients, patience),
        list_key_pairs(clients, patience),
        list_placement_groups(clients, patience),
    );
    let mut blind = Vec::new();
    let network = OwnNetwork {
        security_groups: or_none(security_groups, &mut blind),
        key_pairs: or_none(key_pairs, &mut blind),
        placement_groups: or_none(placement_groups, &mut blind),
    };
    (network, blind)
}

fn or_none<T>(listing: Result<Vec<T>, CloudError>, blind: &mut Vec<CloudError>) -> Vec<T> {
    listing.unwrap_or_else(|error| {
        blind.push(error);
        Vec::new()
    })
}

/// Whoever is listed names an environment; whether it is ours is read from all its tags.
fn named_ours() -> Filter {
    translate::filter("tag-key", [tag::ENVIRONMENT])
}

async fn list_security_groups(
    clients: &Clients,
    patience: Patience,
) -> Result<Vec<OwnSecurityGroup>, CloudError> {
    const OPERATION: &str = "list security groups";
    let mut pages = Pages::default();
    let mut token = None;
    // Pages can overlap; the last word on a group is kept.
    let mut found = BTreeMap::new();
    loop {
        let page = clients
            .ec2
            .describe_security_groups()
            .filters(named_ours())
            .max_results(PAGE)
            .set_next_token(token)
            .customize()
            .config_override(patience.config())
            .send()
            .await
            .map_err(|error| CloudError::from_sdk(OPERATION, &error))?;
        for group in page.security_groups().iter().filter_map(security_group) {
            must_be_tagged(OPERATION, &group.id, &group.tags)?;
            found.insert(group.id.clone(), group);
        }
        token = pages.next(OPERATION, page.next_token())?;
        if token.is_none() {
            return Ok(found.into_values().collect());
        }
    }
}

/// Key pairs come all at once (EC2 API, `DescribeKeyPairs`).
async fn list_key_pairs(
    clients: &Clients,
    patience: Patience,
) -> Result<Vec<OwnKeyPair>, CloudError> {
    const OPERATION: &str = "list key pairs";
    let answer = clients
        .ec2
        .describe_key_pairs()
        .filters(named_ours())
        .customize()
        .config_override(patience.config())
        .send()
        .await
        .map_err(|error| CloudError::from_sdk(OPERATION, &error))?;
    let mut keys = Vec::new();
    for from in answer.key_pairs() {
        let Some(id) = from.key_pair_id() else {
            continue;
        };
        let tags = translate::tags(from.tags());
        must_be_tagged(OPERATION, id, &tags)?;
        keys.push(OwnKeyPair {
            id: id.to_owned(),
            name: from.key_name().unwrap_or_default().to_owned(),
            tags,
        });
    }
    keys.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(keys)
}

/// Placement groups come all at once too (EC2 API, `DescribePlacementGroups`).
async fn list_placement_groups(
    clients: &Clients,
    patience: Patience,
) -> Result<Vec<OwnPlacementGroup>, CloudError> {
    const OPERATION: &str = "list placement groups";
    let answer = clients
        .ec2
        .describe_placement_groups()
        .filters(named_ours())
        .customize()
        .config_override(patience.config())
        .send()
        .await
        .map_err(|error| CloudError::from_sdk(OPERATION, &error))?;
    let mut groups = Vec::new();
    for from in answer.placement_groups() {
        let Some(name) = from.group_name() else {
            continue;
        };
        let tags = translate::tags(from.tags());
        must_be_tagged(OPERATION, name, &tags)?;
        groups.push(OwnPlacementGroup {
            id: from.group_id().unwrap_or_default().to_owned(),
            name: name.to_owned(),
            tags,
        });
    }
    groups.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(groups)
}

/// The tags of a new object, in the call that makes it: it is ours from its first instant.
pub(super) fn tagged(kind: ResourceType, tags: &BTreeMap<String, String>) -> TagSpecification {
    TagSpecification::builder()
        .resource_type(kind)
        .set_tags(Some(translate::sdk_tags(tags)))
        .build()
}

/// Whether an object's tags prove it ours, and for the environment and the group for which
/// it was to be made.
pub(super) fn same_claim(
    wanted: &BTreeMap<String, String>,
    has: &BTreeMap<String, String>,
) -> bool {
    let account = AccountId::new(wanted.get(tag::ACCOUNT).map_or("", String::as_str));
    let claim = object_claim(has, &account);
    claim.is_some() && claim == object_claim(wanted, &account)
}

#[cfg(test)]
mod tests {
    use super::same_claim;
    use crate::resource::{AccountId, EnvironmentName, GroupName, object_tags, tag};

    #[test]
    fn only_an_object_of_the_same_account_environment_and_group_is_taken_up() {
        let tags = |account: &str, environment: &str, group: &str| {
            object_tags(
                &EnvironmentName::new(environment),
                &AccountId::new(account),
                &GroupName::new(group),
            )
        };
        let wanted = tags("123456789012", "demo", "trainer");
        assert!(same_claim(&wanted, &wanted));
        let mut more = wanted.clone();
        more.insert("Name".to_owned(), "mine".to_owned());
        assert!(same_claim(&wanted, &more));
        let mut partly = wanted.clone();
        partly.remove(tag::VERSION);
        for other in [
            tags("210987654321", "demo", "trainer"),
            tags("123456789012", "test", "trainer"),
            tags("123456789012", "demo", "other"),
            partly,
            [].into(),
        ] {
            assert!(!same_claim(&wanted, &other), "{other:?}");
            assert!(!same_claim(&other, &[].into()), "{other:?}");
        }
    }
}
