//! Answers what is asked of uploads in parts.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::ETAG;

use crate::body::Received;
use crate::clock;
use crate::content::{Content, Digest};
use crate::error::{INVALID_ARGUMENT, INVALID_PART, INVALID_RANGE, NO_SUCH_UPLOAD, S3Error};
use crate::objects::{
    copy_source, describe, echo_checksum, header, own_checksum, parse_range, verify,
};
use crate::reply::Reply;
use crate::service::{Asked, Server};
use crate::store::{Description, Object, Part, Upload};
use crate::xml::{Document, rows};

fn identifier(asked: &Asked) -> Result<&str, S3Error> {
    asked.query.get("uploadId").ok_or(NO_SUCH_UPLOAD)
}

fn part_number(asked: &Asked) -> Result<u32, S3Error> {
    asked
        .query
        .get("partNumber")
        .and_then(|number| number.parse().ok())
        .filter(|number| (1..=10_000).contains(number))
        .ok_or(INVALID_ARGUMENT)
}

/// Begins an upload.
pub(crate) fn create(server: &Server, asked: &Asked) -> Result<Reply, S3Error> {
    server.store.with_bucket(&asked.bucket, |_| ())?;
    let identifier = server.store.begin_upload(Upload {
        bucket: asked.bucket.clone(),
        key: asked.key.clone(),
        begun: clock::now(),
        description: describe(&asked.headers, &[]),
        parts: BTreeMap::new(),
    });
    let mut document = Document::new("InitiateMultipartUploadResult");
    document.add("Bucket", &asked.bucket);
    document.add("Key", &String::from_utf8_lossy(&asked.key));
    document.add("UploadId", &identifier);
    Ok(Reply::document(document))
}

/// Takes a part.
pub(crate) fn put_part(
    server: &Server,
    asked: &Asked,
    received: Received,
) -> Result<Reply, S3Error> {
    let digest = Digest::of(received.bytes(), server.control.md5());
    let checksum = describe(&asked.headers, &received.trailers)
        .checksum
        .clone();
    if matches!(received.content, Content::Whole(_)) {
        verify(digest, checksum.as_ref())?;
    }
    let mut reply = Reply::empty(StatusCode::OK);
    reply.set(ETAG, &digest.entity_tag());
    echo_checksum(&mut reply, digest, checksum.as_ref());
    keep_part(server, asked, received.content, digest)?;
    Ok(reply)
}

fn keep_part(
    server: &Server,
    asked: &Asked,
    content: Content,
    digest: Digest,
) -> Result<(), S3Error> {
    let number = part_number(asked)?;
    let part = Part {
        content,
        digest,
        modified: clock::now(),
    };
    server
        .store
        .with_upload(identifier(asked)?, |upload| {
            upload.parts.insert(number, part)
        })
        .map(drop)
}

/// Takes a part from another object.
pub(crate) fn copy_part(server: &Server, asked: &Asked) -> Result<Reply, S3Error> {
    let source = copy_source(server, &asked.headers)?;
    let size = source.content.len();
    let range = match header(&asked.headers, "x-amz-copy-source-range") {
        Some(range) => parse_range(range, size)?.ok_or(INVALID_RANGE)?,
        None => 0..size,
    };
    let bytes = source.content.pieces(range).concat();
    let digest = Digest::of(&bytes, server.control.md5());
    keep_part(server, asked, Content::Whole(bytes.into()), digest)?;
    let mut document = Document::new("CopyPartResult");
    document.add("LastModified", &clock::document_form(clock::now()));
    document.add("ETag", &digest.entity_tag());
    Ok(Reply::document(document))
}

