//! Answers what is asked of buckets, and of many objects at once.

use bytes::Bytes;

use crate::body::Received;
use crate::clock;
use crate::content::{Content, Digest};
use crate::error::{NO_SUCH_BUCKET, S3Error};
use crate::query::Query;
use crate::reply::Reply;
use crate::service::{Asked, Server};
use crate::store::{Object, Objects};
use crate::xml::{Document, rows};

use hyper::StatusCode;

/// Makes a bucket.
pub(crate) fn create(server: &Server, asked: &Asked) -> Reply {
    server.store.create_bucket(&asked.bucket);
    Reply::empty(StatusCode::OK)
}

/// Says whether a bucket is there.
pub(crate) fn head(server: &Server, asked: &Asked) -> Result<Reply, S3Error> {
    server.store.with_bucket(&asked.bucket, |_| ())?;
    let mut reply = Reply::empty(StatusCode::OK);
    let region = hyper::header::HeaderName::from_static("x-amz-bucket-region");
    reply.set(region, "us-east-1");
    Ok(reply)
}

/// Says where a bucket is; nothing stands for the first region.
pub(crate) fn location(server: &Server, asked: &Asked) -> Result<Reply, S3Error> {
    server.store.with_bucket(&asked.bucket, |_| ())?;
    Ok(Reply::document(Document::new("LocationConstraint")))
}

/// Lists all buckets.
pub(crate) fn list(server: &Server) -> Reply {
    let mut document = Document::new("ListAllMyBucketsResult");
    document.open("Buckets");
    for name in server.store.bucket_names() {
        document.open("Bucket");
        document.add("Name", &name);
        document.add("CreationDate", &clock::document_form(0));
        document.close("Bucket");
    }
    document.close("Buckets");
    Reply::document(document)
}

/// Deletes the objects that the body names.
pub(crate) fn delete_objects(
    server: &Server,
    asked: &Asked,
    received: &Received,
) -> Result<Reply, S3Error> {
    let body = received.bytes();
    let quiet = rows(body, "Delete", ["Quiet", "Quiet"])?
        .iter()
        .any(|row| row[0].as_deref() == Some("true"));
    let keys: Vec<String> = rows(body, "Object", ["Key", "VersionId"])?
        .into_iter()
        .filter_map(|[key, _]| key)
        .collect();
    server.store.change_bucket(&asked.bucket, |objects| {
        for key in &keys {
            objects.remove(key.as_bytes());
        }
    })?;
    let mut document = Document::new("DeleteResult");
    for key in keys.iter().filter(|_| !quiet) {
        document.open("Deleted");
        document.add("Key", key);
        document.close("Deleted");
    }
    Ok(Reply::document(document))
}

/// Puts `folders` times `files` empty objects, `FOLDER/FILE` in four digits each,
/// so that a listing of a million keys need not be uploaded first.
pub(crate) fn seed(server: &Server, query: &Query) -> Result<u64, S3Error> {
    let bucket = query.get("bucket").ok_or(NO_SUCH_BUCKET)?;
    let prefix = query.get("prefix").unwrap_or_default();
    let folders = query.number("folders").unwrap_or(0);
    let files = query.number("files").unwrap_or(0);
    let empty = Object {
        content: Content::Whole(Bytes::new()),
        digest: Digest::of(b"", server.control.md5()),
        modified: clock::now(),
        description: None,
    };
    server.store.create_bucket(bucket);
    server.store.change_bucket(bucket, |objects: &mut Objects| {
        for folder in 0..folders {
            for file in 0..files {
                let key = format!("{prefix}{folder:04}/{file:04}");
                objects.insert(key.into_bytes().into(), empty.clone());
            }
        }
        objects.len() as u64
    })
}
