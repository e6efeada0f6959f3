//! Whether a session outlasts what is planned in it.

use jiff::{SignedDuration, Timestamp};

use super::login::until;
use super::output::Output;
use super::planning::{Planned, Plans};
use crate::credentials::Renewal;
use crate::plan::{Action, Plan};
use crate::render::warn;
use crate::resource::{Wait, human_duration};
use crate::sync::Estimate;

/// How long a launch takes until its instances run, in seconds, when all goes well.
const LAUNCH: u64 = 120;
/// How long it takes to stop an instance, change it and start it.
const RESTART: u64 = 300;
/// How long instances take to end; those with many GPUs take minutes.
const END: u64 = 240;
/// How long everything else takes.
const CALL: u64 = 5;

/// Says for which plans the session ends before they would be applied.
pub(super) fn say(plans: &Plans, now: Timestamp, output: Output) {
    for planned in &plans.planned {
        if let Some(text) = too_short(planned, now) {
            output.insist(&format!("{} {text}", warn("note:")));
        }
    }
}

fn too_short(planned: &Planned, now: Timestamp) -> Option<String> {
    let engine = planned.session.engine.as_ref()?;
    let signed = engine.current()?;
    let end = signed.lasts()?;
    let takes = takes(&planned.plan);
    let left = end.duration_since(now);
    let needed = SignedDuration::from_secs(i64::try_from(takes).unwrap_or(i64::MAX));
    if takes == 0 || left >= needed {
        return None;
    }
    let then = if signed.renewal == Renewal::NotAtAll {
        "nothing renews it, as it is in this shell's environment; a new one lasts longer: `eval \"$(trainyard logout --export)\"`, then `eval \"$(trainyard login --export)\"`"
    } else if engine.can_ask() {
        "an MFA code will be asked for on the way"
    } else {
        "and nobody can be asked for an MFA code here; a new session lasts longer: `trainyard logout`, then `trainyard login`"
    };
    Some(format!(
        "applying {} may take {}, and the session ends at {}: {then}",
        planned.plan.environment,
        human_duration(i64::try_from(takes).unwrap_or(i64::MAX)),
        until(end, now)
    ))
}

/// How long applying a plan may take, in seconds: kinds of steps one after the other, those
/// of a kind side by side, and data one set after the other.
fn takes(plan: &Plan) -> u64 {
    let (mut launch, mut restart, mut end, mut rest, mut data) = (0, 0, 0, 0, 0_u64);
    for step in &plan.steps {
        match &step.action {
            Action::Launch(one) => {
                let wait = one.instance.wait.map_or(0, Wait::seconds);
                launch = launch.max(LAUNCH + wait);
            }
            Action::Restart(_) => restart = RESTART,
            Action::Terminate(_) | Action::DeleteVolumes(_) | Action::DeleteNetwork(_) => end = END,
            Action::Sync { files, .. } => data = data.saturating_add(Estimate::of(files).seconds),
            Action::Update(_)
            | Action::Adopt(_)
            | Action::SecurityGroup(_)
            | Action::KeyPair(_)
            | Action::PlacementGroup(_)
            | Action::Retag(_)
            | Action::Introduce(_)
            | Action::CancelSpot(_) => rest = CALL,
        }
    }
    data.saturating_add(launch + restart + end + rest)
}
