//! Placement groups of ours, whose instances stand close to one another.

use std::time::Duration;

use aws_sdk_ec2::types::{PlacementGroup, PlacementGroupState, PlacementStrategy, ResourceType};

use super::connect::Clients;
use super::error::{CloudError, CloudErrorKind};
use super::own_network::{same_claim, tagged};
use super::poll::{Pace, Wait};
use super::translate;
use crate::apply::StepError;
use crate::plan::PlacementGroupCreation;

const OPERATION: &str = "make the placement group";
/// For how long a group may be seen as pending, or not be seen at all.
const AVAILABLE: Duration = Duration::from_mins(1);

/// Makes a placement group and gives its name; one that was made before is success.
///
/// # Errors
///
/// When EC2 refuses, or when the name belongs to a group that is not provably ours.
pub(super) async fn create(
    clients: &Clients,
    creation: &PlacementGroupCreation,
) -> Result<String, StepError> {
    let answer = clients
        .ec2
        .create_placement_group()
        .group_name(&creation.name)
        .strategy(PlacementStrategy::Cluster)
        .tag_specifications(tagged(ResourceType::PlacementGroup, &creation.tags))
        .send()
        .await;
    match answer {
        Ok(answer) if answer.placement_group().is_some_and(is_available) => {}
        Ok(_) => wait_available(clients, creation).await?,
        Err(error) => {
            let error = CloudError::from_sdk(OPERATION, &error);
            if !error.is_code("InvalidPlacementGroup.Duplicate") {
                return Err(error.into());
            }
            wait_available(clients, creation).await?;
        }
    }
    Ok(creation.name.clone())
}

/// Waits until the group can be launched into, and proves that it is ours.
///
/// The call has no token (EC2 API idempotency): a run that was cut short may have made the
/// group, or a request whose answer was lost.
async fn wait_available(
    clients: &Clients,
    creation: &PlacementGroupCreation,
) -> Result<(), CloudError> {
    let name = &creation.name;
    let mut wait = Wait::new(&Pace::AWS, AVAILABLE);
    loop {
        let answer = clients
            .ec2
            .describe_placement_groups()
            .filters(translate::filter("group-name", [name]))
            .send()
            .await
            .map_err(|error| CloudError::from_sdk("read the placement group", &error))?;
        let found = answer.placement_groups().first();
        if let Some(found) = found {
            refuse_foreign(found, creation)?;
            if is_available(found) {
                return Ok(());
            }
        }
        if wait.pause_through().await.is_err() {
            let state = found
                .and_then(PlacementGroup::state)
                .map_or("not shown", PlacementGroupState::as_str);
            let text = format!("{name} is {state} after {} s", AVAILABLE.as_secs());
            return Err(CloudError::of(OPERATION, CloudErrorKind::TimedOut, text));
        }
    }
}

fn is_available(group: &PlacementGroup) -> bool {
    group.state() == Some(&PlacementGroupState::Available)
}

fn refuse_foreign(
    found: &PlacementGroup,
    creation: &PlacementGroupCreation,
) -> Result<(), CloudError> {
    let problem = if !same_claim(&creation.tags, &translate::tags(found.tags())) {
        "its tags do not prove it ours"
    } else if found.strategy() != Some(&PlacementStrategy::Cluster) {
        "it does not keep its instances close to one another"
    } else {
        return Ok(());
    };
    let text = format!(
        "there is one named {} already and {problem}; delete it, or rename the group in the spec",
        creation.name
    );
    Err(CloudError::of(OPERATION, CloudErrorKind::Rejected, text))
}
