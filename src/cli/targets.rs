//! The names that `--target` and `--replace` limit a command to.

use super::arguments::Wishes;
use super::error::CommandError;
use super::exit::ExitCode;
use crate::plan::TargetName;
use crate::resource::{Address, GroupName};
use crate::spec::{Loaded, nearest};

/// A name on the command line that no spec knows is a slip of the pen.
pub(super) fn known_targets(loaded: &[Loaded], wishes: &Wishes) -> Result<(), CommandError> {
    let groups = || loaded.iter().flat_map(|spec| spec.desired.groups.keys());
    let data = || loaded.iter().flat_map(|spec| spec.desired.data.keys());
    for (flag, names) in [("--target", &wishes.target), ("--replace", &wishes.replace)] {
        for name in names {
            // A number that the spec no longer has may still run.
            let known = match name {
                TargetName::Group(group) | TargetName::Instance(group, _) => {
                    groups().any(|known| known == group)
                }
                TargetName::Data(name) => {
                    flag == "--target" && data().any(|known| *known == Address::Data(name.clone()))
                }
            };
            if known {
                continue;
            }
            let text = format!("{flag}: no spec here has `{name}`");
            let error = CommandError::new(ExitCode::Usage, text);
            let near = match name {
                TargetName::Group(group) | TargetName::Instance(group, _) => {
                    nearest(group.as_str(), groups().map(GroupName::as_str)).map(str::to_owned)
                }
                TargetName::Data(_) => {
                    let all: Vec<String> = data().map(ToString::to_string).collect();
                    nearest(&name.to_string(), all.iter().map(String::as_str)).map(str::to_owned)
                }
            };
            return Err(match near {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error,
            });
        }
    }
    replaced_are_targets(wishes)
}

/// What is to be replaced and is not looked at would stay as it is, without a word.
fn replaced_are_targets(wishes: &Wishes) -> Result<(), CommandError> {
    if wishes.target.is_empty() {
        return Ok(());
    }
    let is_apart = |name: &&TargetName| !wishes.target.iter().any(|target| target.meets(name));
    match wishes.replace.iter().find(is_apart) {
        None => Ok(()),
        Some(name) => {
            let text =
                format!("--replace: `{name}` is not among what `--target` names, so it would stay");
            let help = format!("add `--target {name}`, or leave `--target` out");
            Err(CommandError::new(ExitCode::Usage, text).help(help))
        }
    }
}

/// The single instances that are named, each with the flag that names it.
pub(super) fn named_members(wishes: &Wishes) -> Vec<(&'static str, Address)> {
    let mut members = Vec::new();
    for (flag, names) in [("--target", &wishes.target), ("--replace", &wishes.replace)] {
        for name in names {
            if let TargetName::Instance(group, ordinal) = name {
                let (group, ordinal) = (group.clone(), *ordinal);
                members.push((flag, Address::Instance { group, ordinal }));
            }
        }
    }
    members
}

/// What is said of an instance that neither a spec asks for nor AWS has.
pub(super) fn unknown_member(flag: &str, address: &Address) -> CommandError {
    let text = format!("{flag}: no spec here asks for `{address}`, and AWS has none");
    CommandError::new(ExitCode::Usage, text)
        .help("the numbers of a group begin with 0 and end before its `count`")
}
