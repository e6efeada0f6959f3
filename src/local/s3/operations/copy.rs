//! Copying objects, and parts of uploads from objects.

use std::ops::Range as Bytes;
use std::sync::Arc;

use http::{HeaderMap, header};
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopyPartResult, CopySource, ETagCondition,
    MetadataDirective, Range, UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::{describe, parts, read, write};
use crate::local::s3::blob::{Blob, BlobReader};
use crate::local::s3::checksum::{Algorithm, set_checksum};
use crate::local::s3::headers::take_headers;
use crate::local::s3::journal::Entry;
use crate::local::s3::precondition::{ReadCondition, WriteCondition};
use crate::local::s3::receive::{Expectation, receive};
use crate::local::s3::record::{ObjectHeaders, ObjectRecord};
use crate::local::s3::store::{Change, Store};

/// The largest object that one request copies, in bytes.
const COPY_LIMIT: u64 = 5 * 1024 * 1024 * 1024;

/// An object to copy from, as it was when the copy began.
struct Source {
    bucket: String,
    key: String,
    record: Arc<ObjectRecord>,
    blobs: Vec<Arc<Blob>>,
}

impl Source {
    fn open(store: &Store, source: &CopySource, condition: &ReadCondition) -> S3Result<Self> {
        let (bucket, key) = match source {
            CopySource::Bucket {
                bucket,
                key,
                version_id,
            } => {
                read::check_version(version_id.as_deref())?;
                (bucket.to_string(), key.to_string())
            }
            CopySource::AccessPoint { .. } | CopySource::Outpost { .. } => {
                return Err(s3_error!(
                    NotImplemented,
                    "Only a bucket and a key can be copied from."
                ));
            }
        };
        let (record, blobs) = store.object(&bucket, &key)?;
        condition.check_source(&record)?;
        read::check_restored(&record)?;
        Ok(Self {
            bucket,
            key,
            record,
            blobs,
        })
    }
}

macro_rules! source_condition {
    ($input:expr) => {
        ReadCondition {
            matching: $input.copy_source_if_match.take(),
            none_matching: $input.copy_source_if_none_match.take(),
            modified_since: $input.copy_source_if_modified_since.take(),
            unmodified_since: $input.copy_source_if_unmodified_since.take(),
        }
    };
}

pub(super) async fn copy_object(
    store: &Store,
    request: S3Request<CopyObjectInput>,
) -> S3Result<CopyObjectOutput> {
    let mut input = request.input;
    let condition = write_condition(&request.headers)?;
    let source = Source::open(store, &input.copy_source, &source_condition!(input))?;
    if source.record.size > COPY_LIMIT {
        return Err(s3_error!(
            InvalidRequest,
            "The specified copy source is larger than the maximum allowable size."
        ));
    }
    store.view(|index| index.bucket(&input.bucket).map(drop))?;
    let headers = copied_headers(&mut input, &source)?;
    let algorithm = match &input.checksum_algorithm {
        Some(name) => parts::algorithm_named(name)?,
        None => source.record.checksum.algorithm,
    };
    let stream = BlobReader::new(source.blobs, &(0..source.record.size)).stream();
    let received = receive(store, stream, &Expectation::default(), algorithm).await?;
    let object = write::single(store, &received, algorithm, headers)?;
    let answer = copy_answer(&object);
    let (bucket, key) = (input.bucket, input.key);
    store.commit(|index| {
        condition.check(index.bucket(&bucket)?.objects.get(&key).map(AsRef::as_ref))?;
        Ok(Change::one(
            Entry::ObjectPut {
                bucket,
                key,
                object,
            },
            answer,
        )
        .with(received.blob))
    })
}

