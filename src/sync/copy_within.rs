//! From bucket to bucket, by S3 itself: no byte comes here.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{
    CompletedPart, MetadataDirective, ServerSideEncryption, StorageClass, Tag, Tagging,
};
use futures_util::TryStreamExt as _;
use futures_util::stream::{self, StreamExt as _};

use super::copy::{Object, ask_head, size_of};
use super::fault::Fault;
use super::home::Home;
use super::limits::Limits;
use super::list::unquoted;
use super::multipart::{Like, Likeness, Multipart, patient};
use super::options::{encryption, kms_key, payer, storage_class};
use super::pace::Ear;
use super::report::{FailureReason, Progress};
use super::session::{Moved, Session, Undone};
use crate::resource::{Encryption, ObjectOptions};

/// How many parts are copied at a time.
const PARTS_AT_ONCE: usize = 64;
/// How long the tags of an object may be as a header, in bytes; longer ones are set when the
/// object is there (S3 API, `PutObject`: all headers of a user together have 2 KB).
const LONGEST_TAGS: usize = 2048;

/// What is copied: one revision of an object, where its tag is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Original<'a> {
    pub(super) home: &'a Home,
    /// The whole key.
    pub(super) key: &'a str,
    pub(super) bytes: u64,
    /// Without quotes.
    pub(super) etag: Option<&'a str>,
}

impl Original<'_> {
    fn if_match(&self) -> Option<String> {
        self.etag.map(|etag| format!("\"{etag}\""))
    }

    /// The object as the header `x-amz-copy-source` names it (S3 API, `CopyObject`).
    fn name(&self) -> String {
        format!("{}/{}", self.home.bucket(), encode(self.key, b"-_.~/"))
    }
}

/// Copies an object as it is now; nothing at all where it is the target itself.
pub(super) async fn copy_within(
    session: &Session,
    (source, from): (&Home, &Object),
    to: &Object,
    limits: Limits,
) -> Result<Option<Moved>, Undone> {
    let head = session
        .unless_stopped(ask_head(session, source, from))
        .await?;
    let bytes = size_of(&head)?;
    let again;
    let session = if from == to {
        let Some(options) = restated(&session.options, &head) else {
            return Ok(None);
        };
        again = session.storing(options);
        &*again
    } else {
        session
    };
    let etag = head.e_tag().map(unquoted);
    let original = Original {
        home: source,
        key: &from.key,
        bytes,
        etag: etag.as_deref(),
    };
    let target = Home::new(session.client.clone(), &to.bucket);
    copy_object(session, &original, (&target, &to.key), limits).await?;
    Ok(Some(Moved { bytes, fact: None }))
}

/// How an object is stored that is copied over itself: in the way that is asked for, and for
/// the rest as it is, as S3 inherits neither class nor key; `None` where nothing is asked for.
///
/// S3 takes such a copy only where something is stored in another way (S3 API, `CopyObject`).
fn restated(asked: &ObjectOptions, head: &HeadObjectOutput) -> Option<ObjectOptions> {
    let ObjectOptions {
        storage_class,
        encryption,
        request_payer,
    } = asked;
    if storage_class.is_none() && encryption.is_none() {
        return None;
    }
    let class = head.storage_class().map(StorageClass::as_str);
    let key = head.ssekms_key_id().and_then(|key| key.parse().ok());
    let kept = match head.server_side_encryption() {
        Some(ServerSideEncryption::AwsKms) => Some(Encryption::Kms(key)),
        Some(ServerSideEncryption::Aes256) => Some(Encryption::S3),
        // The bucket decides, as it did.
        Some(_) | None => None,
    };
    Some(ObjectOptions {
        storage_class: storage_class.or(class.and_then(|class| class.parse().ok())),
        encryption: encryption.clone().or(kept),
        request_payer: *request_payer,
    })
}

/// Copies an object with its metadata and tags, in one request or in parts, and gives the
/// entity tag of the copy.
pub(super) async fn copy_object(
    session: &Session,
    original: &Original<'_>,
    (target, key): (&Home, &str),
    limits: Limits,
) -> Result<Option<String>, Undone> {
    if original.bytes > limits.at_once {
        return Box::pin(in_parts(session, original, (target, key), limits)).await;
    }
    let copy = at_once(session, original, (target, key));
    let etag = session.unless_stopped(Box::pin(copy)).await?;
    session.tell(Progress::Moved {
        bytes: original.bytes,
    });
    Ok(etag)
}

async fn at_once(
    session: &Session,
    original: &Original<'_>,
    (target, key): (&Home, &str),
) -> Result<Option<String>, FailureReason> {
    let _request = session.request().await?;
    let copy = |client: Client| {
        client
            .copy_object()
            .bucket(target.bucket())
            .key(key)
            .copy_source(original.name())
            .set_copy_source_if_match(original.if_match())
            .metadata_directive(MetadataDirective::Copy)
            .set_storage_class(storage_class(&session.options))
            .set_server_side_encryption(encryption(&session.options))
            .set_ssekms_key_id(kms_key(&session.options))
            .set_request_payer(payer(&session.options))
            .customize()
            .config_override(patient())
            .interceptor(Ear(session.pace.clone()))
            .send()
    };
    let output = target
        .ask(copy)
        .await
        .map_err(|error| Fault::of(&error).into_failure("copy the object"))?;
    let result = output.copy_object_result();
    Ok(result.and_then(|result| result.e_tag()).map(unquoted))
}

