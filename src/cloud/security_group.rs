//! Security groups of ours: made, and told who may come in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_ec2::types::{IpPermission, ResourceType, SecurityGroup};

use super::connect::Clients;
use super::error::{CloudError, CloudErrorKind};
use super::own_network::{same_claim, tagged};
use super::poll::{Pace, Wait};
use super::security_rule::{permission, same_way, singles};
use super::{tags, translate};
use crate::apply::StepError;
use crate::plan::SecurityGroupChange;
use crate::resource::{Rule, tag};

/// For how long a group that was just made may be unknown to the next call.
///
/// An id that is not found may be one that is not known everywhere yet (EC2 API
/// error codes, `InvalidGroup.NotFound`).
const VISIBLE: Duration = Duration::from_mins(1);

/// The group that a change is about, as far as it is known.
struct Standing {
    id: String,
    /// Whether it was made a moment ago, so that not every call may know it.
    young: bool,
    /// What it lets in already, where that was read.
    rules: BTreeSet<Rule>,
    /// What of its tags is known.
    tags: BTreeMap<String, String>,
    origin: Origin,
}

/// Where a group came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Existing,
    Made,
    /// Made by an earlier request, whose answer was not seen.
    Met,
}

/// Makes a security group or changes it: its id, and a few words on what was done.
///
/// # Errors
///
/// When EC2 refuses, or when the name belongs to a group that is not provably ours.
pub(super) async fn ensure(
    clients: &Clients,
    change: &SecurityGroupChange,
) -> Result<(String, String), StepError> {
    let group = match &change.existing {
        Some(id) => Standing {
            id: id.clone(),
            young: false,
            rules: BTreeSet::new(),
            tags: BTreeMap::new(),
            origin: Origin::Existing,
        },
        None => make(clients, change).await?,
    };
    match settle(clients, change, &group).await {
        Ok(words) => Ok((group.id, words)),
        Err(error) => {
            let mut error = StepError::from(error);
            if group.origin != Origin::Existing {
                error.partly = true;
                let state = "made, and what it lets in is not complete".to_owned();
                error.alive = vec![(group.id, state)];
            }
            Err(error)
        }
    }
}

/// Makes the group. The call has no token (EC2 API idempotency): what guards it is the
/// name, which a network has once, and the proof in the tags of whoever has it.
async fn make(clients: &Clients, change: &SecurityGroupChange) -> Result<Standing, CloudError> {
    const OPERATION: &str = "make the security group";
    let answer = clients
        .ec2
        .create_security_group()
        .group_name(&change.name)
        .description(description(&change.tags))
        .set_vpc_id(change.network.clone())
        .tag_specifications(tagged(ResourceType::SecurityGroup, &change.tags))
        .send()
        .await;
    let error = match answer {
        Ok(answer) => {
            let id = answer.group_id().ok_or_else(|| {
                let text = "EC2 made it and does not say its id; run the same command again";
                CloudError::of(OPERATION, CloudErrorKind::Ambiguous, text)
            })?;
            return Ok(Standing {
                id: id.to_owned(),
                young: true,
                rules: BTreeSet::new(),
                tags: change.tags.clone(),
                origin: Origin::Made,
            });
        }
        Err(error) => CloudError::from_sdk(OPERATION, &error),
    };
    if error.is_code("InvalidGroup.Duplicate") {
        return meet(clients, change).await;
    }
    Err(error)
}

/// Takes up the group that has the name already: a run that was cut short made it, or a
/// request whose answer was lost.
async fn meet(clients: &Clients, change: &SecurityGroupChange) -> Result<Standing, CloudError> {
    const OPERATION: &str = "make the security group";
    let mut wait = Wait::new(&Pace::AWS, VISIBLE);
    let found = loop {
        if let Some(found) = by_name(clients, change).await? {
            break found;
        }
        if wait.pause_through().await.is_err() {
            let text = format!(
                "EC2 says that there is one named {} and does not show it after {} s",
                change.name,
                VISIBLE.as_secs()
            );
            return Err(CloudError::of(OPERATION, CloudErrorKind::TimedOut, text));
        }
    };
    let id = found.group_id().unwrap_or_default().to_owned();
    let has = translate::tags(found.tags());
    if !same_claim(&change.tags, &has) {
        let text = format!(
            "{id} has the name {} already and its tags do not prove it ours; \
             rename or delete it, or rename the group in the spec",
            change.name
        );
        return Err(CloudError::of(OPERATION, CloudErrorKind::Rejected, text));
    }
    Ok(Standing {
        id,
        young: true,
        rules: singles(&found).map(|(rule, _)| rule).collect(),
        tags: has,
        origin: Origin::Met,
    })
}

async fn by_name(
    clients: &Clients,
    change: &SecurityGroupChange,
) -> Result<Option<SecurityGroup>, CloudError> {
    let listing = clients.ec2.describe_security_groups();
    let listing = match &change.network {
        Some(network) => listing
            .filters(translate::filter("group-name", [&change.name]))
            .filters(translate::filter("vpc-id", [network])),
        // By name alone EC2 looks into the default network (EC2 API, `DescribeSecurityGroups`).
        None => listing.group_names(&change.name),
    };
    match listing.send().await {
        Ok(answer) => Ok(answer.security_groups().first().cloned()),
        Err(error) => {
            let error = CloudError::from_sdk("read the security group", &error);
            if error.is_code("InvalidGroup.NotFound") {
                Ok(None)
            } else {
                Err(error)
            }
        }
    }
}

