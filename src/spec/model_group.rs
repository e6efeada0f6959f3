//! The shape of a group of instances in a spec.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::model::TagValue;
use super::one_or_many::{OneOrMany, sources_schema, types_schema};
use crate::resource::{GpuNeed, Price, Range, Size, Throughput, Wait};

/// A group of equal instances.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("allOf" = [{"not": {"required": ["subnet", "zone"]}}, {"anyOf": [{"required": ["type"]}, {"required": ["gpu"]}, {"required": ["gpu_memory"]}, {"required": ["vcpus"]}, {"required": ["memory"]}]}]))]
pub struct GroupSpec {
    /// The name that the group had before: its instances are renamed, not replaced.
    #[schemars(regex(pattern = "^[a-z][a-z0-9-]{0,39}$"), extend("format" = "environment-name", "examples" = ["worker"]))]
    pub renamed_from: Option<String>,
    /// Instances that were launched by other means and are taken over, in the order of their numbers.
    #[serde(default)]
    #[schemars(length(max = 1000), extend("items" = {"type": "string", "pattern": "^i-[0-9a-f]{8,17}$", "format": "instance-id"}, "uniqueItems" = true, "examples" = [["i-0123456789abcdef0"]]))]
    pub adopt: Vec<String>,
    /// How many instances, from 1 to 1000.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000), extend("default" = 1))]
    pub count: u32,
    /// The fewest that a launch may give; without it a launch gives all of them or none.
    #[schemars(range(min = 1, max = 1000))]
    pub min: Option<u32>,
    /// The machine image: exactly one of id, name (with owner) and ssm.
    pub image: ImageSpec,
    /// The instance type, or several in order of preference.
    #[serde(default, rename = "type")]
    #[schemars(schema_with = "types_schema")]
    pub types: OneOrMany,
    /// The GPU by name and number instead of a type; alternatives stand apart by `|`.
    #[schemars(regex(pattern = GpuNeed::PATTERN), extend("format" = "gpu", "examples" = ["V100:1", "A10G:1 | L4:1", "A100:4..8"]))]
    pub gpu: Option<String>,
    /// The memory of each GPU, with unit and range.
    #[schemars(regex(pattern = Range::SIZES_PATTERN), extend("format" = "size-range", "examples" = ["16 GiB.."]))]
    pub gpu_memory: Option<String>,
    /// How many vCPUs, as a range in text.
    #[schemars(regex(pattern = Range::PATTERN), extend("format" = "number-range", "examples" = ["8..", "8..16"]))]
    pub vcpus: Option<String>,
    /// The main memory, with unit and range.
    #[schemars(regex(pattern = Range::SIZES_PATTERN), extend("format" = "size-range", "examples" = ["60 GiB.."]))]
    pub memory: Option<String>,
    /// How the instances are bought.
    #[serde(default)]
    pub market: MarketSpec,
    /// The most that a spot instance may cost an hour; without it the on-demand price.
    #[schemars(regex(pattern = Price::PATTERN), extend("format" = "price", "examples" = ["1.20 USD"]))]
    pub max_price: Option<String>,
    /// For how long a launch is tried again while AWS has no capacity; it is taken off the lease.
    #[schemars(regex(pattern = Wait::PATTERN), extend("format" = "wait", "examples" = ["45m"]))]
    pub wait_for_capacity: Option<String>,
    /// `cluster` places the instances close to one another, in one zone.
    pub placement: Option<PlacementSpec>,
    /// Whether the members learn one another's addresses, as torchrun expects them.
    #[serde(default)]
    pub distributed: bool,
    /// The subnet to launch in, by id.
    #[schemars(regex(pattern = "^subnet-[0-9a-f]{8,17}$"), extend("format" = "subnet", "examples" = ["subnet-0123456789abcdef0"]))]
    pub subnet: Option<String>,
    /// The availability zone to launch in; not together with subnet.
    #[schemars(regex(pattern = "^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}[a-z]$"), extend("format" = "zone", "examples" = ["eu-central-1a"]))]
    pub zone: Option<String>,
    /// Whether the instances get public addresses; the subnet decides when nothing is said.
    pub public_address: Option<bool>,
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
    /// Who may come in by SSH, and with which key.
    pub ssh: Option<SshSpec>,
    /// The root disk; the image's own size and gp3 when nothing is said.
    pub disk: Option<DiskSpec>,
    /// Further disks by device name, such as /dev/sdf; made at launch, deleted with the instance unless they are kept.
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
    /// Whether it stays, and costs money, when its instance ends.
    #[serde(default)]
    pub keep: bool,
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
    /// Whether it stays, and costs money, when its instance ends.
    #[serde(default)]
    pub keep: bool,
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

/// How instances are bought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum MarketSpec {
    /// At the list price, until they are ended.
    #[default]
    OnDemand,
    /// At the spot price, until AWS wants them back.
    Spot,
    /// At the spot price, or at the list price where there is no spot capacity.
    SpotThenOnDemand,
}

/// How instances are placed to one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum PlacementSpec {
    /// Close together, in one zone.
    Cluster,
}

/// Who may come in by SSH, and with which key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SshSpec {
    /// `me`, an address block such as 203.0.113.0/24, a list of these, or `anywhere`.
    #[schemars(schema_with = "sources_schema")]
    pub from: OneOrMany,
    /// A file with an OpenSSH public key, or the key itself; not together with `key`.
    #[schemars(length(min = 1, max = 8192), extend("examples" = ["~/.ssh/id_ed25519.pub"]))]
    pub public_key: Option<String>,
}
