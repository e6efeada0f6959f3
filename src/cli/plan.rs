//! `plan`: what would change, and why. It changes nothing.

use super::arguments::{Format, Global, Plan};
use super::error::CommandResult;
use super::exit::ExitCode;
use super::output::Output;
use super::planning::{Plans, plan_all};
use super::{horizon, specs, unknown};
use crate::plan::Plan as PlanValue;
use crate::render::{PlanDocument, plan_json, plan_markdown, plan_text};

pub(super) async fn run(global: &Global, arguments: &Plan, output: Output) -> CommandResult {
    let loaded = specs::read_good(&arguments.paths, arguments.format, output)?;
    let plans = plan_all(global, loaded, &arguments.wishes, arguments.format, output).await?;
    show(&plans, arguments.format, output);
    horizon::say(&plans, global.host.clock.now(), output);
    let changes = plans.planned.iter().any(|planned| !planned.plan.is_empty());
    unknown::say(&plans.unknown, output);
    if let Some(verdict) = unknown::verdict(&plans.unknown, plans.places) {
        return Ok(verdict);
    }
    if arguments.detailed_exitcode && changes {
        return Ok(ExitCode::Changes);
    }
    Ok(ExitCode::Done)
}

/// Prints plans; what else of ours runs is said once, with the last.
pub(super) fn show(plans: &Plans, format: Format, output: Output) {
    let Plans {
        planned,
        others,
        unknown,
        places: _,
    } = plans;
    if format == Format::Json {
        let plans: Vec<PlanValue> = planned.iter().map(|planned| planned.plan.clone()).collect();
        output.json(&plan_json(&PlanDocument {
            plans: &plans,
            others,
            unknown: &unknown::places(unknown),
        }));
        return;
    }
    let mut separator = "";
    for (index, planned) in planned.iter().enumerate() {
        let others = if index + 1 == planned_len(plans) {
            others.as_slice()
        } else {
            &[]
        };
        let text = match format {
            Format::Markdown => plan_markdown(&planned.plan, others),
            Format::Human | Format::Json => plan_text(&planned.plan, others),
        };
        output.data(&format!("{separator}{text}"));
        separator = "\n";
    }
}

fn planned_len(plans: &Plans) -> usize {
    plans.planned.len()
}
