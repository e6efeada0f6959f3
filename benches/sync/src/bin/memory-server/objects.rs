//! Answers what is asked of single objects.

use std::ops::Range;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH,
    LAST_MODIFIED, RANGE,
};
use hyper::{HeaderMap, StatusCode};

use crate::body::Received;
use crate::clock;
use crate::content::Digest;
use crate::error::{
    BAD_DIGEST, INVALID_ARGUMENT, INVALID_RANGE, NO_SUCH_KEY, NOT_MODIFIED, PRECONDITION_FAILED,
    S3Error,
};
use crate::query::split_path;
use crate::reply::Reply;
use crate::service::{Asked, Server};
use crate::store::{Description, Object};
use crate::xml::Document;

/// The headers that are kept and given back, beside `x-amz-meta-*`.
const KEPT: [&str; 9] = [
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
    "x-amz-storage-class",
    "x-amz-server-side-encryption",
    "x-amz-website-redirect-location",
];

const CHECKSUM: &str = "x-amz-checksum-";

/// The checksum that S3 makes itself.
pub(crate) const OWN_CHECKSUM: &str = "x-amz-checksum-crc64nvme";

/// A header as text; `None` when it is missing or no text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// What the headers of a request say of the object.
pub(crate) fn describe(headers: &HeaderMap, trailers: &[(String, String)]) -> Arc<Description> {
    let kept = headers
        .iter()
        .filter(|(name, _)| {
            KEPT.contains(&name.as_str()) || name.as_str().starts_with("x-amz-meta-")
        })
        // The framing of the request is no property of the object.
        .filter(|(_, value)| value.as_bytes() != b"aws-chunked")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Arc::new(Description {
        headers: kept,
        checksum: given_checksum(headers, trailers),
    })
}

fn given_checksum(headers: &HeaderMap, trailers: &[(String, String)]) -> Option<(String, String)> {
    let named = headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .chain(
            trailers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
    named
        .filter(|(name, _)| {
            name.strip_prefix(CHECKSUM)
                .is_some_and(|rest| !["algorithm", "mode", "type"].contains(&rest))
        })
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .next()
}

/// Refuses a body whose checksum is another one, where it is of the kind that is
/// computed anyway.
pub(crate) fn verify(digest: Digest, checksum: Option<&(String, String)>) -> Result<(), S3Error> {
    match checksum {
        Some((name, value)) if name == OWN_CHECKSUM && *value != own_checksum(digest) => {
            Err(BAD_DIGEST)
        }
        Some(_) | None => Ok(()),
    }
}

/// The value of [`OWN_CHECKSUM`].
pub(crate) fn own_checksum(digest: Digest) -> String {
    BASE64_STANDARD.encode(digest.crc64.to_be_bytes())
}

/// Puts an object.
pub(crate) fn put(server: &Server, asked: &Asked, received: Received) -> Result<Reply, S3Error> {
    if header(&asked.headers, "if-none-match") == Some("*")
        && server.store.object(&asked.bucket, &asked.key).is_ok()
    {
        return Err(PRECONDITION_FAILED);
    }
    let digest = Digest::of(received.bytes(), server.control.md5());
    let description = describe(&asked.headers, &received.trailers);
    verify(digest, description.checksum.as_ref())?;
    let mut reply = Reply::empty(StatusCode::OK);
    reply.set(ETAG, &digest.entity_tag());
    echo_checksum(&mut reply, digest, description.checksum.as_ref());
    let object = Object {
        content: received.content,
        digest,
        modified: clock::now(),
        description: Some(description),
    };
    server.store.put(&asked.bucket, &asked.key, object)?;
    Ok(reply)
}

/// Says the checksum of an object: the one its client gave, or else S3's own.
pub(crate) fn echo_checksum(
    reply: &mut Reply,
    digest: Digest,
    checksum: Option<&(String, String)>,
) {
    let (name, value) = match checksum {
        Some((name, value)) => (name.as_str(), value.clone()),
        None => (OWN_CHECKSUM, own_checksum(digest)),
    };
    if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
        reply.set(name, &value);
        reply.set(
            HeaderName::from_static("x-amz-checksum-type"),
            "FULL_OBJECT",
        );
    }
}

