//! From bucket to bucket, by S3 itself: no byte comes here.

use aws_sdk_s3::types::{CompletedPart, MetadataDirective};
use futures_util::TryStreamExt as _;
use futures_util::stream::{self, StreamExt as _};

use super::copy::{Object, head, size_of};
use super::fault::Fault;
use super::multipart::Multipart;
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
    let bytes = size_of(&head)?;
    let (source, etag) = (source(from), head.e_tag());
    if bytes <= ONE_REQUEST {
        let copy = at_once(session, (&source, etag), to);
        session.unless_stopped(Box::pin(copy)).await?;
    } else {
        let upload = Multipart::begin(session, &to.key, Some(&head)).await?;
        let parts = in_parts((session, &upload), (&source, etag), bytes);
        let copied = session.unless_stopped(parts).await;
        upload.end(copied).await?;
    }
    session.tell(Progress::Moved { bytes });
    Ok(Moved { bytes, fact: None })
}

async fn at_once(
    session: &Session,
    (source, etag): (&str, Option<&str>),
    to: &Object,
) -> Result<(), FailureReason> {
    let _request = session.request().await?;
    session
        .client
        .copy_object()
        .bucket(&to.bucket)
        .key(&to.key)
        .copy_source(source)
        .set_copy_source_if_match(etag.map(str::to_owned))
        .metadata_directive(MetadataDirective::Copy)
        .send()
        .await
        .map_err(|error| Fault::of(&error).into_failure("copy the object"))?;
    Ok(())
}

async fn in_parts(
    (session, upload): (&Session, &Multipart<'_>),
    source: (&str, Option<&str>),
    bytes: u64,
) -> Result<Vec<CompletedPart>, FailureReason> {
    stream::iter((1..).zip(0..bytes.div_ceil(PART)))
        .map(|(number, index)| async move {
            let _request = session.request().await?;
            let (first, end) = (index * PART, ((index + 1) * PART).min(bytes));
            let range = format!("bytes={first}-{}", end - 1);
            upload.copy(number, source, range).await
        })
        .buffer_unordered(PARTS_AT_ONCE)
        .try_collect()
        .await
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
