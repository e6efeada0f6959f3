//! Finds spec files and takes them through all the gates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_yaml::Value;

use super::check::check_environment;
use super::diagnostic::{Code, Diagnostic, SpecPath};
use super::lower::lower;
use super::model::{EnvironmentSpec, ProjectSpec};
use super::repair::Repaired;
use super::schema::{SchemaKind, schema};
use super::shape::shape;
use super::source::Source;
use super::tag_rules::check_tags;
use super::warn::warnings;
use crate::resource::{Desired, EnvironmentName};

/// The name of the file that environments share.
pub const PROJECT_FILE: &str = "trainyard.yaml";

/// One good spec.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The file, for messages that point into it.
    pub source: Source,
    /// What it asks for.
    pub desired: Desired,
}

/// Every spec that was asked for, good and bad.
#[derive(Debug, Default)]
pub struct Specs {
    /// The good ones, in the order of their names.
    pub good: Vec<Loaded>,
    /// The bad ones with all that is wrong with each.
    pub bad: Vec<(Source, Vec<Diagnostic>)>,
    /// What files are warned of, good ones and bad ones.
    pub warned: Vec<(Source, Vec<Diagnostic>)>,
}

/// The spec files that `paths` name: files as they are, folders by their YAML files.
///
/// # Errors
///
/// A diagnostic for each path that names nothing.
pub fn find_specs(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Vec<(Source, Vec<Diagnostic>)>> {
    let mut files = Vec::new();
    let mut bad = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        match yaml_files(path) {
            Ok(found) if found.is_empty() => bad.push(failure(
                path,
                Diagnostic::of_file(Code::Empty, "this folder holds no spec")
                    .help("`trainyard init` writes a first one"),
            )),
            Ok(found) => files.extend(found),
            Err(error) => bad.push(failure(
                path,
                Diagnostic::of_file(Code::Unreadable, format!("cannot read the folder: {error}")),
            )),
        }
    }
    if bad.is_empty() { Ok(files) } else { Err(bad) }
}

fn failure(path: &Path, diagnostic: Diagnostic) -> (Source, Vec<Diagnostic>) {
    (
        Source {
            path: path.to_owned(),
            text: String::new(),
        },
        vec![diagnostic],
    )
}

