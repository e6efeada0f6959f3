//! Reading objects.

use std::ops::Range as Bytes;

use s3s::dto::{
    ChecksumMode, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, PartNumber,
    Range, StorageClass, StreamingBlob,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result, s3_error};

use super::describe;
use crate::local::s3::blob::BlobReader;
use crate::local::s3::checksum::{Coverage, StoredChecksum, set_checksum};
use crate::local::s3::precondition::ReadCondition;
use crate::local::s3::record::{ObjectHeaders, ObjectRecord};
use crate::local::s3::store::Store;

/// What objects are that were written without saying so.
const DEFAULT_TYPE: &str = "binary/octet-stream";

/// The bytes of an object that a request asks for.
struct Selection {
    bytes: Bytes<u64>,
    /// Whether they are named in the answer as a part of the whole.
    partial: bool,
    /// The checksum that covers them, if there is one.
    checksum: Option<StoredChecksum>,
}

impl Selection {
    fn new(
        record: &ObjectRecord,
        range: Option<Range>,
        part: Option<PartNumber>,
    ) -> S3Result<Self> {
        match (range, part) {
            (None, None) => Ok(Self {
                bytes: 0..record.size,
                partial: false,
                checksum: Some(record.checksum.clone()),
            }),
            (Some(range), None) => Self::of_range(record, range),
            (None, Some(number)) => Self::of_part(record, number),
            (Some(_), Some(_)) => Err(s3_error!(
                InvalidRequest,
                "Cannot specify both Range header and partNumber query parameter"
            )),
        }
    }

    fn of_range(record: &ObjectRecord, range: Range) -> S3Result<Self> {
        let bytes = range
            .check(record.size)
            .ok()
            .filter(|bytes| !bytes.is_empty());
        let bytes = bytes
            .ok_or_else(|| s3_error!(InvalidRange, "The requested range is not satisfiable"))?;
        Ok(Self {
            bytes,
            partial: true,
            checksum: None,
        })
    }

    fn of_part(record: &ObjectRecord, number: PartNumber) -> S3Result<Self> {
        if record.parts.is_empty() && number == 1 {
            let partial = record.size > 0;
            return Ok(Self {
                bytes: 0..record.size,
                partial,
                checksum: Some(record.checksum.clone()),
            });
        }
        let mut start = 0;
        for part in &record.parts {
            let end = start + part.size;
            if part.number == number {
                // A checksum of the whole says nothing about one part.
                let checksum =
                    (record.checksum.coverage == Coverage::Composite).then(|| StoredChecksum {
                        value: part.checksum.clone(),
                        ..record.checksum.clone()
                    });
                return Ok(Self {
                    bytes: start..end,
                    partial: true,
                    checksum,
                });
            }
            start = end;
        }
        Err(no_such_part())
    }

    fn content_range(&self, size: u64) -> Option<String> {
        self.partial.then(|| {
            format!(
                "bytes {}-{}/{size}",
                self.bytes.start,
                self.bytes.end.saturating_sub(1)
            )
        })
    }
}

fn no_such_part() -> S3Error {
    let code = S3ErrorCode::Custom("InvalidPartNumber".into());
    let mut error = S3Error::with_message(code, "The requested partnumber is not satisfiable");
    error.set_status_code(http::StatusCode::RANGE_NOT_SATISFIABLE);
    error
}

