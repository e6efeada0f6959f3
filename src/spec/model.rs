//! The shape of a spec: these types are the parser's and the schema's alike.
//!
//! Doc comments here are what editors show; defaults that depend on other files
//! are filled in by [`lower`](super::lower()).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::resource::{Lease, Size, Throughput};

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
    /// A bucket prefix for status, logs and receipts.
    #[schemars(regex(pattern = "^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/([^/]+/)*[^/]*)?$"), extend("format" = "bucket-prefix", "examples" = ["s3://my-training-data/trainyard"]))]
    pub store: Option<String>,
    /// Tags for everything that is created.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 50, "propertyNames" = {"minLength": 1, "maxLength": 120}))]
    pub tags: BTreeMap<String, TagValue>,
    /// Limits that every environment keeps to.
    pub policy: Option<PolicySpec>,
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
}

/// Files to be made equal at two places, in one direction.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// Where the files come from: a folder, relative to this file, or `s3://BUCKET/PREFIX`.
    #[schemars(length(min = 1, max = 1024), extend("examples" = ["./data/mockups", "s3://my-training-data/mockups"]))]
    pub from: String,
    /// Where the files go: `s3://BUCKET/PREFIX`, or a folder.
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

/// A group of equal instances.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("not" = {"required": ["subnet", "zone"]}))]
pub struct GroupSpec {
    /// How many instances, from 1 to 1000.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000), extend("default" = 1))]
    pub count: u32,
    /// The machine image: exactly one of id, name (with owner) and ssm.
    pub image: ImageSpec,
    /// The instance type, such as g5.xlarge.
    #[serde(rename = "type")]
    #[schemars(regex(pattern = "^[a-z][a-z0-9-]*\\.[a-z0-9-]+$"), extend("format" = "instance-type", "examples" = ["g5.xlarge"]))]
    pub instance_type: String,
    /// The subnet to launch in, by id.
    #[schemars(regex(pattern = "^subnet-[0-9a-f]{8,17}$"), extend("format" = "subnet", "examples" = ["subnet-0123456789abcdef0"]))]
    pub subnet: Option<String>,
    /// The availability zone to launch in; not together with subnet.
    #[schemars(regex(pattern = "^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}[a-z]$"), extend("format" = "zone", "examples" = ["eu-central-1a"]))]
    pub zone: Option<String>,
    /// The name of the IAM instance profile.
    #[schemars(regex(pattern = "^[A-Za-z0-9+=,.@_-]{1,128}$"), extend("format" = "iam-name", "examples" = ["trainer"]))]
    pub iam_profile: Option<String>,
    /// Security groups by id or by name; the network's default group when there is none.
    #[serde(default)]
    #[schemars(length(max = 16), inner(length(min = 1, max = 255)), extend("uniqueItems" = true, "examples" = [["training"], ["sg-0123456789abcdef0"]]))]
    pub security_groups: Vec<String>,
    /// The name of an EC2 key pair.
    #[schemars(length(min = 1, max = 255), extend("examples" = ["alex"]))]
    pub key: Option<String>,
    /// The root disk; the image's own size and gp3 when nothing is said.
    pub disk: Option<DiskSpec>,
    /// Further disks by device name, such as /dev/sdf; made at launch, deleted with the instance.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 20, "propertyNames" = {"pattern": "^/dev/(sd[b-z][0-9]{0,2}|xvd[b-z][a-z]?)$"}))]
    pub volumes: BTreeMap<String, VolumeSpec>,
    /// The instance metadata service.
    #[serde(default)]
    pub metadata: MetadataSpec,
    /// A script that begins with #!, or a #cloud-config document, run at first boot after the lease's timer is armed; at most 16 KB together with the timer.
    #[schemars(regex(pattern = "^(#!|#cloud-config)"), extend("format" = "user-data", "examples" = ["#!/bin/bash\npip install opencv-python\n"]))]
    pub user_data: Option<String>,
    /// Whether EC2 refuses to terminate the instances until the protection is lifted; the lease ends them all the same.
    #[serde(default)]
    pub protect: bool,
    /// Tags for this group, besides the environment's.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 50, "propertyNames" = {"minLength": 1, "maxLength": 120}))]
    pub tags: BTreeMap<String, TagValue>,
}