fn yaml_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let yaml = path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        let project = path.file_name().is_some_and(|name| name == PROJECT_FILE);
        if yaml && !project {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Takes every file through all the gates.
pub fn load(files: &[PathBuf]) -> Specs {
    let mut specs = Specs::default();
    let mut projects: BTreeMap<Option<PathBuf>, Option<ProjectSpec>> = BTreeMap::new();
    for file in files {
        let project_file = project_file(file);
        if !projects.contains_key(&project_file) {
            let project = match &project_file {
                Some(path) => load_project(path, &mut specs),
                None => Some(ProjectSpec::default()),
            };
            projects.insert(project_file.clone(), project);
        }
        // Without its project file an environment cannot be judged; what is
        // wrong with the project file has been noted.
        let Some(Some(project)) = projects.get(&project_file) else {
            continue;
        };
        let judged = read(file).and_then(|source| {
            specs.note(&source);
            judge(source, project)
        });
        match judged {
            Ok(loaded) => specs.good.push(loaded),
            Err(bad) => specs.bad.push(*bad),
        }
    }
    refuse_duplicates(&mut specs);
    specs
        .good
        .sort_by(|one, other| one.desired.environment.cmp(&other.desired.environment));
    specs
}

/// The project file of the working folder, where there is a good one.
pub fn project_here() -> Option<ProjectSpec> {
    load_project(
        &project_file(Path::new("spec.yaml"))?,
        &mut Specs::default(),
    )
}

/// What is wrong with the project file of the working folder.
pub fn project_mistakes() -> Specs {
    let mut specs = Specs::default();
    if let Some(path) = project_file(Path::new("spec.yaml")) {
        load_project(&path, &mut specs);
    }
    specs
}

/// The nearest project file above a spec, no further than the repository's root.
fn project_file(spec: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(spec).ok()?;
    for folder in absolute.parent()?.ancestors() {
        let candidate = folder.join(PROJECT_FILE);
        // Whatever stands there is the project file: a policy must not be passed over
        // because it cannot be read.
        if candidate.symlink_metadata().is_ok() {
            return Some(candidate);
        }
        if folder.join(".git").exists() {
            return None;
        }
    }
    None
}

fn load_project(path: &Path, specs: &mut Specs) -> Option<ProjectSpec> {
    read(path)
        .and_then(|source| {
            specs.note(&source);
            judge_project(source)
        })
        .map_err(|failure| specs.bad.push(*failure))
        .ok()
}

impl Specs {
    /// Notes what a file is warned of.
    fn note(&mut self, source: &Source) {
        let warnings = warnings(source);
        if !warnings.is_empty() {
            self.warned.push((source.clone(), warnings));
        }
    }
}

type Failure = Box<(Source, Vec<Diagnostic>)>;

/// Takes the text of a project file through all the gates.
///
/// # Errors
///
/// The text with all that is wrong with it.
pub fn judge_project(source: Source) -> Result<ProjectSpec, Box<(Source, Vec<Diagnostic>)>> {
    let mut readable = Readable::of(source)?;
    let mut found = shape(&readable.value, schema(SchemaKind::Project));
    if found.is_empty() {
        let project: ProjectSpec = readable.typed()?;
        check_tags(&project.tags, &SpecPath::of_keys(&["tags"]), &mut found);
        if found.is_empty() {
            return Ok(project);
        }
    }
    refused(readable.source, found)
}

/// How many mistakes of a file are told at once: nobody reads a thousand.
const MOST_MISTAKES: usize = 100;
/// How many are told of the largest file, each of which is looked up in the text once more.
const FEWEST_MISTAKES: usize = 10;
/// How much text is read again for the mistakes of a file, in bytes.
const MOST_TEXT: usize = 16 << 20;

fn refused<T>(source: Source, mut found: Vec<Diagnostic>) -> Result<T, Failure> {
    let most = MOST_TEXT / source.text.len().max(1);
    let most = most.clamp(FEWEST_MISTAKES, MOST_MISTAKES);
    if found.len() > most {
        let more = found.len() - most;
        let code = found[most].code;
        found.truncate(most);
        let summary = format!("{more} more mistakes are told when these are gone");
        found.push(Diagnostic::of_file(code, summary));
    }
    Err(Box::new((source, found)))
}

/// Takes the text of a spec through all the gates; its path says where relative ones start.
///
/// # Errors
///
/// The text with all that is wrong with it.
pub fn judge(
    source: Source,
    project: &ProjectSpec,
) -> Result<Loaded, Box<(Source, Vec<Diagnostic>)>> {
    let mut readable = Readable::of(source)?;
    let schema = schema(SchemaKind::Environment);
    let mut found = shape(&readable.value, schema);
    if !found.is_empty() {
        let repaired = Repaired::new(readable.value.clone(), &found, schema);
        if let Ok(spec) = EnvironmentSpec::deserialize(repaired.value.clone()) {
            let more = check_environment(&spec, project);
            found.extend(
                more.into_iter()
                    .filter(|diagnostic| repaired.is_fair(diagnostic)),
            );
        }
        return refused(readable.source, found);
    }
    let spec: EnvironmentSpec = readable.typed()?;
    let source = readable.source;
    let found = check_environment(&spec, project);
    if !found.is_empty() {
        return refused(source, found);
    }
    let absolute = std::path::absolute(&source.path).unwrap_or_else(|_| source.path.clone());
    let folder = absolute.parent().unwrap_or(Path::new("/"));
    match lower(&spec, project, folder) {
        Ok(desired) => Ok(Loaded { source, desired }),
        Err(found) => refused(source, found),
    }
}

/// A file that is YAML.
struct Readable {
    source: Source,
    value: Value,
}

impl Readable {
    fn of(source: Source) -> Result<Self, Failure> {
        match source.parse() {
            Ok(value) => Ok(Self { source, value }),
            Err(diagnostic) => Err(Box::new((source, vec![diagnostic]))),
        }
    }

    /// The document as a type whose schema it fits.
    fn typed<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        T::deserialize(std::mem::take(&mut self.value)).map_err(|error| {
            // The schema is made from the type, so this says that the two differ.
            let diagnostic = Diagnostic::of_file(Code::WrongType, error.to_string());
            Box::new((self.source.clone(), vec![diagnostic]))
        })
    }
}

fn read(path: &Path) -> Result<Source, Failure> {
    Source::read(path).map_err(|failure| {
        let (source, diagnostic) = *failure;
        Box::new((source, vec![diagnostic]))
    })
}

fn refuse_duplicates(specs: &mut Specs) {
    let mut first: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut good = Vec::new();
    for loaded in std::mem::take(&mut specs.good) {
        let name = loaded.desired.environment.to_string();
        match first.get(&name) {
            None => {
                first.insert(name, loaded.source.path.clone());
                good.push(loaded);
            }
            Some(other) => {
                let summary = format!("`{}` is named `{name}` already", other.display());
                let diagnostic =
                    Diagnostic::at(SpecPath::of_keys(&["name"]), Code::DuplicateName, summary)
                        .help("give each environment a name of its own; on AWS the name is all that tells them apart");
                specs.bad.push((loaded.source, vec![diagnostic]));
            }
        }
    }
    specs.good = good;
    refuse_both_names(specs);
}

/// A spec and the one that it was renamed from would both plan the same instances.
fn refuse_both_names(specs: &mut Specs) {
    let mut claimed: BTreeMap<EnvironmentName, PathBuf> = specs
        .good
        .iter()
        .map(|loaded| {
            (
                loaded.desired.environment.clone(),
                loaded.source.path.clone(),
            )
        })
        .collect();
    let mut good = Vec::new();
    for loaded in std::mem::take(&mut specs.good) {
        let Some(before) = loaded.desired.renamed_from.clone() else {
            good.push(loaded);
            continue;
        };
        match claimed.get(&before) {
            None => {
                // Of two that were renamed from one name only one can be right.
                claimed.insert(before, loaded.source.path.clone());
                good.push(loaded);
            }
            Some(other) => {
                let summary = format!(
                    "`{}` has the instances of `{before}`, so this cannot take them over, too",
                    other.display()
                );
                let path = SpecPath::of_keys(&["renamed_from"]);
                let diagnostic = Diagnostic::at(path, Code::DuplicateName, summary)
                    .help("delete the file that is out of date, or remove `renamed_from` here");
                specs.bad.push((loaded.source, vec![diagnostic]));
            }
        }
    }
    specs.good = good;
}
