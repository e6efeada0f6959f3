//! Uploads in parts: their beginning and their end.

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumType,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart,
    CreateMultipartUploadInput, CreateMultipartUploadOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::{describe, parts};
use crate::local::s3::checksum::{
    Algorithm, Coverage, PartDigest, StoredChecksum, checksums_of, multipart_checksum,
    multipart_etag, set_checksum,
};
use crate::local::s3::headers::take_headers;
use crate::local::s3::index::Upload;
use crate::local::s3::journal::Entry;
use crate::local::s3::precondition::WriteCondition;
use crate::local::s3::record::{ObjectPartRecord, ObjectRecord, PartRecord, UploadRecord};
use crate::local::s3::store::{Change, Store};

/// The least that every part but the last must have, in bytes.
const SMALLEST_PART: u64 = 5 * 1024 * 1024;

pub(super) async fn create_multipart_upload(
    store: &Store,
    request: S3Request<CreateMultipartUploadInput>,
) -> S3Result<CreateMultipartUploadOutput> {
    let mut input = request.input;
    let chosen = input
        .checksum_algorithm
        .as_ref()
        .map(parts::algorithm_named)
        .transpose()?;
    let algorithm = chosen.unwrap_or(Algorithm::Crc64Nvme);
    let coverage = coverage(algorithm, input.checksum_type.as_ref())?;
    let headers = take_headers!(input)?;
    let number = store.next_id();
    let upload = UploadRecord {
        key: input.key.clone(),
        // In the order in which they began, as listings have them.
        id: format!("upload-{number:016x}"),
        number,
        initiated: store.now(),
        headers,
        algorithm,
        coverage,
        declared: chosen.is_some(),
    };
    let answer = CreateMultipartUploadOutput {
        bucket: Some(input.bucket.clone()),
        key: Some(input.key),
        upload_id: Some(upload.id.clone()),
        checksum_algorithm: chosen.map(describe::algorithm),
        checksum_type: chosen.map(|_| describe::coverage(coverage)),
        server_side_encryption: Some(describe::encryption(&upload.headers)),
        ..Default::default()
    };
    store.commit(|index| {
        index.bucket(&input.bucket)?;
        Ok(Change::one(
            Entry::UploadCreated {
                bucket: input.bucket.clone(),
                upload,
            },
            answer,
        ))
    })
}

/// Decides what the checksum of the whole covers.
fn coverage(algorithm: Algorithm, asked: Option<&ChecksumType>) -> S3Result<Coverage> {
    let default = match algorithm {
        Algorithm::Crc64Nvme => Coverage::FullObject,
        Algorithm::Crc32 | Algorithm::Crc32c | Algorithm::Sha1 | Algorithm::Sha256 => {
            Coverage::Composite
        }
    };
    let coverage = match asked.map(ChecksumType::as_str) {
        None => default,
        Some(ChecksumType::FULL_OBJECT) => Coverage::FullObject,
        Some(ChecksumType::COMPOSITE) => Coverage::Composite,
        Some(_) => {
            return Err(s3_error!(
                InvalidRequest,
                "Value for x-amz-checksum-type header is invalid."
            ));
        }
    };
    let possible = match coverage {
        Coverage::FullObject => algorithm.linear().is_some(),
        Coverage::Composite => algorithm != Algorithm::Crc64Nvme,
    };
    if !possible {
        let (coverage, name) = (coverage.name(), algorithm.name().to_lowercase());
        return Err(s3_error!(
            InvalidRequest,
            "The {coverage} checksum type cannot be used with the {name} checksum algorithm."
        ));
    }
    Ok(coverage)
}

pub(super) async fn complete_multipart_upload(
    store: &Store,
    request: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<CompleteMultipartUploadOutput> {
    let mut input = request.input;
    let condition = WriteCondition::new(input.if_match.take(), input.if_none_match.as_ref())?;
    let (bucket, key, id) = (
        input.bucket.clone(),
        input.key.clone(),
        input.upload_id.clone(),
    );
    let now = store.now();
    store.commit(|index| {
        let upload = index.upload(&bucket, &key, &id)?;
        let chosen = chosen_parts(upload, &input)?;
        let object = assemble(upload, &chosen, &input, now)?;
        condition.check(index.bucket(&bucket)?.objects.get(&key).map(AsRef::as_ref))?;
        let answer = complete_answer(&input, &object);
        Ok(Change::one(
            Entry::UploadCompleted {
                bucket,
                key,
                upload: id,
                object,
            },
            answer,
        ))
    })
}

/// Finds the parts that the client names, each as the client saw it.
fn chosen_parts<'u>(
    upload: &'u Upload,
    input: &CompleteMultipartUploadInput,
) -> S3Result<Vec<&'u PartRecord>> {
    let named = input
        .multipart_upload
        .as_ref()
        .and_then(|parts| parts.parts.as_deref())
        .unwrap_or_default();
    if named.is_empty() {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema"
        ));
    }
    if !named.is_sorted_by(|one, other| one.part_number < other.part_number) {
        return Err(s3_error!(
            InvalidPartOrder,
            "The list of parts was not in ascending order. Parts must be ordered by part number."
        ));
    }
    let chosen = named
        .iter()
        .map(|part| chosen_part(upload, part))
        .collect::<S3Result<Vec<_>>>()?;
    let all_but_last = chosen.len().saturating_sub(1);
    if chosen[..all_but_last]
        .iter()
        .any(|part| part.blob.size < SMALLEST_PART)
    {
        return Err(s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size"
        ));
    }
    Ok(chosen)
}

