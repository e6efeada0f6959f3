//! What stands behind EC2's answer to a launch: that launch, or what has become of an old one.

use aws_sdk_ec2::operation::run_instances::RunInstancesOutput;

use super::error::CloudError;
use super::observe::{by_id, by_token};
use super::performer::Aws;
use super::poll::{GaveUp, Wait};
use super::translate;
use crate::apply::{Control, StepError, StepErrorKind};
use crate::plan::Launch;
use crate::resource::{Claim, InstanceId, LiveInstance, claim};

/// What an answer comes to.
pub(super) enum Answer {
    /// The instances of this launch, in the order of its numbers.
    Launched(Vec<InstanceId>),
    /// The token has been used up by what is not this launch any more.
    Burnt,
}

/// Reads an answer, which can be the replay of an old launch.
///
/// The token of a launch is remembered for longer than what it launched may stay what it
/// was: it may have ended, been released, or been renamed since. Only what reads back
/// as this environment's own is taken for the launch.
pub(super) async fn answered(
    aws: &Aws,
    launch: &Launch,
    answer: &RunInstancesOutput,
    control: &Control,
) -> Result<Answer, StepError> {
    let mut listed: Vec<LiveInstance> = answer
        .instances()
        .iter()
        .filter_map(translate::instance)
        .collect();
    // Their order in an answer means nothing; the launch index does (EC2 API, `RunInstances`).
    listed.sort_by_key(|live| live.launch_index);
    if !listed.is_empty() && listed.iter().all(|live| !live.state.is_alive()) {
        return Ok(Answer::Burnt);
    }
    let ids: Vec<InstanceId> = listed.into_iter().map(|live| live.id).collect();
    if ids.len() < launch.least as usize {
        let text = format!(
            "EC2 answered with {} of at least {} instances",
            ids.len(),
            launch.least
        );
        return Err(StepError::new(StepErrorKind::Ambiguous, text).alive(launched(&ids)));
    }
    if is_ours(aws, launch, &ids, control).await? {
        Ok(Answer::Launched(ids))
    } else {
        Ok(Answer::Burnt)
    }
}

/// Whether the instances are what the launch is for; waits until all of them show their tags.
async fn is_ours(
    aws: &Aws,
    launch: &Launch,
    ids: &[InstanceId],
    control: &Control,
) -> Result<bool, StepError> {
    let mut wait = Wait::new(&aws.pace, aws.pace.visible);
    loop {
        let seen = by_id(&aws.clients, ids)
            .await
            .map_err(|error| StepError::from(error).alive(launched(ids)))?;
        let count = Count::of(launch, seen.values());
        if count.unclear == 0 && seen.len() == ids.len() {
            return match (count.ours, count.others) {
                (_, 0) => Ok(true),
                (0, _) => Ok(false),
                (ours, others) => {
                    let text = format!(
                        "of what this launch once made {ours} are still this group's and {others} are not"
                    );
                    Err(StepError::new(StepErrorKind::Ambiguous, text).alive(launched(ids)))
                }
            };
        }
        match wait.pause(&control.cancel).await {
            Ok(()) => {}
            // Waiting until they run says what is missing.
            Err(GaveUp::TimedOut) if count.unclear == 0 && count.others == 0 => return Ok(true),
            // What is not seen may be this group's: another launch could double it.
            Err(GaveUp::TimedOut) => {
                let text = "EC2 does not show all of what was launched, or not its tags";
                return Err(StepError::new(StepErrorKind::Ambiguous, text).alive(launched(ids)));
            }
            Err(GaveUp::Cancelled) => {
                let text = "stopped while the instances were starting";
                return Err(StepError::new(StepErrorKind::Cancelled, text).alive(launched(ids)));
            }
        }
    }
}

/// Makes sure that nothing holds a token which EC2 says was used with other parameters.
///
/// EC2 remembers the parameters of a launch that it refused, too, and those of one that
/// has ended. What still lives and is this group's is an error; else the token is burnt.
pub(super) async fn is_free_of_holders(
    aws: &Aws,
    launch: &Launch,
    token: &str,
    control: &Control,
) -> Result<bool, StepError> {
    let mut wait = Wait::new(&aws.pace, aws.pace.visible);
    loop {
        let held = by_token(&aws.clients, token).await?;
        let count = Count::of(launch, held.iter());
        if count.ours > 0 {
            return Ok(false);
        }
        if count.unclear == 0 && !held.is_empty() {
            return Ok(true);
        }
        match wait.pause(&control.cancel).await {
            Ok(()) => {}
            Err(GaveUp::TimedOut) => return Ok(count.unclear == 0),
            Err(GaveUp::Cancelled) => {
                let text = "stopped before the launch";
                return Err(StepError::new(StepErrorKind::Cancelled, text));
            }
        }
    }
}

/// How many living instances are what a launch is for.
#[derive(Debug, Default)]
struct Count {
    ours: usize,
    others: usize,
    /// Without any tag, so too fresh to show them or stripped of them; or with a claim on the
    /// environment that has a gap.
    unclear: usize,
}

impl Count {
    fn of<'a>(launch: &Launch, seen: impl Iterator<Item = &'a LiveInstance>) -> Self {
        let identity = &launch.identity;
        let mut count = Self::default();
        for live in seen.filter(|live| live.state.is_alive()) {
            match claim(live, &identity.account) {
                Claim::Ours(mark)
                    if mark.environment == identity.environment
                        && mark.group == identity.group
                        && identity.ordinals.iter().any(|one| one == mark.ordinal) =>
                {
                    count.ours += 1;
                }
                // Tags are put on in one piece by the launch: some mean that all are shown.
                Claim::Foreign if live.tags.is_empty() => count.unclear += 1,
                Claim::Unproven { environment, .. }
                    if environment == identity.environment.as_str() =>
                {
                    count.unclear += 1;
                }
                Claim::Ours(_) | Claim::Unproven { .. } | Claim::Foreign => count.others += 1,
            }
        }
        count
    }
}

fn launched(ids: &[InstanceId]) -> Vec<(String, String)> {
    let name = |id: &InstanceId| (id.to_string(), "launched".to_owned());
    ids.iter().map(name).collect()
}

/// Whether EC2 says that a token was used with other parameters.
pub(super) fn is_mismatch(error: &CloudError) -> bool {
    error.is_code("IdempotentParameterMismatch")
}
