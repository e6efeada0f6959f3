//! Listing objects.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::dto::{
    CommonPrefix, EncodingType, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, Object,
};
use s3s::{S3Request, S3Result, s3_error};

use super::describe;
use crate::local::s3::listing::{Item, Page, Query};
use crate::local::s3::record::ObjectRecord;
use crate::local::s3::store::Store;

/// Writes names as the client asked: as they are, or encoded as in addresses.
#[derive(Clone, Copy)]
pub(super) struct Encoding(bool);

impl Encoding {
    pub(super) fn new(asked: Option<&EncodingType>) -> S3Result<Self> {
        match asked.map(EncodingType::as_str) {
            None => Ok(Self(false)),
            Some(EncodingType::URL) => Ok(Self(true)),
            Some(_) => Err(s3_error!(
                InvalidArgument,
                "Invalid Encoding Method specified in Request"
            )),
        }
    }

    pub(super) fn write(self, name: &str) -> String {
        use std::fmt::Write as _;
        if !self.0 {
            return name.to_owned();
        }
        let mut text = String::with_capacity(name.len());
        for byte in name.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                    text.push(byte.into());
                }
                // Writing into a string cannot fail.
                _ => drop(write!(text, "%{byte:02X}")),
            }
        }
        text
    }
}

/// The entries of a page in the words of the API.
struct Answer {
    contents: Vec<Object>,
    prefixes: Vec<CommonPrefix>,
}

impl Answer {
    fn new(page: &Page<Arc<ObjectRecord>>, encoding: Encoding, with_owner: bool) -> Self {
        let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
        for item in &page.items {
            match item {
                Item::Key(key, record) => {
                    contents.push(object(encoding.write(key), record, with_owner));
                }
                Item::Prefix(prefix) => prefixes.push(CommonPrefix {
                    prefix: Some(encoding.write(prefix)),
                }),
            }
        }
        Self { contents, prefixes }
    }
}

fn object(key: String, record: &ObjectRecord, with_owner: bool) -> Object {
    Object {
        checksum_algorithm: Some(vec![describe::algorithm(record.checksum.algorithm)]),
        checksum_type: Some(describe::coverage(record.checksum.coverage)),
        e_tag: Some(describe::etag(&record.etag)),
        key: Some(key),
        last_modified: Some(describe::time(record.modified)),
        owner: with_owner.then(describe::owner),
        restore_status: None,
        size: Some(describe::number(record.size)),
        storage_class: Some(describe::storage_class(&record.headers)),
    }
}

fn page(store: &Store, bucket: &str, query: &Query<'_>) -> S3Result<Page<Arc<ObjectRecord>>> {
    store.view(|index| Ok(query.page(&index.bucket(bucket)?.objects)))
}

/// An empty delimiter is none.
pub(super) fn delimiter(given: Option<&str>) -> Option<&str> {
    given.filter(|delimiter| !delimiter.is_empty())
}

pub(super) async fn list_objects_v2(
    store: &Store,
    request: S3Request<ListObjectsV2Input>,
) -> S3Result<ListObjectsV2Output> {
    let input = request.input;
    let encoding = Encoding::new(input.encoding_type.as_ref())?;
    let resumed = input
        .continuation_token
        .as_deref()
        .map(decode_token)
        .transpose()?;
    let prefix = input.prefix.unwrap_or_default();
    let query = Query {
        prefix: &prefix,
        delimiter: delimiter(input.delimiter.as_deref()),
        after: resumed.as_deref().or(input.start_after.as_deref()),
        limit: describe::page_limit("max-keys", input.max_keys)?,
    };
    let page = page(store, &input.bucket, &query)?;
    let answer = Answer::new(&page, encoding, input.fetch_owner.unwrap_or(false));
    Ok(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(encoding.write(&prefix)),
        max_keys: Some(
            input
                .max_keys
                .unwrap_or(describe::MAX_PAGE)
                .min(describe::MAX_PAGE),
        ),
        key_count: i32::try_from(page.items.len()).ok(),
        continuation_token: input.continuation_token,
        is_truncated: Some(page.truncated),
        next_continuation_token: page.next().map(encode_token),
        contents: Some(answer.contents).filter(|contents| !contents.is_empty()),
        common_prefixes: Some(answer.prefixes).filter(|prefixes| !prefixes.is_empty()),
        delimiter: input.delimiter.map(|delimiter| encoding.write(&delimiter)),
        encoding_type: input.encoding_type,
        start_after: input.start_after.map(|after| encoding.write(&after)),
        request_charged: None,
    })
}

/// A token is opaque, so that nobody builds one.
fn encode_token(after: &str) -> String {
    URL_SAFE_NO_PAD.encode(after)
}

fn decode_token(token: &str) -> S3Result<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            s3_error!(
                InvalidArgument,
                "The continuation token provided is incorrect"
            )
        })
}

pub(super) async fn list_objects(
    store: &Store,
    request: S3Request<ListObjectsInput>,
) -> S3Result<ListObjectsOutput> {
    let input = request.input;
    let encoding = Encoding::new(input.encoding_type.as_ref())?;
    let prefix = input.prefix.unwrap_or_default();
    let query = Query {
        prefix: &prefix,
        delimiter: delimiter(input.delimiter.as_deref()),
        after: input.marker.as_deref().filter(|marker| !marker.is_empty()),
        limit: describe::page_limit("max-keys", input.max_keys)?,
    };
    let page = page(store, &input.bucket, &query)?;
    let answer = Answer::new(&page, encoding, true);
    // Without a delimiter the last key is the marker, and S3 does not repeat it.
    let next = page
        .next()
        .filter(|_| query.delimiter.is_some())
        .map(|next| encoding.write(next));
    Ok(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(encoding.write(&prefix)),
        marker: Some(encoding.write(&input.marker.unwrap_or_default())),
        max_keys: Some(
            input
                .max_keys
                .unwrap_or(describe::MAX_PAGE)
                .min(describe::MAX_PAGE),
        ),
        is_truncated: Some(page.truncated),
        contents: Some(answer.contents).filter(|contents| !contents.is_empty()),
        common_prefixes: Some(answer.prefixes).filter(|prefixes| !prefixes.is_empty()),
        delimiter: input.delimiter.map(|delimiter| encoding.write(&delimiter)),
        next_marker: next,
        encoding_type: input.encoding_type,
        request_charged: None,
    })
}
