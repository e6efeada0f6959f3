//! The objects below a prefix, in the order of S3's listings.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::{EncodingType, Object, ObjectStorageClass, RequestPayer};
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::error::SurveyError;
use super::fault::Fault;
use super::filter::Filter;
use super::key::check_key;
use super::merge::Batch;
use super::options::payer;
use super::plan::SkipReason;
use super::rules::is_rules_file;
use crate::resource::ObjectOptions;

/// One object of the listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RemoteObject {
    /// Relative to the prefix.
    pub(super) key: String,
    pub(super) size: u64,
    pub(super) modified: Timestamp,
    /// Without its quotes.
    pub(super) etag: Option<String>,
    /// The storage class, where it has to be restored before reading.
    pub(super) archived: Option<String>,
}

/// One thing that a listing finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Listed {
    Object(RemoteObject),
    Skipped { key: String, reason: SkipReason },
}

/// Reads one prefix of one bucket.
pub(super) struct Listing {
    client: Client,
    bucket: String,
    prefix: String,
    filter: Filter,
    payer: Option<RequestPayer>,
    /// The key that came last, with the prefix: the next one has to be greater.
    last: Option<String>,
}

impl Listing {
    pub(super) fn new(
        client: Client,
        (bucket, prefix): (String, String),
        filter: Filter,
        options: &ObjectOptions,
    ) -> Self {
        Self {
            client,
            bucket,
            prefix,
            filter,
            payer: payer(options),
            last: None,
        }
    }

    /// Sends page after page until there are no more or nobody listens.
    ///
    /// Whether there is another page is for the token to say and for nothing else:
    /// an empty page is no end. An error is the last thing sent.
    pub(super) async fn send_to(mut self, pages: mpsc::Sender<Batch<Listed>>) {
        let mut token: Option<String> = None;
        loop {
            let (page, next) = match self.page(token.as_deref()).await {
                Ok(page) => page,
                Err(error) => {
                    // Nobody is left to tell when the receiver is gone.
                    let _gone = pages.send(Err(error)).await;
                    return;
                }
            };
            if pages.send(Ok(Some(page))).await.is_err() {
                return;
            }
            if next.is_none() {
                let _gone = pages.send(Ok(None)).await;
                return;
            }
            token = next;
        }
    }

    async fn page(
        &mut self,
        token: Option<&str>,
    ) -> Result<(Vec<Listed>, Option<String>), SurveyError> {
        let output = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(&self.prefix)
            // Keys may have characters that XML cannot express.
            .encoding_type(EncodingType::Url)
            .set_continuation_token(token.map(str::to_owned))
            .set_request_payer(self.payer.clone())
            .send()
            .await
            .map_err(|error| SurveyError::listing(&self.bucket, Fault::of(&error)))?;
        let next = self.next_token(token, &output)?;
        let encoded = output.encoding_type() == Some(&EncodingType::Url);
        let mut page = Vec::with_capacity(output.contents().len());
        for object in output.contents() {
            page.extend(self.read(object, encoded)?);
        }
        Ok((page, next))
    }

    fn next_token(
        &self,
        token: Option<&str>,
        output: &ListObjectsV2Output,
    ) -> Result<Option<String>, SurveyError> {
        // An answer from something that is not S3 can parse as an empty page.
        if output.name().is_none() {
            return Err(self.untrusted("a page does not name the bucket"));
        }
        let next = output.next_continuation_token().map(str::to_owned);
        match (&next, output.is_truncated()) {
            (None, Some(true)) => Err(self.untrusted("it has more pages and no token for them")),
            (Some(next), _) if Some(next.as_str()) == token => {
                Err(self.untrusted("a continuation token came twice"))
            }
            (Some(_), _) | (None, Some(false) | None) => Ok(next),
        }
    }

    /// Checks one object; `None` stands for what takes no part.
    fn read(&mut self, object: &Object, encoded: bool) -> Result<Option<Listed>, SurveyError> {
        let raw = object
            .key()
            .ok_or_else(|| self.untrusted("an object has no key"))?;
        let full = if encoded {
            decode(raw).ok_or_else(|| self.untrusted("a key is not UTF-8"))?
        } else {
            raw.to_owned()
        };
        if self.last.as_ref().is_some_and(|last| *last >= full) {
            return Err(self.untrusted(&format!("the key `{full}` is out of order")));
        }
        let Some(key) = full.strip_prefix(&self.prefix).map(str::to_owned) else {
            return Err(self.untrusted(&format!("the key `{full}` is outside the prefix")));
        };
        self.last = Some(full);
        let size = object.size().and_then(|size| u64::try_from(size).ok());
        let modified = object.last_modified().and_then(timestamp);
        let (Some(size), Some(modified)) = (size, modified) else {
            return Err(self.untrusted(&format!("the key `{key}` has no size or no time")));
        };
        Ok(self.sort(RemoteObject {
            key,
            size,
            modified,
            etag: object.e_tag().map(unquoted),
            archived: object.storage_class().and_then(archive),
        }))
    }

    fn sort(&self, object: RemoteObject) -> Option<Listed> {
        // Consoles make these so that an empty folder can be seen.
        let marker = object.size == 0 && (object.key.is_empty() || object.key.ends_with('/'));
        if marker || is_rules_file(&object.key) || !self.filter.keeps(&object.key) {
            return None;
        }
        Some(match check_key(&object.key) {
            Ok(()) => Listed::Object(object),
            Err(fault) => Listed::Skipped {
                key: object.key,
                reason: SkipReason::Key(fault),
            },
        })
    }

    fn untrusted(&self, problem: &str) -> SurveyError {
        SurveyError::Untrusted {
            bucket: self.bucket.clone(),
            problem: problem.to_owned(),
        }
    }
}

/// Takes the quotes off an entity tag.
pub(super) fn unquoted(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

/// Names the storage class of what cannot be read before it is restored.
fn archive(class: &ObjectStorageClass) -> Option<String> {
    matches!(
        class,
        ObjectStorageClass::Glacier | ObjectStorageClass::DeepArchive
    )
    .then(|| class.as_str().to_owned())
}

pub(super) fn timestamp(time: &aws_sdk_s3::primitives::DateTime) -> Option<Timestamp> {
    let nanoseconds = i32::try_from(time.subsec_nanos()).ok()?;
    Timestamp::new(time.secs(), nanoseconds).ok()
}

/// Undoes `encoding-type=url`: `+` is a space and `%` begins two hexadecimal digits.
fn decode(key: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (char::from(rest.next()?), char::from(rest.next()?));
                u8::try_from(high.to_digit(16)? * 16 + low.to_digit(16)?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_keys_are_decoded() {
        assert_eq!(decode("a+b%2Bc%25/%C3%A9").as_deref(), Some("a b+c%/é"));
        for broken in ["%", "%1", "%zz", "%ff"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }
}