/// Makes an object of the parts that the body names.
pub(crate) fn complete(
    server: &Server,
    asked: &Asked,
    received: &Received,
) -> Result<Reply, S3Error> {
    let named = rows(received.bytes(), "Part", ["PartNumber", "ETag"])?;
    let identifier = identifier(asked)?;
    let parts = server
        .store
        .with_upload(identifier, |upload| pick_parts(&named, &upload.parts))??;
    let digests: Vec<_> = parts
        .iter()
        .map(|part| (part.digest, part.content.len()))
        .collect();
    let digest = Digest::of_parts(&digests);
    let whole = given_whole_checksum(asked);
    let sunk = parts
        .iter()
        .any(|part| matches!(part.content, Content::Sunk(_)));
    if !sunk {
        verify(digest, whole.as_ref())?;
    }
    let upload = server.store.end_upload(identifier)?;
    let object = Object {
        content: Content::Parts(parts.into_iter().map(|part| part.content).collect()),
        digest,
        modified: clock::now(),
        description: Some(Arc::new(Description {
            headers: upload.description.headers.clone(),
            checksum: whole,
        })),
    };
    server.store.put(&asked.bucket, &asked.key, object)?;
    let mut document = Document::new("CompleteMultipartUploadResult");
    document.add("Bucket", &asked.bucket);
    document.add("Key", &String::from_utf8_lossy(&asked.key));
    document.add("ETag", &digest.entity_tag());
    document.add("ChecksumCRC64NVME", &own_checksum(digest));
    Ok(Reply::document(document))
}

/// A checksum of checksums says nothing of the whole and is not kept.
fn given_whole_checksum(asked: &Asked) -> Option<(String, String)> {
    describe(&asked.headers, &[])
        .checksum
        .clone()
        .filter(|_| header(&asked.headers, "x-amz-checksum-type") != Some("COMPOSITE"))
}

fn pick_parts(
    named: &[[Option<String>; 2]],
    parts: &BTreeMap<u32, Part>,
) -> Result<Vec<Part>, S3Error> {
    let mut picked = Vec::with_capacity(named.len());
    let mut last = 0;
    for [number, tag] in named {
        let number: u32 = number
            .as_ref()
            .and_then(|number| number.parse().ok())
            .ok_or(INVALID_PART)?;
        let part = parts.get(&number).ok_or(INVALID_PART)?;
        let own_tag = part.digest.entity_tag();
        let fits = tag
            .as_ref()
            .is_some_and(|tag| tag.trim_matches('"') == own_tag.trim_matches('"'));
        if !fits || number <= last {
            return Err(INVALID_PART);
        }
        last = number;
        picked.push(part.clone());
    }
    if picked.is_empty() {
        return Err(INVALID_PART);
    }
    Ok(picked)
}

/// Gives an upload up.
pub(crate) fn abort(server: &Server, asked: &Asked) -> Result<Reply, S3Error> {
    server.store.end_upload(identifier(asked)?)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Lists the parts of an upload, on one page.
pub(crate) fn list_parts(server: &Server, asked: &Asked) -> Result<Reply, S3Error> {
    let identifier = identifier(asked)?;
    let after = asked.query.number("part-number-marker").unwrap_or(0);
    let mut document = Document::new("ListPartsResult");
    document.add("Bucket", &asked.bucket);
    document.add("Key", &String::from_utf8_lossy(&asked.key));
    document.add("UploadId", identifier);
    document.add("IsTruncated", "false");
    server.store.with_upload(identifier, |upload| {
        let behind = |number: u32| usize::try_from(number).is_ok_and(|number| number > after);
        for (number, part) in upload.parts.iter().filter(|(number, _)| behind(**number)) {
            document.open("Part");
            document.add("PartNumber", &number.to_string());
            document.add("LastModified", &clock::document_form(part.modified));
            document.add("ETag", &part.digest.entity_tag());
            document.add("Size", &part.content.len().to_string());
            document.close("Part");
        }
    })?;
    Ok(Reply::document(document))
}

/// Lists the unfinished uploads of a bucket, on one page.
pub(crate) fn list_uploads(server: &Server, asked: &Asked) -> Result<Reply, S3Error> {
    server.store.with_bucket(&asked.bucket, |_| ())?;
    let prefix = asked.query.get("prefix").unwrap_or_default().as_bytes();
    let mut document = Document::new("ListMultipartUploadsResult");
    document.add("Bucket", &asked.bucket);
    document.add("IsTruncated", "false");
    for (identifier, upload) in server.store.uploads().iter() {
        if upload.bucket == asked.bucket && upload.key.starts_with(prefix) {
            document.open("Upload");
            document.add("Key", &String::from_utf8_lossy(&upload.key));
            document.add("UploadId", identifier);
            document.add("Initiated", &clock::document_form(upload.begun));
            document.close("Upload");
        }
    }
    Ok(Reply::document(document))
}
