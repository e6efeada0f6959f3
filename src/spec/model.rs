//! The shape of a spec: these types are the parser's and the schema's alike.
//!
//! Doc comments here are what editors show; defaults that depend on other files
//! are filled in by [`lower`](super::lower()).

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::model_group::GroupSpec;
use crate::resource::{DeletionLimit, KmsKey, Lease, RoleArn};

/// One training environment: what runs, for how long, and with which data.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Trainyard environment")]
pub struct EnvironmentSpec {
    /// The version of this format; always 1.
    #[schemars(extend("const" = 1))]
    pub version: u8,
    /// The environment's name: it goes into tags, filters and paths.
    #[schemars(regex(pattern = "^[a-z][a-z0-9-]{0,39}$"), extend("format" = "environment-name", "examples" = ["alex-training"]))]
    pub name: String,
    /// The name that the environment had before: what runs under it is renamed, not replaced.
    #[schemars(regex(pattern = "^[a-z][a-z0-9-]{0,39}$"), extend("format" = "environment-name", "examples" = ["alex-training-2"]))]
    pub renamed_from: Option<String>,
    /// The AWS account, twelve digits in quotes. Any other account is refused before anything is read.
    #[schemars(regex(pattern = "^[0-9]{12}$"), extend("format" = "account", "examples" = ["123456789012"]))]
    pub account: Option<String>,
    /// The AWS region, such as eu-central-1.
    #[schemars(regex(pattern = "^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$"), extend("format" = "region", "examples" = ["eu-central-1"]))]
    pub region: Option<String>,
    /// Where credentials come from.
    pub credentials: Option<CredentialsSpec>,
    /// How long the environment may live, counted from launch: days, hours and minutes with their units, from 10m to 30d.
    #[schemars(regex(pattern = Lease::PATTERN), extend("format" = "lease", "examples" = ["12h", "90m", "1d12h"]))]
    pub lease: String,
    /// A bucket prefix for status, logs and receipts.
    #[schemars(regex(pattern = "^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/([^/]+/)*[^/]*)?$"), extend("format" = "bucket-prefix", "examples" = ["s3://my-training-data/trainyard"]))]
    pub store: Option<String>,
    /// Tags for everything that is created.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 50, "propertyNames" = {"minLength": 1, "maxLength": 120}))]
    pub tags: BTreeMap<String, TagValue>,
    /// Data to keep equal between a folder and a bucket prefix, by name.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"pattern": "^[a-z][a-z0-9-]{0,39}$"}))]
    pub data: BTreeMap<String, DataSpec>,
    /// Groups of equal instances, by name.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"pattern": "^[a-z][a-z0-9-]{0,39}$"}))]
    pub instances: BTreeMap<String, GroupSpec>,
}

/// A tag's value.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct TagValue(#[schemars(length(max = 255))] pub String);

/// The ARN of a role.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct RoleArnText(
    #[schemars(regex(pattern = RoleArn::PATTERN), extend("format" = "role-arn", "examples" = ["arn:aws:iam::123456789012:role/trainer"]))]
    pub String,
);

/// Values that all environments of a repository share; an environment's own come first.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Trainyard project")]
pub struct ProjectSpec {
    /// The version of this format; always 1.
    #[schemars(extend("const" = 1))]
    pub version: u8,
    /// The AWS account, twelve digits in quotes.
    #[schemars(regex(pattern = "^[0-9]{12}$"), extend("format" = "account", "examples" = ["123456789012"]))]
    pub account: Option<String>,
    /// The AWS region, such as eu-central-1.
    #[schemars(regex(pattern = "^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$"), extend("format" = "region", "examples" = ["eu-central-1"]))]
    pub region: Option<String>,
    /// Where credentials come from.
    pub credentials: Option<CredentialsSpec>,
    /// Short names of roles, for `credentials.role`, such as `play_trainer_v1` for account, role and version.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"pattern": "^[A-Za-z0-9_+=,.@-]{1,64}$", "format": "role"}))]
    pub roles: BTreeMap<String, RoleArnText>,
    /// A bucket prefix for status, logs and receipts.
    #[schemars(regex(pattern = "^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/([^/]+/)*[^/]*)?$"), extend("format" = "bucket-prefix", "examples" = ["s3://my-training-data/trainyard"]))]
    pub store: Option<String>,
    /// Tags for everything that is created.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 50, "propertyNames" = {"minLength": 1, "maxLength": 120}))]
    pub tags: BTreeMap<String, TagValue>,
    /// Limits that every environment keeps to.
    pub policy: Option<PolicySpec>,
    /// An address on the web that answers with the caller's own address, for `ssh: {from: me}`.
    #[schemars(regex(pattern = "^https?://[^ ]{1,1000}$"), extend("format" = "web-address", "examples" = ["https://checkip.amazonaws.com"]))]
    pub address_service: Option<String>,
}

/// Limits that every environment keeps to.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicySpec {
    /// The longest lease that an environment may ask for.
    #[schemars(regex(pattern = Lease::PATTERN), extend("format" = "lease", "examples" = ["3d"]))]
    pub max_lease: Option<String>,
    /// The most instances that one environment may have.
    #[schemars(range(min = 1, max = 10000))]
    pub max_instances: Option<u32>,
}

