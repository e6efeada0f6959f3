//! The specs that a command works on.

use std::path::{Path, PathBuf};

use super::arguments::{Format, PlaceArguments};
use super::error::CommandError;
use super::exit::ExitCode;
use super::output::Output;
use super::session::Destination;
use crate::render::{diagnostics_json, diagnostics_text, plural};
use crate::resource::{AccountId, DataPlace, EnvironmentName, Region, SignIn};
use crate::spec::{
    Code, Diagnostic, Loaded, Source, Specs, find_specs, load, project_here, project_mistakes,
    sign_in_of,
};

/// The folder that is looked into when nothing is named.
pub(super) const DEFAULT_FOLDER: &str = "environments";

/// The paths that were named, or the default folder.
fn or_default(paths: &[PathBuf]) -> Vec<PathBuf> {
    if paths.is_empty() {
        vec![PathBuf::from(DEFAULT_FOLDER)]
    } else {
        paths.to_vec()
    }
}

/// Everything good and bad about the named specs.
pub(super) fn read(paths: &[PathBuf]) -> Specs {
    match find_specs(&or_default(paths)) {
        Ok(files) => load(&files),
        Err(bad) => Specs {
            bad,
            ..Specs::default()
        },
    }
}

/// The named specs, every one of them good; what they are warned of is shown.
///
/// # Errors
///
/// After all mistakes have been shown.
pub(super) fn read_good(
    paths: &[PathBuf],
    format: Format,
    output: Output,
) -> Result<Vec<Loaded>, CommandError> {
    let Specs { good, bad, warned } = read(paths);
    if !bad.is_empty() {
        return Err(show(&bad, format, output));
    }
    warn(&warned, output);
    Ok(good)
}

/// Shows what files are warned of.
pub(super) fn warn(warned: &[(Source, Vec<Diagnostic>)], output: Output) {
    if !warned.is_empty() {
        output.insist(diagnostics_text(warned).trim_end());
    }
}

/// Shows mistakes and counts them.
pub(super) fn show(
    bad: &[(Source, Vec<Diagnostic>)],
    format: Format,
    output: Output,
) -> CommandError {
    match format {
        Format::Json => output.json(&diagnostics_json(bad)),
        Format::Human | Format::Markdown => output.insist(diagnostics_text(bad).trim_end()),
    }
    let mistakes: usize = bad.iter().map(|(_, diagnostics)| diagnostics.len()).sum();
    let text = format!(
        "{} in {}; nothing was changed",
        plural(mistakes as u64, "mistake"),
        plural(bad.len() as u64, "file")
    );
    CommandError::new(ExitCode::Failed, text)
}

/// The spec that a word on the command line means: a file, or the name of one in the default folder.
pub(super) enum Named {
    /// A good spec.
    Spec(Box<Loaded>),
    /// Only a name.
    Name(String),
}

/// Finds what a word means.
///
/// # Errors
///
/// When it is a file that is no good spec.
pub(super) fn named(word: &str, output: Output) -> Result<Named, CommandError> {
    let path = Path::new(word);
    let looks_like_file = word.contains('/')
        || path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
    if looks_like_file {
        let Specs { mut good, bad, .. } = read(&[path.to_owned()]);
        if !bad.is_empty() {
            return Err(show(&bad, Format::Human, output));
        }
        if good.len() > 1 {
            return Err(CommandError::new(
                ExitCode::Usage,
                format!("{word} holds several environments; name one"),
            ));
        }
        return good
            .pop()
            .map(|spec| Named::Spec(Box::new(spec)))
            .ok_or_else(|| CommandError::failed(format!("{word} holds no spec")));
    }
    let found = known()
        .into_iter()
        .find(|spec| spec.desired.environment.as_str() == word);
    Ok(found.map_or_else(
        || Named::Name(word.to_owned()),
        |spec| Named::Spec(Box::new(spec)),
    ))
}

/// The good specs of the default folder, if there is one.
pub(super) fn known() -> Vec<Loaded> {
    let folder = PathBuf::from(DEFAULT_FOLDER);
    if folder.is_dir() {
        read(&[folder]).good
    } else {
        Vec::new()
    }
}