/// Gives an object, or its headers alone.
pub(crate) fn get(server: &Server, asked: &Asked, is_head: bool) -> Result<Reply, S3Error> {
    let object = server.store.object(&asked.bucket, &asked.key)?;
    check_conditions(&asked.headers, &object)?;
    let size = object.content.len();
    let range = match header(&asked.headers, RANGE.as_str()) {
        Some(range) => parse_range(range, size)?,
        None => None,
    };
    let (status, span) = match &range {
        Some(range) => (StatusCode::PARTIAL_CONTENT, range.clone()),
        None => (StatusCode::OK, 0..size),
    };
    let mut reply = if is_head {
        Reply::empty(status)
    } else {
        Reply::bytes(status, object.content.pieces(span.clone()))
    };
    add_headers(&mut reply, &object);
    reply.set(CONTENT_LENGTH, &(span.end - span.start).to_string());
    if range.is_some() {
        let text = format!("bytes {}-{}/{size}", span.start, span.end - 1);
        reply.set(CONTENT_RANGE, &text);
    } else if header(&asked.headers, "x-amz-checksum-mode").is_some() {
        let checksum = object
            .description
            .as_ref()
            .and_then(|it| it.checksum.as_ref());
        echo_checksum(&mut reply, object.digest, checksum);
    }
    Ok(reply)
}

fn add_headers(reply: &mut Reply, object: &Object) {
    reply.set(ETAG, &object.digest.entity_tag());
    reply.set(LAST_MODIFIED, &clock::header_form(object.modified));
    reply.set(ACCEPT_RANGES, "bytes");
    for (name, value) in object.description.iter().flat_map(|it| &it.headers) {
        reply.headers.insert(name.clone(), value.clone());
    }
}

fn check_conditions(headers: &HeaderMap, object: &Object) -> Result<(), S3Error> {
    let tag = object.digest.entity_tag();
    let names = |condition: &str| {
        condition
            .split(',')
            .map(|it| it.trim().trim_matches('"'))
            .any(|it| it == "*" || it == tag.trim_matches('"'))
    };
    if header(headers, IF_MATCH.as_str()).is_some_and(|condition| !names(condition)) {
        return Err(PRECONDITION_FAILED);
    }
    if header(headers, IF_NONE_MATCH.as_str()).is_some_and(names) {
        return Err(NOT_MODIFIED);
    }
    Ok(())
}

/// Reads `bytes=first-last`; a header of another form is no range, as HTTP has it.
pub(crate) fn parse_range(text: &str, size: u64) -> Result<Option<Range<u64>>, S3Error> {
    let Some((first, last)) = text
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Ok(None);
    };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(count)) if first.is_empty() => size.saturating_sub(count)..size,
        _ => return Ok(None),
    };
    if range.is_empty() {
        return Err(INVALID_RANGE);
    }
    Ok(Some(range))
}

/// The object that `x-amz-copy-source` names.
pub(crate) fn copy_source(server: &Server, headers: &HeaderMap) -> Result<Object, S3Error> {
    let source = header(headers, "x-amz-copy-source").ok_or(INVALID_ARGUMENT)?;
    let path = source
        .split_once("?versionId=")
        .map_or(source, |(path, _)| path);
    let (bucket, key) = split_path(path);
    let object = server.store.object(&bucket, &key)?;
    let wanted = header(headers, "x-amz-copy-source-if-match");
    if wanted
        .is_some_and(|tag| tag.trim_matches('"') != object.digest.entity_tag().trim_matches('"'))
    {
        return Err(PRECONDITION_FAILED);
    }
    Ok(object)
}

/// Copies an object; its bytes are shared.
pub(crate) fn copy(server: &Server, asked: &Asked) -> Result<Reply, S3Error> {
    let mut object = copy_source(server, &asked.headers)?;
    object.modified = clock::now();
    if header(&asked.headers, "x-amz-metadata-directive") == Some("REPLACE") {
        object.description = Some(describe(&asked.headers, &[]));
    }
    let mut document = Document::new("CopyObjectResult");
    document.add("LastModified", &clock::document_form(object.modified));
    document.add("ETag", &object.digest.entity_tag());
    server.store.put(&asked.bucket, &asked.key, object)?;
    Ok(Reply::document(document))
}

/// Deletes an object, whether it is there or not.
pub(crate) fn delete(server: &Server, asked: &Asked) -> Result<Reply, S3Error> {
    let deleted = server
        .store
        .change_bucket(&asked.bucket, |objects| objects.remove(&asked.key[..]));
    match deleted {
        Ok(_) | Err(NO_SUCH_KEY) => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_range;
    use crate::error::INVALID_RANGE;

    #[test]
    fn ranges_are_those_of_http() {
        assert_eq!(parse_range("bytes=2-5", 10), Ok(Some(2..6)));
        assert_eq!(parse_range("bytes=2-50", 10), Ok(Some(2..10)));
        assert_eq!(parse_range("bytes=2-", 10), Ok(Some(2..10)));
        assert_eq!(parse_range("bytes=-3", 10), Ok(Some(7..10)));
        assert_eq!(parse_range("bytes=10-", 10), Err(INVALID_RANGE));
        assert_eq!(parse_range("lines=1-2", 10), Ok(None));
    }
}