fn chosen_part<'u>(upload: &'u Upload, named: &CompletedPart) -> S3Result<&'u PartRecord> {
    let invalid = || {
        s3_error!(
            InvalidPart,
            "One or more of the specified parts could not be found. The part may not have been uploaded, or the \
             specified entity tag may not match the part's entity tag."
        )
    };
    let number = named.part_number.ok_or_else(invalid)?;
    let part = upload.parts.get(&number).ok_or_else(invalid)?;
    if named
        .e_tag
        .as_ref()
        .is_none_or(|etag| etag.value() != part.etag)
    {
        return Err(invalid());
    }
    let mut confirmed = false;
    for (algorithm, value) in checksums_of!(named) {
        let Some(value) = value else { continue };
        if algorithm != upload.record.algorithm || value != part.checksum {
            return Err(invalid());
        }
        confirmed = true;
    }
    // Without the parts' own checksums a composite one proves nothing.
    if upload.record.declared && upload.record.coverage == Coverage::Composite && !confirmed {
        return Err(s3_error!(
            InvalidRequest,
            "The upload was created using a {} checksum. The complete request must include the checksum for each \
             part. It was missing for part {number} in the request.",
            upload.record.algorithm.name().to_lowercase()
        ));
    }
    Ok(part)
}

/// Describes the object that the parts make.
fn assemble(
    upload: &Upload,
    chosen: &[&PartRecord],
    input: &CompleteMultipartUploadInput,
    modified: jiff::Timestamp,
) -> S3Result<ObjectRecord> {
    let record = &upload.record;
    let digests: Vec<PartDigest<'_>> = chosen
        .iter()
        .map(|part| PartDigest {
            md5: &part.etag,
            checksum: &part.checksum,
            size: part.blob.size,
        })
        .collect();
    let checksum = multipart_checksum(record.algorithm, record.coverage, &digests)
        .ok_or_else(|| s3_error!(InternalError, "a part has no valid checksum"))?;
    let size = chosen.iter().map(|part| part.blob.size).sum();
    check_whole(input, &checksum, size)?;
    let describe_part = |part: &&PartRecord| ObjectPartRecord {
        number: part.number,
        size: part.blob.size,
        checksum: part.checksum.clone(),
    };
    Ok(ObjectRecord {
        blobs: chosen.iter().map(|part| part.blob).collect(),
        size,
        etag: multipart_etag(&digests),
        modified,
        checksum,
        parts: chosen.iter().map(describe_part).collect(),
        headers: record.headers.clone(),
    })
}

/// Checks what the client says of the whole object.
fn check_whole(
    input: &CompleteMultipartUploadInput,
    checksum: &StoredChecksum,
    size: u64,
) -> S3Result<()> {
    if input
        .checksum_type
        .as_ref()
        .is_some_and(|given| given.as_str() != checksum.coverage.name())
    {
        return Err(s3_error!(
            InvalidRequest,
            "The upload was created with another checksum type than the complete request names."
        ));
    }
    for (algorithm, value) in checksums_of!(input) {
        let Some(value) = value else { continue };
        // A composite checksum may be given without the number of parts.
        let stored = checksum.value.split('-').next().unwrap_or_default();
        if algorithm != checksum.algorithm || (value != checksum.value && value != stored) {
            let name = algorithm.name();
            return Err(s3_error!(
                BadDigest,
                "The {name} you specified did not match the calculated checksum."
            ));
        }
    }
    if input
        .mpu_object_size
        .is_some_and(|given| given != describe::number(size))
    {
        return Err(s3_error!(
            InvalidRequest,
            "The provided 'x-amz-mp-object-size' header value does not match."
        ));
    }
    Ok(())
}

fn complete_answer(
    input: &CompleteMultipartUploadInput,
    object: &ObjectRecord,
) -> CompleteMultipartUploadOutput {
    let mut answer = CompleteMultipartUploadOutput {
        bucket: Some(input.bucket.clone()),
        key: Some(input.key.clone()),
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        e_tag: Some(describe::etag(&object.etag)),
        checksum_type: Some(describe::coverage(object.checksum.coverage)),
        server_side_encryption: Some(describe::encryption(&object.headers)),
        ..Default::default()
    };
    set_checksum!(
        answer,
        object.checksum.algorithm,
        object.checksum.value.clone()
    );
    answer
}

pub(super) async fn abort_multipart_upload(
    store: &Store,
    request: S3Request<AbortMultipartUploadInput>,
) -> S3Result<AbortMultipartUploadOutput> {
    let input = request.input;
    store.commit(|index| {
        index.upload(&input.bucket, &input.key, &input.upload_id)?;
        let entry = Entry::UploadAborted {
            bucket: input.bucket,
            key: input.key,
            upload: input.upload_id,
        };
        Ok(Change::one(entry, AbortMultipartUploadOutput::default()))
    })
}
