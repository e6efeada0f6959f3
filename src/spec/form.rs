//! The forms that text in a spec can have, each with the words that say what to write.

use super::lower::is_bucket_prefix;
use crate::resource::{
    Cidr, DeletionLimit, EnvironmentName, GpuNeed, KmsKey, Lease, Price, Range, RoleArn, RoleName,
    SessionLength, Size, Throughput, Wait,
};

/// The rule for names of environments and groups.
pub const NAME_HELP: &str = "a name starts with a small letter, goes on with small letters, digits and hyphens, and has at most 40 characters";
pub(super) const DEVICE_HELP: &str =
    "name the device as EC2 does, such as `/dev/sdf`; the root disk is `disk:`";

pub(super) fn is_device(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("/dev/") else {
        return false;
    };
    let letter = |byte: &u8| (b'b'..=b'z').contains(byte);
    match rest.as_bytes() {
        [b's', b'd', first, digits @ ..] => {
            letter(first) && digits.len() <= 2 && digits.iter().all(u8::is_ascii_digit)
        }
        [b'x', b'v', b'd', first] => letter(first),
        [b'x', b'v', b'd', first, second] => letter(first) && second.is_ascii_lowercase(),
        _ => false,
    }
}

/// The rule for regions.
const REGION_HELP: &str = "write a region's code, such as `eu-central-1`";

/// Checks text against one of our formats; the error says what to write instead.
/// The forms of what says as whom AWS is reached.
fn form_of_sign_in(format: &str, value: &str) -> Result<(), String> {
    match format {
        "role-arn" => said(value.parse::<RoleArn>()),
        "session-length" => said(value.parse::<SessionLength>()),
        _ if value.starts_with("arn:") => Err("write an ARN under `role_arn`".to_owned()),
        _ => said(RoleName::read(value)),
    }
}

pub(super) fn form(format: &str, value: &str) -> Result<(), String> {
    let when = |good: bool, help: &str| if good { Ok(()) } else { Err(help.to_owned()) };
    match format {
        "environment-name" => when(EnvironmentName::is_valid(value), NAME_HELP),
        "account" => when(
            value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit()),
            "an account is twelve digits, such as `\"123456789012\"`",
        ),
        "region" => when(is_region(value), REGION_HELP),
        "zone" => when(
            value
                .strip_suffix(|last: char| last.is_ascii_lowercase())
                .is_some_and(is_region),
            "write a region's code and a letter, such as `eu-central-1a`",
        ),
        "lease" => said(value.parse::<Lease>()),
        "size" => said(value.parse::<Size>()),
        "throughput" => said(value.parse::<Throughput>()),
        "wait" => said(value.parse::<Wait>()),
        "price" => said(value.parse::<Price>()),
        "kms-key" => said(value.parse::<KmsKey>()),
        "role" | "role-arn" | "session-length" => form_of_sign_in(format, value),
        // A number of files is no text.
        "deletion-limit" => when(
            value.ends_with('%') && value.parse::<DeletionLimit>().is_ok(),
            "write a number of files, or a share from `0%` to `100%`",
        ),
        // A number alone could be a name, and is somebody's wish for so many.
        "gpu" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => Err(
            format!("write the model and how many, such as `A10G:{value}`"),
        ),
        "gpu" => said(GpuNeed::parse_alternatives(value)),
        "number-range" => said(value.parse::<Range>()),
        "size-range" => said(Range::parse_sizes(value)),
        "ssh-source" => match value {
            "me" | "anywhere" => Ok(()),
            "Me" | "ME" => Err("write `me`, in small letters".to_owned()),
            block => said(block.parse::<Cidr>())
                .map_err(|error| format!("{error}; your own address is `me`")),
        },
        "instance-id" => when(
            is_id("i-", value),
            "write an instance's id, such as `i-0123456789abcdef0`",
        ),
        "web-address" => when(
            ["http://", "https://"]
                .iter()
                .any(|scheme| value.len() > scheme.len() && value.starts_with(scheme))
                && !value.contains(' '),
            "write an address such as `https://checkip.amazonaws.com`",
        ),
        "bucket-prefix" => when(is_bucket_prefix(value), "write `s3://BUCKET/PREFIX`"),
        "instance-type" => when(is_instance_type(value), "write a type such as `g5.xlarge`"),
        "subnet" => when(
            is_id("subnet-", value),
            "write a subnet's id, such as `subnet-0123456789abcdef0`",
        ),
        "image-id" => when(
            is_id("ami-", value),
            "write an image's id, such as `ami-0123456789abcdef0`",
        ),
        "iam-name" => when(is_iam_name(value), "write the profile's name, not its ARN"),
        "image-owner" => when(
            ["amazon", "self", "aws-marketplace"].contains(&value)
                || (value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit())),
            "an owner is `amazon`, `self`, `aws-marketplace` or an account of twelve digits",
        ),
        "ssm-parameter" => when(
            value.len() > 1
                && value.starts_with('/')
                && value.len() <= 1011
                && value[1..]
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"_./-".contains(&byte)),
            "write a parameter's path, such as `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64`",
        ),
        "user-data" => when(
            value.starts_with("#!") || value.starts_with("#cloud-config"),
            "begin with `#!`, such as `#!/bin/bash`, or with `#cloud-config`",
        ),
        _ => Ok(()),
    }
}

fn said<T>(read: Result<T, impl std::fmt::Display>) -> Result<(), String> {
    read.map(drop).map_err(|error| error.to_string())
}

fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let letters =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let digits = |part: &str| {
        (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    parts
        .next()
        .is_some_and(|area| area.len() == 2 && letters(area))
        && parts.next_back().is_some_and(digits)
        && parts.clone().count() >= 1
        && parts.all(letters)
}

fn is_instance_type(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.split_once('.').is_some_and(|(family, size)| {
        family
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_lowercase())
            && !size.is_empty()
            && family.bytes().chain(size.bytes()).all(allowed)
    })
}

fn is_id(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|digits| {
        (8..=17).contains(&digits.len())
            && digits
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

fn is_iam_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte))
}