/// Where an environment is looked for that no good spec names.
#[derive(Default)]
pub(super) struct NamePlace {
    pub(super) sign_in: SignIn,
    pub(super) account: Option<AccountId>,
    pub(super) region: Option<Region>,
}

/// What the project file says of the place; a spec that cannot be read may say otherwise.
///
/// # Errors
///
/// When the spec of that name may be one of those that cannot be read: looking in
/// another region would find nothing, and say so.
pub(super) fn place_of_a_name(
    name: &str,
    region_is_given: bool,
) -> Result<NamePlace, CommandError> {
    let folder = PathBuf::from(DEFAULT_FOLDER);
    let bad = if folder.is_dir() {
        read(&[folder]).bad
    } else {
        Vec::new()
    };
    if let Some((source, found)) = bad.first()
        && !region_is_given
    {
        let is_unread = found.iter().any(|one| one.code == Code::Unreadable);
        let what = if is_unread {
            "cannot be read"
        } else {
            "has a mistake"
        };
        let text = format!(
            "no good spec names `{name}`, and {} {what}; nothing was changed",
            source.path.display()
        );
        return Err(CommandError::refused(text).help(
            "correct it (see `trainyard validate`), or say where with `--region` and `--account`",
        ));
    }
    Ok(project_place())
}

/// The same for whoever cannot do without it.
///
/// # Errors
///
/// When the project file has mistakes, which are shown.
pub(super) fn good_project_place(output: Output) -> Result<NamePlace, CommandError> {
    let bad = project_mistakes().bad;
    if bad.is_empty() {
        Ok(project_place())
    } else {
        Err(show(&bad, Format::Human, output))
    }
}

/// What the project file says of the place.
pub(super) fn project_place() -> NamePlace {
    let Some(project) = project_here() else {
        return NamePlace::default();
    };
    NamePlace {
        sign_in: sign_in_of(&project),
        account: project.account.map(AccountId::new),
        region: project.region.map(Region::new),
    }
}

/// The name that an environment had before, where its spec says one.
///
/// # Errors
///
/// When the word is a file that is no good spec.
pub(super) fn former_name(
    word: &str,
    output: Output,
) -> Result<Option<EnvironmentName>, CommandError> {
    Ok(match named(word, output)? {
        Named::Spec(spec) => spec.desired.renamed_from,
        Named::Name(_) => None,
    })
}

/// Where the data sets of an environment go; nothing where it is given by its name alone.
///
/// # Errors
///
/// When the word is a file that is no good spec.
pub(super) fn data_targets(word: &str, output: Output) -> Result<Vec<DataPlace>, CommandError> {
    Ok(match named(word, output)? {
        Named::Spec(spec) => spec
            .desired
            .data
            .into_values()
            .map(|data| data.to)
            .collect(),
        Named::Name(_) => Vec::new(),
    })
}

/// An environment is named by its file, or by its name with a place.
///
/// # Errors
///
/// When the word is neither, or the place is not certain.
pub(super) fn target(
    word: &str,
    place: &PlaceArguments,
    output: Output,
) -> Result<(EnvironmentName, Destination), CommandError> {
    let account = place.account.clone().map(AccountId::new);
    let region = place.region.clone().map(Region::new);
    match named(word, output)? {
        Named::Spec(spec) => {
            let mut destination = Destination::from(&spec.desired.target);
            destination.account = account.or(destination.account);
            destination.region = region.or(destination.region);
            Ok((spec.desired.environment, destination))
        }
        Named::Name(name) => {
            let project = place_of_a_name(&name, region.is_some())?;
            if !EnvironmentName::is_valid(&name) {
                return Err(CommandError::new(
                    ExitCode::Usage,
                    format!("`{name}` cannot be an environment's name"),
                ));
            }
            Ok((
                EnvironmentName::new(name),
                Destination {
                    sign_in: project.sign_in,
                    account: account.or(project.account),
                    region: region.or(project.region),
                },
            ))
        }
    }
}