/// Brings tags and rules to what is wanted.
///
/// What is added comes first, so that nobody is locked out between the two. Only where
/// a rule changes what it says of itself must the old one go before the new one can
/// come: EC2 takes both for the same.
async fn settle(
    clients: &Clients,
    change: &SecurityGroupChange,
    group: &Standing,
) -> Result<String, CloudError> {
    let set: BTreeMap<String, String> = change
        .tags
        .iter()
        .filter(|(key, value)| group.tags.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    patient(group.young, || {
        tags::set_tags(clients, std::slice::from_ref(&group.id), &set)
    })
    .await?;
    let missing: BTreeSet<Rule> = change.add.difference(&group.rules).cloned().collect();
    let has_twin =
        |rule: &Rule, others: &BTreeSet<Rule>| others.iter().any(|other| same_way(rule, other));
    let (renamed, added): (BTreeSet<Rule>, BTreeSet<Rule>) = missing
        .iter()
        .cloned()
        .partition(|rule| has_twin(rule, &change.remove));
    let (old_names, removed): (BTreeSet<Rule>, BTreeSet<Rule>) = change
        .remove
        .iter()
        .cloned()
        .partition(|rule| has_twin(rule, &renamed));
    authorize(clients, group, &added).await?;
    revoke(clients, group, &old_names).await?;
    authorize(clients, group, &renamed).await?;
    revoke(clients, group, &removed).await?;
    Ok(words(group, (missing.len(), change.remove.len()), &set))
}

async fn authorize(
    clients: &Clients,
    group: &Standing,
    rules: &BTreeSet<Rule>,
) -> Result<(), CloudError> {
    let forms: Vec<IpPermission> = rules
        .iter()
        .filter_map(|rule| permission(rule, &group.id))
        .collect();
    let ask = |forms: Vec<IpPermission>| async move {
        clients
            .ec2
            .authorize_security_group_ingress()
            .group_id(&group.id)
            .set_ip_permissions(Some(forms))
            .send()
            .await
            .map(drop)
            .map_err(|error| CloudError::from_sdk("let in what the spec says", &error))
    };
    together_or_singly(forms, "InvalidPermission.Duplicate", |forms| {
        patient(group.young, move || ask(forms.clone()))
    })
    .await
}

async fn revoke(
    clients: &Clients,
    group: &Standing,
    rules: &BTreeSet<Rule>,
) -> Result<(), CloudError> {
    const OPERATION: &str = "close a way in";
    if rules.is_empty() {
        return Ok(());
    }
    let answer = clients
        .ec2
        .describe_security_groups()
        .group_ids(&group.id)
        .send()
        .await
        .map_err(|error| CloudError::from_sdk("read the security group", &error))?;
    let forms = answer
        .security_groups()
        .iter()
        .flat_map(singles)
        .filter(|(rule, _)| rules.contains(rule))
        .map(|(_, form)| form)
        .collect();
    together_or_singly(forms, "InvalidPermission.NotFound", |forms| async move {
        clients
            .ec2
            .revoke_security_group_ingress()
            .group_id(&group.id)
            .set_ip_permissions(Some(forms))
            .send()
            .await
            .map(drop)
            .map_err(|error| CloudError::from_sdk(OPERATION, &error))
    })
    .await
}

/// Asks for all at once, and one by one where EC2 says that one of them is done already:
/// it refuses all for the sake of one (EC2 API error codes).
async fn together_or_singly<F>(
    forms: Vec<IpPermission>,
    done: &str,
    ask: impl Fn(Vec<IpPermission>) -> F,
) -> Result<(), CloudError>
where
    F: Future<Output = Result<(), CloudError>>,
{
    if forms.is_empty() {
        return Ok(());
    }
    match ask(forms.clone()).await {
        Err(error) if error.is_code(done) => {}
        result => return result,
    }
    if forms.len() == 1 {
        return Ok(());
    }
    for form in forms {
        match ask(vec![form]).await {
            Err(error) if error.is_code(done) => {}
            result => result?,
        }
    }
    Ok(())
}

/// Asks again while a group that was just made is not known everywhere.
async fn patient<T, F>(young: bool, mut ask: impl FnMut() -> F) -> Result<T, CloudError>
where
    F: Future<Output = Result<T, CloudError>>,
{
    let mut wait = Wait::new(&Pace::AWS, VISIBLE);
    loop {
        match ask().await {
            Err(error) if young && error.is_code("InvalidGroup.NotFound") => {
                if wait.pause_through().await.is_err() {
                    return Err(error);
                }
            }
            result => return result,
        }
    }
}

/// What the group says of itself, in the characters that EC2 takes (EC2 API,
/// `CreateSecurityGroup`); it cannot be changed later.
fn description(tags: &BTreeMap<String, String>) -> String {
    let of = |key: &str| tags.get(key).map_or("", String::as_str);
    format!(
        "ssh and group traffic of {}/{}, made by trainyard",
        of(tag::ENVIRONMENT),
        of(tag::GROUP)
    )
}

fn words(
    group: &Standing,
    (added, removed): (usize, usize),
    tags: &BTreeMap<String, String>,
) -> String {
    let ways = |number: usize| match number {
        0 => "no way in".to_owned(),
        1 => "1 way in".to_owned(),
        many => format!("{many} ways in"),
    };
    let mut parts = match group.origin {
        Origin::Made => vec!["made".to_owned(), ways(added)],
        Origin::Met if added == 0 => vec!["found again".to_owned()],
        Origin::Met => vec!["found again".to_owned(), format!("{} added", ways(added))],
        Origin::Existing => match (added, removed) {
            (0, 0) => Vec::new(),
            (0, removed) => vec![format!("{} taken away", ways(removed))],
            (added, 0) => vec![format!("{} added", ways(added))],
            (added, removed) => vec![
                format!("{} added", ways(added)),
                format!("{removed} taken away"),
            ],
        },
    };
    if !tags.is_empty() {
        parts.push("tags set".to_owned());
    }
    parts.join(", ")
}
