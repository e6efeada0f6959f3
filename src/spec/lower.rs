//! Makes a checked spec complete and absolute.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use super::diagnostic::{Code, Diagnostic, SpecPath};
use super::lower_group::lower_group;
use super::model::{
    ArchiveSpec, CompareSpec, CredentialsSpec, DataSpec, DeleteSpec, EnvironmentSpec,
    MaxDeleteSpec, ProjectSpec, StorageClassSpec, TagValue,
};
use crate::resource::{
    AccountId, Address, Archive, Compare, DataPlace, DataSet, Deletion, DeletionLimit, Desired,
    Encryption, EnvironmentName, GroupName, KmsKey, Lease, ObjectOptions, Region, RoleName, SignIn,
    StorageClass, Target,
};

/// Lowers a spec that passed every check.
///
/// `folder` is the one that holds the spec: its relative paths start there.
///
/// # Errors
///
/// One diagnostic for each quantity that cannot be read, which no checked spec has.
pub fn lower(
    spec: &EnvironmentSpec,
    project: &ProjectSpec,
    folder: &Path,
) -> Result<Desired, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let lease = quantity::<Lease>(&spec.lease, &SpecPath::of_keys(&["lease"]), &mut found);
    let (account, region) = shared(spec, project, &mut found);
    let mut instances = BTreeMap::new();
    let mut groups = BTreeMap::new();
    if let Some(lease) = lease {
        for (name, spec_of_group) in &spec.instances {
            let shared = SharedValues {
                spec,
                project,
                folder,
                lease,
            };
            let group = lower_group(&shared, name, spec_of_group, &mut found);
            for ordinal in 0..group.count {
                let address = Address::Instance {
                    group: GroupName::new(name),
                    ordinal,
                };
                instances.insert(address, Arc::clone(&group.instance));
            }
            groups.insert(GroupName::new(name), group);
        }
    }
    let data = spec
        .data
        .iter()
        .filter_map(|(name, data)| {
            let set = lower_data((name, data), folder, &mut found)?;
            Some((Address::Data(name.clone()), set))
        })
        .collect();
    let credentials = spec.credentials.as_ref().or(project.credentials.as_ref());
    let sign_in = credentials.map(|credentials| lower_sign_in(credentials, project, &mut found));
    let sign_in = sign_in.unwrap_or_default();
    let (Some(lease), true) = (lease, found.is_empty()) else {
        return Err(found);
    };
    Ok(Desired {
        environment: EnvironmentName::new(&spec.name),
        renamed_from: spec.renamed_from.as_ref().map(EnvironmentName::new),
        target: Target {
            sign_in,
            account: AccountId::new(account),
            region: Region::new(region),
        },
        lease,
        store: spec.store.clone().or_else(|| project.store.clone()),
        instances,
        groups,
        address_service: project.address_service.clone(),
        data,
    })
}

/// As whom AWS is reached where no spec says it.
pub fn sign_in_of(project: &ProjectSpec) -> SignIn {
    let credentials = project.credentials.as_ref();
    // What is wrong with the project file is told with every spec.
    let lowered =
        credentials.map(|credentials| lower_sign_in(credentials, project, &mut Vec::new()));
    lowered.unwrap_or_default()
}

/// As whom AWS is reached, by what a block says and the project's short names of roles.
fn lower_sign_in(
    credentials: &CredentialsSpec,
    project: &ProjectSpec,
    found: &mut Vec<Diagnostic>,
) -> SignIn {
    let CredentialsSpec {
        profile,
        role,
        role_arn,
        duration,
        external_id,
    } = credentials;
    let path = |key| SpecPath::of_keys(&["credentials", key]);
    if role.is_some() && role_arn.is_some() {
        let summary = "`role` and `role_arn` both name the role";
        let diagnostic = Diagnostic::at(path("role_arn"), Code::Combination, summary);
        found.push(diagnostic.help("keep one of them"));
    }
    let (key, text) = match (role_arn, role) {
        (Some(arn), _) => ("role_arn", Some(arn)),
        (None, Some(name)) => (
            "role",
            Some(project.roles.get(name).map_or(name, |arn| &arn.0)),
        ),
        (None, None) => ("role", None),
    };
    let role = text.and_then(|text| {
        let read = RoleName::read(text).map_err(|error| {
            let summary = format!("`{}` cannot be `{text}`", path(key));
            found.push(Diagnostic::at(path(key), Code::BadForm, summary).help(error.to_string()));
        });
        read.ok()
    });
    if role.is_none() && external_id.is_some() && text.is_none() {
        let summary = "`external_id` is for a role, and there is none";
        let diagnostic = Diagnostic::at(path("external_id"), Code::Combination, summary);
        found.push(diagnostic.help("name the role with `role` or `role_arn`"));
    }
    SignIn {
        profile: profile.clone(),
        role,
        duration: duration
            .as_ref()
            .and_then(|text| quantity(text, &path("duration"), found)),
        external_id: external_id.clone(),
    }
}

fn shared(
    spec: &EnvironmentSpec,
    project: &ProjectSpec,
    found: &mut Vec<Diagnostic>,
) -> (String, String) {
    let mut take = |key: &str, own: &Option<String>, shared: &Option<String>| {
        own.clone().or_else(|| shared.clone()).unwrap_or_else(|| {
            found.push(Diagnostic::at(
                SpecPath::of_keys(&[key]),
                Code::MissingKey,
                format!("the key `{key}` is missing"),
            ));
            String::new()
        })
    };
    (
        take("account", &spec.account, &project.account),
        take("region", &spec.region, &project.region),
    )
}

