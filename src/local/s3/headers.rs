//! Reading the headers and choices that a writer gives with an object.

use std::collections::BTreeMap;

use s3s::dto::{Metadata, ObjectCannedACL, StorageClass};
use s3s::{S3Result, s3_error};

/// The most that the names and values of user metadata may add up to, in bytes.
const METADATA_LIMIT: usize = 2 * 1024;

/// Takes the headers to keep out of a request that starts an object, and
/// refuses what the store cannot keep: silence would look like success.
macro_rules! take_headers {
    ($input:expr) => {{
        use $crate::local::s3::headers;
        headers::check_acl($input.acl.as_ref())
            .and_then(|()| headers::refuse("object tags", $input.tagging.is_some()))
            .and_then(|()| {
                headers::refuse(
                    "encryption with your key",
                    $input.sse_customer_algorithm.is_some(),
                )
            })
            .and_then(|()| headers::refuse("object lock", $input.object_lock_mode.is_some()))
            .and_then(|()| {
                headers::refuse(
                    "object lock",
                    $input.object_lock_legal_hold_status.is_some(),
                )
            })
            .and_then(|()| headers::storage_class($input.storage_class.as_ref()))
            .and_then(|storage_class| {
                Ok($crate::local::s3::record::ObjectHeaders {
                    cache_control: $input.cache_control.take(),
                    content_disposition: $input.content_disposition.take(),
                    content_encoding: $input.content_encoding.take(),
                    content_language: $input.content_language.take(),
                    content_type: $input.content_type.take(),
                    expires: $input.expires.take(),
                    metadata: headers::metadata($input.metadata.take())?,
                    storage_class,
                    encryption: $input
                        .server_side_encryption
                        .take()
                        .map(|value| value.as_str().to_owned()),
                    encryption_key: $input.ssekms_key_id.take(),
                    redirect: $input.website_redirect_location.take(),
                })
            })
    }};
}

pub(super) use take_headers;

/// Answers that something is not implemented, if it is asked for.
pub(super) fn refuse(what: &str, asked: bool) -> S3Result<()> {
    if asked {
        return Err(s3_error!(
            NotImplemented,
            "The embedded cloud does not keep {what}."
        ));
    }
    Ok(())
}

/// Takes the access control lists that mean no more than the bucket owner, as a
/// bucket with its default settings does.
pub(super) fn check_acl(acl: Option<&ObjectCannedACL>) -> S3Result<()> {
    match acl.map(ObjectCannedACL::as_str) {
        None | Some("private" | "bucket-owner-full-control") => Ok(()),
        Some(_) => Err(s3_error!(
            AccessControlListNotSupported,
            "The bucket does not allow ACLs"
        )),
    }
}

/// Checks a storage class; nothing stands for `STANDARD`.
pub(super) fn storage_class(class: Option<&StorageClass>) -> S3Result<Option<String>> {
    match class.map(StorageClass::as_str) {
        None | Some(StorageClass::STANDARD) => Ok(None),
        Some(
            known @ (StorageClass::REDUCED_REDUNDANCY
            | StorageClass::STANDARD_IA
            | StorageClass::ONEZONE_IA
            | StorageClass::INTELLIGENT_TIERING
            | StorageClass::GLACIER
            | StorageClass::GLACIER_IR
            | StorageClass::DEEP_ARCHIVE),
        ) => Ok(Some(known.to_owned())),
        Some(_) => Err(s3_error!(
            InvalidStorageClass,
            "The storage class you specified is not valid"
        )),
    }
}

/// Orders user metadata and checks its size.
pub(super) fn metadata(given: Option<Metadata>) -> S3Result<BTreeMap<String, String>> {
    let metadata: BTreeMap<String, String> = given.into_iter().flatten().collect();
    let size: usize = metadata
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if size > METADATA_LIMIT {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size"
        ));
    }
    Ok(metadata)
}
