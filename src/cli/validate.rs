//! `validate`: no network, no credentials, every mistake at once.

use serde_json::json;

use super::arguments::{Format, Validate};
use super::error::CommandResult;
use super::exit::ExitCode;
use super::output::Output;
use super::specs;
use crate::render::plural;

pub(super) fn run(arguments: &Validate, output: Output) -> CommandResult {
    let (good, bad) = specs::read(&arguments.paths);
    if !bad.is_empty() {
        return Err(specs::show(&bad, arguments.format, output));
    }
    match arguments.format {
        Format::Json => output.raw("[]\n"),
        Format::Human | Format::Markdown => {
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