pub(super) fn quantity<T>(text: &str, path: &SpecPath, found: &mut Vec<Diagnostic>) -> Option<T>
where
    T: FromStr<Err: Display>,
{
    text.parse()
        .map_err(|error: T::Err| {
            let summary = format!("`{path}` cannot be `{text}`");
            found
                .push(Diagnostic::at(path.clone(), Code::BadForm, summary).help(error.to_string()));
        })
        .ok()
}

/// What the groups of an environment share.
pub(super) struct SharedValues<'a> {
    pub(super) spec: &'a EnvironmentSpec,
    pub(super) project: &'a ProjectSpec,
    pub(super) folder: &'a Path,
    pub(super) lease: Lease,
}

/// The project's tags, then the environment's, then the group's; the nearest wins.
pub(super) fn lower_tags(
    shared: &SharedValues<'_>,
    group: &str,
    own: &BTreeMap<String, TagValue>,
) -> BTreeMap<String, String> {
    let name = format!("{}-{group}", shared.spec.name);
    let mut tags = BTreeMap::from([("Name".to_owned(), name)]);
    for level in [&shared.project.tags, &shared.spec.tags, own] {
        tags.extend(
            level
                .iter()
                .map(|(key, TagValue(value))| (key.clone(), value.clone())),
        );
    }
    tags
}

fn lower_data(
    (name, data): (&str, &DataSpec),
    folder: &Path,
    found: &mut Vec<Diagnostic>,
) -> Option<DataSet> {
    let DataSpec {
        from,
        to,
        include,
        exclude,
        delete,
        archive,
        max_delete,
        storage_class,
        kms_key,
        request_payer,
        compare,
    } = data;
    let path = |key: &str| SpecPath::of_keys(&["data", name, key]);
    let max_delete = match max_delete {
        None => DeletionLimit::default(),
        Some(MaxDeleteSpec::Count(count)) => DeletionLimit::Count(*count),
        Some(MaxDeleteSpec::Share(text)) => quantity(text, &path("max_delete"), found)?,
    };
    let encryption = match kms_key {
        None => None,
        Some(text) => {
            let key = quantity::<KmsKey>(text, &path("kms_key"), found)?;
            Some(Encryption::Kms(Some(key)))
        }
    };
    let place = |text: &str| match parse_bucket_prefix(text) {
        Some((bucket, prefix)) => DataPlace::Prefix { bucket, prefix },
        None => DataPlace::Folder(join(folder, text)),
    };
    Some(DataSet {
        from: place(from),
        to: place(to),
        include: include.clone(),
        exclude: exclude.clone(),
        delete: match delete {
            DeleteSpec::Never => Deletion::Never,
            DeleteSpec::Extra => Deletion::Extra,
        },
        archive: archive.map(|archive| match archive {
            ArchiveSpec::Zip => Archive::Zip,
            ArchiveSpec::TarZst => Archive::TarZst,
        }),
        max_delete,
        compare: match compare {
            CompareSpec::Content => Compare::Content,
            CompareSpec::SizeMtime => Compare::SizeMtime,
            CompareSpec::Size => Compare::Size,
        },
        options: ObjectOptions {
            storage_class: storage_class.map(class),
            encryption,
            request_payer: *request_payer,
        },
    })
}

fn class(spec: StorageClassSpec) -> StorageClass {
    match spec {
        StorageClassSpec::Standard => StorageClass::Standard,
        StorageClassSpec::StandardIa => StorageClass::StandardIa,
        StorageClassSpec::OnezoneIa => StorageClass::OnezoneIa,
        StorageClassSpec::IntelligentTiering => StorageClass::IntelligentTiering,
        StorageClassSpec::GlacierIr => StorageClass::GlacierIr,
        StorageClassSpec::Glacier => StorageClass::Glacier,
        StorageClassSpec::DeepArchive => StorageClass::DeepArchive,
        StorageClassSpec::ReducedRedundancy => StorageClass::ReducedRedundancy,
    }
}

/// Joins without a `./` in the middle, so that messages read well.
pub(super) fn join(folder: &Path, text: &str) -> std::path::PathBuf {
    folder.join(text).components().collect()
}

/// Whether text is `s3://BUCKET` or `s3://BUCKET/PREFIX`.
pub(super) fn is_bucket_prefix(text: &str) -> bool {
    parse_bucket_prefix(text).is_some()
}

/// Bucket and prefix; the prefix is empty or ends with `/`, so that it never matches a sibling.
pub(super) fn parse_bucket_prefix(text: &str) -> Option<(String, String)> {
    let rest = text.strip_prefix("s3://")?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    let edges = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = bucket.as_bytes();
    let good = (3..=63).contains(&bucket.len())
        && bucket.bytes().all(allowed)
        && edges(bytes.first())
        && edges(bytes.last());
    if !good || prefix.starts_with('/') || prefix.contains("//") {
        return None;
    }
    let prefix = match prefix.trim_end_matches('/') {
        "" => String::new(),
        prefix => format!("{prefix}/"),
    };
    Some((bucket.to_owned(), prefix))
}
