//! Uploads in parts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Builder, StalledStreamProtectionConfig};
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::operation::list_parts::ListPartsError;
use aws_sdk_s3::primitives::{ByteStream, DateTime, DateTimeFormat};
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::attributes::Attributes;
use super::direct::Scout;
use super::etag;
use super::fault::Fault;
use super::list::unquoted;
use super::options::{encryption, kms_key, payer, payer_header, storage_class};
use super::pace::Ear;
use super::report::{FailureReason, Progress};
use super::session::{Session, Undone};
use super::source::Content;
use super::upload::undamaged;

/// A part that S3 has stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) bytes: u64,
    /// In quotes.
    pub(super) etag: String,
    /// Its CRC64NVME as S3 writes it, where it is kept.
    pub(super) sum: Option<String>,
}

/// Stored parts by number.
pub(super) type StoredParts = BTreeMap<i32, Stored>;

/// What an upload in parts takes over from another object.
#[derive(Debug)]
pub(super) struct Likeness {
    /// Its metadata.
    pub(super) head: HeadObjectOutput,
    /// Its tags, as the header `x-amz-tagging` has them.
    pub(super) tags: Option<String>,
}

/// What an object that is sent in parts has besides its content.
#[derive(Debug, Clone, Copy)]
pub(super) enum Like<'a> {
    /// Nothing.
    Nothing,
    /// What a file has.
    File(Attributes),
    /// What another object has.
    Object(&'a Likeness),
}

impl Like<'_> {
    fn metadata(self) -> BTreeMap<String, String> {
        match self {
            Like::Nothing => BTreeMap::new(),
            Like::File(attributes) => {
                let entries = attributes.entries().into_iter();
                let owned = |(name, value): (&str, String)| (name.to_owned(), value);
                entries.map(owned).collect()
            }
            Like::Object(likeness) => in_order(likeness.head.metadata.clone()),
        }
    }
}

/// Metadata in the order of its names; there may be none.
fn in_order(
    metadata: Option<impl IntoIterator<Item = (String, String)>>,
) -> BTreeMap<String, String> {
    metadata.into_iter().flatten().collect()
}

/// The time that a header names; one that names none is worth nothing.
fn http_date(text: &str) -> Option<DateTime> {
    DateTime::from_str(text, DateTimeFormat::HttpDate).ok()
}

/// One upload in parts that is under way.
///
/// Whoever begins one ends it, by [`Self::complete`] or [`Self::abort`]: its parts are stored
/// and paid for until somebody finds them.
pub(super) struct Multipart<'a> {
    session: &'a Session,
    key: &'a str,
    id: String,
    /// The metadata that the object gets.
    metadata: BTreeMap<String, String>,
    /// How many bytes the parts have that were told of.
    moved: AtomicU64,
}

impl<'a> Multipart<'a> {
    /// Begins an upload to a key.
    pub(super) async fn begin(
        session: &'a Session,
        key: &'a str,
        like: Like<'_>,
    ) -> Result<Self, FailureReason> {
        let _request = session.request().await?;
        let mut request = session
            .client
            .create_multipart_upload()
            .bucket(&session.route.bucket)
            .key(key)
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .checksum_type(ChecksumType::FullObject)
            .set_storage_class(storage_class(&session.options))
            .set_server_side_encryption(encryption(&session.options))
            .set_ssekms_key_id(kms_key(&session.options))
            .set_request_payer(payer(&session.options));
        let metadata = like.metadata();
        for (name, value) in &metadata {
            request = request.metadata(name, value);
        }
        match like {
            Like::Nothing | Like::File(_) => {}
            Like::Object(Likeness { head: like, tags }) => {
                let text = |text: Option<&str>| text.map(str::to_owned);
                request = request
                    .set_content_type(text(like.content_type()))
                    .set_content_encoding(text(like.content_encoding()))
                    .set_content_language(text(like.content_language()))
                    .set_content_disposition(text(like.content_disposition()))
                    .set_cache_control(text(like.cache_control()))
                    .set_expires(like.expires_string().and_then(http_date))
                    .set_tagging(tags.clone());
            }
        }
        let output = undamaged("begin the upload", || {
            // Boxed, it is not copied about with every future around it.
            let sent = Box::pin(request.clone().send());
            async move { sent.await.map_err(|error| Fault::of(&error)) }
        });
        let output = output.await?;
        let id = output.upload_id.ok_or_else(|| FailureReason::Remote {
            operation: "begin the upload".to_owned(),
            detail: "the answer has no upload id".to_owned(),
        })?;
        Ok(Self {
            session,
            key,
            id,
            metadata,
            moved: AtomicU64::new(0),
        })
    }

