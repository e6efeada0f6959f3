//! From bucket to bucket, by S3 itself: no byte comes here.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, MetadataDirective,
};
use futures_util::TryStreamExt as _;
use futures_util::stream::{self, StreamExt as _};

use super::copy::{Object, head, size_of};
use super::fault::Fault;
use super::list::unquoted;
use super::report::{FailureReason, Progress};
use super::session::{Moved, Session, Undone};

/// The largest object that one request copies, in bytes (S3 API, `CopyObject`).
const ONE_REQUEST: u64 = 5 << 30;
/// The size of the parts of a larger one, in bytes: 10,000 of them hold the largest object.
const PART: u64 = 1 << 30;
/// How many parts are copied at a time.
const PARTS_AT_ONCE: usize = 16;

/// Copies an object with its metadata, in one request or in parts.
pub(super) async fn copy_within(
    session: &Session,
    from: &Object,
    to: &Object,
) -> Result<Moved, Undone> {
    let head = session.unless_stopped(head(session, from)).await?;
    let bytes = size_of(&head);
    let whole = Copy {
        session,
        source: source(from),
        etag: head.e_tag().map(str::to_owned),
        to,
    };
    if bytes <= ONE_REQUEST {
        session.unless_stopped(Box::pin(whole.at_once())).await?;
    } else {
        whole.in_parts(&head, bytes).await?;
    }
    session.tell(Progress::Moved { bytes });
    Ok(Moved { bytes, fact: None })
}

/// One copy under way.
struct Copy<'a> {
    session: &'a Session,
    source: String,
    etag: Option<String>,
    to: &'a Object,
}

impl Copy<'_> {
    async fn at_once(&self) -> Result<(), FailureReason> {
        let _request = self.session.request().await?;
        self.session
            .client
            .copy_object()
            .bucket(&self.to.bucket)
            .key(&self.to.key)
            .copy_source(&self.source)
            .set_copy_source_if_match(self.etag.clone())
            .metadata_directive(MetadataDirective::Copy)
            .send()
            .await
            .map_err(|error| Fault::of(&error).into_failure("copy the object"))?;
        Ok(())
    }

    async fn in_parts(&self, head: &HeadObjectOutput, bytes: u64) -> Result<(), Undone> {
        let begun = self.session.unless_stopped(self.begin(head)).await?;
        let copying = self.parts(&begun, bytes);
        let ended = match self.session.unless_stopped(copying).await {
            Ok(parts) => {
                self.session
                    .unless_stopped(self.complete(&begun, parts))
                    .await
            }
            Err(undone) => Err(undone),
        };
        if ended.is_err() {
            let abort = self.session.client.abort_multipart_upload();
            let abort = abort.bucket(&self.to.bucket).key(&self.to.key);
            // What led here is the failure to report.
            let _best_effort = abort.upload_id(&begun).send().await;
        }
        ended
    }

    /// A copy in parts takes no metadata along by itself.
    async fn begin(&self, head: &HeadObjectOutput) -> Result<String, FailureReason> {
        let _request = self.session.request().await?;
        let output = self
            .session
            .client
            .create_multipart_upload()
            .bucket(&self.to.bucket)
            .key(&self.to.key)
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .checksum_type(ChecksumType::FullObject)
            .set_metadata(head.metadata().cloned())
            .set_content_type(head.content_type().map(str::to_owned))
            .set_content_encoding(head.content_encoding().map(str::to_owned))
            .set_content_language(head.content_language().map(str::to_owned))
            .set_content_disposition(head.content_disposition().map(str::to_owned))
            .set_cache_control(head.cache_control().map(str::to_owned))
            .send()
            .await
            .map_err(|error| Fault::of(&error).into_failure("begin the copy"))?;
        output.upload_id.ok_or_else(|| FailureReason::Remote {
            operation: "begin the copy".to_owned(),
            detail: "the answer has no upload id".to_owned(),
        })
    }

    async fn parts(&self, id: &str, bytes: u64) -> Result<Vec<CompletedPart>, FailureReason> {
        stream::iter((1..).zip(0..bytes.div_ceil(PART)))
            .map(|(number, index)| self.part(id, number, (index * PART, bytes)))
            .buffered(PARTS_AT_ONCE)
            .try_collect()
            .await
    }

    async fn part(
        &self,
        id: &str,
        number: i32,
        (offset, bytes): (u64, u64),
    ) -> Result<CompletedPart, FailureReason> {
        let _request = self.session.request().await?;
        let last = (offset + PART).min(bytes) - 1;
        let output = self
            .session
            .client
            .upload_part_copy()
            .bucket(&self.to.bucket)
            .key(&self.to.key)
            .upload_id(id)
            .part_number(number)
            .copy_source(&self.source)
            .set_copy_source_if_match(self.etag.clone())
            .copy_source_range(format!("bytes={offset}-{last}"))
            .send()
            .await
            .map_err(|error| Fault::of(&error).into_failure("copy a part"))?;
        let result = output.copy_part_result();
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(result.and_then(|result| result.e_tag().map(unquoted)))
            .set_checksum_crc64_nvme(
                result.and_then(|result| result.checksum_crc64_nvme().map(str::to_owned)),
            )
            .build())
    }

    async fn complete(&self, id: &str, parts: Vec<CompletedPart>) -> Result<(), FailureReason> {
        let _request = self.session.request().await?;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts));
        self.session
            .client
            .complete_multipart_upload()
            .bucket(&self.to.bucket)
            .key(&self.to.key)
            .upload_id(id)
            .checksum_type(ChecksumType::FullObject)
            .multipart_upload(parts.build())
            .send()
            .await
            .map_err(|error| Fault::of(&error).into_failure("finish the copy"))?;
        Ok(())
    }
}

/// The object as the header `x-amz-copy-source` names it: every byte that has a meaning in a
/// URL is encoded, spaces and pluses among them (S3 API, `CopyObject`).
fn source(object: &Object) -> String {
    let mut text = format!("{}/", object.bucket);
    for byte in object.key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.extend(
                [byte >> 4, byte & 15]
                    .into_iter()
                    .filter_map(|digit| char::from_digit(u32::from(digit), 16))
                    .map(|digit| digit.to_ascii_uppercase()),
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_encoded_byte_by_byte() {
        let object = Object {
            bucket: "bucket".to_owned(),
            key: "a b+c%d/é?.txt".to_owned(),
        };
        assert_eq!(source(&object), "bucket/a%20b%2Bc%25d/%C3%A9%3F.txt");
    }
}