/// Where credentials come from.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialsSpec {
    /// A profile of ~/.aws/config or ~/.aws/credentials.
    #[schemars(length(min = 1, max = 128), extend("examples" = ["training"]))]
    pub profile: Option<String>,
    /// The role to take on: a name of `roles` in trainyard.yaml, a profile that names a role, or a role of the account.
    #[schemars(regex(pattern = "^[A-Za-z0-9_+=,.@-]{1,64}$"), extend("format" = "role", "examples" = ["play_trainer_v1"]))]
    pub role: Option<String>,
    /// The same by its ARN.
    #[schemars(regex(pattern = RoleArn::PATTERN), extend("format" = "role-arn", "examples" = ["arn:aws:iam::123456789012:role/trainer"]))]
    pub role_arn: Option<String>,
    /// How long a session of the role shall last, from 15m to 12h; as long as the role allows where nothing is said.
    #[schemars(regex(pattern = Lease::PATTERN), extend("format" = "session-length", "examples" = ["8h"]))]
    pub duration: Option<String>,
    /// What the role's trust policy asks for in `sts:ExternalId`.
    #[schemars(length(min = 2, max = 1224), extend("examples" = ["team-42"]))]
    pub external_id: Option<String>,
}

/// Files to be made equal at two places, in one direction.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// Where the files come from: a folder, relative to this file, or `s3://BUCKET/PREFIX`.
    #[schemars(length(min = 1, max = 1024), extend("examples" = ["./data/mockups", "s3://my-training-data/mockups"]))]
    pub from: String,
    /// Where the files go: `s3://BUCKET/PREFIX`, or a folder where they come from a bucket.
    #[schemars(length(min = 1, max = 1024), extend("examples" = ["s3://my-training-data/mockups", "./data/mockups"]))]
    pub to: String,
    /// Patterns of the files that take part; all of them when there is none. `*` stays within one folder, `**` does not.
    #[serde(default)]
    #[schemars(length(max = 100), extend("examples" = [["*.png", "labels/**"]]))]
    pub include: Vec<String>,
    /// Patterns of the files that do not take part.
    #[serde(default)]
    #[schemars(length(max = 100), extend("examples" = [["*.tmp"]]))]
    pub exclude: Vec<String>,
    /// What happens to files that only the target has: `never` leaves them, `extra` deletes them.
    #[serde(default)]
    pub delete: DeleteSpec,
    /// Keeps the files in the bucket as one object, named after the prefix: `zip`, or `tar.zst`, which is smaller.
    pub archive: Option<ArchiveSpec>,
    /// The most files that `delete` may delete, as a number, or as a share of what the target has; a plan that would delete more is refused. Without it, 50%.
    #[serde(default)]
    #[schemars(schema_with = "max_delete_schema")]
    pub max_delete: Option<MaxDeleteSpec>,
    /// The storage class of what is uploaded; without it STANDARD.
    pub storage_class: Option<StorageClassSpec>,
    /// The key of KMS that encrypts what is uploaded: its id, its ARN, or its alias; without it the bucket decides.
    #[schemars(regex(pattern = KmsKey::PATTERN), extend("format" = "kms-key", "examples" = ["alias/training-data"]))]
    pub kms_key: Option<String>,
    /// Whether you agree to pay for requests to a bucket whose owner does not.
    #[serde(default)]
    pub request_payer: bool,
    /// How two versions of a file are compared: by `content`, by size and time of modification, or by `size` alone.
    #[serde(default)]
    pub compare: CompareSpec,
}

/// The most files that may be deleted.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum MaxDeleteSpec {
    /// So many.
    Count(u64),
    /// A share of what the target has, such as `10%`.
    Share(String),
}

fn max_delete_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "The most files that `delete` may delete, as a number or as a share of what the target has; a plan that would delete more is refused. Without it, 50%.",
        "anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": DeletionLimit::SHARE_PATTERN, "format": "deletion-limit"},
        ],
        "examples": [100, "10%"],
    })
}

/// A storage class of S3.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum StorageClassSpec {
    /// For what is read often.
    Standard,
    /// For what is read seldom.
    StandardIa,
    /// For what is read seldom and can be made again: it is in one zone.
    OnezoneIa,
    /// Moved by S3 between the others.
    IntelligentTiering,
    /// An archive that is read at once.
    GlacierIr,
    /// An archive that has to be restored before it is read, in minutes or hours.
    Glacier,
    /// An archive that has to be restored before it is read, in hours or days.
    DeepArchive,
    /// For what can be made again; S3 advises against it.
    ReducedRedundancy,
}

/// How the files are packed into one object.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum ArchiveSpec {
    /// A ZIP archive: every machine can open it, and changed files come down without the others.
    #[serde(rename = "zip")]
    Zip,
    /// A tar compressed with Zstandard: smaller, and read from the beginning.
    #[serde(rename = "tar.zst")]
    TarZst,
}

/// How two versions of a file are compared.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum CompareSpec {
    /// By content, which is read where nothing else proves it.
    #[default]
    Content,
    /// By size and time of modification; nothing is read.
    SizeMtime,
    /// By size alone.
    Size,
}

/// What happens to files that only the target has.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum DeleteSpec {
    /// They stay.
    #[default]
    Never,
    /// They are deleted.
    Extra,
}
