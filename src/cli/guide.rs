//! `guide`: pages to read, from the binary itself.

use super::arguments::Guide;
use super::error::{CommandError, CommandResult};
use super::exit::ExitCode;
use super::output::Output;
use crate::guide::{PAGES, page};
use crate::render::table;
use crate::spec::nearest;

pub(super) fn run(arguments: &Guide, output: Output) -> CommandResult {
    match &arguments.page {
        None => list(output),
        Some(name) => {
            let page = page(subject(name)).ok_or_else(|| unknown(name))?;
            output.data(page.text);
        }
    }
    Ok(ExitCode::Done)
}

/// The page that a command is described on, where somebody names the command.
fn subject(name: &str) -> &str {
    match name {
        "sync" | "cp" => "data",
        name => name,
    }
}

fn list(output: Output) {
    let rows: Vec<Vec<String>> = PAGES
        .iter()
        .map(|page| vec![page.name.to_owned(), page.summary.to_owned()])
        .collect();
    output.data(&table(&rows));
    output.say("read one with `trainyard guide PAGE`");
}

fn unknown(name: &str) -> CommandError {
    let names = PAGES.iter().map(|page| page.name);
    let help = match nearest(name, names.clone()) {
        Some(near) => format!("did you mean `trainyard guide {near}`?"),
        None => format!("the pages are {}", names.collect::<Vec<_>>().join(", ")),
    };
    CommandError::new(ExitCode::Usage, format!("the guide has no page `{name}`")).help(help)
}
