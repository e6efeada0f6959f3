//! `apply --least-privilege`: a session that can do what the plan says and no more.

use std::sync::Arc;

use super::error::CommandError;
use super::output::Output;
use super::planning::Planned;
use super::sign_in::failed;
use crate::credentials::SignInError;
use crate::plan::{Precision, SessionPolicy, session_policy};
use crate::render::dim;

/// Takes the role on once more for each plan, with a policy made from it.
///
/// # Errors
///
/// When there is no role, AWS refuses it, or the plan needs more than a policy can say.
pub(super) async fn restrict(planned: &mut Planned, output: Output) -> Result<(), CommandError> {
    let mut finest = Precision::Exact;
    loop {
        let policy = policy(planned, finest)?;
        match planned.session.restricted(policy.text()).await {
            Ok(session) => {
                output.say(&format!(
                    "  {} {} is applied in a session that can do no more than that{}",
                    dim("·"),
                    planned.plan.environment,
                    words(policy.precision())
                ));
                planned.session = Arc::new(session);
                return Ok(());
            }
            // STS packs a policy, and has a limit for that too (API STS, AssumeRole).
            Err(SignInError::Cloud(error)) if error.is_code("PackedPolicyTooLarge") => {
                let Some(coarser) = policy.precision().coarser() else {
                    return Err(error.into());
                };
                finest = coarser;
            }
            Err(error) => return Err(failed(&error)),
        }
    }
}

fn policy(planned: &Planned, finest: Precision) -> Result<SessionPolicy, CommandError> {
    let renamed_from = planned.spec.desired.renamed_from.as_ref();
    session_policy(&planned.plan, renamed_from, finest).map_err(|error| {
        CommandError::refused(format!(
            "{}: {error}; nothing was changed",
            planned.plan.environment
        ))
        .help("apply a part of it with `--target`, or all of it without `--least-privilege`")
    })
}

/// What had to be said in fewer words than the plan has.
fn words(precision: Precision) -> &'static str {
    match precision {
        Precision::Exact => "",
        Precision::FoldedResources => ", by its tag and whole buckets: the plan is a long one",
        Precision::FoldedActions => ", by kinds of calls: the plan is a long one",
    }
}
