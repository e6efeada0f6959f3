//! `init`: a first environment, with everything that an editor needs.

use std::path::Path;

use super::arguments::Init;
use super::error::{CommandError, CommandResult};
use super::exit::ExitCode;
use super::output::Output;
use crate::resource::EnvironmentName;
use crate::spec::{NAME_HELP, SchemaKind, schema_text};

const TEMPLATE: &str = include_str!("init_template.yaml");

pub(super) fn run(arguments: &Init, output: Output) -> CommandResult {
    let name = &arguments.name;
    if !EnvironmentName::is_valid(name) {
        return Err(CommandError::new(
            ExitCode::Usage,
            format!("`{name}` cannot name an environment"),
        )
        .help(NAME_HELP));
    }
    let spec = Path::new("environments").join(format!("{name}.yaml"));
    if spec.exists() {
        return Err(CommandError::refused(format!(
            "{} is there already; nothing was written",
            spec.display()
        ))
        .help("choose another name: `trainyard init NAME`"));
    }
    write(&spec, &TEMPLATE.replace("@NAME@", name))?;
    let files = [
        ("schemas/environment.schema.json", SchemaKind::Environment),
        ("schemas/project.schema.json", SchemaKind::Project),
    ];
    for (path, kind) in files {
        write(Path::new(path), &schema_text(kind))?;
    }
    output.say(&format!(
        "wrote {}, and the schemas that editors check it with",
        spec.display()
    ));
    output
        .say("next: fill in the account, the region and the image, then run `trainyard validate`");
    Ok(ExitCode::Done)
}

fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    let failed = |error: std::io::Error| {
        CommandError::failed(format!("cannot write {}: {error}", path.display()))
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}
