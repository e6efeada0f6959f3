//! Uploads in parts.

use std::sync::Arc;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};

use super::fault::Fault;
use super::list::unquoted;
use super::pace::Ear;
use super::report::{FailureReason, Progress};
use super::session::{Session, Undone};

/// One upload in parts that is under way.
///
/// Whoever begins one ends it, by [`Self::complete`] or [`Self::abort`]: its parts are stored
/// and paid for until somebody finds them.
pub(super) struct Multipart<'a> {
    session: &'a Session,
    key: &'a str,
    id: String,
}

impl<'a> Multipart<'a> {
    /// Begins an upload to a key, of what has the metadata of an object where there is one.
    pub(super) async fn begin(
        session: &'a Session,
        key: &'a str,
        like: Option<&HeadObjectOutput>,
    ) -> Result<Self, FailureReason> {
        let _request = session.request().await?;
        let mut request = session
            .client
            .create_multipart_upload()
            .bucket(&session.route.bucket)
            .key(key)
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .checksum_type(ChecksumType::FullObject);
        if let Some(like) = like {
            let text = |text: Option<&str>| text.map(str::to_owned);
            request = request
                .set_metadata(like.metadata().cloned())
                .set_content_type(text(like.content_type()))
                .set_content_encoding(text(like.content_encoding()))
                .set_content_language(text(like.content_language()))
                .set_content_disposition(text(like.content_disposition()))
                .set_cache_control(text(like.cache_control()));
        }
        let output = request
            .send()
            .await
            .map_err(|error| Fault::of(&error).into_failure("begin the upload"))?;
        let id = output.upload_id.ok_or_else(|| FailureReason::Remote {
            operation: "begin the upload".to_owned(),
            detail: "the answer has no upload id".to_owned(),
        })?;
        Ok(Self { session, key, id })
    }

    /// Sends one part of so many bytes; numbers begin with 1.
    pub(super) async fn send(
        &self,
        number: i32,
        body: ByteStream,
        bytes: u64,
    ) -> Result<CompletedPart, FailureReason> {
        let output = self
            .session
            .client
            .upload_part()
            .bucket(&self.session.route.bucket)
            .key(self.key)
            .upload_id(&self.id)
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .body(body)
            .customize()
            .interceptor(Ear(Arc::clone(&self.session.pace)))
            // TLS and the checksum hold the content; a SHA-256 of it would only cost time.
            .disable_payload_signing()
            .send()
            .await
            .map_err(|error| Fault::of(&error).into_failure("upload a part"))?;
        self.session.tell(Progress::Moved { bytes });
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(output.e_tag)
            .set_checksum_crc64_nvme(output.checksum_crc64_nvme)
            .build())
    }

    /// Lets S3 copy a range of an object as one part.
    pub(super) async fn copy(
        &self,
        number: i32,
        (source, etag): (&str, Option<&str>),
        range: String,
    ) -> Result<CompletedPart, FailureReason> {
        let output = self
            .session
            .client
            .upload_part_copy()
            .bucket(&self.session.route.bucket)
            .key(self.key)
            .upload_id(&self.id)
            .part_number(number)
            .copy_source(source)
            .set_copy_source_if_match(etag.map(str::to_owned))
            .copy_source_range(range)
            .send()
            .await
            .map_err(|error| Fault::of(&error).into_failure("copy a part"))?;
        let result = output.copy_part_result();
        let sum = result.and_then(|result| result.checksum_crc64_nvme());
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(result.and_then(|result| result.e_tag().map(str::to_owned)))
            .set_checksum_crc64_nvme(sum.map(str::to_owned))
            .build())
    }

    /// Joins the parts, in whatever order they come, and gives the object's entity tag.
    pub(super) async fn complete(
        &self,
        mut parts: Vec<CompletedPart>,
    ) -> Result<Option<String>, FailureReason> {
        let _request = self.session.request().await?;
        parts.sort_by_key(CompletedPart::part_number);
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        self.session
            .client
            .complete_multipart_upload()
            .bucket(&self.session.route.bucket)
            .key(self.key)
            .upload_id(&self.id)
            .checksum_type(ChecksumType::FullObject)
            .multipart_upload(parts)
            .send()
            .await
            .map(|output| output.e_tag().map(unquoted))
            .map_err(|error| Fault::of(&error).into_failure("finish the upload"))
    }

    /// Joins the parts that were sent, or gives them up where one was not.
    pub(super) async fn end(
        &self,
        sent: Result<Vec<CompletedPart>, Undone>,
    ) -> Result<Option<String>, Undone> {
        let ended = match sent {
            Ok(parts) => self.session.unless_stopped(self.complete(parts)).await,
            Err(undone) => Err(undone),
        };
        if ended.is_err() {
            self.abort().await;
        }
        ended
    }

    /// Gives the parts up. If that fails too, there is nothing more to be done
    /// about them here, and the failure that led here is the one to report.
    pub(super) async fn abort(&self) {
        let _best_effort = self
            .session
            .client
            .abort_multipart_upload()
            .bucket(&self.session.route.bucket)
            .key(self.key)
            .upload_id(&self.id)
            .send()
            .await;
    }
}
