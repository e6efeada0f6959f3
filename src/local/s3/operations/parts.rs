//! The parts of an upload.

use std::ops::Bound;

use s3s::dto::{
    ChecksumAlgorithm, ListPartsInput, ListPartsOutput, Part, UploadPartInput, UploadPartOutput,
};
use s3s::{Body, S3Request, S3Result, s3_error};

use super::describe;
use crate::local::s3::checksum::{Algorithm, checksums_of, set_checksum};
use crate::local::s3::chunked::Trailers;
use crate::local::s3::journal::Entry;
use crate::local::s3::receive::{Claims, Expectation, Received, receive};
use crate::local::s3::record::{PartRecord, UploadRecord};
use crate::local::s3::store::{Change, Store};

/// The largest number of a part.
const LAST_PART: i32 = 10_000;

/// A place for a part.
pub(super) struct Target {
    bucket: String,
    key: String,
    upload: String,
    number: i32,
}

impl Target {
    pub(super) fn new(bucket: String, key: String, upload: String, number: i32) -> S3Result<Self> {
        if !(1..=LAST_PART).contains(&number) {
            return Err(s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and 10000, inclusive"
            ));
        }
        Ok(Self {
            bucket,
            key,
            upload,
            number,
        })
    }

    /// Finds the upload that the part is for.
    pub(super) fn upload(&self, store: &Store) -> S3Result<UploadRecord> {
        store.view(|index| {
            Ok(index
                .upload(&self.bucket, &self.key, &self.upload)?
                .record
                .clone())
        })
    }

    /// Makes what was received the part, in place of any earlier one, unless
    /// the upload has ended in the meantime.
    pub(super) fn put(
        self,
        store: &Store,
        received: Received,
        algorithm: Algorithm,
    ) -> S3Result<PartRecord> {
        let checksum = received.digests.get(algorithm);
        let part = PartRecord {
            number: self.number,
            blob: received.blob.reference(),
            etag: received.digests.md5_hex(),
            checksum: checksum
                .ok_or_else(|| s3_error!(InternalError, "no checksum was computed"))?
                .to_owned(),
            modified: store.now(),
        };
        store.commit(|index| {
            index.upload(&self.bucket, &self.key, &self.upload)?;
            let answer = part.clone();
            let entry = Entry::PartPut {
                bucket: self.bucket,
                key: self.key,
                upload: self.upload,
                part,
            };
            Ok(Change::one(entry, answer).with(received.blob))
        })
    }
}

/// Finds the algorithm that a client names.
pub(super) fn algorithm_named(name: &ChecksumAlgorithm) -> S3Result<Algorithm> {
    Algorithm::named(name.as_str()).ok_or_else(|| {
        s3_error!(
            InvalidRequest,
            "Checksum algorithm provided is unsupported: {}",
            name.as_str()
        )
    })
}

pub(super) async fn upload_part(
    store: &Store,
    request: S3Request<UploadPartInput>,
) -> S3Result<UploadPartOutput> {
    let mut input = request.input;
    if input.sse_customer_algorithm.is_some() {
        return Err(s3_error!(
            NotImplemented,
            "The embedded cloud does not keep encryption with your key."
        ));
    }
    let expectation = Expectation::new(&Claims {
        headers: &request.headers,
        trailers: request.extensions.get::<Trailers>(),
        length: input.content_length,
        md5: input.content_md5.as_deref(),
        checksums: checksums_of!(input),
    })?;
    let body = input.body.take().unwrap_or_else(|| Body::empty().into());
    let target = Target::new(input.bucket, input.key, input.upload_id, input.part_number)?;
    let upload = target.upload(store)?;
    let given = expectation.algorithm();
    check_algorithm(&upload, given)?;
    let received = receive(store, body, &expectation, upload.algorithm).await?;
    let mut answer = UploadPartOutput {
        e_tag: Some(describe::etag(&received.digests.md5_hex())),
        server_side_encryption: Some(describe::encryption(&upload.headers)),
        ..Default::default()
    };
    // Only what the client gave is confirmed.
    if let Some((algorithm, value)) =
        given.and_then(|given| Some((given, received.digests.get(given)?)))
    {
        set_checksum!(answer, algorithm, value.to_owned());
    }
    target.put(store, received, upload.algorithm)?;
    Ok(answer)
}

/// Checks that a part has the upload's kind of checksum, if the upload chose one.
fn check_algorithm(upload: &UploadRecord, given: Option<Algorithm>) -> S3Result<()> {
    let Some(given) = given.filter(|given| upload.declared && *given != upload.algorithm) else {
        return Ok(());
    };
    let (expected, actual) = (
        upload.algorithm.name().to_lowercase(),
        given.name().to_lowercase(),
    );
    Err(s3_error!(
        InvalidRequest,
        "Checksum Type mismatch occurred, expected checksum Type: {expected}, actual checksum Type: {actual}"
    ))
}

pub(super) async fn list_parts(
    store: &Store,
    request: S3Request<ListPartsInput>,
) -> S3Result<ListPartsOutput> {
    let input = request.input;
    let limit = describe::page_limit("max-parts", input.max_parts)?;
    let marker = input.part_number_marker.unwrap_or(0);
    store.view(|index| {
        let upload = index.upload(&input.bucket, &input.key, &input.upload_id)?;
        let mut after = upload
            .parts
            .range((Bound::Excluded(marker), Bound::Unbounded));
        let parts: Vec<Part> = after
            .by_ref()
            .take(limit)
            .map(|(_, part)| describe_part(part, upload.record.algorithm))
            .collect();
        let truncated = limit > 0 && after.next().is_some();
        Ok(ListPartsOutput {
            bucket: Some(input.bucket.clone()),
            key: Some(input.key.clone()),
            upload_id: Some(input.upload_id.clone()),
            checksum_algorithm: Some(describe::algorithm(upload.record.algorithm)),
            checksum_type: Some(describe::coverage(upload.record.coverage)),
            initiator: Some(describe::initiator()),
            owner: Some(describe::owner()),
            is_truncated: Some(truncated),
            max_parts: i32::try_from(limit).ok(),
            next_part_number_marker: parts.last().and_then(|part| part.part_number),
            part_number_marker: Some(marker),
            parts: Some(parts).filter(|parts| !parts.is_empty()),
            storage_class: Some(describe::storage_class(&upload.record.headers)),
            ..Default::default()
        })
    })
}

fn describe_part(part: &PartRecord, algorithm: Algorithm) -> Part {
    let mut answer = Part {
        e_tag: Some(describe::etag(&part.etag)),
        last_modified: Some(describe::time(part.modified)),
        part_number: Some(part.number),
        size: Some(describe::number(part.blob.size)),
        ..Default::default()
    };
    set_checksum!(answer, algorithm, part.checksum.clone());
    answer
}
