//! Launching: one RunInstances for equal instances, guarded by its token.

use std::collections::BTreeMap;

use super::change::iam_profile;
use super::connect::Clients;
use super::error::{CloudError, CloudErrorKind};
use super::launch_answer::{Answer, answered, is_free_of_holders, is_mismatch};
use super::launch_request;
use super::observe::by_id;
use super::performer::Aws;
use super::poll::{GaveUp, Pace, Wait};
use super::tags::set_tags;
use crate::apply::{Control, Performed, StepError, StepErrorKind};
use crate::plan::Launch;
use crate::resource::{
    Attempt, Candidate, InstanceId, InstanceState, LiveInstance, quota_of, raise_help, tag,
};

/// How many burnt tokens are stepped over in one run.
///
/// A token stays burnt for a day after its instances are gone while the listing
/// forgets them within the hour, so some steps are normal; many are not.
const MOST_INCARNATIONS: u32 = 50;

/// Launches a batch and waits until all of it runs.
pub(super) async fn launch(
    aws: &Aws,
    launch: &Launch,
    control: &Control,
) -> Result<Performed, StepError> {
    let made = try_all(aws, launch, control).await?;
    let Made {
        attempt,
        ids,
        refused,
    } = &made;
    let numbers = launch.identity.ordinals.iter();
    aws.memory
        .launched(&launch.identity.group, numbers.zip(ids.iter().cloned()));
    note_given(aws, launch, ids).await.map_err(|error| {
        let alive = ids.iter().map(|id| (id.to_string(), "launched".to_owned()));
        StepError::from(error).alive(alive.collect())
    })?;
    (control.progress)(format!(
        "launched {}, waiting until {} run",
        count(ids.len()),
        pronoun(ids.len())
    ));
    let mut instances = wait_running(&aws.clients, &aws.pace, ids, control).await?;
    complete(&aws.clients, launch, &mut instances).await?;
    Ok(Performed {
        text: story(launch, (attempt, &instances), refused),
        instances,
    })
}

/// What a launch came to.
struct Made {
    attempt: Attempt,
    ids: Vec<InstanceId>,
    refused: Vec<(Candidate, String)>,
}

/// What runs, and what was asked for before it in vain.
fn story(
    launch: &Launch,
    (attempt, instances): (&Attempt, &[LiveInstance]),
    refused: &[(Candidate, String)],
) -> String {
    let mut text = format!("{} running", count(instances.len()));
    let all = launch.identity.ordinals.len();
    if instances.len() < all {
        text = format!("{} of {all} running, as `min` allows", instances.len());
    }
    if launch.candidates.len() > 1 {
        let zone = instances.first().and_then(|live| live.zone.clone());
        let place = zone.map_or_else(String::new, |zone| format!(" in {zone}"));
        let Candidate {
            instance_type,
            purchase,
            zone: _,
        } = &attempt.candidate;
        text = format!("{text}: {instance_type} {}{place}", purchase.word());
    }
    if attempt.round > 0 {
        text = format!(
            "{text}, after {} rounds; {} taken off the lease",
            attempt.round,
            crate::resource::human_duration(i64::try_from(attempt.waited()).unwrap_or(i64::MAX))
        );
    }
    if refused.is_empty() {
        text
    } else {
        format!("{text}; no capacity for {}", refusals(refused))
    }
}

/// Refusals with AWS's own words, each candidate once.
fn refusals(refused: &[(Candidate, String)]) -> String {
    let each: BTreeMap<String, &String> = refused
        .iter()
        .map(|(candidate, why)| (candidate.to_string(), why))
        .collect();
    let each: Vec<String> = each
        .iter()
        .map(|(candidate, why)| format!("{candidate} ({why})"))
        .collect();
    each.join(", ")
}

/// Tries every candidate in order, round by round, until one is launched.
///
/// Only a refusal for lack of capacity moves on: after any other error the launch
/// may have taken effect, and another candidate could double it.
async fn try_all(aws: &Aws, launch: &Launch, control: &Control) -> Result<Made, StepError> {
    let mut refused: Vec<(Candidate, String)> = Vec::new();
    let rounds = launch.rounds();
    let size = (&launch.identity.group, launch.least);
    for round in 0..rounds {
        for attempt in launch.attempts(round) {
            let candidate = &attempt.candidate;
            let _turn = aws.memory.turn(candidate).await;
            if let Some(why) = aws.memory.refusal(candidate, size, aws.pace.round) {
                refused.push((candidate.clone(), why));
                continue;
            }
            if launch.candidates.len() > 1 {
                (control.progress)(format!("asking for {candidate}"));
            }
            match request(aws, launch, &attempt, control).await {
                Ok(ids) => {
                    return Ok(Made {
                        attempt,
                        ids,
                        refused,
                    });
                }
                Err(error) if error.kind == StepErrorKind::Capacity => {
                    aws.memory.refused(candidate, size, &error.text);
                    refused.push((candidate.clone(), error.text));
                }
                Err(error) => return Err(error),
            }
        }
        if round + 1 < rounds {
            pause(aws, launch, (round, rounds), control).await?;
        }
    }
    Err(no_capacity(launch, &refused))
}