fn one() -> u32 {
    1
}

/// A machine image: exactly one of id, name and ssm.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["id"]}, {"required": ["name"]}, {"required": ["ssm"]}], "dependentRequired" = {"name": ["owner"], "owner": ["name"]}))]
pub struct ImageSpec {
    /// One image by id.
    #[schemars(regex(pattern = "^ami-[0-9a-f]{8,17}$"), extend("format" = "image-id", "examples" = ["ami-0123456789abcdef0"]))]
    pub id: Option<String>,
    /// A name with the wildcards * and ?; the newest image that matches wins.
    #[schemars(length(min = 3, max = 128), extend("examples" = ["Deep Learning AMI (Amazon Linux)*"]))]
    pub name: Option<String>,
    /// Who publishes the image: amazon, self, aws-marketplace or an account id.
    #[schemars(regex(pattern = "^(amazon|self|aws-marketplace|[0-9]{12})$"), extend("format" = "image-owner", "examples" = ["amazon"]))]
    pub owner: Option<String>,
    /// An SSM public parameter that holds an image id.
    #[schemars(regex(pattern = "^/[A-Za-z0-9_./-]{1,1010}$"), extend("format" = "ssm-parameter", "examples" = ["/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"]))]
    pub ssm: Option<String>,
}

/// A type of EBS volume.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum DiskKindSpec {
    /// General purpose, rates set apart from size.
    #[default]
    Gp3,
    /// General purpose, rates by size.
    Gp2,
    /// Provisioned rates.
    Io1,
    /// Provisioned rates, durable.
    Io2,
    /// Throughput on magnetic disks.
    St1,
    /// Cold storage on magnetic disks.
    Sc1,
}

/// The root disk.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiskSpec {
    /// Its size with a unit, GiB or TiB; at least the image's.
    #[schemars(regex(pattern = Size::PATTERN), extend("format" = "size", "examples" = ["150 GiB"]))]
    pub size: Option<String>,
    /// Its type; gp3 when nothing is said.
    #[serde(default, rename = "type")]
    pub kind: DiskKindSpec,
    /// Operations a second; for gp3, io1 and io2.
    #[schemars(range(min = 100, max = 256_000))]
    pub iops: Option<u32>,
    /// Throughput with its unit; for gp3.
    #[schemars(regex(pattern = Throughput::PATTERN), extend("format" = "throughput", "examples" = ["250 MiB/s"]))]
    pub throughput: Option<String>,
    /// Whether it is encrypted with the account's default key.
    pub encrypted: Option<bool>,
}

/// A further disk.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumeSpec {
    /// Its size with a unit, GiB or TiB.
    #[schemars(regex(pattern = Size::PATTERN), extend("format" = "size", "examples" = ["500 GiB"]))]
    pub size: String,
    /// Its type; gp3 when nothing is said.
    #[serde(default, rename = "type")]
    pub kind: DiskKindSpec,
    /// Operations a second; for gp3, io1 and io2.
    #[schemars(range(min = 100, max = 256_000))]
    pub iops: Option<u32>,
    /// Throughput with its unit; for gp3.
    #[schemars(regex(pattern = Throughput::PATTERN), extend("format" = "throughput", "examples" = ["250 MiB/s"]))]
    pub throughput: Option<String>,
    /// Whether it is encrypted with the account's default key.
    pub encrypted: Option<bool>,
}

/// Whether the metadata service needs a session token.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum TokensSpec {
    /// IMDSv2 only.
    #[default]
    Required,
    /// IMDSv1 is answered too.
    Optional,
}

/// The instance metadata service.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetadataSpec {
    /// `required` is IMDSv2 only; `optional` answers IMDSv1 too.
    pub tokens: TokensSpec,
    /// How many network hops an answer may travel; containers need 2.
    #[schemars(range(min = 1, max = 64))]
    pub hop_limit: u8,
    /// Whether the service answers at all.
    pub enabled: bool,
}

impl Default for MetadataSpec {
    fn default() -> Self {
        Self {
            tokens: TokensSpec::Required,
            hop_limit: 2,
            enabled: true,
        }
    }
}