/// Reads the conditions on the destination, which the parser leaves out.
fn write_condition(headers: &HeaderMap) -> S3Result<WriteCondition> {
    let condition = |name: header::HeaderName| {
        let parsed = headers
            .get(&name)
            .map(|value| ETagCondition::parse_http_header(value.as_bytes()));
        parsed
            .transpose()
            .map_err(|error| s3_error!(error, InvalidArgument, "invalid header: {name}"))
    };
    WriteCondition::new(
        condition(header::IF_MATCH)?,
        condition(header::IF_NONE_MATCH)?.as_ref(),
    )
}

/// Decides on the headers of a copy: those of the source, or the request's own.
fn copied_headers(input: &mut CopyObjectInput, source: &Source) -> S3Result<ObjectHeaders> {
    let replace = match input
        .metadata_directive
        .as_ref()
        .map(MetadataDirective::as_str)
    {
        None | Some(MetadataDirective::COPY) => false,
        Some(MetadataDirective::REPLACE) => true,
        Some(_) => return Err(s3_error!(InvalidArgument, "Unknown metadata directive.")),
    };
    let given = take_headers!(input)?;
    let choices =
        given.storage_class.is_some() || given.encryption.is_some() || given.redirect.is_some();
    let in_place = source.bucket == input.bucket && source.key == input.key;
    if in_place && !replace && !choices && input.checksum_algorithm.is_none() {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes."
        ));
    }
    if replace {
        return Ok(given);
    }
    // These are choices for the copy and never come from the source.
    Ok(ObjectHeaders {
        storage_class: given.storage_class,
        encryption: given.encryption,
        encryption_key: given.encryption_key,
        redirect: given.redirect,
        ..source.record.headers.clone()
    })
}

fn copy_answer(object: &ObjectRecord) -> CopyObjectOutput {
    let mut result = CopyObjectResult {
        checksum_type: Some(describe::coverage(object.checksum.coverage)),
        e_tag: Some(describe::etag(&object.etag)),
        last_modified: Some(describe::time(object.modified)),
        ..Default::default()
    };
    set_checksum!(
        result,
        object.checksum.algorithm,
        object.checksum.value.clone()
    );
    CopyObjectOutput {
        copy_object_result: Some(result),
        server_side_encryption: Some(describe::encryption(&object.headers)),
        ..Default::default()
    }
}

pub(super) async fn upload_part_copy(
    store: &Store,
    request: S3Request<UploadPartCopyInput>,
) -> S3Result<UploadPartCopyOutput> {
    let mut input = request.input;
    let target = parts::Target::new(
        input.bucket.clone(),
        input.key.clone(),
        input.upload_id.clone(),
        input.part_number,
    )?;
    let algorithm: Algorithm = target.upload(store)?.algorithm;
    let source = Source::open(store, &input.copy_source, &source_condition!(input))?;
    let range = source_range(input.copy_source_range.as_deref(), source.record.size)?;
    let stream = BlobReader::new(source.blobs, &range).stream();
    let received = receive(store, stream, &Expectation::default(), algorithm).await?;
    let part = target.put(store, received, algorithm)?;
    let mut result = CopyPartResult {
        e_tag: Some(describe::etag(&part.etag)),
        last_modified: Some(describe::time(part.modified)),
        ..Default::default()
    };
    set_checksum!(result, algorithm, part.checksum);
    Ok(UploadPartCopyOutput {
        copy_part_result: Some(result),
        ..Default::default()
    })
}

/// Reads the range to copy, which unlike the range of a GET must lie within.
fn source_range(given: Option<&str>, size: u64) -> S3Result<Bytes<u64>> {
    let Some(given) = given else {
        return Ok(0..size);
    };
    match Range::parse(given) {
        Ok(Range::Int {
            first,
            last: Some(last),
        }) if last < size => Ok(first..last + 1),
        Ok(Range::Int { last: Some(_), .. }) => Err(s3_error!(
            InvalidRange,
            "Range specified is not valid for source object of size: {size}"
        )),
        Ok(_) | Err(_) => Err(s3_error!(
            InvalidArgument,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
             zero-based offsets of the first and last bytes to copy"
        )),
    }
}