/// Waits for the next round.
async fn pause(
    aws: &Aws,
    launch: &Launch,
    (round, rounds): (u32, u32),
    control: &Control,
) -> Result<(), StepError> {
    let wait = launch.instance.wait;
    let wait = wait.map_or_else(String::new, |wait| format!(", for at most {wait}"));
    (control.progress)(format!(
        "no capacity; asking again in {} s (round {} of {rounds}{wait})",
        aws.pace.round.as_secs(),
        round + 2,
    ));
    tokio::select! {
        () = tokio::time::sleep(aws.pace.round) => Ok(()),
        () = control.cancel.asked() => Err(StepError::new(
            StepErrorKind::Cancelled,
            "stopped while waiting for capacity; nothing was launched",
        )),
    }
}

fn no_capacity(launch: &Launch, refused: &[(Candidate, String)]) -> StepError {
    let text = format!("AWS has no capacity now for {}", refusals(refused));
    let mut error = StepError::new(StepErrorKind::Capacity, text);
    error.help = Some(if launch.instance.wait.is_none() {
        "nothing was launched: name more types, leave the zone open, add `wait_for_capacity: 45m`, or run the command again later".to_owned()
    } else {
        "nothing was launched: name more types, leave the zone open, or run the command again later"
            .to_owned()
    });
    error
}

/// Notes on the instances that a launch gave fewer than were asked for.
///
/// A fresh instance may not be found yet (EC2 API, eventual consistency), and without
/// the note the rest would be taken for missing.
async fn note_given(aws: &Aws, launch: &Launch, ids: &[InstanceId]) -> Result<(), CloudError> {
    if ids.len() >= launch.identity.ordinals.len() {
        return Ok(());
    }
    let resources: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let given = BTreeMap::from([(tag::GIVEN.to_owned(), ids.len().to_string())]);
    let mut wait = Wait::new(&aws.pace, aws.pace.visible);
    loop {
        match set_tags(&aws.clients, &resources, &given).await {
            Err(error) if error.is_code("InvalidInstanceID.NotFound") => {
                if wait.pause_through().await.is_err() {
                    return Err(error);
                }
            }
            result => return result,
        }
    }
}

/// Makes up for a profile that a launch has lost.
///
/// A launch is done when what it launched reads back as asked for. EC2 may answer
/// a replayed token without any further action (EC2 API idempotency), and a
/// machine without its profile cannot reach its data.
async fn complete(
    clients: &Clients,
    launch: &Launch,
    instances: &mut [LiveInstance],
) -> Result<(), StepError> {
    let Some(wanted) = &launch.instance.iam_profile else {
        return Ok(());
    };
    for live in instances
        .iter_mut()
        .filter(|live| live.iam_profile.as_ref() != Some(wanted))
    {
        iam_profile(clients, &live.id, Some(wanted))
            .await
            .map_err(|error| {
                StepError::from(error).alive(vec![(live.id.to_string(), live.state.to_string())])
            })?;
        live.iam_profile = Some(wanted.clone());
    }
    Ok(())
}

fn count(number: usize) -> String {
    if number == 1 {
        "1 instance".to_owned()
    } else {
        format!("{number} instances")
    }
}

fn pronoun(number: usize) -> &'static str {
    if number == 1 { "it is seen to" } else { "they" }
}

/// Walks the incarnations until EC2 accepts one; two machines walk the same way and meet.
async fn request(
    aws: &Aws,
    launch: &Launch,
    attempt: &Attempt,
    control: &Control,
) -> Result<Vec<InstanceId>, StepError> {
    let groups = security_groups(aws, launch)?;
    for incarnation in launch.incarnation..launch.incarnation.saturating_add(MOST_INCARNATIONS) {
        if control.cancel.is_asked() {
            return Err(StepError::new(
                StepErrorKind::Cancelled,
                "stopped before the launch",
            ));
        }
        let answer = launch_request::send(&aws.clients, launch, (attempt, incarnation), &groups);
        match answer.await {
            Ok(answer) => match answered(aws, launch, &answer, control).await? {
                Answer::Burnt => {}
                Answer::Launched(ids) => return Ok(ids),
            },
            Err(error) if error.is_code("IdempotentInstanceTerminated") => {}
            Err(error) if is_mismatch(&error) => {
                let token = launch.token(attempt, incarnation);
                if !is_free_of_holders(aws, launch, &token, control).await? {
                    return Err(explain(error, launch, (attempt, incarnation)));
                }
            }
            Err(error) => return Err(explain(error, launch, (attempt, incarnation))),
        }
    }
    let text = format!("{MOST_INCARNATIONS} launches of this group were terminated within a day");
    let mut error = StepError::new(StepErrorKind::Rejected, text);
    let help = "find out why they end: EC2 lists each for about an hour more, with its reason";
    error.help = Some(help.to_owned());
    Err(error)
}

