//! `validate`: no network, no credentials, every mistake at once.

use serde_json::json;

use super::arguments::{Format, Validate};
use super::error::CommandResult;
use super::exit::ExitCode;
use super::output::Output;
use super::specs;
use crate::render::{diagnostics_json, plural};
use crate::spec::Specs;

pub(super) fn run(arguments: &Validate, output: Output) -> CommandResult {
    let Specs { good, bad, warned } = specs::read(&arguments.paths);
    if !bad.is_empty() {
        return Err(specs::show(&bad, arguments.format, output));
    }
    match arguments.format {
        Format::Json => output.json(&diagnostics_json(&warned)),
        Format::Human | Format::Markdown => {
            specs::warn(&warned, output);
            for spec in &good {
                let desired = &spec.desired;
                output.data(&format!(
                    "{}: {} is good: {}, {}, lease {}\n",
                    spec.source.path.display(),
                    desired.environment,
                    plural(desired.instances.len() as u64, "instance"),
                    plural(desired.data.len() as u64, "data set"),
                    desired.lease
                ));
            }
        }
    }
    tracing::debug!(specs = %json!(good.len()), "validated");
    Ok(ExitCode::Done)
}
