//! What stands in the bucket: an archive and its manifest.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{ChecksumMode, ChecksumType, StorageClass};
use jiff::Timestamp;

use super::kind::{Archive, manifest_key};
use super::manifest::{LARGEST_MANIFEST, Manifest};
use super::packing::ArchiveNote;
use crate::resource::ObjectOptions;
use crate::sync::error::SurveyError;
use crate::sync::fault::{Fault, FaultKind};
use crate::sync::list::unquoted;
use crate::sync::options::payer;
use crate::sync::report::chain;

/// An archive of a bucket.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Size of the object, in bytes.
    pub(super) bytes: u64,
    pub(super) etag: Option<String>,
    pub(super) modified: Timestamp,
    /// The storage class, where it has to be restored before reading.
    pub(super) archived: Option<String>,
    /// What is in it, or why nobody knows.
    pub(super) content: Result<Manifest, ArchiveNote>,
}

/// Looks at an archive and its manifest, in two requests; `None` where there is no archive.
///
/// # Errors
///
/// When either cannot be read for another reason than that it is not there.
pub(super) async fn look(
    client: &Client,
    bucket: &str,
    (key, kind): (&str, Archive),
    options: &ObjectOptions,
) -> Result<Option<Found>, SurveyError> {
    let beside = manifest_key(key);
    let (manifest, head) = tokio::join!(
        Box::pin(manifest(client, bucket, &beside, options)),
        Box::pin(head(client, bucket, key, options)),
    );
    // A HEAD has no body that says what is wrong: what the other says comes first.
    let (manifest, head) = (manifest?, head?);
    let Some(head) = head else {
        return Ok(None);
    };
    let unsized_one = || SurveyError::Untrusted {
        bucket: bucket.to_owned(),
        problem: format!("the answer about `{key}` does not tell its size"),
    };
    let length = head
        .content_length()
        .and_then(|size| u64::try_from(size).ok());
    let modified = head
        .last_modified()
        .and_then(|time| Timestamp::new(time.secs(), 0).ok());
    let mut found = Found {
        bytes: length.ok_or_else(unsized_one)?,
        etag: head.e_tag().map(unquoted),
        modified: modified.unwrap_or(Timestamp::UNIX_EPOCH),
        archived: head.storage_class().and_then(archived),
        content: Err(ArchiveNote::NoManifest),
    };
    found.content = match manifest {
        None => Err(ArchiveNote::NoManifest),
        Some(text) => text
            .and_then(|text| Manifest::parse(&text, kind))
            .and_then(|manifest| is_about(manifest, &found, &head))
            .map_err(ArchiveNote::Untrusted),
    };
    Ok(Some(found))
}

/// Believes a manifest only of the very revision that stands there.
fn is_about(
    manifest: Manifest,
    found: &Found,
    head: &HeadObjectOutput,
) -> Result<Manifest, String> {
    let said = &manifest.archive;
    let has_tag = said.etag.is_some() && said.etag == found.etag;
    let whole = head.checksum_type() != Some(&ChecksumType::Composite);
    let sum = head.checksum_crc64_nvme().filter(|_| whole);
    let has_other_sum = sum
        .zip(said.crc64nvme.as_deref())
        .is_some_and(|(sum, said)| sum != said);
    if !has_tag || said.bytes != found.bytes || has_other_sum {
        return Err("it is about another revision of the archive".to_owned());
    }
    Ok(manifest)
}

/// The text of a manifest, or what is wrong with it; `None` where there is none.
async fn manifest(
    client: &Client,
    bucket: &str,
    key: &str,
    options: &ObjectOptions,
) -> Result<Option<Result<Vec<u8>, String>>, SurveyError> {
    let sent = client
        .get_object()
        .bucket(bucket)
        .key(key)
        .checksum_mode(ChecksumMode::Enabled)
        .set_request_payer(payer(options))
        .send()
        .await;
    let output = match sent {
        Ok(output) => output,
        Err(error) => return absent(bucket, key, Fault::of(&error)).map(|()| None),
    };
    let mut text = Vec::new();
    let mut body = output.body;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| SurveyError::Archive {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            problem: chain(&error),
        })?;
        if (text.len() + chunk.len()) as u64 > LARGEST_MANIFEST {
            return Ok(Some(Err("it is too large".to_owned())));
        }
        text.extend_from_slice(&chunk);
    }
    Ok(Some(Ok(text)))
}

async fn head(
    client: &Client,
    bucket: &str,
    key: &str,
    options: &ObjectOptions,
) -> Result<Option<HeadObjectOutput>, SurveyError> {
    let sent = client
        .head_object()
        .bucket(bucket)
        .key(key)
        .checksum_mode(ChecksumMode::Enabled)
        .set_request_payer(payer(options))
        .send()
        .await;
    match sent {
        Ok(output) => Ok(Some(output)),
        Err(error) => absent(bucket, key, Fault::of(&error)).map(|()| None),
    }
}

/// Whether a fault only says that something is not there.
fn absent(bucket: &str, key: &str, fault: Fault) -> Result<(), SurveyError> {
    match fault.kind {
        FaultKind::NoSuchKey => Ok(()),
        FaultKind::Denied
        | FaultKind::Expired
        | FaultKind::NoSuchBucket
        | FaultKind::NoCredentials
        | FaultKind::Unreachable => Err(SurveyError::listing(bucket, fault)),
        FaultKind::OtherRevision | FaultKind::Other => Err(SurveyError::Archive {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            problem: fault.detail,
        }),
    }
}

/// Names the storage class of what cannot be read before it is restored.
fn archived(class: &StorageClass) -> Option<String> {
    matches!(class, StorageClass::Glacier | StorageClass::DeepArchive)
        .then(|| class.as_str().to_owned())
}