/// The ids of all security groups, the one of ours that was made a moment ago among them.
fn security_groups(aws: &Aws, launch: &Launch) -> Result<Vec<String>, StepError> {
    let mut groups = launch.security_groups.clone();
    if let Some(address) = &launch.own_group {
        let own = aws.memory.id_of(address).ok_or_else(|| {
            let text = format!("{address} was not made, and nothing was launched");
            StepError::new(StepErrorKind::Rejected, text)
        })?;
        groups.push(own);
    }
    Ok(groups)
}

fn explain(
    error: CloudError,
    launch: &Launch,
    (attempt, incarnation): (&Attempt, u32),
) -> StepError {
    if error.kind == CloudErrorKind::Capacity {
        // The candidate is named by whoever tells the story.
        return StepError::new(StepErrorKind::Capacity, error.text);
    }
    let mismatch = is_mismatch(&error);
    let mut error = StepError::from(error);
    if mismatch {
        let token = launch.token(attempt, incarnation);
        error.help = Some(format!(
            "another launch of this group, as it was asked for otherwise, holds the token {token}; nothing was launched. Run the command again: it sees what is there"
        ));
    }
    if error.kind == StepErrorKind::Quota {
        let spot = attempt.candidate.purchase == crate::resource::Purchase::Spot;
        if let Some(quota) = quota_of(&attempt.candidate.instance_type, spot) {
            let region = launch.identity.region.as_str();
            error.text = format!("{} (the limit \"{}\")", error.text, quota.name);
            error.help = Some(raise_help(&quota, region));
        }
    }
    // Only a refusal of EC2's own says that nothing was launched: the last of
    // several attempts may have failed otherwise than the one that took effect.
    let refused = match error.kind {
        StepErrorKind::Rejected
        | StepErrorKind::Denied
        | StepErrorKind::Quota
        | StepErrorKind::Capacity => true,
        StepErrorKind::Credentials
        | StepErrorKind::Throttled
        | StepErrorKind::Ambiguous
        | StepErrorKind::Unreachable
        | StepErrorKind::TimedOut
        | StepErrorKind::Cancelled => false,
    };
    if !refused {
        let addresses = launch
            .addresses()
            .map(|address| (address.to_string(), "not known to exist".to_owned()));
        error.alive = addresses.collect();
    }
    error
}

/// Waits until every id reads running; one that is not visible yet is waited for, not given up.
pub(super) async fn wait_running(
    clients: &Clients,
    pace: &Pace,
    ids: &[InstanceId],
    control: &Control,
) -> Result<Vec<LiveInstance>, StepError> {
    let mut wait = Wait::new(pace, pace.running);
    loop {
        let seen = by_id(clients, ids).await.map_err(|error| {
            let alive = ids
                .iter()
                .map(|id| (id.to_string(), "unknown".to_owned()))
                .collect();
            StepError::from(error).alive(alive)
        })?;
        let ended: Vec<&LiveInstance> = seen
            .values()
            .filter(|live| !live.state.is_alive())
            .collect();
        if let Some(first) = ended.first() {
            let reason = first
                .state_reason
                .as_deref()
                .unwrap_or("AWS gave no reason");
            let text = format!(
                "{} of {} ended instead of running: {}: {reason}",
                ended.len(),
                count(ids.len()),
                first.id
            );
            return Err(StepError::new(StepErrorKind::Rejected, text).alive(states(ids, &seen)));
        }
        let running = seen
            .values()
            .filter(|live| live.state == InstanceState::Running)
            .count();
        if running == ids.len() {
            return Ok(seen.into_values().collect());
        }
        (control.progress)(format!("{running} of {} running", count(ids.len())));
        if let Err(gave_up) = wait.pause(&control.cancel).await {
            let (kind, text) = match gave_up {
                GaveUp::TimedOut => (
                    StepErrorKind::TimedOut,
                    format!(
                        "{running} of {} running after {} s",
                        count(ids.len()),
                        pace.running.as_secs()
                    ),
                ),
                GaveUp::Cancelled => (
                    StepErrorKind::Cancelled,
                    "stopped while the instances were starting".to_owned(),
                ),
            };
            return Err(StepError::new(kind, text).alive(states(ids, &seen)));
        }
    }
}

/// What is known of each id that may be alive.
pub(super) fn states(
    ids: &[InstanceId],
    seen: &BTreeMap<InstanceId, LiveInstance>,
) -> Vec<(String, String)> {
    ids.iter()
        .filter_map(|id| match seen.get(id) {
            Some(live) if live.state == InstanceState::Terminated => None,
            Some(live) => Some((id.to_string(), live.state.to_string())),
            None => Some((id.to_string(), "unknown".to_owned())),
        })
        .collect()
}