/// Copies in parts, which have neither metadata nor tags of their own: both are read first.
async fn in_parts(
    session: &Session,
    original: &Original<'_>,
    (target, key): (&Home, &str),
    limits: Limits,
) -> Result<Option<String>, Undone> {
    let likeness = session.unless_stopped(likeness(session, original));
    let (head, tags) = likeness.await?;
    let there = session.with(target.settled().await);
    let session = &*there;
    let header = header_of(&tags);
    let is_short = header.len() <= LONGEST_TAGS;
    let likeness = Likeness {
        head,
        tags: (is_short && !tags.is_empty()).then_some(header),
    };
    let upload = Multipart::begin(session, key, Like::Object(&likeness)).await?;
    let parts = copy_parts((session, &upload), original, limits.part_of(original.bytes));
    let copied = session.unless_stopped(parts).await;
    let etag = upload.end(copied).await?;
    if !is_short {
        let set = set_tags(session, key, tags);
        session.unless_stopped(set).await?;
    }
    Ok(etag)
}

async fn copy_parts(
    (session, upload): (&Session, &Multipart<'_>),
    original: &Original<'_>,
    part: u64,
) -> Result<Vec<CompletedPart>, FailureReason> {
    let bytes = original.bytes;
    let (source, if_match) = (&original.name(), &original.if_match());
    stream::iter((1..).zip(0..bytes.div_ceil(part)))
        .map(|(number, index)| async move {
            let _request = session.request().await?;
            let (first, end) = (index * part, ((index + 1) * part).min(bytes));
            let range = format!("bytes={first}-{}", end - 1);
            let copied = upload
                .copy(number, (source, if_match.as_deref()), range)
                .await?;
            session.tell(Progress::Moved { bytes: end - first });
            Ok(copied)
        })
        .buffer_unordered(PARTS_AT_ONCE)
        .try_collect()
        .await
}

/// The metadata and the tags of the revision that is copied.
async fn likeness(
    session: &Session,
    original: &Original<'_>,
) -> Result<(HeadObjectOutput, Vec<Tag>), FailureReason> {
    let _request = session.request().await?;
    let ask = |client: Client| {
        let request = client
            .head_object()
            .bucket(original.home.bucket())
            .key(original.key)
            .set_if_match(original.if_match())
            .set_request_payer(payer(&session.options));
        request.send()
    };
    let head = original
        .home
        .ask(ask)
        .await
        .map_err(|error| Fault::of(&error).into_failure("read the object"))?;
    let ask = |client: Client| {
        let request = client
            .get_object_tagging()
            .bucket(original.home.bucket())
            .key(original.key)
            .set_request_payer(payer(&session.options));
        request.send()
    };
    let tags = match original.home.ask(ask).await {
        Ok(output) => output.tag_set,
        // A store that knows no tags has none.
        Err(error) if error.code() == Some("NotImplemented") => Vec::new(),
        Err(error) => return Err(Fault::of(&error).into_failure("read the tags of the object")),
    };
    Ok((head, tags))
}

async fn set_tags(session: &Session, key: &str, tags: Vec<Tag>) -> Result<(), FailureReason> {
    let failed = |detail: String| FailureReason::Remote {
        operation: "set the tags of the copy".to_owned(),
        detail,
    };
    let _request = session.request().await?;
    let tagging = Tagging::builder().set_tag_set(Some(tags)).build();
    session
        .client
        .put_object_tagging()
        .bucket(&session.route.bucket)
        .key(key)
        .tagging(tagging.map_err(|error| failed(error.to_string()))?)
        .set_request_payer(payer(&session.options))
        .send()
        .await
        .map_err(|error| failed(Fault::of(&error).detail))?;
    Ok(())
}

/// Tags as the header `x-amz-tagging` has them: like the query of a URL (S3 API,
/// `CreateMultipartUpload`).
fn header_of(tags: &[Tag]) -> String {
    let encode = |text: &str| encode(text, b"-_.~");
    let pairs = tags
        .iter()
        .map(|tag| format!("{}={}", encode(tag.key()), encode(tag.value())));
    pairs.collect::<Vec<String>>().join("&")
}

/// Encodes every byte that could have a meaning in a URL, spaces and pluses among them;
/// letters, digits and `plain` bytes stay as they are.
fn encode(text: &str, plain: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.extend(
                [byte >> 4, byte & 15]
                    .into_iter()
                    .filter_map(|digit| char::from_digit(u32::from(digit), 16))
                    .map(|digit| digit.to_ascii_uppercase()),
            );
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_encoded_byte_by_byte() {
        assert_eq!(
            encode("a b+c%d/é?.txt", b"-_.~/"),
            "a%20b%2Bc%25d/%C3%A9%3F.txt"
        );
    }

    #[test]
    fn tags_are_encoded_like_a_query() {
        let tag = |key, value| Tag::builder().key(key).value(value).build().unwrap();
        let tags = [tag("a b", "1+1=2"), tag("path", "x/y&z"), tag("empty", "")];
        assert_eq!(header_of(&tags), "a%20b=1%2B1%3D2&path=x%2Fy%26z&empty=");
        assert_eq!(header_of(&[]), "");
    }
}