/// Fills the fields that the answers to GET and HEAD share.
macro_rules! described {
    ($output:ident, $record:expr, $selection:expr, $with_checksum:expr, $with_parts:expr) => {{
        let (record, headers): (&ObjectRecord, &ObjectHeaders) = ($record, &$record.headers);
        let mut output = $output {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: headers.cache_control.clone(),
            content_disposition: headers.content_disposition.clone(),
            content_encoding: headers.content_encoding.clone(),
            content_language: headers.content_language.clone(),
            content_length: Some(describe::number(
                $selection.bytes.end - $selection.bytes.start,
            )),
            content_range: $selection.content_range(record.size),
            content_type: Some(
                headers
                    .content_type
                    .clone()
                    .unwrap_or_else(|| DEFAULT_TYPE.to_owned()),
            ),
            e_tag: Some(describe::etag(&record.etag)),
            expires: headers.expires.clone(),
            last_modified: Some(describe::header_time(record.modified)),
            metadata: Some(headers.metadata.clone().into_iter().collect()),
            parts_count: parts_count(record).filter(|_| $with_parts),
            server_side_encryption: Some(describe::encryption(headers)),
            ssekms_key_id: headers.encryption_key.clone(),
            storage_class: headers.storage_class.clone().map(StorageClass::from),
            website_redirect_location: headers.redirect.clone(),
            ..Default::default()
        };
        if let Some(checksum) = $selection.checksum.as_ref().filter(|_| $with_checksum) {
            output.checksum_type = Some(describe::coverage(checksum.coverage));
            set_checksum!(output, checksum.algorithm, checksum.value.clone());
        }
        output
    }};
}

fn parts_count(record: &ObjectRecord) -> Option<i32> {
    i32::try_from(record.parts.len())
        .ok()
        .filter(|count| *count > 0)
}

fn wants_checksum(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str().eq_ignore_ascii_case(ChecksumMode::ENABLED))
}

/// Checks the version of a request; there is one of each object, named `null`.
pub(super) fn check_version(version: Option<&str>) -> S3Result<()> {
    if version.is_some_and(|version| version != "null") {
        return Err(s3_error!(
            NoSuchVersion,
            "The specified version does not exist."
        ));
    }
    Ok(())
}

/// Refuses to read what would have to be restored first.
pub(super) fn check_restored(record: &ObjectRecord) -> S3Result<()> {
    match record.headers.storage_class.as_deref() {
        Some(StorageClass::GLACIER | StorageClass::DEEP_ARCHIVE) => Err(s3_error!(
            InvalidObjectState,
            "The operation is not valid for the object's storage class"
        )),
        Some(_) | None => Ok(()),
    }
}

pub(super) async fn get_object(
    store: &Store,
    request: S3Request<GetObjectInput>,
) -> S3Result<GetObjectOutput> {
    let input = request.input;
    check_version(input.version_id.as_deref())?;
    let (record, blobs) = store.object(&input.bucket, &input.key)?;
    let condition = ReadCondition {
        matching: input.if_match,
        none_matching: input.if_none_match,
        modified_since: input.if_modified_since,
        unmodified_since: input.if_unmodified_since,
    };
    condition.check_read(&record)?;
    check_restored(&record)?;
    let selection = Selection::new(&record, input.range, input.part_number)?;
    let with_checksum = wants_checksum(input.checksum_mode.as_ref());
    let mut output = described!(
        GetObjectOutput,
        &*record,
        selection,
        with_checksum,
        input.part_number.is_some()
    );
    output.body = Some(StreamingBlob::new(
        BlobReader::new(blobs, &selection.bytes).stream(),
    ));
    Ok(output)
}

pub(super) async fn head_object(
    store: &Store,
    request: S3Request<HeadObjectInput>,
) -> S3Result<HeadObjectOutput> {
    let input = request.input;
    check_version(input.version_id.as_deref())?;
    let (record, _) = store.object(&input.bucket, &input.key)?;
    let condition = ReadCondition {
        matching: input.if_match,
        none_matching: input.if_none_match,
        modified_since: input.if_modified_since,
        unmodified_since: input.if_unmodified_since,
    };
    condition.check_read(&record)?;
    let selection = Selection::new(&record, input.range, input.part_number)?;
    let with_checksum = wants_checksum(input.checksum_mode.as_ref());
    Ok(described!(
        HeadObjectOutput,
        &*record,
        selection,
        with_checksum,
        input.part_number.is_some()
    ))
}