    /// An upload of a file that was begun before.
    pub(super) fn known(
        session: &'a Session,
        (key, attributes): (&'a str, Attributes),
        id: String,
    ) -> Self {
        Self {
            session,
            key,
            id,
            metadata: Like::File(attributes).metadata(),
            moved: AtomicU64::new(0),
        }
    }

    /// Tells that a part is where it should be.
    pub(super) fn tell_moved(&self, bytes: u64) {
        self.moved.fetch_add(bytes, Ordering::Relaxed);
        self.session.tell(Progress::Moved { bytes });
    }

    /// Takes back what was told, where all of it is sent again.
    pub(super) fn tell_rewound(&self) {
        let bytes = self.moved.swap(0, Ordering::Relaxed);
        self.session.tell(Progress::Rewound { bytes });
    }

    /// What S3 calls it.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The parts that are stored; `None` where there is no such upload any more.
    pub(super) async fn parts(&self) -> Result<Option<StoredParts>, FailureReason> {
        let mut parts = StoredParts::new();
        let mut pages = self
            .session
            .client
            .list_parts()
            .bucket(&self.session.route.bucket)
            .key(self.key)
            .upload_id(&self.id)
            .set_request_payer(payer(&self.session.options))
            .into_paginator()
            .send();
        let _request = self.session.request().await?;
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) if is_gone(&error) => return Ok(None),
                Err(error) => return Err(Fault::of(&error).into_failure("list the parts")),
            };
            for part in page.parts.unwrap_or_default() {
                let bytes = part.size.and_then(|size| u64::try_from(size).ok());
                let (Some(number), Some(bytes), Some(etag)) = (part.part_number, bytes, part.e_tag)
                else {
                    continue;
                };
                let sum = part.checksum_crc64_nvme;
                parts.insert(number, Stored { bytes, etag, sum });
            }
        }
        Ok(Some(parts))
    }

    /// Sends one part; numbers begin with 1.
    pub(super) async fn send(
        &self,
        number: i32,
        content: &Content,
    ) -> Result<CompletedPart, FailureReason> {
        let session = self.session;
        let part = (self.key, Some((number, self.id.as_str())));
        let headers = payer_header(&session.options).into_iter().collect();
        let direct = session.direct.put(&session.pace, part, content, headers);
        if let Ok(Some(etag)) = direct.await {
            self.tell_moved(content.len());
            return Ok(CompletedPart::builder()
                .part_number(number)
                .e_tag(etag)
                .checksum_crc64_nvme(content.written_sum())
                .build());
        }
        let bytes = content.len();
        let part = undamaged("upload a part", || {
            let body = ByteStream::from(content.bytes.clone());
            self.send_by_sdk(number, body)
        });
        let part = part.await?;
        self.tell_moved(bytes);
        Ok(part)
    }

    /// Sends one part of so many bytes that is not in memory.
    pub(super) async fn send_stream(
        &self,
        number: i32,
        body: ByteStream,
        bytes: u64,
    ) -> Result<CompletedPart, FailureReason> {
        let part = self.send_by_sdk(number, body).await;
        let part = part.map_err(|fault| fault.into_failure("upload a part"))?;
        self.tell_moved(bytes);
        Ok(part)
    }

    async fn send_by_sdk(&self, number: i32, body: ByteStream) -> Result<CompletedPart, Fault> {
        let output = self
            .session
            .client
            .upload_part()
            .bucket(&self.session.route.bucket)
            .key(self.key)
            .upload_id(&self.id)
            .part_number(number)
            .set_request_payer(payer(&self.session.options))
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .body(body)
            .customize()
            .interceptor(Ear(Arc::clone(&self.session.pace)))
            .interceptor(Scout::of(&self.session.direct, self.key))
            // TLS and the checksum hold the content; a SHA-256 of it would only cost time.
            .disable_payload_signing()
            .send()
            .await
            .map_err(|error| Fault::of(&error))?;
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
            .set_request_payer(payer(&self.session.options))
            .customize()
            .config_override(patient())
            .interceptor(Ear(Arc::clone(&self.session.pace)))
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
        let tags = parts.iter().map(|part| part.e_tag().unwrap_or_default());
        let tag = etag::of_joined(tags);
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        let request = self
            .session
            .client
            .complete_multipart_upload()
            .bucket(&self.session.route.bucket)
            .key(self.key)
            .upload_id(&self.id)
            .checksum_type(ChecksumType::FullObject)
            .multipart_upload(parts)
            .set_request_payer(payer(&self.session.options));
        undamaged("finish the upload", || {
            let sent = request.clone().customize();
            let sent = Box::pin(sent.config_override(patient()).send());
            async {
                match sent.await.map_err(|error| Fault::of(&error)) {
                    Ok(output) => Ok(output.e_tag().map(unquoted)),
                    Err(fault)
                        if fault.is_upload_gone() && self.is_joined(tag.as_deref()).await =>
                    {
                        Ok(tag.clone())
                    }
                    Err(fault) => Err(fault),
                }
            }
        })
        .await
    }

    /// Whether the object has this tag, and the metadata that it was to get: then the upload was
    /// finished and its answer lost.
    async fn is_joined(&self, tag: Option<&str>) -> bool {
        let Some(tag) = tag else { return false };
        let request = self
            .session
            .client
            .head_object()
            .bucket(&self.session.route.bucket)
            .key(self.key)
            .set_request_payer(payer(&self.session.options));
        let looked = undamaged("look at the object", || {
            let sent = Box::pin(request.clone().send());
            async move { sent.await.map_err(|error| Fault::of(&error)) }
        });
        // What cannot be looked at is unknown, and the upload has failed as far as is known.
        looked.await.is_ok_and(|found| {
            found.e_tag().map(unquoted).as_deref() == Some(tag)
                && in_order(found.metadata) == self.metadata
        })
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
            .set_request_payer(payer(&self.session.options))
            .send()
            .await;
    }
}

/// How long one attempt may take at which S3 works before its answer is whole.
const LONGEST: Duration = Duration::from_mins(15);

/// For requests that S3 answers at once, and completes when it is done: until then it sends
/// next to nothing (S3 API, `CompleteMultipartUpload` and `UploadPartCopy`). Silence is no sign
/// of a dead connection there, so that a limit on the whole takes the place of the SDK's
/// guard against stalled streams.
pub(super) fn patient() -> Builder {
    let limit = TimeoutConfig::builder().operation_attempt_timeout(LONGEST);
    Builder::new()
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(limit.build())
}

/// Whether an upload was completed or aborted, or never was.
fn is_gone(error: &SdkError<ListPartsError, HttpResponse>) -> bool {
    error.code() == Some("NoSuchUpload")
}
