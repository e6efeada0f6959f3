//! What the credentials may do, asked without doing it (EC2 API, `DryRun`).

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::{AttributeBooleanValue, InstanceType, Tag};

use super::connect::Clients;

/// Whether a call would be let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// It would.
    Granted,
    /// It would not.
    Missing,
    /// AWS does not tell.
    Unknown,
}

/// An id that no instance has.
const NO_INSTANCE: &str = "i-00000000000000000";
/// An id that no volume has.
const NO_VOLUME: &str = "vol-00000000000000000";
/// An image that every region has (Systems Manager, public parameters).
const IMAGE: &str =
    "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";

/// Asks of every call that an apply or a destroy may need whether it would be let through.
///
/// A policy that allows a call for certain objects only is not seen: the ids are made up.
pub async fn permissions(clients: &Clients) -> Vec<(&'static str, Permission)> {
    let ec2 = &clients.ec2;
    let on = AttributeBooleanValue::builder().value(true).build();
    let tag = Tag::builder().key("trainyard:doctor").value("").build();
    let describe = ec2.describe_instances().dry_run(true).send();
    let run = ec2
        .run_instances()
        .dry_run(true)
        .image_id(IMAGE)
        .instance_type(InstanceType::T3Small)
        .min_count(1)
        .max_count(1)
        .send();
    let tags = ec2.create_tags().dry_run(true).resources(NO_INSTANCE);
    let tags = tags.tags(tag).send();
    let modify = ec2.modify_instance_attribute().dry_run(true);
    let modify = modify.instance_id(NO_INSTANCE);
    let modify = modify.disable_api_termination(on).send();
    let stop = ec2.stop_instances().dry_run(true).instance_ids(NO_INSTANCE);
    let start = ec2.start_instances().dry_run(true);
    let start = start.instance_ids(NO_INSTANCE);
    let end = ec2.terminate_instances().dry_run(true);
    let end = end.instance_ids(NO_INSTANCE);
    let volume = ec2.delete_volume().dry_run(true).volume_id(NO_VOLUME);
    let group = ec2.create_security_group().dry_run(true);
    let group = group.group_name("trainyard-doctor").description("none");
    let key = ec2.delete_key_pair().dry_run(true);
    let key = key.key_name("trainyard-doctor");
    vec![
        ("ec2:DescribeInstances", told(describe.await)),
        ("ec2:RunInstances", told(run.await)),
        ("ec2:CreateTags", told(tags.await)),
        ("ec2:ModifyInstanceAttribute", told(modify.await)),
        ("ec2:StopInstances", told(stop.send().await)),
        ("ec2:StartInstances", told(start.send().await)),
        ("ec2:TerminateInstances", told(end.send().await)),
        ("ec2:DeleteVolume", told(volume.send().await)),
        ("ec2:CreateSecurityGroup", told(group.send().await)),
        ("ec2:DeleteKeyPair", told(key.send().await)),
    ]
}

/// What a refusal tells: that it was a dry run, that it is not allowed, or that the object is none.
fn told<T, E, R>(answer: Result<T, SdkError<E, R>>) -> Permission
where
    E: ProvideErrorMetadata,
{
    let Err(error) = answer else {
        return Permission::Unknown;
    };
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    match code {
        Some("DryRunOperation") => Permission::Granted,
        Some("UnauthorizedOperation" | "AccessDenied") => Permission::Missing,
        // Whether somebody may do it is looked at before whether there is such a thing.
        Some(code) if code.ends_with(".NotFound") => Permission::Granted,
        Some(_) | None => Permission::Unknown,
    }
}
